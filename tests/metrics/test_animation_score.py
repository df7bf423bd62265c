"""Eq. 10 on the printed tables, and the search for the window a sequence resembles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutoscope.errors import InputError
from mutoscope.metrics import AnimationScore, animation_score, best_window, window_frames
from mutoscope.metrics.animation_score import WindowSearch, _summaries


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


def natural_clips(n: int, seed: int = 0) -> list[np.ndarray]:
    """Clips of 20 frames of 21 × 18 pixels, in which a bright disc moves over a faint pattern."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:21, :18]
    clips = []
    for start, speed in zip(rng.uniform(0, 18, (n, 2)), rng.uniform(-1, 1, (n, 2)), strict=True):
        centres = start + speed * np.arange(20)[:, None]
        disc = np.stack([np.hypot(y - cy, x - cx) < 4 for cy, cx in centres]) * 200
        clips.append((disc[..., None] + rng.integers(0, 50, (21, 18, 1))).astype(np.uint8))
    return clips


def test_summaries_save_most_comparisons_and_lose_no_window():
    """Distances of summaries never exceed those of frames, and are close enough to rule most windows out."""
    clips, generated = natural_clips(30), natural_clips(1, seed=1)[0][:8]
    search = WindowSearch(clips)
    bounds = search._lower_bounds(_summaries(generated), np.arange(0, 600, 20))
    true = [[np.square(clip[:8][::s].astype(float) - generated).sum() for s in (1, -1)] for clip in clips]
    assert (bounds <= np.array(true)).all()
    found = search.best(generated)
    assert found.mse == pytest.approx(brute_force(generated, clips))
    assert np.mean(bounds > found.mse * generated.size) > 0.8


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), noise=st.sampled_from([0, 5, 60]))
def test_one_search_serves_many_sequences(seed, noise):
    clips, rng = natural_clips(6, seed), np.random.default_rng(seed)
    search = WindowSearch(clips)
    for clip in natural_clips(3, seed + 1):
        generated = (clip[3:10] + rng.normal(0, noise, clip[3:10].shape)).clip(0, 255).astype(np.uint8)
        assert search.best(generated).mse == pytest.approx(brute_force(generated, clips))


def test_a_sequence_longer_than_every_clip_is_refused():
    with pytest.raises(InputError, match="no real clip has 10 frames"):
        best_window(random_clips((10,))[0], random_clips((9, 3)))
