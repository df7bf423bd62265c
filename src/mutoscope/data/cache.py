"""Clips decoded or rendered once and kept as memory-mapped files, keyed by all that they depend on."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from mutoscope.data.clips import Clips, Origin, Problem, Record, clips_from_arrays, map_pixels
from mutoscope.data.columns import COLUMNS, check_values, in_skeleton, move, per_frame, skeleton_of
from mutoscope.data.digests import THREADS, digest, digests_of
from mutoscope.data.estimation import check_available, find_columns, to_be_found, with_faces_for_landmarks
from mutoscope.data.fitting import NEEDED_COLUMN, ClipFit, Move, move_of_frame, move_to_body, move_to_face
from mutoscope.data.layouts import Entry, Listing
from mutoscope.data.progress import showing, working
from mutoscope.data.store import PIXELS, load, save_index
from mutoscope.errors import InputError
from mutoscope.files import locked, replacing

FORMAT = 3  # raised whenever the same files would give other pixels, another index or other columns
SMALLEST_FRAME = 8  # pixels
DAMAGED = (OSError, EOFError, ValueError, KeyError, TypeError)  # what reading a folder raises that is not whole
SPOOL_BYTES = 8 << 20  # of a decoded clip kept in memory; a longer one waits its turn on disk


@dataclass(frozen=True)
class Options:
    """What frames are brought to: height and width, 1 or 3 channels, fitted by `fit`; and columns per frame wanted."""

    size: tuple[int, int] = (64, 64)
    channels: int = 3
    fit: ClipFit = "crop"
    columns: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[str, ...]:
        """The columns that are kept: those wanted and what belongs to them, and what the fit needs."""
        wanted = {*self.columns, NEEDED_COLUMN.get(self.fit)}
        return tuple(name for name in per_frame() if wanted & {name, *COLUMNS[name].beside})


@dataclass(frozen=True)
class Decoded:
    """A clip's fitted frames as raw bytes in a temporary file, its columns per frame, its record without `start`."""

    pixels: IO[bytes]
    columns: dict[str, np.ndarray]
    record: Record


def cache_folder() -> Path:
    """`MUTOSCOPE_CACHE`, or `~/.cache/mutoscope`."""
    return Path(os.environ.get("MUTOSCOPE_CACHE", "~/.cache/mutoscope")).expanduser().absolute()


def cached_clips(listing: Listing, options: Options, *, name: str, layout: str, strict: bool = False) -> Clips:
    """The clips of a listing, decoded now if the cache does not hold them.

    Args:
        strict: refuse the whole set for one bad file, instead of setting the file aside in `problems`.

    Raises:
        InputError: no clip can be read, or one cannot and `strict` is set, or the cache cannot be written; or a column
            is wanted that no clip has, and nothing is installed to find it.
    """
    options = replace(options, columns=with_faces_for_landmarks(listing, options.columns))
    if options.kept:
        listing = replace(listing, entries=[_with_wanted_sources(entry, options) for entry in listing.entries])
    folder = cache_folder() / "clips" / fingerprint(listing, options, layout)
    clips = _made_once(
        folder,
        lambda temporary: _decode_all(listing, options, temporary, strict),
        lambda: load(folder, name=name, layout=layout, root=listing.root),
    )
    clips = _with_columns_per_clip(clips, listing)
    if strict and clips.problems:
        raise InputError(str(clips.problems[0]))
    return clips


