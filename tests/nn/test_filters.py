"""The binomial filter against a convolution written out along each axis, with zeros put between and around."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mutoscope.nn import blur, downsample, upsample

SIZES = st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(4, 9), st.integers(4, 9))
FEW = settings(max_examples=25)


def maps(*size: int) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(0))


def filtered(x: Tensor, gain: float = 1.0) -> np.ndarray:
    """Every place that the filter touches, in double precision: three more than the map has, along each axis."""
    y = x.numpy().astype(np.float64)
    for axis in (2, 3):
        y = np.apply_along_axis(np.convolve, axis, y, np.array([1, 3, 3, 1]) / 8)
    return gain * y


def assert_close(found: Tensor, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


class TestAgainstAConvolution:
    @FEW
    @given(size=SIZES, padding=st.integers(0, 3), gain=st.floats(0.5, 4))
    def test_blur(self, size, padding, gain):
        x, cut = maps(*size), 3 - padding
        whole = filtered(x, gain)
        assert_close(blur(x, padding, gain), whole[:, :, cut : whole.shape[2] - cut, cut : whole.shape[3] - cut])

    @FEW
    @given(size=SIZES)
    def test_downsample(self, size):
        """Every other pixel; of an odd number, the last has no partner."""
        x = maps(*size)
        assert_close(downsample(x), filtered(x)[:, :, 2:-2:2, 2:-2:2])
        assert downsample(x).shape[2:] == (size[2] // 2, size[3] // 2)

    @FEW
    @given(size=SIZES)
    def test_upsample(self, size):
        x = maps(*size)
        spread = torch.zeros(*size[:2], 2 * size[2] - 1, 2 * size[3] - 1)
        spread[:, :, ::2, ::2] = x
        assert_close(upsample(x), filtered(spread, 4.0)[:, :, 1:-1, 1:-1])
        assert upsample(x).shape[2:] == (2 * size[2], 2 * size[3])


@pytest.mark.parametrize("resample", [lambda x: blur(x, 2), downsample, upsample], ids=["blur", "down", "up"])
class TestWhatAllKeep:
    @given(value=st.floats(-10, 10, width=32))
    def test_a_constant_map(self, resample, value):
        """But for the border, where zeros are mixed in."""
        inner = resample(torch.full((1, 2, 10, 10), value))[:, :, 2:-2, 2:-2]
        torch.testing.assert_close(inner, torch.full_like(inner, value))

    def test_channels_and_pictures_apart(self, resample):
        x = maps(2, 3, 6, 8)
        alone = torch.stack([torch.cat([resample(x[i : i + 1, [j]]) for j in range(3)], 1)[0] for i in range(2)])
        torch.testing.assert_close(resample(x), alone)

    def test_symmetry(self, resample):
        """The mirror image of a map gives that of the result: no half pixel goes to one side."""
        x = maps(1, 2, 8, 8)
        torch.testing.assert_close(resample(x.flip(2, 3)), resample(x).flip(2, 3))

    @pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
    def test_precision(self, resample, dtype):
        assert resample(maps(1, 2, 8, 8).to(dtype)).dtype == dtype


def test_one_undoes_the_direction_of_the_other():
    """Upsampling is the transpose of downsampling, four times as strong: ⟨up x, y⟩ = 4 ⟨x, down y⟩."""
    x, y = maps(2, 3, 4, 5), maps(2, 3, 8, 10)
    torch.testing.assert_close((upsample(x) * y).sum(), 4 * (x * downsample(y)).sum())
