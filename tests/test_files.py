"""Output appears whole or not at all."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mutoscope.errors import InputError
from mutoscope.files import locked, replacing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "new" / "folder" / "picture.png"
    with replacing(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.suffix == ".png"
        temporary.write_text("done")
        assert not target.exists()
    assert target.read_text() == "done"
    assert names(target.parent) == ["picture.png"]


def test_a_failure_leaves_what_was_there(tmp_path):
    target = tmp_path / "log.csv"
    target.write_text("old")

    def fail() -> None:
        with replacing(target) as temporary:
            temporary.write_text("ne")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["log.csv"]


@pytest.mark.parametrize("fails", [False, True])
def test_folders_are_replaced_whole(tmp_path, fails):
    target = tmp_path / "weights"
    target.mkdir()
    (target / "old").touch()

    def write() -> None:
        with replacing(target) as temporary:
            temporary.mkdir()
            (temporary / "new").touch()
            if fails:
                raise RuntimeError

    if fails:
        with pytest.raises(RuntimeError):
            write()
    else:
        write()
    assert names(target) == ["old" if fails else "new"]
    assert names(tmp_path) == ["weights"]


@pytest.mark.parametrize("place", ["under a file", "on a folder", "nowhere"])
def test_places_that_cannot_be_written_are_named_in_one_line(tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "full").mkdir(parents=True)
    target = {"under a file": tmp_path / "file" / "out.png", "on a folder": tmp_path / "folder"}.get(
        place, tmp_path / ("x" * 300)
    )
    with pytest.raises(InputError, match=f"{target}: cannot be written") as refused, replacing(target) as temporary:
        temporary.write_text("picture")
    assert "\n" not in str(refused.value)
    assert names(tmp_path) == ["file", "folder"]


def test_errors_of_the_input_pass_through(tmp_path):
    with pytest.raises(InputError, match="no frames"), replacing(tmp_path / "out.mp4"):
        raise InputError("no frames")
    assert names(tmp_path) == []


def test_two_who_make_the_same_take_turns(tmp_path):
    target, order = tmp_path / "new" / "folder", []

    def make(name: str) -> None:
        with locked(target):
            order.append(name)
            time.sleep(0.02)
            order.append(name)

    with ThreadPoolExecutor() as pool:
        list(pool.map(make, ["one", "other", "third"]))
    assert order[::2] == order[1::2]


def test_a_lock_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file: cannot be written \(.*\)$"), locked(tmp_path / "file" / "target"):
        pass
