"""Reading head and mouth off `talk` frames by their colours: for generated clips, whose truth nobody knows.

The face is what is warm, that is more red than blue, for its frame; the mouth is what is much redder than the face.
Noise, blur and somewhat wrong colours of half-trained generators change the figures a little.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from mutoscope.data.synthetic.soft_masks import locate, ramp, smooth_colours
from mutoscope.data.synthetic.talk import MOUTH

PEAK = 0.9
"""The quantile of warmth (red less blue) that counts as wholly face, which fills an eighth of the picture or more."""

LEAST_WARMTH = 0.1
"""A frame whose `PEAK` is colder, of 1, shows no face."""

FACE_EDGE = (0.2, 0.8)
"""From which to which share of the peak a pixel turns into face."""

MOUTH_EDGE = (0.2, 0.7)
"""From which to which share of the way from the skin's redness (red less green) to the mouth's it turns into mouth."""

LEAST_SHARE = 0.05
"""A face takes 16 to 27 % of the picture."""

MOST_SPREAD = 0.3
"""Warm pixels that are farther apart, in sides of the picture, are no face (whose spread is at most 0.21)."""


class FaceState(NamedTuple):
    """Where the head is in each frame, and how far the mouth is open.

    Attributes:
        x: of the face's centroid, in pixels from the left edge; NaN where not found.
        y: the same from the top edge.
        mouth_area: in square pixels, of the frame's own size; NaN where not found.
        found: whether the frame shows a face: enough warm pixels, in one place.
    """

    x: Float32[np.ndarray, "n t"]
    y: Float32[np.ndarray, "n t"]
    mouth_area: Float32[np.ndarray, "n t"]
    found: Bool[np.ndarray, "n t"]


def read_talk(clips: UInt8[np.ndarray, "n t h w c"]) -> FaceState:
    """The head's place and the mouth's area in each frame of clips.

    Args:
        clips: RGB, real or generated, of any size.

    Raises:
        InputError: the clips have no three channels.
    """
    x, y, mouth_area = (np.empty(clips.shape[:2], np.float32) for _ in range(3))
    found = np.empty(clips.shape[:2], np.bool_)
    for index, clip in enumerate(clips):
        face, mouth = soft_masks(clip)
        x[index], y[index], found[index] = locate(face, least_share=LEAST_SHARE, most_spread=MOST_SPREAD)
        mouth_area[index] = np.where(found[index], mouth.sum((1, 2)), np.float32(np.nan))
    return FaceState(x, y, mouth_area, found)


def soft_masks(
    clip: UInt8[np.ndarray, "t h w c"],
) -> tuple[Float32[np.ndarray, "t h w"], Float32[np.ndarray, "t h w"]]:
    """How much of each pixel, in [0, 1], belongs to the face, and how much to the mouth, which is part of the face.

    Raises:
        InputError: the clip has no three channels.
    """
    red, green, blue = np.moveaxis(smooth_colours(clip), -1, 0)
    warmth, redness = red - blue, red - green
    peak = np.quantile(warmth, PEAK, axis=(1, 2), keepdims=True).astype(np.float32)
    face = ramp(warmth / np.maximum(peak, LEAST_WARMTH), FACE_EDGE) * (peak >= LEAST_WARMTH)
    in_face = face >= face.max((1, 2), keepdims=True) / 2
    medians = [np.median(pixels[inside]) for pixels, inside in zip(redness, in_face, strict=True)]
    skin = np.array(medians, np.float32)[:, None, None]
    return face, ramp((redness - skin) / (MOUTH[0] - MOUTH[1] - skin), MOUTH_EDGE) * (face > 0)
