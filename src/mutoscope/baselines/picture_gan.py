"""What the baselines that start from a picture share: clips drawn from pictures, noise and labels; two controls."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional as F

from mutoscope.baselines.video_gan import CLIPS_AT_ONCE, check_at_least
from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.media.results import Sheet, Video
from mutoscope.media.sheets import contact_sheet
from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.systems.base import System
from mutoscope.systems.control import Range, Rate, Seed, control
from mutoscope.systems.inputs import Frames, read_frames
from mutoscope.systems.labels import Labels
from mutoscope.systems.noise import normal_draws
from mutoscope.systems.picture_measures import first_pictures, picture_measures

LATENTS = 0  # what random numbers are for (MoCoGAN has more)
ROWS, COLUMNS = 8, 8  # of the sample sheet
Label = int | str | None


class PictureGAN(Labels, System):
    """A generator of clips that begin with a picture; a subclass draws them (`clips_from`).

    Attributes:
        d_z: size of the noise of a clip.
        lambda_rec: weight of the mean absolute error between generated and real clips.
    """

    starts_from = "picture"
    hold_last = True
    d_z: int

    def __init__(
        self,
        *,
        label_names: list[str] | None,
        channels: int,
        image_size: int,
        frames: int,
        frame_step: tuple[int, int],
        lambda_rec: float,
    ) -> None:
        super().__init__()
        check_at_least(1, channels=channels, frames=frames)
        check_at_least(0, lambda_rec=lambda_rec)
        self.label_names, self.labels_of_data = list(label_names or []), label_names is None
        self.needs = ("clip", "label") if self.label_names else ("clip",)
        self.channels, self.image_size = channels, image_size
        self.frames, self.frame_step = frames, (frame_step[0], frame_step[1])
        self.lambda_rec = lambda_rec

    def clips_from(
        self, pictures: Float[Tensor, "n c h w"], z: Float[Tensor, "n d_z"], y: Float[Tensor, "n K"]
    ) -> Float[Tensor, "n c t h w"]:
        """Clips in [-1, 1] of pictures in [-1, 1], noise and one-hot labels (K = 0: none)."""
        raise NotImplementedError

    def check_clips(self, clips: Clips) -> None:
        self.check_labels(clips)

    def inputs(
        self, real: Float[Tensor, "n c t h w"], labels: Int[Tensor, " n"] | None
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n d_z"], Float[Tensor, "n K"]]:
        """What a training step draws from: the first frames of the real clips, noise, and the clips' labels."""
        generator = self.generator_for(LATENTS)
        z = torch.randn(len(real) * self.world_size, self.d_z, generator=generator, device=real.device)
        y = real.new_zeros(len(real), 0) if labels is None else F.one_hot(labels, len(self.label_names)).to(real)
        return real[:, :, 0], self.share(z), y

    @torch.no_grad()
    def animate_pictures(
        self, pictures: UInt8[np.ndarray, "n h w c"], labels: Sequence[int] | None, *, frames: int, seed: int = 0
    ) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        if frames > self.frames:
            raise InputError(f"frames: {frames} is more than this {self.name} draws (expected at most {self.frames})")
        z = normal_draws((len(pictures), self.d_z), seed)
        y = self.labels_of(len(pictures), labels)
        for start in range(0, len(pictures), CLIPS_AT_ONCE):
            rows = slice(start, start + CLIPS_AT_ONCE)
            seen = uint8_to_float(pictures[rows], self.device)
            clips = self.clips_from(seen, z[rows].to(self.device), y[rows].to(self.device))
            yield from float_to_uint8(clips[:, :, :frames].movedim(2, 1))

    def labels_of(self, n: int, labels: Sequence[int] | None) -> Float[Tensor, "n K"]:
        """The labels of these numbers, or all in turn; nothing where the system takes none.

        Raises:
            InputError: the system takes no labels, or not one of these.
        """
        y = self.labels_in_turn(n) if labels is None else self.numbered(labels)
        return torch.zeros(n, 0) if y is None else y

    def sample_clips(self, n: int, *, frames: int, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        raise InputError(f"{self.name}: draws from pictures, not from noise alone (expected pictures to animate)")

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        return picture_measures(self.animate_pictures, clips, self.frames, self.label_names, seed)

    def sample_sheet(self, clips: Clips) -> Sheet:
        pictures = first_pictures(clips, ROWS)
        was_training = self.training
        try:
            drawn = list(self.eval().animate_pictures(pictures, None, frames=self.frames))
        finally:
            self.train(was_training)
        labels = self.label_names
        names = [labels[i % len(labels)] for i in range(len(drawn))] if labels else None
        return Sheet(contact_sheet(drawn, COLUMNS, names), len(drawn), min(COLUMNS, self.frames))

    @control
    def animate(self, *, picture: Frames, label: Label = None, fps: Rate = 8.0, seed: Seed = 0) -> Video:
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
        return Sheet(contact_sheet(drawn, columns, names), len(drawn), min(columns, self.frames))

    def animations(self, picture: Frames, label: Label, seed: int) -> list[UInt8[np.ndarray, "t h w c"]]:
        """Clips of one picture and one noise, under one label or each of them."""
        seen = uint8_to_float(read_frames(picture, self.image_size, self.channels)[:1], self.device)
        y = self.labels_of(max(len(self.label_names), 1), None) if label is None else self.one_hot(label)
        z = normal_draws((1, self.d_z), seed)
        clips = self.clips_from(seen.expand(len(y), -1, -1, -1), z.expand(len(y), -1).to(self.device), y.to(seen))
        return list(float_to_uint8(clips.movedim(2, 1)))
