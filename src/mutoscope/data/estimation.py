"""The columns per frame of a clip on disk: as they lie beside it, or else found in its frames."""

from collections.abc import Iterable
from pathlib import Path
from threading import Lock

import numpy as np
from jaxtyping import Float32

from mutoscope.data.layouts import Entry, Listing
from mutoscope.errors import InputError
from mutoscope.media.landmarks import find_joints, find_landmarks
from mutoscope.media.subjects import INSTALL, detector_installed

CAN_BE_FOUND = ("joints", "visible", "landmarks")
FEWEST_FOUND = 0.5  # of a clip's frames
_one_at_a_time = Lock()  # a network uses all cores


def check_available(listing: Listing, names: Iterable[str]) -> None:
    """Checks that columns per frame can be had of the clips of a listing.

    Raises:
        InputError: a column that cannot be found in frames lies beside no clip; or one that can be does not lie beside
            every clip, and no detector is installed.
    """
    names = tuple(names)
    for name in names:
        if name not in CAN_BE_FOUND and not any(_lies_beside(entry, name) for entry in listing.entries):
            raise InputError(f"{listing.root}: has no {name} (expected structures/<clip>.npz with an array {name})")
    for name, without in to_be_found(listing, names).items():
        if not detector_installed():
            raise InputError(
                f"{listing.root}: {without} of {len(listing.entries)} clips have no {name} beside them, and "
                f"finding them needs a detector (expected mediapipe: {INSTALL})"
            )


def to_be_found(listing: Listing, names: Iterable[str]) -> dict[str, int]:
    """Which of the columns have to be found in frames, and in how many clips."""
    without = {
        name: sum(not _lies_beside(entry, name) for entry in listing.entries)
        for name in names
        if name in CAN_BE_FOUND and name != "visible"  # is found with the joints
    }
    return {name: count for name, count in without.items() if count}


def with_faces_for_landmarks(listing: Listing, names: tuple[str, ...]) -> tuple[str, ...]:
    """The columns to ask for: parameters of faces instead of landmarks, where all clips have them beside them."""
    if not all(_lies_beside(entry, "face") for entry in listing.entries):
        return names
    return tuple("face" if name == "landmarks" else name for name in names)


def find_columns(path: Path, entry: Entry, wanted: Iterable[str]) -> dict[str, np.ndarray]:
    """The wanted columns of a clip, and what else lies where they lie, in pixels of the file's own frames.

    Joints are found together with `visible`; joints that lie beside a clip without it are all seen.

    Raises:
        InputError: they cannot be read, or lie nowhere and cannot be found.
    """
    columns: dict[str, np.ndarray] = {}
    for source in entry.sources:
        columns |= source.read()
    for name in wanted:
        if name in columns or name == "visible":
            continue
        if name not in CAN_BE_FOUND:
            raise InputError(f"{path}: has no {name} (expected it beside the clip)")
        columns |= _found(path, entry, name)
    if "joints" in columns and "visible" not in columns:
        columns["visible"] = np.ones(columns["joints"].shape[:2], np.float32)
    return columns


def fill_gaps(
    points: Float32[np.ndarray, "t k 2"], visible: Float32[np.ndarray, "t seen"], found: np.ndarray
) -> tuple[Float32[np.ndarray, "t k 2"], Float32[np.ndarray, "t seen"]]:
    """Points between those of the nearest frames before and after, for frames in which nothing was found.

    Before the first frame and after the last in which something was found the points rest. A point is as visible as in
    the one of the two frames where it is less so. Nothing changes in the other frames.

    Args:
        visible: of each point, or of all together.
        found: whether something was found in each frame ("t", bool); in at least one it was.
    """
    times = np.flatnonzero(found)
    place = np.interp(np.arange(len(points)), times, np.arange(len(times)))
    before, after = times[np.floor(place).astype(int)], times[np.ceil(place).astype(int)]
    share = (place % 1).astype(np.float32)[:, None, None]
    return points[before] * (1 - share) + points[after] * share, np.minimum(visible[before], visible[after])


def _lies_beside(entry: Entry, name: str) -> bool:
    return any(name in source.names for source in entry.sources)


def _found(path: Path, entry: Entry, name: str) -> dict[str, np.ndarray]:
    frames, _ = entry.open(3)
    with _one_at_a_time:
        if name == "landmarks":
            points, seen = find_landmarks(frames)
            visible = seen[:, None]
        else:
            points, visible = find_joints(frames)
    found = np.asarray((visible > 0).any(axis=1))
    if not found.any() or found.mean() < FEWEST_FOUND:
        who = "a face" if name == "landmarks" else "a body"
        raise InputError(f"{path}: shows {who} in {found.sum()} of {len(found)} frames (expected at least half)")
    points, visible = fill_gaps(points, visible, found)
    return {"landmarks": points} if name == "landmarks" else {"joints": points, "visible": visible}
