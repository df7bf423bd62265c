"""Residual blocks that halve or double maps (those of WGAN-GP), and the convolutions in them in fewer multiplications.

Averaging 2 × 2 pixels after a convolution, and repeating pixels before one, are linear: both can be worked into the
kernel, and the convolution then runs over a quarter of the pixels or fewer. The weights stay those of the 3 × 3 kernel.
"""

from collections.abc import Sequence
from itertools import groupby

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.nn import BatchNorm2d, init_normal
from mutoscope.systems.frgan.config import Shortcut

Map = Float[Tensor, "_n _c _h _w"]

# What each tap of a kernel becomes, along one axis: rows are the new taps, columns the old ones.
AVERAGED = ((0.5, 0, 0), (0.5, 0.5, 0), (0, 0.5, 0.5), (0, 0, 0.5))
DOUBLED = ((0, 0, 1), (0, 1, 1), (1, 1, 0), (1, 0, 0))
STRETCHED = ((0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 1, 0), (1, 0, 0))

FEW_POSITIONS = 512
"""Below so many positions in a batch, folding a kernel costs more than it saves (measured on a CPU)."""


class _Refolding(nn.Module):
    """Kernels with 3 × 3 taps to kernels of more taps that do two steps in one."""

    matrix: Tensor

    def __init__(self, taps: tuple[tuple[float, ...], ...]) -> None:
        super().__init__()
        self.size = len(taps)
        along = torch.tensor(taps, dtype=torch.float32)
        self.register_buffer("matrix", torch.kron(along, along).T.contiguous(), persistent=False)

    def forward(self, weight: Float[Tensor, "_a _b 3 3"]) -> Float[Tensor, "_a _b _k _k"]:
        with torch.autocast(weight.device.type, enabled=False):
            return torch.mm(weight.reshape(-1, 9), self.matrix).view(*weight.shape[:2], self.size, self.size)


