"""G_R, which refines a coarse clip (section 6, Table 2), and D_V, its critic of clips.

Table 2 is read as a mirrored encoder and decoder, and its size rule extended to other lengths and sizes of clips.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.nn import BatchNorm3d
from mutoscope.systems.frgan.config import FRGANConfig
from mutoscope.systems.frgan.networks.blocks import init_weights
from mutoscope.systems.frgan.networks.forecasting import LEAK

Volume = Float[Tensor, "_n _c _t _h _w"]
Triple = tuple[int, int, int]

SHALLOW = 2
"""So many of the largest maps have no deep skip."""
MASK_BIAS = -2.0
"""Where the mask begins, before its sigmoid: below 0, an untrained network changes little."""


class Refined(NamedTuple):
    """A refined clip and what it is made of.

    Attributes:
        clip: in [-1, 1].
        mask: m, how much of each pixel is new, in [0, 1].
        content: c, in [-1, 1].
    """

    clip: Float[Tensor, "b c t s s"]
    mask: Float[Tensor, "b 1 t s s"]
    content: Float[Tensor, "b c t s s"]


class Step(NamedTuple):
    """Kernel, stride and padding of a convolution over time, height and width."""

    kernel: Triple
    stride: Triple
    padding: Triple


BOTH = Step((4, 4, 4), (2, 2, 2), (1, 1, 1))
SPACE = Step((3, 4, 4), (1, 2, 2), (1, 1, 1))


def steps_down(config: FRGANConfig) -> tuple[list[Step], Triple]:
    """The convolutions that halve clips, and frames, height and width of what is left.

    Space is halved as in G_M. Time is halved as often as it can be, in the last of these steps.
    """
    levels, frames, size = config.levels, config.frames, config.image_size >> config.levels
    in_time = min(levels, (frames & -frames).bit_length() - 1)
    return [SPACE] * (levels - in_time) + [BOTH] * in_time, (frames >> in_time, size, size)


def level_widths(config: FRGANConfig) -> list[int]:
    """Channels of E0, E1, ...: doubling from `ch_R` up to `max_ch_R`."""
    return [min(config.ch_R << level, config.max_ch_R) for level in range(config.levels)]


class WholeConv3d(nn.Conv3d):
    """A convolution whose kernel is as large as its input: a product of matrices, which is faster as such."""

    def forward(self, x: Float[Tensor, "b i t h w"]) -> Float[Tensor, "b o 1 1 1"]:
        return F.linear(x.flatten(1), self.weight.flatten(1), self.bias)[:, :, None, None, None]


class WholeConvTranspose3d(nn.ConvTranspose3d):
    """The transposed convolution of a single position, a product of matrices too."""

    def forward(  # type: ignore[override]  # takes no `output_size`
        self, x: Float[Tensor, "b i 1 1 1"]
    ) -> Float[Tensor, "b o t h w"]:
        assert self.bias is not None
        grown = torch.mm(x.flatten(1), self.weight.flatten(1)).view(len(x), *self.weight.shape[1:])
        return grown + self.bias.to(grown.dtype)[:, None, None, None]


class ClipEncoder(nn.ModuleList):
    """E0, E1, ...: convolutions that halve clips, each followed by a leaky ReLU.

    Args:
        n_in: channels of clips and motion maps together.
        widths: channels after each convolution.
        steps: how each convolves.
        slope: of the leaky ReLUs; 0 is a ReLU.
    """

    def __init__(self, n_in: int, widths: Sequence[int], steps: Sequence[Step], slope: float = 0.0) -> None:
        pairs = pairwise([n_in, *widths])
        super().__init__(nn.Conv3d(a, b, *step) for (a, b), step in zip(pairs, steps, strict=True))
        self.slope = slope

    def forward(self, clip: Float[Tensor, "b c t s s"], maps: Float[Tensor, "b m t s s"]) -> list[Volume]:
        """All activations, the largest first."""
        # not with channels last: so many weights would be laid out anew in every pass (measured on a CPU)
        x = torch.cat([clip, maps], 1).contiguous()
        activations = []
        for conv in self:
            x = F.leaky_relu(conv(x), self.slope)
            activations.append(x)
        return activations


class RefiningNetwork(nn.Module):
    """G_R: a coarse clip and its motion maps to a clip that moves as real ones do."""

    def __init__(self, config: FRGANConfig) -> None:
        super().__init__()
        self.config = config
        steps, bottom = steps_down(config)
        widths = level_widths(config)
        first_skip = {"deep": SHALLOW, "all": 0, "none": len(steps)}[config.skips_R]
        self.skipped = [level >= first_skip for level in range(len(steps))]
        self.encoder = ClipEncoder(config.channels + config.C_M, widths, steps)
        self.squeeze = WholeConv3d(widths[-1], widths[-1], bottom)
        beside = config.fusion_R == "concat"
        joined = [width * (1 + (skip and beside)) for width, skip in zip(widths, self.skipped, strict=True)]
        self.grow = nn.ModuleList([WholeConvTranspose3d(widths[-1], widths[-1], bottom)])
        for level in range(len(steps) - 1, 0, -1):
            self.grow.append(nn.ConvTranspose3d(joined[level], widths[level - 1], *steps[level]))
        self.norms = nn.ModuleList(BatchNorm3d(width) for width in reversed(widths))
        self.heads = nn.ConvTranspose3d(joined[0], config.channels + 1, *steps[0])
        init_weights(self)
        assert self.heads.bias is not None
        nn.init.constant_(self.heads.bias[config.channels :], MASK_BIAS)

    def forward(self, coarse: Float[Tensor, "b c t s s"], maps: Float[Tensor, "b m t s s"]) -> Refined:
        """The refined clips, content blended into the coarse ones by a mask (Eq. 15)."""
        encoded = self.encoder(coarse, maps)
        x = self.squeeze(encoded[-1])
        for level, grow, norm in zip(reversed(range(len(encoded))), self.grow, self.norms, strict=True):
            x = F.relu(norm(grow(x)))
            if self.skipped[level]:
                x = x + encoded[level] if self.config.fusion_R == "add" else torch.cat([x, encoded[level]], 1)
        drawn = self.heads(x).float()
        content, mask = drawn[:, : self.config.channels].tanh(), drawn[:, self.config.channels :].sigmoid()
        return Refined(mask * content + (1 - mask) * coarse, mask, content)


class ClipCritic(nn.Module):
    """D_V: how real a clip looks together with its motion maps, an unbounded score."""

    def __init__(self, config: FRGANConfig) -> None:
        super().__init__()
        steps, bottom = steps_down(config)
        widths = level_widths(config)
        self.encoder = ClipEncoder(config.channels + config.C_M, widths, steps, LEAK)
        self.score = WholeConv3d(widths[-1], 1, bottom)
        init_weights(self)

    def forward(
        self, clip: Float[Tensor, "b c t s s"], maps: Float[Tensor, "b m t s s"]
    ) -> tuple[Float[Tensor, " b"], list[Volume]]:
        """Scores, and the activations E0, E1, ... that the ranking loss compares."""
        activations = self.encoder(clip, maps)
        return self.score(activations[-1]).flatten().float(), activations

    def scores(self, clip: Float[Tensor, "b c t s s"], maps: Float[Tensor, "b m t s s"]) -> Float[Tensor, " b"]:
        """Scores alone."""
        return self(clip, maps)[0]
