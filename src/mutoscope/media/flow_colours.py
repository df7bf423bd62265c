"""Optical flow as pictures: the colour wheel of the Middlebury benchmark (Baker et al., IJCV 2011)."""

import numpy as np
from jaxtyping import Float32, Float64, UInt8

_STEPS = {"red": 15, "yellow": 6, "green": 4, "cyan": 11, "blue": 13, "magenta": 6}  # from each colour to the next
_RGB = {
    "red": (1, 0, 0),
    "yellow": (1, 1, 0),
    "green": (0, 1, 0),
    "cyan": (0, 1, 1),
    "blue": (0, 0, 1),
    "magenta": (1, 0, 1),
}
_TOO_FAST = 0.75  # brightness of what lies beyond the rim


def wheel_colours() -> Float64[np.ndarray, "55 3"]:
    """The wheel's 55 colours, RGB from 0 to 1, clockwise from red; hues told apart easily take more room."""
    starts = np.cumsum([0, *_STEPS.values()])
    corners = np.array([*_RGB.values(), _RGB["red"]], np.float64)
    return np.stack([np.interp(np.arange(starts[-1]), starts, channel) for channel in corners.T], axis=1)


def flow_colours(vectors: Float32[np.ndarray, "*t h w 2"], fastest: float) -> UInt8[np.ndarray, "*t h w 3"]:
    """Direction as hue, speed as saturation: white is still, right is red, down yellow, left cyan to blue, up violet.

    Args:
        vectors: Flow, x (to the right) before y (downwards), in pixels per frame.
        fastest: Speed of the full colours, in pixels per frame; what is faster is darker. Pictures that are to be
            compared need the same one.

    Raises:
        ValueError: `fastest` is not positive.
    """
    if not fastest > 0:
        raise ValueError(f"fastest is {fastest}: expected a positive speed")
    x, y = np.moveaxis(vectors.astype(np.float64), -1, 0)
    colours = wheel_colours()
    place = np.arctan2(y, x) / (2 * np.pi) % 1 * len(colours)
    before = np.floor(place).astype(int)
    share = (place - before)[..., None]
    hue = (1 - share) * colours[before % len(colours)] + share * colours[(before + 1) % len(colours)]
    speed = np.hypot(x, y)[..., None] / fastest
    pixels = np.where(speed <= 1, 1 - speed * (1 - hue), _TOO_FAST * hue)
    return (pixels * 255).round().astype(np.uint8)


def wheel_picture(size: int) -> UInt8[np.ndarray, "size size 3"]:
    """The legend: a disc in which every place has the colour of the motion from the centre to it."""
    place = (np.arange(size, dtype=np.float32) + 0.5) * 2 / size - 1
    vectors = np.stack(np.meshgrid(place, place), axis=-1)
    inside = np.hypot(vectors[..., 0], vectors[..., 1]) <= 1
    return flow_colours(vectors * inside[..., None], 1.0)
