"""Eq. 10 on the printed tables, and the search for the window a sequence resembles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutoscope.errors import InputError
from mutoscope.metrics import AnimationScore, animation_score, best_window, window_frames


def random_clips(lengths=(20, 5, 30), seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (length, 6, 5, 3), dtype=np.uint8) for length in lengths]


def brute_force(generated: np.ndarray, clips: list[np.ndarray]) -> float:
    """Lowest MSE over all windows and both directions, straight from the definition."""
    length = len(generated)
    windows = [clip[s : s + length] for clip in clips for s in range(len(clip) - length + 1)]
    return min(np.square(w[::step].astype(float) - generated).mean() for w in windows for step in (1, -1))


@pytest.mark.parametrize(
    ("psnr", "ssim", "fid", "expected"),
    [
        (8.67, 0.48, 0.41, 20.71),
        (9.32, 0.56, 0.33, 23.55),
        (9.39, 0.54, 0.77, 21.49),
        (10.17, 0.64, 0.12, 31.30),
        (17.36, 0.54, 423.87, 28.16),
        (18.92, 0.68, 5.22, 32.71),
    ],
)
def test_score_of_the_printed_rows(psnr, ssim, fid, expected):
    assert animation_score(psnr, ssim, fid) == pytest.approx(expected, abs=0.01)
    assert AnimationScore(psnr, ssim, fid).score == animation_score(psnr, ssim, fid)


def test_a_vanishing_fid_is_guarded_and_the_weights_are_used():
    assert animation_score(0.0, 0.0, 0.0) == pytest.approx(1000)
    assert animation_score(1.0, 0.5, 4.0, alpha=10.0, beta=2.0) == pytest.approx(6.5)


@given(clip=st.sampled_from([0, 2]), start=st.integers(0, 10), backwards=st.booleans(), noise=st.integers(0, 3))
def test_planted_windows_are_found(clip, start, backwards, noise):
    clips = random_clips()
    planted = clips[clip][start : start + 10]
    planted = planted[::-1] if backwards else planted
    disturbance = np.random.default_rng(0).integers(-noise, noise + 1, planted.shape)
    found = best_window((planted + disturbance).clip(0, 255).astype(np.uint8), clips)
    assert found[:3] == (clip, start, backwards)
    np.testing.assert_array_equal(window_frames(clips, found, 10), planted)


@settings(max_examples=20)
@given(length=st.integers(1, 8), seed=st.integers(0, 1000))
def test_the_found_window_is_the_best_of_all_and_its_mse_is_true(length, seed):
    clips, generated = random_clips((9, 3, 12), seed), random_clips((length,), seed + 1)[0]
    found = best_window(generated, clips)
    assert found.mse == pytest.approx(brute_force(generated, clips))
    error = np.square(window_frames(clips, found, length).astype(float) - generated).mean()
    assert found.mse == pytest.approx(error)


@given(frames_at_once=st.integers(1, 50))
def test_how_many_frames_are_held_at_a_time_changes_nothing(frames_at_once):
    clips = random_clips((40,))
    assert best_window(clips[0][17:27], clips, frames_at_once) == (0, 17, False, 0.0)


def test_a_sequence_longer_than_every_clip_is_refused():
    with pytest.raises(InputError, match="no real clip has 10 frames"):
        best_window(random_clips((10,))[0], random_clips((9, 3)))
