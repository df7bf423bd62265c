"""InceptionV3 as Fréchet distances and Inception scores use it: the network of 2015-12-05 ported from TensorFlow.

It differs from the published architecture (Szegedy et al. 2016): 1,008 classes, averages that leave out the padding,
and a maximum instead of an average in the last block. The names of the layers are those of the ported weights.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.metrics.extractors.base import Kind, in_batches, with_channels
from mutoscope.metrics.extractors.published import find_file, load_state
from mutoscope.nn import read_state

USUAL_FILES = ("pt_inception-2015-12-05-6726825d.pth", "weights-inception-2015-12-05-6726825d.pth")
TAPS: dict[str, int | None] = {
    "inception64": 64,
    "inception192": 192,
    "inception768": 768,
    "inception2048": 2048,
    "inception-logits": None,
}
SIZE, CLASSES = 299, 1008
FRAMES_AT_ONCE = 32


class ConvNorm(nn.Module):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o y x"]:
        return self.bn(self.conv(x)).relu_()


def wide(inputs: int, outputs: int, length: int) -> ConvNorm:
    """A kernel of one row that keeps the size."""
    return ConvNorm(inputs, outputs, (1, length), padding=(0, length // 2))


def tall(inputs: int, outputs: int, length: int) -> ConvNorm:
    """A kernel of one column that keeps the size."""
    return ConvNorm(inputs, outputs, (length, 1), padding=(length // 2, 0))


def average(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Means over 3 × 3, of the pixels inside the map only (TensorFlow's)."""
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class BlockA(nn.Module):
    """Mixed_5b to 5d, at 35 × 35."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = ConvNorm(inputs, 64, 1)
        self.branch5x5_1 = ConvNorm(inputs, 48, 1)
        self.branch5x5_2 = ConvNorm(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = ConvNorm(inputs, 64, 1)
        self.branch3x3dbl_2 = ConvNorm(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvNorm(96, 96, 3, padding=1)
        self.branch_pool = ConvNorm(inputs, pooled, 1)

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o h w"]:
        fives = self.branch5x5_2(self.branch5x5_1(x))
        threes = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), fives, threes, self.branch_pool(average(x))], 1)


class BlockB(nn.Module):
    """Mixed_6a, from 35 × 35 to 17 × 17."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = ConvNorm(inputs, 384, 3, stride=2)
        self.branch3x3dbl_1 = ConvNorm(inputs, 64, 1)
        self.branch3x3dbl_2 = ConvNorm(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvNorm(96, 96, 3, stride=2)

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o y x"]:
        threes = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), threes, F.max_pool2d(x, 3, 2)], 1)


class BlockC(nn.Module):
    """Mixed_6b to 6e, at 17 × 17."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.branch1x1 = ConvNorm(inputs, 192, 1)
        self.branch7x7_1 = ConvNorm(inputs, width, 1)
        self.branch7x7_2 = wide(width, width, 7)
        self.branch7x7_3 = tall(width, 192, 7)
        self.branch7x7dbl_1 = ConvNorm(inputs, width, 1)
        self.branch7x7dbl_2 = tall(width, width, 7)
        self.branch7x7dbl_3 = wide(width, width, 7)
        self.branch7x7dbl_4 = tall(width, width, 7)
        self.branch7x7dbl_5 = wide(width, 192, 7)
        self.branch_pool = ConvNorm(inputs, 192, 1)

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o h w"]:
        sevens = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), sevens, double, self.branch_pool(average(x))], 1)


class BlockD(nn.Module):
    """Mixed_7a, from 17 × 17 to 8 × 8."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3_1 = ConvNorm(inputs, 192, 1)
        self.branch3x3_2 = ConvNorm(192, 320, 3, stride=2)
        self.branch7x7x3_1 = ConvNorm(inputs, 192, 1)
        self.branch7x7x3_2 = wide(192, 192, 7)
        self.branch7x7x3_3 = tall(192, 192, 7)
        self.branch7x7x3_4 = ConvNorm(192, 192, 3, stride=2)

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o y x"]:
        sevens = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), sevens, F.max_pool2d(x, 3, 2)], 1)


