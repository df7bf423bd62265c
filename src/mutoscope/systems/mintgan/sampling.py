"""Controls over noise: clips, their appearance and their motion, as section 5.3 and the project page show them."""

from typing import Annotated, Literal

import torch

from mutoscope.media.results import Sheet, Video
from mutoscope.systems.control import Columns, Fps, Scale, Seed, Shown, control
from mutoscope.systems.mintgan.showing import Basis, Count, Directions, Length, Showing, Side, Truncation, numbered
from mutoscope.systems.mintgan.trajectories import decayed_sum
from mutoscope.systems.parameters import Range

Only = Annotated[Directions, "Directions that move, as 3 or [3,7]; all if not given, none with []."]
Without = Annotated[Directions, "Directions that stand still, as 3 or [3,7]."]


class Sampling(Showing):
    """What needs no direction to be named."""

    @control
    def sample(
        self,
        *,
        clips: Count = 16,
        columns: Columns = 8,
        frames: Length = None,
        only: Only = None,
        without: Without = None,
        basis: Basis = "dictionary",
        truncation: Truncation = 1.0,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Clips from noise, playing side by side; on request some of their directions stand still."""
        z_a, z_m = self.appearances(clips, seed), self.motions(clips, seed, frames)
        return self.tiles(self.codes(z_a, z_m, truncation, only, without, basis), columns, scale, fps)

    @control
    def sheet(
        self,
        *,
        clips: Count = 8,
        columns: Shown = 8,
        frames: Length = None,
        only: Only = None,
        without: Without = None,
        basis: Basis = "dictionary",
        truncation: Truncation = 1.0,
        seed: Seed = 0,
    ) -> Sheet:
        """Clips from noise, one a row, time from left to right; on request some of their directions stand still."""
        z_a, z_m = self.appearances(clips, seed), self.motions(clips, seed, frames)
        W = self.codes(z_a, z_m, truncation, only, without, basis)
        return self.rows(W, columns, numbered("clip", clips))

    @control
    def grid(
        self,
        *,
        appearances: Side = 4,
        motions: Side = 4,
        strip: Annotated[int, Range(1, 16), "Frames shown of each clip."] = 4,
        frames: Length = None,
        truncation: Truncation = 1.0,
        seed: Seed = 0,
    ) -> Sheet:
        """Every appearance with every motion: one appearance a row, one motion a column, a few frames in each cell.

        All clips of an appearance begin with the same frame.
        """
        W = self.every(appearances, motions, frames, truncation, seed)
        return self.strips(W, numbered("appearance", appearances), numbered("motion", motions), strip)

    @control
    def wall(
        self,
        *,
        appearances: Side = 4,
        motions: Side = 4,
        frames: Length = None,
        truncation: Truncation = 1.0,
        scale: Scale = 2,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Every appearance with every motion, all playing: one appearance a row, one motion a column."""
        W = self.every(appearances, motions, frames, truncation, seed)
        return self.playing(W, numbered("appearance", appearances), numbered("motion", motions), scale, fps)

    @control
    def vary_motion(
        self,
        *,
        appearance: Seed = 0,
        motions: Count = 5,
        columns: Shown = 8,
        frames: Length = None,
        truncation: Truncation = 1.0,
        seed: Seed = 0,
    ) -> Sheet:
        """One appearance, another motion in every row; the first frame is always the same.

        Args:
            appearance: Seed of the appearance.
            seed: Seed of the motions.
        """
        z_a = self.appearances(1, appearance).expand(motions, -1)
        W = self.codes(z_a, self.motions(motions, seed, frames), truncation)
        return self.rows(W, columns, numbered("motion", motions))

    @control
    def vary_appearance(
        self,
        *,
        motion: Seed = 0,
        appearances: Count = 5,
        columns: Shown = 8,
        frames: Length = None,
        truncation: Truncation = 1.0,
        seed: Seed = 0,
    ) -> Sheet:
        """One motion noise, another appearance in every row; `transfer` shares the motion itself.

        Args:
            motion: Seed of the motion.
            seed: Seed of the appearances.
        """
        z_m = self.motions(1, motion, frames).expand(appearances, -1, -1)
        W = self.codes(self.appearances(appearances, seed), z_m, truncation)
        return self.rows(W, columns, numbered("appearance", appearances))

    @control
    def interpolate(
        self,
        *,
        start: Seed = 0,
        stop: Seed = 1,
        steps: Count = 7,
        share: Literal["noise", "alpha"] = "noise",
        columns: Shown = 8,
        frames: Length = None,
        truncation: Truncation = 1.0,
        seed: Seed = 0,
    ) -> Sheet:
        """From one appearance to another, row by row, on a line through the noise, in the same motion.

        Args:
            start: Seed of the appearance in the first row.
            stop: Seed of the appearance in the last row.
            steps: Number of rows.
            share: What rows have in common: the motion noise (as in the thesis), from which each appearance makes its
                own motion, or the motion itself, that of the first row (alpha).
            seed: Seed of the motion.
        """
        at = torch.linspace(0, 1, steps)
        first, last = self.appearances(1, start), self.appearances(1, stop)
        z_a, z_m = torch.lerp(first, last, at[:, None]), self.motions(1, seed, frames)  # exact at both ends
        if share == "noise":
            W = self.codes(z_a, z_m.expand(steps, -1, -1), truncation)
        else:
            W = self.with_motion_of(self.first_codes(z_a, truncation), first, z_m)
        return self.rows(W, columns, [f"{place:.0%}" for place in at.tolist()])

    @control
    def transfer(
        self,
        *,
        source: Seed = 0,
        appearances: Side = 4,
        frames: Length = None,
        truncation: Truncation = 1.0,
        scale: Scale = 2,
        fps: Fps = 8.0,
        seed: Seed = 1,
    ) -> Video:
        """The motion of one clip on other appearances: the same magnitudes along all directions.

        The same motion noise alone would not do: the network that reads it starts from the appearance.

        Args:
            source: Seed of the clip whose motion is taken, shown first.
            appearances: How many others.
            seed: Seed of the other appearances.
        """
        z_a, z_m = self.appearances(1, source), self.motions(1, source, frames)
        w_0 = self.first_codes(torch.cat([z_a, self.appearances(appearances, seed)]), truncation)
        names = ["source", *numbered("appearance", appearances)]
        return self.playing(self.with_motion_of(w_0, z_a, z_m)[None], None, names, scale, fps)

    @control
    def long(
        self,
        *,
        frames: Annotated[int, Range(2, 1000), "Frames of each."] = 48,
        decay: Annotated[float, Range(0, 1)] = 0.0,
        clips: Count = 4,
        columns: Columns = 4,
        truncation: Truncation = 1.0,
        scale: Scale = 1,
        fps: Fps = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """Clips longer than those trained on, from more motion noise; they begin as the shorter ones of the same seed.

        Args:
            decay: Share of the way from its first frame that a clip goes back before every step, against drifting away
                from what was trained on; 0 as in the thesis.
        """
        W = self.codes(self.appearances(clips, seed), self.motions(clips, seed, frames), truncation)
        if decay:
            w_0 = W[:, :1]
            W = torch.cat([w_0, w_0 + decayed_sum(W.diff(dim=1), decay)], dim=1)
        return self.tiles(W, columns, scale, fps)
