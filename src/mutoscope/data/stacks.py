"""Many clips in one array file: uint8 `n t h w c`, in a `.npy`, or as an array of an `.npz`."""

import zipfile
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from jaxtyping import UInt8

from mutoscope.data.layouts import Entry, Frames
from mutoscope.errors import InputError
from mutoscope.media.checks import reading
from mutoscope.media.images import to_channels

EXPECTED = "a uint8 array of shape n t h w c, with 1, 3 or 4 channels"


class Stack:
    """The clips of one array file, which is read when the first of them is asked for.

    Args:
        file: a `.npy`, or an `.npz` of which the one array of five axes is taken.

    Raises:
        InputError: the file cannot be read, or has no such array.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._array: UInt8[np.ndarray, "n t h w c"] | None = None
        self._lock = Lock()
        with reading(file, EXPECTED):
            self._name, shape, kind = _header(file)
        if len(shape) != 5 or kind != np.uint8 or shape[4] not in (1, 3, 4):
            raise InputError(f"{file}: holds {kind} values of shape {shape} (expected {EXPECTED})")
        self._count = shape[0]

    def __len__(self) -> int:
        return self._count

    def entry(self, root: Path, path: Path, i: int, **columns: Any) -> Entry:
        """Clip i, as an entry of a listing of `root`."""
        return Entry(f"{path.relative_to(root).as_posix()}[{i}]", partial(self._open, i), (path,), columns)

    def _open(self, i: int, channels: int) -> tuple[Frames, float | None]:
        return (to_channels(np.asarray(frame), channels) for frame in self._read()[i]), None

    def _read(self) -> UInt8[np.ndarray, "n t h w c"]:
        """The whole array: of an `.npz` unpacked into memory once, of a `.npy` mapped."""
        with self._lock:
            if self._array is None:
                with reading(self.file, EXPECTED):
                    loaded = np.load(self.file, mmap_mode="r", allow_pickle=False)
                    self._array = loaded if self._name is None else loaded[self._name]
            return self._array


def is_stack(file: Path) -> bool:
    """Whether a file is to be read as a stack: every `.npz`, and a `.npy` whose header tells of five axes."""
    suffix = file.suffix.lower()
    try:
        return suffix == ".npz" or (suffix == ".npy" and len(_header(file)[1]) == 5)
    except (OSError, ValueError, EOFError):
        return False


def _header(file: Path) -> tuple[str | None, tuple[int, ...], np.dtype]:
    """Shape and kind of values of a `.npy`, or of the one array of five axes in an `.npz`, after its name there.

    Of an archive no more is unpacked.
    """
    if file.suffix.lower() == ".npy":
        array = np.load(file, mmap_mode="r", allow_pickle=False)
        return None, array.shape, array.dtype
    found: list[tuple[str, tuple[int, ...], np.dtype]] = []
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                version = np.lib.format.read_magic(member)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, kind = read(member)
            if len(shape) == 5:
                found.append((name.removesuffix(".npy"), shape, kind))
    if len(found) != 1:
        raise InputError(f"{file}: holds {len(found)} arrays of five axes (expected one, {EXPECTED})")
    return found[0]
