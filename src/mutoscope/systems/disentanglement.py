"""Whether two codes of a generator act apart: one for what is seen, one for what it does."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64, UInt8

from mutoscope.data import Clips
from mutoscope.data.synthetic import readers_of
from mutoscope.errors import InputError
from mutoscope.metrics.anova import VarianceShares, variance_shares
from mutoscope.metrics.motion import flow

Grid = UInt8[np.ndarray, "a m t h w c"]
GRID = 16  # appearances, and motions, that are measured
REAL_CLIPS = 400
CELLS = 4  # a side, that colours and flows are taken over


def disentanglement(
    sample_grid: Callable[[int, int, int], Grid], clips: Clips, frames: int, seed: int = 0
) -> dict[str, float]:
    """Shares of the variance over a grid of appearances and motions (two-way analysis of variance).

    Clips of a rendered set that brings readers are described by these (moving sprites by the colours and the area of
    what moves, and by its trajectory); others by colours and optical flow in 4 × 4 cells.

    Args:
        sample_grid: given how many appearances, how many motions and a seed, every one with every other.
        clips: real ones, whose variances are the measure of what should vary.
        frames: how many of each real clip are looked at: as many as the grid's clips have.
        seed: of the grid.

    Returns:
        `appearance_of_look`: of the variance of looks, the share that the appearance code decides alone (1 at best);
        `motion_of_motion`: of the variance of motions, the share that the motion code decides alone (1 at best);
        `look_of_real`, `motion_of_real`: the variance of looks and of motions, of that over real clips: below one half,
        modes have collapsed and the shares say little;
        `motion_by_motion_code`: the variance of motions that the motion code decides, of that over real clips.

    Raises:
        InputError: fewer than two real clips are that long.
    """
    real = _real(clips, frames)
    drawn = sample_grid(GRID, GRID, seed)
    of_look = look_descriptors(clips, drawn.shape[-1])
    of_motion = readers_of(clips.origin).motion_descriptors or flow_of_cells
    look_variance, motion_variance = of_look(real).var(axis=0), of_motion(real).var(axis=0)
    look, motion = _shares(of_look, drawn, look_variance), _shares(of_motion, drawn, motion_variance)
    return {
        "appearance_of_look": _mean(look.appearance),
        "motion_of_motion": _mean(motion.motion),
        "look_of_real": float(look.total.sum() / look_variance.sum()),
        "motion_of_real": float(motion.total.sum() / motion_variance.sum()),
        "motion_by_motion_code": float(np.nansum(motion.motion * motion.total) / motion_variance.sum()),
    }


def look_descriptors(clips: Clips, channels: int) -> Callable[[np.ndarray], np.ndarray]:
    """What describes the looks of clips `n t h w c` like these, one row a clip."""
    look = readers_of(clips.origin).look
    return look if look is not None and channels == 3 else colours_of_cells  # readers of looks know colours


def colours_of_cells(clips: UInt8[np.ndarray, "n t h w c"]) -> Float64[np.ndarray, "n d"]:
    """The mean colour of each cell over the clip, in [0, 1]."""
    return _cells(clips.mean(axis=1) / 255)


def flow_of_cells(clips: UInt8[np.ndarray, "n t h w c"]) -> Float64[np.ndarray, "n d"]:
    """The mean flow of each cell in the clip's first and in its second half, in pixels a frame."""
    flows = np.stack([flow(clip) for clip in clips])
    half = flows.shape[1] // 2
    return np.concatenate([_cells(flows[:, :half].mean(1)), _cells(flows[:, half:].mean(1))], axis=1)


def _shares(
    describe: Callable[[np.ndarray], np.ndarray], drawn: Grid, real_variance: Float64[np.ndarray, "d"]
) -> VarianceShares:
    values = describe(drawn.reshape(-1, *drawn.shape[2:]))
    return variance_shares(values.reshape(*drawn.shape[:2], -1), real_variance)


def _mean(shares: Float64[np.ndarray, "d"]) -> float:
    """The mean share of the descriptors that vary; 0 where none does."""
    return float(np.nanmean(shares)) if not np.isnan(shares).all() else 0.0


def _cells(maps: np.ndarray) -> Float64[np.ndarray, "n d"]:
    """Means over a coarse grid of maps `n h w k`."""
    rows = np.array_split(maps, CELLS, axis=1)
    cells = [cell.mean(axis=(1, 2)) for row in rows for cell in np.array_split(row, CELLS, axis=2)]
    return np.concatenate(cells, axis=1).astype(np.float64)


def _real(clips: Clips, frames: int) -> UInt8[np.ndarray, "n t h w c"]:
    """The first `frames` frames of at most `REAL_CLIPS` clips that have as many, at even distances."""
    long = [i for i, length in enumerate(clips.lengths) if length >= frames]
    if len(long) < 2:
        raise InputError(f"{clips.name}: {len(long)} of {len(clips)} clips have {frames} frames (expected at least 2)")
    count = min(len(long), REAL_CLIPS)
    return np.stack([clips[long[i * len(long) // count]].frames[:frames] for i in range(count)])
