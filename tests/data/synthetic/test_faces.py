"""Toy faces: pictures, masks and landmarks show one geometry, which turns, ages and mirrors as it should."""

import numpy as np
import pytest

from mutoscope.data.synthetic.faces import (
    REGIONS,
    YOUNG_ADULT,
    Expression,
    Identity,
    draw_identities,
    landmarks,
    masks,
    render,
)

PEOPLE = draw_identities(24, seed=5)
LAUGH = Expression(smile=0.4, mouth_open=1.0)

JAW, BROWS, NOSE = range(16, -1, -1), range(26, 16, -1), [*range(27, 31), *range(35, 30, -1)]
EYES = [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
LIPS = [*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1)]
MIRRORED_POINTS = np.array([*JAW, *BROWS, *NOSE, *EYES, *LIPS])
"""Where each of the 68 points goes in a mirror (iBUG 300-W)."""


def region(name, *arguments, **options):
    return masks(*arguments, **options) == REGIONS.index(name)


def box(points):
    return np.array([*points.min(0), *points.max(0)])


def mask_box(mask):
    rows, columns = np.nonzero(mask)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


def test_same_seed_same_people_and_the_first_of_more_are_those_of_fewer():
    few, many = draw_identities(3, seed=1), draw_identities(7, seed=1)
    assert all(np.array_equal(a, b[:3]) for a, b in zip(few, many, strict=True))
    assert not np.array_equal(few.face_width, draw_identities(3, seed=2).face_width)
    assert set(Identity._fields) == {name for name, values in few._asdict().items() if values.dtype == np.float32}


def test_a_picture_does_not_depend_on_those_drawn_with_it():
    together = render(PEOPLE, LAUGH, size=64)
    np.testing.assert_array_equal(together[5:7], render(PEOPLE.at(slice(5, 7)), LAUGH, size=64))


def test_one_face_serves_for_many_expressions_and_ages():
    one = PEOPLE.at(slice(1))
    assert render(one, Expression(smile=np.linspace(-1, 1, 5))).shape == (5, 32, 32, 3)
    np.testing.assert_array_equal(render(one, age=np.array([0.0, YOUNG_ADULT]))[1:], render(one))
    assert landmarks(one, age=np.linspace(0, 1, 3)).shape == (3, 68, 2)


@pytest.mark.parametrize(("size", "channels"), [(16, 3), (33, 1), (64, 3)])
def test_any_size_and_channels(size, channels):
    pictures = render(PEOPLE.at(slice(3)), size=size, channels=channels)
    assert pictures.shape == (3, size, size, channels)
    assert masks(PEOPLE.at(slice(3)), size=size).shape == (3, size, size)
    assert (pictures.std((1, 2)) > 15).all(), "neither empty nor of one colour"


def test_larger_pictures_show_the_same_scene():
    small, large = (render(PEOPLE, LAUGH, size=size).astype(float) for size in (32, 64))
    halved = large.reshape(-1, 32, 2, 32, 2, 3).mean((2, 4))
    assert np.abs(halved - small).mean() < 3
    assert landmarks(PEOPLE, size=64) == pytest.approx(2 * landmarks(PEOPLE, size=32))


def test_features_are_large_enough_to_be_seen_at_32_pixels():
    points = landmarks(draw_identities(200, seed=0), size=32)
    assert (points[:, 39, 0] - points[:, 36, 0]).min() > 3.2, "width of an eye"
    assert (points[:, 57, 1] - points[:, 51, 1]).min() > 1.3, "thickness of a closed mouth"


@pytest.mark.parametrize("size", [32, 64])
def test_mouth_and_eyes_are_drawn_where_their_landmarks_are(size):
    yaw, pitch, roll, smile, opening = np.random.default_rng(0).uniform(-1, 1, (5, len(PEOPLE.skin)))
    does = Expression(yaw=0.4 * yaw, pitch=0.2 * pitch, roll=0.3 * roll, smile=smile, mouth_open=np.abs(opening))
    shown = masks(PEOPLE, does, size=size)
    for mask, points in zip(shown, landmarks(PEOPLE, does, size=size), strict=True):
        mouth = np.isin(mask, [REGIONS.index("lips"), REGIONS.index("mouth")])
        assert mask_box(mouth) == pytest.approx(box(points[48:60]), abs=1)
        eyes = mask == REGIONS.index("eyes")
        bridge_x = np.interp(np.arange(size) + 0.5, points[27:31, 1], points[27:31, 0])
        left = np.arange(size) + 0.5 < bridge_x[:, None]
        assert mask_box(eyes & left) == pytest.approx(box(points[36:42]), abs=1)
        assert mask_box(eyes & ~left) == pytest.approx(box(points[42:48]), abs=1)


