import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data import Clips, clips_from_arrays, split
from mutoscope.errors import InputError

SUBJECTS = ["ann", "bob", "ann", "cat", "bob", "cat", "ann", "dan"]


def make(subjects: list[str] | None = None, layout: str = "arrays", count: int = 8) -> Clips:
    return clips_from_arrays(
        [np.full((1, 8, 8, 3), i, np.uint8) for i in range(count)],
        name="eight",
        columns={"subject": subjects} if subjects else {},
        layout=layout,
    )


def paths(clips: Clips) -> set[str]:
    return {record.path for record in clips.records}


@given(st.one_of(st.integers(1, 7), st.floats(0.01, 0.9)), st.integers(0, 100))
def test_a_clip_is_in_one_part(held_out: int | float, seed: int) -> None:
    clips = make()
    train, rest = split(clips, held_out=held_out, seed=seed)
    assert not paths(train) & paths(rest)
    assert paths(train) | paths(rest) == paths(clips)
    assert len(rest) == held_out if isinstance(held_out, int) else max(round(8 * held_out), 1)


@given(st.integers(1, 3), st.integers(0, 100))
def test_a_person_is_in_one_part(held_out: int, seed: int) -> None:
    train, rest = split(make(SUBJECTS), by="subject", held_out=held_out, seed=seed)
    people = [set(part.column("subject")) for part in (train, rest)]
    assert not people[0] & people[1]
    assert len(people[1]) == held_out
    assert len(train) + len(rest) == 8


def test_what_to_hold_out_can_be_named() -> None:
    train, rest = split(make(SUBJECTS), by="subject", held_out=["bob", "dan"])
    assert [clip.subject for clip in (rest[0], rest[1], rest[2])] == ["bob", "bob", "dan"]
    assert len(train) == 5
    assert split(make(), held_out=[7])[1][0].frames.max() == 7


def test_a_split_shares_the_pixels() -> None:
    clips = make()
    assert all(part.pixels is clips.pixels for part in split(clips))


def test_moving_mnist_holds_out_its_last_tenth() -> None:
    train, rest = split(make(layout="Moving MNIST", count=100), by="published")
    assert [int(rest[i].frames.max()) for i in range(len(rest))] == list(range(90, 100))
    assert len(train) == 90


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"held_out": 0}, "0 of 8 clips held out"),
        ({"held_out": 8}, "8 of 8 clips held out"),
        ({"held_out": [8]}, "cannot hold out 8"),
        ({"by": "subject"}, "clips without a subject"),
        ({"by": "published"}, "no published split"),
    ],
)
def test_splits_that_cannot_be_made_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        split(make(), **arguments)
