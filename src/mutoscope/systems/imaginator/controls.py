"""What one can do with a trained system: pictures of one's own made to move, and what that shows of the system.

A picture may have any size and format; of a video, GIF or `.npy` the first frame is taken. What a clip does beside its
label is the noise z, drawn from a seed. Labels are given by number or name. Where none is given, several clips take all
labels in turn, and a single one takes the first; systems trained without labels take none.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import numpy as np
import torch
from jaxtyping import UInt8

from mutoscope.errors import InputError
from mutoscope.media import sheets
from mutoscope.media.results import Replay, Sheet, Table, Video
from mutoscope.metrics.pixel import psnr, ssim
from mutoscope.systems.control import Fps, Scale, Seed, Shown, control
from mutoscope.systems.cropping import Crop, cut_out, read_video
from mutoscope.systems.imaginator.drawing import Clip
from mutoscope.systems.imaginator.figures import FigureControls
from mutoscope.systems.imaginator.showing import LabelList, Picture, enlarged
from mutoscope.systems.inputs import Frames
from mutoscope.systems.labels import Label
from mutoscope.systems.noise import between
from mutoscope.systems.parameters import Range

Rows = Annotated[int, Range(1, 64), "Number of rows."]
RealVideo = Annotated[Frames, "A video, GIF, strip, .npy or folder of frames."]
Step = Annotated[int, Range(1, 1000), "From one frame taken to the next, in frames of the video."]


class ImaGINatorControls(FigureControls):
    """The controls of `ImaGINator`: the chapter's figures, and what the thesis does not show."""

    @control
    def interpolate_labels(
        self,
        *,
        picture: Picture,
        first: int | str = 0,
        second: int | str = 1,
        steps: Rows = 5,
        columns: Shown = 8,
        crop: Crop = "auto",
        seed: Seed = 0,
    ) -> Sheet:
        """From one label to another, row by row, with the same noise; the thesis does not show this.

        In training a label is one or the other: what lies between is not promised to be a motion between the two.

        Args:
            first: Number or name of the label in the first row.
            second: Number or name of the label in the last row.
        """
        self.check_labelled("interpolate_labels")
        share = torch.linspace(0, 1, steps)
        y = (1 - share[:, None]) * self.one_hot(first) + share[:, None] * self.one_hot(second)
        cutout = self.cut(picture, crop)
        clips = self.draw_one(cutout, self.noises(1, seed), y)
        return self.rows(cutout, clips, self.times(columns), [f"{value:.0%}" for value in share.tolist()])

    @control
    def interpolate_noise(
        self,
        *,
        picture: Picture,
        label: Label = None,
        start: Seed = 0,
        stop: Seed = 1,
        steps: Rows = 5,
        spherical: bool = True,
        columns: Shown = 8,
        crop: Crop = "auto",
    ) -> Sheet:
        """From one noise to another, row by row, under the same label; the thesis does not show this.

        Args:
            start: Seed of the noise in the first row.
            stop: Seed of the noise in the last row.
            spherical: Go on an arc, along which noise stays as long as in training; otherwise on a line.
        """
        self.check_noisy("interpolate_noise")
        share = torch.linspace(0, 1, steps)
        z = between(self.noises(1, start), self.noises(1, stop), share[:, None], spherical)
        y, cutout = self.labels_for(1, label), self.cut(picture, crop)
        clips = self.draw_one(cutout, z, y)
        return self.rows(cutout, clips, self.times(columns), [f"{value:.0%}" for value in share.tolist()])

    @control
    def chain(
        self,
        *,
        picture: Picture,
        labels: LabelList = None,
        frames: Annotated[int, Range(1, 100_000), "Frames of the video."] = 96,
        crop: Crop = "auto",
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """A longer video: every clip begins anew from the last frame of the one before; the thesis does not show this.

        What a clip gets wrong the next one takes for its picture, so errors add up. Frames are made while they are
        written.

        Args:
            labels: Numbers or names of the clips' labels in order, as smile,nod, repeated as needed; all if not given.
        """
        wanted, cutout = self.wanted(labels), self.cut(picture, crop)
        y = self.one_hot(wanted) if wanted else None

        def clips() -> Iterator[Clip]:
            pixels = cutout.pixels
            z = self.noises(-(-frames // max(1, self.config.length - 1)), seed)
            for i, noise in enumerate(z):
                label = None if y is None else y[i % len(y)][None]
                clip = next(self.draw(pixels[None], noise[None], label))
                yield clip[min(i, 1) :]  # later clips begin with the frame that the one before ended with
                pixels = clip[-1]

        return Video(Replay(lambda: islice((enlarged(f, scale) for clip in clips() for f in clip), frames)), fps)

    @control
    def compare(
        self,
        *,
        video: RealVideo,
        label: Label = None,
        step: Step = 1,
        crop: Crop = "auto",
        scale: Scale = 2,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """A real clip, the clip that is generated from its first frame, and the absolute difference, playing."""
        real, generated = self._pair(video, label, step, crop, seed)
        difference = np.maximum(real, generated) - np.minimum(real, generated)
        names = ["real", "generated", "difference"]

        def frames() -> Iterator[UInt8[np.ndarray, "h w 3"]]:
            for shown in zip(real, generated, difference, strict=True):
                yield sheets.grid(shown, 1, row_labels=names, scale=scale)

        return Video(Replay(frames), fps)

    @control
    def fidelity(
        self, *, video: RealVideo, label: Label = None, step: Step = 1, crop: Crop = "auto", seed: Seed = 0
    ) -> Table:
        """How close the clip generated from a real clip's first frame comes to it: PSNR (dB) and SSIM of each frame.

        Beside it stands a clip that rests on that frame: to be better than that, a system must move as the real one
        did. Means leave the first frame out, which was given.
        """
        real, generated = self._pair(video, label, step, crop, seed)
        resting = np.repeat(real[:1], len(real), axis=0)
        values = np.stack(
            [of(clip, real, data_range=255.0) for clip in (generated, resting) for of in (psnr, ssim)], axis=1
        )
        columns = ["frame", "psnr", "ssim", "psnr of a still", "ssim of a still"]
        rows = [[i, *row] for i, row in enumerate(values.tolist())]
        return Table(columns, [*rows, ["mean", *values[1:].mean(axis=0).tolist()]])

    def _pair(self, video: Frames, label: Label, step: int, crop: Crop, seed: int) -> tuple[Clip, Clip]:
        """Frames of a real clip, and as many generated from the first of them."""
        y = self.labels_for(1, label)
        frames = list(islice(read_video(video, self.config.channels), 0, self.config.length * step, step))
        if len(frames) < 2:
            raise InputError(f"video: has too few frames (expected at least {step + 1}, with a step of {step})")
        cutout = cut_out(frames[0], crop, self.config.image_size, self.config.channels)
        real = np.stack([cutout.same_of(frame) for frame in frames])
        generated = next(self.draw(real[:1], self.noises(1, seed), y))
        return real, generated[: len(real)]
