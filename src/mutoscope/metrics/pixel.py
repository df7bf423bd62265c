"""Likeness of aligned frames and clips, pixel by pixel: PSNR, SSIM, MS-SSIM, errors of background and of motion.

Errors of clips are mean absolute ones in grey levels of 0 to 255.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Float64, Num, UInt8

from mutoscope.errors import InputError

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, finest scale first


def psnr(
    a: Num[np.ndarray, "n h w c"], b: Num[np.ndarray, "n h w c"], *, data_range: float, cap: float = 100.0
) -> Float64[np.ndarray, "n"]:
    """Peak signal-to-noise ratio of each pair, `10·log10(R² / MSE)`, in dB; higher is closer, 0 dB is an error of R.

    Args:
        a: frames.
        b: the frames they are compared with.
        data_range: R, the width of the value range: 255.0 for uint8, 1.0 for [0, 1], 2.0 for [-1, 1].
        cap: value given to identical pairs, and the largest returned (PSNR has no upper bound).

    Raises:
        InputError: the two have different shapes.
    """
    check_aligned("PSNR", a, b)
    errors = np.mean(np.square(a.astype(np.float64) - b), axis=(1, 2, 3))
    smallest_error = data_range**2 / 10 ** (cap / 10)
    return 10 * np.log10(data_range**2 / np.maximum(errors, smallest_error))


def ssim(
    a: Num[np.ndarray, "n h w c"], b: Num[np.ndarray, "n h w c"], *, data_range: float
) -> Float64[np.ndarray, "n"]:
    """Structural similarity of each pair (Wang et al. 2004), in [-1, 1]; 1 means identical.

    `(2μaμb + C1)(2σab + C2) / ((μa² + μb² + C1)(σa² + σb² + C2))` with C1 = (0.01 R)², C2 = (0.03 R)², in Gaussian
    windows of 11 × 11 pixels with σ = 1.5, averaged over the window positions inside the frame and over channels.

    Args:
        a: frames, at least 11 pixels high and wide.
        b: the frames they are compared with.
        data_range: R, the width of the value range: 255.0 for uint8, 1.0 for [0, 1], 2.0 for [-1, 1].

    Raises:
        InputError: the frames are smaller than the window, or the two have different shapes.
    """
    check_aligned("SSIM", a, b)
    _check_window("SSIM", *a.shape[1:3])
    return np.array([_similarities(x, y, data_range)[0] for x, y in zip(a, b, strict=True)])


def ms_ssim(
    a: Num[np.ndarray, "n h w c"], b: Num[np.ndarray, "n h w c"], *, data_range: float
) -> Float64[np.ndarray, "n"]:
    """Multi-scale structural similarity of each pair (Wang et al. 2003, Eq. 7), in [0, 1]; 1 means identical.

    `Π_j cs_j^w_j · ssim_M^w_M`: the contrast-structure term of every scale but the coarsest, M, of which the whole SSIM
    counts; negative means count as 0. From scale to scale frames are averaged over 2 × 2 pixels (an odd row or
    column at the end is left out). Five scales need 176 pixels; smaller frames have as many scales as the window
    fits into (`ms_ssim_scales`: three at 64 × 64), with the first weights, scaled to sum to 1. Values of different
    numbers of scales are not comparable: `ms_ssim_name` says the number.

    Args:
        a: frames, at least 11 pixels high and wide.
        b: the frames they are compared with.
        data_range: R, the width of the value range: 255.0 for uint8, 1.0 for [0, 1]. C1 and the luminance term assume
            values that start at 0.

    Raises:
        InputError: the frames are smaller than the window, or the two have different shapes.
    """
    check_aligned("MS-SSIM", a, b)
    weights = np.array(SCALE_WEIGHTS[: ms_ssim_scales(*a.shape[1:3])])
    weights /= weights.sum()
    return np.array([_ms_ssim(x, y, weights, data_range) for x, y in zip(a, b, strict=True)])


def ms_ssim_scales(height: int, width: int) -> int:
    """How many scales `ms_ssim` has for frames of this size: at most 5, each at least 11 pixels high and wide.

    Raises:
        InputError: not even one scale fits.
    """
    _check_window("MS-SSIM", height, width)
    return min(len(SCALE_WEIGHTS), (min(height, width) // SSIM_WINDOW).bit_length())


def ms_ssim_name(height: int, width: int) -> str:
    """The name under which MS-SSIM of such frames is reported: `ms_ssim`, or with fewer scales `ms_ssim[3 scales]`."""
    scales = ms_ssim_scales(height, width)
    return "ms_ssim" if scales == len(SCALE_WEIGHTS) else f"ms_ssim[{scales} scales]"


def background_error(
    generated: UInt8[np.ndarray, "t h w c"], real: UInt8[np.ndarray, "t h w c"], *, tolerance: int = 8
) -> float:
    """Mean absolute error over the pixels that stand still in the real clip, in grey levels (0 to 255).

    Args:
        generated: a clip.
        real: the clip it should equal.
        tolerance: a pixel stands still where no channel's values differ by more than this over the whole clip, in
            grey levels (above 0 for the noise of cameras and codecs).

    Returns:
        The error; NaN where no pixel stands still.

    Raises:
        InputError: the two have different shapes.
    """
    check_aligned("background error", generated, real)
    still = (real.max(axis=0) - real.min(axis=0)).max(axis=2) <= tolerance
    if not still.any():
        return float("nan")
    return float(
        np.mean([np.abs(x[still].astype(np.int16) - y[still]).mean() for x, y in zip(generated, real, strict=True)])
    )


def temporal_difference_error(generated: UInt8[np.ndarray, "t h w c"], real: UInt8[np.ndarray, "t h w c"]) -> float:
    """Mean of `|(g_t − g_{t−1}) − (r_t − r_{t−1})|`, in grey levels (0 to 510): flicker that the real clip lacks.

    0 also for a generated clip that is off by the same error in every frame.

    Args:
        generated: a clip of at least two frames.
        real: the clip it should equal.

    Raises:
        InputError: there are fewer than two frames, or the two have different shapes.
    """
    check_aligned("temporal difference error", generated, real)
    _check_length("temporal difference error", len(real), fewest=2)
    errors = (np.subtract(x, y, dtype=np.int16) for x, y in zip(generated, real, strict=True))
    return float(np.mean([np.abs(after - before).mean() for before, after in pairwise(errors)]))


def flicker(clip: UInt8[np.ndarray, "t h w c"]) -> float:
    """Mean of `|x_{t−1} − 2 x_t + x_{t+1}|`, in grey levels (0 to 510): change that is not steady; needs no real clip.

    0 for a clip that stands still or fades evenly. Real motion is above 0 too: compare with that of real clips.

    Args:
        clip: at least three frames.

    Raises:
        InputError: there are fewer than three frames.
    """
    _check_length("flicker", len(clip), fewest=3)
    changes = (np.subtract(after, before, dtype=np.int16) for before, after in pairwise(clip))
    return float(np.mean([np.abs(after - before).mean() for before, after in pairwise(changes)]))


def check_aligned(metric: str, a: Num[np.ndarray, "..."], b: Num[np.ndarray, "..."]) -> None:
    """Sees to it that no array is stretched to fit the other.

    Raises:
        InputError: the two have different shapes; the message begins with `metric`.
    """
    if a.shape != b.shape:
        raise InputError(f"{metric}: shapes {a.shape} and {b.shape} (expected as many frames, of one size, in each)")


def _ms_ssim(
    x: Num[np.ndarray, "h w c"], y: Num[np.ndarray, "h w c"], weights: Float64[np.ndarray, "m"], data_range: float
) -> float:
    terms = []
    for scale in range(len(weights)):
        if scale:
            x, y = _halved(x), _halved(y)
        terms.append(_similarities(x, y, data_range))
    factors = [contrast for _, contrast in terms[:-1]] + [terms[-1][0]]
    return float(np.prod(np.maximum(factors, 0.0) ** weights))


def _similarities(x: Num[np.ndarray, "h w c"], y: Num[np.ndarray, "h w c"], data_range: float) -> tuple[float, float]:
    """SSIM and its contrast-structure part `(2σab + C2) / (σa² + σb² + C2)`, means over windows and channels."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean_x, mean_y = _windowed(x), _windowed(y)
    products_of_means, squares_of_means = mean_x * mean_y, np.square(mean_x) + np.square(mean_y)
    covariance = _windowed(x * y) - products_of_means
    variances = np.maximum(_windowed(np.square(x) + np.square(y)) - squares_of_means, 0.0)
    contrast = (2 * covariance + c2) / (variances + c2)
    luminance = (2 * products_of_means + c1) / (squares_of_means + c1)
    return float((luminance * contrast).mean()), float(contrast.mean())


def _windowed(image: Float64[np.ndarray, "h w c"]) -> Float64[np.ndarray, "y x c"]:
    """Gaussian means at the window positions inside the image."""
    from scipy.ndimage import correlate1d

    border = SSIM_WINDOW // 2
    kernel = np.exp(-np.square(np.arange(-border, border + 1) / SSIM_SIGMA) / 2)
    kernel /= kernel.sum()
    rows = correlate1d(image, kernel, axis=0)[border:-border]
    return correlate1d(rows, kernel, axis=1)[:, border:-border]


def _halved(image: Num[np.ndarray, "h w c"]) -> Float64[np.ndarray, "y x c"]:
    """Means over 2 × 2 pixels."""
    height, width = (size // 2 * 2 for size in image.shape[:2])
    even = image[:height, :width].astype(np.float64)
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def _check_window(metric: str, height: int, width: int) -> None:
    if min(height, width) < SSIM_WINDOW:
        raise InputError(
            f"{metric}: frames are {width}×{height} pixels (expected at least {SSIM_WINDOW}×{SSIM_WINDOW})"
        )


def _check_length(metric: str, frames: int, fewest: int) -> None:
    if frames < fewest:
        raise InputError(f"{metric}: the clip has {frames} frames (expected at least {fewest})")
