from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from mutoscope.data import inspect


@pytest.fixture
def folder(tmp_path: Path, write_frames: Callable[..., Path]) -> Path:
    """Two classes, two people, clips of 4 and 6 frames in two sizes, and a broken file."""
    write_frames(tmp_path / "walk" / "ann" / "1", frames=4)
    write_frames(tmp_path / "walk" / "bob" / "1", frames=6)
    write_frames(tmp_path / "jump" / "ann" / "1", frames=4, size=24)
    (tmp_path / "jump" / "ann" / "2.mp4").write_bytes(b"broken")
    (tmp_path / "columns.csv").write_text("path,age\nwalk/bob/1,30\n")
    return tmp_path


def test_everything_is_counted(folder: Path) -> None:
    found = inspect(folder, size=16)
    assert (found.layout, found.clips, found.frames) == ("clip folder", 3, 14)
    assert found.sizes == {(16, 16): 2, (24, 24): 1}
    assert found.lengths == (4, 4, 6)
    assert found.frame_rates == {None: 3}
    assert found.labels == {"jump": 1, "walk": 2}
    assert found.subjects == {"ann": 2, "bob": 1}
    assert found.columns == {"age": 1}
    assert [Path(problem.path).name for problem in found.problems] == ["2.mp4"]


def test_it_prints_as_a_table(folder: Path) -> None:
    console = Console(file=StringIO(), width=200)
    console.print(inspect(folder, size=16))
    printed = console.file.getvalue()
    for text in (
        "clip folder",
        "3 (14 frames)",
        "16x16 (2), 24x24 (1)",
        "jump (1), walk (2)",
        "ann (2)",
        "age (1)",
        "2.mp4",
    ):
        assert text in printed


def test_the_contact_sheet_shows_a_row_per_clip(folder: Path) -> None:
    sheet = inspect(folder, size=16).contact_sheet
    assert sheet.shape[0] >= 3 * 16
    assert sheet.shape[1] >= 8 * 16
    assert sheet.max() > 0
