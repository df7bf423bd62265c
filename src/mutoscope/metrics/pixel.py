"""Pixel-wise likeness of aligned frames: PSNR and SSIM."""

import numpy as np
import torch
from jaxtyping import Float64, Num

from mutoscope.errors import InputError

SSIM_WINDOW = 11
PAIRS_AT_ONCE = 8  # the convolution needs about 121 times the memory of the frames


def psnr(
    a: Num[np.ndarray, "n h w c"], b: Num[np.ndarray, "n h w c"], *, data_range: float, cap: float = 100.0
) -> Float64[np.ndarray, "n"]:
    """Peak signal-to-noise ratio of each pair, `10·log10(R² / MSE)`, in dB; higher is closer, 0 dB is an error of R.

    Args:
        a: frames.
        b: the frames they are compared with.
        data_range: R, the width of the value range: 255.0 for uint8, 1.0 for [0, 1], 2.0 for [-1, 1].
        cap: value given to identical pairs, and the largest returned (PSNR has no upper bound).
    """
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
        InputError: the frames are smaller than the window.
    """
    height, width = a.shape[1:3]
    if min(height, width) < SSIM_WINDOW:
        raise InputError(f"SSIM: frames are {width}×{height} pixels (expected at least {SSIM_WINDOW}×{SSIM_WINDOW})")
    parts = range(0, len(a), PAIRS_AT_ONCE)
    return np.concatenate([_ssim(a[i : i + PAIRS_AT_ONCE], b[i : i + PAIRS_AT_ONCE], data_range) for i in parts])


def _ssim(a: Num[np.ndarray, "n h w c"], b: Num[np.ndarray, "n h w c"], data_range: float) -> Float64[np.ndarray, "n"]:
    from torchmetrics.functional.image import structural_similarity_index_measure

    images, targets = (torch.from_numpy(frames.astype(np.float64)).permute(0, 3, 1, 2) for frames in (a, b))
    _, similarities = structural_similarity_index_measure(
        images,
        targets,
        gaussian_kernel=True,
        sigma=1.5,
        data_range=data_range,
        k1=0.01,
        k2=0.03,
        reduction="none",
        return_full_image=True,
    )
    border = SSIM_WINDOW // 2  # torchmetrics reflects the frames and counts windows beyond the edge, Wang et al. do not
    return similarities[:, :, border:-border, border:-border].mean(dim=(1, 2, 3)).numpy()
