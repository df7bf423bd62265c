"""Fréchet distance: streaming statistics, closed forms, singular covariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from mutoscope.errors import InputError
from mutoscope.metrics import (
    FeatureStatistics,
    feature_statistics,
    frechet_distance,
    frechet_distance_of,
    frechet_name,
)

seeds = st.integers(0, 10_000)


class MeanColour:
    """The smallest possible extractor."""

    name = "mean-colour"
    kind = "frame"

    def __call__(self, frames):
        return frames.mean(axis=(1, 2))


def features(seed: int, count: int = 50, dims: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dims)) @ rng.normal(size=(dims, dims)) + rng.normal(size=dims)


def statistics_of(*batches: np.ndarray) -> FeatureStatistics:
    statistics = FeatureStatistics()
    for batch in batches:
        statistics.update(batch)
    return statistics


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return frechet_distance(statistics_of(a), statistics_of(b))


@given(seed=seeds, cuts=st.lists(st.integers(0, 50), max_size=4))
def test_streaming_in_any_batches_gives_numpy_mean_and_covariance(seed, cuts):
    whole = features(seed)
    mean, covariance = statistics_of(*np.split(whole, sorted(cuts))).compute()
    np.testing.assert_allclose(mean, whole.mean(axis=0), atol=1e-10)
    np.testing.assert_allclose(covariance, np.cov(whole, rowvar=False), atol=1e-9)


@given(seed=seeds, cut=st.integers(0, 50))
def test_merged_statistics_equal_those_of_all_features(seed, cut):
    whole = features(seed)
    merged = statistics_of(whole[:cut])
    merged.merge(statistics_of(whole[cut:]))
    assert merged.count == len(whole)
    for ours, expected in zip(merged.compute(), statistics_of(whole).compute(), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-9)


def test_statistics_are_exact_far_from_the_origin():
    whole = features(0)
    _, near = statistics_of(whole).compute()
    _, far = statistics_of(*np.split(whole + 1e6, 5)).compute()
    np.testing.assert_allclose(far, near, atol=1e-6)


@given(seed=seeds)
def test_distance_agrees_with_the_matrix_square_root(seed):
    a, b = features(seed), features(seed + 1)
    covariance_a, covariance_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    expected += np.trace(covariance_a + covariance_b - 2 * sqrtm(covariance_a @ covariance_b).real)
    assert distance(a, b) == pytest.approx(expected, rel=1e-5, abs=1e-5)


@given(seed=seeds)
def test_distance_is_symmetric_and_zero_to_itself(seed):
    a, b = features(seed), features(seed + 1)
    assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-9)
    assert distance(a, a) == pytest.approx(0, abs=1e-3)


@given(seed=seeds, shift=st.lists(st.floats(-10, 10), min_size=6, max_size=6))
def test_a_translation_costs_its_squared_length(seed, shift):
    a = features(seed)
    assert distance(a, a + np.array(shift)) == pytest.approx(np.square(shift).sum(), abs=1e-5)


@given(seed=seeds)
def test_the_order_of_frames_does_not_matter(seed):
    a, b = features(seed), features(seed + 1)
    shuffled = np.random.default_rng(seed).permutation(a)
    assert distance(shuffled, b) == pytest.approx(distance(a, b), rel=1e-9)


def test_gaussians_along_the_same_axes_have_a_closed_form():
    rng = np.random.default_rng(0)
    sigma_a, sigma_b, mean_b = np.array([1.0, 2.0, 0.5]), np.array([2.0, 1.0, 0.5]), np.array([1.0, 0.0, -1.0])
    a, b = rng.normal(0, sigma_a, (40_000, 3)), rng.normal(mean_b, sigma_b, (40_000, 3))
    expected = np.square(mean_b).sum() + np.square(sigma_a - sigma_b).sum()
    assert distance(a, b) == pytest.approx(expected, rel=0.03)


@settings(max_examples=20)
@given(seed=seeds, count=st.integers(1, 64))
def test_fewer_samples_than_dimensions_are_no_problem(seed, count):
    a, b = features(seed, count, dims=64), features(seed + 1, count, dims=64)
    assert np.isfinite(distance(a, b))
    assert distance(a, b) > 0
    assert distance(a, a) < 1e-3


@given(seed=seeds, count=st.sampled_from([1, 2, 6, 30]), other=st.sampled_from([1, 5, 7, 40]))
def test_features_at_hand_give_the_distance_of_their_statistics(seed, count, other):
    a, b = features(seed, count), features(seed + 1, other)
    assert frechet_distance_of(a, b) == pytest.approx(distance(a, b), rel=1e-5, abs=1e-4)


def test_statistics_of_nothing_are_refused():
    with pytest.raises(InputError, match="no frames"):
        frechet_distance(statistics_of(features(0)), FeatureStatistics())
    with pytest.raises(InputError, match="no features"):
        frechet_distance_of(features(0), features(0, count=0))


def test_frames_are_read_in_batches_and_the_metric_is_named_after_its_features():
    frames = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), dtype=np.uint8)
    mean, covariance = feature_statistics(frames, MeanColour(), batch_size=3).compute()
    np.testing.assert_allclose(mean, frames.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(covariance, np.cov(frames.mean(axis=(1, 2)), rowvar=False))
    assert frechet_name(MeanColour()) == "fid[mean-colour]"
