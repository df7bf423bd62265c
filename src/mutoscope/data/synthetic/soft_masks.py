"""From the colours of a frame to where something of a known colour is: shared by the read-outs of `reach` and `talk`.

A soft mask says how much of each pixel, in [0, 1], belongs to the thing. It is graded, so that centres and areas are
exact to a part of a pixel, and 0 far from the thing's colour, so that noise elsewhere does not count.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from mutoscope.errors import InputError

SMOOTHING = 0.7
"""Standard deviation of the slight blur that takes noise away, in pixels; cut off after one pixel."""


class Spot(NamedTuple):
    """What a soft mask marks in each frame.

    Attributes:
        x: of the centroid, in pixels from the left edge; NaN where not found.
        y: the same from the top edge.
        found: whether enough is marked, and in one place.
    """

    x: Float32[np.ndarray, "*n t"]
    y: Float32[np.ndarray, "*n t"]
    found: Bool[np.ndarray, "*n t"]


def smooth_colours(clip: UInt8[np.ndarray, "t h w c"]) -> Float32[np.ndarray, "t h w 3"]:
    """RGB in [0, 1], slightly blurred.

    Raises:
        InputError: the clip has no three channels.
    """
    import cv2

    if clip.shape[-1] != 3:
        raise InputError(f"read-out by colour: clips have {clip.shape[-1]} channels (expected 3, RGB)")
    return np.stack([cv2.GaussianBlur(frame, (3, 3), SMOOTHING) for frame in clip.astype(np.float32) / 255])


def ramp(values: Float32[np.ndarray, "t h w"], edge: tuple[float, float]) -> Float32[np.ndarray, "t h w"]:
    """0 up to the edge's first value, 1 from its second on, a straight line between them."""
    low, high = edge
    return ((values - low) / (high - low)).clip(0, 1)


def locate(mask: Float32[np.ndarray, "t h w"], *, least_share: float, most_spread: float) -> Spot:
    """The centroid of a soft mask.

    Args:
        mask: in [0, 1].
        least_share: found is what marks at least so much of the frame.
        most_spread: found is what is at most so far from its centroid, root mean square, in sides of the frame.
    """
    height, width = mask.shape[1:]
    columns, rows = (np.arange(length, dtype=np.float32) + 0.5 for length in (width, height))
    mass = mask.sum((1, 2))
    share_of_columns, share_of_rows = (mask.sum(axis) / np.maximum(mass, 1e-6)[:, None] for axis in (1, 2))
    x, y = share_of_columns @ columns, share_of_rows @ rows
    variance = share_of_columns @ columns**2 - x**2 + share_of_rows @ rows**2 - y**2
    found = (mass >= least_share * height * width) & (variance <= (most_spread * max(height, width)) ** 2)
    return Spot(np.where(found, x, np.float32(np.nan)), np.where(found, y, np.float32(np.nan)), found)
