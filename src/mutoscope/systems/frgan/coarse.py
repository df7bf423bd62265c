"""Clips that another method made, found for the real ones that they are of."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from mutoscope.data.clips import Clips
from mutoscope.data.open import open_clips
from mutoscope.errors import InputError


def coarse_clips(folder: str, clips: Clips, size: int, channels: int) -> list[UInt8[np.ndarray, "t h w c"]]:
    """For each clip the one of the same name in `folder`, of at least as many frames.

    Names are compared without suffixes, with as many parents as are needed to tell clips apart.

    Raises:
        InputError: one is missing or too short; the first is named.
    """
    made = open_clips(folder, size=size, channels=channels)
    names = stems(made)
    found = []
    for record, name in zip(clips.records, stems(clips), strict=True):
        if name not in names:
            raise InputError(f"{folder}: has no clip {name} (expected one for every clip of {clips.name})")
        frames = made[names.index(name)].frames
        if len(frames) < record.length:
            raise InputError(
                f"{folder}: {name} has {len(frames)} frames (expected at least {record.length}, the real ones)"
            )
        found.append(frames)
    return found


def stems(clips: Clips) -> list[str]:
    """What clips are called: the file's name without its suffix, below the folder of its label if it has one."""
    labelled = all(record.label is not None for record in clips.records)
    paths = [Path(record.path) for record in clips.records]
    return [f"{path.parent.name}/{path.stem}" if labelled else path.stem for path in paths]
