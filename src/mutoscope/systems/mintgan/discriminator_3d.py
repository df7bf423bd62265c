"""A 3-D discriminator of the pyramid's make, to compare it with."""

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.nn import EqualLinear, widths_for
from mutoscope.nn.equalised import GAIN, SLOPE

Clip = Float[Tensor, "b _c _t _h _w"]


class EqualConv3d(nn.Module):
    """A 3-D convolution with equalised learning rate, that keeps the size of a clip."""

    def __init__(self, n_in: int, n_out: int, kernel: int, activation: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in, kernel, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.activation = activation

    def forward(self, x: Clip) -> Clip:
        gain = GAIN if self.activation else 1.0
        weight = self.weight * (gain / math.sqrt(self.weight[0].numel()))
        y = F.conv3d(x, weight, self.bias * gain, padding=self.weight.shape[-1] // 2)
        return F.leaky_relu(y, SLOPE) if self.activation else y


class ResidualBlock3d(nn.Module):
    """Two convolutions and the mean of 2 × 2 × 2 pixels, beside a 1 × 1 × 1 one; a single frame stays one."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = EqualConv3d(n_in, n_in, 3), EqualConv3d(n_in, n_out, 3)
        self.skip = EqualConv3d(n_in, n_out, 1, activation=False)

    def forward(self, x: Clip) -> Clip:
        pool = (min(2, x.shape[2]), 2, 2)
        return (F.avg_pool3d(self.conv2(self.conv1(x)), pool) + self.skip(F.avg_pool3d(x, pool))) / math.sqrt(2)


class VideoDiscriminator3d(nn.Module):
    """How real clips look, one logit each: in the place of a pyramid, it is its only discriminator and sees all frames.

    Args:
        channels: colours of a frame.
        image_size: height and width of a frame, a power of 2.
        widths: channels at 4, 8, 16, ... pixels; StyleGAN2's if not given.
    """

    def __init__(self, channels: int = 3, image_size: int = 64, widths: list[int] | None = None) -> None:
        super().__init__()
        at = widths_for(image_size, widths)
        self.from_colours = EqualConv3d(channels, at[-1], 1)
        self.blocks = nn.Sequential(*(ResidualBlock3d(n_in, n_out) for n_in, n_out in pairwise(reversed(at))))
        self.last = EqualConv3d(at[0], at[0], 3)
        self.head = nn.Sequential(EqualLinear(16 * at[0], at[0], activation=True), EqualLinear(at[0], 1))

    @property
    def discriminators(self) -> tuple[nn.Module]:
        """As of `nn.TemporalPyramid`."""
        return (self,)

    def views(self, x: Float[Tensor, "b c t h w"], starts: Tensor | None = None) -> list[Clip]:
        """As of `nn.TemporalPyramid`, of one speed."""
        return [x]

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b 1"]:
        """Judges clips in [-1, 1]."""
        h = self.blocks(self.from_colours(x.contiguous(memory_format=torch.channels_last_3d)))
        # on CPUs, the gradient of a bfloat16 convolution of so small maps holds NaN now and then (torch 2.13)
        with torch.autocast(x.device.type, enabled=False):
            return self.head(self.last(h.float()).mean(2).flatten(1))
