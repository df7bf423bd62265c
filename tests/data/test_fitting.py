import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data.fitting import FITS, centre_crop, fit_frame


def gradient(height: int, width: int, channels: int = 3) -> np.ndarray:
    """A frame that is brighter to the right."""
    row = np.linspace(0, 255, width).astype(np.uint8)
    return np.broadcast_to(row[None, :, None], (height, width, channels)).copy()


@given(st.integers(8, 40), st.integers(8, 40), st.sampled_from([1, 3]), st.sampled_from(FITS), st.integers(8, 24))
def test_every_frame_becomes_square(height: int, width: int, channels: int, fit: str, size: int) -> None:
    fitted = fit_frame(gradient(height, width, channels), size, fit)
    assert fitted.shape == (size, size, channels)
    assert fitted.dtype == np.uint8


@pytest.mark.parametrize("fit", FITS)
def test_a_frame_of_the_right_size_is_kept_exactly(fit: str) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    np.testing.assert_array_equal(fit_frame(frame, 16, fit), frame)


def test_crop_keeps_the_centre() -> None:
    frame = gradient(16, 48)
    np.testing.assert_array_equal(fit_frame(frame, 16, "crop"), frame[:, 16:32])


def test_pad_adds_black_bars_and_loses_nothing() -> None:
    fitted = fit_frame(np.full((8, 16, 3), 200, np.uint8), 16, "pad")
    np.testing.assert_array_equal(fitted[4:12], 200)
    assert not fitted[:4].any()
    assert not fitted[12:].any()


def test_stretch_shows_everything() -> None:
    fitted = fit_frame(gradient(16, 64), 16, "stretch")
    assert fitted[:, 0].max() < 15
    assert fitted[:, -1].min() > 240


def test_a_centre_crop_takes_what_there_is() -> None:
    assert centre_crop(gradient(218, 178), 160, 160).shape == (160, 160, 3)
    assert centre_crop(gradient(100, 178), 160, 160).shape == (100, 160, 3)
