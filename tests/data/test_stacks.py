"""Many clips in one `.npy` or `.npz` are as many clips of a folder."""

from pathlib import Path

import numpy as np
import pytest

from mutoscope.data import ClipFolder, detect_layout, open_clips
from mutoscope.errors import InputError

CLIPS = np.random.default_rng(0).integers(0, 256, (3, 4, 16, 16, 3), dtype=np.uint8)


def write(path: Path, **arrays: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npz":
        np.savez_compressed(path, **arrays)
    else:
        np.save(path, *arrays.values())
    return path


@pytest.mark.parametrize("name", ["clips.npy", "clips.npz"])
def test_each_row_is_a_clip(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, clips=CLIPS)
    assert detect_layout(path) is ClipFolder
    clips = open_clips(path, size=16)
    assert [record.path for record in clips.records] == [f"{path}[{i}]" for i in range(3)]
    for i, expected in enumerate(CLIPS):
        np.testing.assert_array_equal(clips[i].frames, expected)


def test_grey_rows_become_what_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "clips.npz", clips=CLIPS[..., :1])
    np.testing.assert_array_equal(open_clips(path, size=16, channels=1)[2].frames, CLIPS[2, ..., :1])
    np.testing.assert_array_equal(open_clips(path, size=16)[2].frames, CLIPS[2, ..., :1].repeat(3, axis=-1))


def test_folders_give_them_labels_and_a_plain_array_stays_one_clip(tmp_path: Path) -> None:
    write(tmp_path / "jump" / "ann" / "many.npy", clips=CLIPS)
    write(tmp_path / "walk" / "one.npy", clip=CLIPS[0])
    clips = open_clips(tmp_path, size=16)
    assert [(clip.label, clip.subject, len(clip.frames)) for clip in map(clips.__getitem__, range(4))] == [
        (0, "ann", 4),
        (0, "ann", 4),
        (0, "ann", 4),
        (1, None, 4),
    ]


def test_other_arrays_beside_the_clips_are_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "clips.npz", clips=CLIPS, labels=np.arange(3), mean=CLIPS.mean(axis=(0, 1)))
    assert len(open_clips(path, size=16)) == 3


@pytest.mark.parametrize(
    ("name", "arrays", "reason"),
    [
        ("a.npz", {"a": CLIPS, "b": CLIPS}, "holds 2 arrays of five axes"),
        ("a.npz", {"a": CLIPS[0]}, "holds 0 arrays of five axes"),
        ("a.npz", {"a": CLIPS / 255}, "holds float64 values"),
        ("a.npy", {"a": CLIPS / 255}, "holds float64 values"),
        ("a.npy", {"a": CLIPS.swapaxes(3, 4)}, r"of shape \(3, 4, 16, 3, 16\)"),
        ("a.npz", {"a": np.zeros((2, 2, 2, 2, 2), object)}, "holds object values"),
    ],
)
def test_arrays_of_another_kind_are_told(tmp_path: Path, name: str, arrays: dict, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as told:
        open_clips(write(tmp_path / name, **arrays), size=16)
    assert "expected" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["clips.npy", "clips.npz"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_file_cut_short_is_told_in_one_line(tmp_path: Path, name: str, share: float) -> None:
    path = write(tmp_path / name, clips=CLIPS)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=name) as told:
        open_clips(path, size=16)
    assert "\n" not in str(told.value)
