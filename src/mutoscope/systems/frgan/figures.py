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
from mutoscope.systems.control import Count, Fps, Scale, Shown, control
from mutoscope.systems.frgan.driving import DrivingControls
from mutoscope.systems.frgan.inputs import Region, Scene
from mutoscope.systems.frgan.showing import (
    GIVEN_COLOUR,
    MADE_COLOUR,
    REFERENCE_COLOUR,
    Driver,
    Every,
    Filmed,
    HeadMotion,
    Moved,
    Overlap,
    PictureStructure,
    Redrawn,
    StructureFile,
    Transfer,
    framed,
)
from mutoscope.systems.frgan.structures import Rows
from mutoscope.systems.inputs import Frames, read_frames
from mutoscope.systems.parameters import Range

Clip = UInt8[np.ndarray, "t h w c"]

SMALLEST_FOR_SSIM = 11  # pixels


class FigureControls(DrivingControls):
    """Sheets, tables and comparisons."""

    @control
    def layers(
        self, *, video: Redrawn, structure: StructureFile = None, columns: Shown = 8, region: Region = "auto"
    ) -> Sheet:
        """What forecasts are made of, a row each: the real frames, the forecast, mask, content, structure (Fig. 5)."""
        scene = self.scene(video, structure, region)
        times = sheets.times_shown(len(scene.rows), min(columns, len(scene.rows)))
        shown = {"real": scene.frames[times]}
        shown |= self.shown_layers(scene.picture, scene.row, scene.rows[times])
        still = np.repeat(scene.frames[:1], len(times), axis=0)
        shown["difference"] = np.maximum(shown["forecast"], still) - np.minimum(shown["forecast"], still)
        if self.can_refine:
            shown["refined"] = self.drawn(scene, scene.rows, refine=True)[times]
        return self.labelled(shown.items(), [f"t={time}" for time in times.tolist()])

    @control
    def before_after(
        self,
        *,
        video: Redrawn,
        structure: StructureFile = None,
        overlap: Overlap = False,
        region: Region = "auto",
        scale: Scale = 2,
        fps: Fps = 10.0,
    ) -> Video:
        """The real clip, forecasts of it, the same refined, and what refining changed, playing (Figs. 6, 7)."""
        self.check_refine(True)
        scene = self.scene(video, structure, region)
        before = self.drawn(scene, scene.rows, refine=False)
        after = self.drawn(scene, scene.rows, refine=True, overlap=overlap)
        changed = np.maximum(before, after) - np.minimum(before, after)
        clips = {"real": scene.frames, "before": before, "after": after, "change": changed}

        def frames() -> Iterator[UInt8[np.ndarray, "h w 3"]]:
            for shown in zip(*clips.values(), strict=True):
                yield sheets.grid(shown, len(clips), column_labels=list(clips), padding=6, scale=scale)

        return Video(Replay(frames), fps)

    @control
    def compare(
        self,
        *,
        video: Redrawn,
        other: Frames,
        structure: StructureFile = None,
        name: str = "other",
        every: Every = 5,
        region: Region = "auto",
    ) -> Sheet:
        """The real clip, ours and another method's of it, every fifth frame (Fig. 11).

        Args:
            other: What another method made of it, as many frames.
            name: What to call the other method.
        """
        scene = self.scene(video, structure, region)
        theirs = self.frames_of_other(scene, other)
        ours = self.drawn(scene, scene.rows)
        rows = {"real": scene.frames[::every], "ours": ours[::every], name: theirs[::every]}
        return self.labelled(rows.items(), [f"t={time}" for time in range(0, len(ours), every)])

    @control
    def retarget_sheet(
        self,
        *,
        picture: Moved,
        video: Driver,
        structure: StructureFile = None,
        picture_structure: PictureStructure = None,
        transfer: Transfer = "absolute",
        head_motion: HeadMotion = False,
        every: Every = 8,
        region: Region = "auto",
    ) -> Sheet:
        """A reference (blue), a picture (green) and the same set in motion (red), every eighth frame (Figs. 3, 8)."""
        scene, driver = self.scene_of_picture(picture, picture_structure, region), self.scene(video, structure, region)
        rows = self.structure.transferred(scene.row, driver.rows, transfer, head_motion)[::every]
        given = framed(scene.picture, GIVEN_COLOUR)
        blank = np.full_like(given, sheets.BACKGROUND)
        shown = {
            "reference": [blank, *(framed(frame, REFERENCE_COLOUR) for frame in driver.frames[::every])],
            "picture, result": [given, *(framed(frame, MADE_COLOUR) for frame in self.drawn(scene, rows))],
            "structure": [blank, *self.structure_pictures(rows)],
        }
        return self.labelled(shown.items())

    @control
    def poses(
        self,
        *,
        video: Filmed,
        structure: StructureFile = None,
        frames: Count = 32,
        columns: Shown = 8,
        region: Region = "auto",
    ) -> Sheet:
        """Poses that were observed, and those foretold beside the true ones where the video goes on (Fig. 4).

        Args:
            frames: Poses foretold.
            columns: Poses shown.
        """
        self.check_predicts("poses")
        scene = self.scene(video, structure, region, most=self.config.observed + frames)
        foretold = self.predicted(scene.rows[: self.config.observed], frames)
        true = scene.rows[self.config.observed :]
        times = sheets.times_shown(frames, min(columns, frames))
        observed = sheets.times_shown(self.config.observed, len(times))
        pictures = self.structure_pictures(true) if len(true) else ()
        blank = np.full((*self.config.size, 3), sheets.BACKGROUND, np.uint8)
        shown = {
            "observed": list(self.structure_pictures(scene.rows[observed])),
            "foretold": list(self.structure_pictures(foretold[times])),
            "true": [pictures[t] if t < len(pictures) else blank for t in times],
        }
        return self.labelled(shown.items(), [f"t+{time + 1}" for time in times.tolist()])

    @control
    def structure_table(
        self,
        *,
        video: Filmed,
        structure: StructureFile = None,
        predict: Annotated[
            int, Range(0, 100_000), "Instead, so many poses that follow its first ones, as foretold."
        ] = 0,
        region: Region = "auto",
    ) -> Table:
        """The structure of a video as a table, in pixels of the system's frames: to be edited, and to drive."""
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
        video: Redrawn,
        structure: StructureFile = None,
        frames: Annotated[int, Range(1, 10_000), "At most so many."] = 256,
        region: Region = "auto",
    ) -> Arrays:
        """All a clip is made of, as arrays: frames, forecasts, masks, contents, refined frames, maps, structure."""
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
    def fidelity(self, *, video: Redrawn, structure: StructureFile = None, region: Region = "auto") -> Table:
        """How near frames drawn by a clip's structure come to it: PSNR (dB), SSIM, MSE; beside a still, the first."""
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
