"""Columns per frame in files beside any clips, in three formats of other programs' results.

<root>/structures/<clip>.npz                  arrays named as in `data.columns`: joints, landmarks, mask, …
<root>/poses-openpose/<clip>/<frame>.json     what OpenPose writes, with or without `_keypoints` after the frame's name
<root>/landmarks-dlib68/<clip>/<frame>.json   68 pairs of x and y

<clip> is the path of the clip below <root>, without the suffix of a file. The files of a folder of frames bear
the names of its frames; those of a video are taken in order.
"""

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mutoscope.data.clip_folder import ClipFolder
from mutoscope.data.columns import LANDMARKS, per_frame
from mutoscope.data.layouts import BESIDE, PICTURES, ColumnSource, Entry, Layout, Listing, media_entry, visible
from mutoscope.errors import InputError
from mutoscope.media.checks import reading

PIXEL_CENTRE = 0.5  # of pixel 0: these programs give pixels whole numbers at their centres
OPENPOSE_COUNTS = (18, 25)  # joints of COCO's order and of BODY_25
STRUCTURES, POSES, FACES = BESIDE
DEPTH = 3  # folders above a clip's own in which these folders are looked for


class ImagesAndStructures(Layout):
    """Clips in `images/` and their columns in folders beside it, as sets for video-to-video translation come."""

    name = "images and structures"
    looks_like = "images/<clip>/<frames>, poses-openpose/<clip>/<frame>.json, landmarks-dlib68/<clip>/<frame>.json"

    @staticmethod
    def matches(path: Path) -> bool:
        images = path / "images"
        return images.is_dir() and any((path / name).is_dir() for name in BESIDE) and ClipFolder.matches(images)

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        return with_structures(ClipFolder.listing(path / "images", seed), path)


def with_structures(listing: Listing, folder: Path | None = None) -> Listing:
    """A listing whose entries know the columns that lie in folders beside them.

    Args:
        folder: what the folders lie in, if not in the listing's root.
    """
    folder = folder or listing.root
    if not any((folder / name).is_dir() for name in BESIDE):
        return listing
    return replace(listing, entries=[_with_sources(entry, folder) for entry in listing.entries])


def read_columns(path: Path) -> dict[str, np.ndarray]:
    """The columns in one file of arrays, or in a folder of a clip's keypoints, one file a frame.

    Raises:
        InputError: it is neither, or what is there cannot be read.
    """
    if path.is_file():
        columns = _arrays(path)
        if not columns:
            raise InputError(f"{path}: has no columns (expected arrays named {', '.join(per_frame())})")
        return columns
    if not path.is_dir():
        raise InputError(f"{path}: does not exist (expected .npz, or a folder of OpenPose's or dlib's JSON)")
    files = tuple(file for file in visible(path) if file.suffix == ".json")
    of_people = bool(files) and _read(files[0], lambda content: ["people" in content])[0]
    return _openpose(path, files, []) if of_people else _dlib(path, files, [])


def columns_beside(clip: Path) -> dict[str, np.ndarray]:
    """The columns that lie beside one clip, in the folders of this module next to it or above; none, if none are there.

    Raises:
        InputError: what is there cannot be read.
    """
    for folder in (clip.absolute().parent, *clip.absolute().parent.parents[:DEPTH]):
        for name in ("images", "."):
            root = folder / name
            if root not in clip.absolute().parents:
                continue
            if sources := _with_sources(media_entry(root, clip.absolute()), folder).sources:
                return {name: values for source in sources for name, values in source.read().items()}
    return {}


class _Person(NamedTuple):
    joints: np.ndarray
    visible: np.ndarray


def _with_sources(entry: Entry, folder: Path) -> Entry:
    clip = entry.clip
    sources = []
    for name, columns, read in ((POSES, ("joints", "visible"), _openpose), (FACES, ("landmarks",), _dlib)):
        if (keypoints := folder / name / clip).is_dir():
            files = tuple(file for file in visible(keypoints) if file.suffix == ".json")
            sources.append(ColumnSource(columns, partial(read, keypoints, files, _frames(entry)), files))
    if (arrays := folder / STRUCTURES / f"{clip}.npz").is_file():
        sources.append(ColumnSource(_names_in(arrays), partial(_arrays, arrays), (arrays,)))
    return replace(entry, sources=(*entry.sources, *sources))


