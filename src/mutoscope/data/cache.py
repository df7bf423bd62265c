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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from mutoscope.data.clips import Clips, Problem, Record, map_pixels
from mutoscope.data.estimation import check_available, find_tracks, with_faces_for_landmarks
from mutoscope.data.fitting import (
    NEEDED_TRACK,
    ClipFit,
    cut_out,
    fit_frame,
    move_tracks,
    region_of_body,
    region_of_face,
    region_of_frame,
)
from mutoscope.data.layouts import Entry, Listing
from mutoscope.data.tracks import TRACKS, check_tracks, in_skeleton, skeleton_of
from mutoscope.errors import InputError
from mutoscope.files import locked, replacing
from mutoscope.media.subjects import Box

T = TypeVar("T")
FORMAT = 1  # raised whenever the same files would give other pixels or another index
TRACKS_FORMAT = 1  # the same for their tracks
SMALLEST_FRAME = 8  # pixels
SPOOL_BYTES = 8 << 20  # of a decoded clip kept in memory; a longer one waits its turn on disk
THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class Options:
    """What frames are brought to: `size` x `size` pixels, 1 or 3 channels, fitted by `fit`; and the tracks wanted."""

    size: int = 64
    channels: int = 3
    fit: ClipFit = "crop"
    tracks: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[str, ...]:
        """The tracks that are kept: those wanted and what belongs to them, and what the fit needs."""
        wanted = {*self.tracks, NEEDED_TRACK.get(self.fit)}
        if wanted & {"joints", "visible"}:
            wanted |= {"joints", "visible"}
        return tuple(track for track in TRACKS if track in wanted)


