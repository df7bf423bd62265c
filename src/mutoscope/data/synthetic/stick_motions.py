"""What stick people do: six motions, each from the angle of its cycle to where arms, legs and trunk point."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int64

from mutoscope.geometry.skeletons import other_side

Angles = dict[str, np.ndarray | float]
"""Where parts of the body point, in radians from straight down towards the picture's right; how far the trunk leans to
the picture's right of straight up; and "jump", in pixels of 32."""

_REST = {
    "left upper arm": 0.2, "left forearm": 0.1, "right upper arm": -0.2, "right forearm": -0.1,
    "left thigh": 0.1, "left shin": 0.05, "right thigh": -0.1, "right shin": -0.05, "lean": 0.0, "jump": 0.0,
}  # fmt: skip


def poses(
    motion: Int64[np.ndarray, "n"],
    angle: Float[np.ndarray, "n t"],
    amplitude: Float[np.ndarray, "n"],
    mirrored: Bool[np.ndarray, "n"],
) -> dict[str, Float[np.ndarray, "n t"]]:
    """The pose (see `Angles`) in each frame of each clip.

    Args:
        motion: index into `MOTIONS`.
        angle: where in its cycle it is, in radians.
        amplitude: share of the whole motion.
        mirrored: whether it goes to the person's right, not to the left.
    """
    pose = {name: np.full(angle.shape, rest) for name, rest in _REST.items()}
    for number, moved in enumerate(MOTIONS.values()):
        shown = motion == number
        for name, values in moved(angle[shown], amplitude[shown, None]).items():
            pose[name][shown] = values
    jump = pose.pop("jump")
    chosen = mirrored[:, None]
    return {name: np.where(chosen, -pose[other_side(name)], values) for name, values in pose.items()} | {"jump": jump}


def _jumping_jack(angle: np.ndarray, amplitude: np.ndarray) -> Angles:
    out = amplitude * (1 - np.cos(angle)) / 2
    arm, leg = 0.25 + 2.55 * out, 0.1 + 0.5 * out
    return {
        "left upper arm": arm, "left forearm": arm + 0.2, "right upper arm": -arm, "right forearm": -arm - 0.2,
        "left thigh": leg, "left shin": leg, "right thigh": -leg, "right shin": -leg,
        "jump": 1.4 * amplitude * np.sin(angle) ** 2,
    }  # fmt: skip


def _wave(angle: np.ndarray, amplitude: np.ndarray) -> Angles:
    return {"left upper arm": 1.9 + 0.1 * np.sin(angle), "left forearm": 2.8 + 0.9 * amplitude * np.sin(angle)}


def _squat(angle: np.ndarray, amplitude: np.ndarray) -> Angles:
    down = amplitude * (1 - np.cos(angle)) / 2
    arm, thigh, shin = 0.2 + 1.3 * down, 0.1 + 1.25 * down, 0.05 - 0.45 * down
    return {
        "left upper arm": arm, "left forearm": arm, "right upper arm": -arm, "right forearm": -arm,
        "left thigh": thigh, "left shin": shin, "right thigh": -thigh, "right shin": -shin,
    }  # fmt: skip


def _kick(angle: np.ndarray, amplitude: np.ndarray) -> Angles:
    up = amplitude * ((1 - np.cos(angle)) / 2) ** 2
    return {
        "left thigh": 0.1 + 1.4 * up, "left shin": 0.05 + 1.45 * up - 0.5 * amplitude * np.sin(angle) ** 2,
        "left upper arm": 0.2 + 0.5 * up, "left forearm": 0.1 + 0.9 * up,
        "right upper arm": -0.2 - 0.9 * up, "right forearm": -0.1 - 1.4 * up, "lean": -0.25 * up,
    }  # fmt: skip


def _swing(angle: np.ndarray, amplitude: np.ndarray) -> Angles:
    arms = 1.6 * amplitude * np.sin(angle)
    return {
        "left upper arm": arms, "left forearm": arms - 0.3, "right upper arm": arms, "right forearm": arms + 0.3,
        "left thigh": 0.3, "left shin": 0.2, "right thigh": -0.3, "right shin": -0.2,
        "lean": -0.15 * amplitude * np.sin(angle),
    }  # fmt: skip


def _walk(angle: np.ndarray, amplitude: np.ndarray) -> Angles:
    sway = amplitude * np.sin(angle)
    left, right = sway.clip(min=0), (-sway).clip(min=0)
    return {
        "left thigh": 0.05 + 1.2 * left, "left shin": -0.5 * left,
        "right thigh": 0.05 + 1.2 * right, "right shin": -0.5 * right,
        "left upper arm": 0.15 - 0.5 * sway, "left forearm": 0.4 - 0.6 * sway,
        "right upper arm": 0.5 * sway - 0.15, "right forearm": 0.2 + 0.6 * sway, "lean": 0.05 * amplitude,
    }  # fmt: skip


MOTIONS: dict[str, Callable[[np.ndarray, np.ndarray], Angles]] = {
    "jumping-jack": _jumping_jack, "wave": _wave, "squat": _squat, "kick": _kick, "swing": _swing,
    "walk-in-place": _walk,
}  # fmt: skip
"""From the angle of a cycle and the amplitude to a pose, to the person's left."""