class BlockE(nn.Module):
    """Mixed_7b and 7c, at 8 × 8; the last takes the maximum over 3 × 3 where the other averages."""

    def __init__(self, inputs: int, last: bool) -> None:
        super().__init__()
        self.last = last
        self.branch1x1 = ConvNorm(inputs, 320, 1)
        self.branch3x3_1 = ConvNorm(inputs, 384, 1)
        self.branch3x3_2a = wide(384, 384, 3)
        self.branch3x3_2b = tall(384, 384, 3)
        self.branch3x3dbl_1 = ConvNorm(inputs, 448, 1)
        self.branch3x3dbl_2 = ConvNorm(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = wide(384, 384, 3)
        self.branch3x3dbl_3b = tall(384, 384, 3)
        self.branch_pool = ConvNorm(inputs, 192, 1)

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o h w"]:
        once = self.branch3x3_1(x)
        twice = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = F.max_pool2d(x, 3, stride=1, padding=1) if self.last else average(x)
        return torch.cat(
            [
                self.branch1x1(x),
                self.branch3x3_2a(once),
                self.branch3x3_2b(once),
                self.branch3x3dbl_3a(twice),
                self.branch3x3dbl_3b(twice),
                self.branch_pool(pooled),
            ],
            1,
        )


class InceptionV3(nn.Module):
    """Images `n 3 299 299` in [-1, 1] to features (other sizes from 75 pixels work, with other features)."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvNorm(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = ConvNorm(32, 32, 3)
        self.Conv2d_2b_3x3 = ConvNorm(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = ConvNorm(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvNorm(80, 192, 3)
        self.Mixed_5b = BlockA(192, pooled=32)
        self.Mixed_5c = BlockA(256, pooled=64)
        self.Mixed_5d = BlockA(288, pooled=64)
        self.Mixed_6a = BlockB(288)
        self.Mixed_6b = BlockC(768, width=128)
        self.Mixed_6c = BlockC(768, width=160)
        self.Mixed_6d = BlockC(768, width=160)
        self.Mixed_6e = BlockC(768, width=192)
        self.Mixed_7a = BlockD(768)
        self.Mixed_7b = BlockE(1280, last=False)
        self.Mixed_7c = BlockE(2048, last=True)
        self.fc = nn.Linear(2048, CLASSES)

    def forward(self, images: Float[Tensor, "n 3 h w"], dims: int | None = 2048) -> Float[Tensor, "n k"]:
        """Spatial means after the first pooling (64), the second (192), Mixed_6e (768) or the last block (2048).

        `dims=None` gives the 1,008 logits without the bias, which the Inception score uses.
        """
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(images)))
        x = F.max_pool2d(x, 3, 2)
        if dims == 64:
            return x.mean((2, 3))
        x = F.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)), 3, 2)
        if dims == 192:
            return x.mean((2, 3))
        x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))
        if dims == 768:
            return x.mean((2, 3))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x))).mean((2, 3))
        return x if dims == 2048 else F.linear(x, self.fc.weight)


class InceptionExtractor:
    """Features of frames from the ported InceptionV3; a classifier of 1,008 unnamed classes.

    Protocol: grey is replicated; frames become 299 × 299 by the bilinear filter of TensorFlow 1 (no antialiasing, no
    half-pixel centres), as in the first FID code and torch-fidelity (pytorch-fid uses half-pixel centres), and values
    `(x − 128) / 128`.

    Attributes:
        name: one of `TAPS`: `inception64`, `inception192`, `inception768`, `inception2048` or `inception-logits`.
        kind: "frame".
        classes: "0" to "1007".

    Args:
        name: which features.
        file: the weights; None looks for `pt_inception-2015-12-05-6726825d.pth` among torch.hub's checkpoints.
        device: where to compute.

    Raises:
        InputError: the name is unknown, or the file is missing or holds other weights.
    """

    kind: Kind = "frame"

    def __init__(self, name: str = "inception2048", file: str | Path | None = None, device: str = "cpu") -> None:
        if name not in TAPS:
            raise InputError(f"{name}: no features of Inception (expected one of {', '.join(TAPS)})")
        self.name = name
        self.classes = [str(index) for index in range(CLASSES)]
        path = find_file(name, file, USUAL_FILES)
        self.network = InceptionV3()
        load_state(self.network, read_state(path), path, "InceptionV3 of 2015-12-05")
        self.network.eval().to(device)
        self._device = device

    def __call__(self, frames: UInt8[np.ndarray, "n h w c"], /) -> Float32[np.ndarray, "n k"]:
        """Features of each frame, in the network's own units."""
        return in_batches(lambda part: self.network(self._images(part), TAPS[self.name]), frames, FRAMES_AT_ONCE)

    def probabilities(self, frames: UInt8[np.ndarray, "n h w c"], /) -> Float32[np.ndarray, "n classes"]:
        """The softmax of the logits without bias, as the Inception score takes it."""
        return in_batches(lambda part: self.network(self._images(part), None).softmax(1), frames, FRAMES_AT_ONCE)

    def _images(self, frames: UInt8[np.ndarray, "n h w c"]) -> Float[Tensor, "n 3 299 299"]:
        pixels = torch.from_numpy(with_channels(frames, 3)).to(self._device).permute(0, 3, 1, 2).float()
        return (tensorflow_resize(pixels, SIZE) - 128) / 128


def tensorflow_resize(images: Float[Tensor, "n c h w"], size: int) -> Float[Tensor, "n c {size} {size}"]:
    """Bilinear as TensorFlow 1 does it: pixel i of the result lies at i · (old size / new size) of the source."""
    rows, columns = (_interpolation(old, size).to(images) for old in images.shape[2:])
    return rows @ images @ columns.T


def _interpolation(old: int, new: int) -> Float[Tensor, "{new} {old}"]:
    """The weight of each old pixel in each new one."""
    position = torch.arange(new) * (old / new)
    lower = position.long()
    upper = (lower + 1).clamp(max=old - 1)
    weights = torch.zeros(new, old)
    pixel = torch.arange(new)
    weights[pixel, lower] = 1 - (position - lower)
    weights[pixel, upper] += position - lower
    return weights
