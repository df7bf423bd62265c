"""Clips of synthetic sets as files."""

from pathlib import Path

import numpy as np
import pytest

from mutoscope.cli import main
from mutoscope.data import open_clips
from mutoscope.data.rendering import render
from mutoscope.errors import InputError


@pytest.mark.parametrize("suffix", [".png", ".npy"])
def test_what_is_written_without_loss_is_read_back_with_its_labels(suffix: str, tmp_path: Path) -> None:
    folder = render("moving_sprites", tmp_path / "out", clips=6, size=16, seed=3, suffix=suffix)
    rendered, read = open_clips("moving_sprites", size=16, seed=3, max_clips=6), open_clips(folder, size=16)
    assert sorted(read.label_names) == sorted(set(rendered.label_names))
    by_name = {Path(read[i].path).stem: read[i] for i in range(6)}
    for number in range(6):
        clip = by_name[f"{number:04d}"]
        assert np.array_equal(clip.frames, rendered[number].frames)
        assert clip.label is not None
        assert read.label_names[clip.label] == rendered.label_names[rendered[number].label or 0]


@pytest.mark.parametrize("suffix", [".mp4", ".npy"])
def test_columns_are_written_beside_the_clips_and_found_again(suffix: str, tmp_path: Path) -> None:
    folder = render("stick_people", tmp_path / "out", clips=6, size=24, seed=3, suffix=suffix)
    rendered = open_clips("stick_people", size=24, seed=3, max_clips=6)
    read = open_clips(folder, size=24, columns=("joints", "visible"))
    assert read.skeleton == "penn13"
    assert len(read) == 6
    for number, record in enumerate(read.records):
        own = int(Path(record.path).stem)
        for column in ("joints", "visible"):
            assert np.array_equal(read.columns[column][number], rendered.columns[column][own])


def test_joints_are_those_of_frames_brought_to_another_size(tmp_path: Path) -> None:
    folder = render("stick_people", tmp_path / "out", clips=1, size=24, seed=3, suffix=".npy")
    joints = open_clips("stick_people", size=24, seed=3, max_clips=1).columns["joints"][0]
    assert np.allclose(open_clips(folder, size=48, columns=("joints",)).columns["joints"][0], 2 * joints, atol=1e-4)


def test_sets_without_columns_per_frame_have_no_folder_of_them(tmp_path: Path) -> None:
    assert not (render("sprites", tmp_path / "out", clips=1, size=16) / "structures").exists()


def test_videos_are_written_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "people"
    assert main(["data", "render", "faces", "--clips", "4", "--size", "32", "-o", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.mp4")) == [
        "frown/0001.mp4",
        "nod/0003.mp4",
        "smile/0000.mp4",
        "surprise/0002.mp4",
    ]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"exists already \(expected a new folder\)"):
        render("sprites", tmp_path)


def test_an_unknown_set_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing: no such synthetic set \(expected one of sprites"):
        render("nothing", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_rate_that_is_not_positive_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^fps: 0\.0 \(expected a positive number\)"):
        render("faces", tmp_path / "out", fps=0.0)
    assert not list(tmp_path.iterdir())