class AveragedConv2d(nn.Conv2d):
    """A 3 × 3 convolution followed by averages over 2 × 2 pixels: one of 4 × 4 and stride 2."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out, 3, padding=1)
        self.averaged = _Refolding(AVERAGED)

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o h_out w_out"]:
        if x.numel() // x.shape[1] < FEW_POSITIONS:
            return F.avg_pool2d(F.conv2d(x, self.weight, self.bias, padding=1), 2)
        return F.conv2d(x, self.averaged(self.weight), self.bias, stride=2, padding=1)


class JoinedConv2d(nn.Conv2d):
    """A convolution of maps joined by channel, after all were enlarged to one size by repeating pixels.

    A convolution of joined maps is the sum of theirs, so each is convolved at its own size, and neither the enlarged
    nor the joined maps are ever made.

    Args:
        widths: channels of the maps.
        n_out: channels of the result.
        kernel: 3 or 1.
    """

    def __init__(self, widths: Sequence[int], n_out: int, kernel: int = 3) -> None:
        super().__init__(sum(widths), n_out, kernel, padding=kernel // 2)
        self.doubled, self.stretched = _Refolding(DOUBLED), _Refolding(STRETCHED)

    def forward(self, maps: Sequence[Map], samples: int, size: int) -> Map:  # type: ignore[override]
        """`samples` samples of `size` × `size` pixels; one of a map that has fewer counts for several in a row."""
        # maps that are alike are joined, for that is cheap at their own size
        alike = [list(group) for _, group in groupby(maps, key=lambda x: (len(x), x.shape[-1]))]
        joined = [torch.cat(group, 1) if len(group) > 1 else group[0] for group in alike]
        weights = self.weight.split([x.shape[1] for x in joined], 1)
        parts = [self._enlarged(x, weight, size // x.shape[-1]) for x, weight in zip(joined, weights, strict=True)]
        total = parts[0].new_zeros(()) if self.bias is None else self.bias.to(parts[0].dtype)[:, None, None]
        for part in parts:
            total = total + _repeated(part, samples)
        return total

    def _enlarged(self, x: Map, weight: Map, factor: int) -> Map:
        """The convolution of x after each of its pixels became factor × factor pixels."""
        if weight.shape[-1] == 1:
            return F.interpolate(F.conv2d(x, weight), scale_factor=factor)
        if factor == 1:
            return F.conv2d(x, weight, padding=1)
        if factor == 2 and x.numel() // x.shape[1] < FEW_POSITIONS:
            return F.conv2d(F.interpolate(x, scale_factor=2), weight, padding=1)
        if factor == 2:
            return F.conv_transpose2d(x, self.doubled(weight.transpose(0, 1)), stride=2, padding=1)
        # a pixel gives a border, an inside all of one value, and another border
        thrice = F.conv_transpose2d(x, self.stretched(weight.transpose(0, 1)), stride=3, padding=1)
        return _inside_repeated(thrice, factor)


def _repeated(x: Map, samples: int) -> Map:
    return x if len(x) == samples else x.repeat_interleave(samples // len(x), 0)


def _inside_repeated(x: Map, factor: int) -> Map:
    """Of every three rows, and of every three columns, the middle one `factor - 2` times."""
    rows = x.permute(0, 2, 3, 1)
    for axis in (1, 2):
        before, inside, after = rows.unflatten(axis, (-1, 3)).split(1, axis + 1)
        shape = list(inside.shape)
        shape[axis + 1] = factor - 2
        rows = torch.cat([before, inside.expand(shape), after], axis + 1).flatten(axis, axis + 1)
    return rows.permute(0, 3, 1, 2)


class ResDown(nn.Module):
    """Halves a map: (leaky ReLU, convolution) twice and averages, beside averages and a convolution. No normalisation.

    Args:
        n_in, n_out: channels.
        slope: of the leaky ReLU; 0 is a ReLU.
        shortcut: kernel of the convolution beside.
    """

    def __init__(self, n_in: int, n_out: int, slope: float = 0.0, shortcut: Shortcut = "3x3") -> None:
        super().__init__()
        self.slope = slope
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.conv2 = AveragedConv2d(n_out, n_out)
        kernel = int(shortcut[0])
        self.shortcut = nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2)

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o h_out w_out"]:
        h = self.conv1(F.leaky_relu(x, self.slope))
        h = self.conv2(F.leaky_relu(h, self.slope))
        return h + self.shortcut(F.avg_pool2d(x, 2))


class ResUp(nn.Module):
    """Doubles maps joined by channel: batch norm, ReLU, enlarging, convolution, all that again at the new size, beside
    enlarging and a convolution.

    Maps are normalised and rectified at their own sizes and joined afterwards, which gives the same: repeating pixels
    changes no mean and no variance. (Only the unbiased variance that running estimates take counts fewer pixels.)

    Args:
        widths: channels of the maps.
        n_out: channels of the result.
        shortcut: kernel of the convolution beside.
    """

    def __init__(self, widths: Sequence[int], n_out: int, shortcut: Shortcut = "3x3") -> None:
        super().__init__()
        self.norms = nn.ModuleList(BatchNorm2d(width) for width in widths)
        self.conv1 = JoinedConv2d(widths, n_out)
        self.norm2 = BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1)
        self.shortcut = JoinedConv2d(widths, n_out, int(shortcut[0]))

    def forward(self, maps: Sequence[Map], samples: int, size: int) -> Map:
        """The result, of `samples` samples and `size` × `size` pixels, twice as many as the largest map has."""
        rectified = [F.relu(norm(x)) for norm, x in zip(self.norms, maps, strict=True)]
        h = self.conv1(rectified, samples, size)
        return self.conv2(F.relu(self.norm2(h))) + self.shortcut(maps, samples, size)


def init_weights(network: nn.Module) -> None:
    """Weights of linear layers and convolutions from N(0, 0.02²), of batch norms from N(1, 0.02²); biases are zero."""
    init_normal(network)
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)
