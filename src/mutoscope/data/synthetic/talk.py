"""Talk: a simple face whose head moves slowly while its mouth opens and shuts faster, in place of VoxCeleb2.

Everything is drawn independently of everything else. Only the face is warm (more red than blue), and the mouth is by
far its reddest part, so that both can be read off any frame by their colours (`talk_readout`). For richer faces see
`faces`.

All lengths in `Appearance`, `Motion` and `Course` are in pixels of a picture 32 pixels wide: a larger picture shows the
same scene.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from mutoscope.data.synthetic import sdf
from mutoscope.data.synthetic.clips import FRAMES_AT_ONCE, SyntheticClips, hsv_to_rgb, in_every_frame, to_frames, within

REFERENCE_SIZE = 32
REGIONS = ("background", "hair", "face", "mouth")
"""What the numbers in `masks` mean; eyes count as face. The whole head is what is at least "face"."""

MOUTH, EYES = (0.62, 0.04, 0.08), (0.1, 0.1, 0.16)
SKIN_SATURATION, HAIR_SATURATION, BACKGROUND_SATURATION = 0.45, 0.5, 0.5
SHADE = 0.2
"""By what share of its mean the background is lighter at the top, and darker at the bottom."""

HEIGHT_PER_WIDTH = 1.2
HAIR_GROWTH, HAIR_RISE = 1.12, 0.12
"""How much larger than the face the hair behind it is, and how far up it sits, in half heights of the face."""

EYE_RADIUS, EYES_APART, EYES_UP, MOUTH_DOWN = 1.0, 0.4, 0.2, 0.42
"""In pixels of 32, half widths and half heights of the face."""

MOUTH_HALF_WIDTH, MOUTH_SHUT, MOUTH_OPEN = 3.0, 0.8, 2.6

APPEARANCE_RANGES = {
    "skin_hue": (0.06, 0.1), "skin_value": (0.6, 0.95), "half_width": (6.5, 8.5),
    "hair_hue": (0.4, 0.7), "hair_value": (0.05, 0.9),
    "background_hue": (0.4, 0.7), "background_value": (0.25, 0.8),
}  # fmt: skip
MOTION_RANGES = {
    "x_0": (14.0, 18.0), "y_0": (15.5, 17.0), "direction": (0.0, np.pi), "reach": (1.5, 3.5),
    "head_omega": (0.3 * 2 * np.pi / 16, 0.7 * 2 * np.pi / 16), "head_phase": (0.0, 2 * np.pi),
    "opening": (0.5, 1.0),
    "mouth_omega": (1.5 * 2 * np.pi / 16, 3.0 * 2 * np.pi / 16), "mouth_phase": (0.0, 2 * np.pi),
}  # fmt: skip


class Appearance(NamedTuple):
    """What clips show, one value per clip, the same in all of a clip's frames.

    Attributes:
        skin_hue: from 0.06 to 0.1 (of 1): pink to yellow.
        skin_value: brightest channel of the skin, from 0.6 to 0.95.
        half_width: of the face, from 6.5 to 8.5 pixels of 32; it is 1.2 times as high.
        hair_hue: from 0.4 (green) to 0.7 (blue).
        hair_value: from 0.05 to 0.9.
        background_hue: from 0.4 to 0.7.
        background_value: from 0.25 to 0.8.
    """

    skin_hue: Float32[np.ndarray, "n"]
    skin_value: Float32[np.ndarray, "n"]
    half_width: Float32[np.ndarray, "n"]
    hair_hue: Float32[np.ndarray, "n"]
    hair_value: Float32[np.ndarray, "n"]
    background_hue: Float32[np.ndarray, "n"]
    background_value: Float32[np.ndarray, "n"]


class Motion(NamedTuple):
    """How clips move, one value per clip, in pixels of 32 and radians.

    Attributes:
        x_0: the middle of the head's way, from 14 to 18.
        y_0: the same downwards, from 15.5 to 17.
        direction: in which the head swings, from 0 (right) over π/2 (down) to π.
        reach: how far it swings to either side, from 1.5 to 3.5.
        head_omega: radians per frame; 16 frames hold 0.3 to 0.7 swings.
        head_phase: of the swing in frame 0.
        opening: how far the mouth opens, from half (0.5) to all the way (1).
        mouth_omega: radians per frame; the mouth opens 1.5 to 3 times in 16 frames.
        mouth_phase: of the mouth in frame 0.
    """

    x_0: Float32[np.ndarray, "n"]
    y_0: Float32[np.ndarray, "n"]
    direction: Float32[np.ndarray, "n"]
    reach: Float32[np.ndarray, "n"]
    head_omega: Float32[np.ndarray, "n"]
    head_phase: Float32[np.ndarray, "n"]
    opening: Float32[np.ndarray, "n"]
    mouth_omega: Float32[np.ndarray, "n"]
    mouth_phase: Float32[np.ndarray, "n"]


class Course(NamedTuple):
    """The face's centre (x, y) in each frame and half the mouth's height, in pixels of 32."""

    x: Float32[np.ndarray, "n t"]
    y: Float32[np.ndarray, "n t"]
    mouth: Float32[np.ndarray, "n t"]


class Shapes(NamedTuple):
    """How much of each pixel, in [0, 1], each part covers; each lies over those before it."""

    hair: Float[Tensor, "n h w"]
    face: Float[Tensor, "n h w"]
    eyes: Float[Tensor, "n h w"]
    mouth: Float[Tensor, "n h w"]


def make_talk(
    *, size: int, channels: int, seed: int, max_clips: int | None, clips: int = 4000, frames: int = 16
) -> SyntheticClips:
    """Renders talking faces; see `make_clips`.

    Args:
        clips: how many clips.
        frames: frames per clip; a longer clip begins as a shorter one.

    Returns:
        Clips of the only class, "talk". Factors: the face's centre `x` and `y` and the `mouth_area` in each frame, and
        the fields of `Appearance` and `Motion` (pixels of the rendered size, frames, radians).
    """
    appearance, motion = draw_factors(min(clips, max_clips or clips), seed)
    course, scale = course_of(motion, frames), np.float32(size / REFERENCE_SIZE)
    per_clip = appearance._asdict() | motion._asdict()
    per_clip |= {name: per_clip[name] * scale for name in ("half_width", "x_0", "y_0", "reach")}
    factors = in_every_frame(per_clip, frames) | {"x": course.x * scale, "y": course.y * scale}
    factors["mouth_area"] = np.float32(np.pi * MOUTH_HALF_WIDTH) * course.mouth * scale**2
    pixels = render(appearance, motion, size=size, frames=frames, channels=channels)
    return SyntheticClips(pixels, labels=[0] * len(pixels), label_names=["talk"], factors=factors)


def draw_factors(clips: int, seed: int) -> tuple[Appearance, Motion]:
    """Factors drawn uniformly and independently of each other; fewer clips are the first of more."""
    looks = len(APPEARANCE_RANGES)
    uniform = np.random.default_rng(seed).random((clips, looks + len(MOTION_RANGES)), dtype=np.float32)
    return Appearance(**within(APPEARANCE_RANGES, uniform)), Motion(**within(MOTION_RANGES, uniform[:, looks:]))


def course_of(motion: Motion, frames: int) -> Course:
    """The course of each head and mouth, the same for every appearance."""
    time = np.arange(frames, dtype=np.float32)
    x_0, y_0, direction, reach, head_omega, head_phase, opening, mouth_omega, mouth_phase = (
        values[:, None] for values in motion
    )
    way = reach * np.sin(head_omega * time + head_phase)
    open_share = opening * (1 + np.sin(mouth_omega * time + mouth_phase)) / 2
    mouth = MOUTH_SHUT + (MOUTH_OPEN - MOUTH_SHUT) * open_share
    courses = (x_0 + way * np.cos(direction), y_0 + way * np.sin(direction), mouth)
    return Course(*(values.astype(np.float32) for values in courses))


def render(
    appearance: Appearance, motion: Motion, *, size: int = REFERENCE_SIZE, frames: int = 16, channels: int = 3
) -> UInt8[np.ndarray, "n t h w c"]:
    """Clips of given factors; look i moves in manner i."""
    pixels = np.empty((len(motion.x_0), frames, size, size, channels), np.uint8)
    shade = torch.linspace(1 + SHADE, 1 - SHADE, size)[:, None]
    for chunk, shapes in _shapes(appearance, motion, size, frames):
        skin_hue, skin_value, _, hair_hue, hair_value, background_hue, background_value = (
            torch.from_numpy(np.repeat(values[chunk], frames)) for values in appearance
        )
        hair = hsv_to_rgb(hair_hue, HAIR_SATURATION, hair_value)
        skin = hsv_to_rgb(skin_hue, SKIN_SATURATION, skin_value)
        background = hsv_to_rgb(background_hue, BACKGROUND_SATURATION, background_value)
        canvas = (background[:, :, None, None] * shade).expand(-1, -1, -1, size)
        for cover, colour in zip(shapes, (hair, skin, canvas.new_tensor(EYES), canvas.new_tensor(MOUTH)), strict=True):
            canvas = sdf.paint(canvas, cover, colour)
        pixels[chunk] = to_frames(canvas, channels).reshape(-1, *pixels.shape[1:])
    return pixels


def masks(
    appearance: Appearance, motion: Motion, *, size: int = REFERENCE_SIZE, frames: int = 16
) -> UInt8[np.ndarray, "n t h w"]:
    """Which part each pixel of `render`'s clips shows, as indices into `REGIONS`."""
    labels = np.zeros((len(motion.x_0), frames, size, size), np.uint8)
    for chunk, shapes in _shapes(appearance, motion, size, frames):
        for region, cover in enumerate((shapes.hair, shapes.face, shapes.mouth), start=1):
            labels[chunk][(cover >= 0.5).reshape(-1, frames, size, size).numpy()] = region
    return labels


