"""Sprite clips: four shapes, each on a path of its own, with the truth of every frame kept.

A circle moves down on the left, a square to the right at the bottom, a triangle along a diagonal at the upper right, a
bar turns from 0 to 90 degrees in the middle; a frame's phase, from 0 to 1, is how far along this open path it is. The
paths do not cross: where two types passed through each other's places, nothing in a bag of frames would say which way
each of them goes on. Brightness, size and an offset are nuisances, constant within
a clip. The offset of a shape that moves is *across* its path: along the path it could not be told from the phase.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mutoscope.data.synthetic import sdf
from mutoscope.data.synthetic.clips import FRAMES_AT_ONCE, SyntheticClips, hsv_to_rgb, to_frames

TYPES = ("circle", "square", "triangle", "bar")
REFERENCE_SIZE = 32
"""The picture size, in pixels, for which all lengths below are given; other sizes are scaled copies."""

PATH_START = np.array([[8.5, 7.0], [16.5, 24.0], [15.5, 10.5], [16.0, 16.0]])
PATH_END = np.array([[8.5, 25.0], [25.5, 24.0], [22.5, 16.5], [16.0, 16.0]])
PATH_WAY = PATH_END - PATH_START
MEAN_SIZE = np.array([9.0, 8.0, 11.0, 20.0])
"""Diameter of the circle, side of the square and of the triangle, length of the bar."""

BAR_ASPECT = 4.0
BRIGHTNESS, BRIGHTNESS_RANGE = 0.8, 0.1
OFFSET = 1.5
SATURATION = 0.75


def make_sprites(
    *,
    size: int,
    channels: int,
    seed: int,
    max_clips: int | None,
    clips_per_type: int = 50,
    frames: int = 40,
    size_range: float = 1.0,
    colour: bool = False,
) -> SyntheticClips:
    """Renders sprite clips; see `make_clips`. Clip i is of type i mod 4, whatever the number of clips.

    Args:
        clips_per_type: clips of each of the four types.
        frames: frames per clip, equally spaced in phase from 0 to 1.
        size_range: sprites are larger or smaller than their mean by up to so many pixels of a 32-pixel picture.
        colour: a random saturated hue per clip instead of grey.

    Returns:
        Clips on black, labelled by type, with the factors `type` (int), `phase` [0, 1], `brightness` [0, 1], `size` (of
        the sprite), `offset_x` and `offset_y` (pixels) and `hue` [0, 1) (0 where there is no colour).
    """
    every = len(TYPES) * clips_per_type
    count = min(every, max_clips or every)
    labels = np.arange(count) % len(TYPES)
    nuisances = _draw_nuisances(labels, seed, size_range, colour, size / REFERENCE_SIZE)
    factors: dict[str, np.ndarray] = {
        "type": np.repeat(labels, frames),
        "phase": np.tile(np.linspace(0, 1, frames, dtype=np.float32), count),
        **{name: np.repeat(values, frames) for name, values in nuisances.items()},
    }
    pixels = np.empty((count * frames, size, size, channels), np.uint8)
    for type_index in range(len(TYPES)):
        of_type = np.flatnonzero(factors["type"] == type_index)
        for start in range(0, len(of_type), FRAMES_AT_ONCE):
            chosen = of_type[start : start + FRAMES_AT_ONCE]
            drawn = {name: torch.from_numpy(values[chosen]) for name, values in factors.items()}
            geometry = {name: drawn[name] for name in ("phase", "size", "offset_x", "offset_y")}
            cover = sprite_coverage(type_index, size, **geometry)
            fill = hsv_to_rgb(drawn["hue"], SATURATION if colour else 0.0, drawn["brightness"])
            pixels[chosen] = to_frames(sdf.paint(cover.new_zeros(3, size, size), cover, fill), channels)
    return SyntheticClips(
        clips=pixels.reshape(count, frames, size, size, channels),
        labels=labels.tolist(),
        label_names=list(TYPES),
        factors={name: values.reshape(count, frames) for name, values in factors.items()},
    )


def sprite_coverage(
    type_index: int,
    picture_size: int,
    *,
    phase: Float[Tensor, " n"],
    size: Float[Tensor, " n"],
    offset_x: Float[Tensor, " n"],
    offset_y: Float[Tensor, " n"],
) -> Float[Tensor, "n h w"]:
    """How much of each pixel, in [0, 1], sprites of one type cover; sizes and offsets in pixels of this picture."""
    scale = picture_size / REFERENCE_SIZE
    (start_x, start_y), (way_x, way_y) = PATH_START[type_index] * scale, PATH_WAY[type_index] * scale
    points = sdf.grid(picture_size, picture_size, device=phase.device)
    points = sdf.translate(points, start_x + way_x * phase + offset_x, start_y + way_y * phase + offset_y)
    match TYPES[type_index]:
        case "circle":
            distance = sdf.circle(points, size / 2)
        case "square":
            distance = sdf.box(points, size / 2, size / 2)
        case "triangle":
            distance = sdf.triangle(points, size)
        case _:
            distance = sdf.box(sdf.rotate(points, phase * (math.pi / 2)), size / 2, size / (2 * BAR_ASPECT))
    return sdf.coverage(distance)


def path_directions() -> Float[np.ndarray, "4 2"]:
    """The unit vector (x, y) along each type's path; zero for the bar, which stays in place."""
    return PATH_WAY / np.linalg.norm(PATH_WAY, axis=1, keepdims=True).clip(min=1)


def _draw_nuisances(
    labels: Int[np.ndarray, " k"], seed: int, size_range: float, colour: bool, scale: float
) -> dict[str, Float[np.ndarray, " k"]]:
    """The nuisances of each clip, as float32; lengths in pixels of a picture `scale` times the reference size."""
    uniform = np.stack([np.random.default_rng([seed, clip]).random(5) for clip in range(len(labels))])
    brightness, size, hue = uniform[:, :3].T
    offset = OFFSET * (2 * uniform[:, 3:] - 1)
    direction = path_directions()[labels]
    across = np.stack([-direction[:, 1], direction[:, 0]], axis=1) * offset[:, :1]
    offset = np.where(labels[:, None] == TYPES.index("bar"), offset, across)
    nuisances = {
        "brightness": BRIGHTNESS * (1 + BRIGHTNESS_RANGE * (2 * brightness - 1)),
        "size": scale * (MEAN_SIZE[labels] + size_range * (2 * size - 1)),
        "offset_x": scale * offset[:, 0],
        "offset_y": scale * offset[:, 1],
        "hue": hue * colour,
    }
    return {name: values.astype(np.float32) for name, values in nuisances.items()}
