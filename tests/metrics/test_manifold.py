"""Precision, recall, density and coverage: by hand, by loops, and the failures they are made to tell apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.errors import InputError
from mutoscope.metrics import manifold, manifold_measures


def points(*positions: float) -> np.ndarray:
    """Points on a line."""
    return np.array(positions, np.float64)[:, None]


def by_loops(real: np.ndarray, generated: np.ndarray, k: int, k_density: int) -> tuple[float, float, float, float]:
    """The four definitions, word by word."""

    def radius(rows: np.ndarray, row: int, neighbours: int) -> float:
        return sorted(np.linalg.norm(rows[row] - other) for i, other in enumerate(rows) if i != row)[neighbours - 1]

    def inside(x: np.ndarray, rows: np.ndarray, row: int, neighbours: int) -> bool:
        return np.linalg.norm(x - rows[row]) <= radius(rows, row, neighbours)

    n, m = range(len(real)), range(len(generated))
    precision = np.mean([any(inside(generated[j], real, i, k) for i in n) for j in m])
    recall = np.mean([any(inside(real[i], generated, j, k) for j in m) for i in n])
    density = np.sum([inside(generated[j], real, i, k_density) for i in n for j in m]) / (k_density * len(m))
    coverage = np.mean([any(inside(generated[j], real, i, k_density) for j in m) for i in n])
    return precision, recall, density, coverage


def test_a_case_by_hand():
    real, generated = points(0, 1, 10), points(0.5, 2, 30)
    # nearest neighbours at most 1, 1 and 9 away: the real balls are [-1, 1], [0, 2] and [1, 19]
    # and 1.5, 1.5 and 28 away: the generated balls are [-1, 2], [0.5, 3.5] and [2, 58]
    measured = manifold_measures(real, generated, precision_neighbours=1, density_neighbours=1)
    assert measured.precision == pytest.approx(2 / 3)  # 0.5 and 2 lie in real balls, 30 does not
    assert measured.recall == 1  # 0 and 1 lie in the first generated ball, 10 in the last
    assert measured.density == pytest.approx((2 + 2 + 0) / 3)  # 2 lies in [0, 2] and [1, 19]
    assert measured.coverage == 1  # 0.5 lies in the balls of 0 and 1, 2 in that of 10


@pytest.mark.parametrize("rows_at_once", [3, 1024])
@given(seed=st.integers(0, 1000), n=st.integers(6, 12), m=st.integers(6, 12), shift=st.floats(0, 2))
def test_equals_the_definitions(rows_at_once, seed, n, m, shift):
    rng = np.random.default_rng(seed)
    real, generated = rng.normal(size=(n, 2)), rng.normal(shift, 1, (m, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifold, "ROWS_AT_ONCE", rows_at_once)
        measured = manifold_measures(real, generated, precision_neighbours=2, density_neighbours=3)
    np.testing.assert_allclose(measured, by_loops(real, generated, 2, 3))


def test_default_neighbours_are_the_published_ones():
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(30, 4)), rng.normal(0.5, 1, (25, 4))
    np.testing.assert_allclose(manifold_measures(real, generated), by_loops(real, generated, k=3, k_density=5))


def test_a_copy_of_the_real_set_is_perfect():
    real = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    copied = manifold_measures(real, real)
    assert (copied.precision, copied.recall, copied.coverage) == (1, 1, 1)
    assert copied.density >= 1


def test_distributions_that_are_equal_have_a_density_of_about_one():
    rng = np.random.default_rng(0)
    assert manifold_measures(rng.normal(size=(500, 4)), rng.normal(size=(500, 4))).density == pytest.approx(1, abs=0.1)


def test_lost_modes_cost_recall_and_coverage_and_stray_samples_precision_and_density():
    rng = np.random.default_rng(0)
    modes = np.array([[0, 0], [100, 0], [0, 100], [100, 100]])
    real = np.concatenate([rng.normal(mode, 1, (50, 2)) for mode in modes])
    one_mode, stray = rng.normal(modes[0], 1, (200, 2)), rng.normal(1000, 1, (200, 2))
    collapsed = manifold_measures(real, one_mode)
    assert collapsed.precision > 0.9
    assert collapsed.recall <= 0.25
    assert collapsed.coverage <= 0.25
    mixed = manifold_measures(real, np.concatenate([real, stray]))
    assert (mixed.precision, mixed.recall, mixed.coverage) == (0.5, 1, 1)
    assert mixed.density == pytest.approx(manifold_measures(real, real).density / 2)


def test_positions_far_from_the_origin_lose_nothing():
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(40, 3)), rng.normal(0.5, 1, (40, 3))
    np.testing.assert_allclose(manifold_measures(real + 100, generated + 100), manifold_measures(real, generated))


def test_sets_no_larger_than_a_neighbourhood_are_refused():
    with pytest.raises(InputError, match="more than 5"):
        manifold_measures(np.zeros((5, 2)), np.zeros((9, 2)))
    with pytest.raises(InputError, match="more than 3"):
        manifold_measures(np.zeros((9, 2)), np.zeros((3, 2)))
