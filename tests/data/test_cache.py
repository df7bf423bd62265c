import multiprocessing
import os
import pickle
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mutoscope.data import Origin, cache, digests, open_clips, synthetic
from mutoscope.data.cache import THREADS, Options, _decode_ahead, cache_folder
from mutoscope.data.layouts import Entry, Listing
from mutoscope.data.synthetic import NAMES, Readers, make_clips, readers_of
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
    assert clips.height == clips.width == options["size"]
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


@pytest.mark.parametrize("damaged", ["index.json", "pixels.u8", "column-landmarks.npy"])
@pytest.mark.parametrize("left", [None, 0, 40])
def test_what_is_damaged_is_made_again(tmp_path: Path, decoded: list[str], damaged: str, left: int | None) -> None:
    np.save(tmp_path / "clip.npy", np.full((4, 32, 32, 3), 7, np.uint8))
    (tmp_path / "structures").mkdir()
    np.savez(tmp_path / "structures" / "clip.npz", landmarks=np.ones((4, 68, 2)))
    opened = partial(open_clips, tmp_path, size=32, columns=("landmarks",))
    pixel_file = opened().pixel_file
    assert pixel_file is not None
    file = pixel_file.parent / damaged
    if left is None:
        file.unlink()
    else:
        os.truncate(file, left)
    for clips in (opened(), opened()):
        assert (clips.pixel_file, len(clips)) == (pixel_file, 1)
        assert (clips[0].frames == 7).all()
        assert (clips[0].columns["landmarks"] == 1).all()
    assert len(decoded) == 2


def test_a_set_in_a_relative_cache_is_found_from_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUTOSCOPE_CACHE", "own")
    clips = open_clips(folder)
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clips)).pixels, clips.pixels)


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
    for written, (done, decoded) in enumerate(_decode_ahead(listing, Options((8, 8)))):
        assert done.path == decoded.result().record.path == str(written)
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


