"""Kernel distance: the squared maximum mean discrepancy of two sets of features (KID of Bińkowski et al. 2018)."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from mutoscope.errors import InputError
from mutoscope.metrics.bootstrap import Interval, interval_of_resamples

ROWS_AT_ONCE = 1024


def kernel_distance(a: Float[np.ndarray, "n k"], b: Float[np.ndarray, "m k"]) -> float:
    """Unbiased squared MMD with the kernel `(x·y / k + 1)³`, over all pairs, in float64.

    `mean_{i≠j} k(a_i, a_j) + mean_{i≠j} k(b_i, b_j) − 2 mean_{i,j} k(a_i, b_j)` (Bińkowski et al. 2018, Sec. 4): its
    expectation is 0 for samples of one distribution, so it is as often below 0 as above. No unit of its own: it
    depends on the scale of the features. Kernels are computed 1024 rows at a time, never all at once.

    Args:
        a: features, at least two rows.
        b: the features they are compared with, at least two rows.

    Raises:
        InputError: a set has fewer than two rows.
    """
    _check_sizes(a, b)
    return float(_weighted_distances(a, b, np.ones((1, len(a))), np.ones((1, len(b))))[0])


def kernel_distance_interval(
    a: Float[np.ndarray, "n k"],
    b: Float[np.ndarray, "m k"],
    resamples: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The bootstrap interval of `kernel_distance`, with each kernel computed once for all resamples.

    What `bootstrap_interval(kernel_distance, a, b, unbiased=True)` does, at about the cost of a single distance.

    Raises:
        InputError: as `kernel_distance`, or the level is not between 0 and 1.
    """
    _check_sizes(a, b)
    rng = np.random.default_rng(seed)
    counts_a, counts_b = (
        np.vstack([np.ones(n), rng.multinomial(n, np.full(n, 1 / n), size=resamples)]) for n in (len(a), len(b))
    )
    estimate, *replicates = _weighted_distances(a, b, counts_a, counts_b)
    return interval_of_resamples(float(estimate), np.array(replicates), level, unbiased=True)


class KernelDistance(NamedTuple):
    """Mean and standard deviation of a kernel distance over subsets."""

    mean: float
    std: float


def kernel_distance_of_subsets(
    a: Float[np.ndarray, "n k"],
    b: Float[np.ndarray, "m k"],
    subset_size: int = 1000,
    subsets: int = 100,
    seed: int = 0,
) -> KernelDistance:
    """The published protocol: `kernel_distance` of random subsets of both sets, drawn without replacement.

    The mean has the expectation of the distance over all pairs, with more noise. The deviation is that between
    subsets (which overlap), not the error of the mean.

    Args:
        a: features, at least `subset_size` rows.
        b: the features they are compared with, at least `subset_size` rows.
        subset_size: rows of each set in a subset.
        subsets: how many.
        seed: of the subsets.

    Raises:
        InputError: a set has fewer rows than a subset, or as `kernel_distance`.
    """
    _check_sizes(a, b, fewest=max(subset_size, 2))
    rng = np.random.default_rng(seed)
    distances = [
        kernel_distance(
            rng.choice(a, subset_size, replace=False, shuffle=False),
            rng.choice(b, subset_size, replace=False, shuffle=False),
        )
        for _ in range(subsets)
    ]
    return KernelDistance(float(np.mean(distances)), float(np.std(distances)))


def _weighted_distances(
    a: Float[np.ndarray, "n k"],
    b: Float[np.ndarray, "m k"],
    counts_a: Float64[np.ndarray, "r n"],
    counts_b: Float64[np.ndarray, "r m"],
) -> Float64[np.ndarray, "r"]:
    """The distances where row i of `a` stands `counts_a[:, i]` times in its set, and so for `b`."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    within = sum(_mean_within(rows, counts) for rows, counts in ((a, counts_a), (b, counts_b)))
    return within - 2 * _mean_between(a, b, counts_a, counts_b)


def _mean_within(rows: Float64[np.ndarray, "n k"], counts: Float64[np.ndarray, "r n"]) -> Float64[np.ndarray, "r"]:
    """Mean kernel over ordered pairs of different draws from one set (two draws of one row are different)."""
    n = len(rows)
    total = np.zeros(len(counts))
    for part in _blocks(n):
        kernel = _kernel(rows[part], rows[part.start :])  # each pair of blocks once: the kernel is symmetric
        diagonal, above = kernel[:, : len(kernel)], kernel[:, len(kernel) :]
        own, later = counts[:, part], counts[:, part.stop :]
        total += np.einsum("ri,ri->r", own @ diagonal, own) - own @ np.diag(diagonal)
        total += 2 * np.einsum("rj,rj->r", own @ above, later)
    return total / (n * (n - 1))


def _mean_between(
    a: Float64[np.ndarray, "n k"],
    b: Float64[np.ndarray, "m k"],
    counts_a: Float64[np.ndarray, "r n"],
    counts_b: Float64[np.ndarray, "r m"],
) -> Float64[np.ndarray, "r"]:
    total = np.zeros(len(counts_a))
    for part in _blocks(len(a)):
        total += np.einsum("rj,rj->r", counts_a[:, part] @ _kernel(a[part], b), counts_b)
    return total / (len(a) * len(b))


def _kernel(a: Float64[np.ndarray, "n k"], b: Float64[np.ndarray, "m k"]) -> Float64[np.ndarray, "n m"]:
    base = a @ b.T / a.shape[1] + 1
    return base * base * base  # many times faster than base**3


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + ROWS_AT_ONCE, rows)) for start in range(0, rows, ROWS_AT_ONCE))


def _check_sizes(a: Float[np.ndarray, "n k"], b: Float[np.ndarray, "m k"], fewest: int = 2) -> None:
    if min(len(a), len(b)) < fewest:
        raise InputError(f"kernel distance: {len(a)} and {len(b)} rows (expected at least {fewest} in each set)")
