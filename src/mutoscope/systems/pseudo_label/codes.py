"""Walks through code space. Continuous codes are in relative units: -1 and 1 are the ends of the range trained on."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mutoscope.errors import InputError

Play = Literal["once", "ping-pong", "loop"]


@dataclass(frozen=True)
class Segment:
    """A stretch of an animation: one clip, one code moving.

    Attributes:
        clip: index of the discrete pseudo-label.
        frames: how many frames it lasts.
        code: index of the continuous code that moves.
        start: its first value, relative.
        stop: its last value, relative.
    """

    clip: int = 0
    frames: int = 16
    code: int = 0
    start: float = -1.0
    stop: float = 1.0


def line(n_c: int, code: int, start: float, stop: float, frames: int) -> Float[Tensor, "t n_c"]:
    """`frames` points with one code going from `start` to `stop` in equal steps, all others idle at 0."""
    points = torch.zeros(frames, n_c)
    points[:, code] = torch.linspace(start, stop, frames)
    return points


def polyline(
    points: Sequence[Sequence[float]], n_c: int, frames: int, play: Play = "once", smooth: bool = False
) -> Float[Tensor, "t n_c"]:
    """`frames` points at equal steps of arc length along the line through `points`.

    Args:
        points: corners, each of at most n_c relative values (missing ones are idle at 0).
        n_c: size of the continuous code.
        frames: number of points wanted.
        play: stop at the last corner (once), come back the same way (ping-pong), or close the line (loop). The last two
            end one step before the first point, so that a repeated animation does not stutter.
        smooth: slow down at every corner (cosine), instead of moving evenly.

    Raises:
        InputError: no points, or a point with more than n_c values.
    """
    if not points:
        raise InputError("points: is empty (expected at least one point, as [[-1, 0], [1, 0]])")
    for point in points:
        if len(point) > n_c:
            raise InputError(f"points: {list(point)} has {len(point)} values, the system has {n_c} continuous codes")
    corners = [np.pad(np.asarray(point, float), (0, n_c - len(point))) for point in points]
    if play == "ping-pong":
        corners += corners[-2::-1]
    elif play == "loop":
        corners.append(corners[0])
    path = np.stack(corners)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    if length[-1] == 0:
        return torch.from_numpy(path[:1].repeat(frames, 0)).float()
    at = np.linspace(0, length[-1], frames, endpoint=play == "once")
    segment = np.clip(np.searchsorted(length, at, side="right") - 1, 0, len(steps) - 1)
    share = (at - length[segment]) / np.where(steps[segment] > 0, steps[segment], 1)
    if smooth:
        share = (1 - np.cos(np.pi * share)) / 2
    walk = path[segment] + share[:, None] * (path[segment + 1] - path[segment])
    return torch.from_numpy(walk).float()


def shortest_walk(distances: Float[np.ndarray, "n n"]) -> list[int]:
    """An order that visits all n items with a small total distance, never larger than that of the natural order.

    Nearest neighbour from every start, improved by reversing stretches (2-opt) until nothing gets shorter; the natural
    order is one of the starts.
    """
    n = len(distances)
    starts = [list(range(n))]
    for start in range(n):
        walk, left = [start], set(range(n)) - {start}
        while left:
            walk.append(min(left, key=lambda i: (distances[walk[-1], i], i)))
            left.remove(walk[-1])
        starts.append(walk)
    return min((_two_opt(walk, distances) for walk in starts), key=lambda walk: walk_length(walk, distances))


def walk_length(walk: Sequence[int], distances: Float[np.ndarray, "n n"]) -> float:
    """Total distance of an open walk."""
    return float(sum(distances[a, b] for a, b in itertools.pairwise(walk)))


def _two_opt(walk: list[int], distances: np.ndarray) -> list[int]:
    best, length, improved = walk, walk_length(walk, distances), True
    while improved:
        improved = False
        for i in range(len(best) - 1):
            for j in range(i + 2, len(best) + 1):
                candidate = best[:i] + best[i:j][::-1] + best[j:]
                shorter = walk_length(candidate, distances)
                if shorter < length - 1e-12:
                    best, length, improved = candidate, shorter, True
    return best
