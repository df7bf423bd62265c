"""Controls that set a picture in motion: by the structure of a video, by predicted poses, by hand."""

import os
from typing import Annotated

import numpy as np

from mutoscope.errors import InputError
from mutoscope.media.results import Video
from mutoscope.systems.control import Count, Fps, Scale, control
from mutoscope.systems.frgan.inputs import Region, clips_in, edited, resampled, there_and_back
from mutoscope.systems.frgan.showing import (
    Driver,
    HeadMotion,
    Moved,
    Overlap,
    Paste,
    PictureStructure,
    Refine,
    Showing,
    StructureFile,
    Transfer,
)
from mutoscope.systems.frgan.structures import Face, Joints, Rows
from mutoscope.systems.inputs import Frames
from mutoscope.systems.parameters import Range


class DrivingControls(Showing):
    """Pictures of one's own, made to move."""

    @control
    def drive(
        self,
        *,
        video: Driver,
        structure: StructureFile = None,
        picture: Frames | None = None,
        picture_structure: PictureStructure = None,
        frames: Annotated[int | None, Range(1, 100_000)] = None,
        transfer: Transfer = "absolute",
        head_motion: HeadMotion = False,
        strength: Annotated[float, Range(-10, 10), "How far things move, times what they do."] = 1.0,
        speed: Annotated[float, Range(0.05, 20), "How fast, times what they do."] = 1.0,
        reverse: bool = False,
        hold: Annotated[int, Range(0, 10_000), "Frames for which the end is held."] = 0,
        refine: Refine = None,
        overlap: Overlap = False,
        region: Region = "auto",
        paste: Paste = False,
        scale: Scale = 1,
        fps: Fps = 20.0,
    ) -> Video:
        """A picture moves as a video does: its expressions, its poses (Figs. 2, 3; Eq. 7).

        Every frame is forecast from the picture itself, so errors do not add up however long the video is.

        Args:
            picture: What is to move; the video's first frame if not given.
            frames: Frames of the result; where the video has fewer it goes back and forth. All there are if not given.
            reverse: From the end to the beginning.
        """
        scene = self.scene(video, structure, region)
        rows = scene.rows
        if picture is not None:
            scene = self.scene_of_picture(picture, picture_structure, region)
            rows = self.structure.transferred(scene.row, rows, transfer, head_motion)
        rows = edited(self.structure, rows, strength=strength, speed=speed, reverse=reverse, hold=hold)
        rows = rows if frames is None else there_and_back(rows, frames)
        return self.playing(scene, rows, refine=refine, overlap=overlap, paste=paste, scale=scale, fps=fps)

    @control
    def forecast(
        self,
        *,
        video: Frames,
        structure: StructureFile = None,
        frames: Count = 32,
        refine: Refine = None,
        overlap: Overlap = False,
        region: Region = "auto",
        show_given: bool = True,
        paste: Paste = False,
        scale: Scale = 1,
        fps: Fps = 10.0,
    ) -> Video:
        """What follows the first frames of a video of a body: poses are predicted, then drawn (Figs. 4, 10).

        Args:
            video: A video, GIF, strip, .npy or folder of frames; only its first frames are looked at.
            frames: Frames foretold.
            show_given: Begin with the frames that were given.
        """
        self.check_predicts("forecast")
        given = self.scene(video, structure, region, most=self.config.observed)
        rows = self.predicted(given.rows, frames)
        first = tuple(given.frames) if show_given else ()
        return self.playing(
            given.at_end(), rows, refine=refine, overlap=overlap, paste=paste, scale=scale, fps=fps, first=first
        )

    @control
    def chain(
        self,
        *,
        picture: Moved,
        videos: str | os.PathLike,
        picture_structure: PictureStructure = None,
        blend: Annotated[int, Range(0, 1000)] = 6,
        transfer: Transfer = "absolute",
        head_motion: HeadMotion = False,
        refine: Refine = None,
        overlap: Overlap = True,
        region: Region = "auto",
        paste: Paste = False,
        scale: Scale = 1,
        fps: Fps = 20.0,
    ) -> Video:
        """A picture moves as several videos do, one after the other (Table 6 has clips of 120 frames).

        Args:
            videos: A folder of videos, whose structure is looked for beside them, or found in them.
            blend: Frames in which the end of one video becomes the beginning of the next.
        """
        scene = self.scene_of_picture(picture, picture_structure, region)
        parts: list[Rows] = []
        for path in clips_in(videos):
            driver = self.scene(path, None, region)
            rows = self.structure.transferred(scene.row, driver.rows, transfer, head_motion)
            if parts and blend:
                between = np.stack([parts[-1][-1], rows[0]])
                parts.append(resampled(between, np.linspace(0, 1, blend + 2)[1:-1]))
            parts.append(rows)
        rows = np.concatenate(parts)
        return self.playing(scene, rows, refine=refine, overlap=overlap, paste=paste, scale=scale, fps=fps)

    @control
    def move(
        self,
        *,
        picture: Moved,
        part: str,
        picture_structure: PictureStructure = None,
        by: Annotated[float, Range(-1000, 1000)] = 1.0,
        by_y: Annotated[float, Range(-1000, 1000), "Of joints, also pixels downwards."] = 0.0,
        frames: Annotated[int, Range(2, 10_000), "Frames of the video."] = 24,
        refine: Refine = None,
        region: Region = "auto",
        paste: Paste = False,
        scale: Scale = 1,
        fps: Fps = 20.0,
    ) -> Video:
        """One joint, or one expression, of a picture is moved by hand, there and back.

        Args:
            part: Name of a joint, as left wrist, or of a coefficient, as expression 0 (structure_table lists them).
            by: How far: pixels to the right of the system's frames, or the change of the coefficient.
        """
        changes = self.changes_of(part, by, by_y)
        scene = self.scene_of_picture(picture, picture_structure, region)
        rows = np.repeat(scene.rows[:1], frames, axis=0)
        share = np.sin(np.linspace(0, np.pi, frames)).astype(np.float32)
        for column, change in changes.items():
            rows[:, column] += change * share
        return self.playing(scene, rows, refine=refine, overlap=False, paste=paste, scale=scale, fps=fps)

    def changes_of(self, part: str, by: float, by_y: float) -> dict[int, float]:
        """Which numbers of a row change by how much."""
        names = self.structure.columns()
        if isinstance(self.structure, Joints) and f"{part} x" in names:
            return {names.index(f"{part} x"): by, names.index(f"{part} y"): by_y}
        if isinstance(self.structure, Face) and part in names:
            return {names.index(part): by}
        known = self.structure.skeleton.joints if isinstance(self.structure, Joints) else names
        raise InputError(f"part: {part!r} is unknown (expected one of {', '.join(known)})")

    def check_predicts(self, control: str) -> None:
        """Raises InputError where poses are to be predicted of a system that has not learned it."""
        if not self.can_predict:
            raise InputError(
                f"{control}: this system has not learned to predict poses (expected one of joints, with pose_steps)"
            )
