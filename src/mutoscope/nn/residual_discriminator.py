"""The residual image discriminator of StyleGAN2, for pictures of any number of channels."""

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.nn.equalised import EqualConv2d, EqualLinear
from mutoscope.nn.filters import blur, downsample

WIDTHS = (512, 512, 512, 512, 256, 128)
"""Channels at 4, 8, 16, ... pixels, in generators and discriminators."""
GROUP = 4


def widths_for(image_size: int, widths: list[int] | None, what: str = "widths") -> list[int]:
    """Channels at 4, 8, 16, ... up to `image_size` pixels: those given, which messages call `what`, or `WIDTHS`.

    Raises:
        InputError: the size is not 8, 16, 32, ..., or there is not one width for each.
    """
    levels = image_size.bit_length() - 2
    if image_size < 8 or image_size & (image_size - 1):
        raise InputError(f"image_size: {image_size} (expected 8, 16, 32, ...)")
    chosen = list(WIDTHS[:levels] if widths is None else widths)
    if len(chosen) != levels or min(chosen) < 1:
        raise InputError(
            f"{what}: {chosen} (expected {levels} numbers of channels, 1 or more, for {image_size} pixels)"
        )
    return chosen


class ResidualBlock(nn.Module):
    """Two convolutions, the second of which halves the map, beside a 1 × 1 one; blurred before every other pixel goes.

    Karras et al. 2020, Fig. 7c.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv1 = EqualConv2d(n_in, n_in, 3, padding=1, activation=True)
        self.conv2 = EqualConv2d(n_in, n_out, 3, stride=2, activation=True)
        self.skip = EqualConv2d(n_in, n_out, 1, bias=False)

    def forward(self, x: Float[Tensor, "n n_in h w"]) -> Float[Tensor, "n n_out h_out w_out"]:
        return (self.conv2(blur(self.conv1(x), 2)) + self.skip(downsample(x))) / math.sqrt(2)


class MinibatchDeviation(nn.Module):
    """One more channel: how much the members of a group of at most 4 neighbours in the batch differ, on the whole.

    Karras et al. 2018, section 3. The group's size is the largest up to 4 that divides the batch.
    """

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c_out h w"]:
        group = next(size for size in range(GROUP, 0, -1) if len(x) % size == 0)
        members = x.float().unflatten(0, (-1, group))
        deviation = (members.var(1, correction=0) + 1e-8).sqrt().mean((1, 2, 3))
        channel = deviation.repeat_interleave(group)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        return torch.cat([x, channel.to(x.dtype)], 1)


class ResidualDiscriminator(nn.Module):
    """How real pictures look, one logit each (Karras et al. 2020, section 4.1: residual, without progressive growing).

    It has a statistic over the batch: judge real and fake pictures apart.

    Args:
        channels: of the pictures.
        image_size: their height and width, a power of 2.
        widths: channels at 4, 8, 16, ... pixels; `WIDTHS` if not given.

    Raises:
        InputError: the size is not 8, 16, 32, ..., or there is not one width for each.
    """

    def __init__(self, channels: int = 3, image_size: int = 64, widths: list[int] | None = None) -> None:
        super().__init__()
        at = widths_for(image_size, widths)
        self.from_colours = EqualConv2d(channels, at[-1], 1, activation=True)
        self.blocks = nn.Sequential(*(ResidualBlock(n_in, n_out) for n_in, n_out in pairwise(reversed(at))))
        self.deviation = MinibatchDeviation()
        self.last = EqualConv2d(at[0] + 1, at[0], 3, padding=1, activation=True)
        self.head = nn.Sequential(EqualLinear(16 * at[0], at[0], activation=True), EqualLinear(at[0], 1))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 1"]:
        """Judges pictures in [-1, 1]."""
        h = self.blocks(self.from_colours(x.contiguous(memory_format=torch.channels_last)))
        return self.head(self.last(self.deviation(h)).flatten(1))
