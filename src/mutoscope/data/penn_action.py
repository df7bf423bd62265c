"""Penn Action: 2,326 clips of 15 sports, each frame with 13 joints and a box around the person.

W. Zhang, M. Zhu and K. G. Derpanis, "From actemes to action: a strongly-supervised representation for detailed action
understanding", ICCV 2013. The forecast-and-refine system learns from eight of the actions: `PAPER_ACTIONS`.
"""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from mutoscope.data.layouts import LOOKED_AT, ColumnSource, Entry, Layout, Listing, folders, media_entry, refused_entry
from mutoscope.errors import InputError
from mutoscope.media.checks import reading

ACTIONS = (
    "baseball_pitch", "baseball_swing", "bench_press", "bowl", "clean_and_jerk", "golf_swing", "jump_rope",
    "jumping_jacks", "pullup", "pushup", "situp", "squat", "strum_guitar", "tennis_forehand", "tennis_serve",
)  # fmt: skip
PAPER_ACTIONS = (
    "baseball_pitch", "baseball_swing", "clean_and_jerk", "golf_swing", "jump_rope", "jumping_jacks", "tennis_forehand",
    "tennis_serve",
)  # fmt: skip
JOINTS = 13
MARGIN = 5  # pixels around a body
FIELDS = ("action", "x", "y", "visibility", "bbox", "nframes", "train")


class PennAction(Layout):
    """Folders of frames with a file of labels each; the action is the label, and every clip a subject of its own."""

    name = "Penn Action"
    looks_like = "frames/<number>/<frames> and labels/<number>.mat"

    @staticmethod
    def matches(path: Path) -> bool:
        return any(_file_of(clip).is_file() for clip in folders(path / "frames")[:LOOKED_AT])

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        entries = [_entry(path, folder) for folder in folders(path / "frames")]
        return Listing(path, entries, list(ACTIONS))

    @staticmethod
    def held_out(paths: list[Path], subjects: list[str | None]) -> list[bool]:
        return [int(np.ravel(_labels(_file_of(path))["train"])[0]) != 1 for path in paths]


def _file_of(clip: Path) -> Path:
    """The file of labels of a clip, `<root>/frames/<number>`."""
    return clip.parent.parent / "labels" / f"{clip.name}.mat"


def _entry(root: Path, folder: Path) -> Entry:
    file = _file_of(folder)
    try:
        entry = media_entry(root, folder, label=ACTIONS.index(_action(file)), subject=folder.name)
    except InputError as error:
        entry = refused_entry(error, root, folder, subject=folder.name)
    source = ColumnSource(("joints", "visible", "boxes"), partial(_columns, file), (file,))
    return replace(entry, sources=(source,), margin=MARGIN)


def _action(path: Path) -> str:
    action = str(np.ravel(_labels(path)["action"])[0])
    if action not in ACTIONS:
        raise InputError(f"{path}: tells of {action!r} (expected one of {', '.join(ACTIONS)})")
    return action


def _columns(path: Path) -> dict[str, np.ndarray]:
    """Joints and boxes; the file counts pixels from 1, at their centres."""
    labels = _labels(path)
    frames = int(np.ravel(labels["nframes"])[0])
    for name, count in (("x", JOINTS), ("y", JOINTS), ("visibility", JOINTS), ("bbox", 4)):
        if labels[name].shape != (frames, count):
            shown = " x ".join(map(str, labels[name].shape))
            raise InputError(f"{path}: has {name} of shape {shown} (expected {frames} x {count})")
    columns = {
        "joints": np.stack([labels["x"], labels["y"]], axis=-1) - 0.5,
        "visible": (labels["visibility"] > 0).astype(np.float32),
        "boxes": labels["bbox"] - np.array([1, 1, 0, 0]),
    }
    return {name: values.astype(np.float32) for name, values in columns.items()}


@cache
def _labels(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    with reading(path, "labels as MATLAB's .mat"):
        labels: dict[str, Any] = loadmat(path)
    if missing := [field for field in FIELDS if field not in labels or not np.size(labels[field])]:
        raise InputError(f"{path}: lacks {', '.join(missing)} (expected {', '.join(FIELDS)})")
    return labels
