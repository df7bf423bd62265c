"""What one can do with a trained system: the figures of chapter 4, the authors' demos, and a look inside.

An appearance is the noise z_a drawn from a seed, a motion the noise z_m; one seed draws both, independently.
Labels are given by number or name. Where none is given, several motions take all labels in turn, and a single one takes
the first; systems trained without labels take none.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.media import sheets
from mutoscope.media.results import Replay, Sheet, Video
from mutoscope.systems.control import Fps, Scale, Seed, Shown, control
from mutoscope.systems.g3an.drawing import STREAMS, Clip, Drawing, Walk, streams_sheet, traversed
from mutoscope.systems.labels import Label, LabelOfAll
from mutoscope.systems.noise import between
from mutoscope.systems.parameters import Range

Count = Annotated[int, Range(1, 64), "How many."]
Side = Annotated[int, Range(1, 16), "How many."]
Rows = Annotated[int, Range(1, 64), "Number of rows."]
InARow = Annotated[int, Range(1, 64), "How many in a row."]
Strip = Annotated[int, Range(1, 16), "Frames shown of each clip."]
Length = Annotated[
    int | None, Range(1, 1000), "Frames of each, also more than in training; as many as in training if not given."
]
Value = Annotated[float, Range(-1000, 1000)]
Noise = Literal["appearance", "motion"]


class G3ANControls(Drawing):
    """The controls of `G3AN`."""

    @control
    def sample(
        self,
        *,
        clips: Count = 16,
        columns: InARow = 8,
        frames: Length = None,
        label: LabelOfAll = None,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Clips from noise, playing side by side (Fig. 4.6)."""
        y = self.labels_for(clips, label)
        drawn = self.draw(self.appearances(clips, seed), self.motions(clips, seed, frames), y, frames)
        return Video(sheets.tiled(list(drawn), columns, scale), fps)

    @control
    def sheet(self, *, clips: Count = 8, columns: Shown = 8, label: LabelOfAll = None, seed: Seed = 0) -> Sheet:
        """Clips from noise, one a row, time from left to right (Fig. 4.6)."""
        y = self.labels_for(clips, label)
        drawn = self.draw(self.appearances(clips, seed), self.motions(clips, seed), y)
        return self._rows(drawn, columns, self._names("clip", clips, y))

    @control
    def grid(
        self, *, appearances: Side = 4, motions: Side = 4, strip: Strip = 4, label: LabelOfAll = None, seed: Seed = 0
    ) -> Sheet:
        """Every appearance with every motion: one appearance a row, one motion a column, a few frames in each cell."""
        return self._cells(*self._every(appearances, motions, label, seed), strip)

    @control
    def wall(
        self,
        *,
        appearances: Side = 4,
        motions: Side = 4,
        frames: Length = None,
        label: LabelOfAll = None,
        scale: Scale = 2,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Every appearance with every motion, all playing: one appearance a row, one motion a column."""
        cells, rows, columns = self._every(appearances, motions, label, seed, frames)

        def walls() -> Iterator[UInt8[np.ndarray, "h w 3"]]:
            for time in range(cells.shape[2]):
                pictures = list(cells[:, :, time].reshape(-1, *cells.shape[3:]))
                yield sheets.grid(pictures, motions, row_labels=rows, column_labels=columns, scale=scale)

        return Video(Replay(walls), fps)

    @control
    def vary_motion(
        self, *, appearance: Seed = 0, motions: Count = 5, columns: Shown = 8, label: LabelOfAll = None, seed: Seed = 0
    ) -> Sheet:
        """One appearance, another motion in every row (Figs. 4.7, 4.14; with a label 4.8, 4.15 to 4.18).

        Args:
            appearance: Seed of the appearance.
            seed: Seed of the motions.
        """
        y = self.labels_for(motions, label)
        clips = self.draw(self.appearances(1, appearance).expand(motions, -1), self.motions(motions, seed), y)
        return self._rows(clips, columns, self._names("motion", motions, y))

    @control
    def vary_appearance(
        self, *, motion: Seed = 0, appearances: Count = 5, columns: Shown = 8, label: Label = None, seed: Seed = 0
    ) -> Sheet:
        """One motion, another appearance in every row.

        Args:
            motion: Seed of the motion.
            seed: Seed of the appearances.
        """
        z_a, z_m = self.appearances(appearances, seed), self.motions(1, motion)
        return self._rows_of(z_a, z_m, label, columns, self._names("appearance", appearances))

    @control
    def traverse(
        self,
        *,
        which: Noise = "appearance",
        dimension: Annotated[int, Range(0, 1_000_000)] = 0,
        start: Value = -3.0,
        stop: Value = 3.0,
        steps: Rows = 7,
        columns: Shown = 8,
        label: Label = None,
        seed: Seed = 0,
    ) -> Sheet:
        """One dimension of a noise grows from row to row, everything else stays (Figs. 4.10, 4.11, 4.19 to 4.25).

        Args:
            which: Noise of which a dimension grows.
            dimension: Which one, counted from 0.
            start: Its value in the first row, in standard deviations of the noise.
            stop: Its value in the last row.
            seed: Seed of all other dimensions, and of the other noise.
        """
        z_a, z_m = self.appearances(1, seed), self.motions(1, seed)
        size = self.config.d_a if which == "appearance" else self.config.d_m
        if dimension >= size:
            raise InputError(f"dimension: {dimension} is not a number from 0 to {size - 1} (a dimension of {which})")
        values = torch.linspace(start, stop, steps)
        if which == "appearance":
            z_a = traversed(z_a, dimension, values)
        else:
            z_m = traversed(z_m, dimension, values)
        return self._rows_of(z_a, z_m, label, columns, [f"z{dimension} = {value:+.1f}" for value in values.tolist()])

    @control
    def interpolate(
        self,
        *,
        which: Noise = "appearance",
        start: Seed = 0,
        stop: Seed = 1,
        steps: Rows = 7,
        spherical: bool = True,
        columns: Shown = 8,
        label: Label = None,
        seed: Seed = 0,
    ) -> Sheet:
        """From one appearance to another, row by row, in the same motion; or from one motion to another.

        Args:
            which: Noise that changes.
            start: Its seed in the first row.
            stop: Its seed in the last row.
            spherical: Go on an arc, along which noise stays as long as in training; otherwise on a line.
            seed: Seed of the noise that stays.
        """
        z_a, z_m = self.appearances(1, seed), self.motions(1, seed)
        at = torch.linspace(0, 1, steps)
        if which == "appearance":
            z_a = between(self.appearances(1, start), self.appearances(1, stop), at[:, None], spherical)
        else:
            z_m = between(self.motions(1, start), self.motions(1, stop), at[:, None, None], spherical)
        return self._rows_of(z_a, z_m, label, columns, [f"{share:.0%}" for share in at.tolist()])

    @control
    def add_appearance(
        self,
        *,
        first: Seed = 0,
        second: Seed = 1,
        weight: Value = 1.0,
        normalise: bool = False,
        motions: Side = 2,
        strip: Strip = 6,
        label: LabelOfAll = None,
        seed: Seed = 0,
    ) -> Sheet:
        """Two appearances and, below them, their sum, in the same motions (Fig. 4.12).

        Args:
            first: Seed of the first appearance.
            second: Seed of the second.
            weight: Factor on the second: 1 adds it, -1 takes it away.
            normalise: Make the sum as long as noise is in training; the figure's is longer, by √2.
            seed: Seed of the motions.
        """
        z_a0, z_a1 = self.appearances(1, first), self.appearances(1, second)
        total = z_a0 + weight * z_a1
        if normalise:
            total = total / (1 + weight**2) ** 0.5
        y = self.labels_for(motions, label)
        cells = self.draw_every(torch.cat([z_a0, z_a1, total]), self.motions(motions, seed), y)
        return self._cells(cells, ["first", "second", "sum"], self._names("motion", motions, y), strip)

    @control
    def swap_label(self, *, motions: Side = 2, strip: Strip = 6, seed: Seed = 0) -> Sheet:
        """One appearance under every label, a row each; the motion noise is the same in a column (Fig. 4.9).

        Args:
            motions: How many draws of the motion noise.
        """
        self.check_labelled("swap_label")
        names = self.label_names
        z_a, z_m = self.appearances(1, seed), self.motions(motions, seed)
        cells = [self.draw_every(z_a, z_m, self.one_hot([name] * motions)) for name in names]
        return self._cells(np.concatenate(cells), names, self._names("motion", motions), strip)

    @control
    def long(
        self,
        *,
        frames: Annotated[int, Range(1, 1000)] = 64,
        walk: Walk = "independent",
        every: Annotated[int, Range(1, 250)] = 4,
        clips: Count = 4,
        columns: InARow = 4,
        label: LabelOfAll = None,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Clips longer than those trained on: motion noise has a position more for every 4 frames after the 16th.

        Args:
            frames: Frames of each.
            walk: Draw every position by itself (independent, the authors' demo), repeat one draw (constant), or go from
                one draw to the next (smooth).
            every: With smooth: positions from one draw to the next.
        """
        z_m = self.motion_walks(clips, seed, frames, walk, every)
        drawn = self.draw(self.appearances(clips, seed), z_m, self.labels_for(clips, label), frames)
        return Video(sheets.tiled(list(drawn), columns, scale), fps)

    @control
    def streams(self, *, columns: Annotated[int, Range(1, 16)] = 4, label: Label = None, seed: Seed = 0) -> Sheet:
        """What each stream holds, a row for every G³ module, and the clip that comes of it.

        F_S is the appearance, without time; F_T the motion, channels from top to bottom and time from left to right; V
        the main stream, the motion added; F_V what the next module gets, after attention where there is some. Colours
        go from the lowest value of a stream in a module to its highest.

        Args:
            columns: Times shown of V and F_V.
        """
        levels, clip = self.draw_streams(self.appearances(1, seed), self.motions(1, seed), self.labels_for(1, label))
        return streams_sheet(levels, clip, columns)

    @control
    def silence(self, *, clips: Side = 3, strip: Strip = 4, label: LabelOfAll = None, seed: Seed = 0) -> Sheet:
        """The same clips with all streams, and with what one stream hands to the main one set to 0, a row each."""
        y = self.labels_for(clips, label)
        streams = [stream for stream in STREAMS if self.networks_of(stream)]
        cells = []
        for silent in [None, *streams]:
            with self.silenced(silent):
                cells.append(np.stack(list(self.draw(self.appearances(clips, seed), self.motions(clips, seed), y))))
        names = ["all streams", *(f"without {STREAMS[stream]}" for stream in streams)]
        return self._cells(np.stack(cells), names, self._names("clip", clips, y), strip)

    def _every(
        self, appearances: int, motions: int, label: Label, seed: int, frames: int | None = None
    ) -> tuple[UInt8[np.ndarray, "a m t h w c"], list[str], list[str]]:
        """Every appearance with every motion, and the names of both."""
        y = self.labels_for(motions, label)
        cells = self.draw_every(self.appearances(appearances, seed), self.motions(motions, seed, frames), y, frames)
        return cells, self._names("appearance", appearances), self._names("motion", motions, y)

    def _rows_of(self, z_a: Tensor, z_m: Tensor, label: Label, columns: int, names: Sequence[str]) -> Sheet:
        """A sheet of one appearance or one motion, with all of the other, under one label."""
        n, y = len(names), self.labels_for(1, label)
        y = None if y is None else y.expand(n, -1)
        return self._rows(self.draw(z_a.expand(n, -1), z_m.expand(n, -1, -1), y), columns, names)

    def _rows(self, clips: Iterable[Clip], columns: int, names: Sequence[str]) -> Sheet:
        """A sheet with a clip in every row."""
        columns = min(columns, self.config.frames)
        return Sheet(sheets.contact_sheet(list(clips), columns, names), len(names), columns)

    def _cells(
        self, cells: UInt8[np.ndarray, "n m t h w c"], rows: Sequence[str], columns: Sequence[str], strip: int
    ) -> Sheet:
        """A sheet with a strip of a clip in every cell."""
        strips = [sheets.in_a_strip(clip, strip) for clip in cells.reshape(-1, *cells.shape[2:])]
        pixels = sheets.grid(strips, len(columns), row_labels=rows, column_labels=columns, padding=6)
        return Sheet(pixels, len(rows), len(columns))

    def _names(self, what: str, n: int, y: Tensor | None = None) -> list[str]:
        """What rows or columns are called: their numbers, and their labels where they have some."""
        labels = [""] * n if y is None else [f" {self.label_names[i]}" for i in y.argmax(1).tolist()]
        return [f"{what} {i}{label}" for i, label in enumerate(labels)]
