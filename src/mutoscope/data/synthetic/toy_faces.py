"""Clips of toy faces: people who smile, frown, are surprised or nod, each time a little differently.

Frame 0 shows a resting face in a slightly random pose, in every class. When the motion begins and how far it goes is
drawn anew for each clip and cannot be seen in frame 0: from one picture, label and noise a clip can be told, from the
picture alone it cannot.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from mutoscope.data.synthetic.clips import SyntheticClips, draw_in_turn, in_every_frame, within
from mutoscope.data.synthetic.faces import NEUTRAL, Expression, draw_identities, landmarks, render
from mutoscope.errors import InputError

MOTIONS = ("smile", "frown", "surprise", "nod", "wink", "shake")
TAKE_RANGES = {"amplitude": (0.5, 1.0), "onset": (0.05, 0.4), "rise": (0.2, 0.3), "rest": (0.2, 0.6)}
HOLD = 0.1
"""How long a face stays at the apex, as a share of the clip."""

_POSE = {
    "smile": 0.1, "brow_height": 0.15, "yaw": 0.08, "pitch": 0.05, "roll": 0.05, "shift_x": 0.012, "shift_y": 0.01,
    "gaze_x": 0.3, "gaze_y": 0.2,
}  # fmt: skip
"""How far the resting pose differs from clip to clip, either way."""
_APEXES = {
    "smile": {"smile": 1.0, "mouth_spread": 0.6, "mouth_open": 0.25, "eye_left": -0.3, "eye_right": -0.3},
    "frown": {"smile": -1.0, "mouth_spread": -0.15, "brow_tilt": 1.0, "brow_height": -0.6, "eye_left": -0.2,
              "eye_right": -0.2},
    "surprise": {"mouth_open": 1.0, "mouth_spread": -0.5, "eye_left": 0.5, "eye_right": 0.5, "brow_height": 1.0},
    "wink": {"eye_right": -1.3, "smile": 0.4, "brow_height": -0.2},
}  # fmt: skip
_SWINGS = {"nod": {"pitch": 0.32, "shift_y": 0.02}, "shake": {"yaw": 0.55}}


class Takes(NamedTuple):
    """How clips go, one value per clip.

    Attributes:
        subject: the number of the person.
        motion: index into `MOTIONS`.
        amplitude: from 0.5 to 1 of the whole motion.
        onset: when it begins, as a share of the clip.
        rise: how long it takes to its apex, as a share of the clip.
        rest: what is left of it at the end, as a share of its apex.
        pose: from -1 to 1, where each parameter of the resting pose lies in its range.
    """

    subject: Int64[np.ndarray, "n"]
    motion: Int64[np.ndarray, "n"]
    amplitude: Float32[np.ndarray, "n"]
    onset: Float32[np.ndarray, "n"]
    rise: Float32[np.ndarray, "n"]
    rest: Float32[np.ndarray, "n"]
    pose: Float32[np.ndarray, "n k"]


def make_faces(
    *,
    size: int,
    channels: int,
    seed: int,
    max_clips: int | None,
    subjects: int = 50,
    takes: int = 5,
    motions: int = 4,
    frames: int = 16,
) -> SyntheticClips:
    """Renders faces in motion; see `make_clips`. First every motion of every person once, then their next takes.

    Args:
        seed: another one gives other people.
        subjects: how many people.
        takes: how often each of them makes each motion.
        motions: how many of smile, frown, surprise, nod, wink, shake.
        frames: frames per clip, equally spaced in time.

    Returns:
        Clips labelled by motion, with a name for each person. Factors: the person's number (`identity`), `amplitude`,
        `onset` (in frames), all fields of `Expression`, and `landmarks` (t 68 2, pixels).

    Raises:
        InputError: there are no such `motions`.
    """
    if not 1 <= motions <= len(MOTIONS):
        raise InputError(f"faces: motions is {motions} (expected 1 to {len(MOTIONS)}: {', '.join(MOTIONS)})")
    taken = draw_takes(seed, subjects=subjects, takes=takes, motions=motions, max_clips=max_clips)
    people = draw_identities(int(taken.subject.max()) + 1, seed).at(np.repeat(taken.subject, frames))
    course = tracks(taken, frames)
    expression = Expression(**{name: values.ravel() for name, values in course.items()})
    pixels = render(people, expression, size=size, channels=channels)
    per_clip = {"identity": taken.subject, "amplitude": taken.amplitude, "onset": taken.onset * (frames - 1)}
    factors = in_every_frame(per_clip, frames) | course
    factors["landmarks"] = landmarks(people, expression, size=size).reshape(-1, frames, 68, 2)
    return SyntheticClips(
        clips=pixels.reshape(-1, frames, *pixels.shape[1:]),
        labels=taken.motion.tolist(),
        label_names=list(MOTIONS[:motions]),
        factors=factors,
        subjects=[f"{seed}-{subject:03d}" for subject in taken.subject],
    )


def draw_takes(seed: int, *, subjects: int, takes: int, motions: int, max_clips: int | None = None) -> Takes:
    """Takes in the set's order (see `draw_in_turn`)."""
    shape = len(MOTIONS), len(TAKE_RANGES) + len(_POSE)
    subject, motion, numbers = draw_in_turn([seed], subjects, takes, motions, max_clips, shape, np.float64)
    uniform = numbers.astype(np.float32)
    return Takes(subject, motion, **within(TAKE_RANGES, uniform), pose=2 * uniform[:, len(TAKE_RANGES) :] - 1)


def envelope(takes: Takes, frames: int) -> Float32[np.ndarray, "n t"]:
    """How far each motion is from rest (0) to its apex (1), frame by frame; 0 in the first."""
    apex = takes.onset + takes.rise
    rise = _smooth_step(_time(frames), takes.onset, apex)
    fall = _smooth_step(_time(frames), apex + HOLD, np.ones_like(apex))
    return rise * (1 - (1 - takes.rest[:, None]) * fall)


def swing(takes: Takes, frames: int) -> Float32[np.ndarray, "n t"]:
    """One whole swing, from rest (0) to 1, to the other side and most of the way back; 0 in the first frame."""
    progress = np.clip((_time(frames) - takes.onset[:, None]) / (1 - takes.onset[:, None]), 0, 1)
    return np.sin(2 * np.pi * (1 - takes.rest[:, None] / 4) * progress).astype(np.float32)


def tracks(takes: Takes, frames: int) -> dict[str, Float32[np.ndarray, "n t"]]:
    """Every parameter of `Expression` in each frame."""
    shape = len(takes.motion), frames
    values = {name: np.full(shape, default, np.float32) for name, default in NEUTRAL._asdict().items()}
    for column, (name, reach) in enumerate(_POSE.items()):
        values[name] += reach * takes.pose[:, column, None]
    for courses, apexes in ((envelope(takes, frames), _APEXES), (swing(takes, frames), _SWINGS)):
        for motion, apex in apexes.items():
            shown = takes.amplitude * (takes.motion == MOTIONS.index(motion))
            for name, reach in apex.items():
                values[name] += reach * shown[:, None] * courses
    return values


def _time(frames: int) -> np.ndarray:
    """From 0 in the first frame to 1 in the last."""
    return np.arange(frames, dtype=np.float32) / max(frames - 1, 1)


def _smooth_step(time: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """0 before `start`, 1 after `stop`, and without a jerk from the one to the other; one row per clip."""
    share = np.clip((time - start[:, None]) / (stop - start)[:, None], 0, 1)
    return share**2 * (3 - 2 * share)
