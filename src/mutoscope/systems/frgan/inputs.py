"""From what users bring to what the system takes: frames of its size, and a row of structure for each.

A picture or video may have any size and format. Its structure is taken from a file that is named (or lies beside it:
`structures/<clip>.npz`), or else found in its frames by an installed detector.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float32, UInt8

from mutoscope.data.clip_folder import ClipFolder
from mutoscope.data.columns import check_values, move, skeleton_of
from mutoscope.data.estimation import fill_gaps
from mutoscope.data.fitting import Move, move_of_frame, move_to_body, move_to_face
from mutoscope.data.structure_files import columns_beside, read_columns
from mutoscope.errors import InputError
from mutoscope.media.landmarks import find_joints, find_landmarks
from mutoscope.systems.cropping import Cutout, Picture, read_video
from mutoscope.systems.frgan.generation import Generation
from mutoscope.systems.frgan.structures import Face, Joints, Maps, Row, Rows, Structure
from mutoscope.systems.inputs import Frames, read_lines

Region = Annotated[
    Literal["auto", "subject", "centre", "none"],
    "What is seen: the subject, the centre, all (none); frames of the right size as they are (auto).",
]
Source = str | os.PathLike | None
NewRows = Float32[np.ndarray, "_ p"]
"""Rows, of which there are as many as were asked for."""

MOST_FRAMES = 100_000
PLACES = ("joints", "visible", "landmarks", "face")
"""The columns that say where things are."""
PICTURE_MARGIN = 0.35
"""Room around a body in a picture, on every side, as a share of it: there it is to move."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What a system gets to see of a picture or video.

    Attributes:
        frames: at the system's size.
        rows: the structure of each; of a picture one.
        cutout: the first frame as it was, and the part of it that is seen.
        last: the last frame as it was.
    """

    frames: UInt8[np.ndarray, "t s s c"]
    rows: Rows
    cutout: Cutout
    last: Picture

    @property
    def picture(self) -> UInt8[np.ndarray, "s s c"]:
        """The first frame."""
        return self.frames[0]

    @property
    def row(self) -> Row:
        """Its structure."""
        return self.rows[0]

    def at_end(self) -> "Scene":
        """The last frame alone."""
        part = Cutout(self.last, self.cutout.box, self.cutout.what, self.cutout.size)
        return Scene(self.frames[-1:], self.rows[-1:], part, self.last)


def read_scene(
    system: Generation, source: Frames, structure: Source, region: Region, *, what: str, most: int = MOST_FRAMES
) -> Scene:
    """Reads a video, or with `most` 1 a picture, and its structure.

    Args:
        system: whose sizes and kind of structure count.
        source: a file, a folder of frames, or frames as an array.
        structure: a file or folder of columns, a table of rows, or None to look beside the source, then in the frames.
        region: what is seen: the subject that is found, the centre or all (none), squeezed into a square; with auto
            all of frames that have the system's size, the subject of others.
        what: what to call the source in messages.
        most: frames read.

    Raises:
        InputError: no such file, frames too small, no structure or one that does not fit.
    """

    def pictures() -> Iterator[Picture]:
        yield from islice(read_video(source, system.config.channels, whole=most == 1), most)

    first = next(pictures())
    if structure is not None and Path(structure).suffix.lower() == ".csv":
        rows = read_rows(structure, system.structure)
        seen = move_of_frame(first.shape, system.config.size, "stretch")
    else:
        columns = columns_of(system.structure, source, structure, pictures(), what)
        try:
            seen = seen_of(first.shape, system.config.size, columns, region, alone=most == 1)
            moved = move(columns, seen)
        except InputError as error:
            raise InputError(f"{what}: {error}") from error
        skeleton = skeleton_of(columns["joints"].shape[1]) if "joints" in columns else None
        rows = system.structure.rows(moved, skeleton, what)
    frames, last = [], first
    for last in pictures():  # read anew, so that a long video at its full size never lies in memory
        frames.append(seen.frame(last))
    if len(rows) < len(frames):
        raise InputError(f"{what}: has {len(frames)} frames, its structure {len(rows)} (expected as many)")
    cutout = Cutout(first, seen.region, what, system.config.image_size)
    return Scene(np.stack(frames), rows[: len(frames)], cutout, last)


def columns_of(
    structure: Structure, source: Frames, named: Source, pictures: Iterator[Picture], what: str
) -> dict[str, np.ndarray]:
    """The columns that rows are made of, in pixels of the source's own frames."""
    if named is not None:
        columns = read_columns(Path(named))
    else:
        columns = {} if isinstance(source, np.ndarray) else columns_beside(Path(source))
        if not set(columns) & {*structure.config.columns, *(("face",) if isinstance(structure, Face) else ())}:
            columns = found_columns(structure, pictures, what)
    if "joints" in columns and "visible" not in columns:
        columns["visible"] = np.ones(columns["joints"].shape[:2], np.float32)
    used = (*PLACES, "maps") if isinstance(structure, Maps) else PLACES
    columns = {name: values for name, values in columns.items() if name in used}
    frames = len(np.atleast_1d(next(iter(columns.values()), ())))
    try:
        check_values(columns, frames, (0, 0), structure.config.size)
    except InputError as error:
        raise InputError(f"{what}: its structure {error}") from error
    return columns


