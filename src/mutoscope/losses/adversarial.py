"""What discriminators and generators play for."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.losses.penalties import r1


def bce(score: Float[Tensor, "n *k"], target: float) -> Float[Tensor, ""]:
    """Binary cross-entropy of raw scores against one target, in float32.

    With target 1 for real and 0 for fake frames it trains D; with target 1 for fake frames it is the non-saturating
    loss of G (Goodfellow et al. 2014, section 3). Computed from logits: a sigmoid first would underflow.
    """
    score = score.float()
    return F.binary_cross_entropy_with_logits(score, torch.full_like(score, target))


@dataclass(frozen=True)
class LogisticLoss:
    """The non-saturating game of one discriminator, in some iterations with R1 on real input, as many times stronger.

    T. Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, appendix B.

    Attributes:
        gamma: weight γ of R1; 0 leaves it out.
        every: iterations from one R1 to the next.
    """

    gamma: float
    every: int = 1

    def penalises(self, iteration: int) -> bool:
        """Whether R1 is part of this iteration's loss."""
        return self.gamma > 0 and iteration % self.every == 0

    def of_D(
        self, D: nn.Module, real: Float[Tensor, "n ..."], fake: Float[Tensor, "m ..."], penalised: bool
    ) -> Float[Tensor, ""]:
        """What D plays for: telling real input from fake by a raw score each, and where penalised a low slope.

        Both pass through D apart, for it may have statistics over the batch; no gradient goes back into either.
        """
        real = real.detach().requires_grad_(penalised)
        score = D(real)
        loss = bce(score, 1.0) + bce(D(fake.detach()), 0.0)
        return loss + self.gamma * self.every / 2 * r1(score, real) if penalised else loss

    def of_G(self, D: nn.Module, fake: Float[Tensor, "m ..."]) -> Float[Tensor, ""]:
        """What a generator plays for against it: its output taken for real."""
        return bce(D(fake), 1.0)

    def optimizer(
        self, *networks: nn.Module, lr: float = 2e-3, betas: tuple[float, float] = (0.0, 0.99)
    ) -> torch.optim.Adam:
        """Adam for these discriminators, its rates corrected for the step that R1 adds to `every` others."""
        weights = [p for network in networks for p in network.parameters()]
        share = self.every / (self.every + 1)
        return torch.optim.Adam(weights, lr * share, (betas[0] ** share, betas[1] ** share), fused=True)
