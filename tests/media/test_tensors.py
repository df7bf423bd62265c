import numpy as np
import pytest
import torch

from mutoscope.media.tensors import float_to_uint8, uint8_to_float


def test_all_levels_survive_the_round_trip() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    floats = uint8_to_float(levels)
    assert floats.shape == (1, 1, 16, 16)
    assert floats.min() == -1
    assert floats.max() == 1
    np.testing.assert_array_equal(float_to_uint8(floats), levels)


def test_what_lies_outside_is_clipped() -> None:
    np.testing.assert_array_equal(
        float_to_uint8(torch.tensor([-3.0, 0.0, 7.0]).reshape(3, 1, 1)).ravel(), [0, 128, 255]
    )


@pytest.mark.parametrize("leading", [(), (2,), (2, 5)])
def test_channels_move_and_leading_axes_stay(leading: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*leading, 4, 6, 3), dtype=np.uint8)
    floats = uint8_to_float(pixels)
    assert floats.shape == (*leading, 3, 4, 6)
    assert floats.is_contiguous()
    assert torch.equal(floats[..., 2, 1, 3], torch.from_numpy(pixels[..., 1, 3, 2].astype(np.float32)) / 127.5 - 1)
    np.testing.assert_array_equal(float_to_uint8(floats), pixels)


def test_half_precision_rounds_to_the_nearest_level() -> None:
    floats = uint8_to_float(np.arange(256, dtype=np.uint8).reshape(16, 16, 1))
    error = float_to_uint8(floats.bfloat16()).astype(int).ravel() - np.arange(256)
    assert abs(error).max() <= 1
