"""Clips that another method made, found for the real ones that they are of."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from mutoscope.data.open import open_clips
from mutoscope.errors import InputError
from mutoscope.systems.base import CONFIG_FILE
from mutoscope.systems.conditions import Conditions


def coarse_clips(source: str, conditions: Conditions) -> list[UInt8[np.ndarray, "t h w c"]]:
    """For each row of conditions a clip that another method made.

    Args:
        source: a folder of clips that bear the same names, or weights or a run of a system that goes on from frames.
        conditions: what is known of real clips: frames that are given, and their path.

    Raises:
        InputError: a clip is missing or too short, the first is named; or the system cannot go on from these frames.
    """
    height, width, channels = conditions.pictures.shape[1:]
    if any((folder / CONFIG_FILE).is_file() for folder in (Path(source), Path(source) / "weights")):
        from mutoscope.systems.loading import load

        other = load(source)
        theirs = (*other.config.size, other.config.channels)
        if theirs != (height, width, channels):
            shown, own = (" x ".join(map(str, shape)) for shape in (theirs, (height, width, channels)))
            raise InputError(f"{source}: draws frames of {shown} (expected {own}: height, width, channels)")
        return list(other.outputs(conditions))
    made = open_clips(source, size=(height, width), channels=channels)
    names = {name: i for i, name in enumerate(stems([r.path for r in made.records], made.column("label")))}
    paths = conditions.columns["path"]
    wanted = stems(paths, conditions.columns.get("label", [None] * len(paths)))
    found = []
    for name, length in zip(wanted, conditions.lengths, strict=True):
        if name not in names:
            raise InputError(f"{source}: has no clip {name} (expected one for every clip)")
        frames = made[names[name]].frames
        if len(frames) < length:
            raise InputError(f"{source}: {name} has {len(frames)} frames (expected at least {length})")
        found.append(frames[:length])
    return found


def stems(paths: Sequence[str], labels: Sequence[int | None]) -> list[str]:
    """What clips are called: the file's name without its suffix, below the folder of its label if all have one."""
    files = [Path(path) for path in paths]
    return [file.stem if None in labels else f"{file.parent.name}/{file.stem}" for file in files]
