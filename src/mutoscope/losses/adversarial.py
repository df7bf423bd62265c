"""What discriminators and generators play for."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.losses.penalties import r1

Loss = Float[Tensor, ""]


def bce(score: Float[Tensor, "n *k"], target: float) -> Float[Tensor, ""]:
    """Binary cross-entropy of raw scores against one target, in float32.

    With target 1 for real and 0 for fake frames it trains D; with target 1 for fake frames it is the non-saturating
    loss of G (Goodfellow et al. 2014, section 3). Computed from logits: a sigmoid first would underflow.
    """
    score = score.float()
    return F.binary_cross_entropy_with_logits(score, torch.full_like(score, target))


def logistic_D(D: nn.Module, real: Float[Tensor, "n ..."], fake: Float[Tensor, "m ..."], gamma: float = 0.0) -> Loss:
    """The non-saturating game of one discriminator, with γ / 2 · R1 on real input.

    Real and fake input pass through D apart, for it may have statistics over the batch. G plays with `bce(D(fake), 1)`.

    Args:
        D: what it judges by, one raw score for each.
        real, fake: what it gets to see; no gradient goes back into either.
        gamma: weight γ of R1; 0 leaves it out.
    """
    real = real.detach().requires_grad_(gamma > 0)
    score = D(real)
    loss = bce(score, 1.0) + bce(D(fake.detach()), 0.0)
    return loss + gamma / 2 * r1(score, real) if gamma else loss
