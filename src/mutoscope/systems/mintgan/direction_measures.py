"""What each motion direction does, in figures: how far clips go along it, and what moves when it does (section 5.3.4).

A direction's number counts the rows of a basis: the learned dictionary or the canonical one (`Drawing.basis`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64, UInt8
from torch import Tensor

from mutoscope.metrics.flow_sectors import (
    RegionMotion,
    SectorMotion,
    Wheel,
    mean_change,
    mean_motion,
    mean_region_change,
    measure_regions,
)
from mutoscope.metrics.motion import flow
from mutoscope.systems.mintgan.drawing import Basis, Clip, Drawing
from mutoscope.systems.mintgan.trajectories import linear_walk
from mutoscope.systems.noise import normal_draws

Rank = Literal["variance", "mean"]
RegionOf = Callable[[UInt8[np.ndarray, "n t h w c"]], Bool[np.ndarray, "n t h w"]]
"""Finds a region in the frames of clips, such as a mouth."""

CODES_AT_ONCE = 500
HARDLY = 0.05
"""Share of all motion below which a direction counts as doing hardly anything."""
ONE_WAY = 2.0
"""How many times more one axis must lose than the other for a direction to be named after it."""


class Axes:
    """The directions of a basis, found once.

    Args:
        system: What draws.
        basis: Which directions.

    Raises:
        InputError: the system has no such basis.
    """

    def __init__(self, system: Drawing, basis: Basis) -> None:
        self.name = basis
        self.rows: Float[Tensor, "N N"] = system.basis(basis)
        self._coordinates_of_units = system.in_basis(torch.eye(len(self.rows), device=self.rows.device)[None], basis)[0]

    def coordinates(self, A: Float[Tensor, "n s N"]) -> Float[Tensor, "n s N"]:
        """Magnitudes of the dictionary's directions as steps along these."""
        return A @ self._coordinates_of_units

    def path(self, w_0: Float[Tensor, "n N"], coordinates: Float[Tensor, "n s N"]) -> Float[Tensor, "n t N"]:
        """The codes of all frames (Eq. 5.4)."""
        return torch.cat([w_0[:, None], w_0[:, None] + coordinates.cumsum(1) @ self.rows], 1)

    def walks(self, w_0: Float[Tensor, "1 N"], directions: Sequence[int], length: int) -> Float[Tensor, "k t N"]:
        """Linear walks from α = -5 towards 5 along each direction, from one appearance (Eq. 5.8)."""
        along = linear_walk(length).to(self.rows.device)
        return w_0 + along[:, None] * self.rows[list(directions)][:, None]


def only(coordinates: Float[Tensor, "n s N"], direction: int) -> Float[Tensor, "n s N"]:
    """The same steps with all directions but one deactivated (Fig. 5.5)."""
    return coordinates - without(coordinates, direction)


def without(coordinates: Float[Tensor, "n s N"], direction: int) -> Float[Tensor, "n s N"]:
    """The same steps with one direction deactivated: its α is 0."""
    kept = coordinates.clone()
    kept[..., direction] = 0
    return kept


class MagnitudeStatistics(NamedTuple):
    """α of each direction, over time and clips (Fig. 5.3)."""

    mean: Float64[np.ndarray, "N"]
    variance: Float64[np.ndarray, "N"]

    @property
    def shares(self) -> Float64[np.ndarray, "N"]:
        """Share of each direction in the variance of all; 0 where nothing varies."""
        return self.variance / (self.variance.sum() or 1.0)

    def strongest(self, by: Rank, n: int) -> list[int]:
        """The `n` directions of the largest variance, or of the largest mean in either sense, largest first."""
        values = self.variance if by == "variance" else np.abs(self.mean)
        return np.argsort(-values, kind="stable")[:n].tolist()


def magnitude_statistics(system: Drawing, axes: Axes, codes: int = 10_000, seed: int = 0) -> MagnitudeStatistics:
    """Statistics of α over the steps of so many random clips, of which none is drawn."""
    total = torch.zeros(2, system.config.N, dtype=torch.float64)
    for start in range(0, codes, CODES_AT_ONCE):
        n = min(CODES_AT_ONCE, codes - start)
        z_a = normal_draws((n, system.config.d_a), seed, 2, start)
        z_m = normal_draws((n, system.config.frames - 1, system.config.d_m), seed, 3, start)
        alpha = axes.coordinates(system.latents(z_a, z_m).A).flatten(0, 1).cpu().double()
        total += torch.stack([alpha.sum(0), alpha.square().sum(0)])
    mean, mean_square = (total / (codes * (system.config.frames - 1))).numpy()
    return MagnitudeStatistics(mean, (mean_square - mean**2).clip(0))


