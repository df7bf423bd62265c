"""Bootstrap intervals: theory for the mean, and how often they hold a true distance."""

import numpy as np
import pytest

from mutoscope.errors import InputError
from mutoscope.metrics import bootstrap_interval, frechet_distance_of, kernel_distance, kernel_distance_interval


def mean(values: np.ndarray) -> float:
    return float(values.mean())


def test_the_interval_of_a_mean_is_that_of_theory():
    values = np.random.default_rng(0).normal(5, 2, 400)
    low, high = bootstrap_interval(mean, values, resamples=2000)
    error = values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_the_same_seed_gives_the_same_interval_and_a_higher_level_a_wider_one():
    values = np.random.default_rng(0).normal(size=100)
    assert bootstrap_interval(mean, values, seed=1) == bootstrap_interval(mean, values, seed=1)
    assert bootstrap_interval(mean, values, seed=1) != bootstrap_interval(mean, values, seed=2)
    narrow, wide = (bootstrap_interval(mean, values, level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_samples_are_resampled_each_by_itself():
    many, few = np.arange(50.0), np.arange(100.0, 103.0)
    sizes = set()

    def gap(a: np.ndarray, b: np.ndarray) -> float:
        assert a.max() < 50
        assert b.min() >= 100
        sizes.add((len(a), len(b)))
        return b.mean() - a.mean()

    bootstrap_interval(gap, many, few, resamples=20)
    assert sizes == {(50, 3)}


def test_frechet_intervals_hold_the_true_distance_as_often_as_they_say():
    shift, deviation = np.array([0.8, 0, 0, 0]), np.array([1, 1, 1.5, 1])
    true = np.square(shift).sum() + np.square(deviation - 1).sum()
    rng = np.random.default_rng(0)
    intervals, estimates = [], []
    for _ in range(100):
        a, b = rng.normal(size=(150, 4)), rng.normal(shift, deviation, (150, 4))
        intervals.append(bootstrap_interval(frechet_distance_of, a, b, resamples=100, level=0.9))
        estimates.append(frechet_distance_of(a, b))
    low, high = np.array(intervals).T
    assert 0.83 <= np.mean((low <= true) & (true <= high)) <= 0.97
    bias = np.mean(estimates) - true
    assert bias > 0
    assert abs((low + high).mean() / 2 - true) < bias / 2


def kernel_mean(mean_a: np.ndarray, mean_b: np.ndarray) -> float:
    """The expectation of (x·y / k + 1)³ for x ~ N(mean_a, I) and y ~ N(mean_b, I), from the moments of x·y."""
    k, product = len(mean_a), mean_a @ mean_b
    squares = mean_a @ mean_a + mean_b @ mean_b
    second = product**2 + squares + k
    third = product**3 + 3 * product * (squares + k + 2)
    return 1 + 3 * product / k + 3 * second / k**2 + third / k**3


def test_kernel_intervals_hold_the_true_distance_as_often_as_they_say():
    zeros, shift = np.zeros(8), np.full(8, 0.5)
    true = kernel_mean(zeros, zeros) + kernel_mean(shift, shift) - 2 * kernel_mean(zeros, shift)
    rng = np.random.default_rng(0)
    intervals, estimates = [], []
    for seed in range(100):
        a, b = rng.normal(size=(60, 8)), rng.normal(shift, 1, (60, 8))
        intervals.append(kernel_distance_interval(a, b, resamples=100, level=0.9, seed=seed))
        estimates.append(kernel_distance(a, b))
    low, high = np.array(intervals).T
    assert 0.83 <= np.mean((low <= true) & (true <= high)) <= 0.97
    assert np.mean(estimates) == pytest.approx(true, abs=3 * np.std(estimates) / 10)


def test_the_quick_kernel_interval_is_that_of_any_statistic():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(60, 3)), rng.normal(0.7, 1, (50, 3))
    quick = kernel_distance_interval(a, b, resamples=2000)
    general = bootstrap_interval(kernel_distance, a, b, resamples=2000, unbiased=True)
    width = general.high - general.low
    np.testing.assert_allclose(quick, general, atol=0.1 * width)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_that_is_no_share_is_refused(level):
    with pytest.raises(InputError, match="level"):
        bootstrap_interval(mean, np.ones(3), level=level)


def test_an_empty_sample_is_refused():
    with pytest.raises(InputError, match="no rows"):
        bootstrap_interval(mean, np.ones(0))
