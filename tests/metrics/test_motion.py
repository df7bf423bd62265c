"""Optical flow of pictures that move as they are told."""

import numpy as np
import pytest

from mutoscope.errors import InputError
from mutoscope.metrics import (
    DIRECTIONS,
    SpeedHistogram,
    flow,
    flow_statistics,
    motion_statistics,
    speed_distance,
)

EIGHT_WAYS = [(1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1)]  # (x, y), y downwards


def texture(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A smooth picture without edges or repeats, 0 to 255."""
    waves = np.random.default_rng(0).uniform(-0.6, 0.6, (12, 2))
    phases = np.random.default_rng(1).uniform(0, 2 * np.pi, 12)
    return 127 + sum(10 * np.sin(a * x + b * y + phase) for (a, b), phase in zip(waves, phases, strict=True))


def translation(velocity: tuple[float, float], frames: int = 5, size: int = 64, channels: int = 3) -> np.ndarray:
    """A clip of a texture that moves by `velocity` (x, y) pixels a frame."""
    y, x = np.mgrid[:size, :size].astype(float)
    pictures = [texture(x - velocity[0] * t, y - velocity[1] * t) for t in range(frames)]
    return np.repeat(np.stack(pictures)[..., None], channels, axis=3).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("velocity", [(2.0, 0.0), (0.0, -3.0), (-1.5, 0.5)])
def test_flow_is_the_velocity_of_a_translation(velocity, channels):
    clip = translation(velocity, channels=channels)
    vectors = flow(clip)
    assert vectors.shape == (4, 64, 64, 2)
    inner = vectors[:, 8:-8, 8:-8]
    np.testing.assert_allclose(inner.mean(axis=(0, 1, 2)), velocity, atol=0.05)
    assert np.linalg.norm(inner - np.array(velocity), axis=3).mean() < 0.1


@pytest.mark.parametrize("velocity", [(2.0, 0.0), (-1.5, 1.5)])
def test_statistics_of_a_translation(velocity):
    statistics = motion_statistics(translation(velocity))
    assert statistics.speed == pytest.approx(np.hypot(*velocity), rel=0.05)
    assert statistics.moving > 0.97
    assert statistics.consistency > 0.97
    assert DIRECTIONS[statistics.directions.argmax()] == {2.0: "right", -1.5: "down-left"}[velocity[0]]
    assert statistics.directions.max() > 0.95


@pytest.mark.parametrize(("way", "name"), list(zip(EIGHT_WAYS, DIRECTIONS, strict=True)))
def test_each_way_has_its_direction(way, name):
    vectors = np.broadcast_to(np.array(way, np.float32), (2, 4, 4, 2))
    statistics = flow_statistics(vectors)
    np.testing.assert_array_equal(statistics.directions, np.arange(8) == DIRECTIONS.index(name))
    assert statistics.speed == pytest.approx(np.hypot(*way))
    assert (statistics.moving, statistics.consistency) == (1, pytest.approx(1))


def test_motion_is_weighted_by_speed_and_slow_pixels_do_not_move():
    vectors = np.zeros((1, 1, 4, 2), np.float32)
    vectors[0, 0, :, 0] = [3, -1, 0.1, 0]
    speed, moving, directions, consistency = flow_statistics(vectors)
    assert speed == pytest.approx(4.1 / 4)
    assert moving == 0.5
    assert dict(zip(DIRECTIONS, directions, strict=True))["right"] == pytest.approx(3 / 4)
    assert consistency == pytest.approx((3 - 1) / (3 + 1))


def test_a_still_clip_does_not_move():
    still = np.repeat(translation((0, 0), frames=1), 3, axis=0)
    speed, moving, directions, consistency = motion_statistics(still)
    assert speed == pytest.approx(0, abs=0.01)
    assert (moving, directions.sum()) == (0, 0)
    assert np.isnan(consistency)


def test_a_clip_played_backwards_moves_the_other_way():
    clip = translation((2.0, 0.0))
    forwards, backwards = motion_statistics(clip), motion_statistics(clip[::-1])
    assert DIRECTIONS[backwards.directions.argmax()] == "left"
    assert backwards.speed == pytest.approx(forwards.speed, rel=0.02)


def speeds_of(*clips: np.ndarray) -> SpeedHistogram:
    histogram = SpeedHistogram()
    for clip in clips:
        histogram.update(clip)
    return histogram


def test_speed_distance_is_the_difference_of_speeds():
    slow, fast = speeds_of(translation((1.0, 0.0))), speeds_of(translation((0.0, 3.0)))
    assert speed_distance(slow, fast) == pytest.approx(2, abs=0.15)
    assert speed_distance(slow, fast) == speed_distance(fast, slow)
    assert speed_distance(slow, slow) == 0


def test_speeds_of_many_clips_add_up():
    slow, fast = translation((1.0, 0.0)), translation((3.0, 0.0))
    together, alone = speeds_of(slow, fast), [speeds_of(slow), speeds_of(fast)]
    np.testing.assert_array_equal(together.counts, sum(histogram.counts for histogram in alone))
    assert together.counts.sum() == 2 * 4 * 64 * 64


def test_clips_without_flow_are_refused():
    with pytest.raises(InputError, match="1 frames"):
        flow(np.zeros((1, 32, 32, 3), np.uint8))
    with pytest.raises(InputError, match="32×15 pixels"):
        flow(np.zeros((2, 15, 32, 3), np.uint8))
    with pytest.raises(InputError, match="4 channels"):
        flow(np.zeros((2, 32, 32, 4), np.uint8))
    with pytest.raises(InputError, match="no clips"):
        speed_distance(SpeedHistogram(), speeds_of(translation((1.0, 0.0))))
