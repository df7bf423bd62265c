"""The adversarial objective against its definition, where it is easy and where a sigmoid would underflow."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from mutoscope.losses import LogisticLoss, PyramidLoss, bce
from mutoscope.nn import TemporalPyramid

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
        game = LogisticLoss(gamma=10.0)
        assert game.of_D(D, self.pictures(0), self.pictures(1), True).item() == pytest.approx(2 * math.log(2))
        assert game.of_G(D, self.pictures(1)).item() == pytest.approx(math.log(2))

    def test_it_is_softplus_of_both(self, D):
        """E[ln(1 + e^s)] of fake and E[ln(1 + e^-s)] of real pictures, of which there may be other numbers."""
        real, fake = self.pictures(0), self.pictures(1, 2)
        expected = F.softplus(-D(real)).mean() + F.softplus(D(fake)).mean()
        torch.testing.assert_close(LogisticLoss(0.0).of_D(D, real, fake, False), expected)

    @given(gamma=st.floats(0.1, 100), every=st.integers(1, 16))
    def test_the_penalty_is_half_gamma_times_r1_of_real_pictures(self, gamma, every):
        """MintGAN 20: γ / 2 · |w|² of a linear D, as many times as there are steps from one to the next."""
        D, real, fake = nn.Linear(3, 1), self.pictures(0), self.pictures(1)
        game = LogisticLoss(gamma, every)
        penalty = game.of_D(D, real, fake, True) - game.of_D(D, real, fake, False)
        assert penalty.item() == pytest.approx(gamma * every / 2 * D.weight.square().sum().item(), rel=1e-3, abs=1e-5)

    def test_the_penalty_is_lazy(self):
        assert [LogisticLoss(1.0, 3).penalises(i) for i in range(5)] == [True, False, False, True, False]
        assert not LogisticLoss(0.0, 3).penalises(0)

    def test_adam_is_corrected_for_the_lazy_penalty(self, D):
        """17 gradients in 16 steps (Karras et al. 2020, appendix B)."""
        (group,) = LogisticLoss(1.0, 16).optimizer(D, nn.Linear(2, 1)).param_groups
        assert (group["lr"], *group["betas"]) == pytest.approx((2e-3 * 16 / 17, 0.0, 0.99 ** (16 / 17)))
        assert len(group["params"]) == 4

    @pytest.mark.parametrize("penalised", [False, True])
    def test_no_gradient_goes_back_into_pictures(self, D, penalised):
        real, fake = self.pictures(0).requires_grad_(), self.pictures(1).requires_grad_()
        LogisticLoss(1.0).of_D(D, real, fake, penalised).backward()
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
        LogisticLoss(1.0).of_D(Watched(3, 1), real, fake, True)
        assert [torch.equal(x, y) for x, y in zip(seen, (real, fake), strict=True)] == [True, True]

    @pytest.mark.parametrize("penalised", [False, True])
    def test_a_pyramid_plays_one_at_every_speed(self, penalised):
        """Eq. 5.5: in sum, weighed in G's loss."""
        pyramid, (real, fake) = TemporalPyramid(1, 8, 4, 2, [4, 4]), torch.randn(2, 3, 1, 4, 8, 8)
        one, all_ = LogisticLoss(2.0, 16), PyramidLoss(2.0, weight=0.7)
        views = list(zip(pyramid.discriminators, pyramid.views(real), pyramid.views(fake), strict=True))
        of_D = sum(one.of_D(*seen, penalised) for seen in views)
        torch.testing.assert_close(all_.of_D(pyramid, real, fake, penalised), of_D)
        torch.testing.assert_close(all_.of_G(pyramid, fake), 0.7 * sum(one.of_G(D, view) for D, _, view in views))