def _shapes(appearance: Appearance, motion: Motion, size: int, frames: int) -> Iterator[tuple[slice, Shapes]]:
    """Clips and the parts in their frames, one after another, a few clips at a time."""
    scale, grid = np.float32(size / REFERENCE_SIZE), sdf.grid(size, size)
    course = course_of(motion, frames)
    step = max(FRAMES_AT_ONCE // frames, 1)
    for start in range(0, len(motion.x_0), step):
        chunk = slice(start, start + step)
        x, y, mouth = (torch.from_numpy(values[chunk].ravel() * scale) for values in course)
        half_width = torch.from_numpy(np.repeat(appearance.half_width[chunk], frames) * scale)
        half_height = HEIGHT_PER_WIDTH * half_width
        face = sdf.translate(grid, x, y)
        above = sdf.translate(face, 0, -HAIR_RISE * half_height)
        eyes = [sdf.translate(face, side * EYES_APART * half_width, -EYES_UP * half_height) for side in (-1, 1)]
        shapes = (
            sdf.ellipse(above, HAIR_GROWTH * half_width, HAIR_GROWTH * half_height),
            sdf.ellipse(face, half_width, half_height),
            sdf.union(*(sdf.circle(eye, EYE_RADIUS * scale.item()) for eye in eyes)),
            sdf.ellipse(
                sdf.translate(face, 0, MOUTH_DOWN * half_height),
                torch.full_like(mouth, MOUTH_HALF_WIDTH * scale.item()),
                mouth,
            ),
        )
        yield chunk, Shapes(*(sdf.coverage(distance) for distance in shapes))
