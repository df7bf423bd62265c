"""Flow on a wheel of sectors: uniform flows, of which every measure is known."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mutoscope.metrics.flow_sectors import (
    FOUR_WAYS,
    RegionMotion,
    Wheel,
    mean_change,
    mean_motion,
    mean_region_change,
    measure_regions,
)
from mutoscope.metrics.motion import DIRECTIONS

SIZE = 64
COMPASS = {
    "right": (1, 0),
    "up-right": (1, -1),
    "up": (0, -1),
    "up-left": (-1, -1),
    "left": (-1, 0),
    "down-left": (-1, 1),
    "down": (0, 1),
    "down-right": (1, 1),
}  # (x, y), y downwards
# a diagonal is the border of two of four sectors, and belongs to the next one counter-clockwise
QUARTERS = {"up-right": "up", "up-left": "left", "down-left": "down", "down-right": "right"}
STILL = np.zeros((2, SIZE, SIZE, 2), np.float32)


def uniform(x: float, y: float, size: int = SIZE) -> np.ndarray:
    """A flow of three pairs of frames in which all pixels move alike."""
    return np.broadcast_to(np.array([x, y], np.float32), (3, size, size, 2))


@pytest.mark.parametrize("sectors", [4, 8])
@pytest.mark.parametrize("name", COMPASS)
@pytest.mark.parametrize("speed", [0.75, 2.0, 5.0])
def test_uniform_flow_is_in_one_sector(sectors, name, speed):
    wheel = Wheel(sectors, H=8.0)
    way = np.array(COMPASS[name]) / np.hypot(*COMPASS[name]) * speed
    measured = wheel.measure(uniform(*way))
    expected = name if sectors == 8 else QUARTERS.get(name, name)
    np.testing.assert_allclose(measured.phi, (np.array(wheel.names) == expected) * speed / 8, rtol=1e-6)
    np.testing.assert_allclose(measured.per_pixel, measured.phi)
    assert measured.Phi == pytest.approx(speed / 8, rel=1e-6)


def test_sectors_have_the_documents_order():
    assert Wheel(4).names == FOUR_WAYS == ("up", "right", "left", "down")  # R_0 is opposite R_3, R_1 opposite R_2
    assert Wheel(8).names == DIRECTIONS


@pytest.mark.parametrize("sectors", [4, 8])
@given(angle=st.floats(-180, 180), offset=st.floats(-90, 90))
def test_a_turned_wheel_sees_what_a_turned_flow_shows(sectors, angle, offset):
    def vectors(degrees: float) -> np.ndarray:
        return np.array([[np.cos(np.radians(degrees)), -np.sin(np.radians(degrees))]], np.float32)

    assume(abs((angle - offset) * sectors / 360 % 1 - 0.5) > 1e-3)  # on a border rounding decides
    turned = Wheel(sectors, offset=offset).sector_of(vectors(angle))
    np.testing.assert_array_equal(turned, Wheel(sectors).sector_of(vectors(angle - offset)))


def test_slow_pixels_do_not_move_and_fast_ones_count_as_the_rim():
    vectors = STILL.copy()
    vectors[0, 0, :4, 0] = [0.5, 0.6, 4, 100]
    measured = Wheel(H=8.0).measure(vectors)
    assert measured.phi[1] == pytest.approx((0.6 / 8 + 0.5 + 1) / 3)
    assert measured.per_pixel[1] == pytest.approx((0.6 / 8 + 0.5 + 1) / (2 * SIZE * SIZE))


def test_sectors_are_weighted_by_their_pixels_in_the_whole():
    vectors = STILL.copy()
    vectors[0, 0, :3] = [(4, 0), (2, 0), (0, -8)]
    measured = Wheel(H=8.0).measure(vectors)
    np.testing.assert_allclose(measured.phi, [1, 0.375, 0, 0])
    assert measured.Phi == pytest.approx((0.5 + 0.25 + 1) / 3)


def test_a_still_clip_has_no_motion_anywhere():
    phi, Phi, per_pixel = Wheel().measure(STILL)
    assert (phi == 0).all()
    assert Phi == 0
    assert (per_pixel == 0).all()


def test_speeds_are_shares_of_the_frame():
    large, small = Wheel().measure(uniform(4, 0, 64)), Wheel().measure(uniform(2, 0, 32))
    assert large.Phi == small.Phi
    assert Wheel().measure(uniform(0.3, 0, 32)).Phi > 0  # 0.6 pixels of 64
    assert Wheel().measure(uniform(0.3, 0, 64)).Phi == 0


def test_a_mask_leaves_only_its_region():
    vectors, mask = STILL.copy(), np.zeros((2, SIZE, SIZE), bool)
    vectors[:, :, : SIZE // 2] = (4, 0)
    vectors[:, :, SIZE // 2 :] = (0, 2)
    mask[:, :, SIZE // 2 :] = True
    np.testing.assert_allclose(Wheel(H=8.0).measure(vectors, mask).phi, [0, 0, 0, 0.25])
    np.testing.assert_allclose(Wheel(H=8.0).measure(vectors, mask).per_pixel, [0, 0, 0, 0.25])
    assert Wheel().measure(vectors, np.zeros_like(mask)).Phi == 0


def test_a_clip_is_measured_by_its_flow_and_the_masks_of_all_frames_but_the_last():
    y, x = np.mgrid[:SIZE, :SIZE]
    clip = np.stack([127 + 60 * np.sin((x - 2 * t) / 3) + 60 * np.sin((y + x - 2 * t) / 4) for t in range(3)])
    clip = clip[..., None].clip(0, 255).astype(np.uint8)
    mask = np.ones((3, SIZE, SIZE), bool)
    measured = Wheel(H=8.0).measure_clip(clip)
    assert measured.phi.argmax() == FOUR_WAYS.index("right")
    assert measured.Phi == pytest.approx(0.25, rel=0.1)
    mask[2] = False
    assert Wheel(H=8.0).measure_clip(clip, mask).Phi == measured.Phi
    mask[:2] = False
    assert Wheel(H=8.0).measure_clip(clip, mask).Phi == 0


def test_change_is_without_minus_full_on_average():
    wheel = Wheel(H=8.0)
    full = [wheel.measure(uniform(4, 0)), wheel.measure(uniform(0, -2))]
    without = [wheel.measure(uniform(0, 0)), wheel.measure(uniform(0, -2))]
    np.testing.assert_allclose(mean_motion(full).phi, [0.125, 0.25, 0, 0])
    change = mean_change(without, full)
    np.testing.assert_allclose(change.phi, [0, -0.25, 0, 0])
    assert change.Phi == pytest.approx(-0.25)
    with pytest.raises(ValueError, match="shorter"):
        mean_change(full, full[:1])


def test_what_changes_nothing_has_no_effect_at_all():
    noise = np.random.default_rng(0).normal(0, 3, (4, SIZE, SIZE, 2)).astype(np.float32)
    motion = [Wheel(8).measure(noise), Wheel(8).measure(-noise)]
    phi, Phi, per_pixel = mean_change(motion, motion)
    assert (phi == 0).all()
    assert Phi == 0
    assert (per_pixel == 0).all()


def test_a_mouth_in_a_head_is_not_the_heads():
    head, mouth = np.zeros((2, SIZE, SIZE), bool), np.zeros((2, SIZE, SIZE), bool)
    head[:, 8:56, 8:56] = True
    mouth[:, 40:48, 24:40] = True
    vectors = STILL.copy()
    vectors[head] = (2, 0)
    vectors[mouth] = (0, 6)
    measured = measure_regions(vectors, head, mouth, Wheel(H=8.0))
    assert measured == measure_regions(vectors, head & ~mouth, mouth, Wheel(H=8.0)) == RegionMotion(0.25, 0.75)
    assert measured.mouth_alone == 0.5


def test_a_mouth_that_only_goes_with_its_head_does_not_change_alone():
    full, without = (
        [RegionMotion(0.5, 0.5), RegionMotion(0.25, 0.5)],
        [RegionMotion(0.25, 0.25), RegionMotion(0.0, 0.25)],
    )
    change = mean_region_change(without, full)
    assert change == RegionMotion(-0.25, -0.25)
    assert change.mouth_alone == 0


def test_a_wheel_without_room_for_motion_is_refused():
    with pytest.raises(ValueError, match="threshold is 8"):
        Wheel(H=8.0, threshold=8.0)
