"""Talking faces move as their factors say; head and mouth are known as masks, and can be read off damaged frames."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data.synthetic import make_clips
from mutoscope.data.synthetic.talk import HEIGHT_PER_WIDTH, REGIONS, course_of, draw_factors, masks, render
from mutoscope.data.synthetic.talk_readout import read_talk, soft_masks
from mutoscope.errors import InputError

BACKGROUND, HAIR, FACE, MOUTH = range(len(REGIONS))


@pytest.fixture(scope="module")
def talk():
    return make_clips("talk", max_clips=50, seed=5)


def factor(rendered, name):
    return np.stack(rendered.factors[name])


def damaged(clips):
    """Blurred and noisy."""
    blurred = np.stack([[cv2.GaussianBlur(frame, (0, 0), 0.8) for frame in clip] for clip in clips])
    noise = np.random.default_rng(0).normal(0, 8, clips.shape)
    return (blurred + noise).round().clip(0, 255).astype(np.uint8)


def correlation(first, second):
    return np.corrcoef(first.ravel(), second.ravel())[0, 1]


def away_from_edges(regions):
    """What has only its like around it."""
    around = np.stack([np.roll(regions, (down, right), (2, 3)) for down in (-1, 0, 1) for right in (-1, 0, 1)])
    return around.all(0)


def test_default_set_has_clips_of_16_frames_at_32_pixels_in_one_class():
    few = make_clips("talk", max_clips=3)
    assert {clip.shape for clip in few.clips} == {(16, 32, 32, 3)}
    assert (few.labels, few.label_names) == ([0, 0, 0], ["talk"])


def test_factors_are_independent():
    drawn = np.concatenate([np.stack(kind) for kind in draw_factors(4000, seed=1)])
    assert np.abs(np.corrcoef(drawn) - np.eye(len(drawn))).max() < 0.07, "four and a half standard errors"


def test_the_head_swings_on_a_line_and_the_mouth_opens_more_often_than_it_swings(talk):
    x, y = factor(talk, "x") - factor(talk, "x_0"), factor(talk, "y") - factor(talk, "y_0")
    across = y * np.cos(factor(talk, "direction")) - x * np.sin(factor(talk, "direction"))
    assert across == pytest.approx(0, abs=1e-4)
    assert (np.hypot(x, y) <= factor(talk, "reach") + 1e-4).all()
    assert (factor(talk, "mouth_omega") > 2 * factor(talk, "head_omega")).all()
    area = factor(talk, "mouth_area")
    assert np.pi * 3 * 0.8 - 1e-3 <= area.min() <= area.max() <= np.pi * 3 * 2.6 + 1e-3


@given(seed=st.integers(0, 999), frames=st.integers(1, 200))
def test_the_face_stays_inside_the_picture_however_long_the_clip(seed, frames):
    appearance, motion = draw_factors(20, seed)
    course = course_of(motion, frames)
    for centre, half in (course.x, appearance.half_width), (course.y, HEIGHT_PER_WIDTH * appearance.half_width):
        assert (centre - half[:, None]).min() > 1
        assert (centre + half[:, None]).max() < 31


def test_a_longer_clip_begins_as_a_shorter_one():
    short, long = (make_clips("talk", max_clips=3, frames=frames) for frames in (16, 48))
    np.testing.assert_array_equal(np.stack(short.clips), np.stack(long.clips)[:, :16])


def test_larger_pictures_show_the_same_scene():
    small, large = (make_clips("talk", max_clips=8, frames=4, size=size) for size in (32, 64))
    halved = np.stack(large.clips).reshape(8, 4, 32, 2, 32, 2, 3).mean((3, 5))
    assert np.abs(halved - np.stack(small.clips)).mean() < 2
    assert factor(large, "x") == pytest.approx(2 * factor(small, "x"))
    assert factor(large, "mouth_area") == pytest.approx(4 * factor(small, "mouth_area"))


def test_a_look_is_the_same_in_every_manner_of_moving():
    appearance, motion = draw_factors(2, seed=1)
    first, second = render(appearance, motion), render(appearance, type(motion)(*(values[::-1] for values in motion)))
    np.testing.assert_array_equal(first[:, :, 0, 0], second[:, :, 0, 0])
    assert (first != second).any((1, 2, 3, 4)).all()


@pytest.mark.parametrize("size", [32, 64])
def test_masks_have_the_areas_and_centres_of_the_factors(size):
    rendered = make_clips("talk", max_clips=40, seed=5, size=size)
    regions = masks(*draw_factors(40, seed=5), size=size)
    mouth_area = (regions == MOUTH).sum((2, 3))
    assert correlation(mouth_area, factor(rendered, "mouth_area")) > 0.95, "whole pixels of a mouth two or more high"
    face = regions >= FACE
    half_width = factor(rendered, "half_width")
    assert face.sum((2, 3)) == pytest.approx(np.pi * HEIGHT_PER_WIDTH * half_width**2, rel=0.05)
    centres = np.arange(size) + 0.5
    assert face.sum(2) @ centres / face.sum((2, 3)) == pytest.approx(factor(rendered, "x"), abs=0.25)
    assert face.sum(3) @ centres / face.sum((2, 3)) == pytest.approx(factor(rendered, "y"), abs=0.25)


def test_masks_have_all_regions_and_the_mouth_lies_within_the_face():
    regions = masks(*draw_factors(40, seed=5)).reshape(-1, 32, 32)
    for frame in regions:
        assert set(np.unique(frame)) == {BACKGROUND, HAIR, FACE, MOUTH}
        around = cv2.dilate((frame == MOUTH).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        assert (frame[around] >= FACE).all()


def test_only_the_face_is_warm_and_its_mouth_by_far_the_reddest():
    factors = draw_factors(100, seed=2)
    red, green, blue = np.moveaxis(render(*factors, frames=2, size=64).astype(int), -1, 0)
    regions = masks(*factors, frames=2, size=64)
    warmth, redness = red - blue, red - green
    background, face, mouth = (away_from_edges(regions == region) for region in (BACKGROUND, FACE, MOUTH))
    assert warmth[background].max() < 0
    assert np.median(warmth[face]) > 60
    assert redness[mouth].min() > 1.5 * redness[face].max()


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("as_seen", [lambda clips: clips, damaged], ids=["clean", "damaged"])
def test_head_and_mouth_are_read_back(size, as_seen):
    rendered = make_clips("talk", max_clips=50, seed=5, size=size)
    state = read_talk(as_seen(np.stack(rendered.clips)))
    assert state.found.all()
    assert state.x == pytest.approx(factor(rendered, "x"), abs=0.5)
    assert state.y == pytest.approx(factor(rendered, "y"), abs=0.5)
    assert correlation(state.mouth_area, factor(rendered, "mouth_area")) > 0.97


def test_soft_masks_are_the_true_masks_up_to_the_edges():
    factors = draw_factors(20, seed=3)
    regions = masks(*factors, size=64)
    for clip, region in zip(render(*factors, size=64), regions, strict=True):
        face, mouth = soft_masks(clip)
        assert ((mouth > 0.5) == (region == MOUTH)).mean() > 0.99
        assert ((face > 0.5) == (region >= FACE)).mean() > 0.97


@pytest.mark.parametrize("shown", ["grey", "noise", "another set"])
def test_what_is_no_face_is_not_found(shown):
    grey = np.full((2, 3, 32, 32, 3), 128, np.uint8)
    frames = {
        "grey": grey,
        "noise": np.random.default_rng(0).integers(0, 256, grey.shape, dtype=np.uint8),
        "another set": np.stack(make_clips("reach", max_clips=20).clips),
    }
    state = read_talk(frames[shown])
    assert not state.found.any()
    assert np.isnan([state.x, state.y, state.mouth_area]).all()


def test_frames_are_read_one_by_one(talk):
    clips = np.stack(talk.clips[:4])
    clips[1, 3] = 0
    state = read_talk(clips)
    assert np.argwhere(~state.found).tolist() == [[1, 3]]
    np.testing.assert_array_equal(read_talk(clips[2:3, 5:9]).mouth_area, state.mouth_area[2:3, 5:9])


def test_grey_clips_cannot_be_read():
    with pytest.raises(InputError, match=r"1 channels \(expected 3, RGB\)$"):
        read_talk(np.zeros((1, 2, 32, 32, 1), np.uint8))


def test_no_clips_have_no_states():
    factors = draw_factors(0, seed=0)
    assert render(*factors).shape == (0, 16, 32, 32, 3)
    assert masks(*factors).shape == (0, 16, 32, 32)
    assert read_talk(np.zeros((0, 16, 32, 32, 3), np.uint8)).mouth_area.shape == (0, 16)
