"""The temporal pyramid discriminator: clips as pictures of many channels, at several speeds.

Y. Wang, "Learning to Generate Human Videos", 2021, section 5.2.3. It needs nothing but clips, and can take the place of
any 3-D discriminator.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.nn.residual_discriminator import ResidualDiscriminator

View = Float[Tensor, "b _k h w"]


def time_to_channels(x: Float[Tensor, "b c t h w"], step: int = 1) -> Float[Tensor, "b k h w"]:
    """Every `step`-th frame of clips, one after another in the channels: one frame's colours, the next's, …"""
    return x[:, :, ::step].transpose(1, 2).flatten(1, 2)


def channels_to_time(x: Float[Tensor, "b k h w"], channels: int) -> Float[Tensor, "b c t h w"]:
    """Undoes `time_to_channels` with step 1: clips of `channels` colours."""
    return x.unflatten(1, (-1, channels)).transpose(1, 2)


def speeds_of(frames: int, levels: int) -> list[tuple[int, int]]:
    """For each speed of a pyramid, the distance of the frames it sees, and how many they are.

    Raises:
        InputError: the slowest speed would see fewer than two frames.
    """
    if levels < 0:
        raise InputError(f"levels: {levels} is less than 0")
    if levels and frames < 2 << (levels - 1):
        raise InputError(f"frames: {frames} is too few for {levels} speeds (expected at least {2 << (levels - 1)})")
    return [(1 << level, len(range(0, frames, 1 << level))) for level in range(levels)]


class TemporalPyramid(nn.Module):
    """TPD: one 2-D discriminator for each speed, D_V0 for all frames, D_V1 for every second one, D_V2 every fourth, …

    Args:
        channels: colour channels of a frame.
        image_size: height and width of a frame, a power of 2.
        frames: of the clips.
        levels: how many speeds, n; 0 is a pyramid that judges nothing.
        widths: channels of each discriminator at 4, 8, 16, ... pixels; those of `ResidualDiscriminator` if not given.

    Attributes:
        speeds: see `speeds_of`, one for each discriminator.

    Raises:
        InputError: the slowest speed would see fewer than two frames, or the size or the widths do not fit.
    """

    def __init__(
        self,
        channels: int = 3,
        image_size: int = 64,
        frames: int = 16,
        levels: int = 4,
        widths: list[int] | None = None,
    ) -> None:
        super().__init__()
        self.speeds = speeds_of(frames, levels)
        self.discriminators = nn.ModuleList(
            ResidualDiscriminator(channels * count, image_size, widths) for _, count in self.speeds
        )

    def views(self, x: Float[Tensor, "b c t h w"], starts: Int[Tensor, " levels"] | None = None) -> list[View]:
        """What each discriminator gets to see of clips.

        Args:
            x: clips of as many frames as the pyramid was made for.
            starts: the first frame of each speed; frame 0 if not given.
        """
        if starts is None:
            return [time_to_channels(x, step) for step, _ in self.speeds]
        taken = (
            start + torch.arange(0, step * count, step, device=x.device)
            for (step, count), start in zip(self.speeds, starts, strict=True)
        )
        return [time_to_channels(x.index_select(2, frames)) for frames in taken]

    def forward(self, x: Float[Tensor, "b c t h w"]) -> list[Float[Tensor, "b 1"]]:
        """Judges clips in [-1, 1]: one logit a clip from each discriminator."""
        return [D(view) for D, view in zip(self.discriminators, self.views(x), strict=True)]
