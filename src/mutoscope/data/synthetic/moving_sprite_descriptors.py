"""Reading look and motion off moving sprites, without learning: for generated clips, whose truth nobody knows.

The foreground is what differs from the clip's border colour: a pixel belongs to it the more, the farther its colour is
from the median colour of the border. Noise, blur and wrong colours of half-trained generators change the figures a
little. A clip that shows nothing before its border colour has a foreground that is black, has no area and stands still
in the middle.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from mutoscope.data.synthetic.moving_sprites import AREA_PER_AMPLITUDE, MOTIONS

LEAST_CONTRAST = 0.15
"""A clip whose farthest colour is nearer to the border's than this, of 1 a channel, shows nothing."""

PEAK = 0.99
"""The quantile of the distance from the border's colour that counts as wholly foreground: robust to single pixels."""

EDGE = (0.2, 0.8)
"""From which to which share of the peak a pixel turns from background to foreground; about ½, so areas are kept."""

LEAST_SWING = 0.02
"""A clip whose swings are all smaller, in amplitudes of `Motion`, moves in none of the four manners."""

ROUND = 1 / 3
"""A path whose shorter axis is at least this share of its longer one is a circle; ¾ of a turn of a circle has 0.7."""


class Trajectory(NamedTuple):
    """What moves in each frame.

    Attributes:
        x: of the centroid less its mean over the clip, in shares of the picture's width.
        y: the same downwards, in shares of the height.
        area: relative to its mean over the clip, less 1.
    """

    x: Float64[np.ndarray, "n t"]
    y: Float64[np.ndarray, "n t"]
    area: Float64[np.ndarray, "n t"]


def appearance_descriptors(clips: UInt8[np.ndarray, "n t h w 3"]) -> Float64[np.ndarray, "n 7"]:
    """What clips look like.

    Returns:
        Mean colour of the foreground and of the background, in [0, 1], and the foreground's mean area, as a share of
        the picture. Always finite.
    """
    mask = _foreground(clips)
    colours = [_mean_colour(clips, weight) for weight in (mask, 1 - mask)]
    return np.concatenate([*colours, mask.mean((1, 2, 3), dtype=np.float64)[:, None]], axis=1)


def motion_descriptors(clips: UInt8[np.ndarray, "n t h w c"]) -> Float64[np.ndarray, "n d"]:
    """How clips move, whatever they look like.

    Returns:
        3 t + 9 numbers: the three curves of `trajectory`, the amplitude of each (√2 times its standard deviation), and
        the cosine and the sine part of each curve's first harmonic, one cycle a clip: its phase, weighted by how strong
        it is. Always finite.
    """
    curves = np.stack(trajectory(clips), axis=1)
    harmonics = 2 * np.fft.fft(curves)[:, :, 1 % curves.shape[-1]] / curves.shape[-1]
    parts = np.stack([harmonics.real, -harmonics.imag], axis=-1)
    return np.concatenate(
        [curves.reshape(len(clips), 3 * clips.shape[1]), _amplitude(curves), parts.reshape(-1, 6)], axis=1
    )


def motion_class(clips: UInt8[np.ndarray, "n t h w c"]) -> Int64[np.ndarray, "n"]:
    """Which of the four motions clips show, by what swings most: the area, or the centroid in a line or a round.

    Returns:
        Index into `MOTIONS`; -1 where nothing swings.
    """
    curves = trajectory(clips)
    amplitude = _amplitude(np.stack(curves, axis=1))
    swing_x, swing_y, swing_area = amplitude[:, 0], amplitude[:, 1], amplitude[:, 2] / AREA_PER_AMPLITUDE
    path = np.stack([curves.x, curves.y], axis=1)
    shorter, longer = np.sqrt(np.linalg.eigvalsh(path @ path.swapaxes(1, 2)).clip(min=0)).T
    line = np.where(swing_x >= swing_y, MOTIONS.index("horizontal"), MOTIONS.index("vertical"))
    shown = np.where(shorter >= ROUND * longer, MOTIONS.index("circle"), line)
    shown = np.where(swing_area > np.maximum(swing_x, swing_y), MOTIONS.index("grow-shrink"), shown)
    return np.where(np.maximum(np.maximum(swing_x, swing_y), swing_area) < LEAST_SWING, -1, shown)


def trajectory(clips: UInt8[np.ndarray, "n t h w c"]) -> Trajectory:
    """The foreground's course; a frame without a foreground has its centroid in the middle of the picture."""
    mask = _foreground(clips).astype(np.float64)
    height, width = mask.shape[2:]
    area = mask.sum((2, 3))
    shows = area > 0
    divisor = np.where(shows, area, 1)
    x = np.where(shows, mask.sum(2) @ ((np.arange(width) + 0.5) / width) / divisor, 0.5)
    y = np.where(shows, mask.sum(3) @ ((np.arange(height) + 0.5) / height) / divisor, 0.5)
    mean_area = area.mean(1, keepdims=True)
    relative = np.where(mean_area > 0, area / np.where(mean_area > 0, mean_area, 1) - 1, 0)
    return Trajectory(x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True), relative)


def _foreground(clips: UInt8[np.ndarray, "n t h w c"]) -> Float32[np.ndarray, "n t h w"]:
    """How much of each pixel, in [0, 1], belongs to the foreground."""
    return np.stack([_foreground_of(clip) for clip in clips]) if len(clips) else np.zeros(clips.shape[:4], np.float32)


def _foreground_of(clip: UInt8[np.ndarray, "t h w c"]) -> Float32[np.ndarray, "t h w"]:
    colours = clip.astype(np.float32) / 255
    border = np.concatenate([colours[:, 0], colours[:, -1], colours[:, :, 0], colours[:, :, -1]], axis=1)
    distance = np.linalg.norm(colours - np.median(border, axis=(0, 1)), axis=-1)
    peak = np.quantile(distance, PEAK)
    if peak < LEAST_CONTRAST:
        return np.zeros_like(distance)
    low, high = EDGE
    return ((distance / peak - low) / (high - low)).clip(0, 1).astype(np.float32)


def _mean_colour(
    clips: UInt8[np.ndarray, "n t h w c"], weight: Float32[np.ndarray, "n t h w"]
) -> Float64[np.ndarray, "n c"]:
    """The mean colour of each clip where `weight` is; black where it is nowhere."""
    total = weight.sum((1, 2, 3), dtype=np.float64)[:, None]
    light = np.einsum("nthw,nthwc->nc", weight, clips, dtype=np.float64) / 255
    return np.where(total > 0, light / np.where(total > 0, total, 1), 0)


def _amplitude(curves: Float64[np.ndarray, "n k t"]) -> Float64[np.ndarray, "n k"]:
    """Of the sinusoid that has as much variance."""
    return np.sqrt(2) * curves.std(-1)