class DirectionEffect(NamedTuple):
    """What clips lose with a direction.

    Attributes:
        direction: its number.
        full: motion of the clips in four sectors, on average.
        change: the same without the direction, minus with it: Δφ, ΔΦ (Tab. 5.4).
        regions: ΔΦ of head and mouth (Tab. 5.5), where it was asked for.
    """

    direction: int
    full: SectorMotion
    change: SectorMotion
    regions: RegionMotion | None

    @property
    def words(self) -> str:
        """What the direction does, in words: which axis loses most of its motion, counted over all pixels.

        φ itself is the strength of those pixels that move: it hardly falls when fewer of them do.
        """
        up, right, left, down = -self.change.per_pixel / (self.full.per_pixel.sum() or 1.0)
        sideways, upright = right + left, up + down
        if sideways + upright < -HARDLY:
            return "holds motion back"
        if max(sideways, upright) < HARDLY:
            return "hardly moves anything"
        if sideways >= ONE_WAY * upright:
            return "mostly left-right"
        return "mostly up-down" if upright >= ONE_WAY * sideways else "left-right and up-down"


def direction_effects(
    system: Drawing,
    axes: Axes,
    directions: Sequence[int],
    clips: int = 32,
    seed: int = 0,
    *,
    head: RegionOf | None = None,
    mouth: RegionOf | None = None,
) -> list[DirectionEffect]:
    """What the same clips lose when one direction is deactivated, each in turn (the document takes 1,000 clips).

    Args:
        system: What draws.
        axes: The basis whose directions are counted.
        directions: Which ones.
        clips: How many clips.
        seed: Seed of their noise.
        head, mouth: Find these regions, for ΔΦ in each; both or none.

    Raises:
        InputError: frames are too small for optical flow.
        ValueError: only one of the regions is given.
    """
    if (head is None) != (mouth is None):
        raise ValueError("head and mouth: one is given without the other (expected both or none)")
    w_0, A = system.latents(system.appearances(clips, seed), system.motions(clips, seed))
    coordinates = axes.coordinates(A)

    # the same number of clips at a time, so that equal codes are drawn to the last bit alike
    def moved(steps: Float[Tensor, "n s N"]) -> tuple[list[SectorMotion], list[RegionMotion]]:
        return _motion_of(system.draw(axes.path(w_0, steps)), head, mouth)

    full, full_regions = moved(coordinates)
    effects = []
    for k in directions:
        sectors, regions = moved(without(coordinates, k))
        region_change = mean_region_change(regions, full_regions) if regions else None
        effects.append(DirectionEffect(k, mean_motion(full), mean_change(sectors, full), region_change))
    return effects


def _motion_of(
    clips: Iterable[Clip], head: RegionOf | None, mouth: RegionOf | None
) -> tuple[list[SectorMotion], list[RegionMotion]]:
    """Motion of each clip, and of its regions where they can be found."""
    wheel, sectors, regions = Wheel(4), [], []
    for clip in clips:
        vectors = flow(clip)
        sectors.append(wheel.measure(vectors))
        if head is not None and mouth is not None:
            regions.append(measure_regions(vectors, head(clip[None])[0, :-1], mouth(clip[None])[0, :-1], wheel))
    return sectors, regions


def walk_motion(walks: Iterable[Clip]) -> Float64[np.ndarray, "k 8"]:
    """φ of each clip in eight sectors (Eq. 5.9).

    Raises:
        InputError: frames are too small for optical flow.
    """
    wheel = Wheel(8)
    return np.stack([wheel.measure_clip(clip).phi for clip in walks])


def grouped(phi: Float64[np.ndarray, "k 8"], clusters: int = 16, seed: int = 0) -> Int64[np.ndarray, "k"]:
    """Directions that move alike, by k-means of their φ (section 5.3.4).

    Args:
        phi: one row a direction.
        clusters: how many groups; fewer where there are fewer different rows.
        seed: of the first centres.

    Returns:
        The group of each direction; groups are numbered in the order in which they first come.
    """
    from sklearn.cluster import KMeans

    clusters = min(clusters, len(np.unique(phi, axis=0)))
    labels = KMeans(clusters, n_init=10, random_state=seed).fit_predict(phi)
    _, first, number = np.unique(labels, return_index=True, return_inverse=True)
    return first.argsort().argsort()[number].astype(np.int64)
