"""The figures of chapter 3 and the authors' demo, from pictures of one's own."""

from typing import Annotated

import numpy as np

from mutoscope.media import sheets
from mutoscope.media.results import Replay, Sheet, Video
from mutoscope.systems.control import Fps, Seed, control
from mutoscope.systems.cropping import Crop
from mutoscope.systems.imaginator.showing import LabelList, Showing, enlarged, numbered, playing
from mutoscope.systems.inputs import Frames
from mutoscope.systems.parameters import Range

Count = Annotated[int, Range(1, 64)]
Columns = Annotated[int, Range(1, 64)]
Strip = Annotated[int, Range(1, 16)]
Length = Annotated[int | None, Range(1, 1000)]
Step = Annotated[int, Range(1, 1000)]
Scale = Annotated[int, Range(1, 16)]
Label = int | str | None


class FigureControls(Showing):
    """Controls that make the chapter's figures from a picture, or several."""

    @control
    def animate(
        self,
        *,
        picture: Frames,
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
            picture: A picture, or a video, GIF or .npy of which the first frame is taken.
            label: Number or name of the label; the first if not given.
            crop: What moves: the face, the body, the centre, all of it (none), or what of these is found (auto).
            paste: Put the moving part back into the whole picture, at its full resolution.
            frames: Frames of the clip, at most as many as in training; all if not given.
            scale: Enlargement of every pixel.
            fps: Frames a second.
            seed: Seed of the noise.
        """
        length, y, cutout = self.length(frames), self.labels_for(1, label), self.cut(picture, crop)
        clip = next(self.draw(cutout.pixels[None], self.noises(1, seed), y))[:length]
        if not paste:
            return Video(sheets.tiled([clip], 1, scale), fps)
        return Video(Replay(lambda: (enlarged(cutout.paste(frame), scale) for frame in clip)), fps)

    @control
    def strip(
        self, *, picture: Frames, label: Label = None, stride: Step = 3, crop: Crop = "auto", seed: Seed = 0
    ) -> Sheet:
        """A picture and the clip that begins with it, time from left to right (Fig. 3.8).

        Args:
            picture: A picture, or a video, GIF or .npy of which the first frame is taken.
            label: Number or name of the label; the first if not given.
            stride: From one frame shown to the next.
            crop: What moves: the face, the body, the centre, all of it (none), or what of these is found (auto).
            seed: Seed of the noise.
        """
        y, cutout = self.labels_for(1, label), self.cut(picture, crop)
        clips = self.draw(cutout.pixels[None], self.noises(1, seed), y)
        names = [""] if y is None else [self.label_names[int(y.argmax())]]
        return self.rows(cutout, clips, range(0, self.config.length, stride), names)

    @control
    def label_grid(
        self,
        *,
        picture: Frames,
        crop: Crop = "auto",
        frames: Length = None,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """One picture under every label, with the same noise, playing side by side (Fig. 3.9).

        Args:
            picture: A picture, or a video, GIF or .npy of which the first frame is taken.
            crop: What moves: the face, the body, the centre, all of it (none), or what of these is found (auto).
            frames: Frames of each clip, at most as many as in training; all if not given.
            scale: Enlargement of every pixel.
            fps: Frames a second.
            seed: Seed of the noise.
        """
        self.check_labelled("label_grid")
        length, cutout = self.length(frames), self.cut(picture, crop)
        clips = self.draw_every(cutout.pixels[None], self.label_names, seed)
        return playing([cutout], clips[:, :, :length], None, self.label_names, scale, fps)

    @control
    def label_sheet(self, *, picture: Frames, columns: Columns = 8, crop: Crop = "auto", seed: Seed = 0) -> Sheet:
        """One picture under every label, with the same noise: a label a row, time from left to right (Fig. 3.9).

        Args:
            picture: A picture, or a video, GIF or .npy of which the first frame is taken.
            columns: Frames shown of each clip.
            crop: What moves: the face, the body, the centre, all of it (none), or what of these is found (auto).
            seed: Seed of the noise.
        """
        self.check_labelled("label_sheet")
        cutout = self.cut(picture, crop)
        clips = self.draw_every(cutout.pixels[None], self.label_names, seed)[0]
        return self.rows(cutout, clips, self.times(columns), self.label_names)

    @control
    def noise_grid(
        self,
        *,
        picture: Frames,
        label: Label = None,
        clips: Count = 4,
        crop: Crop = "auto",
        frames: Length = None,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """One picture under one label with several noises, playing side by side.

        Args:
            picture: A picture, or a video, GIF or .npy of which the first frame is taken.
            label: Number or name of the label; the first if not given.
            clips: How many.
            crop: What moves: the face, the body, the centre, all of it (none), or what of these is found (auto).
            frames: Frames of each clip, at most as many as in training; all if not given.
            scale: Enlargement of every pixel.
            fps: Frames a second.
            seed: Seed of the noises.
        """
        self.check_noisy("noise_grid")
        length, y, cutout = self.length(frames), self.labels_for(1, label), self.cut(picture, crop)
        drawn = self.draw_one(cutout, self.noises(clips, seed), y)[None, :, :length]
        return playing([cutout], drawn, None, numbered("noise", clips), scale, fps)

    @control
    def noise_sheet(
        self,
        *,
        picture: Frames,
        label: Label = None,
        clips: Count = 4,
        columns: Columns = 8,
        crop: Crop = "auto",
        seed: Seed = 0,
    ) -> Sheet:
        """One picture under one label with several noises: a noise a row, time from left to right.

        Args:
            picture: A picture, or a video, GIF or .npy of which the first frame is taken.
            label: Number or name of the label; the first if not given.
            clips: How many.
            columns: Frames shown of each.
            crop: What moves: the face, the body, the centre, all of it (none), or what of these is found (auto).
            seed: Seed of the noises.
        """
        self.check_noisy("noise_sheet")
        y, cutout = self.labels_for(1, label), self.cut(picture, crop)
        drawn = self.draw_one(cutout, self.noises(clips, seed), y)
        return self.rows(cutout, drawn, self.times(columns), numbered("noise", clips))

    @control
    def grid(
        self,
        *,
        pictures: Frames,
        labels: LabelList = None,
        most: Count = 8,
        strip: Strip = 4,
        crop: Crop = "auto",
        seed: Seed = 0,
    ) -> Sheet:
        """Several pictures under several labels, with the same noise: a picture a row, a label a column.

        Args:
            pictures: A folder of pictures of any sizes, or a single one.
            labels: Numbers or names, as smile,nod; all if not given.
            most: Pictures taken at most, in the order of their names.
            strip: Frames shown of each clip.
            crop: What moves: the face, the body, the centre, all of it (none), or what of these is found (auto).
            seed: Seed of the noise.
        """
        wanted = self.wanted(labels)
        cutouts = self.cut_all(pictures, crop, most)
        return self.sheet_of(np.stack([cutout.pixels for cutout in cutouts]), wanted, strip, seed)

    @control
    def wall(
        self,
        *,
        pictures: Frames,
        labels: LabelList = None,
        most: Count = 8,
        crop: Crop = "auto",
        frames: Length = None,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Several pictures under several labels, with the same noise, all playing: a picture a row, a label a column.

        Args:
            pictures: A folder of pictures of any sizes, or a single one.
            labels: Numbers or names, as smile,nod; all if not given.
            most: Pictures taken at most, in the order of their names.
            crop: What moves: the face, the body, the centre, all of it (none), or what of these is found (auto).
            frames: Frames of each clip, at most as many as in training; all if not given.
            scale: Enlargement of every pixel.
            fps: Frames a second.
            seed: Seed of the noise.
        """
        length, wanted = self.length(frames), self.wanted(labels)
        cutouts = self.cut_all(pictures, crop, most)
        clips = self.draw_every(np.stack([cutout.pixels for cutout in cutouts]), wanted, seed)
        names = numbered("picture", len(cutouts))
        return playing(cutouts, clips[:, :, :length], names, self.names_of(wanted), scale, fps)

    @control
    def animate_folder(
        self,
        *,
        pictures: Frames,
        label: Label = None,
        most: Count = 16,
        columns: Columns = 4,
        crop: Crop = "auto",
        frames: Length = None,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """A clip of each picture in a folder, with a noise of its own, playing side by side (Figs. 3.12 to 3.15).

        Args:
            pictures: A folder of pictures of any sizes, or a single one.
            label: Number or name of the label of all; all labels in turn if not given.
            most: Pictures taken at most, in the order of their names.
            columns: Clips in a row.
            crop: What moves: the face, the body, the centre, all of it (none), or what of these is found (auto).
            frames: Frames of each clip, at most as many as in training; all if not given.
            scale: Enlargement of every pixel.
            fps: Frames a second.
            seed: Seed of the noises.
        """
        length = self.length(frames)
        self.labels_for(1, label)  # an unknown label is told before pictures are read
        cutouts = self.cut_all(pictures, crop, most)
        n = len(cutouts)
        pixels = np.stack([cutout.pixels for cutout in cutouts])
        clips = self.draw(pixels, self.noises(n, seed), self.labels_for(n, label))
        return Video(sheets.tiled([clip[:length] for clip in clips], columns, scale), fps)
