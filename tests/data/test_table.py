"""`columns.csv` tells of each clip of a folder what names of folders cannot."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mutoscope.data import Clips, open_clips
from mutoscope.errors import InputError


@pytest.fixture
def opened(tmp_path: Path, write_strip: Callable[..., Path], write_frames: Callable[..., Path]) -> Callable[..., Clips]:
    """Two strips and a folder of frames beside a table."""
    write_strip(tmp_path / "one" / "a.png", 0)
    write_strip(tmp_path / "one" / "b.png", 1)
    write_frames(tmp_path / "two" / "c.d", 2)

    def opened(table: str, encoding: str = "utf-8", folder: Path = tmp_path) -> Clips:
        (tmp_path / "columns.csv").write_text(table, encoding=encoding)
        return open_clips(folder, size=16)

    return opened


def test_clips_are_named_with_or_without_a_suffix(opened: Callable[..., Clips]) -> None:
    clips = opened("path,age,camera,subject\none/a.png,31.5,2,Ann\n./two/c.d/,,7,\none/b,4,,Bob\n", "utf-8-sig")
    assert clips.column("age") == [31.5, 4, None]
    assert clips.column("camera") == [2, None, 7]
    assert clips.column("subject") == ["Ann", "Bob", None]
    assert clips.column("label") == [0, 0, 1]
    assert clips.label_names == ["one", "two"]
    assert (len(clips), clips.problems) == (3, [])


def test_a_folder_of_frames_may_bear_the_name_of_a_file(
    opened: Callable[..., Clips], write_frames: Callable[..., Path], tmp_path: Path
) -> None:
    write_frames(tmp_path / "one" / "more" / "a", 3)
    write_frames(tmp_path / "one" / "more" / "b", 4)
    (tmp_path / "one" / "a.png").rename(tmp_path / "one" / "more" / "a.gif")
    clips = opened("path,age\none/more/a,1\none/more/a.gif,2\n")
    ages = {Path(record.path).name: age for record, age in zip(clips.records, clips.column("age"), strict=True)}
    assert (ages["a"], ages["a.gif"]) == (1, 2)


def test_labels_are_names_numbered_in_natural_order(opened: Callable[..., Clips]) -> None:
    clips = opened("path,label\none/a,take 10\none/b,take 9\n")
    assert clips.label_names == ["take 9", "take 10"]
    assert clips.column("label") == [1, 0, None]


def test_another_table_decodes_nothing_anew(opened: Callable[..., Clips]) -> None:
    first, second = opened("path,age\none/a,1\n"), opened("path,age,label\none/a,2,ball\n")
    assert first.pixel_file == second.pixel_file
    assert (first.column("age"), second.column("age")) == ([1, None, None], [2, None, None])
    assert (first.label_names, second.label_names) == (["one", "two"], ["ball"])


def test_captions_may_be_several(opened: Callable[..., Clips]) -> None:
    clips = opened('path,captions,captions\none/a,"red, round",a ball\none/b,one | two |,\ntwo/c.d,,\n')
    assert clips.column("captions") == [["red, round", "a ball"], ["one", "two"], None]


def test_a_changed_table_is_read_again(opened: Callable[..., Clips]) -> None:
    assert opened("path,age\none/a,1\n").column("age") == [1, None, None]
    assert opened("path,age\none/a,2\n").column("age") == [2, None, None]


def test_a_table_among_frames_is_no_frame(opened: Callable[..., Clips], tmp_path: Path) -> None:
    (tmp_path / "two" / "c.d" / "columns.csv").write_text("path,age\n")
    assert len(opened("path\n", folder=tmp_path / "two" / "c.d")[0].frames) == 4


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("", r"line 1: has no column path \(expected path and some of label, subject, age, camera, captions\)"),
        ("path,joints\n", r"line 1: column 'joints' is unknown \(expected path and some of label"),
        ("path,age,age\n", r"line 1: has column age twice"),
        ("path,age\none/a\n", r"line 2: has 1 cells \(expected 2: path, age\)"),
        ("path,age\n\none/a,3\none/x,3\n", r"line 4: 'one/x' names 0 clips \(expected the path of one in "),
        ("path,age\none/a,3\none/a.png,3\n", r"line 3: 'one/a.png' has a row already"),
        ("path,age\none/a,old\n", r"line 2: age is 'old' \(expected a number of years\)"),
        ("path,age\none/a,nan\n", r"line 2: age is 'nan' \(expected a number of years\)"),
        ("path,camera\none/a,1.5\n", r"line 2: camera is '1.5' \(expected a whole number\)"),
        ("path,age\none/a,1e39\n", r"line 2: age is '1e39' \(expected a number of years\)"),
        ("path,captions\none/a,|\n", r"line 2: captions is '\|' \(expected sentences, with \| between\)"),
        (f"path,camera\none/a,{2**63}\n", r"line 2: camera is '9223372036854775808' \(expected a whole number\)"),
        ('path,captions\none/a,"open\n', r"cannot be read: unexpected end of data"),
    ],
)
def test_what_cannot_be_used_is_one_line(opened: Callable[..., Clips], table: str, reason: str) -> None:
    with pytest.raises(InputError, match=rf"columns\.csv: {reason}") as caught:
        opened(table)
    assert "\n" not in str(caught.value)


def test_a_table_in_another_encoding_is_one_line(opened: Callable[..., Clips]) -> None:
    with pytest.raises(InputError, match=r"columns\.csv: cannot be read"):
        opened("path,subject\none/a,Ärni\n", "latin-1")


def test_a_name_that_several_clips_have_without_suffix_needs_it(
    opened: Callable[..., Clips], tmp_path: Path, write_strip: Callable[..., Path]
) -> None:
    write_strip(tmp_path / "one" / "a.bmp")
    with pytest.raises(InputError, match=r"line 2: 'one/a' names 2 clips"):
        opened("path,age\none/a,1\n")
    assert opened("path,age\none/a.bmp,1\n").has("age") is False
