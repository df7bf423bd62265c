"""How well clips were foretold: errors over the horizon, and how much the real ones move (Zhao et al. 2020, Sec. 7).

Foretold and real clips are uint8, frame by frame; errors are those of values in [0, 1].
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from mutoscope.errors import InputError
from mutoscope.metrics.pixel import background_error, check_aligned, psnr, temporal_difference_error

Clips = Sequence[UInt8[np.ndarray, "_ h w c"]]

DECILES = 10


def mse(foretold: UInt8[np.ndarray, "t h w c"], real: UInt8[np.ndarray, "t h w c"]) -> Float64[np.ndarray, "t"]:
    """Mean squared error of every frame, values in [0, 1] (Table 7).

    Raises:
        InputError: the two have different shapes.
    """
    check_aligned("MSE", foretold, real)
    return np.square((foretold.astype(np.float64) - real) / 255).mean((1, 2, 3))


def motion(clip: UInt8[np.ndarray, "t h w c"]) -> float:
    """How much a clip moves: the mean L2 norm of the difference of frames that follow each other, values in [0, 1].

    Raises:
        InputError: there are fewer than two frames.
    """
    if len(clip) < 2:
        raise InputError(f"motion: the clip has {len(clip)} frames (expected at least two)")
    steps = np.diff(clip.astype(np.float64) / 255, axis=0)
    return float(np.sqrt(np.square(steps).sum((1, 2, 3))).mean())


def motion_deciles(amounts: Float64[np.ndarray, "n"] | Sequence[float]) -> list[Int64[np.ndarray, "_"]]:
    """Clips in ten groups from little to much motion, whose sizes differ by one at most (Fig. 9).

    Args:
        amounts: the motion of every clip.

    Returns:
        For each group the numbers of its clips, in order of their motion.
    """
    return np.array_split(np.argsort(np.asarray(amounts), kind="stable"), DECILES)


def forecast_measures(foretold: Clips, real: Clips) -> dict[str, float]:
    """What papers print of forecasts, means over clips of what was foretold alone.

    Args:
        foretold: what follows the frames that were given.
        real: what really followed, of equal length each.

    Returns:
        `mse`; `psnr` of all frames in dB, `psnr_next` of the first, `psnr_last` of the last, `psnr_drop` how much worse
        this is than the first; `psnr_still` and `psnr_moving`, over the five tenths of the clips that move least and
        the one that moves most, from 10 clips on; `flicker`, change from frame to frame that the real clip does not
        have; `background`, the error where nothing moves (both in grey levels).

    Raises:
        InputError: there are no clips, or pairs differ in shape.
    """
    if not real or len(foretold) != len(real):
        raise InputError(
            f"forecasts: {len(foretold)} clips for {len(real)} real ones (expected one each, at least one)"
        )
    pairs = list(zip(foretold, real, strict=True))
    by_frame = [psnr(made, true, data_range=255.0) for made, true in pairs]
    by_clip = np.array([values.mean() for values in by_frame])
    measures = {
        "mse": float(np.mean([mse(made, true).mean() for made, true in pairs])),
        "psnr": float(by_clip.mean()),
        "psnr_next": float(np.mean([values[0] for values in by_frame])),
        "psnr_last": float(np.mean([values[-1] for values in by_frame])),
        "psnr_drop": float(np.mean([values[0] - values[-1] for values in by_frame])),
    }
    moving = [(made, true) for made, true in pairs if len(true) > 1]
    if len(real) >= DECILES and len(moving) == len(real):
        groups = motion_deciles([motion(true) for true in real])
        measures["psnr_still"] = float(by_clip[np.concatenate(groups[: DECILES // 2])].mean())
        measures["psnr_moving"] = float(by_clip[groups[-1]].mean())
    if moving:
        measures["flicker"] = float(np.mean([temporal_difference_error(*pair) for pair in moving]))
        background = np.array([background_error(*pair) for pair in moving])
        if not np.isnan(background).all():
            measures["background"] = float(np.nanmean(background))
    return measures
