"""What the baselines share: clips drawn from noise, a few at a time, and the pictures of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from mutoscope.data.clips import Clips
from mutoscope.data.windows import ClipWindows
from mutoscope.errors import InputError
from mutoscope.losses import bce
from mutoscope.media.results import Sheet, Video
from mutoscope.media.sheets import contact_sheet
from mutoscope.media.tensors import float_to_uint8
from mutoscope.nn import TemporalPyramid, normalising_parts, widths_for
from mutoscope.systems.base import Stage, System
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.config import (
    Colours,
    Config,
    FrameStep,
    Multiplier,
    PyramidGamma,
    PyramidLevels,
    PyramidWidths,
)
from mutoscope.systems.control import Fps, Seed, control
from mutoscope.systems.draws import Draws
from mutoscope.systems.parameters import Range
from mutoscope.systems.twin_motion import trajectory_measures

CLIPS_AT_ONCE = 16
Side = Literal[16, 32, 64]
"""Height and width of a frame that a 4 × 4 map is doubled to."""
Clip = Float[Tensor, "n c t h w"]
MakeOptimizer = Callable[[nn.Module], torch.optim.Optimizer]


@dataclass(frozen=True)
class ClipsConfig(Config):
    """Choices of all of them; a baseline adds its own, `frames` among them, and a sentence for each."""

    channels: Colours = 3
    image_size: Side = 64
    frame_step: FrameStep = (1, 1)
    width: Multiplier = 1.0
    d_v: Literal["3d", "pyramid"] = "3d"
    pyramid_levels: PyramidLevels = 4
    pyramid_widths: PyramidWidths = None
    r1_gamma: PyramidGamma = 10.0

    def check(self) -> None:
        check_step(self.frame_step)
        if self.d_v == "pyramid":
            with torch.device("meta"):  # takes no memory
                pyramid_of(self)


@dataclass(frozen=True)
class ScoreLoss:
    """What a discriminator with batch normalisation plays for, by default logistic; `optimizer` makes its own."""

    optimizer: MakeOptimizer

    def penalises(self, iteration: int) -> bool:
        """Whether an iteration's loss has a penalty; see `PyramidLoss`."""
        return False

    def of_D(self, D: nn.Module, real: Tensor, fake: Tensor, penalised: bool) -> Float[Tensor, ""]:
        """D: real is real, fake is fake; each normalised by its own batch statistics."""
        with normalising_parts(D, 2):
            on_real, on_fake = D(torch.cat([real, fake])).chunk(2)
        return bce(on_real, 1.0) + bce(on_fake, 0.0)

    def of_G(self, D: nn.Module, fake: Tensor) -> Float[Tensor, ""]:
        """G: D takes what it draws for real (non-saturating)."""
        return bce(D(fake), 1.0)


class VideoGAN(System):
    """A generator of clips; a subclass draws them from random numbers (`draw`).

    Attributes:
        config: has `frames` (of a clip in training) and `frame_step`.
        endless: whether it draws clips longer than these.
    """

    endless: ClassVar[bool] = False

    def draw(self, n: int, frames: int, draws: Draws) -> Clip:
        """n clips in [-1, 1] of `frames` frames."""
        raise NotImplementedError

    def examples(self, clips: Clips, stage: Stage) -> ClipWindows:
        o = self.config
        return ClipWindows(clips, o.frames, step=o.frame_step, columns=o.columns, seed=self.seed)

    @torch.no_grad()
    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        """Clips from noise; where one frame is asked for, that of a random time of each."""
        n, lengths, frames, longest = conditions.count, conditions.lengths, conditions.longest, self.config.frames
        if frames > longest and not self.endless:
            raise InputError(f"frames: {frames} is more than this {self.name} draws (expected at most {longest})")
        starts = [0] * n if frames > 1 else np.random.default_rng(seed).integers(longest, size=n).tolist()
        draws = Draws(torch.Generator(self.device).manual_seed(seed))
        for first in range(0, n, CLIPS_AT_ONCE):
            clips = self.draw(CLIPS_AT_ONCE, frames if frames > 1 else longest, draws)
            for i, clip in enumerate(float_to_uint8(clips[: n - first].movedim(2, 1)), first):
                yield clip[starts[i] : starts[i] + lengths[i]]

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        return trajectory_measures(self, clips, seed)

    @control
    def sample(
        self,
        *,
        clips: Annotated[int, Range(1, 64)] = 8,
        frames: Annotated[int | None, Range(1, 1000)] = None,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Clips from noise, side by side.

        Args:
            clips: How many.
            frames: Frames of each; as many as in training if not given.
            fps: Frames per second.
            seed: Seed of the noise.
        """
        drawn = list(self.outputs(Conditions(clips, frames or self.config.frames), seed))
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
        drawn = list(self.outputs(Conditions(clips, self.config.frames), seed))
        return Sheet(contact_sheet(drawn, columns), clips, min(columns, self.config.frames))

    def sample_sheet(self, clips: Clips) -> Sheet:
        was_training = self.training
        try:
            return self.eval().sheet()
        finally:
            self.train(was_training)


def levels_of(image_size: int) -> int:
    """How often a 4 × 4 map doubles to become a frame."""
    return image_size.bit_length() - 3


def scaled(width: float, *channels: int) -> list[int]:
    """The paper's channels times a multiplier, at least one each."""
    return [max(1, round(each * width)) for each in channels]


def pyramid_of(config: Any) -> TemporalPyramid:
    """The temporal pyramid that takes the place of a method's own video discriminator; MintGAN's widths by default.

    Raises:
        InputError: the clips are too short for so many speeds, or there is not one width for each size of a map.
    """
    widths = widths_for(config.image_size, config.pyramid_widths, "pyramid_widths")
    return TemporalPyramid(config.channels, config.image_size, config.frames, config.pyramid_levels, widths)


def check_step(frame_step: tuple[int, int]) -> None:
    """Raises InputError where the lowest step between frames is more than the highest."""
    if frame_step[0] > frame_step[1]:
        raise InputError(f"frame_step: {frame_step} is empty (lowest value first)")
