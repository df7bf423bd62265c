"""Clips whose pixels say where they come from, as arrays and as files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mutoscope.data import Clips, clips_from_arrays
from mutoscope.media.images import write_image


def numbered_clip(clip: int, frames: int, size: int = 16) -> np.ndarray:
    """A clip whose left half is as bright as the clip's number, and whose right half as the time."""
    pixels = np.empty((frames, size, size, 3), np.uint8)
    pixels[:, :, : size // 2] = clip
    pixels[:, :, size // 2 :] = np.arange(frames)[:, None, None, None]
    return pixels


@pytest.fixture
def numbered() -> Clips:
    """Clips of 5, 7 and 9 frames."""
    arrays = [numbered_clip(clip, frames) for clip, frames in enumerate([5, 7, 9])]
    return clips_from_arrays(arrays, name="numbered", columns={"label": [0, 1, 0]}, label_names=["even", "odd"])


@pytest.fixture
def write_strip() -> Callable[..., Path]:
    """Writes a clip as a strip of its frames, left to right."""

    def write(path: Path, clip: int = 0, frames: int = 4, size: int = 16) -> Path:
        return write_image(path, np.concatenate(list(numbered_clip(clip, frames, size)), axis=1))

    return write


@pytest.fixture
def write_frames() -> Callable[..., Path]:
    """Writes a clip as a folder of numbered pictures."""

    def write(folder: Path, clip: int = 0, frames: int = 4, size: int = 16) -> Path:
        for time, frame in enumerate(numbered_clip(clip, frames, size)):
            write_image(folder / f"frame{time}.png", frame)
        return folder

    return write
