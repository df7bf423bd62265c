"""The game of Wasserstein GANs whose critics pay for slopes other than 1 (Gulrajani et al. 2017)."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def critic_loss(on_real: Float[Tensor, " b"], on_fake: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """How much higher fake samples score than real ones, in float32: what a critic lowers."""
    return on_fake.float().mean() - on_real.float().mean()


def gradient_penalty(
    critic: Callable[[Tensor, Tensor], Float[Tensor, " b"]],
    real: Float[Tensor, "b ..."],
    fake: Float[Tensor, "b ..."],
    condition: Float[Tensor, "b ..."],
    epsilon: Float[Tensor, " b"],
) -> Float[Tensor, ""]:
    """`(|slope| - 1)²` between real and fake samples, averaged over the batch, in float32 (Zhao et al. 2020, Eq. 14).

    The slope is that by sample and condition together, but only samples are mixed: there is one condition for both.

    Args:
        critic: `critic(samples, condition)` gives a score for each.
        real, fake: what it judges; no gradient goes back into either.
        condition: what it gets beside them.
        epsilon: share of the real sample in each mixture, in [0, 1].
    """
    shares = epsilon.view(-1, *[1] * (real.ndim - 1))
    mixed = (shares * real.detach().float() + (1 - shares) * fake.detach().float()).requires_grad_()
    condition = condition.detach().float().requires_grad_()
    with torch.autocast(real.device.type, enabled=False):
        score = critic(mixed, condition).sum()
        slopes = torch.autograd.grad(score, (mixed, condition), create_graph=True, materialize_grads=True)
    squared = [slope.flatten(1).square().sum(1) for slope in slopes]
    # the square root has no slope at 0, where untrained critics may be
    norm = torch.stack(squared).sum(0).clamp_min(1e-12).sqrt()
    return (norm - 1).square().mean()
