"""Reading type and phase off sprite frames, without learning: for generated frames, whose truth nobody knows."""

import cv2
import numpy as np
import torch
from jaxtyping import Float, Int, UInt8

from mutoscope.data.synthetic.sprites import (
    BAR_ASPECT,
    OFFSET,
    PATH_START,
    PATH_WAY,
    REFERENCE_SIZE,
    TYPES,
    path_directions,
    sprite_coverage,
)

EMPTY_BELOW = 0.12
"""A frame whose brightest spot is darker than this, of 1, shows nothing."""

FULL_ABOVE = 0.5
"""A frame with a larger share of bright pixels shows a background, not a sprite."""

BACKGROUND = 0.3
"""What is darker than this share of a frame's peak is taken for noise and blur."""

LEAST_LIKENESS = 0.6
"""A frame whose correlation with every sprite is lower shows none of them."""


def estimate_phase(frames: UInt8[np.ndarray, "n h w c"], types: int | Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Phase of sprite frames: where the centroid is along the path; for the bar, the angle of its long axis.

    Args:
        frames: frames on a dark background, any size.
        types: index into `TYPES` for all frames or for each; -1 for unknown.

    Returns:
        Phase in [0, 1], float64; nan where a frame is empty or full, or its type is -1.
    """
    mass = _object_mass(frames)
    types = np.broadcast_to(np.asarray(types), len(frames))
    phase = np.where(types == TYPES.index("bar"), _turn(mass), _way_along(mass, types))
    return np.where(types < 0, np.nan, phase)


def estimate_type(frames: UInt8[np.ndarray, "n h w c"]) -> Int[np.ndarray, " n"]:
    """Type of sprite frames: each type is drawn the way it would have to look here, and the most alike wins.

    Returns:
        Index into `TYPES`; -1 where a frame is empty or full or looks like none of the types.
    """
    mass = _object_mass(frames)
    smooth = _smooth(_light(frames))
    redrawn = (_redraw(mass, smooth, index) for index in range(len(TYPES)))
    likeness = np.stack([_correlation(smooth, _smooth(sprites)) for sprites in redrawn])
    likeness = np.where(np.isnan(likeness), -1.0, likeness)
    return np.where(likeness.max(0) < LEAST_LIKENESS, -1, likeness.argmax(0))


def _light(frames: UInt8[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n h w"]:
    """The brightest channel, in [0, 1]: a sprite of any hue counts alike."""
    return frames.max(-1).astype(np.float32) / 255


def _smooth(images: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, "n h w"]:
    """Means over 3×3 pixels: noise counts less, and so does how blurred a frame is."""
    return np.stack([cv2.blur(image, (3, 3)) for image in images]) if len(images) else images


def _object_mass(frames: UInt8[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n h w"]:
    """Light of the object alone, summing to 1 in each frame; nan throughout for empty and full frames."""
    smooth = _smooth(_light(frames))
    peak = smooth.max((1, 2), keepdims=True)
    mass = (smooth - BACKGROUND * peak).clip(min=0)
    shows_object = (peak >= EMPTY_BELOW) & ((mass > 0).mean((1, 2), keepdims=True) <= FULL_ABOVE)
    total = np.where(shows_object, mass.sum((1, 2), keepdims=True), np.nan)
    return mass / total


def _centroid(mass: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, "n 2"]:
    """(x, y) of the centre of mass, in pixels of a 32-pixel picture."""
    height, width = mass.shape[1:]
    x = (mass.sum(1) @ (np.arange(width) + 0.5)) * REFERENCE_SIZE / width
    y = (mass.sum(2) @ (np.arange(height) + 0.5)) * REFERENCE_SIZE / height
    return np.stack([x, y], axis=-1)


def _way_along(mass: Float[np.ndarray, "n h w"], types: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Phase of a shape that moves."""
    length = np.linalg.norm(PATH_WAY, axis=1).clip(min=1)
    way = ((_centroid(mass) - PATH_START[types]) * path_directions()[types]).sum(-1) / length[types]
    return way.clip(0, 1)


def _turn(mass: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, " n"]:
    """Phase of the bar, from the second moments; angles outside 0–90° go to the nearer end."""
    centroid = _centroid(mass)
    height, width = mass.shape[1:]
    x = (np.arange(width) + 0.5) * REFERENCE_SIZE / width - centroid[:, :1]
    y = (np.arange(height) + 0.5) * REFERENCE_SIZE / height - centroid[:, 1:]
    xx = np.einsum("nhw,nw->n", mass, x**2)
    yy = np.einsum("nhw,nh->n", mass, y**2)
    xy = np.einsum("nhw,nh,nw->n", mass, y, x)
    angle = np.degrees(np.arctan2(2 * xy, xx - yy)) / 2
    return (np.where(angle < -45, angle + 180, angle) / 90).clip(0, 1)


def _redraw(
    mass: Float[np.ndarray, "n h w"], smooth: Float[np.ndarray, "n h w"], type_index: int
) -> Float[np.ndarray, "n h w"]:
    """Sprites of one type at the phase, the offset and the area measured in each frame."""
    types = np.full(len(mass), type_index)
    phase = _turn(mass) if TYPES[type_index] == "bar" else _way_along(mass, types)
    on_path = PATH_START[type_index] + phase[:, None] * PATH_WAY[type_index]
    offset = (_centroid(mass) - on_path).clip(-OFFSET, OFFSET) * mass.shape[-1] / REFERENCE_SIZE
    area = (smooth > smooth.max((1, 2), keepdims=True) / 2).sum((1, 2))
    area_of_size_one = (np.pi / 4, 1.0, np.sqrt(3) / 4, 1 / BAR_ASPECT)[type_index]
    geometry = {
        "phase": phase,
        "size": np.sqrt(area / area_of_size_one),
        "offset_x": offset[:, 0],
        "offset_y": offset[:, 1],
    }
    tensors = {name: torch.from_numpy(values.astype(np.float32)) for name, values in geometry.items()}
    return sprite_coverage(type_index, mass.shape[-1], **tensors).numpy()


def _correlation(first: Float[np.ndarray, "n h w"], second: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, " n"]:
    """Pearson's correlation of the pixels of each pair of frames; nan where one is constant."""
    first = first - first.mean((1, 2), keepdims=True)
    second = second - second.mean((1, 2), keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (first * second).sum((1, 2)) / np.sqrt((first**2).sum((1, 2)) * (second**2).sum((1, 2)))
