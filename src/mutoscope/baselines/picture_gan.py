"""What the baselines that start from a picture share: clips drawn from pictures, noise and labels; two controls."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from mutoscope.baselines.video_gan import CLIPS_AT_ONCE, Side, check_step
from mutoscope.data.clips import Clips
from mutoscope.data.windows import ClipWindows
from mutoscope.media.results import Sheet, Video
from mutoscope.media.sheets import contact_sheet
from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.systems.base import Stage, System
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.config import (
    Betas,
    Colours,
    Config,
    FrameStep,
    LabelNames,
    LearningRate,
    Multiplier,
    Size,
    Weight,
)
from mutoscope.systems.control import Fps, Seed, control
from mutoscope.systems.draws import Draws
from mutoscope.systems.inputs import Frames, read_frames
from mutoscope.systems.labels import Labels, one_hot, with_labels_of
from mutoscope.systems.noise import normal_draws
from mutoscope.systems.parameters import Range
from mutoscope.systems.picture_measures import check_pictures, continued, first_pictures, picture_measures

ROWS, COLUMNS = 8, 8  # of the sample sheet
Label = int | str | None


@dataclass(frozen=True)
class PictureConfig(Config):
    """Choices of all of them; a baseline adds its own, and a sentence for each."""

    label_names: LabelNames = None
    channels: Colours = 3
    image_size: Side = 64
    frames: Size = 32
    frame_step: FrameStep = (2, 2)
    width: Multiplier = 1.0
    lambda_rec: Weight = 100.0
    lr: LearningRate = 2e-4
    betas: Betas = (0.5, 0.999)

    def check(self) -> None:
        check_step(self.frame_step)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("label",) if self.label_names else ()

    def for_data(self, clips: Clips) -> "PictureConfig":
        return with_labels_of(self, clips)

    @property
    def categories(self) -> int:
        """Number of labels; 0 for none."""
        return len(self.label_names or ())


class PictureGAN(Labels, System):
    """A generator of clips that begin with a picture; a subclass draws them (`clips_from`)."""

    config: PictureConfig
    protocol = "continuations"

    @property
    def d_z(self) -> int:
        """Size of the noise of a clip."""
        raise NotImplementedError

    def clips_from(
        self, pictures: Float[Tensor, "n c h w"], z: Float[Tensor, "n d_z"], y: Float[Tensor, "n K"]
    ) -> Float[Tensor, "n c t h w"]:
        """Clips in [-1, 1] of pictures in [-1, 1], noise and one-hot labels (K = 0: none)."""
        raise NotImplementedError

    def examples(self, clips: Clips, stage: Stage) -> ClipWindows:
        o = self.config
        return ClipWindows(clips, o.frames, step=o.frame_step, hold_last=True, columns=o.columns, seed=self.seed)

    def codes(self, n: int, draws: Draws) -> dict[str, Tensor]:
        """`z`, the noise that a training step draws clips from."""
        return {"z": draws.normal(n, self.d_z)}

    def inputs(
        self, real: Float[Tensor, "n c t h w"], labels: Int[Tensor, " n"] | None, noise: dict[str, Tensor]
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n d_z"], Float[Tensor, "n K"]]:
        """What a training step draws from: the first frames of the real clips, noise, and the clips' labels."""
        y = real.new_zeros(len(real), 0) if labels is None else one_hot(labels, self.config.categories)
        return real[:, :, 0], noise["z"], y

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        check_pictures(self, conditions, self.config.frames)
        z = normal_draws((conditions.count, self.d_z), seed)
        return continued(conditions, self.drawn(conditions.pictures, z, self.labels_asked(conditions)))

    @torch.no_grad()
    def drawn(
        self, pictures: UInt8[np.ndarray, "n h w c"], z: Float[Tensor, "n d_z"], y: Float[Tensor, "n K"] | None
    ) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        """Clips of pictures, noise and labels, made a few at a time."""
        y = z.new_zeros(len(z), 0) if y is None else y
        for start in range(0, len(pictures), CLIPS_AT_ONCE):
            rows = slice(start, start + CLIPS_AT_ONCE)
            seen = uint8_to_float(pictures[rows], self.device)
            clips = self.clips_from(seen, z[rows].to(self.device), y[rows].to(self.device))
            yield from float_to_uint8(clips.movedim(2, 1))

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        return picture_measures(self, clips, self.config.frames, self.label_names, seed)

    def sample_sheet(self, clips: Clips) -> Sheet:
        pictures = first_pictures(clips, ROWS)
        was_training = self.training
        try:
            drawn = list(self.eval().outputs(Conditions.of_pictures(pictures, self.config.frames)))
        finally:
            self.train(was_training)
        labels = self.label_names
        names = [labels[i % len(labels)] for i in range(len(drawn))] if labels else None
        return Sheet(contact_sheet(drawn, COLUMNS, names), len(drawn), min(COLUMNS, self.config.frames))

    @control
    def animate(self, *, picture: Frames, label: Label = None, fps: Fps = 8.0, seed: Seed = 0) -> Video:
        """A picture set in motion; under all labels, side by side, where none is chosen.

        Args:
            picture: The picture to start from, or a video whose first frame it is.
            label: Number or name of the label; all labels if not given.
            fps: Frames per second.
            seed: Seed of the noise, the same for all labels.
        """
        return Video(np.concatenate(self.animations(picture, label, seed), axis=2), fps)

    @control
    def sheet(
        self, *, picture: Frames, label: Label = None, columns: Annotated[int, Range(1, 64)] = 8, seed: Seed = 0
    ) -> Sheet:
        """A picture set in motion, time from left to right; a row for each label where none is chosen.

        Args:
            picture: The picture to start from, or a video whose first frame it is.
            label: Number or name of the label; all labels if not given.
            columns: Frames shown of each clip.
            seed: Seed of the noise, the same for all labels.
        """
        drawn = self.animations(picture, label, seed)
        names = self.label_names if label is None and self.label_names else None
        return Sheet(contact_sheet(drawn, columns, names), len(drawn), min(columns, self.config.frames))

    def animations(self, picture: Frames, label: Label, seed: int) -> list[UInt8[np.ndarray, "t h w c"]]:
        """Clips of one picture and one noise, under one label or each of them."""
        o = self.config
        seen = read_frames(picture, o.image_size, o.channels)[:1]
        y = self.labels_for(max(o.categories, 1), None) if label is None else self.one_hot(label)
        n = 1 if y is None else len(y)
        z = normal_draws((1, self.d_z), seed).expand(n, -1)
        return list(self.drawn(np.repeat(seen, n, axis=0), z, y))
