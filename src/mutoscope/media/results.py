"""What a control returns: videos, pictures, labelled sheets, tables, arrays, pages; each knows how to save itself."""

import base64
import csv
import html
import io
import json
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from string import Template
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from jaxtyping import Float, UInt8

from mutoscope.errors import InputError
from mutoscope.files import replacing
from mutoscope.media.encoding import Rate
from mutoscope.media.images import Frame, as_pillow, write_image
from mutoscope.media.sequences import write_strip
from mutoscope.media.video import VIDEO_SUFFIXES, write_video

T = TypeVar("T")


class Result(ABC):
    """Something that can be saved in the formats named by `suffixes`; the default is `default_suffix`."""

    suffixes: ClassVar[tuple[str, ...]]
    default_suffix: ClassVar[str]

    def save(self, path: str | Path) -> Path:
        """Writes the result in the format that the suffix of `path` names, whole or not at all, and returns the path.

        Raises:
            InputError: the suffix is not one of `suffixes`, or the file cannot be written.
        """
        path = Path(path)
        self.check_suffix(path)
        self._write(path)
        return path

    @classmethod
    def check_suffix(cls, path: str | Path) -> None:
        """Raises InputError where the suffix of `path` is not one of `suffixes`: known before anything is made."""
        suffix = Path(path).suffix
        if suffix.lower() not in cls.suffixes:
            kind = f"{suffix} file" if suffix else "folder"
            known = ", ".join(suffix or "a folder (no suffix)" for suffix in cls.suffixes)
            name = cls.__name__.lower()
            these = name if name.endswith("s") else f"a {name}"
            raise InputError(f"{path}: {these} cannot be saved as a {kind} (expected {known})")

    @abstractmethod
    def _write(self, path: Path) -> None: ...


class Replay(Generic[T]):
    """An iterable that starts anew each time it is iterated over: `start` makes the iterator."""

    def __init__(self, start: Callable[[], Iterator[T]]) -> None:
        self.start = start

    def __iter__(self) -> Iterator[T]:
        return self.start()


class Video(Result):
    """Frames to be shown at `fps`, with or without sound.

    Saving streams: frames may be made while they are written, so a long video never lies in memory. `.frames` and `len`
    make all of them and keep them. Frames from an iterator can be streamed only once, unless `.frames` came first;
    those of a `Replay` are made again each time.
    `.png` saves a horizontal strip, `.npy` an array, a path without a suffix a folder of PNGs.

    Args:
        frames: A clip `t h w c` or anything that yields frames `h w c`, uint8.
        fps: Frames per second.
        audio: Sound in [-1, 1], 16 kHz mono.
    """

    suffixes = (*VIDEO_SUFFIXES, ".npy", ".png", "")
    default_suffix = ".mp4"

    def __init__(
        self,
        frames: UInt8[np.ndarray, "t h w c"] | Iterable[Frame],
        fps: Rate = 8.0,
        audio: Float[np.ndarray, "n"] | None = None,
    ) -> None:
        self.fps = fps
        self.audio = audio
        self._frames = frames
        self._spent = False

    @property
    def frames(self) -> UInt8[np.ndarray, "t h w c"]:
        """All frames as one array, made on first use and kept.

        Raises:
            InputError: there are none.
        """
        if not isinstance(self._frames, np.ndarray):
            made = list(iter(self))  # `list(self)` would ask for the length, which is made here
            if not made:
                raise InputError("the video has no frames (expected at least one)")
            self._frames = np.stack(made)
        return self._frames

    def __iter__(self) -> Iterator[Frame]:
        if isinstance(self._frames, Iterator):
            if self._spent:
                raise RuntimeError("the frames of this video were streamed already: use `.frames` first to keep them")
            self._spent = True
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self.frames)

    def _write(self, path: Path) -> None:
        if path.suffix.lower() == ".png":
            write_strip(path, self)
        else:
            write_video(path, self, self.fps, self.audio)

    def _repr_html_(self) -> str:
        with tempfile.TemporaryDirectory() as folder:
            data = write_video(Path(folder) / "video.mp4", self.frames, self.fps, self.audio).read_bytes()
        source = f"data:video/mp4;base64,{base64.b64encode(data).decode()}"
        return f'<video controls loop autoplay muted src="{source}"></video>'


class Videos(Result):
    """Several videos, saved as files in a folder, which appears as a whole or not at all.

    Saving streams: videos may be made while earlier ones are written. Those of a `Replay` can be saved again.

    Args:
        clips: For each video the path of its file below the folder (as "wave/0003.mp4"), all of them different.
    """

    suffixes = ("",)
    default_suffix = ""

    def __init__(self, clips: Iterable[tuple[str, Video]]) -> None:
        self.clips = clips

    def __iter__(self) -> Iterator[tuple[str, Video]]:
        return iter(self.clips)

    def _write(self, path: Path) -> None:
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise InputError(f"{path}: exists already (expected a new folder for the videos)")
        written: set[PurePosixPath] = set()
        with replacing(path) as temporary:
            for name, video in self:
                file = _below(path, name)
                if file in written:
                    raise InputError(f"{path / file}: is the name of two videos (expected different ones)")
                video.save(temporary / file)
                written.add(file)
            if not written:
                raise InputError(f"{path}: there are no videos to write (expected at least one)")


