"""Flow as colours: what is still is white, hue tells the direction, saturation the speed."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.media.flow_colours import flow_colours, wheel_colours, wheel_picture


def colour(x: float, y: float, fastest: float = 1.0) -> tuple[int, ...]:
    return tuple(flow_colours(np.full((1, 1, 2), (x, y), np.float32), fastest)[0, 0].tolist())


def test_the_wheel_goes_through_its_six_hues():
    colours = wheel_colours()
    assert colours.shape == (55, 3)
    corners = [0, 15, 21, 25, 36, 49]
    np.testing.assert_array_equal(colours[corners], [(1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1)])
    # every colour is a pure hue, and no two are the same
    assert ((colours.max(axis=1) == 1) & (colours.min(axis=1) == 0)).all()
    assert len(np.unique(colours, axis=0)) == 55


def test_still_is_white_and_right_is_red():
    assert colour(0, 0) == (255, 255, 255)
    assert colour(1, 0) == (255, 0, 0)
    assert colour(0.5, 0) == (255, 128, 128)
    assert colour(2, 0) == (191, 0, 0)  # beyond the rim: darker
    assert colour(3, 0, fastest=6) == colour(0.5, 0)


@given(angle=st.floats(0, 2 * np.pi), speed=st.floats(0.2, 0.99))
def test_speed_is_saturation_and_hue_grows_clockwise(angle, speed):
    def hue_and_saturation(angle: float, speed: float) -> tuple[float, float]:
        pixel = colour(speed * np.cos(angle), speed * np.sin(angle))
        hue, saturation, value = colorsys.rgb_to_hsv(*(level / 255 for level in pixel))
        assert value == pytest.approx(1, abs=0.005)
        return hue, saturation

    hue, saturation = hue_and_saturation(angle, speed)
    assert saturation == pytest.approx(speed, abs=0.01)
    step = 0.2
    if angle + step < 2 * np.pi - 0.05:
        assert hue_and_saturation(angle + step, speed)[0] > hue


def test_the_wheel_has_no_seam():
    angles = np.linspace(-np.pi, np.pi, 2000)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=-1).astype(np.float32)[None]
    steps = np.abs(np.diff(flow_colours(ring, 1.01)[0].astype(int), axis=0))
    assert steps.max() <= 2


def test_a_clip_is_coloured_frame_by_frame():
    vectors = np.random.default_rng(0).normal(0, 1, (3, 4, 5, 2)).astype(np.float32)
    frames = flow_colours(vectors, 2.0)
    assert frames.shape == (3, 4, 5, 3)
    np.testing.assert_array_equal(frames[1], flow_colours(vectors[1], 2.0))


def test_the_legend_is_a_disc_on_white():
    picture = wheel_picture(64)
    assert picture.shape == (64, 64, 3)
    assert (picture[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
    assert picture[32, 62, 0] == 255
    assert picture[32, 62, 1:].max() < 30


def test_a_wheel_without_a_rim_is_refused():
    with pytest.raises(ValueError, match="fastest is 0"):
        colour(1, 0, fastest=0.0)
