"""Gram matrices by hand, distances that are distances, and a ranking loss that is a logarithm of a probability."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mutoscope.losses import gram, gram_distance, ranking_loss, ranking_probability

DISTANCES = st.floats(0, 1e4, width=32)


def features(seed: int, n: int = 3) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, c, t, s, s, generator=generator) for c, t, s in ((4, 4, 6), (6, 2, 3))]


def grams(seed: int) -> list[Tensor]:
    return [gram(layer) for layer in features(seed)]


def test_a_gram_matrix_by_hand() -> None:
    """Two channels at two places: products of rows, over the number of places."""
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).view(1, 2, 1, 1, 2)
    torch.testing.assert_close(gram(x), torch.tensor([[[2.5, 5.5], [5.5, 12.5]]]))


def test_a_channel_at_another_time_is_another_feature_unless_times_are_positions() -> None:
    x = features(0)[0]
    assert gram(x).shape == (3, 16, 16)
    assert gram(x, time=True).shape == (3, 4, 4)
    by_hand = torch.einsum("bcthw,bdthw->bcd", x, x) / (4 * 6 * 6)
    torch.testing.assert_close(gram(x, time=True), by_hand)
    torch.testing.assert_close(gram(x).unflatten(1, (4, 4))[:, 1, 2, 4 * 3], (x[:, 1, 2] * x[:, 3, 0]).mean((1, 2)))


def test_frames_have_gram_matrices_too() -> None:
    x = torch.randn(2, 5, 3, 3)
    assert gram(x).shape == gram(x, time=True).shape == (2, 5, 5)


def test_order_of_frames_matters_only_where_times_are_features() -> None:
    x = features(0)[0]
    assert not torch.allclose(gram(x), gram(x.flip(2)), atol=1e-3)
    torch.testing.assert_close(gram(x, time=True), gram(x.flip(2), time=True))


def test_the_distance_is_symmetric_zero_for_the_same_and_else_positive() -> None:
    a, b = grams(0), grams(1)
    torch.testing.assert_close(gram_distance(a, b), gram_distance(b, a))
    assert gram_distance(a, a).abs().max() <= 1e-6
    assert (gram_distance(a, b) > 0).all()


def test_a_clip_has_its_distance_whatever_else_is_in_the_batch() -> None:
    a, b = features(0), features(1)
    whole = gram_distance([gram(x) for x in a], [gram(x) for x in b])
    alone = gram_distance([gram(x[1:2]) for x in a], [gram(x[1:2]) for x in b])
    torch.testing.assert_close(whole[1:2], alone)


def test_layers_are_averaged_and_summed() -> None:
    a, b = [torch.zeros(1, 2, 2), torch.zeros(1, 3, 3)], [torch.ones(1, 2, 2), torch.full((1, 3, 3), -2.0)]
    assert gram_distance(a, b).item() == 3


def test_gradients_reach_features() -> None:
    x = features(0)[0].requires_grad_()
    gram_distance([gram(x)], [gram(features(1)[0])]).sum().backward()
    assert x.grad.abs().max() > 0


def test_matrices_are_found_in_full_precision() -> None:
    x = features(0)[0].bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = gram(x)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, gram(x.float()))


@given(d_real=DISTANCES, d_coarse=DISTANCES)
def test_the_loss_is_minus_the_logarithm_of_the_probability(d_real: float, d_coarse: float) -> None:
    real, coarse = torch.tensor([d_real]), torch.tensor([d_coarse])
    loss = ranking_loss(real, coarse)
    assert torch.isfinite(loss).all()
    by_hand = max(real.item() - coarse.item(), 0) + math.log1p(math.exp(-abs(real.item() - coarse.item())))
    assert loss.item() == pytest.approx(by_hand, rel=1e-5, abs=1e-6)
    assert math.exp(-loss.item()) == pytest.approx(ranking_probability(real, coarse).item(), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(
    ("d_real", "d_coarse", "low", "high"), [(3.0, 3.0, 0.5, 0.5), (0.0, 2.0, 0.5, 1.0), (2.0, 0.0, 0.0, 0.5)]
)
def test_the_nearer_is_the_likelier(d_real: float, d_coarse: float, low: float, high: float) -> None:
    """Equally far: log 2. At the real clip p is 1/2 or more, at the coarse one 1/2 or less."""
    p = ranking_probability(torch.tensor([d_real]), torch.tensor([d_coarse])).item()
    assert low <= p <= high
    if d_real == d_coarse:
        assert ranking_loss(torch.tensor([d_real]), torch.tensor([d_coarse])).item() == pytest.approx(math.log(2))
