import multiprocessing
import os
import pickle
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mutoscope.data import cache, open_clips
from mutoscope.data.cache import THREADS, Options, _decode_ahead, cache_folder
from mutoscope.data.layouts import Entry, Listing
from mutoscope.errors import InputError

fork = multiprocessing.get_context("fork")


@pytest.fixture
def folder(tmp_path: Path, write_strip: Callable[..., Path]) -> Path:
    """Three strips of four frames."""
    for clip in range(3):
        write_strip(tmp_path / "clips" / f"{clip}.png", clip)
    return tmp_path / "clips"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the clips that were decoded, as they are."""
    names: list[str] = []
    decode = cache._decode

    def counting(path: Path, *arguments: Any) -> Any:
        names.append(path.name)
        return decode(path, *arguments)

    monkeypatch.setattr(cache, "_decode", counting)
    return names


def cached() -> list[Path]:
    """What the cache holds, besides lock files."""
    return [path for path in (cache_folder() / "clips").iterdir() if path.suffix != ".lock"]


def test_clips_are_decoded_once(folder: Path, decoded: list[str]) -> None:
    first = open_clips(folder, size=16)
    assert sorted(decoded) == ["0.png", "1.png", "2.png"]
    second = open_clips(folder, size=16)
    assert len(decoded) == 3
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.records == second.records


def test_the_key_is_the_content(folder: Path, tmp_path: Path, decoded: list[str]) -> None:
    open_clips(folder, size=16)
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    clips = open_clips(moved, size=16)
    assert len(decoded) == 3, "equal files elsewhere need no decoding"
    assert clips[0].path == str(moved / "0.png")
    shutil.copy(folder / "1.png", folder / "0.png")
    assert open_clips(folder, size=16)[0].frames[0, 0, 0, 0] == 1
    assert len(decoded) == 6


@pytest.mark.parametrize("options", [{"size": 8}, {"size": 16, "channels": 1}, {"size": 16, "fit": "pad"}])
def test_the_key_has_the_options_that_matter(folder: Path, decoded: list[str], options: dict[str, Any]) -> None:
    open_clips(folder, size=16)
    clips = open_clips(folder, **options)
    assert len(decoded) == 6
    assert clips.size == options["size"]
    assert clips.channels == options.get("channels", 3)


def test_pixels_are_mapped_and_cannot_be_written(folder: Path) -> None:
    clips = open_clips(folder, size=16)
    assert isinstance(clips.pixels.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        clips[0].frames[:] = 0


def test_workers_map_the_pixels_instead_of_copying_them(tmp_path: Path) -> None:
    np.save(tmp_path / "clip.npy", np.random.default_rng(0).integers(0, 256, (200, 32, 32, 3), dtype=np.uint8))
    clips = open_clips(tmp_path / "clip.npy", size=32)
    pickled = pickle.dumps(clips)
    assert len(pickled) < clips.pixels.nbytes / 100
    np.testing.assert_array_equal(pickle.loads(pickled).pixels, clips.pixels)


def test_two_processes_decode_once_between_them(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, decode = tmp_path / "log", cache._decode

    def slow(path: Path, *arguments: Any) -> Any:
        with log.open("a") as file:
            file.write(f"{path.name}\n")
        time.sleep(0.1)
        return decode(path, *arguments)

    monkeypatch.setattr(cache, "_decode", slow)
    processes = [fork.Process(target=open_clips, args=(folder,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert sorted(log.read_text().split()) == ["0.png", "1.png", "2.png"]


def test_what_a_killed_process_left_is_cleaned(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(cache, "_decode", lambda *_: time.sleep(60))
        process = fork.Process(target=open_clips, args=(folder,))
        process.start()
        deadline = time.monotonic() + 20
        while not (cache_folder() / "clips").is_dir() or not cached():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    (leftover,) = cached()
    assert leftover.name.startswith(".")
    clips = open_clips(folder)
    assert len(clips) == 3
    assert [path.name for path in cached()] == [leftover.name.split(".")[1]]


def test_nothing_is_kept_when_decoding_fails(folder: Path) -> None:
    (folder / "1.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"1\.png"):
        open_clips(folder, strict=True)
    assert not cached()


def test_decoding_runs_only_a_little_ahead_of_writing() -> None:
    opened: list[int] = []

    def entry(i: int) -> Entry:
        def open_entry(channels: int) -> tuple[list[np.ndarray], None]:
            opened.append(i)
            return [np.zeros((8, 8, channels), np.uint8)], None

        return Entry(str(i), open_entry, ())

    listing = Listing(Path("nowhere"), [entry(i) for i in range(100)], [])
    for written, (done, _) in enumerate(_decode_ahead(listing, Options(size=8))):
        assert done.path == str(written)
        assert len(opened) <= written + 2 * THREADS + 1
    assert sorted(opened) == list(range(100))


def test_a_long_clip_is_spooled_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SPOOL_BYTES", 1000)
    frames = np.random.default_rng(0).integers(0, 256, (50, 16, 16, 3), dtype=np.uint8)
    np.save(tmp_path / "clip.npy", frames)
    np.testing.assert_array_equal(open_clips(tmp_path, size=16).pixels, frames)


def test_a_cache_that_cannot_be_written_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUTOSCOPE_CACHE", str(folder / "0.png"))
    with pytest.raises(InputError, match="cannot be written"):
        open_clips(folder)
