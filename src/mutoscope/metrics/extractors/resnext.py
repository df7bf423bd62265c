"""3-D ResNeXt-101 (Hara et al. 2018, Kinetics), whose features the video FID of ImaGINator, G³AN and MintGAN uses.

Of which layer is not said there: those of the last are on another scale than the averages before it. The names of the
layers are those of the published weights, `resnext-101-kinetics.pth`.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.metrics.extractors.base import Kind, centre_window, in_batches, resized, with_channels
from mutoscope.metrics.extractors.published import find_file, load_state
from mutoscope.nn import read_state

TAPS = {"resnext101-2048": 2048, "resnext101-400": 400}
USUAL_FILES = ("resnext-101-kinetics.pth",)
SIZE, FRAMES = 112, 16
MEAN = (114.7748, 107.7354, 99.4750)
"""Mean red, green and blue of the training videos, 0 to 255."""
GROUPS = 32
CLIPS_AT_ONCE = 8


class Bottleneck(nn.Module):
    """Grouped 3 × 3 × 3 convolution between two of 1 × 1 × 1, beside a shortcut, projected where shapes differ (B)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 2 * width
        self.conv1 = nn.Conv3d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, stride, 1, groups=GROUPS, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3 = nn.Conv3d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm3d(outputs))

    def forward(self, x: Float[Tensor, "n i t h w"]) -> Float[Tensor, "n o s y x"]:
        y = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y)).relu_()
        return (self.bn3(self.conv3(y)) + self.downsample(x)).relu_()


def stage(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    """Bottlenecks of one width, the first of which may halve time and space."""
    rest = (Bottleneck(2 * width, width, 1) for _ in range(blocks - 1))
    return nn.Sequential(Bottleneck(inputs, width, stride), *rest)


class ResNeXt101(nn.Module):
    """Clips `n 3 t h w`, RGB from 0 to 255 less `MEAN`, to features.

    Args:
        classes: of the last layer (400 in Kinetics).
    """

    def __init__(self, classes: int = 400) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(3, 64, 7, (1, 2, 2), 3, bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        self.layer1 = stage(64, 128, blocks=3, stride=1)
        self.layer2 = stage(256, 256, blocks=4, stride=2)
        self.layer3 = stage(512, 512, blocks=23, stride=2)
        self.layer4 = stage(1024, 1024, blocks=3, stride=2)
        self.fc = nn.Linear(2048, classes)

    def forward(self, clips: Float[Tensor, "n 3 t h w"], dims: int = 2048) -> Float[Tensor, "n k"]:
        """The 2,048 means over time and space (pool2048), or the logits of the last layer (fc400) for other `dims`."""
        x = F.max_pool3d(self.bn1(self.conv1(clips)).relu_(), 3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        x = x.mean((2, 3, 4))
        return x if dims == 2048 else self.fc(x)


class ResNeXtExtractor:
    """2,048 or 400 features of clips of at least 16 frames.

    Protocol: the 16 centre frames, grey replicated, 112 × 112 by the bilinear filter (antialiased where it shrinks), 0
    to 255 less the mean colour; features averaged over time and space, or the logits made of these.

    Attributes:
        name: `resnext101-2048` or `resnext101-400`.
        kind: "clip".

    Args:
        name: which features.
        file: the weights; None looks for `resnext-101-kinetics.pth` among torch.hub's checkpoints.
        device: where to compute.

    Raises:
        InputError: the name is unknown, or the file is missing or holds other weights.
    """

    kind: Kind = "clip"

    def __init__(self, name: str = "resnext101-2048", file: str | Path | None = None, device: str = "cpu") -> None:
        if name not in TAPS:
            raise InputError(f"{name}: no features of ResNeXt-101 (expected one of {', '.join(TAPS)})")
        self.name = name
        path = find_file(name, file, USUAL_FILES)
        state = read_state(path)
        classes = len(state["fc.bias"]) if "fc.bias" in state else 400
        if name == "resnext101-400" and classes != 400:
            raise InputError(f"{path}: tells {classes} classes (expected 400, of Kinetics-400)")
        self.network = ResNeXt101(classes)
        load_state(self.network, state, path, "a 3-D ResNeXt-101")
        self.network.eval().to(device)
        self._device = device

    def __call__(self, clips: UInt8[np.ndarray, "n t h w c"], /) -> Float32[np.ndarray, "n k"]:
        """Features of each clip.

        Raises:
            InputError: the clips are shorter than 16 frames.
        """
        return in_batches(self._features, centre_window(clips, FRAMES, self.name), CLIPS_AT_ONCE)

    def _features(self, clips: UInt8[np.ndarray, "n t h w c"]) -> Float[Tensor, "n k"]:
        pixels = torch.from_numpy(with_channels(clips, 3)).to(self._device).movedim(-1, -3).float()
        colours = pixels.new_tensor(MEAN)[:, None, None]
        return self.network((resized(pixels, SIZE, SIZE) - colours).transpose(1, 2), TAPS[self.name])
