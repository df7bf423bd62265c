"""The controls of FRGAN: those of its figures, refining what other methods made (Fig. 12), pairs for raters (Table 5).

Pictures and videos may have any size and format. Their structure is looked for in a file that is named, beside them (as
`mutoscope data render` writes it), and then by an installed detector.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from mutoscope.errors import InputError
from mutoscope.media.frames import open_frames
from mutoscope.media.results import Replay, Video, Videos
from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.systems.control import Fps, Scale, Seed, control
from mutoscope.systems.frgan.figures import FigureControls
from mutoscope.systems.frgan.generation import Picture
from mutoscope.systems.frgan.inputs import Region, Scene, clips_in
from mutoscope.systems.frgan.showing import Overlap, Redrawn, StructureFile
from mutoscope.systems.inputs import Frames
from mutoscope.systems.preference import Preference, beside


class FRGANControls(Preference, FigureControls):
    """The controls of `FRGAN`."""

    @control
    def refine(
        self,
        *,
        clips: str | os.PathLike,
        structure: StructureFile = None,
        overlap: Overlap = False,
        region: Region = "auto",
    ) -> Videos:
        """Refines clips of any other method by their structure; as many frames come out as went in (Fig. 12).

        Args:
            clips: A clip, or a folder of clips.
            structure: A file of the clip's structure, or a folder with one of the same name for each clip; looked for
                beside the clips, or found in them, if not given.
        """
        self.check_refine(True)
        found, root = clips_in(clips), Path(clips)
        single = found == [root]

        def videos() -> Iterator[tuple[str, Video]]:
            for path in found:
                name = path.name if single else path.relative_to(root).as_posix()
                own = structure if single or structure is None else structure_for(Path(structure), name)
                scene = self.scene(path, own, region)
                yield f"{Path(name).with_suffix('')}.mp4", self.refined_video(scene, overlap, open_frames(path).fps)

        return Videos(Replay(videos))

    def refined_video(self, scene: Scene, overlap: bool, fps: float | None) -> Video:
        """A whole clip, refined."""

        def frames() -> Iterator[Picture]:
            coarse = (uint8_to_float(frame, self.device) for frame in scene.frames)
            yield from (float_to_uint8(frame) for frame in self.refined(coarse, scene.rows, overlap))

        return Video(Replay(frames), fps or 8.0)

    @control
    def pair(
        self,
        *,
        video: Redrawn,
        other: Frames,
        structure: StructureFile = None,
        region: Region = "auto",
        scale: Scale = 2,
        fps: Fps = 10.0,
        seed: Seed = 0,
    ) -> Video:
        """A clip drawn by a video's structure beside another one of it, on sides that the seed draws (Table 5).

        Args:
            other: What another method made of it, or the video itself; as many frames.
            seed: Of the sides, by which `tally` knows the pair.
        """
        scene = self.scene(video, structure, region)
        theirs = self.frames_of_other(scene, other)
        return beside(self.drawn(scene, scene.rows), theirs, seed, scale=scale, fps=fps)


def structure_for(folder: Path, clip: str) -> Path:
    """The file of columns of a clip in a folder of such files.

    Raises:
        InputError: there is none.
    """
    for suffix in (".npz", ".csv", ""):
        path = (folder / clip).with_suffix(suffix)
        if path.exists():
            return path
    raise InputError(f"structure: {folder} has none for {clip} (expected {Path(clip).with_suffix('.npz')})")
