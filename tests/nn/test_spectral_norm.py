"""Spectral normalisation against torch's own, `torch.nn.utils.spectral_norm`, and against what it is for."""

import copy
import warnings

import pytest
import torch
from torch import Tensor, nn

from mutoscope.nn import SNConv2d, SNConv3d, SNConvTranspose2d, SNConvTranspose3d, init_normal, settle_spectral_norms

LAYERS = {
    "Conv2d": (SNConv2d, nn.Conv2d, (3, 5, 4, 2, 1), (2, 3, 8, 8)),
    "Conv3d": (SNConv3d, nn.Conv3d, (3, 5, (2, 4, 4), (1, 2, 2), (0, 1, 1)), (2, 3, 4, 8, 8)),
    "ConvTranspose2d": (SNConvTranspose2d, nn.ConvTranspose2d, (3, 5, 4, 2, 1), (2, 3, 4, 4)),
    "ConvTranspose2d over time": (SNConvTranspose2d, nn.ConvTranspose2d, (3, 5, (4, 1), (2, 1), (1, 0)), (2, 3, 4, 9)),
    "ConvTranspose2d of one pixel": (SNConvTranspose2d, nn.ConvTranspose2d, (3, 5, 1), (2, 3, 4, 4)),
    "ConvTranspose3d": (SNConvTranspose3d, nn.ConvTranspose3d, (3, 5, (4, 2, 2), (2, 2, 2)), (2, 3, 2, 4, 4)),
}  # fmt: skip
each_layer = pytest.mark.parametrize("kind", LAYERS)


def pair(kind: str) -> tuple[nn.Module, nn.Module, Tensor]:
    """The layer, torch's own from the same weights and singular vectors, and an input."""
    own_class, torch_class, arguments, shape = LAYERS[kind]
    torch.manual_seed(0)
    own = own_class(*arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it is the reference, however old
        other = nn.utils.spectral_norm(torch_class(*arguments))
    with torch.no_grad():
        other.weight_orig.copy_(own.weight)
        other.bias.copy_(own.bias)
        other.weight_u.copy_(own.u)
        other.weight_v.copy_(own.v)
    return own, other, torch.randn(shape)


def largest_singular_value(layer: nn.Module) -> float:
    """Of the normalised weight, as a matrix with a row for every output channel."""
    weight = layer.spectral_weight().detach().movedim(layer.output_axis, 0)
    return torch.linalg.matrix_norm(weight.flatten(1), 2).item()


@each_layer
class TestAgainstTorch:
    def test_several_training_passes(self, kind):
        """Outputs, gradients and singular vectors, while the weights change under both."""
        own, other, x = pair(kind)
        for _ in range(4):
            inputs = x.clone().requires_grad_(), x.clone().requires_grad_()
            ours, theirs = own(inputs[0]), other(inputs[1])
            torch.testing.assert_close(ours, theirs)
            for layer, out in ((own, ours), (other, theirs)):
                layer.zero_grad()
                out.square().sum().backward()
            torch.testing.assert_close(inputs[0].grad, inputs[1].grad, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(own.weight.grad, other.weight_orig.grad, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(own.bias.grad, other.bias.grad, rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(own.u, other.weight_u)
            torch.testing.assert_close(own.v, other.weight_v)
            with torch.no_grad():
                own.weight -= 0.01 * own.weight.grad
                other.weight_orig -= 0.01 * other.weight_orig.grad

    def test_two_passes_before_one_gradient(self, kind):
        """As for a generator whose clip two discriminators see: the second pass spoils nothing of the first."""
        own, other, x = pair(kind)
        for layer in (own, other):
            (layer(x) * layer(2 * x)).sum().backward()
        torch.testing.assert_close(own.weight.grad, other.weight_orig.grad, rtol=1e-4, atol=1e-3)

    def test_eval_mode_uses_the_vectors_as_they_are(self, kind):
        own, other, x = pair(kind)
        u, v = own.u.clone(), own.v.clone()
        first = own.eval()(x)
        assert torch.equal(first, own(x))
        assert torch.equal(own.u, u)
        assert torch.equal(own.v, v)
        torch.testing.assert_close(first, other.eval()(x))


@each_layer
class TestWhatItIsFor:
    def test_the_largest_singular_value_becomes_1(self, kind):
        own, _, _ = pair(kind)
        own.iterate(200)
        assert largest_singular_value(own) == pytest.approx(1, abs=1e-4)

    def test_networks_start_near_1(self, kind):
        """Also where weights were drawn, tiny, after the layer was made."""
        own, _, _ = pair(kind)
        init_normal(own)
        settle_spectral_norms(nn.Sequential(own))
        assert 1 <= largest_singular_value(own.eval()) + 1e-4 < 1.1

    def test_the_scale_of_the_weight_does_not_matter(self, kind):
        own, _, x = pair(kind)
        scaled = copy.deepcopy(own)
        with torch.no_grad():
            scaled.weight *= 7
        torch.testing.assert_close(scaled(x), own(x))

    def test_gradients_are_those_of_the_whole(self, kind):
        """By finite differences: σ varies with the weight, u and v do not."""
        own, _, x = pair(kind)
        own.double().eval()
        weight = own.weight.detach().clone().requires_grad_()

        def output(weight: Tensor) -> Tensor:
            return torch.func.functional_call(own, {"weight": weight}, (x.double(),))

        assert torch.autograd.gradcheck(output, weight)


@each_layer
class TestUse:
    def test_a_copy_is_a_layer_of_its_own(self, kind):
        own, _, x = pair(kind)
        own(x).sum().backward()
        other = copy.deepcopy(own)
        assert torch.equal(other.eval()(x), own.eval()(x))
        other.train()(x).sum().backward()
        assert not torch.equal(other.u, own.u)
        assert not torch.equal(other.weight.grad, own.weight.grad)

    def test_vectors_are_stored_with_the_weights(self, kind):
        own, _, x = pair(kind)
        own(x)
        assert own.state_dict().keys() == {"weight", "bias", "u", "v"}
        other = type(own)(*LAYERS[kind][2])
        other.load_state_dict(own.state_dict())
        assert torch.equal(other.eval()(x), own.eval()(x))

    def test_half_the_bits(self, kind):
        """Under autocast the layer computes in bfloat16, also backwards; weights and vectors stay float32."""
        own, _, x = pair(kind)
        whole = copy.deepcopy(own)
        with torch.autocast("cpu", torch.bfloat16):
            out = own(x)
            out.float().square().sum().backward()
        whole(x).square().sum().backward()
        assert out.dtype == torch.bfloat16
        assert {tensor.dtype for tensor in (own.u, own.v, own.weight.grad)} == {torch.float32}
        assert torch.equal(own.u, whole.u)
        assert (own.weight.grad - whole.weight.grad).norm() < 0.03 * whole.weight.grad.norm()
