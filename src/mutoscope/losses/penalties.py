"""What discriminators pay for steepness."""

import torch
from jaxtyping import Float
from torch import Tensor


def r1(score: Float[Tensor, "n *k"], x: Float[Tensor, "n ..."]) -> Float[Tensor, ""]:
    """R1: the squared norm of a discriminator's gradient by its input, averaged over the batch.

    L. Mescheder, A. Geiger, S. Nowozin, "Which Training Methods for GANs do actually Converge?", 2018, Eq. 9, without
    the factor γ / 2. `score` must have been computed from `x` while `x` recorded gradients.
    """
    (gradient,) = torch.autograd.grad(score.sum(), x, create_graph=True)
    return gradient.float().square().flatten(1).sum(1).mean()