@dataclass(frozen=True, eq=False)
class Image(Result):
    """One picture, uint8 `h w c`, grey or RGB."""

    pixels: UInt8[np.ndarray, "h w c"]

    suffixes = (".png", ".jpg", ".jpeg", ".webp")
    default_suffix = ".png"

    def _write(self, path: Path) -> None:
        write_image(path, self.pixels)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        as_pillow(self.pixels).save(buffer, "png")
        return buffer.getvalue()


@dataclass(frozen=True, eq=False)
class Sheet(Image):
    """A grid of pictures in one, labels already drawn, `rows` by `columns` cells."""

    rows: int
    columns: int


@dataclass(frozen=True)
class Table(Result):
    """Named columns and rows of values; `.json` holds a list of records, with null for what is not finite.

    Raises:
        ValueError: a row has not one value for each column.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    suffixes = (".csv", ".json")
    default_suffix = ".csv"

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"row {number} has {len(row)} values for {len(self.columns)} columns")

    def records(self) -> list[dict[str, Any]]:
        """One dictionary a row, keyed by column, with plain Python values."""
        return [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.rows]

    def _write(self, path: Path) -> None:
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            if path.suffix.lower() == ".json":
                records = [{name: _finite(value) for name, value in record.items()} for record in self.records()]
                json.dump(records, file, indent=2, ensure_ascii=False, allow_nan=False)
            else:
                writer = csv.DictWriter(file, self.columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(self.records())

    def _repr_html_(self) -> str:
        def line(cells: Iterable[Any], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

        return "<table>" + line(self.columns, "th") + "".join(line(row, "td") for row in self.rows) + "</table>"


@dataclass(frozen=True, eq=False)
class Arrays(Result):
    """Named arrays of numbers, for other programs to read.

    Raises:
        ValueError: one is an array of objects.
    """

    arrays: Mapping[str, np.ndarray]

    suffixes = (".npz",)
    default_suffix = ".npz"

    def __post_init__(self) -> None:
        for name, array in self.arrays.items():
            if array.dtype.hasobject:
                raise ValueError(f"{name} is an array of objects")

    def _write(self, path: Path) -> None:
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **self.arrays)  # type: ignore[arg-type]  # names are not those of its options


@dataclass(frozen=True)
class Page(Result):
    """A web page in one file: no scripts, nothing from elsewhere, readable on a phone; pictures come from `embedded`.

    Args:
        title: Plain text, the heading.
        body: HTML below it. `media/page.html` has the styles that it can use.
    """

    title: str
    body: str

    suffixes = (".html",)
    default_suffix = ".html"

    @property
    def html(self) -> str:
        """The whole document."""
        template = Template((resources.files("mutoscope.media") / "page.html").read_text(encoding="utf-8"))
        return template.substitute(title=html.escape(self.title), body=self.body)

    def _write(self, path: Path) -> None:
        with replacing(path) as temporary:
            temporary.write_text(self.html, encoding="utf-8")

    def _repr_html_(self) -> str:
        # in a frame of its own: its styles must not become the notebook's
        return f'<iframe srcdoc="{html.escape(self.html)}" style="width: 100%; height: 80vh; border: 0"></iframe>'


def embedded(
    picture: UInt8[np.ndarray, "h w c"] | UInt8[np.ndarray, "t h w c"],
    alt: str,
    *,
    fps: Rate = 8.0,
    smooth: bool = False,
) -> str:
    """A picture, or a clip that plays by itself again and again, as an HTML element that holds its own data.

    Args:
        picture: Frames of a clip have a time axis. Nothing is lost: the data is lossless WebP.
        alt: What there is to see, in plain text.
        fps: Frames per second of a clip.
        smooth: Whether enlarged pixels blend; otherwise they stay sharp.
    """
    frames = [as_pillow(frame) for frame in (picture if picture.ndim == 4 else picture[None])]
    playing = {"save_all": True, "append_images": frames[1:], "duration": round(1000 / fps), "loop": 0}
    buffer = io.BytesIO()
    frames[0].save(buffer, "webp", lossless=True, **(playing if len(frames) > 1 else {}))
    source = f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    look = ' class="smooth"' if smooth else ""
    width, height = frames[0].size
    return f'<img{look} src="{source}" width="{width}" height="{height}" alt="{html.escape(alt)}">'


def _below(folder: Path, name: str) -> PurePosixPath:
    """The path of a file below a folder, relative to it."""
    file = PurePosixPath(name)
    if not file.suffix or file.is_absolute() or ".." in file.parts or "\\" in name:
        raise InputError(f"{folder}: {name!r} is no file in this folder (expected a path as wave/0003.mp4)")
    return file


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
