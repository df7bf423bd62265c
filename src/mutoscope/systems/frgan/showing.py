"""From what controls draw to the sheets and videos that they return."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Annotated

import numpy as np
from jaxtyping import UInt8

from mutoscope.data.clips import Clips
from mutoscope.media import sheets
from mutoscope.media.results import Replay, Sheet, Video
from mutoscope.media.tensors import float_to_uint8
from mutoscope.systems.frgan.generation import Generation, Layers, Picture
from mutoscope.systems.frgan.inputs import Region, Scene, Source, read_scene
from mutoscope.systems.frgan.structures import Rows
from mutoscope.systems.inputs import Frames
from mutoscope.systems.parameters import Range

Scale = Annotated[int, Range(1, 16)]
Columns = Annotated[int, Range(1, 64)]
Count = Annotated[int, Range(1, 100_000)]

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

    def scene(self, video: Frames, structure: Source, region: Region, most: int = 100_000) -> Scene:
        """Reads a video with its structure. Raises InputError as `read_scene`."""
        return read_scene(self, video, structure, region, what="video", most=most)  # type: ignore[arg-type]  # a FRGAN

    def scene_of_picture(self, picture: Frames, structure: Source, region: Region) -> Scene:
        """Reads a picture, or a video's first frame, with its structure. Raises InputError as `read_scene`."""
        return read_scene(self, picture, structure, region, what="picture", most=1)  # type: ignore[arg-type]

    def shown_layers(self, layers: Layers) -> dict[str, UInt8[np.ndarray, "t h w c"]]:
        """The parts of forecasts as pictures: the frame, what it is drawn of, where, and the structure."""
        shown = {"forecast": float_to_uint8(layers["image"])}
        content = layers["content"]
        if self.config.residual == "mask":
            shown["mask"] = float_to_uint8(layers["mask"].expand(-1, 3, -1, -1) * 2 - 1)
        shown["content"] = float_to_uint8(content.clamp(-1, 1))
        shown["structure"] = self.structure.shown(layers["structure"])
        return shown

    def all_layers(self, scene: Scene, rows: Rows) -> dict[str, UInt8[np.ndarray, "t h w c"]]:
        """The same of all frames of a clip."""
        parts = [self.shown_layers(layers) for layers in self.forecasts(scene.picture, scene.row, rows)]
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
                yield scene.cutout.paste(frame) if paste else enlarged(frame, scale)

        return Video(Replay(frames), fps)

    def sheet_of_clips(self, clips: Clips) -> Sheet:
        """Real clips and what is made of their structure: the clip, mask, content and structure below each other."""
        cells: list[np.ndarray] = []
        names: list[str] = []
        for i in range(min(SHEET_CLIPS, len(clips))):
            frames = clips[i].frames
            columns = {name: values for name, values in clips[i].columns.items() if values is not None}
            rows = self.structure.rows(columns, clips.skeleton, clips[i].path)
            given = min(self.config.given, len(frames) - 1)
            times = sheets.times_shown(len(frames) - given, SHEET_COLUMNS) + given
            scene = (frames[given - 1], rows[given - 1], rows[times])
            strips = {"real": frames[times], "structure": self.structure_pictures(rows[times])}
            if self.can_forecast:
                parts = [self.shown_layers(layers) for layers in self.forecasts(*scene)]
                strips |= {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            if self.can_forecast and self.can_refine:
                made = np.stack(list(self.clip(frames[given - 1], rows[given - 1], rows[given:], refine=True)))
                strips["refined"] = made[times - given]
            for name, strip in strips.items():
                names.append(name)
                cells += [frames[given - 1], *strip]
        across = SHEET_COLUMNS + 1
        return Sheet(sheets.grid(cells, across, row_labels=names, scale=self.enlargement), len(names), across)


def framed(frame: Picture, colour: tuple[int, int, int]) -> UInt8[np.ndarray, "_ _ 3"]:
    """A frame with a border of one colour around it."""
    rgb = np.repeat(frame, 3, axis=2) if frame.shape[2] == 1 else frame
    canvas = np.empty((rgb.shape[0] + 2 * BORDER, rgb.shape[1] + 2 * BORDER, 3), np.uint8)
    canvas[:] = colour
    canvas[BORDER:-BORDER, BORDER:-BORDER] = rgb
    return canvas


def enlarged(frame: Picture, scale: int) -> UInt8[np.ndarray, "_ _ 3"]:
    """A frame in RGB, every pixel enlarged."""
    return sheets.tiled([frame[None]], 1, scale)[0]
