import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data.fitting import FITS, Size, centre_crop, fit_frame, height_and_width


def gradient(height: int, width: int, channels: int = 3) -> np.ndarray:
    """A frame that is brighter to the right."""
    row = np.linspace(0, 255, width).astype(np.uint8)
    return np.broadcast_to(row[None, :, None], (height, width, channels)).copy()


SIDES = st.tuples(st.integers(8, 40), st.integers(8, 40))


@given(own=SIDES, channels=st.sampled_from([1, 3]), fit=st.sampled_from(FITS), size=st.integers(8, 24) | SIDES)
def test_every_frame_gets_the_size(own: tuple[int, int], channels: int, fit: str, size: Size) -> None:
    fitted = fit_frame(gradient(*own, channels), size, fit)
    assert fitted.shape == (*height_and_width(size), channels)
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


def test_crop_and_pad_take_the_ratio_of_the_size() -> None:
    frame = gradient(16, 48)
    np.testing.assert_array_equal(fit_frame(frame, (16, 8), "crop"), frame[:, 20:28])
    np.testing.assert_array_equal(fit_frame(frame, (8, 48), "crop"), frame[4:12])
    padded = fit_frame(np.full((8, 16, 3), 200, np.uint8), (64, 32), "pad")
    assert (padded[25:39] == 200).all()
    assert not padded[:23].any()
    assert not padded[41:].any()


def test_stretch_shows_everything() -> None:
    fitted = fit_frame(gradient(16, 64), 16, "stretch")
    assert fitted[:, 0].max() < 15
    assert fitted[:, -1].min() > 240


def test_a_centre_crop_takes_what_there_is() -> None:
    assert centre_crop(gradient(218, 178), 160, 160).shape == (160, 160, 3)
    assert centre_crop(gradient(100, 178), 160, 160).shape == (100, 160, 3)
