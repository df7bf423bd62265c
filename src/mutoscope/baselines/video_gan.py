"""What the baselines share: clips drawn from noise, a few at a time, and the pictures of them."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.media.results import Sheet, Video
from mutoscope.media.sheets import contact_sheet
from mutoscope.media.tensors import float_to_uint8
from mutoscope.systems.base import System
from mutoscope.systems.control import Range, Rate, Seed, control
from mutoscope.systems.twin_motion import trajectory_measures

CLIPS_AT_ONCE = 16
LEVELS = {16: 2, 32: 3, 64: 4}


class VideoGAN(System):
    """A generator of clips; a subclass draws them from the random numbers of a generator (`draw`).

    Attributes:
        frames: frames of a clip in training.
        longest: most frames that can be drawn; None where there is no limit.
    """

    needs: tuple[str, ...] = ("clip",)
    longest: int | None = None

    def draw(self, n: int, frames: int, generator: torch.Generator) -> Float[Tensor, "n c t h w"]:
        """n clips in [-1, 1], from random numbers drawn on the generator's device."""
        raise NotImplementedError

    @torch.no_grad()
    def sample_clips(self, n: int, *, frames: int, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        if self.longest is not None and frames > self.longest:
            raise InputError(f"frames: {frames} is more than this {self.name} draws (expected at most {self.longest})")
        generator = torch.Generator(self.device).manual_seed(seed)
        for start in range(0, n, CLIPS_AT_ONCE):
            clips = self.draw(CLIPS_AT_ONCE, frames, generator)[: n - start]
            yield from float_to_uint8(clips.movedim(2, 1))

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        return trajectory_measures(self, clips, seed)

    @control
    def sample(
        self,
        *,
        clips: Annotated[int, Range(1, 64)] = 8,
        frames: Annotated[int | None, Range(1, 1000)] = None,
        fps: Rate = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Clips from noise, side by side.

        Args:
            clips: How many.
            frames: Frames of each; as many as in training if not given.
            fps: Frames per second.
            seed: Seed of the noise.
        """
        drawn = list(self.sample_clips(clips, frames=frames or self.frames, seed=seed))
        return Video(np.concatenate(drawn, axis=2), fps)

    @control
    def sheet(
        self,
        *,
        clips: Annotated[int, Range(1, 64)] = 8,
        columns: Annotated[int, Range(1, 64)] = 8,
        seed: Seed = 0,
    ) -> Sheet:
        """Clips from noise, one a row, time from left to right.

        Args:
            clips: How many.
            columns: Frames shown of each.
            seed: Seed of the noise.
        """
        drawn = list(self.sample_clips(clips, frames=self.frames, seed=seed))
        return Sheet(contact_sheet(drawn, columns), clips, min(columns, self.frames))

    def sample_sheet(self, clips: Clips) -> Sheet:
        was_training = self.training
        try:
            return self.eval().sheet()
        finally:
            self.train(was_training)


def levels_of(image_size: int) -> int:
    """How often a 4 × 4 map doubles to become a frame.

    Raises:
        InputError: the frame is not 16, 32 or 64 pixels wide.
    """
    if image_size not in LEVELS:
        raise InputError(f"image_size: {image_size} (expected one of {', '.join(map(str, LEVELS))})")
    return LEVELS[image_size]


def check_at_least(least: int, **arguments: float) -> None:
    """Raises InputError for the first argument below `least`."""
    for argument, value in arguments.items():
        if value < least:
            raise InputError(f"{argument}: {value} is less than {least}")
