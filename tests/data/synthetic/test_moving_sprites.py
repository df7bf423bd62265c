"""Moving sprites show what their factors say; their look and their motion have nothing to do with each other."""

import numpy as np
import pytest

from mutoscope.data.synthetic import make_clips
from mutoscope.data.synthetic.moving_sprites import (
    MOTIONS,
    SHAPES,
    Appearance,
    Motion,
    course_of,
    draw_factors,
    render,
)


@pytest.fixture(scope="module")
def sprites():
    return make_clips("moving_sprites", clips=400)


def per_clip(rendered, factor):
    return np.stack(rendered.factors[factor])[:, 0]


def still(**factors):
    """Looks that differ in the given factors only."""
    count = len(next(iter(factors.values())))
    zeros = {"shape": np.int64(0), "hue": 0, "size": 0.25, "background_hue": 0.5, "background_value": 0.3}
    return Appearance(
        **{
            name: np.broadcast_to(factors.get(name, value), count).astype(np.int64 if name == "shape" else np.float32)
            for name, value in zeros.items()
        }
    )


def moves(motion, amplitude=0.1, phase=0.0, speed=1.0):
    values = (np.broadcast_to(np.float32(value), np.shape(motion)) for value in (amplitude, phase, speed))
    return Motion(np.asarray(motion), *values)


def test_default_set_is_the_one_of_the_experiments():
    appearance, motion = draw_factors(4000, seed=0)
    assert np.bincount(motion.motion).tolist() == [1000] * 4
    assert np.bincount(appearance.shape).min() > 900
    clips = make_clips("moving_sprites", max_clips=8)
    assert clips.label_names == ["horizontal", "vertical", "circle", "grow-shrink"]
    assert clips.labels == [0, 1, 2, 3, 0, 1, 2, 3]
    assert {clip.shape for clip in clips.clips} == {(16, 32, 32, 3)}


def test_factors_stay_in_their_ranges(sprites):
    ranges = {
        "hue": (0, 1), "size": (0.22, 0.32), "background_hue": (0, 1), "background_value": (0.15, 0.45),
        "amplitude": (0.08, 0.18), "phase": (0, 1), "speed": (0.75, 1.5),
    }  # fmt: skip
    for name, (low, high) in ranges.items():
        values = per_clip(sprites, name)
        assert low <= values.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < values.max() <= high


def test_look_is_constant_within_a_clip_and_independent_of_motion(sprites):
    looks, motions = (
        np.stack([per_clip(sprites, name) for name in kind._fields]).astype(float) for kind in (Appearance, Motion)
    )
    for name in (*Appearance._fields, *Motion._fields):
        assert np.ptp(np.stack(sprites.factors[name]), axis=1).max() == 0
    between = np.corrcoef(looks, motions)[: len(looks), len(looks) :]
    assert np.abs(between).max() < 0.2, "four standard errors of 400 clips"


@pytest.mark.parametrize("size", [32, 64])
def test_whole_shape_stays_inside_the_picture(size):
    extreme = still(shape=np.arange(4).repeat(4), size=np.full(16, 0.32))
    for phase in np.linspace(0, 1, 8, endpoint=False):
        frames = render(extreme, moves(np.tile(np.arange(4), 4), 0.18, phase), size=size)
        border = np.concatenate([frames[:, :, 0], frames[:, :, -1], frames[:, :, :, 0], frames[:, :, :, -1]], axis=2)
        assert (border == frames[0, 0, 0, 0]).all()


def test_foreground_has_the_area_and_the_centre_of_its_factors(sprites):
    for clip, size, x, y, area in zip(
        sprites.clips[:40], *(sprites.factors[name][:40] for name in ("size", "x", "y", "area")), strict=True
    ):
        distance = np.linalg.norm(clip - clip[:, :1, :1].astype(float), axis=-1)
        cover = distance / distance.max()
        assert cover.mean((1, 2)) == pytest.approx(area, rel=0.1)
        assert np.median(area) == pytest.approx(size[0] ** 2, rel=0.6)
        assert (cover.sum(1) @ (np.arange(32) + 0.5)) / cover.sum((1, 2)) == pytest.approx(x, abs=0.2)
        assert (cover.sum(2) @ (np.arange(32) + 0.5)) / cover.sum((1, 2)) == pytest.approx(y, abs=0.2)


