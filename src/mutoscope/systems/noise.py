"""Noise that users ask for by seed, and what lies between two draws of it."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def normal_draws(shape: tuple[int, ...], *seed: int) -> Float[Tensor, "..."]:
    """N(0, I). NumPy's numbers come in a row, whatever the shape; torch's depend on how many are drawn."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape, np.float32))


def between(
    first: Float[Tensor, "_ d *p"], last: Float[Tensor, "_ d *p"], at: Float[Tensor, "..."], spherical: bool = True
) -> Float[Tensor, "_ d *p"]:
    """Noise on the way from `first` (at 0) to `last` (at 1); `at` is broadcast, vectors lie along axis 1.

    On an arc, what lies between two draws of N(0, I) is about as long as they are, as in training; on a line it is
    shorter. Vectors of (almost) the same or opposite directions have no arc of their own and are joined by a line.
    """
    line = first + (last - first) * at
    if not spherical:
        return line
    cosine = F.cosine_similarity(first, last, dim=1).unsqueeze(1)
    angle = torch.acos(cosine.clamp(-1, 1))
    arc = (torch.sin((1 - at) * angle) * first + torch.sin(at * angle) * last) / torch.sin(angle)
    return torch.where(cosine.abs() < 1 - 1e-5, arc, line)
