"""Controls over directions: switched on and off, driven along trajectories, walked along, and read from clips."""

import os
from typing import Annotated, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.media import sheets
from mutoscope.media.plots import line_plot
from mutoscope.media.results import Image, Sheet, Table, Video
from mutoscope.systems.control import Columns, Fps, Scale, Seed, Shown, control
from mutoscope.systems.mintgan.showing import (
    LETTERS,
    Basis,
    Directions,
    Length,
    Most,
    Showing,
    Side,
    Truncation,
    flow_pictures,
    given,
    named,
    numbered,
)
from mutoscope.systems.mintgan.trajectories import (
    Mode,
    Shape,
    driven,
    linear_walk,
    read_trajectories,
    rows_for,
    shaped,
)
from mutoscope.systems.parameters import Index, Range

Direction = Annotated[int | None, Index("N"), "Which; the one that varies most if not given."]
Strongest = Annotated[Directions, "Which, as 3 or [3,7]; the one that varies most if not given."]
Flow = Annotated[bool, "Show the optical flow below each clip: hue is direction, saturation speed."]
MeaningOfAlpha = Annotated[
    Mode, "α is what a transition adds (increment, Eq. 5.2), or how far from its first code a clip is (offset)."
]
Value = Annotated[float, Range(-1000, 1000)]
Low = Annotated[Value, "How far along it the first frame is."]
High = Annotated[Value, "How far a frame after the last would be: 16 frames from -5 to 5 end at 4.375."]
OBSERVED = 256  # clips whose codes tell how large α is along each direction


