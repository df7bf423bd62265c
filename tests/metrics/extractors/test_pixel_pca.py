"""Principal components of pixels keep distances, are reproducible, and must be fitted first."""

import numpy as np
import pytest

from mutoscope.errors import InputError
from mutoscope.metrics import PixelPCA, frechet_name


def noise_frames(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def test_distances_that_lie_in_few_dimensions_are_kept():
    rng = np.random.default_rng(0)
    two_patterns = rng.integers(0, 100, (2, 8 * 8 * 3))
    frames = (rng.uniform(0, 1, (50, 2)) @ two_patterns).astype(np.uint8).reshape(50, 8, 8, 3)
    extractor = PixelPCA(dims=8).fit(frames)
    features, pixels = extractor(frames), frames.reshape(50, -1) / 255.0
    assert (features.dtype, features.shape) == (np.float64, (50, 8))
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-8)
    assert np.linalg.norm(features[0] - features[1]) == pytest.approx(np.linalg.norm(pixels[0] - pixels[1]), rel=0.01)
    assert frechet_name(PixelPCA()) == "fid[pca64-pixels]"


def test_it_is_the_same_every_time():
    frames = noise_frames(50)
    np.testing.assert_array_equal(PixelPCA(dims=8).fit(frames)(frames), PixelPCA(dims=8).fit(frames)(frames))


def test_it_needs_enough_frames_and_a_fit():
    with pytest.raises(InputError, match="5 frames"):
        PixelPCA(dims=8).fit(noise_frames(5))
    with pytest.raises(InputError, match="not fitted"):
        PixelPCA(dims=8)(noise_frames(5))
    with pytest.raises(InputError, match="as fitted"):
        PixelPCA(dims=8).fit(noise_frames(50))(noise_frames(5)[:, :4])
