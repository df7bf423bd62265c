"""Clips of some labels only."""

import numpy as np
import pytest

from mutoscope.data import Clips, clips_from_arrays
from mutoscope.errors import InputError

LABELS = [0, 2, 1, 0, None, 2]


@pytest.fixture
def actions() -> Clips:
    return clips_from_arrays(
        [np.full((1, 8, 8, 3), i, np.uint8) for i in range(len(LABELS))],
        name="actions",
        columns={"label": LABELS},
        label_names=["bend", "jack", "jump"],
        factors={"number": [np.array(i) for i in range(len(LABELS))]},
    )


def test_clips_of_the_labels_are_kept_and_numbered_in_the_order_given(actions: Clips) -> None:
    kept = actions.with_labels(["jump", "bend"])
    assert kept.label_names == ["jump", "bend"]
    assert kept.column("label") == [1, 0, 1, 0]
    assert [int(kept[i].frames.max()) for i in range(4)] == [int(x) for x in kept.factors["number"]] == [0, 1, 3, 5]
    assert kept.pixels is actions.pixels


def test_a_clip_keeps_the_name_of_its_label(actions: Clips) -> None:
    names = {
        clip.path: actions.label_names[clip.label]
        for clip in map(actions.__getitem__, range(6))
        if clip.label is not None
    }
    kept = actions.with_labels(["jump", "jack", "jump"])
    assert {clip.path: kept.label_names[clip.label] for clip in map(kept.__getitem__, range(len(kept)))} == {
        path: name for path, name in names.items() if name != "bend"
    }


def test_the_set_itself_stays_as_it_is(actions: Clips) -> None:
    actions.with_labels(["jump"])
    assert actions.column("label") == LABELS
    assert actions.label_names == ["bend", "jack", "jump"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["bend", "dance"], r"actions: has no label dance \(known: bend, jack, jump\)"),
        ([], "actions: has no clip of the labels"),
    ],
)
def test_labels_that_leave_nothing_are_refused(actions: Clips, names: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        actions.with_labels(names)
    with pytest.raises(InputError, match=r"known: none"):
        clips_from_arrays([np.zeros((1, 8, 8, 3), np.uint8)], name="plain").with_labels(["bend"])
