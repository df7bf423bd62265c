"""Extractors that are trained once and found again, and those that users name."""

import numpy as np
import pytest

from mutoscope.errors import InputError
from mutoscope.evaluation.extractors import cached_folder, default_extractors, open_extractor, train_extractors


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


def test_names_that_mean_nothing(clips):
    with pytest.raises(InputError, match="nope: no such extractor \\(expected inception64"):
        open_extractor("nope", clips)
