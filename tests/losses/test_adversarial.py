"""The adversarial objective against its definition, where it is easy and where a sigmoid would underflow."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from mutoscope.losses import bce, logistic_D

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


class TestTheGameOfOneDiscriminator:
    @pytest.fixture
    def D(self) -> nn.Linear:
        return nn.Linear(3, 1)

    def pictures(self, seed: int, n: int = 4) -> torch.Tensor:
        return torch.randn(n, 3, generator=torch.Generator().manual_seed(seed))

    def test_logits_of_zero_cost_what_a_coin_does(self, D):
        """MintGAN 19: 2 ln 2 for D, ln 2 for G."""
        nn.init.zeros_(D.weight)
        nn.init.zeros_(D.bias)
        assert logistic_D(D, self.pictures(0), self.pictures(1), gamma=10.0).item() == pytest.approx(2 * math.log(2))
        assert bce(D(self.pictures(1)), 1.0).item() == pytest.approx(math.log(2))

    def test_it_is_softplus_of_both(self, D):
        """E[ln(1 + e^s)] of fake and E[ln(1 + e^-s)] of real pictures, of which there may be other numbers."""
        real, fake = self.pictures(0), self.pictures(1, 2)
        expected = F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean()
        torch.testing.assert_close(logistic_D(D, real, fake), expected)

    @given(gamma=st.floats(0.1, 100))
    def test_the_penalty_is_half_gamma_times_r1_of_real_pictures(self, gamma):
        """MintGAN 20: γ / 2 · |w|² of a linear D."""
        D, real, fake = nn.Linear(3, 1), self.pictures(0), self.pictures(1)
        penalty = logistic_D(D, real, fake, gamma) - logistic_D(D, real, fake)
        assert penalty.item() == pytest.approx(gamma / 2 * D.weight.square().sum().item(), rel=1e-3, abs=1e-5)

    @pytest.mark.parametrize("gamma", [0.0, 1.0])
    def test_no_gradient_goes_back_into_pictures(self, D, gamma):
        real, fake = self.pictures(0).requires_grad_(), self.pictures(1).requires_grad_()
        logistic_D(D, real, fake, gamma).backward()
        assert real.grad is None
        assert fake.grad is None
        assert D.weight.grad.abs().sum() > 0

    def test_real_and_fake_pictures_pass_apart(self):
        """What has a statistic over the batch must not mix them."""
        seen = []

        class Watched(nn.Linear):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                seen.append(x.detach())
                return super().forward(x)

        real, fake = self.pictures(0), self.pictures(1)
        logistic_D(Watched(3, 1), real, fake, 1.0)
        assert [torch.equal(x, y) for x, y in zip(seen, (real, fake), strict=True)] == [True, True]