def rendered_clips(name: str, **options: Any) -> Clips:
    """The clips of a synthetic set, rendered now if the cache does not hold them; `options` are those of `make_clips`.

    Where there can be no cache they are in memory, and rendered anew the next time, which is said.

    Raises:
        InputError: see `make_clips`; or the disk is full.
    """
    import torch

    from mutoscope import geometry
    from mutoscope.data import synthetic

    origin = Origin(name, options)

    def rendered() -> Clips:
        with working(f"Rendering {name}" + (f" at {options['size']} pixels" if options.get("size") else "")):
            made = synthetic.make_clips(name, **options)
        known = {"label": made.labels, "subject": made.subjects, **(made.columns or {})}
        return clips_from_arrays(
            made.clips,
            name=name,
            layout="synthetic",
            origin=origin,
            columns={column: values for column, values in known.items() if values is not None},
            label_names=made.label_names,
            factors=made.factors,
            skeleton=made.skeleton,
        )

    def render(folder: Path) -> None:
        clips = rendered()
        clips.pixels.tofile(folder / PIXELS)
        save_index(clips, folder)

    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"{cache_folder()}: cannot be made ({error.strerror}); {name} is not kept", file=sys.stderr)
        return rendered()
    rooms = [*synthetic.__path__, *geometry.__path__]
    sources = [(file.name, digest(file)) for room in rooms for file in sorted(Path(room).glob("*.py"))]
    described = [FORMAT, name, sorted(options.items()), torch.__version__, sources]
    folder = cache_folder() / "rendered" / _hash(repr(described))
    return _made_once(folder, render, lambda: load(folder, name=name, layout="synthetic", origin=origin))


def _with_columns_per_clip(clips: Clips, listing: Listing) -> Clips:
    """Clips from the cache with what the listing knows of each, which may change without a pixel changing."""
    entries = iter(listing.entries)  # in the order of the clips; those set aside are passed over
    own = [next(e for e in entries if str(listing.root / e.path) == record.path) for record in clips.records]
    known = {name: [entry.columns.get(name) for entry in own] for name in COLUMNS}
    per_clip = {name: values for name, values in known.items() if any(value is not None for value in values)}
    return replace(clips, columns=per_clip | clips.columns, label_names=listing.label_names)


