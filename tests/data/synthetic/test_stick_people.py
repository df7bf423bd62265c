"""Stick people move as their labels say, their joints lie on them, and light turns around them unseen by any joint."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data.synthetic import make_clips
from mutoscope.data.synthetic.stick_motions import MOTIONS, poses
from mutoscope.data.synthetic.stick_people import draw_people, draw_takes, joints_of, render
from mutoscope.geometry.skeletons import PENN13

NUMBER = {name: number for number, name in enumerate(PENN13.joints)}


@pytest.fixture(scope="module")
def rendered():
    return make_clips("stick_people", seed=5, subjects=4)


@pytest.fixture(scope="module")
def joints(rendered):
    return np.stack(rendered.columns["joints"])


def of_motion(rendered, joints, motion, *names):
    """The named joints in the clips of one motion, n t k 2."""
    return joints[np.array(rendered.labels) == rendered.label_names.index(motion)][:, :, [NUMBER[n] for n in names]]


def drawn(size, shade=None, seed=0, clips=6, frames=24):
    """People in front of black, how much of each pixel in [0, 1] they hide, and their joints."""
    takes = draw_takes(seed, subjects=clips, takes=1, max_clips=clips)
    people = draw_people(clips, seed).at(takes.subject)
    places = joints_of(people, takes, frames) * np.float32(size / 32)
    shade = np.zeros((clips, frames), np.float32) if shade is None else shade
    black, white = (render(people, places, shade, torch.full((clips, 3, size, size), value)) for value in (0.0, 1.0))
    return black, 1 - (white - black).mean(axis=-1) / 255, places


def test_default_set_is_20_people_in_6_motions_of_48_frames():
    takes = draw_takes(0, subjects=20, takes=1)
    assert len(takes.subject) == 120
    few = make_clips("stick_people", max_clips=7)
    assert {clip.shape for clip in few.clips} == {(48, 32, 32, 3)}
    assert few.labels == [0, 1, 2, 3, 4, 5, 0]
    assert few.subjects == ["0-000"] * 6 + ["0-001"]
    assert few.label_names == ["jumping-jack", "wave", "squat", "kick", "swing", "walk-in-place"]


def test_joints_are_columns_in_penn_actions_order_and_all_seen(rendered):
    assert rendered.skeleton == "penn13"
    for clip, joints, visible in zip(rendered.clips, *rendered.columns.values(), strict=True):
        assert (joints.shape, visible.shape) == ((len(clip), 13, 2), (len(clip), 13))
        assert joints.dtype == visible.dtype == np.float32
        assert (visible == 1).all()


@given(seed=st.integers(0, 9999), frames=st.integers(1, 100))
def test_all_joints_stay_inside_the_picture_however_long_the_clip(seed, frames):
    takes = draw_takes(seed, subjects=3, takes=1)
    joints = joints_of(draw_people(3, seed).at(takes.subject), takes, frames)
    assert 1 < joints.min() <= joints.max() < 31


@pytest.mark.parametrize("size", [32, 64])
def test_joints_lie_on_the_drawing(size):
    """The thinnest limbs are 1.4 pixels of 32 wide, and a joint is up to 0.7 from the centre of its pixel."""
    _, hidden, joints = drawn(size)
    columns, rows = np.moveaxis(joints.astype(int), -1, 0)
    clip, frame = np.ogrid[: len(joints), : joints.shape[1]]
    assert hidden[clip[..., None], frame[..., None], rows, columns].min() > (0.45 if size == 32 else 0.99)


def test_nobody_hides_more_than_a_third_of_the_picture():
    _, hidden, _ = drawn(32)
    assert 0.05 < hidden.mean(axis=(2, 3)).min() <= hidden.mean(axis=(2, 3)).max() < 0.33


def test_bones_keep_their_lengths(rendered, joints):
    for start, end in (("left elbow", "left wrist"), ("right hip", "right knee"), ("left shoulder", "right shoulder")):
        length = np.linalg.norm(joints[:, :, NUMBER[start]] - joints[:, :, NUMBER[end]], axis=-1)
        np.testing.assert_allclose(length, length[:, :1].repeat(48, axis=1), rtol=1e-4)


def test_the_lower_foot_stands_on_the_ground_unless_a_jumping_jack_lifts_it(rendered, joints):
    lowest = joints[..., 1].max(axis=-1)
    jumps = np.array(rendered.labels) == 0
    np.testing.assert_allclose(lowest[~jumps], 29.5, rtol=1e-5)
    assert (np.ptp(lowest[jumps], axis=1) > 0.5).all()


def test_a_jumping_jack_lifts_both_hands_above_the_head_and_spreads_the_feet(rendered, joints):
    head, left, right = np.moveaxis(
        of_motion(rendered, joints, "jumping-jack", "head", "left wrist", "right wrist"), 2, 0
    )
    for wrist in (left, right):
        assert ((wrist - head)[..., 1].min(axis=1) < -0.5).all()
        assert ((wrist - head)[..., 1].max(axis=1) > 8).all()
    ankles = of_motion(rendered, joints, "jumping-jack", "left ankle", "right ankle")[..., 0]
    assert (np.ptp(ankles[..., 0] - ankles[..., 1], axis=1) > 4).all()


def test_a_wave_moves_one_hand_above_its_shoulder_and_nothing_else(rendered, joints):
    waving = of_motion(rendered, joints, "wave", "left wrist", "right wrist", "left ankle", "right ankle", "head")
    moved = np.ptp(waving, axis=1).max(axis=-1)
    assert (np.sort(moved[:, :2], axis=1)[:, 0] < 1e-4).all()
    assert (moved[:, :2].max(axis=1) > 3).all()
    assert (moved[:, 2:] < 1e-4).all()


def test_a_squat_lowers_the_head_and_leaves_the_ankles(rendered, joints):
    head, ankles = np.split(of_motion(rendered, joints, "squat", "head", "left ankle", "right ankle"), [1], axis=2)
    assert (np.ptp(head[..., 1], axis=1) > 2).all()
    assert (np.ptp(ankles[..., 1], axis=1) < 1e-4).all()


def test_a_kick_lifts_one_foot(rendered, joints):
    height = np.sort(np.ptp(of_motion(rendered, joints, "kick", "left ankle", "right ankle")[..., 1], axis=1), axis=1)
    assert (height[:, 0] < 0.01).all()
    assert (height[:, 1] > 3).all()


def test_a_swing_takes_both_hands_from_side_to_side(rendered, joints):
    left, right = np.moveaxis(of_motion(rendered, joints, "swing", "left wrist", "right wrist")[..., 0], 2, 0)
    assert (np.ptp(left, axis=1) > 8).all()
    assert all(np.corrcoef(pair)[0, 1] > 0.95 for pair in zip(left, right, strict=True))


def test_walking_lifts_the_feet_in_turn(rendered, joints):
    height = 29.5 - of_motion(rendered, joints, "walk-in-place", "left ankle", "right ankle")[..., 1]
    assert (height.max(axis=1) > 1).all()
    assert (height.min(axis=2) < 0.6).all()


@given(seed=st.integers(0, 999))
def test_a_mirrored_pose_swaps_sides_and_signs_and_jumps_as_high(seed):
    generator = np.random.default_rng(seed)
    motion, angle = np.arange(6), generator.uniform(0, 6, (6, 5))
    amplitude = generator.uniform(0.5, 1, 6)
    pose, other = (poses(motion, angle, amplitude, mirrored=np.full(6, mirrored)) for mirrored in (False, True))
    np.testing.assert_array_equal(pose["left shin"], -other["right shin"])
    np.testing.assert_array_equal(pose["right forearm"], -other["left forearm"])
    np.testing.assert_array_equal(pose["lean"], -other["lean"])
    np.testing.assert_array_equal(pose["jump"], other["jump"])


def test_light_comes_from_where_the_shade_says_and_changes_the_trunk_only():
    lit = [drawn(64, np.full((6, 24), angle, np.float32))[0].astype(int) for angle in (0, np.pi)]
    changed = lit[0].sum(axis=-1) - lit[1].sum(axis=-1)
    _, _, joints = drawn(64)
    rows, columns = np.mgrid[:64, :64] + 0.5
    trunk = joints[:, :, [NUMBER[f"{side} {place}"] for side in ("left", "right") for place in ("shoulder", "hip")]]
    (left, top), (right, bottom) = (np.moveaxis(edge - 3 * sign, -1, 0)[..., None, None]
                                    for edge, sign in ((trunk.min(axis=2), 1), (trunk.max(axis=2), -1)))  # fmt: skip
    outside = (columns < left) | (columns > right) | (rows < top) | (rows > bottom)
    assert not changed[outside].any()
    middle = trunk[..., 0].mean(axis=2)[..., None, None]
    assert (changed * (columns > middle)).sum() > 0 > (changed * (columns < middle)).sum()


def test_light_turns_once_in_20_to_40_frames_and_nothing_else_depends_on_it(rendered):
    shade = np.stack(rendered.factors["shade"])
    step = np.diff(shade, axis=1)
    assert 2 * np.pi / 40 - 1e-4 < step.min() <= step.max() < 2 * np.pi / 20 + 1e-4
    assert len(np.unique(shade[:, 0])) == len(shade)


def test_the_background_stands_still_and_differs_from_clip_to_clip(rendered):
    pictures = np.stack(rendered.clips)
    corners = pictures[:, :, :2, :]
    assert (corners == corners[:, :1]).all()
    assert len(np.unique(corners[:, 0].reshape(len(corners), -1), axis=0)) == len(corners)


def test_a_longer_clip_begins_as_a_shorter_one():
    short, long = (make_clips("stick_people", max_clips=7, frames=frames) for frames in (12, 48))
    np.testing.assert_array_equal(np.stack(short.clips), np.stack(long.clips)[:, :12])
    np.testing.assert_array_equal(np.stack(short.columns["joints"]), np.stack(long.columns["joints"])[:, :12])


def test_a_larger_picture_shows_the_same_scene():
    small, large = (make_clips("stick_people", max_clips=6, size=size, frames=4) for size in (32, 64))
    np.testing.assert_allclose(np.stack(small.columns["joints"]) * 2, np.stack(large.columns["joints"]), rtol=1e-5)
    shrunk = np.stack(large.clips).reshape(6, 4, 32, 2, 32, 2, 3).mean(axis=(3, 5))
    assert np.abs(shrunk - np.stack(small.clips)).mean() < 4


def test_takes_do_not_depend_on_how_many_there_are():
    few, many = draw_takes(1, subjects=2, takes=1), draw_takes(1, subjects=3, takes=2)
    assert all(np.array_equal(a, b[:12]) for a, b in zip(few, many, strict=True))
    assert many.subject.tolist() == [person for person in (0, 1, 2) for _ in MOTIONS] * 2


def test_another_seed_gives_other_people():
    assert not set(make_clips("stick_people", subjects=2, frames=1).subjects) & set(
        make_clips("stick_people", seed=1, frames=1).subjects
    )
    assert not np.isin(draw_people(20, 0).scale, draw_people(20, 1).scale).any()
