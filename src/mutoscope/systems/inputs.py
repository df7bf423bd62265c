"""Pictures, videos and tables that users hand to controls."""

import csv
import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
from jaxtyping import UInt8

from mutoscope.data.fitting import Fit, fit_frame
from mutoscope.errors import InputError
from mutoscope.media.images import Frame, to_channels

# a picture, a folder of pictures, a video, a GIF, a strip, a .npy of frames, or the frames themselves (uint8, t h w c)
Frames: TypeAlias = str | os.PathLike | np.ndarray


def read_frames(
    source: Frames, size: int, channels: int, fit: Fit = "crop"
) -> UInt8[np.ndarray, "t size size channels"]:
    """Frames of any size and format as a system needs them.

    Raises:
        InputError: nothing readable there, or an array that is not uint8 `t h w c`.
    """
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or source.ndim != 4 or source.shape[-1] not in (1, 3) or not len(source):
            raise InputError(f"frames: an array of {source.dtype} {source.shape} (expected uint8 t h w c, c 1 or 3)")
        frames: Iterable[Frame] = (to_channels(frame, channels) for frame in source)
    else:
        from mutoscope.media.frames import open_frames

        frames = open_frames(Path(source), channels=channels)
    return np.stack([fit_frame(frame, size, fit) for frame in frames])


def read_lines(path: str | os.PathLike, most: int | None = None) -> list[list[str]]:
    """The first lines of a CSV file that are not empty, or all. Raises InputError where it cannot be read."""
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets begin a file with a mark
            return list(islice(filter(None, csv.reader(file)), most))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not a CSV file ({error})") from error
