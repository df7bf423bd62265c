"""The paper's figures: what a forecast is made of, expressions carried over, poses foretold, clips before refining."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from jaxtyping import UInt8

from mutoscope.errors import InputError
from mutoscope.media import sheets
from mutoscope.media.results import Arrays, Replay, Sheet, Table, Video
from mutoscope.metrics.forecasting import mse
from mutoscope.metrics.pixel import psnr, ssim
from mutoscope.systems.control import Fps, control
from mutoscope.systems.frgan.driving import DrivingControls, Structure
from mutoscope.systems.frgan.inputs import Region, Scene
from mutoscope.systems.frgan.showing import (
    GIVEN_COLOUR,
    MADE_COLOUR,
    REFERENCE_COLOUR,
    Columns,
    Count,
    Scale,
    framed,
)
from mutoscope.systems.frgan.structures import Rows, Transfer
from mutoscope.systems.inputs import Frames, read_frames
from mutoscope.systems.parameters import Range

Every = Annotated[int, Range(1, 1000)]
Clip = UInt8[np.ndarray, "t h w c"]

SMALLEST_FOR_SSIM = 11  # pixels


class FigureControls(DrivingControls):
    """Sheets, tables and comparisons."""

    @control
    def layers(
        self, *, video: Frames, structure: Structure = None, columns: Columns = 8, region: Region = "auto"
    ) -> Sheet:
        """What forecasts are made of, a row each: the real frames, the forecast, mask, content, structure (Fig. 5).

        Args:
            video: A video, GIF, strip, .npy or folder of frames: its first is the picture, its structure drives.
            structure: A file of its structure; looked for beside it, or found in it, if not given.
            columns: Frames shown.
            region: What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).
        """
        scene = self.scene(video, structure, region)
        times = sheets.times_shown(len(scene.rows), min(columns, len(scene.rows)))
        shown = {"real": scene.frames[times]}
        shown |= self.all_layers(scene, scene.rows[times])
        still = np.repeat(scene.frames[:1], len(times), axis=0)
        shown["difference"] = np.maximum(shown["forecast"], still) - np.minimum(shown["forecast"], still)
        if self.can_refine:
            shown["refined"] = self.drawn(scene, scene.rows, refine=True)[times]
        cells = [cell for strip in shown.values() for cell in strip]
        header = [f"t={time}" for time in times.tolist()]
        pixels = sheets.grid(cells, len(times), row_labels=list(shown), column_labels=header, scale=self.enlargement)
        return Sheet(pixels, len(shown), len(times))

    @control
    def before_after(
        self,
        *,
        video: Frames,
        structure: Structure = None,
        overlap: bool = False,
        region: Region = "auto",
        scale: Scale = 2,
        fps: Fps = 10.0,
    ) -> Video:
        """The real clip, forecasts of it, the same refined, and what refining changed, playing (Figs. 6, 7).

        Args:
            video: A video, GIF, strip, .npy or folder of frames: its first is the picture, its structure drives.
            structure: A file of its structure; looked for beside it, or found in it, if not given.
            overlap: Refine in windows that overlap by half and blend.
            region: What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).
            scale: Enlargement of every pixel.
            fps: Frames a second.
        """
        self.check_refine(True)
        scene = self.scene(video, structure, region)
        before = self.drawn(scene, scene.rows, refine=False)
        after = self.drawn(scene, scene.rows, refine=True, overlap=overlap)
        changed = np.maximum(before, after) - np.minimum(before, after)
        return playing_beside([scene.frames, before, after, changed], ["real", "before", "after", "change"], scale, fps)

    @control
    def compare(
        self,
        *,
        video: Frames,
        other: Frames,
        structure: Structure = None,
        name: str = "other",
        every: Every = 5,
        region: Region = "auto",
    ) -> Sheet:
        """The real clip, ours and another method's of it, every fifth frame (Fig. 11).

        Args:
            video: A video, GIF, strip, .npy or folder of frames: its first is the picture, its structure drives.
            other: What another method made of it, as many frames.
            structure: A file of the video's structure; looked for beside it, or found in it, if not given.
            name: What to call the other method.
            every: From one frame shown to the next.
            region: What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).
        """
        scene = self.scene(video, structure, region)
        theirs = self.frames_of_other(scene, other)
        ours = self.drawn(scene, scene.rows)
        rows = {"real": scene.frames[::every], "ours": ours[::every], name: theirs[::every]}
        cells = [cell for strip in rows.values() for cell in strip]
        header = [f"t={time}" for time in range(0, len(ours), every)]
        pixels = sheets.grid(cells, len(header), row_labels=list(rows), column_labels=header, scale=self.enlargement)
        return Sheet(pixels, len(rows), len(header))

    @control
    def retarget_sheet(
        self,
        *,
        picture: Frames,
        video: Frames,
        structure: Structure = None,
        picture_structure: Structure = None,
        transfer: Transfer = "absolute",
        head_motion: bool = False,
        every: Every = 8,
        region: Region = "auto",
    ) -> Sheet:
        """A reference (blue), the picture (green) and the picture set in motion (red), every eighth frame (Figs. 3, 8).

        Args:
            picture: What is to move.
            video: Whose structure drives.
            structure: A file of the video's structure; looked for beside it, or found in it, if not given.
            picture_structure: A file of the picture's structure.
            transfer: Of faces, take expressions as they are (absolute), or their change since the first frame (delta).
            head_motion: Of faces, also take how the head moves.
            every: From one frame shown to the next.
            region: What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).
        """
        scene, driver = self.scene_of_picture(picture, picture_structure, region), self.scene(video, structure, region)
        rows = self.structure.transferred(scene.row, driver.rows, transfer, head_motion)[::every]
        made, maps = self.drawn(scene, rows), self.structure_pictures(rows)
        blank = np.full_like(framed(scene.picture, GIVEN_COLOUR), sheets.BACKGROUND)
        cells = [blank, *(framed(frame, REFERENCE_COLOUR) for frame in driver.frames[::every])]
        cells += [framed(scene.picture, GIVEN_COLOUR), *(framed(frame, MADE_COLOUR) for frame in made)]
        cells += [blank, *maps]
        names = ["reference", "picture, result", "structure"]
        columns = len(made) + 1
        return Sheet(sheets.grid(cells, columns, row_labels=names, scale=self.enlargement), 3, columns)

    @control
    def poses(
        self,
        *,
        video: Frames,
        structure: Structure = None,
        frames: Count = 32,
        columns: Columns = 8,
        region: Region = "auto",
    ) -> Sheet:
        """Poses that were observed, and those foretold beside the true ones where the video goes on (Fig. 4).

        Args:
            video: A video, GIF, strip, .npy or folder of frames.
            structure: A file of its structure; looked for beside it, or found in it, if not given.
            frames: Poses foretold.
            columns: Poses shown.
            region: What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).
        """
        self.check_predicts("poses")
        scene = self.scene(video, structure, region, most=self.config.observed + frames)
        foretold = self.predicted(scene.rows[: self.config.observed], frames)
        true = scene.rows[self.config.observed :]
        times = sheets.times_shown(frames, min(columns, frames))
        observed = sheets.times_shown(self.config.observed, len(times))
        shown = {"observed": scene.rows[observed], "foretold": foretold[times]}
        cells = [cell for rows in shown.values() for cell in self.structure_pictures(rows)]
        pictures = self.structure_pictures(true) if len(true) else None
        blank = np.full((self.config.image_size, self.config.image_size, 3), sheets.BACKGROUND, np.uint8)
        cells += [pictures[t] if pictures is not None and t < len(pictures) else blank for t in times.tolist()]
        header = [f"t+{time + 1}" for time in times.tolist()]
        names = [*shown, "true"]
        pixels = sheets.grid(cells, len(times), row_labels=names, column_labels=header, scale=self.enlargement)
        return Sheet(pixels, len(names), len(times))

    @control
    def structure_table(
        self,
        *,
        video: Frames,
        structure: Structure = None,
        predict: Annotated[int, Range(0, 100_000)] = 0,
        region: Region = "auto",
    ) -> Table:
        """The structure of a video as a table, in pixels of the system's frames: to be edited, and to drive.

        Args:
            video: A video, GIF, strip, .npy or folder of frames.
            structure: A file of its structure; looked for beside it, or found in it, if not given.
            predict: Instead, so many poses that follow its first ones, as foretold.
            region: What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).
        """
        if predict:
            self.check_predicts("structure_table")
            rows = self.predicted(self.scene(video, structure, region, most=self.config.observed).rows, predict)
        else:
            rows = self.scene(video, structure, region).rows
        return Table(self.structure.columns(), rows.tolist())

    @control
    def arrays(
        self,
        *,
        video: Frames,
        structure: Structure = None,
        frames: Annotated[int, Range(1, 10_000)] = 256,
        region: Region = "auto",
    ) -> Arrays:
        """Everything a clip is made of, as arrays: frames, forecasts, masks, contents, refined frames, maps, structure.

        Args:
            video: A video, GIF, strip, .npy or folder of frames: its first is the picture, its structure drives.
            structure: A file of its structure; looked for beside it, or found in it, if not given.
            frames: At most so many.
            region: What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).
        """
        scene = self.scene(video, structure, region, most=frames)
        parts = [
            {k: v.float().cpu().numpy() for k, v in layers.items()}
            for layers in self.forecasts(scene.picture, scene.row, scene.rows)
        ]
        made = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        found = {"real": scene.frames, "forecast": self.drawn(scene, scene.rows, refine=False)}
        found |= {name: made[name] for name in ("mask", "content") if name in made}
        if self.can_refine:
            found["refined"] = self.drawn(scene, scene.rows, refine=True)
        return Arrays(found | {"maps": made["structure"]} | self.structure.as_columns(scene.rows))

    @control
    def fidelity(self, *, video: Frames, structure: Structure = None, region: Region = "auto") -> Table:
        """How near frames drawn by a clip's own structure come to it: PSNR (dB), SSIM, MSE; beside a still, the first.

        Args:
            video: A video, GIF, strip, .npy or folder of frames: its first is the picture, its structure drives.
            structure: A file of its structure; looked for beside it, or found in it, if not given.
            region: What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).
        """
        scene = self.scene(video, structure, region)
        sources = {"": self.drawn(scene, scene.rows)}
        if self.can_refine:
            sources[" before refining"] = self.drawn(scene, scene.rows, refine=False)
        sources[" of a still"] = np.repeat(scene.frames[:1], len(scene.frames), axis=0)
        columns: dict[str, np.ndarray] = {}
        for name, clip in sources.items():
            columns[f"psnr{name}"] = psnr(clip, scene.frames, data_range=255.0)
            if self.config.image_size >= SMALLEST_FOR_SSIM:
                columns[f"ssim{name}"] = ssim(clip, scene.frames, data_range=255.0)
            columns[f"mse{name}"] = mse(clip, scene.frames)
        values = np.stack(list(columns.values()), axis=1)
        rows = [[i, *row] for i, row in enumerate(values.tolist())]
        return Table(["frame", *columns], [*rows, ["mean", *values.mean(axis=0).tolist()]])

    def frames_of_other(self, scene: Scene, other: Frames) -> Clip:
        """Frames of another clip, as many as a scene has.

        Raises:
            InputError: it cannot be read, or has fewer.
        """
        theirs = read_frames(other, self.config.image_size, self.config.channels)[: len(scene.frames)]
        if len(theirs) < len(scene.frames):
            raise InputError(f"other: has {len(theirs)} frames (expected {len(scene.frames)}, as the video)")
        return theirs

    def drawn(self, scene: Scene, rows: Rows, refine: bool | None = None, overlap: bool = False) -> Clip:
        """A whole clip, in memory."""
        return np.stack(list(self.clip(scene.picture, scene.row, rows, refine, overlap)))


def playing_beside(clips: list[Clip], names: list[str], scale: int, fps: float) -> Video:
    """Clips playing beside each other under their names."""

    def frames() -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        for shown in zip(*clips, strict=True):
            yield sheets.grid(list(shown), len(clips), column_labels=names, padding=6, scale=scale)

    return Video(Replay(frames), fps)
