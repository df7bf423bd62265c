"""The Animation Score of Yu et al. 2020 (Eq. 10) and the matching of generated sequences to real clips."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int, UInt8

from mutoscope.errors import InputError

SMALLEST_FID = 1e-3
BLOCKS = 8  # a frame is summarised by the means of 8 × 8 blocks


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


class WindowSearch:
    """Finds the window of real clips most like a sequence: the lowest mean MSE over clips, start frames and directions.

    The comparison for PSNR and SSIM of an unconditional model, which has no clip of its own to be compared with (the
    paper compares with "similar" clips without a rule). Exact, without looking at most windows: the distance between
    two frames is at least that between their summaries (a projection, and the length of what it leaves out), so only
    windows whose summaries are closer than the best window so far are compared pixel by pixel.

    Args:
        clips: real clips of any length and one size; those shorter than a sequence are passed over.
    """

    def __init__(self, clips: Sequence[UInt8[np.ndarray, "_ h w c"]]) -> None:
        self.clips = clips
        self.lengths = np.array([len(clip) for clip in clips])
        self._summaries = np.concatenate([_summaries(clip) for clip in clips])
        self._energies = np.einsum("nk,nk->n", self._summaries, self._summaries, dtype=np.float64)

    def best(self, sequence: UInt8[np.ndarray, "t h w c"]) -> Window:
        """The window most like `sequence`.

        Raises:
            InputError: no clip is as long as the sequence.
        """
        length = len(sequence)
        clip_of = np.repeat(np.arange(len(self.lengths)), self.lengths)
        time = np.arange(len(clip_of)) - (np.cumsum(self.lengths) - self.lengths)[clip_of]
        starts = np.flatnonzero(time + length <= self.lengths[clip_of])
        if not len(starts):
            raise InputError(f"no real clip has {length} frames or more (expected at least one to compare with)")
        bounds = self._lower_bounds(_summaries(sequence), starts)
        best = Window(-1, -1, False, np.inf)
        target = sequence.astype(np.float32)
        for candidate in np.argsort(bounds, axis=None, kind="stable"):
            if bounds.flat[candidate] > best.mse * sequence.size:
                break
            row, backwards = starts[candidate // 2], bool(candidate % 2)
            clip, start = int(clip_of[row]), int(time[row])
            frames = self.clips[clip][start : start + length]
            mse = float(np.square(target - (frames[::-1] if backwards else frames)).mean(dtype=np.float64))
            if mse < best.mse:
                best = Window(clip, start, backwards, mse)
        return best

    def _lower_bounds(
        self, sequence: Float32[np.ndarray, "t k"], starts: Int[np.ndarray, "windows"]
    ) -> Float64[np.ndarray, "windows 2"]:
        """What the squared distance of every window to the sequence is at least, forwards and backwards."""
        length = len(sequence)
        own = sequence.astype(np.float64)
        energies = np.square(own).sum(axis=1)
        squares = energies[:, None] + self._energies - 2 * (own @ self._summaries.T)
        rounding = np.finfo(np.float32).eps * np.sqrt(max(energies.max(), self._energies.max()))
        distances = np.square((np.sqrt(squares.clip(min=0)) - 2 * rounding).clip(min=0))
        bounds = np.zeros((len(starts), 2))
        for frame in range(length):
            bounds[:, 0] += distances[frame, starts + frame]
            bounds[:, 1] += distances[length - 1 - frame, starts + frame]
        return bounds


def best_window(generated: UInt8[np.ndarray, "t h w c"], clips: Sequence[UInt8[np.ndarray, "_ h w c"]]) -> Window:
    """The window of real clips most like one generated sequence (`WindowSearch` serves many).

    Raises:
        InputError: no clip is as long as the sequence.
    """
    return WindowSearch(clips).best(generated)


def window_frames(
    clips: Sequence[UInt8[np.ndarray, "_ h w c"]], window: Window, length: int
) -> UInt8[np.ndarray, "{length} h w c"]:
    """The `length` frames of a window, in the order in which they match."""
    frames = clips[window.clip][window.start : window.start + length]
    return frames[::-1] if window.reversed else frames


def _summaries(frames: UInt8[np.ndarray, "t h w c"]) -> Float32[np.ndarray, "t k"]:
    """Block means of each frame, and the norm of what they leave out in each block.

    Scaled so that the distance between the summaries of two frames never exceeds that between the frames.
    """
    pixels = frames.astype(np.float64)
    rows, columns = _membership(frames.shape[1]), _membership(frames.shape[2])
    area = np.outer(rows.sum(axis=1), columns.sum(axis=1))

    def block_sums(values: Float64[np.ndarray, "t h w c"]) -> Float64[np.ndarray, "t rows columns c"]:
        t, h, w, c = values.shape
        return columns @ (rows @ values.reshape(t, h, w * c)).reshape(t, len(rows), w, c)

    projected = block_sums(pixels) / np.sqrt(area)[:, :, None]
    rest = block_sums(np.square(pixels)).sum(axis=3) - np.square(projected).sum(axis=3)
    summaries = np.concatenate([projected, np.sqrt(rest.clip(min=0))[..., None]], axis=3)
    return summaries.reshape(len(frames), -1).astype(np.float32)


def _membership(size: int) -> Float64[np.ndarray, "blocks {size}"]:
    """Which of at most `BLOCKS` equal stretches each pixel of a row or column belongs to, as zeros and ones."""
    block = np.arange(size) * min(BLOCKS, size) // size
    return (block == np.arange(block[-1] + 1)[:, None]).astype(np.float64)
