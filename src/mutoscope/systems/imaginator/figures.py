"""The figures of chapter 3 and the authors' demo, from pictures of one's own."""

from typing import Annotated

import numpy as np

from mutoscope.media import sheets
from mutoscope.media.results import Replay, Sheet, Video
from mutoscope.systems.control import Fps, Scale, Seed, Shown, control
from mutoscope.systems.cropping import Crop
from mutoscope.systems.imaginator.showing import LabelList, Picture, Pictures, Showing, enlarged, numbered, playing
from mutoscope.systems.labels import Label, LabelOfAll
from mutoscope.systems.parameters import Range

Clips = Annotated[int, Range(1, 64), "How many."]
Most = Annotated[int, Range(1, 64), "Pictures taken at most, in the order of their names."]
Strip = Annotated[int, Range(1, 16), "Frames shown of each clip."]
Length = Annotated[int | None, Range(1, 1000), "Frames of a clip, at most as many as in training; all if not given."]


class FigureControls(Showing):
    """Controls that make the chapter's figures from a picture, or several."""

    @control
    def animate(
        self,
        *,
        picture: Picture,
        label: Label = None,
        crop: Crop = "auto",
        paste: bool = False,
        frames: Length = None,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """One clip that begins with a picture.

        Args:
            paste: Put the moving part back into the whole picture, at its full resolution.
        """
        length, y, cutout = self.length(frames), self.labels_for(1, label), self.cut(picture, crop)
        clip = next(self.draw(cutout.pixels[None], self.noises(1, seed), y))[:length]
        if not paste:
            return Video(sheets.tiled([clip], 1, scale), fps)
        return Video(Replay(lambda: (enlarged(cutout.paste(frame), scale) for frame in clip)), fps)

    @control
    def strip(
        self,
        *,
        picture: Picture,
        label: Label = None,
        stride: Annotated[int, Range(1, 1000), "From one frame shown to the next."] = 3,
        crop: Crop = "auto",
        seed: Seed = 0,
    ) -> Sheet:
        """A picture and the clip that begins with it, time from left to right (Fig. 3.8)."""
        y, cutout = self.labels_for(1, label), self.cut(picture, crop)
        clips = self.draw(cutout.pixels[None], self.noises(1, seed), y)
        names = [""] if y is None else [self.label_names[int(y.argmax())]]
        return self.rows(cutout, clips, range(0, self.config.length, stride), names)

    @control
    def label_grid(
        self,
        *,
        picture: Picture,
        crop: Crop = "auto",
        frames: Length = None,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """One picture under every label, with the same noise, playing side by side (Fig. 3.9)."""
        self.check_labelled("label_grid")
        length, cutout = self.length(frames), self.cut(picture, crop)
        clips = self.draw_every(cutout.pixels[None], self.label_names, seed)
        return playing([cutout], clips[:, :, :length], None, self.label_names, scale, fps)

    @control
    def label_sheet(self, *, picture: Picture, columns: Shown = 8, crop: Crop = "auto", seed: Seed = 0) -> Sheet:
        """One picture under every label, with the same noise: a label a row, time from left to right (Fig. 3.9)."""
        self.check_labelled("label_sheet")
        cutout = self.cut(picture, crop)
        clips = self.draw_every(cutout.pixels[None], self.label_names, seed)[0]
        return self.rows(cutout, clips, self.times(columns), self.label_names)

    @control
    def noise_grid(
        self,
        *,
        picture: Picture,
        label: Label = None,
        clips: Clips = 4,
        crop: Crop = "auto",
        frames: Length = None,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """One picture under one label with several noises, playing side by side."""
        self.check_noisy("noise_grid")
        length, y, cutout = self.length(frames), self.labels_for(1, label), self.cut(picture, crop)
        drawn = self.draw_one(cutout, self.noises(clips, seed), y)[None, :, :length]
        return playing([cutout], drawn, None, numbered("noise", clips), scale, fps)

    @control
    def noise_sheet(
        self,
        *,
        picture: Picture,
        label: Label = None,
        clips: Clips = 4,
        columns: Shown = 8,
        crop: Crop = "auto",
        seed: Seed = 0,
    ) -> Sheet:
        """One picture under one label with several noises: a noise a row, time from left to right."""
        self.check_noisy("noise_sheet")
        y, cutout = self.labels_for(1, label), self.cut(picture, crop)
        drawn = self.draw_one(cutout, self.noises(clips, seed), y)
        return self.rows(cutout, drawn, self.times(columns), numbered("noise", clips))

    @control
    def grid(
        self,
        *,
        pictures: Pictures,
        labels: LabelList = None,
        most: Most = 8,
        strip: Strip = 4,
        crop: Crop = "auto",
        seed: Seed = 0,
    ) -> Sheet:
        """Several pictures under several labels, with the same noise: a picture a row, a label a column."""
        wanted = self.wanted(labels)
        cutouts = self.cut_all(pictures, crop, most)
        return self.sheet_of(np.stack([cutout.pixels for cutout in cutouts]), wanted, strip, seed)

    @control
    def wall(
        self,
        *,
        pictures: Pictures,
        labels: LabelList = None,
        most: Most = 8,
        crop: Crop = "auto",
        frames: Length = None,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Several pictures under several labels, with one noise, all playing: a picture a row, a label a column."""
        length, wanted = self.length(frames), self.wanted(labels)
        cutouts = self.cut_all(pictures, crop, most)
        clips = self.draw_every(np.stack([cutout.pixels for cutout in cutouts]), wanted, seed)
        names = numbered("picture", len(cutouts))
        return playing(cutouts, clips[:, :, :length], names, self.names_of(wanted), scale, fps)

    @control
    def animate_folder(
        self,
        *,
        pictures: Pictures,
        label: LabelOfAll = None,
        most: Most = 16,
        columns: Annotated[int, Range(1, 64), "Clips in a row."] = 4,
        crop: Crop = "auto",
        frames: Length = None,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """A clip of each picture in a folder, with a noise of its own, playing side by side (Figs. 3.12 to 3.15)."""
        length = self.length(frames)
        self.labels_for(1, label)  # an unknown label is told before pictures are read
        cutouts = self.cut_all(pictures, crop, most)
        n = len(cutouts)
        pixels = np.stack([cutout.pixels for cutout in cutouts])
        clips = self.draw(pixels, self.noises(n, seed), self.labels_for(n, label))
        return Video(sheets.tiled([clip[:length] for clip in clips], columns, scale), fps)
