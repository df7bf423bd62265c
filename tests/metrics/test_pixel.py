"""PSNR and SSIM against their definitions and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from mutoscope.errors import InputError
from mutoscope.metrics import psnr, ssim


def noisy_pair(channels: int, sigma: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    """Four smooth frames and the same with noise."""
    rng = np.random.default_rng(channels)
    y, x = np.mgrid[:24, :32]
    phases = rng.uniform(0, 6, (4, 1, 1, channels))
    clean = 127.5 + 100 * np.sin(x[:, :, None] / 4 + y[:, :, None] / 7 + phases)
    noisy = clean + rng.normal(0, sigma, clean.shape)
    return clean.astype(np.uint8), noisy.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_both_agree_with_scikit_image(channels):
    a, b = noisy_pair(channels)
    expected_ssim = [
        structural_similarity(
            x, y, data_range=255, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for x, y in zip(a, b, strict=True)
    ]
    expected_psnr = [peak_signal_noise_ratio(x, y, data_range=255) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(ssim(a, b, data_range=255.0), expected_ssim, atol=1e-3)
    np.testing.assert_allclose(psnr(a, b, data_range=255.0), expected_psnr, atol=1e-3)


def test_identical_frames_have_ssim_one_and_capped_psnr():
    a, _ = noisy_pair(3)
    np.testing.assert_allclose(ssim(a, a, data_range=255.0), 1.0)
    np.testing.assert_allclose(psnr(a, a, data_range=255.0), 100.0)
    np.testing.assert_allclose(psnr(a, a, data_range=255.0, cap=60.0), 60.0)


@given(error=st.integers(1, 255))
def test_psnr_of_a_constant_error_is_its_closed_form(error):
    black = np.zeros((2, 4, 4, 3), np.uint8)
    np.testing.assert_allclose(psnr(black, black + np.uint8(error), data_range=255.0), 20 * np.log10(255 / error))


@pytest.mark.parametrize(("scale", "shift", "data_range"), [(1 / 255, 0.0, 1.0), (2 / 255, -1.0, 2.0)])
def test_values_do_not_depend_on_the_range_in_which_frames_are_given(scale, shift, data_range):
    a, b = noisy_pair(3)
    scaled_a, scaled_b = a * scale + shift, b * scale + shift
    np.testing.assert_allclose(psnr(scaled_a, scaled_b, data_range=data_range), psnr(a, b, data_range=255.0))
    if shift == 0:  # SSIM compares means as well, so only a change of unit leaves it alone
        np.testing.assert_allclose(ssim(scaled_a, scaled_b, data_range=data_range), ssim(a, b, data_range=255.0))


def test_each_pair_is_measured_by_itself():
    a, b = noisy_pair(3)
    for metric in (psnr, ssim):
        alone = np.concatenate([metric(a[i : i + 1], b[i : i + 1], data_range=255.0) for i in range(len(a))])
        np.testing.assert_allclose(metric(a, b, data_range=255.0), alone)


def test_both_are_symmetric_and_fall_with_noise():
    a, slightly = noisy_pair(3, sigma=5.0)
    _, heavily = noisy_pair(3, sigma=50.0)
    for metric in (psnr, ssim):
        np.testing.assert_allclose(metric(a, slightly, data_range=255.0), metric(slightly, a, data_range=255.0))
        assert (metric(a, slightly, data_range=255.0) > metric(a, heavily, data_range=255.0)).all()


def test_frames_smaller_than_the_ssim_window_are_refused():
    tiny = np.zeros((1, 10, 16, 3), np.uint8)
    with pytest.raises(InputError, match="16×10 pixels"):
        ssim(tiny, tiny, data_range=255.0)
