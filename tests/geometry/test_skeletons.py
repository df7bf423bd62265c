"""Skeletons are consistent with themselves, conversions keep what can be known, and drawings show it."""

import numpy as np
import pytest

from mutoscope.errors import InputError
from mutoscope.geometry.skeletons import (
    BODY25,
    H36M32,
    MEDIAPIPE33,
    OPENPOSE18,
    PENN13,
    SKELETONS,
    convert,
    draw_skeleton,
)

every_skeleton = pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=list(SKELETONS))
every_other = pytest.mark.parametrize("other", [OPENPOSE18, BODY25, H36M32, MEDIAPIPE33], ids=lambda other: other.name)


def body(skeleton, frames=1):
    """Joints anywhere, all seen."""
    generator = np.random.default_rng(0)
    joints = generator.uniform(0, 64, (frames, len(skeleton.joints), 2)).astype(np.float32)
    return joints, np.ones(joints.shape[:2], np.float32)


def place(joints, skeleton, *names):
    """The mean of the named joints."""
    return joints[:, [skeleton.joints.index(name) for name in names]].mean(axis=1)


@every_skeleton
def test_a_skeleton_has_as_many_joints_as_its_name_says_each_once(skeleton):
    assert len(set(skeleton.joints)) == len(skeleton.joints)
    assert skeleton.name.endswith(str(len(skeleton.joints)))


@every_skeleton
def test_mirroring_swaps_left_and_right_and_twice_is_nothing(skeleton):
    mirrored = [skeleton.joints[other] for other in skeleton.mirrored]
    assert [name.replace("left", "-").replace("right", "left").replace("-", "right") for name in mirrored] == list(
        skeleton.joints
    )
    assert [skeleton.mirrored[other] for other in skeleton.mirrored] == list(range(len(skeleton.joints)))


@every_skeleton
def test_limbs_are_the_same_on_both_sides_and_drawn_once(skeleton):
    limbs = {frozenset(limb) for limb in skeleton.limbs}
    assert len(limbs) == len(skeleton.limbs)
    assert limbs == {frozenset(skeleton.mirrored[joint] for joint in limb) for limb in limbs}
    assert all(len(limb) == 2 for limb in limbs)


def test_published_orders():
    assert PENN13.joints[:3] == ("head", "left shoulder", "right shoulder")
    assert PENN13.joints[11:] == ("left ankle", "right ankle")
    assert [OPENPOSE18.joints.index(name) for name in ("neck", "right wrist", "left hip", "left ear")] == [1, 4, 11, 17]
    assert [BODY25.joints.index(name) for name in ("mid hip", "left ankle", "left ear", "right heel")] == [
        8,
        14,
        18,
        24,
    ]
    assert [H36M32.joints.index(name) for name in ("left hip", "neck", "left shoulder", "right wrist")] == [
        6,
        13,
        17,
        27,
    ]
    assert [MEDIAPIPE33.joints.index(name) for name in ("left ear", "left shoulder", "right hip", "left heel")] == [
        7, 11, 24, 29,
    ]  # fmt: skip


@every_skeleton
def test_a_skeleton_converted_to_itself_is_unchanged(skeleton):
    joints, visible = body(skeleton, frames=3)
    for before, after in zip((joints, visible), convert(joints, visible, skeleton, skeleton), strict=True):
        np.testing.assert_array_equal(before, after)


@every_other
def test_every_skeleton_gives_all_of_penn_actions_joints(other):
    joints, visible = body(other, frames=3)
    converted, seen = convert(joints, visible, other, PENN13)
    assert (converted.shape, seen.shape) == ((3, 13, 2), (3, 13))
    assert (seen == 1).all()
    np.testing.assert_array_equal(place(converted, PENN13, "left knee"), place(joints, other, "left knee"))


@every_other
def test_there_and_back_again_is_unchanged_but_for_the_head(other):
    joints, visible = body(PENN13)
    there, seen = convert(joints, visible, PENN13, other)
    back, seen_back = convert(there, seen, other, PENN13)
    np.testing.assert_array_equal(back[:, 1:], joints[:, 1:])
    assert seen_back[0].tolist() == [0, *[1] * 12]


def test_neck_and_mid_hip_are_midpoints():
    joints, visible = body(PENN13)
    converted, _ = convert(joints, visible, PENN13, BODY25)
    for middle, pair in {"neck": "shoulder", "mid hip": "hip"}.items():
        expected = place(joints, PENN13, f"left {pair}", f"right {pair}")
        np.testing.assert_allclose(place(converted, BODY25, middle), expected, rtol=1e-6)


def test_the_head_is_between_the_ears_or_else_the_eyes_or_else_at_the_nose():
    joints, visible = body(OPENPOSE18, frames=4)
    for frames, unseen in ((slice(1, None), "left ear"), (slice(2, None), "right eye"), (slice(3, None), "nose")):
        visible[frames, OPENPOSE18.joints.index(unseen)] = 0
    converted, seen = convert(joints, visible, OPENPOSE18, PENN13)
    expected = [("left ear", "right ear"), ("left eye", "right eye"), ("nose",)]
    for frame, names in enumerate(expected):
        np.testing.assert_allclose(converted[frame, 0], place(joints, OPENPOSE18, *names)[frame], rtol=1e-6)
    assert seen[:, 0].tolist() == [1, 1, 1, 0]
    assert (converted[3, 0] == 0).all()


def test_what_follows_is_as_confident_as_the_least_confident_part():
    joints, visible = body(PENN13)
    visible[0, 1], visible[0, 2], visible[0, 8] = 0.75, 0.5, 0
    _, seen = convert(joints, visible, PENN13, BODY25)
    assert seen[0, BODY25.joints.index("neck")] == 0.5
    assert seen[0, BODY25.joints.index("mid hip")] == 0


def test_joints_of_another_skeleton_are_told():
    with pytest.raises(InputError, match=r"joints: 13 in each frame \(expected 18, for openpose18\)"):
        convert(*body(PENN13), OPENPOSE18, PENN13)


@every_skeleton
def test_a_drawing_marks_seen_joints_and_leaves_the_frame_alone(skeleton):
    frame = np.zeros((64, 64, 3), np.uint8)
    joints, visible = body(skeleton)
    picture = draw_skeleton(frame, joints[0], visible[0], skeleton)
    columns, rows = joints[0].astype(int).clip(0, 63).T
    assert (picture[rows, columns].max(axis=-1) > 100).all()
    assert not frame.any()


def test_nothing_unseen_or_at_nan_is_drawn():
    frame = np.zeros((32, 32, 3), np.uint8)
    joints, visible = body(PENN13)
    joints[0, :5], visible[0, 5:] = np.nan, 0
    assert not draw_skeleton(frame, joints[0], visible[0], PENN13).any()


def test_joints_far_outside_do_not_fail():
    joints, visible = body(PENN13)
    joints[0, 3] = 1e9
    assert draw_skeleton(np.zeros((32, 32, 3), np.uint8), joints[0], visible[0], PENN13).any()
