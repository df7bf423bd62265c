"""Clips as batches of pictures: nothing is mixed up or copied, and 2-D layers on these views are 3-D ones on clips."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mutoscope.nn import BatchNorm2d, BatchNorm3d, ConvTranspose2d, Spatial, Temporal, clips_of, frames_of, times_of

SHAPE = 2, 3, 4, 5, 6


def clips() -> Tensor:
    """Random ones, channels last in memory, as networks keep them."""
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(0)).contiguous(
        memory_format=torch.channels_last_3d
    )


class TestViews:
    def test_frames_of_one_clip_come_after_those_of_another(self):
        x = clips()
        frames = frames_of(x)
        assert all(torch.equal(frames[b * 4 + t], x[b, :, t]) for b in range(2) for t in range(4))

    def test_times_lie_against_positions(self):
        x = clips()
        times = times_of(x)
        assert all(torch.equal(times[..., i * 6 + j], x[..., i, j]) for i in range(5) for j in range(6))

    @given(shape=st.tuples(*[st.integers(1, 4)] * 5))
    def test_both_ways_can_be_gone_back(self, shape):
        x = torch.arange(float(torch.tensor(shape).prod())).view(shape)
        assert torch.equal(clips_of(frames_of(x), len(x)), x)
        assert torch.equal(times_of(x).unflatten(3, x.shape[3:]), x)

    def test_nothing_is_copied(self):
        """Also what comes back is a clip with its channels last."""
        x = clips()
        frames = frames_of(x)
        assert frames.is_contiguous(memory_format=torch.channels_last)
        assert times_of(x).is_contiguous(memory_format=torch.channels_last)
        back = clips_of(frames, 2)
        assert back.is_contiguous(memory_format=torch.channels_last_3d)
        assert {view.data_ptr() for view in (frames, times_of(x), back)} == {x.data_ptr()}


def spatial(steps: tuple[int, ...]) -> tuple[int, ...]:
    """Of a 3-D layer that leaves time alone: kernel (1, k, k), stride (1, s, s), padding (0, p, p)."""
    kernel, stride, padding = steps
    return (1, kernel, kernel), (1, stride, stride), (0, padding, padding)


def temporal(steps: tuple[int, ...]) -> tuple[int, ...]:
    """Of a 3-D layer over time alone."""
    kernel, stride, padding = steps
    return (kernel, 1, 1), (stride, 1, 1), (padding, 0, 0)


STEPS = [(4, 2, 1), (3, 1, 1), (2, 1, 0)]
CONVOLUTIONS = {
    "plain": (nn.Conv2d, nn.Conv3d),
    "transposed": (nn.ConvTranspose2d, nn.ConvTranspose3d),
    "transposed, our own": (ConvTranspose2d, nn.ConvTranspose3d),
}


@pytest.mark.parametrize("steps", STEPS, ids=str)
@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize("view", [Spatial, Temporal])
def test_a_2d_layer_on_a_view_is_a_3d_one(view, kind, steps):
    """What follows it too: outputs, gradients, and running statistics."""
    conv_2d, conv_3d = CONVOLUTIONS[kind]
    axes = spatial(steps) if view is Spatial else temporal(steps)
    plane = slice(1, None) if view is Spatial else slice(None, 2)
    flat = conv_2d(3, 5, *(part[plane] for part in axes))
    solid = conv_3d(3, 5, *axes)
    solid.load_state_dict({"weight": flat.weight.view_as(solid.weight), "bias": flat.bias})
    norms = BatchNorm2d(5), BatchNorm3d(5)
    networks = view(flat, norms[0], nn.LeakyReLU(0.2)), nn.Sequential(solid, norms[1], nn.LeakyReLU(0.2))
    inputs = [clips().requires_grad_() for _ in networks]
    outputs = [network(x) for network, x in zip(networks, inputs, strict=True)]
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-5)
    for y in outputs:
        (y**3).mean().backward()
    torch.testing.assert_close(*(x.grad for x in inputs), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(flat.weight.grad, solid.weight.grad.view_as(flat.weight), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(norms[0].running_var, norms[1].running_var)
