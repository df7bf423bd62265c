"""Sprite clips show what their factors say, and the estimators read it back."""

import cv2
import numpy as np
import pytest

from mutoscope.data.synthetic import make_clips
from mutoscope.data.synthetic.sprite_estimators import estimate_phase, estimate_type
from mutoscope.data.synthetic.sprites import TYPES

VARIANTS = ("sprites", "sprites_colour")


def flat(rendered, factor):
    return np.concatenate(rendered.factors[factor])


def damaged(frames, blur, noise):
    """Frames as a half-trained generator makes them."""
    rng = np.random.default_rng(0)
    blurred = np.stack([cv2.GaussianBlur(frame, (0, 0), blur) for frame in frames])
    return (blurred + rng.normal(0, noise, frames.shape)).round().clip(0, 255).astype(np.uint8)


def test_default_set_is_the_one_of_the_experiments():
    rendered = make_clips("sprites")
    assert rendered.label_names == ["circle", "square", "triangle", "bar"]
    assert np.bincount(rendered.labels).tolist() == [50] * 4
    assert {clip.shape for clip in rendered.clips} == {(40, 32, 32, 3)}
    assert {clip.dtype for clip in rendered.clips} == {np.dtype(np.uint8)}


@pytest.mark.parametrize("name", VARIANTS)
def test_factors_belong_to_their_frames(name):
    rendered = make_clips(name, max_clips=20)
    for i, (clip, label) in enumerate(zip(rendered.clips, rendered.labels, strict=True)):
        assert (rendered.factors["type"][i] == label).all()
        assert rendered.factors["phase"][i] == pytest.approx(np.linspace(0, 1, len(clip)))
        for nuisance in ("brightness", "size", "offset_x", "offset_y", "hue"):
            assert np.ptp(rendered.factors[nuisance][i]) == 0
        assert clip.max((1, 2, 3)) == pytest.approx(255 * rendered.factors["brightness"][i], abs=1)


@pytest.mark.parametrize(("name", "size_range"), [("sprites", 1), ("sprites_colour", 3)])
def test_nuisances_stay_in_their_ranges(name, size_range):
    rendered = make_clips(name, frames=2)
    brightness, size, types = flat(rendered, "brightness"), flat(rendered, "size"), flat(rendered, "type")
    assert brightness.min() >= 0.8 * 0.9
    assert brightness.max() <= 0.8 * 1.1 + 1e-6
    for type_index, mean in enumerate((9, 8, 11, 20)):
        deviation = size[types == type_index] - mean
        assert 0.8 * size_range < np.abs(deviation).max() <= size_range + 1e-4
    assert np.hypot(flat(rendered, "offset_x"), flat(rendered, "offset_y")).max() <= 1.5 * np.sqrt(2)
    assert (np.unique(flat(rendered, "hue")).size > 1) == (name == "sprites_colour")


def test_sprites_are_as_large_and_where_their_factors_say():
    rendered = make_clips("sprites", max_clips=40, frames=5)
    light = np.concatenate(rendered.clips)[..., 0] / 255 / flat(rendered, "brightness")[:, None, None]
    shares = np.array([np.pi / 4, 1, np.sqrt(3) / 4, 1 / 4])[flat(rendered, "type")]
    assert light.sum((1, 2)) == pytest.approx(shares * flat(rendered, "size") ** 2, rel=0.03)
    in_place = flat(rendered, "type") == TYPES.index("bar")
    x = (light.sum(1) @ (np.arange(32) + 0.5)) / light.sum((1, 2))
    assert x[in_place] == pytest.approx(16 + flat(rendered, "offset_x")[in_place], abs=0.05)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("size", [32, 64])
def test_sprites_stay_inside_the_picture(name, size):
    frames = np.concatenate(make_clips(name, size=size, frames=5).clips)
    border = np.concatenate([frames[:, 0], frames[:, -1], frames[:, :, 0], frames[:, :, -1]], axis=1)
    assert border.max() == 0


def test_larger_pictures_show_the_same_scene():
    small = make_clips("sprites", max_clips=8, frames=4)
    large = make_clips("sprites", max_clips=8, frames=4, size=64)
    for factor, scale in {"size": 2, "offset_x": 2, "offset_y": 2, "brightness": 1, "phase": 1}.items():
        assert flat(large, factor) == pytest.approx(scale * flat(small, factor))
    halved = np.concatenate(large.clips).reshape(-1, 32, 2, 32, 2, 3).mean((2, 4))
    assert np.abs(halved - np.concatenate(small.clips)).mean() < 1


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize(("blur", "noise"), [(0.01, 0), (1.0, 12)])
def test_estimators_read_type_and_phase_back(name, size, blur, noise):
    rendered = make_clips(name, size=size, seed=1, clips_per_type=10, frames=10)
    frames = damaged(np.concatenate(rendered.clips), blur * size / 32, noise)
    types, phase = flat(rendered, "type"), flat(rendered, "phase")
    assert np.abs(estimate_phase(frames, types) - phase).max() < 0.03
    assert (estimate_type(frames) == types).mean() > 0.95


@pytest.mark.parametrize("type_index", range(len(TYPES)))
def test_estimated_phase_rises_along_each_clip(type_index):
    clip = make_clips("sprites", max_clips=4, frames=20).clips[type_index]
    assert (np.diff(estimate_phase(clip, type_index)) > 0).all()


def test_estimators_read_grey_frames():
    rendered = make_clips("sprites_colour", channels=1, max_clips=8, frames=5)
    frames = np.concatenate(rendered.clips)
    assert np.abs(estimate_phase(frames, flat(rendered, "type")) - flat(rendered, "phase")).max() < 0.03
    assert (estimate_type(frames) == flat(rendered, "type")).all()


def test_frames_without_a_sprite_have_no_phase_and_no_type():
    rng = np.random.default_rng(0)
    black, white = np.zeros((1, 32, 32, 3), np.uint8), np.full((1, 32, 32, 3), 255, np.uint8)
    faint = rng.integers(0, 20, (1, 32, 32, 3), dtype=np.uint8)
    static = rng.integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    frames = np.concatenate([black, white, faint, static])
    assert np.isnan(estimate_phase(frames, 0)).all()
    assert (estimate_type(frames) == -1).all()
    assert np.isnan(estimate_phase(make_clips("sprites", max_clips=1).clips[0], -1)).all()


def test_no_frames_have_no_estimates():
    none = np.zeros((0, 32, 32, 3), np.uint8)
    assert estimate_phase(none, 0).shape == (0,)
    assert estimate_type(none).shape == (0,)
