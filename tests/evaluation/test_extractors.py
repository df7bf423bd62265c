"""Extractors that are trained once and found again, and those that users name."""

import numpy as np
import pytest

from mutoscope.errors import InputError
from mutoscope.evaluation.choice import choose, fitting_extractors
from mutoscope.evaluation.extractors import (
    cached_folder,
    default_extractors,
    has_subjects,
    open_extractor,
    train_extractors,
)
from mutoscope.evaluation.metrics import METRICS


@pytest.fixture
def clips(make_clips):
    return make_clips(8, seed=0)


def test_what_is_trained_is_kept_and_found_again(clips, capsys):
    made = train_extractors(clips, kind="frame", steps=2)
    (folder, extractor), *_ = made.items()
    assert extractor.name == "resnet64-squares"
    assert extractor.classes == ["falls", "rises"]
    assert {file.name for file in folder.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    assert "trained in" in capsys.readouterr().err
    again = train_extractors(clips, kind="frame", steps=2)[folder]
    assert capsys.readouterr().err == ""
    assert np.array_equal(extractor(clips.pixels[:4]), again(clips.pixels[:4]))


def test_the_cache_knows_clips_by_content_and_recipe(clips, make_clips):
    def folder(of, frames=16, steps=5, seed=0, kind="clip"):
        return cached_folder(of, kind, frames, steps, seed)

    assert folder(clips) == folder(make_clips(8, seed=0))
    others = [folder(make_clips(8, seed=1)), folder(clips.subset(range(4))), folder(clips, frames=8)]
    others += [folder(clips, steps=6), folder(clips, seed=1), folder(clips, kind="frame")]
    assert len({folder(clips), *others}) == 7


def test_a_folder_may_hold_both(clips, tmp_path):
    made = train_extractors(clips, out=tmp_path / "both", steps=1)
    assert {path.name for path in made} == {"resnet64-squares", "r2plus1d64-squares"}
    found = open_extractor(str(tmp_path / "both"), clips)
    assert sorted(extractor.kind for extractor in found) == ["clip", "frame"]
    (one,) = open_extractor(str(tmp_path / "both" / "resnet64-squares"), clips)
    assert one.kind == "frame"


def test_components_of_pixels_are_fitted_to_the_real_frames(clips):
    (found,) = open_extractor("pca64-pixels", clips)
    assert found(clips.pixels[:3]).shape == (3, 64)


def test_what_the_data_is_too_small_for_is_left_out(make_clips, capsys, monkeypatch):
    monkeypatch.setattr("mutoscope.evaluation.extractors.STEPS", 1)
    found = default_extractors(make_clips(4, seed=0, length=6), frames=16)
    assert [extractor.name for extractor in found] == ["resnet64-squares"]
    said = capsys.readouterr().err
    assert "extractor left out: r2plus1d64-squares: 0 clips of 16 frames or more (expected at least 2)" in said
    assert "extractor left out: pca64-pixels: 24 frames" in said


def with_subjects(clips, subjects):
    return clips.with_columns({"subject": list(subjects)})


def test_subjects_are_told_where_there_are_some_and_they_are_wanted(clips, make_clips, monkeypatch):
    monkeypatch.setattr("mutoscope.evaluation.extractors.STEPS", 1)
    people = with_subjects(make_clips(8, seed=0), "aabbccdd")
    telling = default_extractors(people, subjects=True)[-1]
    assert (telling.name, telling.tells, telling.classes) == ("resnet64-squares-subjects", "subjects", list("abcd"))
    assert "to tell 4 subjects" in telling.card()
    assert default_extractors(people, subjects=True)[-1].digest == telling.digest  # from the cache
    assert not [e for e in default_extractors(people) if e.name == telling.name]
    assert not [e for e in default_extractors(clips, subjects=True) if e.name == telling.name]


@pytest.mark.parametrize(
    ("subjects", "expected"),
    [("aabbccdd", True), ("aaaaaaaa", False), ("abababab", False), (["a", None] * 4, False)],
    ids=["several", "one", "one a label", "not all known"],
)
def test_subjects_tell_more_than_labels(make_clips, subjects, expected):
    assert has_subjects(with_subjects(make_clips(8, seed=0), subjects)) == expected


def test_the_cache_keeps_features_of_subjects_apart(make_clips):
    folders = {
        cached_folder(with_subjects(make_clips(8, seed=0), subjects), "frame", 16, 5, 0, tells)
        for subjects, tells in (("aabbccdd", "subjects"), ("aabbccda", "subjects"), ("aabbccdd", "labels"))
    }
    assert len(folders) == 3


class Features:
    """Of frames, with classes."""

    kind, classes = "frame", ("a", "b")

    def __init__(self, name, tells):
        self.name, self.tells = name, tells

    def __call__(self, batch, /):
        return batch.reshape(len(batch), -1)


def test_identity_is_measured_in_features_that_tell_subjects_and_labels_in_those_that_tell_labels():
    labels, subjects = Features("labels", "labels"), Features("people", "subjects")
    fitting = {m.name: [e.name for e in fitting_extractors(m, [labels, subjects])] for m in METRICS if m.needs}
    assert fitting["acd_c"] == fitting["acd_i"] == ["people"]
    assert fitting["label_accuracy"] == fitting["is"] == fitting["fid"] == fitting["precision"] == ["labels"]
    assert [extractor.name for _, extractor, _ in choose(["acd_c"], [labels])] == ["labels"]


def test_of_many_clips_those_of_every_label_are_learned(make_clips, monkeypatch):
    """Labels that take turns and every second clip would be one label."""
    monkeypatch.setattr("mutoscope.evaluation.extractors.MOST_CLIPS", 8)
    seen = []
    monkeypatch.setattr(
        "mutoscope.metrics.extractors.train_clip_extractor", lambda clips, labels, **_: seen.extend(labels) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        train_extractors(make_clips(16, seed=0), kind="clip")
    assert len(seen) == 8
    assert set(seen) == {0, 1}


def test_names_that_mean_nothing(clips):
    with pytest.raises(InputError, match="nope: no such extractor \\(expected inception64"):
        open_extractor("nope", clips)