def fingerprint(listing: Listing, options: Options, layout: str) -> str:
    """A name for the decoded pixels and columns per frame: equal for equal layout, contents, names and options."""
    entries = listing.entries
    files = [file for entry in entries for file in entry.files]
    if options.kept:
        files += [file for entry in entries for source in entry.sources for file in source.files]
    files = list(dict.fromkeys(files))
    described = {
        "format": FORMAT,
        "options": [*options.size, options.channels, options.fit],
        "layout": layout,
        "recipe": listing.recipe,
        "entries": [entry.path for entry in entries],
        "files": [
            (Path(os.path.relpath(file, listing.root)).as_posix(), found)
            for file, found in zip(files, digests_of(files, cache_folder() / "digests.sqlite"), strict=True)
        ],
        "columns": (options.kept, [entry.margin for entry in entries] if options.kept else []),
    }
    return _hash(json.dumps(described))


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _made_once(folder: Path, make: Callable[[Path], None], read: Callable[[], Clips]) -> Clips:
    """What is read from a folder, which is made if it is not there yet, or is damaged.

    Two processes may ask for the same one: one makes it, the other waits. A process killed while making it leaves a
    temporary folder that the next one removes.
    """
    with suppress(*DAMAGED):
        return read()
    with locked(folder):
        with suppress(*DAMAGED):
            return read()
        for leftover in folder.parent.glob(f".{folder.name}.*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with replacing(folder) as temporary:
            temporary.mkdir()
            make(temporary)
    return read()


def _decode_all(listing: Listing, options: Options, folder: Path, strict: bool) -> None:
    """Writes the clips of a listing into `folder`."""
    check_available(listing, options.kept)
    records: list[Record] = []
    problems: list[Problem] = []
    columns: dict[str, list[Any]] = {name: [] for name in options.kept}
    start = 0
    found = " and ".join(to_be_found(listing, options.kept))
    title = f"Reading {len(listing.entries):,} clips" + (f", finding {found} in them" if found else "")
    with (folder / PIXELS).open("wb") as pixels:
        for entry, future in showing(_decode_ahead(listing, options), title, len(listing.entries)):
            try:
                decoded = future.result()
                with decoded.pixels as clip, _said_of(listing.root / entry.path):
                    kept = _like_those_before(decoded.columns, columns) if records else decoded.columns
                    shutil.copyfileobj(clip, pixels)
            except InputError as error:
                if strict or len(listing.entries) == 1:
                    raise
                problems.append(_problem(listing.root, entry, error))
                continue
            for name, values in kept.items():
                columns[name].append(values)
            records.append(replace(decoded.record, start=start))
            start += decoded.record.length
    if not records:
        raise InputError(f"{listing.root}: holds no readable clip ({problems[0].path}: {problems[0].reason})")
    clips = Clips(
        map_pixels(folder / PIXELS, (start, *options.size, options.channels)),
        records,
        name=listing.root.name,
        layout="",
        problems=problems,
        columns=columns,
        skeleton=skeleton_of(columns["joints"][0].shape[1]) if "joints" in columns else None,
    )
    save_index(clips, folder)


def _decode_ahead(listing: Listing, options: Options) -> Iterator[tuple[Entry, Future[Decoded]]]:
    """Decodes a few entries at a time and yields them in order, so that memory does not grow with their number."""
    waiting: deque[tuple[Entry, Future[Decoded]]] = deque()
    pool = ThreadPoolExecutor(THREADS)
    try:
        for entry in listing.entries:
            waiting.append((entry, pool.submit(_decode, listing.root / entry.path, entry, options)))
            if len(waiting) > 2 * THREADS:
                yield waiting.popleft()
        yield from waiting
    finally:
        pool.shutdown(cancel_futures=True)


def _decode(path: Path, entry: Entry, options: Options) -> Decoded:
    pixels = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - closed by whoever copies it
    length, shape = 0, (0, 0)
    by: Move | None = None
    try:
        columns = find_columns(path, entry, options.kept) if options.kept else {}
        frames, fps = entry.open(options.channels)
        for frame in frames:
            if by is None or frame.shape[:2] != shape:
                shape = frame.shape[0], frame.shape[1]
                with _said_of(path):
                    by = _move(shape, columns, options, entry.margin)
            pixels.write(by.frame(frame).tobytes())
            length += 1
        if by is None:
            raise InputError(f"{path}: has no frames (expected at least one)")
        with _said_of(path):
            kept = {name: columns[name] for name in options.kept}
            check_values(kept, length, shape, options.size)
            moved = {name: values.astype(np.float32) for name, values in move(kept, by).items()}
    except InputError:
        pixels.close()
        raise
    pixels.seek(0)
    return Decoded(pixels, moved, Record(entry.path, 0, length, *shape, fps))


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    """Puts the path before what is wrong."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _with_wanted_sources(entry: Entry, options: Options) -> Entry:
    """An entry whose sources are those that have a column that is kept."""
    wanted = {*options.kept, *({"boxes"} if options.fit == "body" else ())}
    return replace(entry, sources=tuple(source for source in entry.sources if wanted & set(source.names)))


def _move(shape: tuple[int, int], columns: dict[str, np.ndarray], options: Options, margin: int | None) -> Move:
    """What brings every frame of a clip to its size."""
    height, width = shape
    if min(height, width) < SMALLEST_FRAME:
        raise InputError(f"has frames of {width}x{height} pixels (expected at least {SMALLEST_FRAME} each way)")
    if needed := NEEDED_COLUMN.get(options.fit):
        decisive = {name: columns[name] for name in (needed, *COLUMNS[needed].beside)}
        check_values(decisive, len(np.atleast_1d(columns[needed])), shape, options.size)
    if options.fit == "body":
        return move_to_body(shape, columns, options.size, margin)
    if options.fit == "face":
        return move_to_face(columns["landmarks"], options.size)
    return move_of_frame(shape, options.size, options.fit)


def _like_those_before(columns: dict[str, np.ndarray], before: dict[str, list[Any]]) -> dict[str, np.ndarray]:
    """The columns of a clip, its joints being those of the clips before it."""
    if "joints" in before:
        columns = in_skeleton(columns, before["joints"][0].shape[1])
    for name, values in columns.items():
        if values.shape[1:] != before[name][0].shape[1:]:
            raise InputError(f"has {name} of another kind than the clips before (expected the same for all)")
    return columns


def _problem(root: Path, entry: Entry, error: InputError) -> Problem:
    """The error as a problem of its entry; messages read "path: reason"."""
    message = str(error).replace(f"{root}/", "")
    return Problem(entry.path, message.removeprefix(f"{entry.path}: "))
