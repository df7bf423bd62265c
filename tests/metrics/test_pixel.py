"""Likeness of frames against definitions, scikit-image and torchmetrics; errors of clips in closed form."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch.nn import functional as F
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)

from mutoscope.errors import InputError
from mutoscope.metrics import (
    background_error,
    flicker,
    ms_ssim,
    ms_ssim_name,
    ms_ssim_scales,
    psnr,
    ssim,
    temporal_difference_error,
)
from mutoscope.metrics.pixel import SCALE_WEIGHTS, check_aligned


def noisy_pair(channels: int, sigma: float = 20.0, size: tuple[int, int] = (24, 32)) -> tuple[np.ndarray, np.ndarray]:
    """Four smooth frames and the same with noise."""
    rng = np.random.default_rng(channels)
    y, x = np.mgrid[: size[0], : size[1]]
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
    np.testing.assert_allclose(ssim(a, b, data_range=255.0), expected_ssim, atol=1e-9)
    np.testing.assert_allclose(psnr(a, b, data_range=255.0), expected_psnr, atol=1e-9)


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


def as_tensor(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frames.astype(np.float64)).permute(0, 3, 1, 2)


def torchmetrics_terms(a: torch.Tensor, b: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """SSIM and its contrast part at the window positions inside the frame; a mean over the latter is all it returns."""
    _, image = structural_similarity_index_measure(a, b, data_range=255.0, reduction="none", return_full_image=True)
    _, contrast = structural_similarity_index_measure(
        a, b, data_range=255.0, reduction="none", return_contrast_sensitivity=True
    )
    return image[:, :, 5:-5, 5:-5].mean(dim=(1, 2, 3)).numpy(), contrast.numpy()


@pytest.mark.parametrize("size", [(64, 64), (45, 70), (11, 11)])
def test_ms_ssim_is_the_product_of_torchmetrics_terms(size):
    a, b = noisy_pair(3, size=size)
    weights = np.array(SCALE_WEIGHTS[: ms_ssim_scales(*size)])
    weights /= weights.sum()
    x, y, expected = as_tensor(a), as_tensor(b), np.ones(len(a))
    for scale, weight in enumerate(weights):
        similarity, contrast = torchmetrics_terms(x, y)
        expected *= (similarity if scale == len(weights) - 1 else contrast) ** weight
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    np.testing.assert_allclose(ms_ssim(a, b, data_range=255.0), expected, rtol=1e-9)


def test_ms_ssim_of_five_scales_is_about_that_of_torchmetrics():
    a, b = noisy_pair(1, size=(176, 192))
    expected = multiscale_structural_similarity_index_measure(
        as_tensor(a), as_tensor(b), data_range=255.0, reduction="none", normalize="relu"
    )
    # it takes windows beyond the edge into the mean of the coarsest scale, where frames are reflected
    np.testing.assert_allclose(ms_ssim(a, b, data_range=255.0), expected.numpy(), atol=2e-3)


@given(grey=st.integers(0, 255), other=st.integers(0, 255), size=st.sampled_from([11, 32, 64]))
def test_ms_ssim_of_constant_frames_is_its_closed_form(grey, other, size):
    a, b = (np.full((1, size, size, 1), value, np.uint8) for value in (grey, other))
    weights = SCALE_WEIGHTS[: ms_ssim_scales(size, size)]
    c1 = (0.01 * 255) ** 2
    luminance = (2 * grey * other + c1) / (grey**2 + other**2 + c1)
    np.testing.assert_allclose(ms_ssim(a, b, data_range=255.0), luminance ** (weights[-1] / sum(weights)), rtol=1e-6)


def test_ms_ssim_of_negatives_is_zero_and_of_equals_one():
    a, _ = noisy_pair(1, size=(64, 64))
    np.testing.assert_allclose(ms_ssim(a, a, data_range=255.0), 1)
    np.testing.assert_array_equal(ms_ssim(a, 255 - a, data_range=255.0), 0)


@pytest.mark.parametrize(
    ("size", "scales"), [(11, 1), (21, 1), (22, 2), (32, 2), (64, 3), (128, 4), (175, 4), (176, 5), (1024, 5)]
)
def test_ms_ssim_has_as_many_scales_as_fit(size, scales):
    assert ms_ssim_scales(size, 2000) == ms_ssim_scales(2000, size) == scales
    assert ms_ssim_name(size, size) == ("ms_ssim" if scales == 5 else f"ms_ssim[{scales} scales]")


def test_frames_smaller_than_the_window_have_no_ms_ssim():
    tiny = np.zeros((1, 10, 16, 3), np.uint8)
    with pytest.raises(InputError, match="16×10 pixels"):
        ms_ssim(tiny, tiny, data_range=255.0)


def test_arrays_of_other_shapes_are_refused_not_stretched():
    with pytest.raises(InputError, match="PSNR"):
        check_aligned("PSNR", np.zeros((2, 8, 8, 3)), np.zeros((2, 8, 8, 1)))


def noise_clip(seed: int = 0, frames: int = 6, low: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (frames, 8, 9, 3), dtype=np.uint8)


def test_background_error_looks_only_where_the_real_clip_stands_still():
    real = np.repeat(noise_clip(frames=1, high=200), 6, axis=0)
    real[:, :4] = noise_clip()[:, :4]  # the upper half moves
    generated = real.copy()
    generated[:, :4] = 255 - generated[:, :4]
    assert background_error(generated, real) == 0
    generated[:, 4:] += 7
    assert background_error(generated, real) == 7
    assert background_error(real, generated) == 7


def test_background_error_forgives_camera_noise_up_to_the_tolerance():
    real = np.full((3, 8, 8, 3), 100, np.uint8)
    real[1, :4] = 108
    real[1, 4:] = 109
    generated = np.full_like(real, 100)
    assert background_error(generated, real) == pytest.approx(8 / 3)
    assert background_error(generated, real, tolerance=9) == pytest.approx((8 / 2 + 9 / 2) / 3)
    assert np.isnan(background_error(generated, real, tolerance=0))


def test_temporal_difference_error_is_its_definition():
    generated, real = noise_clip(0), noise_clip(1)
    g, r = generated.astype(float), real.astype(float)
    expected = np.abs((g[1:] - g[:-1]) - (r[1:] - r[:-1])).mean()
    assert temporal_difference_error(generated, real) == pytest.approx(expected)


def test_temporal_difference_error_ignores_what_is_always_wrong():
    real = noise_clip(high=200)
    assert temporal_difference_error(real + np.uint8(55), real) == 0
    flickering = real.copy()
    flickering[::2] += 10
    assert temporal_difference_error(flickering, real) == 10


def test_flicker_is_the_second_difference():
    clip = noise_clip()
    x = clip.astype(float)
    assert flicker(clip) == pytest.approx(np.abs(x[:-2] - 2 * x[1:-1] + x[2:]).mean())
    assert flicker(clip[::-1]) == pytest.approx(flicker(clip))


@given(start=st.integers(0, 100), step=st.integers(0, 20))
def test_still_and_evenly_fading_clips_do_not_flicker(start, step):
    fading = np.array([start + step * t for t in range(6)], np.uint8)
    clip = np.broadcast_to(fading[:, None, None, None], (6, 8, 8, 3))
    assert flicker(clip) == 0
    blinking = clip + np.array([0, 5] * 3, np.uint8)[:, None, None, None]
    assert flicker(blinking) == 10


def test_clips_too_short_to_change_are_refused():
    with pytest.raises(InputError, match="1 frames"):
        temporal_difference_error(noise_clip(frames=1), noise_clip(frames=1))
    with pytest.raises(InputError, match="2 frames"):
        flicker(noise_clip(frames=2))
