"""Transposed convolutions of maps of few positions, against torch's own."""

import pytest
import torch
from torch import Tensor, nn

from mutoscope.nn import ConvTranspose2d, folded

LAYERS = {
    "4 x 4": (4, {}),
    "doubling": (4, {"stride": 2, "padding": 1}),
    "doubling time": ((4, 1), {"stride": (2, 1), "padding": (1, 0)}),
    "over time": ((2, 1), {}),
    "strided": (4, {"stride": 2}),
    "without a bias": (4, {"bias": False}),
    "one pixel": (1, {}),
    "padded": (4, {"padding": 1}),
}
each_layer = pytest.mark.parametrize("kind", LAYERS)


def pair(kind: str) -> tuple[nn.ConvTranspose2d, nn.ConvTranspose2d]:
    """The layer and torch's own, with the same weights."""
    kernel, arguments = LAYERS[kind]
    torch.manual_seed(0)
    own = ConvTranspose2d(6, 8, kernel, **arguments)
    other = nn.ConvTranspose2d(6, 8, kernel, **arguments)
    other.load_state_dict(own.state_dict())
    return own, other


def pictures(*size: int) -> Tensor:
    return torch.randn(3, 6, *size, generator=torch.Generator().manual_seed(1))


@each_layer
class TestAgainstTorch:
    @pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (5, 4)], ids=str)
    def test_maps_of_few_positions(self, kind, size):
        """Outputs and all gradients."""
        layers = pair(kind)
        inputs = [pictures(*size).requires_grad_() for _ in layers]
        outputs = [layer(x) for layer, x in zip(layers, inputs, strict=True)]
        torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-5)
        for y in outputs:
            (y**3).sum().backward()
        torch.testing.assert_close(*(x.grad for x in inputs), rtol=1e-4, atol=1e-4)
        for weights in zip(*(layer.parameters() for layer in layers), strict=True):
            torch.testing.assert_close(*(weight.grad for weight in weights), rtol=1e-4, atol=1e-4)

    def test_larger_maps(self, kind):
        """To the bit, for they go the same way."""
        own, other = pair(kind)
        assert torch.equal(own(pictures(7, 8)), other(pictures(7, 8)))

    def test_its_state_is_that_of_torch_s_layer(self, kind):
        own, other = pair(kind)
        assert own.state_dict().keys() == other.state_dict().keys()
        assert isinstance(own, nn.ConvTranspose2d)


@pytest.mark.parametrize("arguments", [{"groups": 2}, {"dilation": 2}, {"stride": 2, "output_padding": 1}], ids=str)
def test_arguments_that_are_more_than_a_matrix(arguments):
    """Maps of one pixel under them too are what torch makes of them."""
    own, other = ConvTranspose2d(6, 8, 4, **arguments), nn.ConvTranspose2d(6, 8, 4, **arguments)
    other.load_state_dict(own.state_dict())
    torch.testing.assert_close(own(pictures(1, 1)), other(pictures(1, 1)), rtol=1e-5, atol=1e-5)


def test_weights_are_read_in_the_precision_they_are_stored_in():
    """Under autocast, where torch's layer would round them all."""
    own, other = pair("4 x 4")
    x = pictures(1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        y = own(x.bfloat16())
        assert other(x).dtype == torch.bfloat16
    assert y.dtype == torch.float32
    torch.testing.assert_close(y, other(x.bfloat16().float()), rtol=1e-5, atol=1e-5)


def test_it_can_be_folded_with_what_follows():
    network = nn.Sequential(pair("4 x 4")[0], nn.BatchNorm2d(8))
    for _ in range(5):
        network(pictures(1, 1))  # running statistics
    network.eval()
    torch.testing.assert_close(folded(network)(pictures(1, 1)), network(pictures(1, 1)))
