"""Clips that another method made, found for the real ones that they are of."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from mutoscope.data.clips import Clips
from mutoscope.data.open import open_clips
from mutoscope.errors import InputError
from mutoscope.systems.base import CONFIG_FILE


def coarse_clips(source: str, clips: Clips, given: int) -> list[UInt8[np.ndarray, "t h w c"]]:
    """For each clip one that another method made of it.

    Args:
        source: a folder of clips that bear the same names, or weights or a run of a system that follows clips.
        clips: real ones.
        given: how many frames of each the system is given.

    Raises:
        InputError: a clip is missing or too short, the first is named; or the system cannot follow these clips.
    """
    if any((folder / CONFIG_FILE).is_file() for folder in (Path(source), Path(source) / "weights")):
        from mutoscope.systems.loading import load

        other = load(source)
        own, theirs = (clips.size, clips.channels), (other.image_size, other.channels)
        if own != theirs:
            raise InputError(f"{source}: draws frames of {theirs[0]} pixels and {theirs[1]} channels (expected {own})")
        return list(other.follow_clips(clips, given))
    made = open_clips(source, size=clips.size, channels=clips.channels)
    names = {name: i for i, name in enumerate(stems(made))}
    found = []
    for record, name in zip(clips.records, stems(clips), strict=True):
        if name not in names:
            raise InputError(f"{source}: has no clip {name} (expected one for every clip of {clips.name})")
        frames = made[names[name]].frames
        if len(frames) < record.length:
            raise InputError(f"{source}: {name} has {len(frames)} frames (expected at least {record.length})")
        found.append(frames[: record.length])
    return found


def stems(clips: Clips) -> list[str]:
    """What clips are called: the file's name without its suffix, below the folder of its label if it has one."""
    labelled = all(record.label is not None for record in clips.records)
    paths = [Path(record.path) for record in clips.records]
    return [f"{path.parent.name}/{path.stem}" if labelled else path.stem for path in paths]
