"""Clips of toy faces: labels tell the motion, the first frame does not, and no two people are shared between seeds."""

import numpy as np
import pytest

from mutoscope.data import open_clips, split
from mutoscope.data.synthetic import make_clips
from mutoscope.data.synthetic.faces import NEUTRAL, Expression, draw_identities, landmarks, render
from mutoscope.data.synthetic.toy_faces import MOTIONS, Takes, draw_takes, envelope, swing, tracks
from mutoscope.errors import InputError


def takes_of(motion, amplitude=1.0):
    """Takes that differ in what is given, of a resting pose exactly neutral."""
    motion, amplitude = np.broadcast_arrays(np.asarray(motion), np.asarray(amplitude, np.float32))
    onset, rise, rest = (np.full(motion.shape, value, np.float32) for value in (0.2, 0.25, 0.4))
    pose = np.zeros((len(motion), 9), np.float32)
    return Takes(np.zeros_like(motion), motion, amplitude, onset, rise, rest, pose)


def test_default_set_is_the_one_of_the_specification():
    takes = draw_takes(0, subjects=50, takes=5, motions=4)
    assert np.bincount(takes.motion).tolist() == [250] * 4
    assert np.bincount(takes.subject).tolist() == [20] * 50
    assert takes.motion[:5].tolist() == [0, 1, 2, 3, 0]
    assert takes.subject[[0, 3, 4, 199, 200]].tolist() == [0, 0, 1, 49, 0]


def test_labels_subjects_and_factors_describe_each_clip():
    made = make_clips("faces", max_clips=9, frames=6, seed=3)
    assert made.label_names == ["smile", "frown", "surprise", "nod"]
    assert made.labels == [0, 1, 2, 3, 0, 1, 2, 3, 0]
    assert made.subjects == ["3-000"] * 4 + ["3-001"] * 4 + ["3-002"]
    assert [int(number[0]) for number in made.factors["identity"]] == [0] * 4 + [1] * 4 + [2]
    assert {"amplitude", "onset", "landmarks", *Expression._fields} <= set(made.factors)
    shown = {name: made.factors[name][5] for name in Expression._fields}
    person = draw_identities(2, seed=3).at(slice(1, 2))
    np.testing.assert_array_equal(made.clips[5], render(person, Expression(**shown)))
    np.testing.assert_array_equal(made.factors["landmarks"][5], landmarks(person, Expression(**shown)))


def test_a_take_is_the_same_in_a_larger_set():
    small = draw_takes(1, subjects=3, takes=1, motions=2)
    large = draw_takes(1, subjects=5, takes=2, motions=6)
    same = np.flatnonzero((large.subject < 3) & (large.motion < 2))[: len(small.motion)]
    assert all(np.array_equal(few, many[same]) for few, many in zip(small, large, strict=True))


def test_smiles_are_those_of_faces():
    smiles, faces = make_clips("smiles", max_clips=3, frames=4), make_clips("faces", max_clips=9, frames=4)
    assert smiles.label_names == ["smile"]
    np.testing.assert_array_equal(smiles.clips, faces.clips[::4])


def test_six_motions():
    made = make_clips("faces", motions=6, max_clips=6, frames=2)
    assert made.label_names == list(MOTIONS)
    assert made.labels == list(range(6))


def test_first_frame_is_nearly_neutral_and_says_nothing_of_what_follows():
    takes = draw_takes(0, subjects=10, takes=1, motions=6)
    first = {name: values[:, 0] for name, values in tracks(takes, 16).items()}
    others = takes._replace(motion=(takes.motion + 1) % 6, amplitude=takes.amplitude / 2, onset=takes.onset / 2)
    for name, values in tracks(others, 16).items():
        np.testing.assert_array_equal(values[:, 0], first[name])
    people = draw_identities(10, seed=0).at(takes.subject)
    away = landmarks(people, Expression(**first)) - landmarks(people)
    assert np.abs(away).mean() < 1, "pixels of 32"
    assert np.abs(away).max() > 0.1


def test_onset_and_amplitude_differ_from_clip_to_clip():
    takes = draw_takes(0, subjects=50, takes=5, motions=4)
    for values, low, high in ((takes.amplitude, 0.5, 1.0), (takes.onset, 0.05, 0.4)):
        assert low <= values.min() < values.max() <= high
        assert values.std() == pytest.approx((high - low) / np.sqrt(12), rel=0.1)
    assert abs(np.corrcoef(takes.amplitude, takes.onset)[0, 1]) < 0.1


def test_motion_rests_until_its_onset_reaches_its_apex_and_partly_returns():
    takes = draw_takes(2, subjects=20, takes=1, motions=4)
    course, frames = envelope(takes, 101), np.arange(101) / 100
    for clip, onset, rise, rest in zip(course, takes.onset, takes.rise, takes.rest, strict=True):
        assert (clip[frames < onset - 1e-6] == 0).all()
        assert clip[(frames > onset + rise) & (frames < onset + rise + 0.1)] == pytest.approx(1)
        assert clip[-1] == pytest.approx(rest, abs=1e-6)
    assert swing(takes, 101)[:, 0] == pytest.approx(0)
    assert swing(takes, 101).max(1) == pytest.approx(1, abs=0.01)
    assert swing(takes, 101).min(1) == pytest.approx(-1, abs=0.01)


@pytest.mark.parametrize("motion", range(6), ids=MOTIONS)
def test_larger_amplitudes_change_more_pixels(motion):
    takes = takes_of([motion] * 6, np.linspace(0.5, 1, 6))
    apex = {name: values[:, 7] for name, values in tracks(takes, 16).items()}
    person = draw_identities(4, seed=1).at(slice(3, 4))
    change = np.abs(render(person, Expression(**apex)).astype(float) - render(person)).mean((1, 2, 3))
    assert (np.diff(change) > 0).all()
    assert change[0] > 0.5, "even the weakest is seen"


def test_neutral_is_at_rest():
    rest = tracks(takes_of([0], 0.0), 4)
    assert all((rest[name] == value).all() for name, value in NEUTRAL._asdict().items())


def test_people_of_two_seeds_are_others_and_a_split_shares_nobody():
    clips, others = (open_clips("faces", size=16, seed=seed, max_clips=12, frames=2) for seed in (0, 1))
    train, held_out = split(clips, by="subject", held_out=1, seed=0)
    names = [set(part.column("subject")) for part in (train, held_out, others)]
    assert not names[0] & names[1]
    assert not (names[0] | names[1]) & names[2]
    assert len(held_out) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"motions": 7}, "faces: motions is 7 (expected 1 to 6: smile, frown, surprise, nod, wink, shake)"),
        ({"subjects": 0}, "faces: subjects is 0 (expected at least 1)"),
        ({"takes": 0}, "faces: takes is 0 (expected at least 1)"),
        (
            {"mood": 1},
            "faces: unknown argument 'mood' (expected some of frames, motions, subjects, takes)",
        ),
    ],
)
def test_bad_arguments_are_named_in_one_line(arguments, message):
    with pytest.raises(InputError) as raised:
        make_clips("faces", **arguments)
    assert str(raised.value) == message