class Steering(Showing):
    """Where no direction is given, those that vary most in sampled codes are taken."""

    def deviations(self, basis: Basis = "dictionary") -> Float[Tensor, " N"]:
        """The standard deviation of α along each direction, over all steps of sampled codes."""
        return self.alphas_of(self.sampled_magnitudes(OBSERVED), basis).flatten(0, 1).std(0)

    @control
    def decompose(
        self,
        *,
        directions: Strongest = None,
        basis: Basis = "dictionary",
        flow: Flow = False,
        frames: Length = None,
        truncation: Truncation = 1.0,
        scale: Scale = 2,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """One clip: as it is, with only some directions, each and all, and without them (Figs. 5.1, 5.5, 5.7)."""
        names, W = self._parts(directions, basis, frames, truncation, seed)
        if not flow:
            return self.playing(W[None], None, names, scale, fps)
        clips = list(self.draw(W))
        cells = zip(*clips, *flow_pictures(clips), strict=True)
        walls = [sheets.grid(cell, len(names), column_labels=names, scale=scale) for cell in cells]
        return Video(np.stack(walls), fps)

    @control
    def decomposed(
        self,
        *,
        directions: Strongest = None,
        basis: Basis = "dictionary",
        flow: Flow = False,
        columns: Shown = 8,
        frames: Length = None,
        truncation: Truncation = 1.0,
        seed: Seed = 0,
    ) -> Sheet:
        """The same as `decompose`, a row each, time from left to right (Figs. 5.1, 5.5, 5.7)."""
        names, W = self._parts(directions, basis, frames, truncation, seed)
        if not flow:
            return self.rows(W, columns, names)
        times = sheets.times_shown(W.shape[1], min(columns, W.shape[1])).tolist()
        clips = list(self.draw(W))
        both = [row for pair in zip(clips, flow_pictures(clips), strict=True) for row in pair]
        cells = [frame for row in both for frame in row[times]]
        return self.labelled(cells, [row for name in names for row in (name, "flow")], [f"t={time}" for time in times])

    @control
    def drive(
        self,
        *,
        direction: Direction = None,
        shape: Shape = "sine",
        second: Direction = None,
        second_shape: Shape = "linear",
        amplitude: Value = 1.0,
        cycles: Annotated[float, Range(0, 1000), "Cycles of a sine in a clip."] = 1.0,
        mode: MeaningOfAlpha = "increment",
        basis: Basis = "dictionary",
        appearances: Side = 1,
        frames: Length = None,
        truncation: Truncation = 1.0,
        scale: Scale = 2,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """A direction goes a given way, all others stand still; with a second one: the first, the second, and both
        (Fig. 5.9).

        Args:
            shape: Its α over time: the amplitude (constant), from minus to plus the amplitude (linear), or a sine.
            second: A second direction.
            second_shape: Its α over time.
            amplitude: Largest α, in standard deviations of what is observed along each direction.
            appearances: How many, one a row.
        """
        deviations = self.deviations(basis)
        first = int(deviations.argmax()) if direction is None else direction
        if second == first:
            raise InputError(f"second: {second} is the first direction as well (expected another)")
        directions = [first] if second is None else [first, second]
        length = rows_for(frames or self.config.frames, mode)
        courses = [shaped(of, length, cycles) for of in (shape, second_shape)][: len(directions)]
        alpha = torch.stack(courses, 1).to(deviations) * amplitude * deviations[directions]
        w_0, along = self.first_codes(self.appearances(appearances, seed), truncation), self.basis(basis)[directions]
        shown = [[0]] if second is None else [[0], [1], [0, 1]]
        W = torch.stack([driven(w_0, alpha[:, few], along[few], mode) for few in shown], 1)
        names = [named([directions[i] for i in few], basis) for few in shown]
        return self.playing(W, numbered("appearance", appearances), names, scale, fps)

    @control
    def follow(
        self,
        *,
        trajectory: str | os.PathLike,
        unit: Literal["deviation", "alpha"] = "deviation",
        mode: MeaningOfAlpha = "increment",
        basis: Basis = "dictionary",
        appearances: Side = 4,
        columns: Columns = 4,
        truncation: Truncation = 1.0,
        scale: Scale = 2,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Directions go as a file says, all others stand still; the clips are as long as the file.

        Args:
            trajectory: A CSV file: a column for each direction, named as d3 (c3 of the canonical basis) or 3, and a row
                for each transition (increment) or frame (offset). `alphas` writes one.
            unit: What its numbers count: standard deviations of the α observed along each direction, or α itself.
        """
        directions, alpha = read_trajectories(trajectory, self.config.N, LETTERS[basis])
        if unit == "deviation":
            deviations = self.deviations(basis)[directions]
            alpha = alpha.to(deviations) * deviations
        w_0 = self.first_codes(self.appearances(appearances, seed), truncation)
        return self.tiles(driven(w_0, alpha, self.basis(basis)[directions], mode), columns, scale, fps)

    @control
    def walk(
        self,
        *,
        direction: Direction = None,
        low: Low = -5.0,
        high: High = 5.0,
        basis: Basis = "dictionary",
        appearances: Side = 4,
        columns: Columns = 4,
        frames: Length = None,
        truncation: Truncation = 1.0,
        scale: Scale = 2,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Appearances go along one direction in equal steps, playing side by side (Eq. 5.8)."""
        alpha = linear_walk(frames or self.config.frames, low, high)[:, None]
        along = self.basis(basis)[self._or_strongest(direction, 1, basis)]
        w_0 = self.first_codes(self.appearances(appearances, seed), truncation)
        return self.tiles(driven(w_0, alpha, along, "offset"), columns, scale, fps)

    @control
    def walks(
        self,
        *,
        directions: Directions = None,
        most: Most = 16,
        low: Low = -5.0,
        high: High = 5.0,
        basis: Basis = "dictionary",
        columns: Shown = 8,
        frames: Length = None,
        truncation: Truncation = 1.0,
        seed: Seed = 0,
    ) -> Sheet:
        """One appearance goes along many directions, one a row, in equal steps from left to right (Eq. 5.8).

        Args:
            directions: Which, as 3 or [3,7]; those that vary most, the strongest first, if not given.
        """
        chosen = self._or_strongest(directions, most, basis)
        alpha = linear_walk(frames or self.config.frames, low, high)[:, None]
        alpha = alpha[sheets.times_shown(len(alpha), min(columns, len(alpha)))]
        w_0, along = self.first_codes(self.appearances(1, seed), truncation), self.basis(basis)[chosen]
        W = torch.cat([driven(w_0, alpha, direction[None], "offset") for direction in along])
        cells = [frame for clip in self.draw(W) for frame in clip]
        header = [f"α = {value:+.2f}" for value in alpha[:, 0].tolist()]
        return self.labelled(cells, [named([k], basis) for k in chosen], header)

    @control
    def magnitudes(
        self,
        *,
        most: Annotated[int, Range(1, 8), "How many directions, those of the largest mean square α."] = 5,
        basis: Basis = "dictionary",
        frames: Length = None,
        seed: Seed = 0,
    ) -> Image:
        """How far one clip goes along its busiest directions, step by step (Fig. 5.4)."""
        alpha = self._alphas(basis, frames, seed)
        chosen = alpha.square().mean(0).argsort(descending=True)[:most].tolist()
        steps = np.arange(len(alpha))
        curves = {named([k], basis): (steps, alpha[:, k].cpu().numpy()) for k in chosen}
        return Image(line_plot(None, curves, title="Busiest directions", xlabel="transition", ylabel="α"))

    @control
    def alphas(self, *, basis: Basis = "dictionary", frames: Length = None, seed: Seed = 0) -> Table:
        """How far one clip goes along each direction: a row a transition, as `follow` reads it."""
        alpha = self._alphas(basis, frames, seed)
        return Table([named([k], basis) for k in range(self.config.N)], alpha.tolist())

    def _alphas(self, basis: Basis, frames: int | None, seed: int) -> Float[Tensor, "s N"]:
        """α of one clip."""
        return self.alphas_of(self.latents(self.appearances(1, seed), self.motions(1, seed, frames)).A, basis)[0]

    def _or_strongest(self, directions: int | list[int] | None, n: int, basis: Basis) -> list[int]:
        """The directions given, or else the n that vary most. Raises InputError where there are none."""
        if directions is None:
            return self.deviations(basis).argsort(descending=True)[:n].tolist()
        return given(directions)

    def _parts(
        self, directions: Directions, basis: Basis, frames: int | None, truncation: float, seed: int
    ) -> tuple[list[str], Float[Tensor, "n t N"]]:
        """One clip with all directions, with some of them, each and together, and without those; names of these."""
        chosen = self._or_strongest(directions, 1, basis)
        sets = [*([k] for k in chosen if len(chosen) > 1), chosen]
        names = ["all", *(f"only {named(few, basis)}" for few in sets), f"without {named(chosen, basis)}"]
        moving = torch.stack([~self.mask([]), *map(self.mask, sets), ~self.mask(chosen)])
        codes = self.latents(self.appearances(1, seed), self.motions(1, seed, frames), truncation)
        return names, self.with_moving(codes, moving, basis)
