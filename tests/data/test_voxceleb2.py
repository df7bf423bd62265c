"""VoxCeleb2 is read as it is published, and VoxCeleb2-mini is two clips of each of its people."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data import Clips, detect_layout, open_clips, split
from mutoscope.data.layouts import Entry
from mutoscope.data.selection import few_of_each_subject
from mutoscope.data.voxceleb2 import VoxCeleb2
from mutoscope.errors import InputError
from mutoscope.media.video import write_video

DEV = [  # in natural order: 2 before 21
    "dev/mp4/id00012/2DLq_Kkc1r8/00016.mp4",
    "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4",
    "dev/mp4/id00012/21Uxsk56VDQ/00002.mp4",
    "dev/mp4/id00015/0fijmz4vTVU/00001.mp4",
]
TEST = ["test/mp4/id00017/01dfn2spqyE/00001.mp4"]


@pytest.fixture
def voxceleb2(tmp_path: Path) -> Path:
    clip = write_video(tmp_path / "clip.mp4", np.zeros((2, 16, 16, 3), np.uint8), fps=25)
    for name in DEV + TEST:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(clip.read_bytes())
    clip.unlink()
    (tmp_path / "vox2_meta.csv").write_text("VoxCeleb2 ID, Gender, Set\n")
    return tmp_path


def names(clips: Clips, root: Path) -> list[str]:
    return [Path(record.path).relative_to(root).as_posix() for record in clips.records]


def entries(*paths: str) -> list[Entry]:
    """Of clips whose subject is their first folder."""
    return [Entry(path, lambda channels: ([], None), (), columns={"subject": path.split("/")[0]}) for path in paths]


def test_videos_of_both_parts_tell_the_person(voxceleb2: Path) -> None:
    clips = open_clips(voxceleb2, size=16)
    assert clips.layout == VoxCeleb2.name
    assert names(clips, voxceleb2) == DEV + TEST
    assert clips.column("subject") == [*["id00012"] * 3, "id00015", "id00017"]
    assert clips.label_names == []
    assert {record.fps for record in clips.records} == {25}


@pytest.mark.parametrize(("opened", "count"), [("dev", 4), ("dev/mp4", 4), ("test", 1)])
def test_a_part_of_it_is_enough(voxceleb2: Path, opened: str, count: int) -> None:
    assert detect_layout(voxceleb2 / opened) is VoxCeleb2
    assert len(open_clips(voxceleb2 / opened, size=16)) == count


def test_the_published_split_holds_out_the_test_people(voxceleb2: Path) -> None:
    train, rest = split(open_clips(voxceleb2, size=16), by="published")
    assert (names(train, voxceleb2), names(rest, voxceleb2)) == (DEV, TEST)


def test_voxceleb2_mini_is_two_clips_of_each_person_of_different_recordings(voxceleb2: Path) -> None:
    mini = open_clips(voxceleb2, size=16, per_subject=2)
    assert Counter(mini.column("subject")) == {"id00012": 2, "id00015": 1, "id00017": 1}
    recordings = [Path(mini[i].path).parent.name for i in range(len(mini)) if mini[i].subject == "id00012"]
    assert recordings == ["2DLq_Kkc1r8", "21Uxsk56VDQ"]


def test_a_subset_can_be_split_as_published(voxceleb2: Path) -> None:
    train, rest = split(open_clips(voxceleb2, size=16, per_subject=1), by="published")
    assert train.column("subject") == ["id00012", "id00015"]
    assert rest.column("subject") == ["id00017"]


@given(
    sizes=st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=4), min_size=1, max_size=3),
    count=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_as_many_of_each_as_there_are_and_of_as_many_recordings(sizes: list[list[int]], count: int, seed: int) -> None:
    """`sizes`: clips of each recording of each person."""
    paths = [
        f"{person}/{recording}/{clip}"
        for person, recordings in enumerate(sizes)
        for recording, clips in enumerate(recordings)
        for clip in range(clips)
    ]
    drawn = [entry.path for entry in few_of_each_subject(entries(*paths), count, seed)]
    assert drawn == [path for path in paths if path in drawn], "each once, in their order"
    for person, recordings in enumerate(sizes):
        own = [path.split("/")[1] for path in drawn if path.startswith(f"{person}/")]
        assert len(own) == min(count, sum(recordings))
        assert len(set(own)) == min(count, len(recordings))


def test_the_draw_depends_on_the_seed_and_not_on_other_people() -> None:
    mine, others = [f"a/{i}/0" for i in range(20)], [f"b/{i}/0" for i in range(20)]

    def drawn(*paths: str, seed: int) -> list[str]:
        return [e.path for e in few_of_each_subject(entries(*paths), 2, seed) if e.columns["subject"] == "a"]

    assert drawn(*mine, seed=1) == drawn(*mine, seed=1) == drawn(*others, *mine, seed=1)
    assert len({tuple(drawn(*mine, seed=seed)) for seed in range(5)}) > 1


def test_clips_without_subjects_cannot_be_counted_by_them(
    tmp_path: Path, write_frames: Callable[..., Path], voxceleb2: Path
) -> None:
    write_frames(tmp_path / "clips" / "first")
    with pytest.raises(InputError, match=r"first: has no subject"):
        open_clips(tmp_path / "clips", per_subject=2)
    with pytest.raises(InputError, match=r"sprites: takes no per_subject"):
        open_clips("sprites", per_subject=2)
    with pytest.raises(InputError, match=r"per_subject 0: is too small"):
        open_clips(voxceleb2, per_subject=0)


@pytest.mark.parametrize("name", ["id12/rec/00001.mp4", "id00012/00001.mp4", "id00012/rec/00001.txt", "mp4"])
def test_other_folders_are_not_taken_for_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    assert not VoxCeleb2.matches(tmp_path)
