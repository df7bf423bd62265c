"""What a toy face is drawn from: who it is, what it does in a frame, and how old it is.

Lengths are shares of the picture's side unless said otherwise; left and right are the picture's, not the person's.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from mutoscope.data.synthetic.clips import within

YOUNG_ADULT = 0.3
"""The age at which nothing is childlike any more and nothing old yet, on a scale from 0 (child) to 1 (old)."""

Value = float | Float[np.ndarray, "..."]


class Identity(NamedTuple):
    """Who faces are: float32, one row per face; colours are RGB in [0, 1].

    Attributes:
        background_top: colour at the picture's upper edge.
        background_bottom: colour at its lower edge.
        shirt: colour of the shoulders.
        skin: colour of face, ears and neck.
        hair: colour of the hair in youth; the brows are a darker tone of it.
        iris: colour of the eyes.
        face_width: half the width of the face.
        face_height: half its height.
        offset_x: how far right of the middle the head is.
        offset_y: how far below its usual height the head is.
        hairline: how far above the face's middle the hair begins, in half-heights.
        hair_volume: how far the hair stands out above the head, in half-heights.
        hair_length: 0 (above the ears) to 1 (to the shoulders).
        parting: slope of the hairline, radians.
        eye_spacing: from the face's middle to the middle of an eye, in half-widths.
        eye_size: half the width of an eye.
        brow_thickness: of the brows at their middle.
        nose_length: from between the eyes to the tip, in half-heights.
        nose_width: half the width of the tip.
        mouth_width: half the width of the resting mouth.
        lip_thickness: of each lip.
        ear_size: half the height of an ear.
        freckles: 0 (none) to 1 (dark).
        earrings: 1 for a face that wears them, otherwise 0.
    """

    background_top: Float32[np.ndarray, "n 3"]
    background_bottom: Float32[np.ndarray, "n 3"]
    shirt: Float32[np.ndarray, "n 3"]
    skin: Float32[np.ndarray, "n 3"]
    hair: Float32[np.ndarray, "n 3"]
    iris: Float32[np.ndarray, "n 3"]
    face_width: Float32[np.ndarray, "n"]
    face_height: Float32[np.ndarray, "n"]
    offset_x: Float32[np.ndarray, "n"]
    offset_y: Float32[np.ndarray, "n"]
    hairline: Float32[np.ndarray, "n"]
    hair_volume: Float32[np.ndarray, "n"]
    hair_length: Float32[np.ndarray, "n"]
    parting: Float32[np.ndarray, "n"]
    eye_spacing: Float32[np.ndarray, "n"]
    eye_size: Float32[np.ndarray, "n"]
    brow_thickness: Float32[np.ndarray, "n"]
    nose_length: Float32[np.ndarray, "n"]
    nose_width: Float32[np.ndarray, "n"]
    mouth_width: Float32[np.ndarray, "n"]
    lip_thickness: Float32[np.ndarray, "n"]
    ear_size: Float32[np.ndarray, "n"]
    freckles: Float32[np.ndarray, "n"]
    earrings: Float32[np.ndarray, "n"]

    def at(self, index: Any) -> "Identity":
        """The faces that a numpy index (a slice, an array of numbers) picks."""
        return Identity(*(values[index] for values in self))


class Expression(NamedTuple):
    """What faces do: a number for all frames, or an array with one value per frame. The defaults are a resting face.

    Attributes:
        smile: -1 (corners of the mouth down) to 1 (up).
        mouth_open: 0 (closed) to 1 (as far as it goes).
        mouth_spread: -1 (rounded, as in "oo") to 1 (wide, as in "ee").
        eye_left: how far the left eye is open: 0 (closed), 1 (at rest), up to 1.6 (in surprise).
        eye_right: the same of the right eye.
        brow_height: -1 (lowered) to 1 (raised).
        brow_tilt: -1 (inner ends up: worried) to 1 (inner ends down: cross).
        yaw: turn of the head to the right, radians, up to about 0.7 either way.
        pitch: turn of the head downwards, radians, up to about 0.5 either way.
        roll: turn of the head in the picture's plane, clockwise, radians.
        shift_x: how far the head is moved to the right.
        shift_y: how far it is moved downwards.
        gaze_x: -1 (looks left) to 1 (right).
        gaze_y: -1 (looks up) to 1 (down).
    """

    smile: Value = 0.0
    mouth_open: Value = 0.0
    mouth_spread: Value = 0.0
    eye_left: Value = 1.0
    eye_right: Value = 1.0
    brow_height: Value = 0.0
    brow_tilt: Value = 0.0
    yaw: Value = 0.0
    pitch: Value = 0.0
    roll: Value = 0.0
    shift_x: Value = 0.0
    shift_y: Value = 0.0
    gaze_x: Value = 0.0
    gaze_y: Value = 0.0


NEUTRAL = Expression()

_RANGES = {
    "face_width": (0.26, 0.33),
    "face_height": (0.31, 0.36),
    "offset_x": (-0.03, 0.03),
    "offset_y": (-0.02, 0.02),
    "hairline": (0.42, 0.68),
    "hair_volume": (0.06, 0.2),
    "hair_length": (0.0, 1.0),
    "parting": (-0.25, 0.25),
    "eye_spacing": (0.36, 0.45),
    "eye_size": (0.058, 0.072),
    "brow_thickness": (0.022, 0.045),
    "nose_length": (0.28, 0.4),
    "nose_width": (0.03, 0.05),
    "mouth_width": (0.1, 0.135),
    "lip_thickness": (0.022, 0.032),
    "ear_size": (0.05, 0.085),
}
_SKINS = np.array([[1.0, 0.88, 0.78], [0.97, 0.77, 0.6], [0.85, 0.6, 0.42], [0.66, 0.43, 0.28], [0.5, 0.31, 0.2]])
_HAIRS = np.array(
    [
        [0.12, 0.1, 0.12],
        [0.3, 0.18, 0.1],
        [0.5, 0.28, 0.12],
        [0.8, 0.36, 0.1],
        [0.93, 0.77, 0.35],
        [0.16, 0.45, 0.5],
        [0.45, 0.22, 0.55],
        [0.8, 0.25, 0.4],
    ]
)
_IRISES = np.array([[0.35, 0.2, 0.1], [0.2, 0.45, 0.8], [0.2, 0.55, 0.3], [0.6, 0.4, 0.1], [0.35, 0.35, 0.45]])


def draw_identities(n: int, seed: int) -> Identity:
    """People drawn independently of each other; the first of more are those of fewer."""
    uniform = np.random.default_rng(seed).random((n, 40))
    rest = uniform[:, len(_RANGES) :].T
    others = {
        "background_top": _pastel(rest[0], rest[1]),
        "background_bottom": _pastel(rest[2], rest[3]),
        "shirt": 0.2 + 0.6 * _hue(rest[4]),
        "skin": _along(_SKINS, rest[5]),
        "hair": np.clip(_one_of(_HAIRS, rest[6]) * (0.8 + 0.4 * rest[7, :, None]), 0, 1),
        "iris": _one_of(_IRISES, rest[8]),
        "freckles": np.clip(4 * rest[9] - 3, 0, 1),
        "earrings": rest[10] < 0.25,
    }
    return Identity(**within(_RANGES, uniform), **{name: value.astype(np.float32) for name, value in others.items()})


def _one_of(palette: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    return palette[(uniform * len(palette)).astype(int)]


def _along(palette: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Colours on the line through the palette's."""
    return np.stack([np.interp(uniform * (len(palette) - 1), range(len(palette)), part) for part in palette.T], axis=-1)


def _hue(hue: np.ndarray) -> np.ndarray:
    """Saturated, bright RGB of hues in [0, 1)."""
    return np.clip(np.abs((hue[:, None] * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)


def _pastel(hue: np.ndarray, value: np.ndarray) -> np.ndarray:
    return (0.55 + 0.45 * value[:, None]) * (0.6 + 0.4 * _hue(hue))
