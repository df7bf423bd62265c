"""What the baselines that start from a picture share: clips drawn from pictures, noise and labels; two controls."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from mutoscope.baselines.video_gan import CLIPS_AT_ONCE, Actions, Clip, Noise, Side, Width
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
    FrameStep,
    LearningRate,
    Size,
    Weight,
    check_frame_step,
)
from mutoscope.systems.control import Fps, Seed, Shown, control
from mutoscope.systems.draws import Draws
from mutoscope.systems.inputs import Frames, read_frames
from mutoscope.systems.labels import LabelledConfig, Labels, one_hot
from mutoscope.systems.noise import normal_draws
from mutoscope.systems.picture_measures import check_pictures, continued, first_pictures, picture_measures

ROWS, COLUMNS = 8, 8  # of the sample sheet
Picture = Annotated[Frames, "The picture to start from, or a video whose first frame it is."]
Label = Annotated[int | str | None, "Number or name of the label; all labels if not given."]
SharedSeed = Annotated[Seed, "Seed of the noise, the same for all labels."]
Pictures = Float[Tensor, "n c h w"]
DrawnClip = UInt8[np.ndarray, "t h w c"]


@dataclass(frozen=True)
class PictureConfig(LabelledConfig):
    """Choices of all of them; a baseline adds its own.

    Args:
        dim_picture: Size of the code of the picture.
        lambda_rec: Weight of the mean absolute error between generated and real clips, in units of [-1, 1] pixels.
        lr: Learning rate of all networks.
    """

    channels: Colours = 3
    image_size: Side = 64
    frames: Size = 32
    frame_step: FrameStep = (2, 2)
    width: Width = 1.0
    dim_picture: Size = 100
    lambda_rec: Weight = 100.0
    lr: LearningRate = 2e-4
    betas: Betas = (0.5, 0.999)

    def check(self) -> None:
        check_frame_step(self.frame_step)


class PictureGAN(Labels, System):
    """A generator G of clips that begin with a picture, from it, noise and one-hot labels (K = 0: none)."""

    config: PictureConfig
    protocol = "continuations"
    G: nn.Module

    @property
    def d_z(self) -> int:
        """Size of the noise of a clip."""
        raise NotImplementedError

    def clips_from(self, pictures: Pictures, z: Float[Tensor, "n d_z"], y: Float[Tensor, "n K"]) -> Clip:
        """Clips in [-1, 1] of pictures in [-1, 1], noise and labels."""
        return self.G(pictures, z, y)

    def examples(self, clips: Clips, stage: Stage) -> ClipWindows:
        o = self.config
        return ClipWindows(clips, o.frames, step=o.frame_step, hold_last=True, columns=o.columns, seed=self.seed)

    def codes(self, n: int, draws: Draws) -> Noise:
        """`z`, the noise that a training step draws clips from."""
        return {"z": draws.normal(n, self.d_z)}

    def inputs(
        self, real: Clip, labels: Actions, noise: Noise
    ) -> tuple[Pictures, Float[Tensor, "n d_z"], Float[Tensor, "n K"]]:
        """What a training step draws from: the first frames of the real clips, noise, and the clips' labels."""
        y = real.new_zeros(len(real), 0) if labels is None else one_hot(labels, self.config.categories)
        return real[:, :, 0], noise["z"], y

    def fake_clips(self, real: Clip, labels: Actions, noise: Noise) -> Any:
        """What G makes of these in a training step."""
        return self.G(*self.inputs(real, labels, noise))

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[DrawnClip]:
        check_pictures(self, conditions, self.config.frames)
        z = normal_draws((conditions.count, self.d_z), seed)
        return continued(conditions, self.drawn(conditions.pictures, z, self.labels_asked(conditions)))

    @torch.no_grad()
    def drawn(
        self, pictures: UInt8[np.ndarray, "n h w c"], z: Float[Tensor, "n d_z"], y: Float[Tensor, "n K"] | None
    ) -> Iterator[DrawnClip]:
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
        names = list(islice(cycle(self.label_names), len(drawn))) or None
        return Sheet(contact_sheet(drawn, COLUMNS, names), len(drawn), min(COLUMNS, self.config.frames))

    @control
    def animate(self, *, picture: Picture, label: Label = None, fps: Fps = 8.0, seed: SharedSeed = 0) -> Video:
        """A picture set in motion; under all labels, side by side, where none is chosen."""
        return Video(np.concatenate(self.animations(picture, label, seed), axis=2), fps)

    @control
    def sheet(self, *, picture: Picture, label: Label = None, columns: Shown = 8, seed: SharedSeed = 0) -> Sheet:
        """A picture set in motion, time from left to right; a row for each label where none is chosen."""
        drawn = self.animations(picture, label, seed)
        names = self.label_names if label is None and self.label_names else None
        return Sheet(contact_sheet(drawn, columns, names), len(drawn), min(columns, self.config.frames))

    def animations(self, picture: Picture, label: Label, seed: int) -> list[DrawnClip]:
        """Clips of one picture and one noise, under one label or each of them."""
        o = self.config
        seen = read_frames(picture, o.image_size, o.channels)[:1]
        y = self.labels_for(max(o.categories, 1), None) if label is None else self.one_hot(label)
        n = 1 if y is None else len(y)
        z = normal_draws((1, self.d_z), seed).expand(n, -1)
        return list(self.drawn(np.repeat(seen, n, axis=0), z, y))

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        # full width; batch and length are ImaGINator's
        "paper": {"image_size": 64, "frames": 32, "batch_size": 64, "max_steps": 55_000},
        # half the width, for two CPU cores
        "tuned": {"image_size": 64, "frames": 32, "width": 0.5, "batch_size": 16, "max_steps": 3000},
        # minutes on two CPU cores
        "tiny": {
            "image_size": 32,
            "frames": 16,
            "frame_step": [1, 1],
            "width": 0.5,
            "batch_size": 16,
            "max_steps": 1500,
        },
    }
