"""R1 against its closed form, where there is one."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mutoscope.losses import r1

WEIGHTS = st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=6)


def on(x: Tensor) -> Tensor:
    return x.clone().requires_grad_()


@given(weights=WEIGHTS, n=st.integers(1, 4))
def test_of_a_linear_discriminator_it_is_the_squared_norm_of_its_weights(weights, n):
    """MintGAN 20: w · x is everywhere as steep, however many x there are."""
    w, x = torch.tensor(weights), on(torch.randn(n, len(weights)))
    assert r1((x @ w)[:, None], x).item() == pytest.approx(w.double().square().sum().item(), rel=1e-5, abs=1e-30)


def test_it_is_the_mean_over_the_batch_of_what_each_pays():
    """|x|² / 2 has the gradient x."""
    x = on(torch.randn(5, 3, 4, 4))
    score = x.square().flatten(1).sum(1, keepdim=True) / 2
    expected = x.detach().square().flatten(1).sum(1).mean()
    torch.testing.assert_close(r1(score, x), expected)


def test_a_constant_added_costs_nothing():
    x = on(torch.randn(3, 4))
    assert r1(x.sum(1, keepdim=True) + 100, x).item() == pytest.approx(4)


def test_it_trains_the_discriminator():
    """Its gradient by w is 2 w."""
    D, x = nn.Linear(3, 1), on(torch.randn(4, 3))
    r1(D(x), x).backward()
    torch.testing.assert_close(D.weight.grad, 2 * D.weight.detach())


def test_it_is_found_in_full_precision():
    """A small slope squared would vanish in half precision."""
    x = on(torch.ones(2, 2, dtype=torch.float16))
    penalty = r1(1e-4 * x.sum(1, keepdim=True), x)
    assert penalty.dtype == torch.float32
    assert penalty.item() == pytest.approx(2e-8, rel=1e-2)
    assert not math.isclose(penalty.item(), 0)
