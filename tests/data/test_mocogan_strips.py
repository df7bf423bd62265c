from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from mutoscope.data import ClipFolder, detect_layout, open_clips, split
from mutoscope.data.mocogan_strips import MocoganStrips


def test_strips_become_tiles_in_order(tmp_path: Path, write_strip: Callable[..., Path]) -> None:
    write_strip(tmp_path / "0" / "00000000.png", clip=10, frames=32)
    write_strip(tmp_path / "1" / "00000001.png", clip=20, frames=5)
    clips = open_clips(tmp_path, size=16)
    assert clips.layout == MocoganStrips.name
    assert clips.label_names == ["0", "1"]
    assert clips.lengths.tolist() == [32, 5]
    np.testing.assert_array_equal(clips[0].frames[:, 0, -1, 0], range(32))
    np.testing.assert_array_equal(clips[1].frames[:, 0, 0, 0], [20] * 5)
    assert clips[1].label == 1
    assert clips[1].subject is None


def test_transparent_strips_are_shown_over_black(tmp_path: Path) -> None:
    strip = np.full((16, 64, 4), 255, np.uint8)
    strip[:, 32:, 3] = 0
    (tmp_path / "0").mkdir()
    Image.fromarray(strip).save(tmp_path / "0" / "00000000.png")
    frames = open_clips(tmp_path, size=16)[0].frames
    assert frames.shape == (4, 16, 16, 3)
    np.testing.assert_array_equal(frames[:, 0, 0, 0], [255, 255, 0, 0])


def test_the_number_of_a_weizmann_strip_tells_the_person(tmp_path: Path, write_strip: Callable[..., Path]) -> None:
    for number, action in [(0, "0"), (7, "4"), (8, "0"), (71, "3"), (9, "1")]:
        write_strip(tmp_path / action / f"{number:08}.png")
    clips = open_clips(tmp_path, size=16)
    assert clips.label_names == ["one-hand wave", "two-hand wave", "jumping jack", "bend"]
    people = {Path(clip.path).stem: clip.subject for clip in map(clips.__getitem__, range(len(clips)))}
    assert people["00000000"] == people["00000007"] == "person 0"
    assert people["00000008"] == people["00000009"] == "person 1"
    assert people["00000071"] == "person 8"


def test_a_strip_that_is_not_whole_is_set_aside(tmp_path: Path, write_strip: Callable[..., Path]) -> None:
    write_strip(tmp_path / "0" / "00000000.png")
    write_strip(tmp_path / "0" / "00000001.png")
    Image.new("RGB", (50, 16)).save(tmp_path / "0" / "00000002.png")
    clips = open_clips(tmp_path, size=16)
    assert len(clips) == 2
    assert "not a strip of square frames" in clips.problems[0].reason


def test_numbered_frames_in_numbered_folders_are_not_strips(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    for i, picture in enumerate(sorted(write_frames(tmp_path / "0").iterdir())):
        picture.rename(picture.with_name(f"{i:08}.png"))
    assert detect_layout(tmp_path) is ClipFolder


def test_the_published_weizmann_actions(real_data: Path) -> None:
    clips = open_clips(real_data / "weizmann_actions")
    assert len(clips) == 72
    assert clips.total_frames == 5290
    assert not clips.problems
    assert Counter(clips.column("label")) == dict.fromkeys(range(4), 18)
    assert set(Counter(clips.column("subject")).values()) == {8}
    train, held_out = split(clips, by="subject", held_out=1)
    assert (len(train), len(held_out)) == (64, 8)
