"""Kernel distance: torchmetrics, the definition as loops, and what an unbiased estimate must do."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.image.kid import poly_mmd

from mutoscope.errors import InputError
from mutoscope.metrics import kernel, kernel_distance, kernel_distance_interval, kernel_distance_of_subsets


def features(seed: int, count: int = 40, dims: int = 6, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (count, dims))


@pytest.mark.parametrize("rows_at_once", [7, 40, 1024])
def test_equals_torchmetrics_whatever_the_blocks(rows_at_once, monkeypatch):
    monkeypatch.setattr(kernel, "ROWS_AT_ONCE", rows_at_once)
    a, b = features(0), features(1, shift=0.3)
    expected = poly_mmd(torch.from_numpy(a), torch.from_numpy(b)).item()
    assert kernel_distance(a, b) == pytest.approx(expected, rel=1e-10)


@given(seed=st.integers(0, 1000), n=st.integers(2, 9), m=st.integers(2, 9))
def test_equals_its_definition_for_sets_of_different_size(seed, n, m):
    a, b = features(seed, n), features(seed + 1, m)

    def k(x: np.ndarray, y: np.ndarray) -> float:
        return (x @ y / len(x) + 1) ** 3

    within_a = np.mean([k(a[i], a[j]) for i in range(n) for j in range(n) if i != j])
    within_b = np.mean([k(b[i], b[j]) for i in range(m) for j in range(m) if i != j])
    between = np.mean([k(x, y) for x in a for y in b])
    assert kernel_distance(a, b) == pytest.approx(within_a + within_b - 2 * between, rel=1e-9, abs=1e-9)


@given(seed=st.integers(0, 1000))
def test_symmetric_and_blind_to_order(seed):
    a, b = features(seed), features(seed + 1)
    shuffled = np.random.default_rng(seed).permutation(a)
    assert kernel_distance(a, b) == pytest.approx(kernel_distance(b, a), abs=1e-12)
    assert kernel_distance(shuffled, b) == pytest.approx(kernel_distance(a, b), abs=1e-12)


def test_unbiased_so_about_zero_for_one_distribution_and_positive_for_two():
    same = np.array([kernel_distance(features(seed), features(seed + 1000)) for seed in range(200)])
    assert abs(same.mean()) < 3 * same.std() / np.sqrt(len(same))
    assert (same < 0).mean() > 0.3
    assert kernel_distance(features(0, 400), features(1, 400, shift=0.5)) > 10 * same.std()


def test_float32_features_are_compared_in_float64():
    a, b = features(0).astype(np.float32), features(1).astype(np.float32)
    assert kernel_distance(a, b) == kernel_distance(a.astype(np.float64), b.astype(np.float64))


def test_subsets_follow_the_published_protocol():
    a, b = features(0, 300), features(1, 300, shift=0.4)
    mean, std = kernel_distance_of_subsets(a, b, subset_size=100, subsets=50)
    assert mean == pytest.approx(kernel_distance(a, b), abs=3 * std / np.sqrt(50))
    assert std > 0
    whole = kernel_distance_of_subsets(a, b, subset_size=300, subsets=2)
    assert whole.mean == pytest.approx(kernel_distance(a, b))
    assert whole.std == pytest.approx(0, abs=1e-12)


def test_the_interval_encloses_the_estimate():
    a, b = features(0, 100), features(1, 100, shift=0.5)
    low, high = kernel_distance_interval(a, b)
    assert low < kernel_distance(a, b) < high


def test_sets_that_are_too_small_are_refused():
    with pytest.raises(InputError, match="at least 2"):
        kernel_distance(features(0, 1), features(1))
    with pytest.raises(InputError, match="at least 2"):
        kernel_distance_interval(features(0), features(1, 0))
    with pytest.raises(InputError, match="at least 1000"):
        kernel_distance_of_subsets(features(0), features(1))