class TestDigests:
    """A file is read through once: its path, size and times of change tell whether it is what it was."""

    @pytest.fixture
    def read(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The names of the files that were read through."""
        names: list[str] = []
        digest = digests.digest

        def counting(file: Path) -> str:
            names.append(file.name)
            return digest(file)

        monkeypatch.setattr(digests, "digest", counting)
        return names

    @pytest.fixture
    def settled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Files that were written just now count as old."""
        monkeypatch.setattr(digests, "SETTLED", -60.0)

    @pytest.mark.usefixtures("settled")
    def test_a_second_open_reads_no_file_through(self, folder: Path, read: list[str]) -> None:
        open_clips(folder, size=16)
        assert sorted(read) == ["0.png", "1.png", "2.png"]
        open_clips(folder, size=16)
        open_clips(folder, size=8)
        assert len(read) == 3

    @pytest.mark.usefixtures("settled")
    def test_a_changed_file_of_the_same_size_and_time_is_noticed(self, tmp_path: Path, read: list[str]) -> None:
        file = tmp_path / "clip.npy"
        np.save(file, np.zeros((3, 16, 16, 3), np.uint8))
        was = file.stat()
        assert not open_clips(file, size=16).pixels.any()
        np.save(file, np.ones((3, 16, 16, 3), np.uint8))
        os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
        assert file.stat().st_size == was.st_size
        assert open_clips(file, size=16).pixels.all()
        assert read == ["clip.npy"] * 2

    def test_a_file_that_was_just_written_is_not_remembered(self, folder: Path, read: list[str]) -> None:
        open_clips(folder, size=16)
        open_clips(folder, size=16)
        assert len(read) == 6

    @pytest.mark.usefixtures("settled")
    @pytest.mark.parametrize("content", [b"this is no database", None])
    def test_a_memory_that_cannot_be_used_is_done_without(
        self, folder: Path, read: list[str], content: bytes | None
    ) -> None:
        memory = cache_folder() / "digests.sqlite"
        if content is None:
            memory.mkdir(parents=True)
        else:
            memory.parent.mkdir(parents=True, exist_ok=True)
            memory.write_bytes(content)
        for _ in range(2):
            assert len(open_clips(folder, size=16)) == 3
        assert len(read) == 6


class TestRendered:
    """Synthetic sets are rendered once for the same arguments and the same code."""

    @pytest.mark.parametrize("name", NAMES)
    def test_the_cache_holds_what_rendering_gives(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        made = make_clips(name, size=16, seed=3, max_clips=5)
        open_clips(name, size=16, seed=3, max_clips=5)
        monkeypatch.setattr(synthetic, "make_clips", None)
        clips = open_clips(name, size=16, seed=3, max_clips=5)
        assert isinstance(clips.pixels.base, np.memmap)
        assert (clips.layout, clips.name, clips.skeleton) == ("synthetic", name, made.skeleton)
        assert clips.origin == Origin(name, {"size": 16, "channels": 3, "seed": 3, "max_clips": 5})
        assert (clips.column("label"), clips.label_names) == (made.labels, made.label_names)
        assert clips.column("subject") == (made.subjects or [None] * 5)
        assert list(clips.factors) == list(made.factors)
        per_frame = {**made.factors, **(made.columns or {})}
        for i in range(5):
            np.testing.assert_array_equal(clips[i].frames, made.clips[i])
            for factor, values in per_frame.items():
                read = clips.columns[factor] if factor in clips.columns else clips.factors[factor]
                assert read[i].dtype == values[i].dtype
                np.testing.assert_array_equal(read[i], values[i])

    @pytest.mark.parametrize("other", [{"seed": 1}, {"channels": 1}, {"size": 8}, {"frames": 5}, {"max_clips": 1}])
    def test_other_arguments_are_another_set(self, other: dict[str, Any]) -> None:
        options = {"size": 16, "max_clips": 2}
        first, second = open_clips("talk", **options), open_clips("talk", **(options | other))
        assert first.pixel_file != second.pixel_file
        assert first.pixel_file == open_clips("talk", **options).pixel_file

    def test_changed_code_renders_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        first = open_clips("talk", size=16, max_clips=1).pixel_file
        monkeypatch.setattr(cache, "digest", lambda file: f"{file.name} changed")
        assert open_clips("talk", size=16, max_clips=1).pixel_file != first

    def test_where_clips_come_from_is_kept_and_never_guessed(
        self, tmp_path: Path, write_strip: Callable[..., Path]
    ) -> None:
        write_strip(tmp_path / "talk" / "a.png")
        files, rendered = open_clips(tmp_path / "talk", size=16), open_clips("talk", size=16, max_clips=2)
        assert files.name == rendered.name == "talk"
        assert files.origin is None
        assert readers_of(files.origin) == Readers()
        for kept in (rendered.subset([1]), rendered.with_mirrored(), pickle.loads(pickle.dumps(rendered))):
            assert kept.origin == rendered.origin
            assert readers_of(kept.origin).motion is not None

    def test_sets_are_square(self) -> None:
        with pytest.raises(InputError, match=r"^talk: is square \(expected one size, not 32x16\)$"):
            open_clips("talk", size=(32, 16))


@pytest.mark.parametrize("name", ["reach", "reach_one_table", "talk"])
def test_motion_is_read_where_a_set_says_it_is(name: str) -> None:
    clips = open_clips(name, size=32, max_clips=3)
    motion = readers_of(clips.origin).motion
    assert motion is not None
    courses, found = motion(np.stack([clips[i].frames for i in range(3)]))
    assert found.all()
    for axis in ("x", "y"):
        assert courses[axis].shape == found.shape


def test_moving_sprites_have_descriptors() -> None:
    clips = open_clips("moving_sprites", size=16, max_clips=3)
    readers = readers_of(clips.origin)
    assert readers.motion is None
    for reader in (readers.look, readers.motion_descriptors):
        assert reader is not None
        assert len(reader(np.stack([clips[i].frames for i in range(3)]))) == 3


def test_where_there_can_be_no_cache_sets_are_rendered_in_memory(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("MUTOSCOPE_CACHE", "/dev/null/cache")
    clips = open_clips("sprites", size=16, max_clips=2)
    assert clips.pixel_file is None
    assert clips.origin is not None
    assert "sprites is not kept" in capsys.readouterr().err
