"""Moving shapes like MoCoGAN's 2-D set (github.com/sergeytulyakov/mocogan, `data/shapes`), at any size and length.

Measured on the published strips, and the same here: one circle or square of one uniform colour on black; half widths of
4 to 7 pixels of 64; the centre follows a Bézier curve of degree four that begins near one side and ends near the
opposite one, at the same place across, with three inner control points anywhere in the picture. The class is the
direction, not the shape: 0 moves up, 1 moves left. Unlike there, edges are anti-aliased and centres are not rounded to
whole pixels.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mutoscope.data.synthetic import sdf
from mutoscope.data.synthetic.clips import FRAMES_AT_ONCE, SyntheticClips, to_frames

LABELS = ("up", "left")
SHAPES = ("circle", "square")
REFERENCE_SIZE = 64
"""The picture size of the published set, in whose pixels all lengths below are given."""

HALF_WIDTHS = (4.0, 5.0, 6.0, 7.0)
MARGIN = 1.0
"""How far from the picture's border the shapes stay."""


def make_shapes(
    *, size: int, channels: int, seed: int, max_clips: int | None, clips: int = 500, frames: int = 32
) -> SyntheticClips:
    """Renders moving shapes; see `make_clips`. Clip i is of class i mod 2, whatever the number of clips.

    Args:
        clips: how many clips (the published set has 8,000).
        frames: frames per clip, equally spaced in the curve's parameter from 0 to 1.

    Returns:
        Clips labelled by direction, with the factors `shape` (0 circle, 1 square), `phase` [0, 1], `half_width`, the
        centre's `x` and `y` (pixels), `red`, `green` and `blue` [0, 1].
    """
    count = min(clips, max_clips or clips)
    per_clip = [_draw_clip(clip % len(LABELS), np.random.default_rng([seed, clip])) for clip in range(count)]
    phase = np.linspace(0, 1, frames, dtype=np.float32)
    x, y = np.concatenate([bezier(drawn.control, phase) for drawn in per_clip]).T * (size / REFERENCE_SIZE)
    colour = np.repeat(np.stack([drawn.colour for drawn in per_clip]), frames, axis=0)
    half_width = np.repeat([drawn.half_width for drawn in per_clip], frames) * (size / REFERENCE_SIZE)
    shape = np.repeat([drawn.shape for drawn in per_clip], frames)
    pixels = np.empty((count * frames, size, size, channels), np.uint8)
    for start in range(0, len(pixels), FRAMES_AT_ONCE):
        chunk = slice(start, start + FRAMES_AT_ONCE)
        values = (torch.from_numpy(v[chunk].astype(np.float32)) for v in (x, y, half_width, colour))
        pixels[chunk] = to_frames(_draw_frames(size, torch.from_numpy(shape[chunk]), *values), channels)
    red, green, blue = colour.T
    factors = {
        "shape": shape, "phase": np.tile(phase, count), "half_width": half_width, "x": x, "y": y,
        "red": red, "green": green, "blue": blue,
    }  # fmt: skip
    return SyntheticClips(
        clips=pixels.reshape(count, frames, size, size, channels),
        labels=[clip % len(LABELS) for clip in range(count)],
        label_names=list(LABELS),
        factors={name: values.reshape(count, frames) for name, values in factors.items()},
    )


def bezier(control: Float[np.ndarray, "k 2"], parameter: Float[np.ndarray, " t"]) -> Float[np.ndarray, "t 2"]:
    """Points (x, y) of the Bézier curve with these control points, by de Casteljau's construction."""
    t = parameter[:, None]
    points = [np.broadcast_to(point, (len(t), 2)) for point in control]
    while len(points) > 1:
        points = [(1 - t) * first + t * second for first, second in pairwise(points)]
    return points[0]


class _Clip(NamedTuple):
    """What makes one clip; lengths in pixels of a 64-pixel picture."""

    shape: int
    half_width: float
    control: Float[np.ndarray, "5 2"]
    colour: Float[np.ndarray, "3"]


def _draw_clip(label: int, rng: np.random.Generator) -> _Clip:
    half_width = float(rng.choice(HALF_WIDTHS))
    near, far = half_width + MARGIN, REFERENCE_SIZE - half_width - MARGIN
    control = rng.uniform(near, far, (5, 2)).astype(np.float32)
    along = 1 if LABELS[label] == "up" else 0
    control[0, along], control[-1, along] = far, near
    control[-1, 1 - along] = control[0, 1 - along]
    return _Clip(int(rng.integers(len(SHAPES))), half_width, control, rng.random(3, dtype=np.float32))


def _draw_frames(
    size: int,
    shape: Tensor,
    x: Float[Tensor, " n"],
    y: Float[Tensor, " n"],
    half_width: Float[Tensor, " n"],
    colour: Float[Tensor, "n 3"],
) -> Float[Tensor, "n 3 h w"]:
    points = sdf.translate(sdf.grid(size, size), x, y)
    is_circle = (shape == SHAPES.index("circle"))[:, None, None]
    distance = torch.where(is_circle, sdf.circle(points, half_width), sdf.box(points, half_width, half_width))
    return sdf.paint(distance.new_zeros(3, size, size), sdf.coverage(distance), colour)