@dataclass(frozen=True)
class Decoded:
    """A clip's fitted frames as raw bytes in a temporary file, its tracks, and what its record needs."""

    pixels: IO[bytes]
    tracks: dict[str, np.ndarray]
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
        InputError: no clip can be read, or one cannot and `strict` is set, or the cache cannot be written; or a track
            is wanted that no clip has, and nothing is installed to find it.
    """
    options = replace(options, tracks=with_faces_for_landmarks(listing, options.tracks))
    if options.kept:
        listing = replace(listing, entries=[_with_wanted_sources(entry, options) for entry in listing.entries])
    folder = cache_folder() / "clips" / fingerprint(listing, options, layout)
    if not folder.is_dir():
        with locked(folder):
            if not folder.is_dir():
                check_available(listing, options.kept)
                for leftover in folder.parent.glob(f".{folder.name}.*"):
                    shutil.rmtree(leftover)
                with replacing(folder) as temporary:
                    _decode_all(listing, options, temporary, strict)
    clips = _load(folder, listing, options, name=name, layout=layout)
    if strict and clips.problems:
        raise InputError(str(clips.problems[0]))
    return clips


def fingerprint(listing: Listing, options: Options, layout: str) -> str:
    """A name for the decoded pixels and their index: equal for equal layout, contents, names, labels and options."""
    entries = listing.entries
    files = [file for entry in entries for file in entry.files]
    if options.kept:
        files += [file for entry in entries for source in entry.sources for file in source.files]
    files = list(dict.fromkeys(files))
    with ThreadPoolExecutor(THREADS) as pool:
        digests = list(pool.map(_digest, files))
    described: dict[str, Any] = {
        "format": FORMAT,
        "options": {"size": options.size, "channels": options.channels, "fit": options.fit},
        "layout": layout,
        "recipe": listing.recipe,
        "labels": listing.label_names,
        "entries": [(entry.path, entry.label, entry.subject) for entry in entries],
        "files": [
            (Path(os.path.relpath(file, listing.root)).as_posix(), digest)
            for file, digest in zip(files, digests, strict=True)
        ],
    }
    if options.kept:
        described["tracks"] = (TRACKS_FORMAT, options.kept, [entry.margin for entry in entries])
    return hashlib.blake2b(json.dumps(described).encode(), digest_size=16).hexdigest()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()
    except OSError:
        return "unreadable"  # decoding it will say why


def _decode_all(listing: Listing, options: Options, folder: Path, strict: bool) -> None:
    """Writes `pixels.u8`, `index.json` and a file for each track into `folder`."""
    folder.mkdir()
    records: list[Record] = []
    problems: list[Problem] = []
    tracks: dict[str, list[np.ndarray]] = {track: [] for track in options.kept}
    start = 0
    with (folder / "pixels.u8").open("wb") as pixels:
        for entry, decoded in _progress(_decode_ahead(listing, options), len(listing.entries)):
            if records and not isinstance(decoded, InputError):
                decoded = _like_those_before(decoded, tracks, listing.root / entry.path)
            if isinstance(decoded, InputError):
                if strict or len(listing.entries) == 1:
                    raise decoded
                problems.append(_problem(listing.root, entry, decoded))
                continue
            with decoded.pixels as clip:
                shutil.copyfileobj(clip, pixels)
            for track, values in decoded.tracks.items():
                tracks[track].append(values)
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
    for track, arrays in tracks.items():
        np.save(_track_file(folder, track), np.concatenate(arrays))


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
    region: Box | None = None
    try:
        tracks = find_tracks(path, entry, options.kept) if options.kept else {}
        frames, fps = entry.open(options.channels)
        for frame in frames:
            height, width = frame.shape[:2]
            if min(height, width) < SMALLEST_FRAME:
                raise InputError(
                    f"{path}: has frames of {width}x{height} pixels (expected at least {SMALLEST_FRAME} each way)"
                )
            if options.kept and region is None:
                region = _region(path, (height, width), tracks, options.fit, entry.margin)
            pixels.write(_fitted(frame, options, region).tobytes())
            length += 1
        if length == 0:
            raise InputError(f"{path}: has no frames (expected at least one)")
        if region is not None:
            tracks = _fitted_tracks(path, tracks, options, region, length)
    except InputError as error:
        pixels.close()
        return error
    pixels.seek(0)
    return Decoded(pixels, tracks, length, height, width, fps)


def _with_wanted_sources(entry: Entry, options: Options) -> Entry:
    """An entry whose sources are those that have a track that is kept."""
    wanted = {*options.kept, *({"boxes"} if options.fit == "body" else ())}
    return replace(entry, sources=tuple(source for source in entry.sources if wanted & set(source.names)))


def _region(path: Path, shape: tuple[int, int], tracks: dict[str, np.ndarray], fit: ClipFit, margin: int | None) -> Box:
    """The part of every frame of a clip that is shown."""
    try:
        if fit == "body":
            return region_of_body(shape, tracks, margin)
        return region_of_face(tracks["landmarks"]) if fit == "face" else region_of_frame(shape, fit)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _fitted(frame: np.ndarray, options: Options, region: Box | None) -> np.ndarray:
    if options.fit == "body" or options.fit == "face":
        assert region is not None  # see Options.kept
        return fit_frame(cut_out(frame, region), options.size, "stretch")
    return fit_frame(frame, options.size, options.fit)


def _fitted_tracks(
    path: Path, tracks: dict[str, np.ndarray], options: Options, region: Box, length: int
) -> dict[str, np.ndarray]:
    kept = {track: tracks[track] for track in options.kept}
    try:
        check_tracks(kept, length, options.size)
        moved = move_tracks(kept, region, options.size)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return {track: values.astype(np.float32) for track, values in moved.items()}


def _like_those_before(decoded: Decoded, tracks: dict[str, list[np.ndarray]], path: Path) -> Decoded | InputError:
    """A clip whose joints are those of the clips before it; or why it cannot be had."""
    changed = decoded.tracks
    try:
        if "joints" in tracks:
            changed = in_skeleton(changed, tracks["joints"][0].shape[1])
        for track, values in changed.items():
            if values.shape[1:] != tracks[track][0].shape[1:]:
                raise InputError(f"has {track} of another kind than the clips before (expected the same for all)")
    except InputError as error:
        decoded.pixels.close()
        return InputError(f"{path}: {error}")
    return replace(decoded, tracks=changed)


def _track_file(folder: Path, track: str) -> Path:
    return folder / f"{track}.npy"


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
    tracks: dict[str, list[np.ndarray]] = {}
    for track in options.kept:
        values = np.asarray(np.load(_track_file(folder, track), mmap_mode="r"))
        tracks[track] = [values[record.start : record.start + record.length] for record in records]
    return Clips(
        map_pixels(pixel_file, (rows, options.size, options.size, options.channels)),
        records,
        name=name,
        layout=layout,
        label_names=listing.label_names,
        problems=[Problem(**placed(problem)) for problem in index["problems"]],
        tracks=tracks,
        skeleton=skeleton_of(tracks["joints"][0].shape[1]) if "joints" in tracks else None,
        pixel_file=pixel_file,
    )


def _progress(items: Iterator[T], total: int) -> Iterator[T]:
    """Shows a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items, "Reading clips", total, console=console, transient=True, disable=not sys.stderr.isatty())
