"""The twin of morphable faces: parameters tell all that moves, people all that does not."""

import numpy as np
import pytest
import torch

from mutoscope.data.synthetic import make_clips
from mutoscope.data.synthetic.clips import SyntheticClips
from mutoscope.data.synthetic.morphable_faces import EXPRESSIONS
from mutoscope.data.synthetic.morphable_people import draw_person, render_person
from mutoscope.geometry.face_fitting import fit_landmarks, retarget
from mutoscope.geometry.face_maps import normal_maps
from mutoscope.geometry.toy_face import toy_face

FACE = toy_face()


@pytest.fixture(scope="module")
def few() -> SyntheticClips:
    return make_clips("morphable_faces", subjects=3, takes=2, frames=12)


def tracks(clips: SyntheticClips) -> list[np.ndarray]:
    assert clips.columns is not None
    return clips.columns["face"]


def test_every_person_shows_every_expression(few: SyntheticClips) -> None:
    assert few.label_names == list(EXPRESSIONS)
    assert few.labels == [*range(6)] * 6
    assert few.subjects == [f"0-{who:03d}" for who in (0, 1, 2, 0, 1, 2) for _ in range(6)]
    assert {clip.shape for clip in few.clips} == {(12, 32, 32, 3)}
    assert {track.shape for track in tracks(few)} == {(12, 20)}


def test_a_larger_set_begins_with_a_smaller_one(few: SyntheticClips) -> None:
    smaller = make_clips("morphable_faces", subjects=2, takes=1, frames=12, max_clips=7)
    assert len(smaller.clips) == 7
    for one, other in zip(smaller.clips, few.clips, strict=False):
        np.testing.assert_array_equal(one, other)


def test_another_seed_gives_other_people() -> None:
    one, other = (make_clips("morphable_faces", seed=seed, max_clips=1, frames=2) for seed in (0, 1))
    assert (one.clips[0] != other.clips[0]).mean() > 0.5
    assert not np.allclose(draw_person(0, 0).identity, draw_person(1, 0).identity)


def test_one_channel_is_the_grey_of_three() -> None:
    grey, colour = (make_clips("morphable_faces", channels=channels, max_clips=1, frames=2) for channels in (1, 3))
    expected = colour.clips[0] @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey.clips[0][..., 0], expected, atol=1)


def test_clips_begin_at_rest_and_move_with_their_expression(few: SyntheticClips) -> None:
    for intensity, clip in zip(few.factors["intensity"], few.clips, strict=True):
        assert intensity[0] == 0
        assert 0.6 < intensity.max() <= 1.1
        moved = np.abs(clip.astype(float) - clip[0]).mean((1, 2, 3))
        assert moved[intensity.argmax()] > 0.8 * moved.max() > 0


def test_the_background_and_the_pose_stand_still(few: SyntheticClips) -> None:
    for clip, track in zip(few.clips, tracks(few), strict=True):
        assert (clip[:, :2, :2] == clip[:1, :2, :2]).all()
        assert (track[:, 14:] == track[:1, 14:]).all()
        assert (track[:, :8] == track[:1, :8]).all()


def test_takes_of_an_expression_differ(few: SyntheticClips) -> None:
    assert not np.allclose(few.factors["intensity"][0], few.factors["intensity"][18])


def test_parameters_draw_the_clip_again(few: SyntheticClips) -> None:
    for number in (0, 8, 35):
        person = draw_person(0, int(few.factors["identity"][number][0]))
        np.testing.assert_array_equal(render_person(person, tracks(few)[number], 32), few.clips[number])


def test_the_face_is_where_its_map_is(few: SyntheticClips) -> None:
    track = torch.from_numpy(tracks(few)[5])
    maps = normal_maps(FACE, track, 32).abs().sum(1) > 0
    moving = np.ptp(few.clips[5].astype(int), axis=0).max(-1) > 8
    assert moving.any()
    assert maps.any(0).numpy()[moving].mean() > 0.95


def test_landmarks_are_those_of_the_parameters_and_give_them_back(few: SyntheticClips) -> None:
    landmarks = torch.from_numpy(few.factors["landmarks"][3])
    found = fit_landmarks(FACE, landmarks, noise=1e-3)
    expected = FACE.split(torch.from_numpy(tracks(few)[3]))
    torch.testing.assert_close(FACE.split(found).expression, expected.expression, atol=0.1, rtol=0)


def test_a_person_with_the_expressions_of_another_keeps_colours_and_background(few: SyntheticClips) -> None:
    target, reference = (torch.from_numpy(tracks(few)[number]) for number in (0, 11))
    moved = retarget(FACE, target[0], reference).numpy()
    video = render_person(draw_person(0, 0), moved, 32)
    np.testing.assert_array_equal(video[0], few.clips[0][0])  # both begin at rest
    assert (video[:, :2] == few.clips[0][:1, :2]).all()
    assert (video[int(few.factors["intensity"][11].argmax())] != video[0]).any()


def test_an_open_mouth_is_dark_inside() -> None:
    clips = make_clips("morphable_faces", size=64, max_clips=6, frames=12)
    apex = int(clips.factors["intensity"][5].argmax())
    x, y = clips.factors["landmarks"][5][apex, [62, 66]].mean(0).astype(int)
    assert clips.clips[5][apex, y, x].max() < 60
