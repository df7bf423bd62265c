"""Decodes clips once and keeps them as memory-mapped uint8, keyed by the content of the files."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from filelock import FileLock

from mutoscope.data.clips import Clips, Problem, Record, map_pixels
from mutoscope.data.fitting import Fit, fit_frame
from mutoscope.data.layouts import Entry, Listing
from mutoscope.errors import InputError
from mutoscope.files import replacing

T = TypeVar("T")
FORMAT = 1  # raised whenever the same files would give other pixels or another index
SMALLEST_FRAME = 8  # pixels
SPOOL_BYTES = 8 << 20  # of a decoded clip kept in memory; a longer one waits its turn on disk
THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class Options:
    """What frames are brought to: `size` x `size` pixels, 1 or 3 channels, fitted by `fit`."""

    size: int = 64
    channels: int = 3
    fit: Fit = "crop"


@dataclass(frozen=True)
class Decoded:
    """A clip's fitted frames as raw bytes in a temporary file, and what its record needs."""

    pixels: IO[bytes]
    length: int
    height: int
    width: int
    fps: float | None


def cache_folder() -> Path:
    """`MUTOSCOPE_CACHE`, or `~/.cache/mutoscope`."""
    return Path(os.environ.get("MUTOSCOPE_CACHE", "~/.cache/mutoscope")).expanduser()


def cached_clips(listing: Listing, options: Options, *, name: str, layout: str, strict: bool = False) -> Clips:
    """The clips of a listing, decoded now if the cache does not hold them.

    Two processes may ask for the same clips: one decodes, the other waits. A process killed while decoding leaves a
    temporary folder that the next one removes.

    Args:
        strict: refuse the whole set for one bad file, instead of setting the file aside in `problems`.

    Raises:
        InputError: no clip can be read, or one cannot and `strict` is set, or the cache cannot be written.
    """
    folder = cache_folder() / "clips" / fingerprint(listing, options, layout)
    if not folder.is_dir():
        with _locked(folder):
            if not folder.is_dir():
                for leftover in folder.parent.glob(f".{folder.name}.*"):
                    shutil.rmtree(leftover)
                with replacing(folder) as temporary:
                    _decode_all(listing, options, temporary, strict)
    clips = _load(folder, listing, options, name=name, layout=layout)
    if strict and clips.problems:
        raise InputError(str(clips.problems[0]))
    return clips


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps other processes from making `folder` at the same time."""
    lock = FileLock(f"{folder}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise InputError(f"{folder.parent}: cannot be written ({error.strerror or error})") from error
    try:
        yield
    finally:
        lock.release()


def fingerprint(listing: Listing, options: Options, layout: str) -> str:
    """A name for the decoded pixels and their index: equal for equal layout, contents, names, labels and options."""
    files = list(dict.fromkeys(file for entry in listing.entries for file in entry.files))
    with ThreadPoolExecutor(THREADS) as pool:
        digests = list(pool.map(_digest, files))
    described = {
        "format": FORMAT,
        "options": asdict(options),
        "layout": layout,
        "recipe": listing.recipe,
        "labels": listing.label_names,
        "entries": [(entry.path, entry.label, entry.subject) for entry in listing.entries],
        "files": [
            (file.relative_to(listing.root).as_posix(), digest) for file, digest in zip(files, digests, strict=True)
        ],
    }
    return hashlib.blake2b(json.dumps(described).encode(), digest_size=16).hexdigest()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()
    except OSError:
        return "unreadable"  # decoding it will say why


def _decode_all(listing: Listing, options: Options, folder: Path, strict: bool) -> None:
    """Writes `pixels.u8` and `index.json` into `folder`."""
    folder.mkdir()
    records: list[Record] = []
    problems: list[Problem] = []
    start = 0
    with (folder / "pixels.u8").open("wb") as pixels:
        for entry, decoded in _progress(_decode_ahead(listing, options), len(listing.entries)):
            if isinstance(decoded, InputError):
                if strict or len(listing.entries) == 1:
                    raise decoded
                problems.append(_problem(listing.root, entry, decoded))
                continue
            with decoded.pixels as clip:
                shutil.copyfileobj(clip, pixels)
            records.append(
                Record(
                    entry.path,
                    start,
                    decoded.length,
                    decoded.height,
                    decoded.width,
                    entry.label,
                    entry.subject,
                    decoded.fps,
                )
            )
            start += decoded.length
    if not records:
        raise InputError(f"{listing.root}: holds no readable clip ({problems[0].path}: {problems[0].reason})")
    index = {"records": [asdict(record) for record in records], "problems": [asdict(problem) for problem in problems]}
    (folder / "index.json").write_text(json.dumps(index))


def _decode_ahead(listing: Listing, options: Options) -> Iterator[tuple[Entry, Decoded | InputError]]:
    """Decodes a few entries at a time and yields them in order, so that memory does not grow with their number."""
    waiting: deque[tuple[Entry, Future[Decoded | InputError]]] = deque()
    pool = ThreadPoolExecutor(THREADS)
    try:
        for entry in listing.entries:
            waiting.append((entry, pool.submit(_decode, listing.root / entry.path, entry, options)))
            if len(waiting) > 2 * THREADS:
                first, future = waiting.popleft()
                yield first, future.result()
        for entry, future in waiting:
            yield entry, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decode(path: Path, entry: Entry, options: Options) -> Decoded | InputError:
    pixels = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - closed by whoever copies it
    length, height, width = 0, 0, 0
    try:
        frames, fps = entry.open(options.channels)
        for frame in frames:
            height, width = frame.shape[:2]
            if min(height, width) < SMALLEST_FRAME:
                raise InputError(
                    f"{path}: has frames of {width}x{height} pixels (expected at least {SMALLEST_FRAME} each way)"
                )
            pixels.write(fit_frame(frame, options.size, options.fit).tobytes())
            length += 1
        if length == 0:
            raise InputError(f"{path}: has no frames (expected at least one)")
    except InputError as error:
        pixels.close()
        return error
    pixels.seek(0)
    return Decoded(pixels, length, height, width, fps)


def _problem(root: Path, entry: Entry, error: InputError) -> Problem:
    """The error as a problem of its entry; messages read "path: reason"."""
    message = str(error).replace(f"{root}/", "")
    return Problem(entry.path, message.removeprefix(f"{entry.path}: "))


def _load(folder: Path, listing: Listing, options: Options, *, name: str, layout: str) -> Clips:
    index: dict[str, list[dict[str, Any]]] = json.loads((folder / "index.json").read_text())

    def placed(item: dict[str, Any]) -> dict[str, Any]:
        return item | {"path": str(listing.root / item["path"])}

    records = [Record(**placed(record)) for record in index["records"]]
    rows = records[-1].start + records[-1].length
    pixel_file = folder / "pixels.u8"
    return Clips(
        map_pixels(pixel_file, (rows, options.size, options.size, options.channels)),
        records,
        name=name,
        layout=layout,
        label_names=listing.label_names,
        problems=[Problem(**placed(problem)) for problem in index["problems"]],
        pixel_file=pixel_file,
    )


def _progress(items: Iterator[T], total: int) -> Iterator[T]:
    """Shows a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items, "Reading clips", total, console=console, transient=True, disable=not sys.stderr.isatty())
