"""Heat maps peak at their joints and give them back; what is not seen is not drawn."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.geometry.heatmaps import LIMBS, heatmaps, joints_of, limb_maps
from mutoscope.geometry.skeletons import PENN13


def body(size, frames=2):
    joints = torch.rand(frames, 13, 2, generator=torch.Generator().manual_seed(0)) * size
    return joints, torch.ones(frames, 13)


def channel(start, end, point):
    """The number of a point (0 to 3) of a limb among the 48."""
    return LIMBS.index((start, end)) * 4 + point


@given(
    size=st.sampled_from([8, 32, 64]),
    x=st.floats(0, 1, exclude_max=True, width=32),
    y=st.floats(0, 1, exclude_max=True, width=32),
)
def test_the_highest_pixel_is_within_half_a_pixel_of_the_joint_on_either_axis(size, x, y):
    joints = torch.tensor([[[x, y]]]) * size
    found, peak = joints_of(heatmaps(joints, torch.ones(1, 1), size))
    assert (found - joints).abs().max() <= 0.5
    assert 0.1 < peak.item() <= 1


def test_the_peak_is_1_at_a_pixels_centre_and_falls_by_the_gaussian():
    maps = heatmaps(torch.tensor([[[3.5, 5.5]]]), torch.ones(1, 1), 16, sigma=2.0)[0, 0]
    assert maps[5, 3] == maps.max() == 1
    assert maps[5, 5].item() == maps[7, 3].item() == pytest.approx(0.60653, abs=1e-5)
    assert maps[7, 5].item() == pytest.approx(0.60653**2, abs=1e-5)


def test_bumps_grow_with_the_maps_unless_told_otherwise():
    small, large = (heatmaps(torch.full((1, 1, 2), size / 2), torch.ones(1, 1), size) for size in (24, 48))
    assert large.sum() / small.sum() == pytest.approx(4, rel=1e-3)


def test_what_is_unseen_outside_or_at_nan_has_an_empty_map():
    joints = torch.tensor([[[4.0, 4.0], [4.0, 4.0], [-0.1, 4.0], [4.0, 8.0], [float("nan"), 4.0]]])
    maps = heatmaps(joints, torch.tensor([[0.2, 0, 1, 1, 1]]), 8)
    assert maps[0].amax(dim=(1, 2)).gt(0).tolist() == [True, False, False, False, False]
    assert joints_of(maps)[1][0, 1:].eq(0).all()


def test_a_map_is_the_same_alone_and_among_others():
    joints, visible = body(32)
    torch.testing.assert_close(heatmaps(joints, visible, 32)[1:, 4:5], heatmaps(joints[1:, 4:5], visible[1:, 4:5], 32))


def test_limbs_are_four_equally_spaced_points_from_end_to_end():
    joints, visible = body(64)
    maps = limb_maps(joints, visible, 64)
    assert maps.shape == (2, 48, 64, 64)
    elbow, wrist = (joints[:, PENN13.joints.index(name)] for name in ("left elbow", "left wrist"))
    for point in range(4):
        expected = torch.lerp(elbow, wrist, point / 3)
        found, _ = joints_of(maps[:, channel("left elbow", "left wrist", point), None])
        assert (found[:, 0] - expected).abs().max() <= 0.5


def test_the_spine_goes_from_between_the_shoulders_to_between_the_hips():
    joints, visible = body(64)
    found, _ = joints_of(limb_maps(joints, visible, 64))
    ends = {channel("neck", "mid hip", 0): "shoulder", channel("neck", "mid hip", 3): "hip"}
    for number, pair in ends.items():
        middle = joints[:, [PENN13.joints.index(f"{side} {pair}") for side in ("left", "right")]].mean(dim=1)
        assert (found[:, number] - middle).abs().max() <= 0.5


def test_of_a_limb_with_one_seen_end_only_that_end_is_drawn():
    joints, visible = body(64)
    wrist = PENN13.joints.index("left wrist")
    joints[:, wrist], visible[:, wrist] = float("nan"), 0
    drawn = limb_maps(joints, visible, 64).amax(dim=(2, 3)) > 0
    assert drawn[0, channel("left elbow", "left wrist", 0) :][:4].tolist() == [True, False, False, False]
    assert drawn.sum(dim=1).tolist() == [45, 45]


def test_a_neck_is_unseen_with_either_shoulder():
    joints, visible = body(64)
    visible[:, PENN13.joints.index("right shoulder")] = 0
    drawn = limb_maps(joints, visible, 64).amax(dim=(2, 3)) > 0
    assert drawn[0, channel("head", "neck", 0) :][:4].tolist() == [True, False, False, False]
    assert drawn[0, channel("neck", "mid hip", 0) :][:4].tolist() == [False, False, False, True]
