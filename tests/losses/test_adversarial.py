"""The adversarial objective against its definition, where it is easy and where a sigmoid would underflow."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.losses import bce

SCORES = st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=8)


@given(scores=SCORES)
def test_it_is_the_cross_entropy_of_the_probabilities(scores):
    """-log x' for target 1 and -log(1 - x') for target 0 (Eqs. 2 to 4), averaged over the batch."""
    score = torch.tensor(scores)[:, None]
    probability = score.double().sigmoid()
    assert bce(score, 1.0).item() == pytest.approx(-probability.log().mean().item(), abs=1e-5)
    assert bce(score, 0.0).item() == pytest.approx(-(1 - probability).log().mean().item(), abs=1e-3)


@given(scores=SCORES)
def test_real_and_fake_are_mirror_images(scores):
    score = torch.tensor(scores)[:, None]
    assert bce(score, 1.0).item() == pytest.approx(bce(-score, 0.0).item(), abs=1e-6)


def test_an_undecided_score_costs_log_2():
    assert bce(torch.zeros(4, 1), 1.0).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_hopeless_score_has_a_finite_loss_and_a_full_gradient(dtype):
    """Trap 7: a sigmoid would be exactly 0 here, its logarithm infinite, and the gradient not a number."""
    score = torch.full((1, 1), -200.0, dtype=dtype, requires_grad=True)
    loss = bce(score, 1.0)
    loss.backward()
    assert loss.item() == pytest.approx(200)
    assert score.grad.item() == pytest.approx(-1)
    assert loss.dtype == torch.float32


def test_all_scores_of_a_frame_count():
    """Table 2 to the letter has n_z scores a frame: their losses are averaged."""
    score = torch.tensor([[0.0, 3.0], [-1.0, 2.0]])
    each = [bce(score[:, [i]], 1.0).item() for i in range(2)]
    assert bce(score, 1.0).item() == pytest.approx(sum(each) / 2)
