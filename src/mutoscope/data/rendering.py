"""Clips of the synthetic sets as files, with their columns per frame beside them."""

from pathlib import Path
from typing import Literal

from mutoscope.data.columns import COLUMNS
from mutoscope.data.layouts import BESIDE
from mutoscope.data.open import open_clips
from mutoscope.data.synthetic import NAMES
from mutoscope.errors import InputError
from mutoscope.files import replacing
from mutoscope.media.results import Arrays, Video

STRUCTURES = BESIDE[0]


def render(
    name: str,
    out: str | Path,
    clips: int = 8,
    size: int = 64,
    channels: int = 3,
    seed: int = 1000,
    suffix: Literal[".mp4", ".gif", ".png", ".npy"] = ".mp4",
    fps: float = 8.0,
) -> Path:
    """Writes clips of a synthetic set as `<out>/<label>/<number>.mp4`, a folder of clips like any other.

    What the set knows of every frame becomes `<out>/structures/<label>/<number>.npz`, in pixels of the
    frames written: where `open_clips` looks for it.

    Args:
        name: Name of a synthetic set.
        out: Folder to write to, which must not exist.
        clips: How many, from the set's beginning.
        size: Height and width of a frame in pixels.
        channels: 3 for colour, 1 for grey.
        seed: Seed of the set; that of training is 0.
        suffix: Format: a video or GIF to look at, or without loss a strip (.png) or an array (.npy).
        fps: Frames a second.

    Raises:
        InputError: there is no such set, the folder exists, or a number is out of range.
    """
    if name not in NAMES:
        raise InputError(f"{name}: no such synthetic set (expected one of {', '.join(NAMES)})")
    out = Path(out)
    if out.exists():
        raise InputError(f"{out}: exists already (expected a new folder)")
    if fps <= 0:
        raise InputError(f"fps: {fps} (expected a positive number)")
    rendered = open_clips(name, size=size, channels=channels, seed=seed, max_clips=clips)
    with replacing(out) as temporary:
        for number in range(len(rendered)):
            clip = rendered[number]
            label = rendered.label_names[clip.label] if clip.label is not None else "clips"
            Video(clip.frames, fps).save(temporary / label / f"{number:04d}{suffix}")
            if columns := {name: values for name, values in clip.columns.items() if COLUMNS[name].per_frame}:
                Arrays(columns).save(temporary / STRUCTURES / label / f"{number:04d}.npz")
    return out
