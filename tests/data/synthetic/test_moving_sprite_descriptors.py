"""Descriptors read the truth of moving sprites back, from clean clips and from those of a half-trained generator."""

import cv2
import numpy as np
import pytest

from mutoscope.data.synthetic.moving_sprite_descriptors import (
    appearance_descriptors,
    motion_class,
    motion_descriptors,
    trajectory,
)
from mutoscope.data.synthetic.moving_sprites import MOTIONS, Appearance, Motion, course_of, draw_factors, render
from mutoscope.metrics.anova import variance_shares

CLIPS = 120


@pytest.fixture(scope="module")
def factors():
    return draw_factors(CLIPS, seed=5)


@pytest.fixture(scope="module")
def clips(factors):
    return render(*factors)


@pytest.fixture
def grid():
    """24 looks, each in 24 manners."""
    looks, manners = draw_factors(24, seed=1)
    return render(Appearance(*(v.repeat(24) for v in looks)), Motion(*(np.tile(v, 24) for v in manners)))


def motion_names(frames):
    """The name of each number of `motion_descriptors`."""
    curves = ("x", "y", "area")
    times = [f"{curve} at {time}" for curve in curves for time in range(frames)]
    parts = [f"{curve} {part}" for curve in curves for part in ("cosine", "sine")]
    return (*times, *(f"{curve} amplitude" for curve in curves), *parts)


def damaged(clips):
    """Blurred and noisy."""
    blurred = np.stack([[cv2.GaussianBlur(frame, (0, 0), 1.0) for frame in clip] for clip in clips])
    noise = np.random.default_rng(0).normal(0, 12, clips.shape)
    return (blurred + noise).round().clip(0, 255).astype(np.uint8)


def true_trajectory(motion):
    x, y, area = course_of(motion, 16)
    return x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True), area / area.mean(1, keepdims=True) - 1


def true_fill(look):
    """The colour in the middle of a shape that stays there."""
    resting = Motion(*(np.zeros(CLIPS, dtype) for dtype in (np.int64, np.float32, np.float32, np.float32)))
    return render(look, resting, frames=1)[:, 0, 16, 16] / 255


def correlation(first, second):
    return np.corrcoef(first.ravel(), second.ravel())[0, 1]


@pytest.mark.parametrize("as_seen", [lambda clips: clips, damaged], ids=["clean", "damaged"])
def test_descriptors_of_the_look_follow_the_true_colours_and_area(factors, clips, as_seen):
    look, motion = factors
    measured = appearance_descriptors(as_seen(clips))
    area = (course_of(motion, 16).area * look.size[:, None] ** 2).mean(1)
    assert correlation(measured[:, 6], area) > 0.95
    assert correlation(measured[:, 3:6], clips[:, 0, 0, 0] / 255) > 0.99
    assert correlation(measured[:, :3], true_fill(look)) > 0.99


@pytest.mark.parametrize("as_seen", [lambda clips: clips, damaged], ids=["clean", "damaged"])
def test_trajectories_are_the_true_ones(factors, clips, as_seen):
    for measured, true, tolerance in zip(
        trajectory(as_seen(clips)), true_trajectory(factors[1]), (0.02, 0.02, 0.3), strict=True
    ):
        assert measured == pytest.approx(true, abs=tolerance)
        assert correlation(measured, true) > 0.98


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("as_seen", [lambda clips: clips, damaged], ids=["clean", "damaged"])
def test_the_class_of_motion_is_read_back(factors, size, as_seen):
    seen = as_seen(render(*factors, size=size))
    assert (motion_class(seen) == factors[1].motion).mean() > 0.95
    assert (motion_class(seen.mean(-1, keepdims=True).astype(np.uint8)) == factors[1].motion).mean() > 0.8


def test_in_a_grid_the_look_decides_the_look_and_the_manner_the_motion(grid):
    looks, motions = (
        variance_shares(describe(grid).reshape(24, 24, -1)) for describe in (appearance_descriptors, motion_descriptors)
    )
    assert looks.appearance.min() > 0.95
    assert motions.motion.min() > 0.9


def test_amplitudes_and_harmonics_are_those_of_whole_cycles():
    look, _ = draw_factors(3, seed=0)
    ones = np.ones(3, np.float32)
    motion = Motion(np.array([0, 1, 3]), 0.15 * ones, np.array([0, 0.25, 0.5], np.float32), ones)
    described = dict(zip(motion_names(16), motion_descriptors(render(look, motion, size=64)).T, strict=True))
    assert described["x amplitude"] == pytest.approx([0.15, 0, 0], abs=0.01)
    assert described["y amplitude"] == pytest.approx([0, 0.15, 0], abs=0.01)
    assert described["area amplitude"] == pytest.approx([0, 0, 0.45], abs=0.05)
    assert described["x cosine"] == pytest.approx([0.15, 0, 0], abs=0.01)
    assert described["y sine"] == pytest.approx([0, -0.15, 0], abs=0.01), "cos(a + π/2) is -sin(a)"
    assert described["area cosine"] == pytest.approx([0, 0, -0.45], abs=0.05)


def test_clips_of_any_length_are_described(clips):
    assert appearance_descriptors(clips[:2]).shape == (2, 7)
    for frames in (1, 5, 16):
        assert motion_descriptors(clips[:2, :frames]).shape == (2, len(motion_names(frames)))


def test_a_clip_that_stands_still_shows_no_motion(clips):
    frozen = np.repeat(clips[:, :1], 16, axis=1)
    assert motion_descriptors(frozen) == pytest.approx(0, abs=1e-9)
    assert (motion_class(frozen) == -1).all()


def test_a_diagonal_swing_is_no_circle():
    frames = np.zeros((1, 16, 64, 64, 3), np.uint8)
    for time, shift in enumerate((8 * np.cos(2 * np.pi * np.arange(16) / 16)).round().astype(int)):
        frames[0, time, 24 + shift : 40 + shift, 24 + shift : 40 + shift] = 255
    assert MOTIONS[motion_class(frames)[0]] in ("horizontal", "vertical")


def test_clips_without_a_foreground_are_described_by_finite_values():
    grey = np.full((1, 4, 16, 16, 3), 51, np.uint8)
    assert appearance_descriptors(grey)[0] == pytest.approx([0, 0, 0, 0.2, 0.2, 0.2, 0])
    assert (motion_descriptors(grey) == 0).all()
    assert motion_class(grey).tolist() == [-1]


def test_a_frame_without_a_foreground_counts_as_empty_in_the_middle():
    clip = np.zeros((1, 2, 16, 16, 3), np.uint8)
    clip[0, 0, 4:8, 2:6] = 255
    x, y, area = trajectory(clip)
    assert x[0] == pytest.approx([-0.125, 0.125])
    assert y[0] == pytest.approx([-0.0625, 0.0625])
    assert area[0] == pytest.approx([1, -1])


def test_noise_is_described_by_finite_values():
    noise = np.random.default_rng(0).integers(0, 256, (3, 5, 8, 8, 3), dtype=np.uint8)
    assert np.isfinite(appearance_descriptors(noise)).all()
    assert np.isfinite(motion_descriptors(noise)).all()
    assert set(motion_class(noise)) <= {-1, 0, 1, 2, 3}


def test_no_clips_have_no_descriptors():
    none = np.zeros((0, 16, 32, 32, 3), np.uint8)
    assert appearance_descriptors(none).shape == (0, 7)
    assert motion_descriptors(none).shape == (0, 57)
    assert motion_class(none).shape == (0,)
