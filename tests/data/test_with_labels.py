"""Clips of some labels only, and the option of a run that asks for them."""

from pathlib import Path

import numpy as np
import pytest

from mutoscope.claims.job import Job
from mutoscope.data import Clips, clips_from_arrays
from mutoscope.errors import InputError
from mutoscope.systems.claim import Arm, Experiment
from mutoscope.training.fit import training_clips
from mutoscope.training.options import resolve

LABELS = [0, 2, 1, 0, None, 2]


class Small:
    """What training asks a model for when it opens clips."""

    image_size, channels, wants_tracks = 16, 3, ()


@pytest.fixture
def actions() -> Clips:
    return clips_from_arrays(
        [np.full((1, 8, 8, 3), i, np.uint8) for i in range(len(LABELS))],
        name="actions",
        labels=LABELS,
        label_names=["bend", "jack", "jump"],
        factors={"number": [np.array(i) for i in range(len(LABELS))]},
    )


def test_clips_of_the_labels_are_kept_and_numbered_in_the_order_given(actions: Clips) -> None:
    kept = actions.with_labels(["jump", "bend"])
    assert kept.label_names == ["jump", "bend"]
    assert [record.label for record in kept.records] == [1, 0, 1, 0]
    assert [int(kept[i].frames.max()) for i in range(4)] == [int(x) for x in kept.factors["number"]] == [0, 1, 3, 5]
    assert kept.pixels is actions.pixels


def test_a_clip_keeps_the_name_of_its_label(actions: Clips) -> None:
    names = {record.path: actions.label_names[record.label] for record in actions.records if record.label is not None}
    kept = actions.with_labels(["jump", "jack", "jump"])
    assert {record.path: kept.label_names[record.label] for record in kept.records} == {
        path: name for path, name in names.items() if name != "bend"
    }


def test_the_set_itself_stays_as_it_is(actions: Clips) -> None:
    actions.with_labels(["jump"])
    assert [record.label for record in actions.records] == LABELS
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


def test_a_run_trains_on_and_holds_out_the_labels_it_names(tmp_path: Path, write_strip) -> None:
    for clip, label in enumerate(["deliberate", "spontaneous", "spontaneous", "spontaneous"]):
        write_strip(tmp_path / label / f"{clip}.png", clip)
    run, _ = resolve("pseudo_label", {"data": str(tmp_path), "only": ["spontaneous"], "held_out": 1.0})
    train, held_out = training_clips(run, Small)
    assert (len(train), len(held_out)) == (2, 1)
    assert train.label_names == held_out.label_names == ["spontaneous"]
    assert {record.label for record in [*train.records, *held_out.records]} == {0}


def test_results_on_file_are_those_of_all_labels() -> None:
    """The name of a result is made from its configuration: it may not change where the option is not used."""
    every, some = (
        Job("pseudo_label", Experiment("sprites", "", "sprites", "tiny", ()), Arm("full", options), 0, "sprites")
        for options in ({}, {"only": ["circle"]})
    )
    assert "only" not in every.configuration()
    assert some.configuration()["only"] == ["circle"]
    assert every.stem != some.stem
