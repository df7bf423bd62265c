"""Intervals for measures of features, by resampling."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Shaped

from mutoscope.errors import InputError


class Interval(NamedTuple):
    """From where to where a figure may lie, in its own unit."""

    low: float
    high: float


def bootstrap_interval(
    statistic: Callable[..., float],
    *samples: Shaped[np.ndarray, "_ ..."],
    resamples: int = 200,
    level: float = 0.95,
    seed: int = 0,
    unbiased: bool = False,
) -> Interval:
    """An interval around `statistic(*samples)`: quantiles of resamples, with the bias taken off.

    Each resample draws, from every sample by itself, as many rows as it has, with replacement (Efron & Tibshirani 1993,
    Ch. 8 and 10). Plug-in distances are biased upwards, the more so the fewer the rows, and resamples carry that bias
    twice: the estimate's own, and as much again from resampling. Both are taken off the quantiles, so the interval may
    lie below the estimate, even below 0. Measured on Gaussians, intervals for a Fréchet distance hold the true one as
    often as they say from about eight rows a feature on; with four too rarely, with two hardly ever.
    Near 0 they are too wide.

    Not for measures of nearest neighbours (precision, coverage, …): repeated rows are their own neighbours.

    Args:
        statistic: a figure of arrays like `samples`, such as `frechet_distance_of` of two sets of features.
        samples: arrays of independent rows (rows that come together, as the frames of a clip, belong in one row).
        resamples: how many; below 200 the ends are rough.
        level: share of such intervals that hold the true value.
        seed: of the draws.
        unbiased: whether the statistic has no bias (as the kernel distance, a U-statistic). Repeated rows then move the
            resamples only, once.

    Raises:
        InputError: a sample has no rows, or the level is not between 0 and 1.
    """
    if not all(len(sample) for sample in samples):
        raise InputError("bootstrap: a sample has no rows (expected at least one)")
    rng = np.random.default_rng(seed)
    replicates = np.array(
        [
            statistic(*(sample[rng.integers(len(sample), size=len(sample))] for sample in samples))
            for _ in range(resamples)
        ]
    )
    return interval_of_resamples(float(statistic(*samples)), replicates, level, unbiased)


def interval_of_resamples(
    estimate: float, replicates: Float64[np.ndarray, "r"], level: float = 0.95, unbiased: bool = False
) -> Interval:
    """The interval of `bootstrap_interval`, from the figures of resamples.

    Raises:
        InputError: the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(f"bootstrap: level is {level} (expected a share between 0 and 1, such as 0.95)")
    bias = replicates.mean() - estimate
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2]) - (bias if unbiased else 2 * bias)
    return Interval(float(low), float(high))
