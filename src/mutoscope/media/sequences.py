"""Writing frames as something other than a video file: a folder of pictures, a strip, an `.npy` array."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mutoscope.errors import InputError
from mutoscope.files import replacing
from mutoscope.media.images import Frame, write_image

_FRAME_NAME = re.compile(r"\d{6,}\.png")


def write_frames(folder: str | Path, frames: Iterable[Frame]) -> Path:
    """Writes a folder of numbered PNGs, `000000.png` onwards. The frame rate is not kept.

    Raises:
        InputError: there are no frames, the folder holds anything but frames written before, or it cannot be written.
    """
    folder = Path(folder)
    if folder.is_file():
        raise InputError(f"{folder}: is a file (expected a new folder for the frames)")
    if folder.is_dir() and not all(_FRAME_NAME.fullmatch(entry.name) for entry in folder.iterdir()):
        raise InputError(f"{folder}: holds other files, which would be lost (expected a new folder for the frames)")
    with replacing(folder) as temporary:
        temporary.mkdir()
        count = 0
        for count, frame in enumerate(frames, start=1):
            write_image(temporary / f"{count - 1:06d}.png", frame)
        _check_any(folder, count)
    return folder


def write_strip(path: str | Path, frames: Iterable[Frame]) -> Path:
    """Writes one picture, the frames from left to right. On reading, only square frames can be told apart.

    Raises:
        InputError: there are no frames, or the file cannot be written.
    """
    tiles = list(frames)
    _check_any(path, len(tiles))
    return write_image(path, np.concatenate(tiles, axis=1))


def write_npy(path: str | Path, frames: Iterable[Frame]) -> Path:
    """Writes a uint8 array `t h w c`, frame by frame; the header gets its length at the end.

    Raises:
        InputError: there are no frames, they differ in size, or the file cannot be written.
    """
    path = Path(path)
    with replacing(path) as temporary, temporary.open("wb") as file:
        count = 0
        shape: tuple[int, ...] = ()
        for frame in frames:
            if not shape:
                shape = frame.shape
                _write_header(file, (0, *shape))
            if frame.shape != shape:
                raise InputError(f"{path}: frame {count} has shape {frame.shape} (expected {shape} as the first)")
            file.write(np.ascontiguousarray(frame).tobytes())
            count += 1
        _check_any(path, count)
        file.seek(0)
        _write_header(file, (count, *shape))
    return path


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """The header has one size whatever the number of frames: numpy leaves room for it to grow."""
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _check_any(path: str | Path, count: int) -> None:
    if count == 0:
        raise InputError(f"{path}: there are no frames to write (expected at least one)")
