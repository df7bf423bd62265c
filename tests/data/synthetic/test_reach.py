"""The reaching arm moves as its factors say, and the gripper's place can be read off clean and damaged frames."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data.synthetic import make_clips
from mutoscope.data.synthetic.reach import Motion, course_of, draw_factors, render
from mutoscope.data.synthetic.reach_readout import read_reach
from mutoscope.errors import InputError


@pytest.fixture(scope="module")
def reach():
    return make_clips("reach", max_clips=50, seed=5)


def factor(rendered, name):
    return np.stack(rendered.factors[name])


def damaged(clips):
    """Blurred and noisy."""
    blurred = np.stack([[cv2.GaussianBlur(frame, (0, 0), 0.8) for frame in clip] for clip in clips])
    noise = np.random.default_rng(0).normal(0, 8, clips.shape)
    return (blurred + noise).round().clip(0, 255).astype(np.uint8)


def magenta(clips):
    """What red and blue both have more than green, in [-1, 1]."""
    red, green, blue = np.moveaxis(clips / 255, -1, 0)
    return np.minimum(red, blue) - green


def test_default_set_has_clips_of_16_frames_at_32_pixels_in_one_class():
    few = make_clips("reach", max_clips=3)
    assert {clip.shape for clip in few.clips} == {(16, 32, 32, 3)}
    assert (few.labels, few.label_names) == ([0, 0, 0], ["reach"])


def test_x_swings_far_and_y_goes_slowly_and_steadily(reach):
    time = np.arange(16)
    x_0, a, omega, phase, y_0, v = (factor(reach, name) for name in ("x_0", "a", "omega", "phase", "y_0", "v"))
    assert factor(reach, "x") == pytest.approx(x_0 + a * np.sin(omega * time + phase), abs=1e-4)
    assert factor(reach, "y") == pytest.approx(y_0 + v * time, abs=1e-4)
    assert 4 <= a.min() <= a.max() <= 9
    assert 0.1 <= np.abs(v).min() <= np.abs(v).max() <= 0.4


def test_factors_are_independent_and_most_clips_go_down():
    appearance, motion = draw_factors(4000, seed=1)
    assert (motion.v > 0).mean() == pytest.approx(0.85, abs=0.025)
    assert np.bincount(appearance.blocks, minlength=3) == pytest.approx(4000 / 3, rel=0.1)
    drawn = np.stack([*motion[:5], np.abs(motion.v), motion.v > 0, appearance.blocks, *appearance.table])
    assert np.abs(np.corrcoef(drawn) - np.eye(len(drawn))).max() < 0.07, "four and a half standard errors"


@given(seed=st.integers(0, 999), frames=st.integers(1, 200))
def test_the_gripper_stays_inside_the_picture_however_long_the_clip(seed, frames):
    course = course_of(draw_factors(20, seed)[1], frames)
    assert 2.5 <= course.x.min() <= course.x.max() <= 29.5
    assert 2.99 <= course.y.min() <= course.y.max() <= 29.01


def test_a_longer_clip_begins_as_a_shorter_one():
    short, long = (make_clips("reach", max_clips=3, frames=frames) for frames in (16, 48))
    np.testing.assert_array_equal(np.stack(short.clips), np.stack(long.clips)[:, :16])


def test_only_the_gripper_is_magenta():
    """But for a little where something red meets something blue."""
    appearance, motion = draw_factors(300, seed=2)
    clips = render(appearance, motion, frames=1)[:, 0]
    course = course_of(motion, 1)
    centres = np.arange(32) + 0.5
    outside = (np.abs(centres - course.x)[:, None, :] > 3.1) | (np.abs(centres - course.y)[:, :, None] > 2.6)
    assert magenta(clips)[outside].max() < 0.35
    assert np.quantile(magenta(clips)[outside], 0.99) < 0.03
    assert magenta(clips).max((1, 2)).min() > 0.9


def test_tables_and_blocks_stand_still(reach):
    """A pixel that neither the arm nor the gripper ever reaches never changes."""
    centres = np.arange(32) + 0.5
    for clip, x in zip(reach.clips, reach.factors["x"], strict=True):
        untouched = (np.abs(centres - x[:, None]) > 3).all(0)
        assert (clip[:, :, untouched] == clip[:1, :, untouched]).all()


def test_the_arm_reaches_from_the_top_edge_down_to_the_gripper(reach):
    for clip, x, y in zip(reach.clips, reach.factors["x"], reach.factors["y"], strict=True):
        for frame, column, row in zip(clip, x.astype(int), y.astype(int), strict=True):
            arm = frame[: row - 2, column].astype(int)
            assert np.ptp(arm, axis=-1).max(initial=0) < 40
            assert arm.max(initial=0) < 100


@pytest.mark.parametrize(("backgrounds", "tables"), [(0, 60), (1, 1), (4, 4)])
def test_backgrounds_say_how_many_tables_there_are(backgrounds, tables):
    appearance, _ = draw_factors(60, 3, backgrounds)
    assert len(np.unique(np.stack(appearance.table), axis=1).T) == tables


def test_shared_tables_are_the_same_for_every_seed_and_leave_the_rest_as_it_is():
    (shared, motion), (other, _) = (draw_factors(50, seed, 1) for seed in (3, 4))
    own, same_motion = draw_factors(50, 3)
    np.testing.assert_array_equal(np.stack(shared.table), np.stack(other.table))
    np.testing.assert_array_equal(np.stack(motion), np.stack(same_motion))
    np.testing.assert_array_equal(shared.x, own.x)


def test_negative_backgrounds_are_refused():
    with pytest.raises(InputError, match=r"^reach: backgrounds is -1 \(expected at least 0\)$"):
        make_clips("reach", max_clips=1, backgrounds=-1)


def test_larger_pictures_show_the_same_scene():
    small, large = (make_clips("reach", max_clips=8, frames=4, size=size) for size in (32, 64))
    halved = np.stack(large.clips).reshape(8, 4, 32, 2, 32, 2, 3).mean((3, 5))
    assert np.abs(halved - np.stack(small.clips)).mean() < 2
    for name in ("x", "y", "a", "v"):
        assert factor(large, name) == pytest.approx(2 * factor(small, name))


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("as_seen", [lambda clips: clips, damaged], ids=["clean", "damaged"])
def test_the_gripper_is_read_back(size, as_seen):
    rendered = make_clips("reach", max_clips=50, seed=5, size=size)
    state = read_reach(as_seen(np.stack(rendered.clips)))
    assert state.found.all()
    for measured, name in ((state.x, "x"), (state.y, "y")):
        error = np.abs(measured - factor(rendered, name))
        assert error.max() < 0.6
        assert error.mean() < 0.1


def test_a_gripper_that_stands_still_is_read_at_one_place():
    appearance, _ = draw_factors(1, seed=0)
    still = Motion(*(np.full(1, value, np.float32) for value in (16, 0, 0, 0, 16, 0)))
    state = read_reach(render(appearance, still, frames=3))
    assert state.x == pytest.approx(16, abs=0.05)
    assert np.ptp(state.x) == np.ptp(state.y) == 0


@pytest.mark.parametrize("shown", ["grey", "noise", "another set", "two grippers"])
def test_what_is_no_gripper_is_not_found(reach, shown):
    grey = np.full((2, 3, 32, 32, 3), 128, np.uint8)
    two = grey.copy()
    two[:, :, 4:8, 2:7] = two[:, :, 24:28, 25:30] = (255, 0, 255)
    frames = {
        "grey": grey,
        "noise": np.random.default_rng(0).integers(0, 256, grey.shape, dtype=np.uint8),
        "another set": np.stack(make_clips("talk", max_clips=20).clips),
        "two grippers": two,
    }
    state = read_reach(frames[shown])
    assert not state.found.any()
    assert np.isnan(state.x).all()
    assert np.isnan(state.y).all()


def test_frames_are_read_one_by_one(reach):
    clips = np.stack(reach.clips[:4])
    clips[1, 3] = 0
    state = read_reach(clips)
    assert np.argwhere(~state.found).tolist() == [[1, 3]]
    np.testing.assert_array_equal(read_reach(clips[2:3, 5:9]).x, state.x[2:3, 5:9])


def test_grey_clips_cannot_be_read():
    with pytest.raises(InputError, match=r"1 channels \(expected 3, RGB\)$"):
        read_reach(np.zeros((1, 2, 32, 32, 1), np.uint8))


def test_no_clips_have_no_states():
    assert render(*draw_factors(0, seed=0)).shape == (0, 16, 32, 32, 3)
    assert read_reach(np.zeros((0, 16, 32, 32, 3), np.uint8)).x.shape == (0, 16)
