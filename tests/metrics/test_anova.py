"""Variance shares: sums of squares of the textbook, known effects, descriptors that do not vary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.errors import InputError
from mutoscope.metrics import variance_shares


def grid(seed: int = 0, rows: int = 5, columns: int = 7, descriptors: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(3, 2, (rows, columns, descriptors))


def test_sums_of_squares_are_those_of_the_textbook():
    values = grid()[:, :, 0]
    rows, columns = values.shape
    mean = sum(values[i, j] for i in range(rows) for j in range(columns)) / values.size
    row_means = [sum(values[i, j] for j in range(columns)) / columns for i in range(rows)]
    column_means = [sum(values[i, j] for i in range(rows)) / rows for j in range(columns)]
    ss_rows = columns * sum((row - mean) ** 2 for row in row_means)
    ss_columns = rows * sum((column - mean) ** 2 for column in column_means)
    cells = [(i, j) for i in range(rows) for j in range(columns)]
    ss_rest = sum((values[i, j] - row_means[i] - column_means[j] + mean) ** 2 for i, j in cells)
    ss_total = sum((values[i, j] - mean) ** 2 for i, j in cells)

    shares = variance_shares(values[:, :, None])
    assert shares.appearance[0] == pytest.approx(ss_rows / ss_total)
    assert shares.motion[0] == pytest.approx(ss_columns / ss_total)
    assert shares.interaction[0] == pytest.approx(ss_rest / ss_total)
    assert shares.total[0] == pytest.approx(ss_total / values.size)


@given(seed=st.integers(0, 10_000), rows=st.integers(2, 6), columns=st.integers(2, 6))
def test_shares_are_not_negative_and_sum_to_one(seed, rows, columns):
    values = grid(seed, rows, columns)
    shares = variance_shares(values)
    parts = np.stack([shares.appearance, shares.motion, shares.interaction])
    assert (parts >= 0).all()
    np.testing.assert_allclose(parts.sum(axis=0), 1)
    np.testing.assert_allclose(shares.total, values.var(axis=(0, 1)))


def test_known_effects_are_found():
    of_rows, of_columns = np.array([-3.0, 0.0, 3.0]), np.array([-1.0, 1.0])  # variances 6 and 1
    only_rows = np.add.outer(of_rows, 0 * of_columns)
    only_columns = np.add.outer(0 * of_rows, of_columns)
    product = np.multiply.outer(of_rows, of_columns)
    shares = variance_shares(np.stack([only_rows, only_columns, only_rows + only_columns, product], axis=2))
    np.testing.assert_allclose(shares.appearance, [1, 0, 6 / 7, 0], atol=1e-12)
    np.testing.assert_allclose(shares.motion, [0, 1, 1 / 7, 0], atol=1e-12)
    np.testing.assert_allclose(shares.interaction, [0, 0, 0, 1], atol=1e-12)


@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_units_do_not_matter_and_swapping_the_codes_swaps_their_shares(seed, scale, shift):
    values = grid(seed)
    shares, scaled = variance_shares(values), variance_shares(values * scale + shift)
    swapped = variance_shares(values.transpose(1, 0, 2))
    np.testing.assert_allclose(scaled.appearance, shares.appearance, rtol=1e-6)
    np.testing.assert_allclose(swapped.motion, shares.appearance)
    np.testing.assert_allclose(swapped.interaction, shares.interaction)


def test_a_descriptor_that_does_not_vary_has_no_shares():
    values = grid()
    values[:, :, 1] = 0.1  # no binary fraction: its mean is off by a rounding error
    shares = variance_shares(values)
    np.testing.assert_array_equal(shares.degenerate, [False, True, False])
    assert np.isnan([shares.appearance[1], shares.motion[1], shares.interaction[1]]).all()
    assert np.isfinite(np.nanmean(shares.appearance))


def test_variance_is_compared_with_that_of_real_data():
    values = grid()
    variance = values.var(axis=(0, 1))
    shares = variance_shares(values, real_variance=variance * np.array([1.0, 4.0, 1000.0]))
    np.testing.assert_allclose(shares.of_real, [1, 0.25, 0.001])
    np.testing.assert_array_equal(shares.collapsed, [False, True, True])
    np.testing.assert_array_equal(shares.degenerate, [False, False, True])
    assert np.isnan(variance_shares(values).of_real).all()


def test_a_grid_of_one_row_is_refused():
    with pytest.raises(InputError, match="1×7 clips"):
        variance_shares(grid(rows=1))
