"""From what controls draw to the sheets and videos that they return."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Annotated

import numpy as np
from jaxtyping import UInt8

from mutoscope.data.clips import Clips
from mutoscope.media import sheets
from mutoscope.media.results import Replay, Sheet, Video
from mutoscope.media.tensors import float_to_uint8
from mutoscope.systems.frgan import structures
from mutoscope.systems.frgan.generation import Generation, Picture
from mutoscope.systems.frgan.inputs import MOST_FRAMES, Region, Scene, Source, read_scene
from mutoscope.systems.frgan.structures import Row, Rows
from mutoscope.systems.inputs import Frames
from mutoscope.systems.parameters import Range

# What several controls take, beside what those of all systems do (`systems.control`).
Redrawn = Annotated[
    Frames, "A video, GIF, strip, .npy or folder of frames: its first is the picture, its structure drives."
]
Driver = Annotated[Frames, "A video, GIF, strip, .npy or folder of frames, whose structure drives."]
Filmed = Annotated[Frames, "A video, GIF, strip, .npy or folder of frames."]
StructureFile = Annotated[
    Source,
    "A file of the video's structure (.npz, a folder of JSON, or an edited .csv); looked for beside it, or found in "
    "it, if not given.",
]
Moved = Annotated[Frames, "What is to move."]
PictureStructure = Annotated[Source, "A file of the picture's structure."]
Transfer = Annotated[
    structures.Transfer,
    "Of faces, take expressions as they are (absolute), or their change since the first frame (delta).",
]
HeadMotion = Annotated[bool, "Of faces, also take how the head moves."]
Refine = Annotated[bool | None, "Refine what was forecast; yes if the system can, if not given."]
Overlap = Annotated[bool, "Refine in windows that overlap by half and blend."]
Paste = Annotated[bool, "Put what moves back into the whole picture."]
Every = Annotated[int, Range(1, 1000), "From one frame shown to the next."]

SHOWN_SIZE = 64  # pixels that a frame on a sheet should have
SHEET_CLIPS, SHEET_COLUMNS = 4, 8
GIVEN_COLOUR, REFERENCE_COLOUR, MADE_COLOUR = (60, 160, 75), (45, 95, 200), (205, 55, 45)
BORDER = 2


class Showing(Generation):
    """What the controls share."""

    @property
    def enlargement(self) -> int:
        """How many times larger than they are pixels are shown on sheets, so that small frames can be looked at."""
        return max(1, SHOWN_SIZE // self.config.image_size)

    def scene(self, video: Frames, structure: Source, region: Region, most: int = MOST_FRAMES) -> Scene:
        """Reads a video with its structure. Raises InputError as `read_scene`."""
        return read_scene(self, video, structure, region, what="video", most=most)

    def scene_of_picture(self, picture: Frames, structure: Source, region: Region) -> Scene:
        """Reads a picture, or a video's first frame, with its structure. Raises InputError as `read_scene`."""
        return read_scene(self, picture, structure, region, what="picture", most=1)

    def shown_layers(self, picture: Picture, row: Row, rows: Rows) -> dict[str, UInt8[np.ndarray, "t h w _"]]:
        """The parts of forecasts as pictures: the frame, what it is drawn of, where, and the structure."""
        parts = []
        for layers in self.forecasts(picture, row, rows):
            part = {"forecast": float_to_uint8(layers["image"])}
            if self.config.residual == "mask":
                part["mask"] = float_to_uint8(layers["mask"].expand(-1, 3, -1, -1) * 2 - 1)
            part["content"] = float_to_uint8(layers["content"].clamp(-1, 1))
            part["structure"] = self.structure.shown(layers["structure"])
            parts.append(part)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def structure_pictures(self, rows: Rows) -> UInt8[np.ndarray, "t h w 3"]:
        """Rows of structure as pictures."""
        return self.structure.shown(self.maps_of(rows))

    def playing(
        self,
        scene: Scene,
        rows: Rows,
        *,
        refine: bool | None,
        overlap: bool,
        paste: bool,
        scale: int,
        fps: float,
        first: Sequence[Picture] = (),
    ) -> Video:
        """The clip that follows a picture, made while it is written."""
        self.check_refine(refine)

        def frames() -> Iterator[Picture]:
            for frame in chain(first, self.clip(scene.picture, scene.row, rows, refine, overlap)):
                yield scene.cutout.paste(frame) if paste else sheets.tiled([frame[None]], 1, scale)[0]

        return Video(Replay(frames), fps)

    def sheet_of_clips(self, clips: Clips) -> Sheet:
        """Real clips and what is made of their structure: the clip, mask, content and structure below each other."""
        strips: list[tuple[str, list[np.ndarray]]] = []
        for i in range(min(SHEET_CLIPS, len(clips))):
            frames = clips[i].frames
            columns = {name: values for name, values in clips[i].columns.items() if values is not None}
            rows = self.structure.rows(columns, clips.skeleton, clips[i].path)
            given = min(self.config.given, len(frames) - 1)
            times = sheets.times_shown(len(frames) - given, SHEET_COLUMNS) + given
            picture, row = frames[given - 1], rows[given - 1]
            shown = {"real": frames[times], "structure": self.structure_pictures(rows[times])}
            if self.can_forecast:
                shown |= self.shown_layers(picture, row, rows[times])
            if self.can_forecast and self.can_refine:
                made = np.stack(list(self.clip(picture, row, rows[given:], refine=True)))
                shown["refined"] = made[times - given]
            strips += [(name, [picture, *strip]) for name, strip in shown.items()]
        return self.labelled(strips)

    def labelled(
        self, strips: Iterable[tuple[str, Iterable[np.ndarray]]], header: Sequence[str] | None = None
    ) -> Sheet:
        """A sheet of pictures with a name for each row, enlarged where frames are small."""
        names, rows = zip(*strips, strict=True)
        cells = list(chain(*rows))
        columns = len(cells) // len(names)
        pixels = sheets.grid(cells, columns, row_labels=names, column_labels=header, scale=self.enlargement)
        return Sheet(pixels, len(names), columns)


def framed(frame: Picture, colour: tuple[int, int, int]) -> UInt8[np.ndarray, "_ _ 3"]:
    """A frame with a border of one colour around it."""
    canvas = np.full((frame.shape[0] + 2 * BORDER, frame.shape[1] + 2 * BORDER, 3), colour, np.uint8)
    canvas[BORDER:-BORDER, BORDER:-BORDER] = frame
    return canvas
