"""Brings frames of any shape to one square size."""

from typing import Literal, get_args

import numpy as np
from jaxtyping import UInt8
from PIL import Image

Fit = Literal["crop", "pad", "stretch"]
FITS: tuple[str, ...] = get_args(Fit)


def centre_crop(frame: UInt8[np.ndarray, "h w c"], height: int, width: int) -> UInt8[np.ndarray, "_ _ c"]:
    """The central `height` x `width` pixels (or as many as there are), a view."""
    top = max(round((frame.shape[0] - height) / 2), 0)
    left = max(round((frame.shape[1] - width) / 2), 0)
    return frame[top : top + height, left : left + width]


def fit_frame(frame: UInt8[np.ndarray, "h w c"], size: int, fit: Fit) -> UInt8[np.ndarray, "{size} {size} c"]:
    """Resizes a frame to `size` x `size` pixels with an antialiased bilinear filter.

    Args:
        fit: "crop" keeps the central square, "pad" adds black bars, "stretch" ignores the aspect ratio.
    """
    height, width, channels = frame.shape
    if fit == "crop":
        frame = centre_crop(frame, min(height, width), min(height, width))
    elif fit == "pad":
        frame = _pad_to_square(frame)
    if frame.shape[:2] == (size, size):
        return frame
    image = Image.fromarray(frame[..., 0] if channels == 1 else frame)
    resized = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    return resized.reshape(size, size, channels)


def _pad_to_square(frame: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "side side c"]:
    height, width, _ = frame.shape
    vertical, horizontal = max(width - height, 0), max(height - width, 0)
    bars = ((vertical // 2, vertical - vertical // 2), (horizontal // 2, horizontal - horizontal // 2), (0, 0))
    return np.pad(frame, bars)