def found_columns(structure: Structure, pictures: Iterator[Picture], what: str) -> dict[str, np.ndarray]:
    """Tracks found in frames by the installed detector.

    Raises:
        InputError: none is installed, it finds nobody, or there is none for this kind of structure.
    """
    if isinstance(structure, Face):
        landmarks, seen = find_landmarks(pictures)
        found, visible = np.asarray(seen > 0), np.repeat(seen[:, None], landmarks.shape[1], axis=1)
    elif isinstance(structure, Joints):
        landmarks, visible = find_joints(pictures)
        found = np.asarray((visible > 0).any(axis=1))
    else:
        raise InputError(f"{what}: has no maps beside it (expected --structure FILE.npz with an array maps)")
    if not found.any():
        who = "face" if isinstance(structure, Face) else "body"
        raise InputError(f"{what}: no {who} found in it (expected one, or a file of its structure)")
    points, visible = fill_gaps(landmarks, visible, found)
    return {"landmarks": points} if isinstance(structure, Face) else {"joints": points, "visible": visible}


def seen_of(
    shape: tuple[int, ...], size: tuple[int, int], columns: dict[str, np.ndarray], region: Region, alone: bool
) -> Move:
    """The part of every frame of this shape that is seen, brought to the system's size."""
    if region == "none" or (region == "auto" and shape[:2] == size):
        return move_of_frame(shape, size, "stretch")
    if region == "centre":
        return move_of_frame(shape, size, "crop")
    if "landmarks" in columns:
        return move_to_face(columns["landmarks"], size)
    if "joints" in columns:
        seen = columns["joints"][columns["visible"] > 0]
        longest = float(np.ptp(seen, axis=0).max()) if len(seen) else 0.0
        return move_to_body(shape, columns, size, round(PICTURE_MARGIN * longest) if alone else None)
    return move_of_frame(shape, size, "crop")


def read_rows(path: str | os.PathLike, structure: Structure) -> Rows:
    """Rows from a table, as the control `structure` writes it: in pixels of the system's frames.

    Raises:
        InputError: the file cannot be read, has other columns, or cells that are no numbers.
    """
    names = structure.columns()
    header, *lines = read_lines(path) or [[]]
    if not lines:
        raise InputError(f"{path}: has no rows (expected one for each frame)")
    if missing := [name for name in names if name not in header]:
        raise InputError(f"{path}: has no column {missing[0]} (expected {len(names)}: {names[0]}, {names[1]}, …)")
    records = [dict(zip(header, line, strict=False)) for line in lines]
    return np.array([[number(path, i, name, record) for name in names] for i, record in enumerate(records)], np.float32)


def number(path: str | os.PathLike, row: int, column: str, record: dict[str, str]) -> float:
    """One cell of a table."""
    try:
        value = float(record[column])
    except (KeyError, ValueError):
        value = float("nan")
    if not abs(value) <= float(np.finfo(np.float32).max):
        raise InputError(f"{path}: row {row}, {column}: {record.get(column)!r} is no number (expected one)")
    return value


def edited(structure: Structure, rows: Rows, *, strength: float, speed: float, reverse: bool, hold: int) -> NewRows:
    """Rows as a user wants them: stronger, faster, backwards, resting at the end.

    Args:
        strength: how far things move from where they are in the first row, times what they do.
        speed: rows a frame; between rows numbers are interpolated.
        reverse: from the last row to the first.
        hold: frames that the last row is added for.
    """
    rows = structure.strengthened(rows, strength)
    if reverse:
        rows = rows[::-1]
    if speed != 1:
        rows = resampled(rows, np.arange(0, len(rows) - 1 + 1e-6, speed))
    return np.concatenate([rows, np.repeat(rows[-1:], hold, axis=0)])


def resampled(rows: Rows, times: np.ndarray) -> NewRows:
    """Rows at times between theirs, on straight lines."""
    before = np.floor(times).astype(int).clip(0, len(rows) - 1)
    after = (before + 1).clip(0, len(rows) - 1)
    share = (times - before).astype(np.float32)[:, None]
    return rows[before] * (1 - share) + rows[after] * share


def there_and_back(rows: Rows, frames: int) -> NewRows:
    """So many rows: all of them, then back to the first, and so on."""
    period = max(2 * len(rows) - 2, 1)
    times = np.arange(frames) % period
    return rows[np.minimum(times, period - times)]


def clips_in(source: str | os.PathLike) -> list[Path]:
    """The clips in a folder, or the one that a path names.

    Raises:
        InputError: there is nothing.
    """
    path = Path(source)
    if not path.exists():
        raise InputError(f"{path}: does not exist (expected a clip or a folder of clips)")
    listing = ClipFolder.listing(path, 0) if ClipFolder.matches(path) else None
    found = [listing.root / entry.path for entry in listing.entries] if listing else []
    if not found:
        raise InputError(f"{path}: holds no clips (expected a clip or a folder of clips)")
    return found
