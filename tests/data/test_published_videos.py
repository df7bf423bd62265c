"""UvA-NEMO, MUG, Weizmann and UCF101 are recognised as they are published, and nothing else is."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mutoscope.data import ClipFolder, Clips, detect_layout, open_clips, split
from mutoscope.data.fitting import fit_frame
from mutoscope.data.mug import EXPRESSIONS, VALIDATION_SUBJECTS, Mug
from mutoscope.data.natops import Natops, NatopsRepetitions
from mutoscope.data.ucf101 import Ucf101
from mutoscope.data.uva_nemo import UvaNemo
from mutoscope.data.weizmann import ACTIONS, Weizmann
from mutoscope.errors import InputError
from mutoscope.media.video import write_video


def write_clip(path: Path, frames: int = 3, height: int = 16, width: int = 16) -> Path:
    """Writes a black video; one that ends in .avi is an MP4 of that name, which decoders, going by content, accept."""
    video = write_video(path.with_suffix(".mp4"), np.zeros((frames, height, width, 3), np.uint8), fps=10)
    return video.rename(path)


def told(clips: Clips) -> dict[str, tuple[str | None, str | None]]:
    """Label name and subject of each clip, by its file's or folder's name."""
    return {
        Path(clip.path).name: (None if clip.label is None else clips.label_names[clip.label], clip.subject)
        for clip in map(clips.__getitem__, range(len(clips)))
    }


@pytest.fixture
def ucf101(tmp_path: Path) -> Path:
    """The folder that holds UCF-101: two classes, three groups."""
    for action in ("Hammering", "HammerThrow", "HandstandPushups"):
        for group in (1, 7, 8):
            spelt = action.replace("stand", "Stand")  # as in the published file names
            write_clip(tmp_path / "UCF-101" / action / f"v_{spelt}_g{group:02}_c01.avi", height=24, width=32)
    return tmp_path


def write_lists(folder: Path, *names: str) -> None:
    folder.mkdir()
    (folder / "testlist01.txt").write_text("\n".join(names) + "\n")


def test_uva_nemo_videos_tell_person_and_kind_of_smile(tmp_path: Path) -> None:
    for name in ("001_deliberate_smile_2", "001_spontaneous_smile_1", "012_deliberate_smile_1"):
        write_clip(tmp_path / f"{name}.mp4")
    (tmp_path / "File_Details.txt").write_text("ages")
    assert detect_layout(tmp_path) is UvaNemo
    clips = open_clips(tmp_path, size=16)
    assert clips.lengths.tolist() == [3, 3, 3]
    assert told(clips) == {
        "001_deliberate_smile_2.mp4": ("deliberate", "001"),
        "001_spontaneous_smile_1.mp4": ("spontaneous", "001"),
        "012_deliberate_smile_1.mp4": ("deliberate", "012"),
    }


def test_uva_nemo_may_be_folders_of_frames(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    write_frames(tmp_path / "001_deliberate_smile_2", clip=1, frames=12)
    write_frames(tmp_path / "400_spontaneous_smile_1.mp4", clip=2)
    clips = open_clips(tmp_path, size=16)
    assert clips.layout == UvaNemo.name
    assert told(clips) == {
        "001_deliberate_smile_2": ("deliberate", "001"),
        "400_spontaneous_smile_1.mp4": ("spontaneous", "400"),
    }
    np.testing.assert_array_equal(clips[0].frames[:, 0, -1, 0], range(12))


def test_mug_takes_tell_person_and_expression(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    write_frames(tmp_path / "001" / "happiness" / "take000")
    write_frames(tmp_path / "001" / "happiness" / "take001")
    write_frames(tmp_path / "002" / "surprise" / "take000")
    write_frames(tmp_path / "003" / "session0" / "anger" / "take010", frames=7)
    write_frames(tmp_path / "003" / "neutral" / "take000")
    assert detect_layout(tmp_path) is Mug
    clips = open_clips(tmp_path, size=16)
    assert clips.label_names == list(EXPRESSIONS)
    assert [
        (clips.label_names[label], subject)
        for label, subject in zip(clips.column("label"), clips.column("subject"), strict=True)
    ] == [
        ("happiness", "001"),
        ("happiness", "001"),
        ("surprise", "002"),
        ("anger", "003"),
    ]
    assert clips.lengths.tolist() == [4, 4, 4, 7]
    train, rest = split(clips, by="subject", held_out=["001"])
    assert (len(train), len(rest)) == (2, 2)


def test_mug_as_the_authors_of_imaginator_prepared_it(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    for take in ("001/session0/anger/take001end", "002/fear/take002nsg", "002/fear/take003", "003/neutral/take000end"):
        write_frames(tmp_path / take)
    (tmp_path / "train.csv").write_text("video,id,category,nframes\n001/session0/anger/take001end,1,1,4\n")
    assert detect_layout(tmp_path) is Mug
    assert told(open_clips(tmp_path, size=16)) == {
        "take001end": ("anger", "001"),
        "take002nsg": ("fear", "002"),
        "take003": ("fear", "002"),
    }


def test_mug_holds_out_the_people_of_the_published_validation_set(
    tmp_path: Path, write_frames: Callable[..., Path]
) -> None:
    people = ["001", *VALIDATION_SUBJECTS, "084"]
    for person in people:
        write_frames(tmp_path / person / "surprise" / "take000", frames=1, size=8)
    train, rest = split(open_clips(tmp_path, size=8), by="published")
    assert train.column("subject") == ["001", "084"]
    assert [int(subject) for subject in rest.column("subject")] == [17, 34, 45, 55, 60, 64, 65, 73, 78, 83]


def test_mug_without_these_people_has_nothing_to_hold_out(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    write_frames(tmp_path / "001" / "anger" / "take000")
    write_frames(tmp_path / "002" / "anger" / "take000")
    with pytest.raises(InputError, match="0 of 2 clips held out"):
        split(open_clips(tmp_path, size=16), by="published")


@pytest.mark.parametrize("folder_of_action", [False, True])
def test_weizmann_videos_tell_person_and_action(tmp_path: Path, folder_of_action: bool) -> None:
    for name in ("daria_bend", "lena_run1", "lena_run2", "moshe_wave2", "ido_pjump"):
        action = name.split("_")[1].removesuffix("1").replace("run2", "run")
        write_clip((tmp_path / action if folder_of_action else tmp_path) / f"{name}.avi")
    assert detect_layout(tmp_path) is Weizmann
    clips = open_clips(tmp_path, size=16)
    assert clips.label_names == list(ACTIONS)
    assert told(clips) == {
        "daria_bend.avi": ("bend", "daria"),
        "lena_run1.avi": ("run", "lena"),
        "lena_run2.avi": ("run", "lena"),
        "moshe_wave2.avi": ("wave2", "moshe"),
        "ido_pjump.avi": ("pjump", "ido"),
    }


@pytest.mark.parametrize("inside", [False, True])
def test_ucf101_videos_tell_class_and_group(ucf101: Path, inside: bool) -> None:
    write_lists(ucf101 / "ucfTrainTestlist", "Hammering/v_Hammering_g01_c01.avi")
    folder = ucf101 / "UCF-101" if inside else ucf101
    assert detect_layout(folder) is Ucf101
    clips = open_clips(folder, size=16)
    assert clips.label_names == ["Hammering", "HammerThrow", "HandstandPushups"], "in the order of classInd.txt"
    assert len(clips) == 9
    assert told(clips)["v_HandStandPushups_g08_c01.avi"] == ("HandstandPushups", "g08")


@pytest.mark.parametrize("place", ["ucfTrainTestlist", "UCF-101/ucfTrainTestlist"])
def test_ucf101_holds_out_what_its_test_list_names(ucf101: Path, place: str) -> None:
    named = ["Hammering/v_Hammering_g01_c01.avi", "HandstandPushups/v_HandstandPushups_g07_c01.avi"]
    write_lists(ucf101 / place, *named, "YoYo/v_YoYo_g01_c01.avi")
    train, rest = split(open_clips(ucf101, size=16), by="published")
    assert len(train) == 7
    assert [Path(record.path).name for record in rest.records] == [
        "v_Hammering_g01_c01.avi",
        "v_HandStandPushups_g07_c01.avi",
    ]


def test_ucf101_without_a_test_list_has_no_published_split(ucf101: Path) -> None:
    clips = open_clips(ucf101, size=16)
    with pytest.raises(InputError, match=r"UCF-101: has no published split \(expected ucfTrainTestlist/testlist01.txt"):
        split(clips, by="published")
    write_lists(ucf101 / "ucfTrainTestlist", "YoYo/v_YoYo_g01_c01.avi")
    with pytest.raises(InputError, match="0 of 9 clips held out"):
        split(clips, by="published")


def test_cropping_is_what_ucf101_is_prepared_with() -> None:
    """Frames of 320x240 made 85x64, of which the central 64x64 are kept, are the central square made 64x64.

    The middle of 85 columns lies between two crops of 64.
    """
    y, x = np.mgrid[:240, :320]
    pattern = 127 + 60 * np.sin(x / 17) + 60 * np.cos(y / 13)
    frame = np.repeat(pattern.astype(np.uint8)[..., None], 3, axis=2)
    smaller = np.asarray(Image.fromarray(frame).resize((85, 64), Image.Resampling.BILINEAR)).astype(float)
    published = (smaller[:, 10:74] + smaller[:, 11:75]) / 2
    assert np.abs(fit_frame(frame, 64, "crop") - published).mean() < 1


@pytest.mark.parametrize(
    "names",
    [
        ["001_deliberate_smile_1.mp4", "holiday.mp4"],
        ["001_smile_1.mp4"],
        ["ann_walk.avi", "ann_cooking.avi"],
        ["walk/ann_walk.avi", "party/ann_walk.avi"],
        ["Hammering/v_Hammering_g01_c01.avi", "Party/clip.avi"],
        ["Party/v_Hammering_g01_c01.avi"],
        ["anger/take000.avi"],
        ["001/anger/take000.avi"],
        ["gesture01/g01s01.avi"],
        ["01/Stop/1.avi", "01/Dance/1.avi"],
    ],
)
def test_other_folders_stay_folders_of_clips(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        write_clip(tmp_path / name)
    assert detect_layout(tmp_path) is ClipFolder
    assert len(open_clips(tmp_path, size=16)) == len(names)


@pytest.mark.parametrize("layout", [UvaNemo, Mug, Weizmann, Ucf101, Natops, NatopsRepetitions])
@pytest.mark.parametrize("names", [[], ["a.txt"], ["a/b/c/d.txt"], ["UCF-101/a.txt"], ["001/anger/a.txt"]])
def test_folders_without_clips_do_not_match(tmp_path: Path, layout: type, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert not layout.matches(tmp_path)
    assert not layout.matches(tmp_path / "a.txt")


def test_a_damaged_published_video_is_set_aside(tmp_path: Path) -> None:
    write_clip(tmp_path / "001_deliberate_smile_1.mp4")
    (tmp_path / "002_deliberate_smile_1.mp4").write_bytes(b"no video")
    clips = open_clips(tmp_path, size=16)
    assert len(clips) == len(clips.problems) == 1
