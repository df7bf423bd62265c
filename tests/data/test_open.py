from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mutoscope.data import ClipWindows, open_clips
from mutoscope.data.synthetic import NAMES
from mutoscope.errors import InputError
from mutoscope.media.images import write_image


def complaint(source: str | Path, **options: Any) -> str:
    """The one line that opening `source` ends with."""
    with pytest.raises(InputError) as caught:
        open_clips(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(source))
    return message


def test_a_missing_path_names_the_synthetic_sets(tmp_path: Path) -> None:
    message = complaint(tmp_path / "nothing")
    assert "does not exist" in message
    assert NAMES[0] in message


@pytest.mark.parametrize("content", [None, "notes.txt", "labels.json"])
def test_a_folder_without_clips_lists_the_layouts(tmp_path: Path, content: str | None) -> None:
    if content:
        (tmp_path / content).write_text("{}")
    message = complaint(tmp_path)
    assert "holds no clips (expected one of: " in message
    assert "<class>/<8 digits>.png strips" in message
    assert "img_align_celeba" in message


def test_a_file_of_another_kind_lists_the_layouts(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert "holds no clips" in complaint(tmp_path / "notes.txt")


def test_an_empty_celeba_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "img_align_celeba").mkdir()
    assert "holds no clips" in complaint(tmp_path)


def test_a_folder_without_a_readable_file_says_why(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.gif", "c.npy"):
        (tmp_path / name).write_bytes(b"this is no clip")
    assert "holds no readable clip (a.mp4: " in complaint(tmp_path)


@pytest.mark.parametrize("name", ["a.mp4", "a.png", "a.npy"])
@pytest.mark.parametrize("content", [b"", b"this is no clip"])
def test_one_unreadable_file_says_why(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    complaint(tmp_path / name)


def test_bad_files_are_named_and_set_aside(tmp_path: Path, write_strip: Callable[..., Path]) -> None:
    write_strip(tmp_path / "good.png")
    (tmp_path / "bad.mp4").write_bytes(b"this is no video")
    (tmp_path / "empty.gif").touch()
    np.save(tmp_path / "nan.npy", np.full((4, 16, 16), np.nan))
    for _ in range(2):  # decoded, then from the cache
        clips = open_clips(tmp_path, size=16)
        assert [Path(record.path).name for record in clips.records] == ["good.png"]
        assert [Path(problem.path).name for problem in clips.problems] == ["bad.mp4", "empty.gif", "nan.npy"]
        assert all(problem.reason and str(tmp_path) not in problem.reason for problem in clips.problems)
        with pytest.raises(InputError, match=r"bad\.mp4: "):
            open_clips(tmp_path, size=16, strict=True)


def test_a_damaged_frame_sets_its_clip_aside(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    write_frames(tmp_path / "good")
    picture = write_frames(tmp_path / "bad") / "frame2.png"
    picture.write_bytes(picture.read_bytes()[:40])
    clips = open_clips(tmp_path, size=16)
    assert len(clips) == 1
    assert clips.problems[0].path == str(tmp_path / "bad")
    assert clips.problems[0].reason.startswith("bad/frame2.png: ")


def test_frames_that_are_too_small_are_refused(tmp_path: Path, write_strip: Callable[..., Path]) -> None:
    write_strip(tmp_path / "tiny.png", size=4)
    assert "has frames of 4x4 pixels (expected at least 8 each way)" in complaint(tmp_path / "tiny.png")


def test_one_frame_is_a_clip_but_not_a_window(tmp_path: Path) -> None:
    write_image(tmp_path / "one.png", np.zeros((16, 16, 3), np.uint8))
    clips = open_clips(tmp_path / "one.png", size=16)
    assert clips.total_frames == 1
    with pytest.raises(InputError, match=r"one\.png: has 1 frames \(expected at least 16"):
        ClipWindows(clips, 16)


@pytest.mark.parametrize("options", [{"size": 4}, {"channels": 2}, {"max_clips": 0}])
def test_options_out_of_range_are_named(tmp_path: Path, options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(InputError, match=f"^{name} "):
        open_clips(tmp_path, **options)


def test_frames_may_be_higher_than_wide(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 24, 3), dtype=np.uint8)
    np.save(tmp_path / "clip.npy", frames)
    clips = open_clips(tmp_path, size=(32, 16))
    assert (clips.height, clips.width) == (32, 16)
    np.testing.assert_array_equal(clips.pixels, frames[:, :, 4:20])
    mirrored = clips.with_mirrored()
    np.testing.assert_array_equal(mirrored[1].frames, clips[0].frames[:, :, ::-1])
    with pytest.raises(InputError, match=r"^size 4: is too small"):
        open_clips(tmp_path, size=(32, 4))


def test_only_synthetic_sets_take_factors(tmp_path: Path, write_strip: Callable[..., Path]) -> None:
    write_strip(tmp_path / "a.png")
    assert "takes no colour" in complaint(tmp_path, colour=True)


def test_max_clips_spreads_over_the_set(tmp_path: Path, write_strip: Callable[..., Path]) -> None:
    for clip in range(10):
        write_strip(tmp_path / f"{clip}.png", clip)
    clips = open_clips(tmp_path, size=16, max_clips=4)
    assert [Path(record.path).stem for record in clips.records] == ["0", "2", "5", "7"]
    assert len(open_clips(tmp_path, size=16, max_clips=40)) == 10


def test_grey_and_colour(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, (3, 16, 16), dtype=np.uint8)
    np.save(tmp_path / "grey.npy", array)
    np.testing.assert_array_equal(open_clips(tmp_path, size=16, channels=1).pixels[..., 0], array)
    np.testing.assert_array_equal(open_clips(tmp_path, size=16, channels=3).pixels, np.repeat(array[..., None], 3, 3))


def test_synthetic_sets_keep_their_factors_for_evaluation() -> None:
    clips = open_clips(NAMES[0], size=16, max_clips=6, seed=3)
    assert len(clips) == 6
    assert (clips.height, clips.width) == (16, 16)
    assert clips.factors
    part = clips.subset([4, 1])
    for factor, values in clips.factors.items():
        assert len(values) == 6
        np.testing.assert_array_equal(part.factors[factor][0], values[4])
    np.testing.assert_array_equal(open_clips(NAMES[0], size=16, max_clips=6, seed=3).pixels, clips.pixels)
