"""Whatever is wrong with a file: one line that names it, no traceback, no hang, no memory for what a header claims."""

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from mutoscope.errors import InputError
from mutoscope.media.audio import read_audio, write_audio
from mutoscope.media.frames import open_frames, read_clip
from mutoscope.media.images import read_image, write_image
from mutoscope.media.video import probe, write_video


def _npy_header(shape: tuple[int, ...]) -> bytes:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


def _png_header(width: int, height: int) -> bytes:
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(bytes(100))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


BYTES = {
    "zero.mp4": (b"", "empty"),
    "zero.png": (b"", "empty"),
    "zero.npy": (b"", "empty"),
    "text.mp4": (b"This is not a video.\n" * 50, "expected a video"),
    "text.txt": (b"This is not a video.\n" * 50, "expected a video"),
    "text.png": (b"This is not a picture.\n" * 50, "is not a picture"),
    "text.npy": (b"This is not an array.\n" * 50, "expected a uint8 array"),
    "noise.webm": (np.random.default_rng(0).bytes(5000), "expected a video"),
    "playlist.m3u8": (b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n", "expected a video"),
    "script.mp4": (b"ffconcat version 1.0\nfile /etc/hostname\n", "expected a video"),
    "bomb.png": (_png_header(100_000, 100_000), "exceeds limit"),
    "large.png": (_png_header(12_000, 12_000), "claims 12000×12000 pixels"),
    "huge.npy": (_npy_header((10**12, 64, 64, 3)) + bytes(100), "expected a uint8 array"),
    "overflowing.npy": (_npy_header((10**30, 64, 64, 3)) + bytes(100), "expected a uint8 array"),
    "no_frames.npy": (_npy_header((0, 64, 64, 3)), "expected a uint8 array|holds no frames"),
    "square.npy": (_npy_header((4, 4)) + bytes(16), "expected t h w"),
    "many_channels.npy": (_npy_header((2, 3, 4, 5)) + bytes(120), r"\(2, 3, 4, 5\)"),
}


@pytest.mark.parametrize("name", BYTES)
def test_files_of_wrong_bytes(tmp_path: Path, name: str) -> None:
    content, message = BYTES[name]
    (tmp_path / name).write_bytes(content)
    _check_refused(tmp_path / name, message)


@pytest.mark.parametrize("array", [np.zeros((2, 4, 4, 3), np.float32), np.zeros((2, 4, 4), bool)])
def test_arrays_that_are_not_bytes(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    _check_refused(tmp_path / "a.npy", f"holds {array.dtype} values .expected uint8")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], object), allow_pickle=True)
    _check_refused(tmp_path / "a.npy", "expected a uint8 array")


def test_places_that_are_no_files(tmp_path: Path) -> None:
    _check_refused(tmp_path / "missing.mp4", "no such file")
    _check_refused(tmp_path, "holds no pictures")
    os.mkfifo(tmp_path / "pipe.mp4")
    _check_refused(tmp_path / "pipe.mp4", "not a regular file")
    for read in (read_image, read_audio, probe):
        with pytest.raises(InputError, match="is a folder"):
            read(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_pictures_cut_short(tmp_path: Path, suffix: str, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    _cut(write_image(tmp_path / f"a{suffix}", noise), kept)
    _check_refused(tmp_path / f"a{suffix}", "expected")


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm", ".gif"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.8])
def test_videos_cut_short(tmp_path: Path, suffix: str, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    _cut(write_video(tmp_path / f"a{suffix}", noise, 25), kept)
    _check_refused(tmp_path / f"a{suffix}", "readable|expected")


def test_frames_before_the_damage_can_be_used(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mp4", noise, 25)
    _cut(path, 0.6)
    readable: list[np.ndarray] = []
    with pytest.raises(InputError) as caught:
        readable.extend(open_frames(path))
    assert f"after {len(readable)} readable frames" in str(caught.value)
    assert len(readable) > 5


def test_sound_that_is_not_there(tmp_path: Path, make_clip) -> None:
    with pytest.raises(InputError, match="holds no sound"):
        read_audio(write_video(tmp_path / "silent.mp4", make_clip(3), 8))
    with pytest.raises(InputError, match="no video"):
        read_clip(write_audio(tmp_path / "a.wav", np.zeros(1600, np.float32)))


def test_nothing_reaches_the_terminal(tmp_path: Path, make_clip) -> None:
    _cut(write_video(tmp_path / "a.mp4", make_clip(), 25), 0.7)
    program = f"""
import sys
from mutoscope.errors import InputError
from mutoscope.media import read_clip, write_video
import numpy as np
for suffix in (".mp4", ".webm", ".mov", ".mpg", ".gif"):
    write_video(f"{tmp_path}/b{{suffix}}", np.zeros((3, 9, 9, 3), np.uint8), 25, np.zeros(2000, np.float32))
    read_clip(f"{tmp_path}/b{{suffix}}")
try:
    read_clip("{tmp_path}/a.mp4")
except InputError:
    sys.exit(0)
sys.exit("a damaged file was read without complaint")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    program = f"""
import resource, signal
import numpy as np
from mutoscope.errors import InputError
from mutoscope.media import write_frames, write_video
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0).integers(0, 256, (40, 96, 96, 3), dtype=np.uint8)
for name in ("a.mp4", "a.webm", "a.gif", "a.npy", "folder"):
    try:
        write_video(f"{tmp_path}/{{name}}", noise, 25)
    except InputError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 5
    assert list(tmp_path.iterdir()) == []


def _cut(path: Path, kept: float) -> None:
    os.truncate(path, int(path.stat().st_size * kept))


def _check_refused(path: Path, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_clip(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).replace(str(path), "")) < 250