def _frames(entry: Entry) -> list[str]:
    """The names of a clip's frames, where they are files of a folder; else none."""
    frames = [file.stem for file in entry.files if file.suffix.lower() in PICTURES]
    return frames if len(frames) == len(entry.files) > 1 else []


def _names_in(path: Path) -> tuple[str, ...]:
    """The columns in a file of arrays, going by its directory; all, if it is damaged, so that reading it says so."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile):
        return per_frame()
    return tuple(name for name in per_frame() if name in names)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with reading(path, f".npz with {', '.join(per_frame())}"), np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name].astype(np.float32) for name in per_frame() if name in arrays.files}


def _openpose(folder: Path, files: tuple[Path, ...], frames: list[str]) -> dict[str, np.ndarray]:
    people = [_person(file) for file in _in_order(folder, files, frames)]
    counts = {len(person.joints) for person in people if person is not None}
    if not counts:
        raise InputError(f"{folder}: has nobody in any frame (expected people)")
    if len(counts) > 1:
        raise InputError(f"{folder}: has people of 18 and of 25 joints (expected one number in all files)")
    nobody = _Person(np.zeros((*counts, 2)), np.zeros((*counts,)))
    everybody = [person or nobody for person in people]
    return {
        "joints": np.array([person.joints for person in everybody], np.float32),
        "visible": np.array([person.visible for person in everybody], np.float32),
    }


def _person(path: Path) -> _Person | None:
    """The largest person of a file, by the height of the joints seen; None where it has nobody."""
    people = []
    for person in _read(path, lambda content: [one["pose_keypoints_2d"] for one in content["people"]]):
        triples = _numbers(path, person, 3)
        if len(triples) not in OPENPOSE_COUNTS:
            raise InputError(f"{path}: has a person of {len(triples)} joints (expected 18 or 25)")
        people.append(_Person(triples[:, :2] + PIXEL_CENTRE, triples[:, 2].clip(0, 1)))
    return max(people, key=_height, default=None)


def _height(person: _Person) -> float:
    rows = person.joints[person.visible > 0, 1]
    return float(np.ptp(rows)) if len(rows) else 0.0


def _dlib(folder: Path, files: tuple[Path, ...], frames: list[str]) -> dict[str, np.ndarray]:
    return {"landmarks": np.array([_face(file) for file in _in_order(folder, files, frames)], np.float32)}


def _face(path: Path) -> np.ndarray:
    points = _numbers(path, _read(path, lambda content: [float(value) for point in content for value in point]), 2)
    if len(points) != LANDMARKS:
        raise InputError(f"{path}: has {len(points)} landmarks (expected {LANDMARKS})")
    return points + PIXEL_CENTRE


def _in_order(folder: Path, files: tuple[Path, ...], frames: list[str]) -> list[Path]:
    """The file of each frame."""
    if not files:
        raise InputError(f"{folder}: has no .json files (expected one for each frame)")
    if not frames:
        return list(files)
    named = {file.stem.removesuffix("_keypoints"): file for file in files}
    missing = [frame for frame in frames if frame not in named]
    if missing:
        raise InputError(f"{folder}: has no {missing[0]}.json (expected one for each frame, {len(missing)} lack)")
    return [named[frame] for frame in frames]


def _read(path: Path, take: Callable[[Any], list[Any]]) -> list[Any]:
    """What `take` takes from a file's content."""
    try:
        return take(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no file of keypoints (expected JSON of OpenPose, or 68 pairs)") from error


def _numbers(path: Path, values: Any, columns: int) -> np.ndarray:
    try:
        numbers = np.array(values, np.float64).reshape(-1, columns)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: has keypoints that are no rows of {columns} numbers (expected these)") from error
    if not np.isfinite(numbers).all():
        raise InputError(f"{path}: has keypoints that are no numbers (expected finite values)")
    return numbers
