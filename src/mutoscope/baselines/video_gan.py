"""What the baselines share: clips drawn from noise, a few at a time, and the pictures of them."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.data.clips import Clips
from mutoscope.data.windows import ClipWindows
from mutoscope.errors import InputError
from mutoscope.losses import PyramidLoss, bce
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
    LearningRate,
    Multiplier,
    PyramidGamma,
    PyramidLevels,
    PyramidWidths,
    check_frame_step,
)
from mutoscope.systems.control import Fps, Seed, Shown, control
from mutoscope.systems.draws import Draws
from mutoscope.systems.parameters import Range
from mutoscope.systems.twin_motion import trajectory_measures

CLIPS_AT_ONCE = 16
LATENTS = 0  # what random numbers are for
Side = Annotated[Literal[16, 32, 64], "Height and width of a frame in pixels: 16, 32 or 64."]
Width = Annotated[Multiplier, "Multiplier of all hidden widths; 1 is the paper's."]
Count = Annotated[int, Range(1, 64), "How many."]
Clip = Float[Tensor, "n c t h w"]
Noise = dict[str, Tensor]
Actions = Int[Tensor, " n"] | None
Terms = tuple[Float[Tensor, ""], Float[Tensor, ""]]


@dataclass(frozen=True)
class ClipsConfig(Config):
    """Choices of all that draw clips from noise; a baseline adds its own, `frames` among them.

    Args:
        d_v: Video discriminator: the paper's in 3-D, or MintGAN's temporal pyramid of 2-D ones.
        lr: Learning rate of all networks but a pyramid, which has its own.
    """

    lambda_rec: ClassVar[float] = 0.0  # clips of noise have nothing but labels in common with real ones
    channels: Colours = 3
    image_size: Side = 64
    frame_step: FrameStep = (1, 1)
    width: Width = 1.0
    d_v: Literal["3d", "pyramid"] = "3d"
    pyramid_levels: PyramidLevels = 4
    pyramid_widths: PyramidWidths = None
    r1_gamma: PyramidGamma = 10.0
    lr: LearningRate = 2e-4

    def check(self) -> None:
        check_frame_step(self.frame_step)
        if self.d_v == "pyramid":
            with torch.device("meta"):  # takes no memory
                pyramid_of(self)


@dataclass(frozen=True)
class ClipLoss:
    """What a discriminator plays for that gives scores and names labels: fake clips told from real ones, and labels.

    Both terms are given apart; without labels the second is 0. `optimizer` makes the discriminator's own.
    """

    optimizer: Callable[[nn.Module], torch.optim.Optimizer]

    def penalises(self, iteration: int) -> bool:
        """Whether an iteration's loss has a penalty; see `PyramidLoss`."""
        return False

    def of_D(self, D: nn.Module, real: Clip, fake: Clip, labels: Actions, penalised: bool) -> Terms:
        """D's side, real and fake clips each normalised by their own batch statistics."""
        with normalising_parts(D, 2):
            scores, named = D(torch.cat([real, fake]))
        on_real, on_fake = scores.chunk(2)
        return bce(on_real, 1.0) + bce(on_fake, 0.0), label_loss(named[: len(real)], labels)

    def of_G(self, D: nn.Module, fake: Clip, labels: Actions) -> Terms:
        """G's side: that D takes its clips for real (non-saturating), and names their labels."""
        score, named = D(fake)
        return bce(score, 1.0), label_loss(named, labels)


class PyramidClipLoss:
    """The same of a temporal pyramid, which names no labels."""

    def __init__(self, r1_gamma: float) -> None:
        self.scores = PyramidLoss(r1_gamma)
        self.penalises, self.optimizer = self.scores.penalises, self.scores.optimizer

    def of_D(self, D: nn.Module, real: Clip, fake: Clip, labels: Actions, penalised: bool) -> Terms:
        return self.scores.of_D(D, real, fake, penalised), real.new_zeros(())

    def of_G(self, D: nn.Module, fake: Clip, labels: Actions) -> Terms:
        return self.scores.of_G(D, fake), fake.new_zeros(())


def label_loss(logits: Float[Tensor, "n K"], labels: Actions) -> Float[Tensor, ""]:
    """Cross-entropy of the labels that D names; 0 without labels."""
    return logits.new_zeros(()) if labels is None else F.cross_entropy(logits.float(), labels)


class VideoGAN(System):
    """A generator of clips; a subclass draws them from random numbers (`draw`).

    Attributes:
        config: has `frames`, of a clip in training.
        endless: whether it draws clips longer than these.
        loss_D: what the discriminator of clips plays for.
    """

    endless: ClassVar[bool] = False
    loss_D: Any

    @property
    def kind(self) -> Hashable:
        return self.stage.name, self.loss_D.penalises(self.iteration)

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
        clips: Count = 8,
        frames: Annotated[int | None, Range(1, 1000), "Frames of each; as many as in training if not given."] = None,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Clips from noise, side by side."""
        drawn = list(self.outputs(Conditions(clips, frames or self.config.frames), seed))
        return Video(np.concatenate(drawn, axis=2), fps)

    @control
    def sheet(self, *, clips: Count = 8, columns: Shown = 8, seed: Seed = 0) -> Sheet:
        """Clips from noise, one a row, time from left to right."""
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


def widths_of(image_size: int, width: float) -> list[int]:
    """Channels of a video discriminator, and in reverse of a generator: 64, 128, 256, 512 at 64 pixels."""
    return scaled(width, *(64 << level for level in range(levels_of(image_size))))


def convolutions(
    conv: Any, norm: Any, widths: list[int], stride: Any = 2, padding: Any = 1, bias: bool = False
) -> list[nn.Module]:
    """Strided convolutions, batch-normalised but for the first."""
    layers: list[nn.Module] = []
    for level, (c_in, c_out) in enumerate(pairwise(widths)):
        layers.append(conv(c_in, c_out, 4, stride, padding, bias=bias))
        layers += [norm(c_out)] if level else []
        layers.append(nn.LeakyReLU(0.2, inplace=True))
    return layers


def deconvolutions(conv: Any, norm: Any, dim_z: int, widths: list[int], bottom: Any) -> list[nn.Module]:
    """From a code to a map of the size `bottom`, doubled with every further width."""
    layers: list[nn.Module] = [conv(dim_z, widths[0], bottom, bias=False)]
    for c_in, c_out in pairwise(widths):
        layers += [norm(c_in), nn.ReLU(inplace=True), conv(c_in, c_out, 4, 2, 1, bias=False)]
    return [*layers, norm(widths[-1]), nn.ReLU(inplace=True)]
