"""Fidelity and diversity apart: how the feature manifolds of real and generated samples cover each other."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from mutoscope.errors import InputError

ROWS_AT_ONCE = 1024


class Manifolds(NamedTuple):
    """How two manifolds cover each other; higher is better.

    Attributes:
        precision: share of generated samples within the real manifold, 0 to 1.
        recall: share of real samples within the generated manifold, 0 to 1.
        density: mean number of real neighbourhoods around a generated sample ÷ their number k; 1 expected for equal
            distributions, may exceed 1.
        coverage: share of real samples with a generated sample in their neighbourhood, 0 to 1.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifold_measures(
    real: Float[np.ndarray, "n k"],
    generated: Float[np.ndarray, "m k"],
    *,
    precision_neighbours: int = 3,
    density_neighbours: int = 5,
) -> Manifolds:
    """Improved precision and recall (Kynkäänniemi et al. 2019) and density and coverage (Naeem et al. 2020).

    A manifold is the union of balls around samples, each reaching to the sample's k-th nearest neighbour of the same
    set, the surface included. Distances are Euclidean, in float64, computed 1024 rows at a time. All four depend on
    the number of samples: compare sets of equal size.

    Args:
        real: features of real samples, more rows than neighbours.
        generated: features of generated samples, more rows than `precision_neighbours`.
        precision_neighbours: k of precision and recall.
        density_neighbours: k of density and coverage.

    Raises:
        InputError: a set has too few rows for its neighbours.
    """
    real, generated = real.astype(np.float64), generated.astype(np.float64)
    real_radii = _neighbour_distances(real, [precision_neighbours, density_neighbours])
    generated_radii = _neighbour_distances(generated, [precision_neighbours])[0]

    in_real, covered_real = np.zeros(len(generated), bool), np.zeros(len(real), bool)
    in_generated, neighbourhoods = np.zeros(len(real), bool), 0
    for part, distances in _distance_blocks(real, generated):
        near = distances <= real_radii[1][part, None]
        neighbourhoods += int(near.sum())
        covered_real[part] = near.any(axis=1)
        in_real |= (distances <= real_radii[0][part, None]).any(axis=0)
        in_generated[part] = (distances <= generated_radii).any(axis=1)
    density = neighbourhoods / (density_neighbours * len(generated))
    precision, recall, coverage = (float(each.mean()) for each in (in_real, in_generated, covered_real))
    return Manifolds(precision, recall, density, coverage)


def _neighbour_distances(rows: Float64[np.ndarray, "n k"], neighbours: list[int]) -> Float64[np.ndarray, "r n"]:
    """Squared distance of each row to its nearest neighbours of the given ranks (1: the nearest but itself)."""
    if len(rows) <= max(neighbours):
        raise InputError(
            f"manifolds: a set has {len(rows)} rows (expected more than {max(neighbours)}, the neighbours)"
        )
    radii = np.empty((len(neighbours), len(rows)))
    for part, distances in _distance_blocks(rows, rows):
        own = np.arange(part.start, part.stop)
        distances[own - part.start, own] = 0.0  # itself: the row of rank 0, even where rounding says otherwise
        radii[:, part] = np.partition(distances, neighbours, axis=1)[:, neighbours].T
    return radii


def _distance_blocks(
    a: Float64[np.ndarray, "n k"], b: Float64[np.ndarray, "m k"]
) -> Iterator[tuple[slice, Float64[np.ndarray, "_ m"]]]:
    """Squared distances of some rows of `a`, and which, to all of `b`."""
    squares_a, squares_b = np.einsum("nk,nk->n", a, a), np.einsum("mk,mk->m", b, b)
    for start in range(0, len(a), ROWS_AT_ONCE):
        part = slice(start, min(start + ROWS_AT_ONCE, len(a)))
        distances = a[part] @ (-2 * b.T)
        distances += squares_a[part, None]
        distances += squares_b
        yield part, np.maximum(distances, 0.0, out=distances)
