"""BAIR robot pushing: 43,264 clips of a robot's arm to train on and 256 to test, of 30 frames of 64x64 pixels.

F. Ebert, C. Finn, A. X. Lee and S. Levine, "Self-supervised visual planning with temporal skip connections", CoRL 2017.
The archive unpacks to `softmotion30_44k/{train,test}/*.tfrecords`. A record is a clip; frame t of its main view is
`<t>/image_aux1/encoded`: raw pixels as published, or a PNG or JPEG. Actions, positions of the arm and the other view
are left out.
"""

import re
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image

from mutoscope.data.layouts import Entry, Frames, Layout, Listing, refused_entry, visible
from mutoscope.data.tfrecord import RecordSpan, bytes_features, read_record, record_spans
from mutoscope.errors import InputError
from mutoscope.media.checks import check_size, reading
from mutoscope.media.images import Frame, to_channels, upright_pixels

FOLDER, SUFFIX, TEST = "softmotion30_44k", ".tfrecords", "test"
SIDE = 64  # pixels of a raw frame, each way
VIEW = re.compile(r"(?P<time>[0-9]+)/image_aux1/encoded")


class Bair(Layout):
    """A clip a record; the published split holds out the folder `test`."""

    name = "BAIR robot pushing"
    looks_like = f"{FOLDER}/<train or test>/*{SUFFIX}"

    @staticmethod
    def matches(path: Path) -> bool:
        return bool(_files(path))

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        root = path.parent if path.is_file() else path
        return Listing(root, [entry for file in _files(path) for entry in _entries(root, file)], [])

    @staticmethod
    def held_out(paths: list[Path], subjects: list[str | None]) -> list[bool]:
        return [path.parent.name == TEST for path in paths]


def _files(path: Path) -> list[Path]:
    """The file itself, or those in a folder, in its `train` and `test`, or in those of the published folder in it."""
    if path.is_file():
        return [path] if path.suffix == SUFFIX else []
    root = path / FOLDER if (path / FOLDER).is_dir() else path
    files = [file for folder in (root, root / "train", root / TEST) for file in visible(folder)]
    return [file for file in files if file.suffix == SUFFIX and file.is_file()]


def _entries(root: Path, file: Path) -> Iterator[Entry]:
    """One for each whole record, and one that says what is wrong where the file is damaged."""
    try:
        for number, span in enumerate(record_spans(file)):
            path = file.with_name(f"{file.name}[{number}]")
            yield Entry(path.relative_to(root).as_posix(), partial(_open_record, file, span, path), (file,))
    except InputError as error:
        yield refused_entry(error, root, file)


def _open_record(file: Path, span: RecordSpan, path: Path, channels: int) -> tuple[Frames, float | None]:
    values = bytes_features(read_record(file, span, path), path)
    found = {int(told["time"]): value for name, value in values.items() if (told := VIEW.fullmatch(name))}
    for t in range(max(len(found), 1)):
        if t not in found:
            raise InputError(f"{path}: has no {t}/image_aux1/encoded")
    return (_frame(found[t], path, channels) for t in range(len(found))), None


def _frame(value: bytes, path: Path, channels: int) -> Frame:
    if len(value) == SIDE * SIDE * 3:
        return to_channels(np.frombuffer(value, np.uint8).reshape(SIDE, SIDE, 3), channels)
    expected = f"frames of {SIDE}x{SIDE} raw pixels, or PNG or JPEG"
    with reading(path, expected):
        try:
            image = PIL.Image.open(BytesIO(value))
        except PIL.UnidentifiedImageError as error:
            raise InputError(f"{path}: has a frame of {len(value)} bytes, no picture (expected {expected})") from error
        check_size(path, *image.size)
        return upright_pixels(image, channels)