def test_shapes_of_one_size_have_one_area_and_different_outlines():
    frames = render(still(shape=np.arange(4)), moves(np.zeros(4, int)), size=64, frames=1)[:, 0].astype(float)
    cover = np.linalg.norm(frames - frames[:, :1, :1], axis=-1)
    cover /= cover.max()
    assert cover.mean((1, 2)) == pytest.approx(np.full(len(SHAPES), 0.25**2), rel=0.05)
    for first in range(4):
        for second in range(first):
            assert np.abs(cover[first] - cover[second]).sum() > 0.1 * cover[0].sum()


@pytest.mark.parametrize("channel_of_background", ["background_hue", "background_value"])
def test_shape_is_far_from_any_background(channel_of_background):
    hues, other = np.meshgrid(np.linspace(0, 1, 13), np.linspace(0, 1, 13))
    other = {"background_hue": other, "background_value": 0.15 + 0.3 * other}[channel_of_background]
    looks = still(hue=hues.ravel(), **{channel_of_background: other.ravel()})
    frames = render(looks, moves(np.zeros(hues.size, int), amplitude=0), frames=1)[:, 0] / 255
    assert np.linalg.norm(frames[:, 16, 16] - frames[:, 0, 0], axis=-1).min() > 0.5


def test_motions_are_what_they_are_called():
    horizontal, vertical, circle, grow = (
        np.stack(course)[:, 0] for course in (course_of(moves([index]), 16) for index in range(len(MOTIONS)))
    )
    angle = 2 * np.pi * np.arange(16) / 16
    swing, rest = 0.5 + 0.1 * np.cos(angle), np.full(16, 0.5)
    assert horizontal == pytest.approx(np.stack([swing, rest, rest + 0.5]))
    assert vertical == pytest.approx(np.stack([rest, swing, rest + 0.5]))
    assert circle == pytest.approx(np.stack([swing, 0.5 + 0.1 * np.sin(angle), rest + 0.5]))
    assert grow == pytest.approx(np.stack([rest, rest, 1 + 0.3 * np.cos(angle)]))


def test_phase_and_speed_shift_and_stretch_time():
    once, later, twice = (
        course_of(moves([2], phase=phase, speed=speed), 16) for phase, speed in ((0, 1), (0.25, 1), (0, 2))
    )
    assert np.roll(once.x, -4) == pytest.approx(later.x)
    assert once.x[:, ::2] == pytest.approx(twice.x[:, :8])


def test_same_look_in_another_manner_and_another_look_in_the_same_manner():
    looks, manners = draw_factors(3, seed=1)
    rows, columns = np.repeat(np.arange(3), 3), np.tile(np.arange(3), 3)
    grid = render(Appearance(*(v[rows] for v in looks)), Motion(*(v[columns] for v in manners)))
    alone = render(looks, manners)
    np.testing.assert_array_equal(grid[[0, 4, 8]], alone)
    assert (grid[:, 0, 0, 0].reshape(3, 3, 3) == grid[::3, None, 0, 0, 0]).all()


def test_larger_pictures_show_the_same_scene():
    small, large = (make_clips("moving_sprites", max_clips=8, frames=4, size=size) for size in (32, 64))
    halved = np.stack(large.clips).reshape(8, 4, 32, 2, 32, 2, 3).mean((3, 5))
    assert np.abs(halved - np.stack(small.clips)).mean() < 1
    assert np.stack(large.factors["x"]) == pytest.approx(2 * np.stack(small.factors["x"]))
    assert np.stack(large.factors["area"]) == pytest.approx(np.stack(small.factors["area"]))


def test_no_clips_are_rendered_as_no_clips():
    assert render(*draw_factors(0, seed=0)).shape == (0, 16, 32, 32, 3)
