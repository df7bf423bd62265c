"""How things move in clips of twins whose motion can be read off their frames, and how near real clips that is."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, UInt8

from mutoscope.data import Clips
from mutoscope.data.synthetic import make_clips, readers_of
from mutoscope.metrics.frechet import frechet_distance_of
from mutoscope.systems.base import System
from mutoscope.systems.conditions import Conditions

CLIPS = 400
OTHER_SEED = 2000
"""Of the real clips that real ones are compared with."""
LEAST_FOUND = 0.5
"""In fewer of its frames, what a clip shows cannot be followed."""

Batch = UInt8[np.ndarray, "n t h w c"]
MotionReader = Callable[[Batch], tuple[dict[str, np.ndarray], np.ndarray]]
"""See `data.synthetic.Readers.motion`."""


class Courses(NamedTuple):
    """What can be read off clips.

    Attributes:
        states: for each quantity its values over time, in pixels or square pixels; gaps are filled along time.
        found: share of the frames in which there was something to read.
        followed: which of the clips the rows of `states` belong to: those that could be followed.
    """

    states: dict[str, Float64[np.ndarray, "m t"]]
    found: float
    followed: np.ndarray


def courses(clips: Batch, read: MotionReader) -> Courses:
    """The courses of all clips that can be followed."""
    states, found = read(clips)
    followed = np.flatnonzero(found.mean(1) >= LEAST_FOUND)
    filled = {name: np.array([_filled(row) for row in values[followed]]) for name, values in states.items()}
    rows = {name: values.reshape(-1, clips.shape[1]) for name, values in filled.items()}
    return Courses(rows, float(found.mean()), followed)


def trajectory_features(states: dict[str, Float64[np.ndarray, "m t"]]) -> Float64[np.ndarray, "m k"]:
    """Values and first differences of all courses, one row a clip."""
    rows = list(states.values())
    return np.concatenate([*rows, *(np.diff(values, axis=1) for values in rows)], axis=1)


def trajectory_measures(system: System, clips: Clips, seed: int = 0) -> dict[str, float]:
    """Whether a system's clips move as real ones do; nothing on data whose clips cannot be read.

    Args:
        system: makes clips from noise.
        clips: real ones; where they come from says what can be read.
        seed: of the noise, and of the other real clips.

    Returns:
        `ftd`: the Fréchet distance between trajectory features of as many real and generated clips, in units of the
        real ones' deviations; `ftd_of_real`: the same of other real clips; `found`: share of the generated frames that
        show what moves. `ftd` is infinite where fewer than half of the clips can be followed.
    """
    origin, read = clips.origin, readers_of(clips.origin).motion
    if origin is None or read is None or clips.channels != 3:
        return {}
    frames = int(clips.lengths.min())
    real = np.stack([clips[i].frames[:frames] for i in range(min(len(clips), CLIPS))])
    options = {**origin.options, "max_clips": None, "seed": OTHER_SEED + seed}
    options |= {"size": clips.height, "clips": len(real), "frames": frames}
    other = make_clips(origin.name, **options).clips
    drawn = courses(np.stack(list(system.outputs(Conditions(len(real), frames), seed))), read)
    of_real = courses(real, read).states
    scale = trajectory_features(of_real).std(0)

    def features(states: dict[str, np.ndarray]) -> Float[np.ndarray, "m k"]:
        return trajectory_features(states) / scale

    enough = len(drawn.followed) >= max(2, len(real) / 2)
    return {
        "ftd": frechet_distance_of(features(drawn.states), features(of_real)) if enough else float("inf"),
        "ftd_of_real": frechet_distance_of(features(courses(other, read).states), features(of_real)),
        "found": drawn.found,
    }


def _filled(row: np.ndarray) -> Float64[np.ndarray, "t"]:
    """Gaps (NaN) bridged by lines between the values beside them."""
    known = np.flatnonzero(np.isfinite(row))
    return np.interp(np.arange(len(row)), known, row[known])
