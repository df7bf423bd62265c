"""What every layout of files on disk comes down to: a list of entries, each of which can be decoded to frames."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mutoscope.errors import InputError
from mutoscope.media.frames import natural_order, open_frames
from mutoscope.media.images import IMAGE_SUFFIXES, read_image

PICTURES = set(IMAGE_SUFFIXES) - {".gif"}
LOOKED_AT = 16  # pictures of a folder whose headers decide what it holds
BESIDE = ("structures", "poses-openpose", "landmarks-dlib68")
"""Folders with columns of clips, which hold no clips (see `data.structure_files`)."""
TABLE = "columns.csv"
"""The file of columns per clip (see `data.table`)."""

Frames = Iterable[UInt8[np.ndarray, "h w c"]]


@dataclass(frozen=True)
class ColumnSource:
    """Where columns per frame of a clip lie.

    Attributes:
        names: which of `data.columns.COLUMNS` it has; also "boxes" ("t 4": left, top, right and bottom of the person).
        read: gives them, in pixels of the file's own frames.
        files: every file they depend on.
    """

    names: tuple[str, ...]
    read: Callable[[], dict[str, np.ndarray]]
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Entry:
    """One clip still on disk.

    Attributes:
        path: its name relative to the listing's root.
        open: given the number of channels, the clip's frames (read as they are asked for) and its frame rate.
        files: every file its pixels depend on.
        columns: what is known of it as a whole, by the names of columns per clip; None is unknown.
        sources: where its columns per frame lie; of two that have the same column the later one counts.
        margin: pixels that are kept around a body cut out of it; None for a share of the body.
    """

    path: str
    open: Callable[[int], tuple[Frames, float | None]]
    files: tuple[Path, ...]
    columns: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[ColumnSource, ...] = ()
    margin: int | None = None

    @property
    def clip(self) -> str:
        """Its name without the suffix of a file."""
        suffix = Path(self.path).suffix
        return self.path.removesuffix(suffix) if [file.suffix for file in self.files] == [suffix] else self.path


@dataclass(frozen=True)
class Listing:
    """All clips of a layout.

    Attributes:
        root: the folder that entry paths are relative to.
        recipe: what the pixels depend on besides the files, such as a seed.
    """

    root: Path
    entries: list[Entry]
    label_names: list[str]
    recipe: str = ""


class Layout(ABC):
    """A way in which clips are laid out on disk; one class per file of this folder.

    Attributes:
        name: short name for messages and reports.
        looks_like: what a user has to provide, for hints.
    """

    name: ClassVar[str]
    looks_like: ClassVar[str]

    @staticmethod
    @abstractmethod
    def matches(path: Path) -> bool:
        """Whether `path`, which exists, has this layout. Must be quick and must not raise."""

    @staticmethod
    @abstractmethod
    def listing(path: Path, seed: int) -> Listing:
        """Lists the clips without decoding them. `seed` is for layouts that draw something at random."""

    @staticmethod
    def held_out(paths: list[Path], subjects: list[str | None]) -> list[bool]:
        """Whether the split that was published with the set tests on each of its clips, where there is such a split."""
        raise NotImplementedError


def media_entry(root: Path, path: Path, **columns: Any) -> Entry:
    """The entry of a video, GIF, strip, `.npy`, picture or folder of frames, with its columns per clip."""
    files = tuple(file for file in visible(path) if file.is_file()) if path.is_dir() else (path,)
    return Entry(path.relative_to(root).as_posix(), partial(_open_media, path), files, columns)


def strip_entry(root: Path, path: Path, **columns: Any) -> Entry:
    """The entry of a strip of square frames, left to right; a strip of one frame is fine."""
    return replace(media_entry(root, path, **columns), open=partial(_open_strip, path))


def picture_entry(root: Path, path: Path, **columns: Any) -> Entry:
    """The entry of a picture of any shape: one frame, never a strip."""
    return replace(media_entry(root, path, **columns), open=partial(_open_picture, path))


def stray_entry(root: Path, path: Path, **columns: Any) -> Entry:
    """The entry of a picture that is no clip: opening it says so."""
    expected = "expected a strip, or a folder of frames of its own"
    return refused_entry(InputError(f"{path}: is a single picture among clips ({expected})"), root, path, **columns)


def refused_entry(error: InputError, root: Path, path: Path, **columns: Any) -> Entry:
    """The entry of a file that is known to be bad: opening it raises `error`."""
    return Entry(path.relative_to(root).as_posix(), partial(_refuse, error), (path,), columns)


def visible(folder: Path) -> list[Path]:
    """The files and folders in a folder in natural order (2 before 10), without hidden ones and those of columns."""
    there = folder.iterdir() if folder.is_dir() else ()
    shown = (path for path in there if not path.name.startswith(".") and path.name not in (*BESIDE, TABLE))
    return sorted(shown, key=natural_order)


def folders(path: Path) -> list[Path]:
    """The folders among what is `visible` in a folder."""
    return [item for item in visible(path) if item.is_dir()]


def strips_among(pictures: list[Path]) -> bool:
    """Whether most of the first pictures are strips of square frames, going by their headers.

    Three frames are the fewest that count: pictures twice as wide as high are common, and not strips.
    """
    shapes = [shape for shape in map(picture_shape, pictures[:LOOKED_AT]) if shape]
    strips = [width % height == 0 and width >= 3 * height for height, width in shapes]
    return sum(strips) * 2 > len(strips)


def is_animation(path: Path) -> bool:
    """Whether a file is a GIF or an animated WebP, which are clips of their own."""
    if path.suffix.lower() != ".webp":
        return path.suffix.lower() == ".gif"
    try:
        with Image.open(path) as picture:
            return getattr(picture, "is_animated", False)
    except (OSError, ValueError):
        return False


def picture_shape(path: Path) -> tuple[int, int] | None:
    """Height and width that a picture's header gives, in pixels; None if it cannot be read."""
    try:
        with Image.open(path) as picture:
            return picture.height, picture.width
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _open_media(path: Path, channels: int) -> tuple[Frames, float | None]:
    source = open_frames(path, channels=channels)
    return source, source.fps


def _open_picture(path: Path, channels: int) -> tuple[Frames, float | None]:
    return [read_image(path, channels)], None


def _refuse(error: InputError, channels: int) -> tuple[Frames, float | None]:
    raise error


def _open_strip(path: Path, channels: int) -> tuple[Frames, float | None]:
    source = open_frames(path, channels=channels)
    if source.height != source.width:
        raise InputError(f"{path}: is not a strip of square frames (its width must be a multiple of its height)")
    return source, None
