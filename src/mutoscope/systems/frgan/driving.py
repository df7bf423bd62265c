"""Controls that set a picture in motion: by the structure of a video, by predicted poses, by hand."""

import os
from typing import Annotated

import numpy as np

from mutoscope.errors import InputError
from mutoscope.media.results import Video
from mutoscope.systems.control import Fps, control
from mutoscope.systems.frgan.inputs import Region, clips_in, edited, resampled, there_and_back
from mutoscope.systems.frgan.showing import Count, Scale, Showing
from mutoscope.systems.frgan.structures import Face, Joints, Rows, Transfer
from mutoscope.systems.inputs import Frames
from mutoscope.systems.parameters import Range

Structure = str | os.PathLike | None
Strength = Annotated[float, Range(-10, 10)]
Speed = Annotated[float, Range(0.05, 20)]
Length = Annotated[int | None, Range(1, 100_000)]
Hold = Annotated[int, Range(0, 10_000)]
Blend = Annotated[int, Range(0, 1000)]


class DrivingControls(Showing):
    """Pictures of one's own, made to move."""

    @control
    def drive(
        self,
        *,
        video: Frames,
        structure: Structure = None,
        picture: Frames | None = None,
        picture_structure: Structure = None,
        frames: Length = None,
        transfer: Transfer = "absolute",
        head_motion: bool = False,
        strength: Strength = 1.0,
        speed: Speed = 1.0,
        reverse: bool = False,
        hold: Hold = 0,
        refine: bool | None = None,
        overlap: bool = False,
        region: Region = "auto",
        paste: bool = False,
        scale: Scale = 1,
        fps: Fps = 20.0,
    ) -> Video:
        """A picture moves as a video does: its expressions, its poses (Figs. 2, 3; Eq. 7).

        Every frame is forecast from the picture itself, so errors do not add up however long the video is.

        Args:
            video: A video, GIF, strip, .npy or folder of frames, whose structure drives.
            structure: A file of its structure (.npz, a folder of JSON, or an edited .csv); looked for beside it, or
                found in it, if not given.
            picture: What is to move; the video's first frame if not given.
            picture_structure: A file of its structure.
            frames: Frames of the result; where the video has fewer it goes back and forth. All there are if not given.
            transfer: Of faces, take expressions as they are (absolute), or their change since the first frame (delta).
            head_motion: Of faces, also take how the head moves.
            strength: How far things move, times what they do.
            speed: How fast, times what they do.
            reverse: From the end to the beginning.
            hold: Frames for which the end is held.
            refine: Refine what was forecast; yes if the system can, if not given.
            overlap: Refine in windows that overlap by half and blend.
            region: What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).
            paste: Put what moves back into the whole picture.
            scale: Enlargement of every pixel.
            fps: Frames a second.
        """
        driver = self.scene(video, structure, region)
        rows = driver.rows
        scene = driver
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
        structure: Structure = None,
        frames: Count = 32,
        refine: bool | None = None,
        overlap: bool = False,
        region: Region = "auto",
        show_given: bool = True,
        paste: bool = False,
        scale: Scale = 1,
        fps: Fps = 10.0,
    ) -> Video:
        """What follows the first frames of a video of a body: poses are predicted, then drawn (Figs. 4, 10).

        Args:
            video: A video, GIF, strip, .npy or folder of frames; only its first frames are looked at.
            structure: A file of its structure; looked for beside it, or found in it, if not given.
            frames: Frames foretold.
            refine: Refine what was forecast; yes if the system can, if not given.
            overlap: Refine in windows that overlap by half and blend.
            region: What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).
            show_given: Begin with the frames that were given.
            paste: Put what moves back into the whole picture.
            scale: Enlargement of every pixel.
            fps: Frames a second.
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
        picture: Frames,
        videos: str | os.PathLike,
        picture_structure: Structure = None,
        blend: Blend = 6,
        transfer: Transfer = "absolute",
        head_motion: bool = False,
        refine: bool | None = None,
        overlap: bool = True,
        region: Region = "auto",
        paste: bool = False,
        scale: Scale = 1,
        fps: Fps = 20.0,
    ) -> Video:
        """A picture moves as several videos do, one after the other (Table 6 has clips of 120 frames).

        Args:
            picture: What is to move.
            videos: A folder of videos, whose structure is looked for beside them, or found in them.
            picture_structure: A file of the picture's structure.
            blend: Frames in which the end of one video becomes the beginning of the next.
            transfer: Of faces, take expressions as they are (absolute), or their change since the first frame (delta).
            head_motion: Of faces, also take how the head moves.
            refine: Refine what was forecast; yes if the system can, if not given.
            overlap: Refine in windows that overlap by half and blend.
            region: What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).
            paste: Put what moves back into the whole picture.
            scale: Enlargement of every pixel.
            fps: Frames a second.
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
        if not parts:
            raise InputError(f"videos: {videos} holds no clips (expected a folder of videos)")
        rows = np.concatenate(parts)
        return self.playing(scene, rows, refine=refine, overlap=overlap, paste=paste, scale=scale, fps=fps)

    @control
    def move(
        self,
        *,
        picture: Frames,
        part: str,
        picture_structure: Structure = None,
        by: Annotated[float, Range(-1000, 1000)] = 1.0,
        by_y: Annotated[float, Range(-1000, 1000)] = 0.0,
        frames: Annotated[int, Range(2, 10_000)] = 24,
        refine: bool | None = None,
        region: Region = "auto",
        paste: bool = False,
        scale: Scale = 1,
        fps: Fps = 20.0,
    ) -> Video:
        """One joint, or one expression, of a picture is moved by hand, there and back.

        Args:
            picture: What is to move.
            part: Name of a joint, as left wrist, or of a coefficient, as expression 0 (structure_table lists them).
            picture_structure: A file of the picture's structure.
            by: How far: pixels to the right of the system's frames, or the change of the coefficient.
            by_y: Of joints, also pixels downwards.
            frames: Frames of the video.
            refine: Refine what was forecast; yes if the system can, if not given.
            region: What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).
            paste: Put what moves back into the whole picture.
            scale: Enlargement of every pixel.
            fps: Frames a second.
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
