"""Moving sprites: one shape in front of one colour, whose look and whose motion are drawn independently of each other.

Look and motion have nothing to do with each other in the set; a system with a code for each is disentangled if either
code alone decides what it should. All motions are harmonic, about the middle of the picture: the centre swings along x
or y or goes round, or the area swings about its mean. A whole shape always stays inside the picture.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from torch import Tensor

from mutoscope.data.synthetic import sdf
from mutoscope.data.synthetic.clips import FRAMES_AT_ONCE, SyntheticClips, hsv_to_rgb, in_every_frame, to_frames, within

SHAPES = ("disc", "square", "triangle", "star")
MOTIONS = ("horizontal", "vertical", "circle", "grow-shrink")

APPEARANCE_RANGES = {
    "shape": (0.0, float(len(SHAPES))), "hue": (0.0, 1.0), "size": (0.22, 0.32),
    "background_hue": (0.0, 1.0), "background_value": (0.15, 0.45),
}  # fmt: skip
MOTION_RANGES = {"amplitude": (0.08, 0.18), "phase": (0.0, 1.0), "speed": (0.75, 1.5)}
AREA_PER_AMPLITUDE = 3.0
"""By what share of its mean the area of a "grow-shrink" clip swings, per unit of amplitude."""

FILL_SATURATION, FILL_VALUE = 0.9, 0.95
BACKGROUND_SATURATION = 0.7
STAR_WAIST = 0.5
"""Distance of a star's inner corners from its centre, as a share of that of its points."""


class Appearance(NamedTuple):
    """What clips show, one value per clip, the same in all of a clip's frames.

    Attributes:
        shape: index into `SHAPES`.
        hue: of the shape, in [0, 1); it is saturated and bright.
        size: side of the square of the same area, as a share of the picture's side; drawn from 0.22 to 0.32.
        background_hue: in [0, 1), of the dark background.
        background_value: brightest channel of the background, drawn from 0.15 to 0.45.
    """

    shape: Int64[np.ndarray, "n"]
    hue: Float32[np.ndarray, "n"]
    size: Float32[np.ndarray, "n"]
    background_hue: Float32[np.ndarray, "n"]
    background_value: Float32[np.ndarray, "n"]


class Motion(NamedTuple):
    """How clips move, one value per clip.

    Attributes:
        motion: index into `MOTIONS`.
        amplitude: how far the centre moves from the middle, as a share of the picture's side, drawn from 0.08 to 0.18;
            in "grow-shrink" the area moves from its mean by three times this share of it.
        phase: where in its cycle a clip starts, in [0, 1).
        speed: cycles per clip, drawn from 0.75 to 1.5.
    """

    motion: Int64[np.ndarray, "n"]
    amplitude: Float32[np.ndarray, "n"]
    phase: Float32[np.ndarray, "n"]
    speed: Float32[np.ndarray, "n"]


class Course(NamedTuple):
    """Where shapes are in each frame, in shares of the picture's side, and their area relative to its mean."""

    x: Float32[np.ndarray, "n t"]
    y: Float32[np.ndarray, "n t"]
    area: Float32[np.ndarray, "n t"]


def make_moving_sprites(
    *, size: int, channels: int, seed: int, max_clips: int | None, clips: int = 4000, frames: int = 16
) -> SyntheticClips:
    """Renders moving sprites; see `make_clips`. Clip i is of class i mod 4, whatever the number of clips.

    Args:
        channels: in grey, some shapes are hardly brighter than their background.
        clips: how many clips.
        frames: frames per clip, equally spaced in time.

    Returns:
        Clips labelled by motion, with the fields of `Appearance` and `Motion` and, changing from frame to frame, the
        centre's `x` and `y` (pixels) and the `area` (share of the picture) as factors.
    """
    appearance, motion = draw_factors(min(clips, max_clips or clips), seed)
    course = course_of(motion, frames)
    factors = in_every_frame(appearance._asdict() | motion._asdict(), frames)
    factors |= {"x": course.x * size, "y": course.y * size, "area": course.area * np.square(appearance.size)[:, None]}
    pixels = render(appearance, motion, size=size, frames=frames, channels=channels)
    return SyntheticClips(pixels, labels=motion.motion.tolist(), label_names=list(MOTIONS), factors=factors)


