"""Controls that find out what motion directions do, as section 5.3.4 does: a page for people, and tables."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from jaxtyping import Float
from torch import Tensor

from mutoscope.media.results import Page, Table
from mutoscope.metrics.flow_sectors import FOUR_WAYS
from mutoscope.metrics.motion import DIRECTIONS
from mutoscope.systems.control import Seed, control
from mutoscope.systems.mintgan.direction_measures import (
    Axes,
    MagnitudeStatistics,
    Rank,
    direction_effects,
    grouped,
    magnitude_statistics,
    only,
    walk_motion,
    without,
)
from mutoscope.systems.mintgan.drawing import Drawing
from mutoscope.systems.mintgan.interpretation_page import Portrait, Walks, interpretation_page
from mutoscope.systems.mintgan.regions import Regions, head_and_mouth
from mutoscope.systems.mintgan.showing import LETTERS, Basis, Directions, Most, given
from mutoscope.systems.parameters import Range

MostUsed = Annotated[Directions, "Which, as 3 or [3,7]; those most used if not given."]
By = Annotated[Rank, 'What "most used" means: the largest variance of α, or the largest mean, which is steady motion.']
Clips = Annotated[int, Range(1, 10_000), "Clips from which each direction is taken away; the thesis takes 1000."]
Sampled = Annotated[int, Range(2, 1_000_000), "Clips, not drawn, over which α is measured."]
Clusters = Annotated[int, Range(1, 256), "Groups at most."]
Parts = Annotated[
    Regions,
    "Where head and mouth are found, to tell the motion of either (Tab. 5.5): by the colours of the set talk, or "
    "nowhere (none).",
]
CURVES = 4  # clips whose α is drawn over time


class Interpretation(Drawing):
    """Directions are numbered from 0; where none is given, those most used are taken."""

    @control
    def interpret(
        self,
        *,
        directions: MostUsed = None,
        most: Most = 4,
        by: By = "variance",
        basis: Basis = "dictionary",
        clips: Clips = 32,
        codes: Sampled = 10_000,
        walked: Most = 64,
        clusters: Clusters = 16,
        regions: Parts = "none",
        seed: Seed = 0,
    ) -> Page:
        """A page that tells what the directions most used do, with pictures and in words (section 5.3.4).

        Args:
            walked: How many directions are put in groups at most, those most used and those shown.
        """
        axes = Axes(self, basis)
        statistics = magnitude_statistics(self, axes, codes, seed)
        shown = self._or_most_used(directions, statistics, by, most)
        head, mouth = head_and_mouth(regions)
        effects = direction_effects(self, axes, shown, clips, seed, head=head, mouth=mouth)
        walks = self._walks(axes, list(dict.fromkeys([*shown, *statistics.strongest(by, walked)])), clusters, seed)

        w_0, A = self.latents(self.appearances(CURVES, seed), self.motions(CURVES, seed))
        alpha = axes.coordinates(A)

        def drawn(coordinates: Float[Tensor, "n s N"]) -> np.ndarray:
            return next(self.draw(axes.path(w_0[:1], coordinates[:1])))

        portraits = [
            Portrait(effect, alpha[..., k].cpu().numpy(), drawn(only(alpha, k)), drawn(without(alpha, k)))
            for k, effect in zip(shown, effects, strict=True)
        ]
        o = self.config
        lead = (
            f"{o.N} directions of the {basis} basis; clips of {o.frames} frames, {o.image_size} pixels wide. "
            f"Magnitudes are measured over {codes} clips, their motion over {clips}; seed {seed}."
        )
        title = f"{type(self).__name__}: what its motion directions do"
        return interpretation_page(title, lead, statistics, drawn(alpha), portraits, walks)

    @control
    def statistics(
        self,
        *,
        directions: MostUsed = None,
        most: Most = 10,
        by: By = "variance",
        basis: Basis = "dictionary",
        codes: Sampled = 10_000,
        seed: Seed = 0,
    ) -> Table:
        """How much directions are used: mean and variance of α over clips and time, which are not drawn (Fig. 5.3)."""
        statistics = magnitude_statistics(self, Axes(self, basis), codes, seed)
        shown = self._or_most_used(directions, statistics, by, most)
        values = (statistics.mean, statistics.variance, statistics.shares)
        return Table(["direction", "mean", "variance", "share"], [[k, *(each[k] for each in values)] for k in shown])

    @control
    def effects(
        self,
        *,
        directions: MostUsed = None,
        most: Most = 4,
        by: By = "variance",
        basis: Basis = "dictionary",
        clips: Clips = 32,
        codes: Sampled = 10_000,
        regions: Parts = "none",
        seed: Seed = 0,
    ) -> Table:
        """What clips lose when a direction is switched off: Δφ in four sectors of optical flow, and ΔΦ (Tab. 5.4)."""
        axes = Axes(self, basis)
        shown = self._or_most_used(directions, magnitude_statistics(self, axes, codes, seed), by, most)
        columns = [*(f"Δφ {way}" for way in FOUR_WAYS), "ΔΦ", *(f"Δ per pixel {way}" for way in FOUR_WAYS)]
        if regions != "none":
            columns += ["ΔΦ head", "ΔΦ mouth", "ΔΦ mouth - ΔΦ head"]
        head, mouth = head_and_mouth(regions)
        rows = []
        for effect in direction_effects(self, axes, shown, clips, seed, head=head, mouth=mouth):
            of = effect.regions
            in_regions = [of.head, of.mouth, of.mouth_alone] if of else []
            change = effect.change
            rows.append([effect.direction, *change.phi, change.Phi, *change.per_pixel, *in_regions, effect.words])
        return Table(["direction", *columns, "in words"], rows)

    @control
    def groups(
        self,
        *,
        directions: Directions = None,
        basis: Basis = "dictionary",
        clusters: Clusters = 16,
        seed: Seed = 0,
    ) -> Table:
        """Directions that move alike: φ of a walk along each in eight sectors (Eqs. 5.8, 5.9), grouped by k-means.

        Args:
            directions: Which, as [3,7]; all if not given.
            seed: Seed of the appearance that walks, and of k-means.
        """
        walked = list(range(self.config.N)) if directions is None else list(dict.fromkeys(given(directions)))
        walks = self._walks(Axes(self, basis), walked, clusters, seed)
        rows = [[k, group, *phi] for k, group, phi in zip(walked, walks.group, walks.phi, strict=True)]
        return Table(["direction", "group", *(f"φ {way}" for way in DIRECTIONS)], rows)

    def _walks(self, axes: Axes, directions: Sequence[int], clusters: int, seed: int) -> Walks:
        """One appearance along each direction, and which of these walks are alike."""
        w_0 = self.latents(self.appearances(1, seed), self.motions(1, seed)).w_0
        clips = list(self.draw(axes.walks(w_0, directions, self.config.frames)))
        phi = walk_motion(clips)
        return Walks(directions, clips, phi, grouped(phi, clusters, seed), LETTERS[axes.name])

    def _or_most_used(self, directions: Directions, statistics: MagnitudeStatistics, by: Rank, most: int) -> list[int]:
        """The directions given, each once, or else those most used. Raises InputError where there are none."""
        return statistics.strongest(by, most) if directions is None else list(dict.fromkeys(given(directions)))
