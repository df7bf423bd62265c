"""Layers with equalised learning rate against the plain ones, with weights scaled by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.nn import EqualConv2d, EqualLinear

FEW = settings(max_examples=20)


def noise(*size: int) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(0))


def activated(y: Tensor, activation: bool) -> Tensor:
    return math.sqrt(2) * F.leaky_relu(y, 0.2) if activation else y


class TestFormula:
    @FEW
    @given(
        n=st.lists(st.integers(1, 3), max_size=2),
        sizes=st.tuples(st.integers(1, 6), st.integers(1, 6)),
        lr_mul=st.sampled_from([1.0, 0.1, 0.01]),
        activation=st.booleans(),
    )
    def test_linear(self, n, sizes, lr_mul, activation):
        """Weights over √fan-in, weights and biases times `lr_mul`; then leaky ReLU 0.2 times √2."""
        layer = EqualLinear(*sizes, lr_mul=lr_mul, activation=activation)
        nn.init.normal_(layer.bias)
        x = noise(*n, sizes[0])
        plain = F.linear(x, layer.weight * lr_mul / math.sqrt(sizes[0]), layer.bias * lr_mul)
        torch.testing.assert_close(layer(x), activated(plain, activation))

    @FEW
    @given(
        sizes=st.tuples(st.integers(1, 4), st.integers(1, 4)),
        kernel=st.sampled_from([1, 3]),
        stride=st.integers(1, 2),
        padding=st.integers(0, 1),
        bias=st.booleans(),
        activation=st.booleans(),
    )
    def test_convolution(self, sizes, kernel, stride, padding, bias, activation):
        """Fan-in is channels times pixels of the kernel."""
        layer = EqualConv2d(*sizes, kernel, stride=stride, padding=padding, bias=bias, activation=activation)
        if bias:
            nn.init.normal_(layer.bias)
        x = noise(2, sizes[0], 5, 6)
        weight = layer.weight / math.sqrt(sizes[0] * kernel**2)
        plain = F.conv2d(x, weight, layer.bias, stride, padding)
        torch.testing.assert_close(layer(x), activated(plain, activation))
        assert (layer.bias is not None) == bias


class TestScale:
    @pytest.mark.parametrize("lr_mul", [1.0, 0.01])
    def test_first_weights(self, lr_mul):
        """Deviation 1 / `lr_mul`, so that what is used has deviation 1 / √fan-in at first."""
        assert EqualLinear(200, 200, lr_mul=lr_mul).weight.std().item() == pytest.approx(1 / lr_mul, rel=0.02)

    @pytest.mark.parametrize(("activation", "expected"), [(False, 1.0), (True, 1.04)])
    def test_the_power_of_a_signal_is_kept(self, activation, expected):
        """Through leaky ReLU as well: √2 makes up for the half that is almost lost."""
        y = EqualLinear(500, 500, activation=activation)(noise(100, 500))
        assert y.square().mean().item() == pytest.approx(expected, abs=0.05)

    @given(bias=st.floats(-3, 3), lr_mul=st.sampled_from([1.0, 0.01]))
    def test_first_biases_are_those_asked_for(self, bias, lr_mul):
        y = EqualLinear(3, 2, bias_init=bias, lr_mul=lr_mul)(torch.zeros(1, 3))
        torch.testing.assert_close(y, torch.full((1, 2), bias))

    @pytest.mark.parametrize("n_in", [4, 64])
    @pytest.mark.parametrize("lr_mul", [1.0, 0.01])
    def test_all_layers_learn_equally_fast(self, n_in, lr_mul):
        """Adam's first step changes each weight in use by lr · `lr_mul` / √fan-in, whatever its gradient."""
        layer = EqualLinear(n_in, 3, lr_mul=lr_mul)
        in_use = [layer(torch.eye(n_in)).detach()]
        optimizer = torch.optim.Adam(layer.parameters(), 1e-2, (0.0, 0.99))
        (layer(torch.eye(n_in)) * noise(n_in, 3)).sum().backward()
        layer.bias.grad = None
        optimizer.step()
        in_use.append(layer(torch.eye(n_in)).detach())
        change = (in_use[1] - in_use[0]).abs()
        torch.testing.assert_close(
            change, torch.full_like(change, 1e-2 * lr_mul / math.sqrt(n_in)), rtol=1e-2, atol=1e-6
        )