def draw_factors(clips: int, seed: int) -> tuple[Appearance, Motion]:
    """Factors drawn uniformly and independently of each other; clip i is of motion i mod 4."""
    looks = len(APPEARANCE_RANGES)
    uniform = np.random.default_rng(seed).random((clips, looks + len(MOTION_RANGES)), dtype=np.float32)
    appearance = Appearance(**within(APPEARANCE_RANGES, uniform))
    motion = Motion(np.arange(clips) % len(MOTIONS), **within(MOTION_RANGES, uniform[:, looks:]))
    return appearance._replace(shape=appearance.shape.astype(np.int64)), motion


def course_of(motion: Motion, frames: int) -> Course:
    """The course of each clip over its frames, the same for every appearance."""
    angle = 2 * np.pi * (motion.phase[:, None] + motion.speed[:, None] * np.arange(frames, dtype=np.float32) / frames)
    cos, sin = (motion.amplitude[:, None] * wave(angle) for wave in (np.cos, np.sin))
    shows = {name: (motion.motion == index)[:, None] for index, name in enumerate(MOTIONS)}
    x = 0.5 + cos * (shows["horizontal"] | shows["circle"])
    y = 0.5 + cos * shows["vertical"] + sin * shows["circle"]
    area = 1 + AREA_PER_AMPLITUDE * cos * shows["grow-shrink"]
    return Course(*(values.astype(np.float32) for values in (x, y, area)))


def render(
    appearance: Appearance, motion: Motion, *, size: int = 32, frames: int = 16, channels: int = 3
) -> UInt8[np.ndarray, "n t h w c"]:
    """Clips of given factors; look i moves in manner i."""
    count = len(appearance.shape)
    course = course_of(motion, frames)
    x, y = (values.ravel() * size for values in (course.x, course.y))
    side = (size * appearance.size[:, None] * np.sqrt(course.area)).ravel()
    fill = _colours(appearance.hue, FILL_SATURATION, np.full(count, FILL_VALUE, np.float32))
    background = _colours(appearance.background_hue, BACKGROUND_SATURATION, appearance.background_value)
    shape, clip = np.repeat(appearance.shape, frames), np.repeat(np.arange(count), frames)
    pixels = np.empty((count * frames, size, size, channels), np.uint8)
    for shape_index in range(len(SHAPES)):
        of_shape = np.flatnonzero(shape == shape_index)
        for start in range(0, len(of_shape), FRAMES_AT_ONCE):
            chosen = of_shape[start : start + FRAMES_AT_ONCE]
            points = sdf.translate(sdf.grid(size, size), *(torch.from_numpy(values[chosen]) for values in (x, y)))
            cover = sdf.coverage(_distance(shape_index, points, torch.from_numpy(side[chosen])))
            canvas = background[clip[chosen]][:, :, None, None].expand(-1, -1, size, size)
            pixels[chosen] = to_frames(sdf.paint(canvas, cover, fill[clip[chosen]]), channels)
    return pixels.reshape(count, frames, size, size, channels)


def _colours(hue: np.ndarray, saturation: float, value: np.ndarray) -> Tensor:
    return hsv_to_rgb(torch.from_numpy(hue), saturation, torch.from_numpy(value))


def _distance(shape_index: int, points: sdf.Points, side: Tensor) -> Tensor:
    """Signed distance to a shape with the area of a square of this side, in pixels, centred on its centroid."""
    match SHAPES[shape_index]:
        case "disc":
            return sdf.circle(points, side / math.sqrt(math.pi))
        case "square":
            return sdf.box(points, side / 2, side / 2)
        case "triangle":
            return sdf.triangle(points, side * 2 / 3**0.25)
        case _:
            corners = _star_corners().to(side.dtype)
            return sdf.polygon(points, side[:, None, None] * corners)


def _star_corners() -> Tensor:
    """Corners (x, y) of a five-pointed star of area 1, one point up."""
    angle = torch.arange(10) * (math.pi / 5)
    radius = torch.tensor([1.0, STAR_WAIST]).repeat(5)
    corners = torch.stack([radius * torch.sin(angle), -radius * torch.cos(angle)], dim=-1)
    return corners / math.sqrt(5 * STAR_WAIST * math.sin(math.pi / 5))
