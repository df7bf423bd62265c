"""Extractors made from the data at hand see what they should, and are reproducible."""

import numpy as np
import pytest
import torch

from mutoscope.errors import InputError
from mutoscope.metrics import PixelPCA, feature_statistics, frechet_distance, frechet_name, train_extractor


def moving_bars(count: int = 240, size: int = 16) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Upright (0) and level (1) bars at a random position, which is the phase."""
    rng = np.random.default_rng(0)
    labels, positions = rng.integers(2, size=count), rng.integers(size - 2, size=count)
    frames = np.zeros((count, size, size, 3), np.uint8)
    for frame, label, position in zip(frames, labels, positions, strict=True):
        bar = frame if label else frame.swapaxes(0, 1)
        bar[position : position + 2] = 255
    return frames, labels, positions / (size - 3)


def held_out_r2(features: np.ndarray, target: np.ndarray) -> float:
    """R² of a linear read-out, fitted on one half and tested on the other."""
    half = len(features) // 2
    with_bias = np.c_[features, np.ones(len(features))]
    weights = np.linalg.lstsq(with_bias[:half], target[:half], rcond=None)[0]
    residual = target[half:] - with_bias[half:] @ weights
    return 1 - residual.var() / target[half:].var()


@pytest.fixture(scope="module")
def cnn():
    frames, labels, phase = moving_bars()
    return train_extractor(frames, labels, phase, dataset="bars", dims=16, steps=80)


def test_pixel_pca_keeps_distances_that_lie_in_few_dimensions():
    rng = np.random.default_rng(0)
    two_patterns = rng.integers(0, 100, (2, 8 * 8 * 3))
    frames = (rng.uniform(0, 1, (50, 2)) @ two_patterns).astype(np.uint8).reshape(50, 8, 8, 3)
    extractor = PixelPCA(dims=8).fit(frames)
    features, pixels = extractor(frames), frames.reshape(50, -1) / 255.0
    assert (features.dtype, features.shape) == (np.float64, (50, 8))
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-8)
    assert np.linalg.norm(features[0] - features[1]) == pytest.approx(np.linalg.norm(pixels[0] - pixels[1]), rel=0.01)
    assert frechet_name(PixelPCA()) == "fid[pca64-pixels]"


def test_pixel_pca_is_the_same_every_time_and_needs_enough_frames():
    frames, _, _ = moving_bars()
    np.testing.assert_array_equal(PixelPCA(dims=8).fit(frames)(frames), PixelPCA(dims=8).fit(frames)(frames))
    with pytest.raises(InputError, match="5 frames"):
        PixelPCA(dims=8).fit(frames[:5])


def test_trained_features_tell_label_and_phase(cnn):
    frames, labels, phase = moving_bars()
    features = cnn(frames)
    assert (cnn.name, features.dtype, features.shape) == ("cnn16-bars", np.float64, (240, 16))
    assert held_out_r2(features, labels) > 0.8
    assert held_out_r2(features, phase) > 0.8


def test_trained_features_are_standardised_over_the_training_frames(cnn):
    features = cnn(moving_bars()[0])
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(features.std(axis=0), 1, atol=1e-2)


def test_training_is_reproducible_and_leaves_the_global_generator_alone():
    frames, labels, _ = moving_bars()
    before = torch.get_rng_state()
    first, again = (train_extractor(frames, labels, dataset="bars", dims=8, steps=3)(frames) for _ in range(2))
    other = train_extractor(frames, labels, dataset="bars", dims=8, steps=3, seed=1)(frames)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    assert torch.equal(before, torch.get_rng_state())


def test_both_extractors_tell_real_frames_from_a_missing_type_and_from_noise(cnn):
    frames, labels, _ = moving_bars()
    noise = np.random.default_rng(1).integers(0, 256, frames.shape, dtype=np.uint8)
    for extractor in (cnn, PixelPCA(dims=16).fit(frames)):
        real = feature_statistics(frames, extractor)
        same, one_type, noisy = (
            frechet_distance(feature_statistics(part, extractor), real)
            for part in (frames[::2], frames[labels == 0], noise)
        )
        assert same < 0.5 * min(one_type, noisy)
