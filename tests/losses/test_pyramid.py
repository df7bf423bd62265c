"""What a temporal pyramid plays for: each speed's game apart, lazy R1, an optimiser corrected for it."""

import math

import pytest
import torch
from torch import Tensor, nn

from mutoscope.losses import PyramidLoss, r1
from mutoscope.nn import TemporalPyramid

LN2 = math.log(2)
LOSS = PyramidLoss(gamma=3.0)


def clips(n: int = 4, frames: int = 8, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, frames, 16, 16, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def small_pyramid(levels: int = 3) -> TemporalPyramid:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return TemporalPyramid(3, 16, frames=8, levels=levels, widths=[8, 6, 4])


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_logits_of_zero_cost_what_a_coin_does(levels: int):
    """2 ln 2 a level; G pays ln 2 a level, times λ = 0.5. A flat discriminator is not penalised."""
    pyramid = small_pyramid(levels)
    for D in pyramid.discriminators:
        nn.init.zeros_(D.head[-1].weight)
    for penalised in (True, False):
        assert LOSS.of_D(pyramid, clips(), clips(seed=1), penalised).item() == pytest.approx(2 * LN2 * levels)
    assert LOSS.of_G(pyramid, clips()).item() == pytest.approx(0.5 * LN2 * levels)


def test_every_sixteenth_iteration_is_penalised():
    assert [iteration for iteration in range(33) if LOSS.penalises(iteration)] == [0, 16, 32]
    assert [iteration for iteration in range(7) if PyramidLoss(1.0, every=3).penalises(iteration)] == [0, 3, 6]


@pytest.mark.parametrize("every", [16, 3])
def test_a_penalised_iteration_pays_for_all_until_the_next(every: int):
    """`every` · γ / 2 · R1, of each level on its own view of the real clips."""
    pyramid, real, fake = small_pyramid(), clips(), clips(seed=1)
    loss = PyramidLoss(3.0, every)
    with_r1, without = (loss.of_D(pyramid, real, fake, penalised).item() for penalised in (True, False))
    penalty = 0.0
    for D, view in zip(pyramid.discriminators, pyramid.views(real), strict=True):
        view.requires_grad_()
        penalty += r1(D(view), view).item()
    assert with_r1 - without == pytest.approx(every * 3.0 / 2 * penalty, rel=1e-4)


def test_levels_play_apart():
    """Odd frames are seen by the fastest alone: what a slower level is to learn does not depend on them."""
    pyramid, real, fake = small_pyramid(), clips(), clips(seed=1)
    other = real.clone()
    other[:, :, 1::2] = -1
    gradients = []
    for seen in (real, other):
        pyramid.zero_grad()
        LOSS.of_D(pyramid, seen, fake, penalised=True).backward()
        gradients.append([next(D.parameters()).grad.clone() for D in pyramid.discriminators])
    same = [torch.equal(a, b) for a, b in zip(*gradients, strict=True)]
    assert same == [False, True, True]


def test_its_adam_is_corrected_for_the_lazy_penalty():
    """17 gradients in 16 steps: rate and decay rates to the power of 16 / 17 (Karras et al. 2020, appendix B)."""
    pyramid = small_pyramid()
    (group,) = LOSS.optimizer(pyramid).param_groups
    assert group["lr"] == pytest.approx(2e-3 * 16 / 17)
    assert group["betas"] == pytest.approx((0.0, 0.99 ** (16 / 17)))
    assert len(group["params"]) == len(list(pyramid.parameters()))
