"""How things move: optical flow of clips, its statistics, and distances between the motion of two sets of clips.

Flow is in pixels per frame, x (to the right) before y (downwards). It is estimated (Farnebäck 2003): flat surroundings
are drawn along with what moves beside them, so compare figures only with those of real clips of the same size.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int, UInt8

from mutoscope.errors import InputError

SMALLEST_FRAME = 16
DIRECTIONS = ("right", "up-right", "up", "up-left", "left", "down-left", "down", "down-right")
SPEED_STEP = 0.125
FASTEST = 32.0


def flow(clip: UInt8[np.ndarray, "t h w c"]) -> Float32[np.ndarray, "t-1 h w 2"]:
    """Where each pixel of a frame goes until the next, (x, y) in pixels; about 0 where nothing changes.

    Args:
        clip: at least two frames, at least 16 pixels high and wide, RGB or grey.

    Raises:
        InputError: the clip has fewer than two frames, or frames too small or of other channels.
    """
    import cv2

    length, height, width, channels = clip.shape
    if length < 2 or min(height, width) < SMALLEST_FRAME:
        raise InputError(
            f"optical flow: {length} frames of {width}×{height} pixels "
            f"(expected at least 2 of {SMALLEST_FRAME}×{SMALLEST_FRAME})"
        )
    if channels not in (1, 3):
        raise InputError(f"optical flow: frames have {channels} channels (expected 3, RGB, or 1, grey)")
    grey = clip[..., 0] if channels == 1 else [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip]
    estimator = cv2.FarnebackOpticalFlow.create(
        numLevels=3, pyrScale=0.5, winSize=11, numIters=3, polyN=5, polySigma=1.2
    )
    vectors = np.zeros((length - 1, height, width, 2), np.float32)
    for (before, after), result in zip(pairwise(grey), vectors, strict=True):
        estimator.calc(before, after, result)
    return vectors


class MotionStatistics(NamedTuple):
    """How a clip moves.

    Attributes:
        speed: mean over all pixels and frames, in pixels per frame.
        moving: share of the pixels that move at all (faster than a threshold), 0 to 1.
        directions: share of the motion (sum of speeds of moving pixels) in each of `DIRECTIONS`, 45° wide; sums to 1,
            or is 0 where nothing moves.
        consistency: length of the summed flow ÷ summed speeds of moving pixels, for each pair of frames with motion,
            averaged: 1 where all moves one way, near 0 where motions cancel; NaN where nothing moves.
    """

    speed: float
    moving: float
    directions: Float64[np.ndarray, "8"]
    consistency: float


def motion_statistics(clip: UInt8[np.ndarray, "t h w c"], *, threshold: float = 0.5) -> MotionStatistics:
    """The statistics of a clip's `flow`.

    Args:
        clip: as for `flow`.
        threshold: speed above which a pixel counts as moving, in pixels per frame.

    Raises:
        InputError: the clip has fewer than two frames, or frames too small or of other channels.
    """
    return flow_statistics(flow(clip), threshold=threshold)


def flow_statistics(vectors: Float32[np.ndarray, "t h w 2"], *, threshold: float = 0.5) -> MotionStatistics:
    """The statistics of a given flow, in the same units; arguments as for `motion_statistics`."""
    speeds = _speeds(vectors)
    moving = speeds > threshold
    motion = np.where(moving, speeds, 0.0)
    directions = np.bincount(_sectors(vectors[moving]), weights=speeds[moving], minlength=len(DIRECTIONS))
    summed_speeds = motion.sum(axis=(1, 2))
    summed_flow = np.linalg.norm((vectors * moving[..., None]).sum(axis=(1, 2), dtype=np.float64), axis=1)
    with_motion = summed_speeds > 0
    ratios = summed_flow[with_motion] / summed_speeds[with_motion]
    return MotionStatistics(
        speed=float(speeds.mean()),
        moving=float(moving.mean()),
        directions=directions / (directions.sum() or 1.0),
        consistency=float(ratios.mean()) if len(ratios) else float("nan"),
    )


class SpeedHistogram:
    """How many pixels move how fast, over any number of clips, read one after another.

    Attributes:
        counts: pixels in each step of 1/8 pixel per frame; the last holds all of 32 pixels per frame or more.
    """

    def __init__(self) -> None:
        self.counts: Int[np.ndarray, bins] = np.zeros(int(FASTEST / SPEED_STEP) + 1, np.int64)

    def update(self, clip: UInt8[np.ndarray, "t h w c"]) -> None:
        """Adds the pixels of a clip.

        Raises:
            InputError: the clip has fewer than two frames, or frames too small or of other channels.
        """
        steps = np.minimum(_speeds(flow(clip)) / SPEED_STEP, len(self.counts) - 1).astype(np.int64)
        self.counts += np.bincount(steps.ravel(), minlength=len(self.counts))


def speed_distance(a: SpeedHistogram, b: SpeedHistogram) -> float:
    """Wasserstein-1 distance between the speeds of two sets of clips, in pixels per frame; 0 for equal histograms.

    Raises:
        InputError: one of the two has seen no clip.
    """
    from scipy.stats import wasserstein_distance

    if not (a.counts.any() and b.counts.any()):
        raise InputError("speed distance: no clips were given (expected at least one in each set)")
    speeds = np.arange(len(a.counts)) * SPEED_STEP
    return float(wasserstein_distance(speeds, speeds, a.counts, b.counts))


def _speeds(vectors: Float32[np.ndarray, "t h w 2"]) -> Float64[np.ndarray, "t h w"]:
    return np.hypot(vectors[..., 0], vectors[..., 1], dtype=np.float64)


def _sectors(vectors: Float32[np.ndarray, "n 2"]) -> Int[np.ndarray, "n"]:
    """The number in `DIRECTIONS` of each vector's direction; sectors are centred on the axes and diagonals."""
    angles = np.arctan2(-vectors[:, 1], vectors[:, 0])  # y grows downwards
    return np.rint(angles * len(DIRECTIONS) / (2 * np.pi)).astype(np.int64) % len(DIRECTIONS)