def test_jaw_lies_on_the_outline_and_inner_lips_inside_the_mouth():
    points = landmarks(PEOPLE, LAUGH, size=1)
    jaw = points[:, :17] - [[[0.5, 0.49]]] - np.stack([PEOPLE.offset_x, PEOPLE.offset_y], -1)[:, None]
    half_height = np.where(jaw[..., 1] > 0, 1.12, 1) * PEOPLE.face_height[:, None]
    radius = np.hypot(jaw[..., 0] / PEOPLE.face_width[:, None], jaw[..., 1] / half_height)
    assert radius == pytest.approx(np.ones_like(radius), abs=1e-4)
    for pair in ((48, 60), (60, 64), (64, 54)):
        assert (points[:, pair[0], 0] < points[:, pair[1], 0]).all()
    for pair in ((51, 62), (62, 66), (66, 57)):
        assert (points[:, pair[0], 1] < points[:, pair[1], 1]).all()


def test_a_symmetric_face_mirrors():
    none = np.zeros(24, np.float32)
    people = PEOPLE._replace(offset_x=none, parting=none)
    does = Expression(
        smile=0.5, eye_left=0.2, eye_right=1.3, yaw=0.3, roll=0.2, shift_x=0.02, gaze_x=0.6, brow_tilt=0.4
    )
    mirrored = does._replace(eye_left=1.3, eye_right=0.2, yaw=-0.3, roll=-0.2, shift_x=-0.02, gaze_x=-0.6)
    seen, reflected = (render(people, motion).astype(int) for motion in (does, mirrored))
    assert np.abs(seen - reflected[:, :, ::-1]).max() <= 1
    np.testing.assert_allclose(
        landmarks(people, does)[:, MIRRORED_POINTS] * [-1, 1] + [32, 0], landmarks(people, mirrored), atol=1e-4
    )


def test_head_moves_with_all_its_points_and_turns_from_the_nose():
    rest = landmarks(PEOPLE, size=100)
    moved = landmarks(PEOPLE, Expression(shift_x=0.02, shift_y=-0.03), size=100)
    assert moved - rest == pytest.approx(np.broadcast_to([2.0, -3.0], rest.shape), abs=1e-4)
    for turn, axis in ((Expression(yaw=0.3), 0), (Expression(pitch=0.3), 1)):
        away = (landmarks(PEOPLE, turn, size=100) - rest)[..., axis]
        assert (away[:, 30] > 5).all(), "the tip of the nose"
        assert (away[:, 30] > away[:, 36:48].max(1)).all(), "stands out most"


def test_every_region_is_seen():
    seen = masks(PEOPLE, LAUGH, size=64)
    assert (np.stack([np.bincount(mask.ravel(), minlength=len(REGIONS)) for mask in seen]) > 0).all()


def test_expressions_do_what_they_say():
    rest = landmarks(PEOPLE)
    smile, open_mouth, round_mouth, raised = (
        landmarks(PEOPLE, does)
        for does in (
            Expression(smile=1.0),
            Expression(mouth_open=1.0),
            Expression(mouth_spread=-1.0),
            Expression(brow_height=1.0),
        )
    )
    lift = (smile[:, [48, 54], 1] - smile[:, 57:58, 1]) - (rest[:, [48, 54], 1] - rest[:, 57:58, 1])
    assert (lift < -1.5).all(), "corners rise against the lower lip, in pixels"
    assert (open_mouth[:, 66, 1] - open_mouth[:, 62, 1] > 3).all()
    assert (np.ptp(round_mouth[:, 48:60, 0], axis=1) < 0.6 * np.ptp(rest[:, 48:60, 0], axis=1)).all()
    assert (raised[:, 17:27, 1] < rest[:, 17:27, 1] - 0.7).all()
    assert not region("eyes", PEOPLE, Expression(eye_left=0.0, eye_right=0.0)).any()
    wide, eyes = (region("eyes", PEOPLE, Expression(eye_left=open_, eye_right=open_)) for open_ in (1.5, 1.0))
    assert (wide.sum((1, 2)) > eyes.sum((1, 2))).all()


def test_age_shows_more_the_further_it_goes():
    adult = render(PEOPLE, age=YOUNG_ADULT, size=64).astype(float)
    for ages in ((0.2, 0.1, 0.0), (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)):
        change = [np.abs(render(PEOPLE, age=age, size=64) - adult).mean((1, 2, 3)) for age in ages]
        assert (np.diff(change, axis=0) > 0).mean() > 0.95
        assert (np.diff(np.mean(change, axis=1)) > 0).all()
    hair = [region("hair", PEOPLE, age=age, size=64).sum() for age in (0.3, 0.7, 1.0)]
    assert hair[0] > hair[1] > hair[2]


def test_a_child_has_larger_and_lower_eyes():
    child, adult = (landmarks(PEOPLE, age=age) for age in (0.0, YOUNG_ADULT))
    assert (child[:, 39, 0] - child[:, 36, 0] > 1.1 * (adult[:, 39, 0] - adult[:, 36, 0])).all()
    assert (child[:, 36:48, 1].mean(1) > adult[:, 36:48, 1].mean(1) + 0.5).all()
