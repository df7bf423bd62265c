"""Average content distances of embeddings made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.errors import InputError
from mutoscope.metrics import acd_c, acd_i


def embeddings(seed: int = 0, frames: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames, 8)).astype(np.float32)


def test_a_frozen_clip_has_no_content_distance():
    assert acd_c(np.repeat(embeddings(frames=1), 16, axis=0)) == 0


def test_frames_that_equal_the_input_have_no_identity_distance():
    face = embeddings(frames=1)
    assert acd_i(np.repeat(face, 16, axis=0), face[0]) == 0


def test_a_triangle_by_hand():
    corners = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    assert acd_c(corners) == pytest.approx((3 + 4 + 5) / 3)
    assert acd_i(corners, corners[0]) == pytest.approx((0 + 3 + 5) / 3)


@given(seed=st.integers(0, 1000), frames=st.integers(2, 9))
def test_both_equal_their_definitions(seed, frames):
    e, e_input = embeddings(seed, frames), embeddings(seed + 1, 1)[0]
    pairs = [np.linalg.norm(e[i] - e[j]) for i in range(frames) for j in range(i + 1, frames)]
    assert acd_c(e) == pytest.approx(np.mean(pairs), rel=1e-5)
    assert acd_i(e, e_input) == pytest.approx(np.mean([np.linalg.norm(x - e_input) for x in e]), rel=1e-5)


@given(seed=st.integers(0, 1000))
def test_the_order_of_frames_does_not_matter(seed):
    e, e_input = embeddings(seed), embeddings(seed + 1, 1)[0]
    assert acd_c(e[::-1]) == pytest.approx(acd_c(e))
    assert acd_i(e[::-1], e_input) == pytest.approx(acd_i(e, e_input))


def test_too_few_frames_are_refused():
    with pytest.raises(InputError, match="at least two"):
        acd_c(embeddings(frames=1))
    with pytest.raises(InputError, match="no frames"):
        acd_i(embeddings(frames=0), embeddings()[0])
