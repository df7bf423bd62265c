from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from mutoscope.data import ClipFolder, detect_layout, open_clips
from mutoscope.media.images import write_image
from mutoscope.media.video import write_video


def names(folder: Path) -> list[str]:
    return [entry.path for entry in ClipFolder.listing(folder, seed=0).entries]


def test_every_kind_of_clip_is_found_and_read(
    tmp_path: Path, write_strip: Callable[..., Path], write_frames: Callable[..., Path]
) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    np.save(tmp_path / "array.npy", frames)
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(tmp_path / "moving.gif", save_all=True, append_images=pictures[1:], duration=40)
    pictures[0].save(tmp_path / "moving.webp", save_all=True, append_images=pictures[1:], duration=40)
    write_video(tmp_path / "video.mp4", frames, fps=25)
    write_strip(tmp_path / "strip.png")
    write_frames(tmp_path / "folder of frames")
    (tmp_path / "notes.txt").write_text("not a clip")

    clips = open_clips(tmp_path, size=16)

    assert not clips.problems
    assert {Path(record.path).name: record.length for record in clips.records} == {
        "array.npy": 4,
        "folder of frames": 4,
        "moving.gif": 4,
        "moving.webp": 4,
        "strip.png": 4,
        "video.mp4": 4,
    }
    rates = {Path(record.path).name: record.fps for record in clips.records}
    assert rates["video.mp4"] == rates["moving.gif"] == 25
    array = next(i for i, record in enumerate(clips.records) if record.path.endswith("array.npy"))
    np.testing.assert_array_equal(clips[array].frames, frames)


def test_folders_above_a_clip_are_its_class_and_subject(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    write_frames(tmp_path / "walk" / "ann" / "1")
    write_frames(tmp_path / "walk" / "bob" / "1")
    write_frames(tmp_path / "jump" / "ann" / "1")
    clips = open_clips(tmp_path, size=16)
    assert clips.label_names == ["jump", "walk"]
    assert [(clip.label, clip.subject) for clip in map(clips.__getitem__, range(3))] == [
        (0, "ann"),
        (1, "ann"),
        (1, "bob"),
    ]


def test_clips_without_folders_above_them_have_no_label(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    write_frames(tmp_path / "first")
    write_frames(tmp_path / "second")
    clips = open_clips(tmp_path, size=16)
    assert clips.label_names == []
    assert (clips[0].label, clips[0].subject) == (None, None)


def test_names_are_in_natural_order(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    for name in ("clip10", "clip2", "clip1"):
        write_frames(tmp_path / name)
    assert names(tmp_path) == ["clip1", "clip2", "clip10"]


def test_one_folder_of_frames_is_one_clip(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    clips = open_clips(write_frames(tmp_path / "mine", frames=12), size=16)
    assert len(clips) == 1
    np.testing.assert_array_equal(clips[0].frames[:, 0, -1, 0], range(12))
    assert clips[0].path == str(tmp_path / "mine")


def test_pictures_of_several_sizes_are_clips_of_one_frame(tmp_path: Path) -> None:
    for i in range(3):
        write_image(tmp_path / f"{i}.png", np.full((20 + i, 40, 3), i, np.uint8))
    clips = open_clips(tmp_path, size=16)
    assert clips.lengths.tolist() == [1, 1, 1]


def test_wide_frames_are_not_taken_for_strips(tmp_path: Path) -> None:
    for i in range(3):
        write_image(tmp_path / f"{i}.png", np.full((16, 32, 3), i, np.uint8))
    clips = open_clips(tmp_path, size=16)
    assert clips.lengths.tolist() == [3]


def test_a_stray_picture_is_set_aside(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    write_frames(tmp_path / "walk" / "1")
    write_image(tmp_path / "preview.png", np.zeros((30, 40, 3), np.uint8))
    clips = open_clips(tmp_path, size=16)
    assert clips.label_names == ["walk"]
    assert [str(problem) for problem in clips.problems] == [
        f"{tmp_path}/preview.png: is a single picture among clips (expected a strip, or a folder of frames of its own)"
    ]


def test_hidden_files_are_passed_over(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    write_frames(tmp_path / "clip")
    (tmp_path / "._clip.mp4").write_bytes(b"resource fork")
    (tmp_path / ".thumbnails").mkdir()
    write_image(tmp_path / ".thumbnails" / "a.png", np.zeros((16, 16, 3), np.uint8))
    assert names(tmp_path) == ["clip"]


def test_real_videos_and_frames(real_data: Path) -> None:
    grid = open_clips(real_data / "grid")
    assert grid.lengths.tolist() == [75] * 8
    assert {record.fps for record in grid.records} == {25.0}
    people = open_clips(real_data / "human_videos")
    assert people.label_names == ["taichi", "ted", "vox"]
    assert {Path(problem.path).suffix for problem in people.problems} == {".png"}
    assert detect_layout(real_data / "openpose" / "images") is ClipFolder
    assert open_clips(real_data / "openpose" / "images").total_frames == 5
