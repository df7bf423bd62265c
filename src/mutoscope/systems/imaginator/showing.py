"""From what controls draw to the sheets and videos that they return."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.media import sheets
from mutoscope.media.results import Replay, Sheet, Video
from mutoscope.systems.cropping import Crop, Cutout, cut_out, cut_out_all
from mutoscope.systems.imaginator.drawing import Clip, Drawing
from mutoscope.systems.inputs import Frames

Picture = Annotated[Frames, "A picture, or a video, GIF or .npy of which the first frame is taken."]
Pictures = Annotated[Frames, "A folder of pictures of any sizes, or a single one."]
LabelList = Annotated[int | str | list[int | str] | None, "Numbers or names, as smile,nod; all if not given."]
Cells = UInt8[np.ndarray, "n m t h w c"]
Colours = UInt8[np.ndarray, "h w 3"]

SHOWN_SIZE = 64  # pixels that a frame on a sheet should have


class Showing(Drawing):
    """What the controls share."""

    @property
    def enlargement(self) -> int:
        """How many times larger than they are pixels are shown on sheets, so that small frames can be looked at."""
        return max(1, SHOWN_SIZE // self.config.image_size)

    def cut(self, picture: Frames, crop: Crop) -> Cutout:
        """What of a user's picture is animated. Raises InputError as `cut_out`."""
        return cut_out(picture, crop, self.config.image_size, self.config.channels)

    def cut_all(self, pictures: Frames, crop: Crop, most: int) -> list[Cutout]:
        """What of each picture in a folder is animated. Raises InputError as `cut_out_all`."""
        return cut_out_all(pictures, crop, self.config.image_size, self.config.channels, most)

    def wanted(self, labels: LabelList) -> list[int | str] | None:
        """Labels as a list, of one or of several with commas between; all where none are given.

        Raises:
            InputError: the list is empty, a label is unknown, or the system takes none.
        """
        if labels is None:
            return list(self.label_names) or None
        if isinstance(labels, str) and labels not in self.label_names:
            labels = [name.strip() for name in labels.split(",")]
        chosen = labels if isinstance(labels, list) else [labels]
        if not chosen:
            raise InputError("labels: is empty (expected names or numbers of labels, as smile,nod)")
        self.one_hot(chosen)
        return chosen

    def names_of(self, labels: Sequence[int | str] | None) -> list[str]:
        """What these labels are called; one empty name where the system takes none."""
        return [""] if labels is None else [self.label_names[i] for i in self.one_hot(labels).argmax(1).tolist()]

    def check_noisy(self, control: str) -> None:
        """Raises InputError where the system was trained without noise."""
        if not self.config.noise:
            raise InputError(f"{control}: this system was trained without noise (expected one trained with noise)")

    def draw_one(
        self, cutout: Cutout, z: Float[Tensor, "_ d_z"], y: Float[Tensor, "_ K"] | None
    ) -> UInt8[np.ndarray, "n t h w c"]:
        """Clips of one picture, with several noises or under several labels; one of either serves all of the other."""
        n = max(len(z), 1 if y is None else len(y))
        pictures = np.repeat(cutout.pixels[None], n, axis=0)
        labels = None if y is None else y.expand(n, -1)
        return np.stack(list(self.draw(pictures, z.expand(n, -1), labels)))

    def draw_every(
        self, pictures: UInt8[np.ndarray, "n h w c"], labels: Sequence[int | str] | None, seed: int
    ) -> Cells:
        """Every picture under every label, all with the same noise."""
        n, m = len(pictures), len(labels or [None])
        y = None if labels is None else self.one_hot(labels).repeat(n, 1)
        clips = np.stack(list(self.draw(np.repeat(pictures, m, axis=0), self.noises(1, seed).expand(n * m, -1), y)))
        return clips.reshape(n, m, *clips.shape[1:])

    def sheet_of(
        self,
        pictures: UInt8[np.ndarray, "n h w c"],
        labels: Sequence[int | str] | None = None,
        strip: int = 4,
        seed: int = 0,
    ) -> Sheet:
        """Pictures of the system's size under labels (by default all): a picture a row, a strip of a clip a cell."""
        labels = self.wanted(None) if labels is None else labels
        cells: list[np.ndarray] = []
        for picture, clips in zip(pictures, self.draw_every(pictures, labels, seed), strict=True):
            cells += [picture, *(sheets.in_a_strip(clip, strip) for clip in clips)]
        header = ["picture", *self.names_of(labels)]
        pixels = sheets.grid(cells, len(header), column_labels=header, padding=6, scale=self.enlargement)
        return Sheet(pixels, len(pictures), len(header))

    def rows(self, cutout: Cutout, clips: Iterable[Clip], times: Sequence[int], names: Sequence[str]) -> Sheet:
        """A picture and a clip that begins with it in every row, time from left to right."""
        cells = [cell for clip in clips for cell in (cutout.pixels, *clip[list(times)])]
        header = ["picture", *(f"t={time}" for time in times)]
        pixels = sheets.grid(cells, len(header), row_labels=names, column_labels=header, scale=self.enlargement)
        return Sheet(pixels, len(names), len(header))

    def times(self, columns: int) -> list[int]:
        """So many times of a clip at even intervals, or all."""
        return sheets.times_shown(self.config.length, min(columns, self.config.length)).tolist()


def playing(
    cutouts: Sequence[Cutout], clips: Cells, names: Sequence[str] | None, header: Sequence[str], scale: int, fps: float
) -> Video:
    """Pictures and their clips, a picture a row, under a header for the clips."""

    def walls() -> Iterator[Colours]:
        for time in range(clips.shape[2]):
            cells = [
                cell for cutout, row in zip(cutouts, clips, strict=True) for cell in (cutout.pixels, *row[:, time])
            ]
            yield sheets.grid(cells, len(header) + 1, row_labels=names, column_labels=["picture", *header], scale=scale)

    return Video(Replay(walls), fps)


def enlarged(frame: UInt8[np.ndarray, "h w c"], scale: int) -> Colours:
    """A frame in RGB, every pixel enlarged."""
    return sheets.tiled([frame[None]], 1, scale)[0]


def numbered(what: str, n: int) -> list[str]:
    """What rows or columns are called that have no name."""
    return [f"{what} {i}" for i in range(n)]
