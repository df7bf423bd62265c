"""The Animation Score of Yu et al. 2020 (Eq. 10) and the matching of generated sequences to real clips."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, UInt8

from mutoscope.errors import InputError

SMALLEST_FID = 1e-3


def animation_score(psnr: float, ssim: float, fid: float, alpha: float = 20.0, beta: float = 1.0) -> float:
    """`s = s_p + α·s_s + β / s_f` (Eq. 10), higher is better; mixes dB, a fraction and an inverse squared distance.

    Args:
        psnr: s_p, in dB.
        ssim: s_s, in [-1, 1].
        fid: s_f, at least 0; values below 1e-3 count as 1e-3. Its scale depends on the features, so scores are
            comparable only for the same extractor.
        alpha: α, weight of SSIM.
        beta: β, weight of the inverse Fréchet distance.
    """
    return psnr + alpha * ssim + beta / max(fid, SMALLEST_FID)


class AnimationScore(NamedTuple):
    """The three parts of an Animation Score (always shown beside it): dB, [-1, 1], squared feature units."""

    psnr: float
    ssim: float
    fid: float

    @property
    def score(self) -> float:
        """Eq. 10 with the published weights."""
        return animation_score(self.psnr, self.ssim, self.fid)


class Window(NamedTuple):
    """A stretch of a real clip: frames `start`, `start + 1`, … of clip number `clip`, played backwards if `reversed`.

    `mse` is the mean squared difference to the sequence it was matched with, in squared grey levels of 0 to 255.
    """

    clip: int
    start: int
    reversed: bool
    mse: float


def best_window(
    generated: UInt8[np.ndarray, "t h w c"],
    clips: Sequence[UInt8[np.ndarray, "_ h w c"]],
    frames_at_once: int = 32,
) -> Window:
    """The window most like a generated sequence: the lowest mean MSE over all clips, start frames and both directions.

    The comparison for PSNR and SSIM of an unconditional model, which has no clip of its own to be compared with (the
    paper compares with "similar" clips without a rule).

    Args:
        generated: the sequence.
        clips: real clips of any length; those shorter than the sequence are passed over.
        frames_at_once: real frames held as float64 at a time (few enough to stay in the processor's cache).

    Raises:
        InputError: no clip is as long as the sequence.
    """
    length = len(generated)
    sequence = generated.reshape(length, -1).astype(np.float64)
    best: Window | None = None
    for index, clip in enumerate(clips):
        if len(clip) < length:
            continue
        energies, products = _energies_and_products(clip, sequence, frames_at_once)
        for backwards in (False, True):
            distances = _window_distances(energies, products[::-1] if backwards else products)
            start = int(distances.argmin())
            mse = float(distances[start] + np.square(sequence).sum()) / sequence.size
            if best is None or mse < best.mse:
                best = Window(index, start, backwards, mse)
    if best is None:
        raise InputError(f"no real clip has {length} frames or more (expected at least one to compare with)")
    return best


def window_frames(
    clips: Sequence[UInt8[np.ndarray, "_ h w c"]], window: Window, length: int
) -> UInt8[np.ndarray, "{length} h w c"]:
    """The `length` frames of a window, in the order in which they match."""
    frames = clips[window.clip][window.start : window.start + length]
    return frames[::-1] if window.reversed else frames


def _energies_and_products(
    clip: UInt8[np.ndarray, "T h w c"], sequence: Float64[np.ndarray, "t p"], frames_at_once: int
) -> tuple[Float64[np.ndarray, "T"], Float64[np.ndarray, "t T"]]:
    """Squared norm of every real frame, and its inner product with every frame of the sequence."""
    energies, products = np.empty(len(clip)), np.empty((len(sequence), len(clip)))
    for start in range(0, len(clip), frames_at_once):
        part = slice(start, start + frames_at_once)
        frames = clip[part].reshape(-1, sequence.shape[1]).astype(np.float64)
        energies[part] = np.einsum("tp,tp->t", frames, frames)
        products[:, part] = sequence @ frames.T
    return energies, products


def _window_distances(
    energies: Float64[np.ndarray, "T"], products: Float64[np.ndarray, "t T"]
) -> Float64[np.ndarray, "s"]:
    """Squared distance of every window to the sequence, less the sequence's own squared norm."""
    length, starts = len(products), len(energies) - len(products) + 1
    frame = np.arange(length)[:, None]
    window = np.arange(starts) + frame
    return (energies[window] - 2 * products[frame, window]).sum(axis=0)
