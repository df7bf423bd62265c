"""NATOPS: long videos are cut as the list of repetitions says; repetitions cut beforehand are read as they are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mutoscope.data import Clips, detect_layout, open_clips, split
from mutoscope.data.natops import GESTURES, Natops, NatopsRepetitions, Span, read_segmentation
from mutoscope.errors import InputError
from mutoscope.media.video import write_video

SEGMENTATION = """\
// remarks about the file

// Subject 1
1,1,2
1:1,4
2:6,10

18,3,1
1:2,3
<eof>
what follows the end is not read
"""
BRIGHTER = 20  # from one frame of a video to the next


def write_long_video(path: Path, frames: int = 12) -> None:
    """A video that gets brighter with time; one that ends in .avi is an MP4 of that name, which decoders accept."""
    pixels = np.repeat(np.arange(frames, dtype=np.uint8) * BRIGHTER, 24 * 32 * 3).reshape(frames, 24, 32, 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path.with_suffix(".mp4"), pixels, fps=20).rename(path)


def shown(clips: Clips, index: int) -> list[int]:
    """Which frames of the long video a clip consists of, counted from one."""
    return (clips[index].frames.mean(axis=(1, 2, 3)) / BRIGHTER).round().astype(int).tolist()


def frames_from(first: int, last: int) -> list[int]:
    """Frames `first` to `last`, counted from one, are as bright as their number from zero."""
    return list(range(first - 1, last))


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Two videos with three repetitions, their masks and depth maps, and the list."""
    for name in ("gesture01/g01s01", "gesture03/g03s18"):
        for kind in ("", "m", "d"):
            write_long_video(tmp_path / f"{name}{kind}.avi")
    (tmp_path / "segmentation.txt").write_text(SEGMENTATION)
    return tmp_path


def test_every_repetition_is_a_clip_with_gesture_and_person(published: Path) -> None:
    assert detect_layout(published) is Natops
    clips = open_clips(published, size=16)
    assert clips.label_names == list(GESTURES)
    assert [(Path(clip.path).name, clip.subject) for clip in map(clips.__getitem__, range(len(clips)))] == [
        ("g01s01.avi[1]", "01"),
        ("g01s01.avi[2]", "01"),
        ("g03s18.avi[1]", "18"),
    ]
    assert [GESTURES[label] for label in clips.column("label")] == ["I Have Command", "I Have Command", "Not Clear"]
    assert {record.fps for record in clips.records} == {20}


def test_clips_are_cut_from_the_first_frame_to_the_last_of_the_list(published: Path) -> None:
    clips = open_clips(published, size=16)
    assert clips.lengths.tolist() == [4, 5, 2]
    assert [shown(clips, i) for i in range(3)] == [frames_from(1, 4), frames_from(6, 10), frames_from(2, 3)]


def test_another_list_cuts_other_clips(published: Path) -> None:
    open_clips(published, size=16)
    (published / "segmentation.txt").write_text(SEGMENTATION.replace("1:1,4", "1:3,8"))
    assert shown(open_clips(published, size=16), 0) == frames_from(3, 8)


@pytest.mark.parametrize("arrangement", ["the folder that holds data", "videos in one folder"])
def test_the_set_may_lie_in_other_folders(published: Path, tmp_path_factory, arrangement: str) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    if arrangement == "videos in one folder":
        for file in [published / "segmentation.txt", *published.glob("gesture*/*.avi")]:
            file.rename(elsewhere / file.name)
    else:
        published.rename(elsewhere / "data")
    assert detect_layout(elsewhere) is Natops
    assert open_clips(elsewhere, size=16).lengths.tolist() == [4, 5, 2]


def test_people_are_kept_apart(published: Path) -> None:
    train, rest = split(open_clips(published, size=16), by="subject", held_out=["18"])
    assert set(train.column("subject")) == {"01"}
    assert set(rest.column("subject")) == {"18"}


def test_a_video_without_repetitions_and_one_that_is_too_short_are_set_aside(published: Path) -> None:
    write_long_video(published / "gesture24" / "g24s20.avi")
    write_long_video(published / "gesture01" / "g01s01.avi", frames=8)
    clips = open_clips(published, size=16)
    assert clips.lengths.tolist() == [4, 2]
    reasons = [str(problem) for problem in clips.problems]
    assert len(reasons) == 2
    assert "g01s01.avi[2]" in reasons[0]
    assert "ends before frame 10, the last of repetition 2" in reasons[0]
    assert "g24s20.avi: is not in segmentation.txt" in reasons[1]


def test_the_list_is_read_by_subject_and_gesture(published: Path) -> None:
    spans = read_segmentation(published / "segmentation.txt")
    assert spans == {(1, 1): [Span(1, 1, 4), Span(2, 6, 10)], (18, 3): [Span(1, 2, 3)]}


@pytest.mark.parametrize(
    ("text", "line"),
    [("1:1,4", 1), ("1,1,2\n1;1,4", 2), ("1,1,2\n\n1:0,4", 3), ("1,1,2\n1:5,4", 2), ("1,1,2\n1:5,x", 2)],
    ids=["no heading", "no span", "frame 0", "ends before it begins", "no number"],
)
def test_a_line_that_says_nothing_is_named(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "segmentation.txt").write_text(text)
    with pytest.raises(InputError, match=rf"segmentation.txt: line {line} is .* \(expected subject,gesture"):
        read_segmentation(tmp_path / "segmentation.txt")


def test_a_list_that_is_no_text_is_named(published: Path) -> None:
    (published / "segmentation.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"segmentation.txt: cannot be read"):
        open_clips(published)


def test_repetitions_may_be_cut_beforehand(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    write_frames(tmp_path / "01" / "I Have Command" / "01", frames=5)
    write_frames(tmp_path / "01" / "hot_brakes" / "01", frames=6)
    write_long_video(tmp_path / "02" / "CutEngine" / "2.avi", frames=7)
    assert detect_layout(tmp_path) is NatopsRepetitions
    clips = open_clips(tmp_path, size=16)
    assert [
        (GESTURES[label], subject, length)
        for label, subject, length in zip(clips.column("label"), clips.column("subject"), clips.lengths, strict=True)
    ] == [
        ("Hot Brakes", "01", 6),
        ("I Have Command", "01", 5),
        ("Cut Engine", "02", 7),
    ]
