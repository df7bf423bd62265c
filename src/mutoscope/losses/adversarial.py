"""What discriminators and generators play for."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def bce(score: Float[Tensor, "n *k"], target: float) -> Float[Tensor, ""]:
    """Binary cross-entropy of raw scores against one target, in float32.

    With target 1 for real and 0 for fake frames it trains D; with target 1 for fake frames it is the non-saturating
    loss of G (Goodfellow et al. 2014, section 3). Computed from logits: a sigmoid first would underflow.
    """
    score = score.float()
    return F.binary_cross_entropy_with_logits(score, torch.full_like(score, target))
