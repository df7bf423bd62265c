"""What a small extractor is taught besides labels: two views of one example, and the way a clip is played."""

import math

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

PLAYS = ("forward", "backward", "shuffled", "frozen", "slow")
"""Ways to play a clip. Telling them apart takes features of motion, not of single frames."""

LARGEST_SHIFT, LARGEST_ZOOM, LARGEST_TURN = 0.05, 0.05, math.radians(5)
LARGEST_GAIN, LARGEST_OFFSET = 0.2, 0.1


def play_order(play: int, frames: int, rng: np.random.Generator) -> Int64[np.ndarray, "{frames}"]:
    """Which frame of a window to show at each time for one way of playing, an index into `PLAYS`."""
    forward = np.arange(frames)
    match PLAYS[play]:
        case "backward":
            return forward[::-1].copy()
        case "shuffled":
            return rng.permutation(frames)
        case "frozen":
            return np.full(frames, rng.integers(frames))
        case "slow":
            return rng.integers(frames - frames // 2) + forward // 2
    return forward


def augmented(images: Float[Tensor, "n *t c h w"], generator: torch.Generator) -> Float[Tensor, "n *t c h w"]:
    """Each example shifted (≤ 5 %), scaled (≤ 5 %), turned (≤ 5°), brighter or darker; one draw for a whole clip.

    No blur, noise or compression: features must notice these.
    """
    count = len(images)

    def uniform(largest: float, *shape: int) -> Tensor:
        return largest * (2 * torch.rand(count, *shape, generator=generator) - 1)

    scale, angle, shift = 1 + uniform(LARGEST_ZOOM), uniform(LARGEST_TURN), uniform(2 * LARGEST_SHIFT, 2)
    rows = torch.stack([scale * angle.cos(), -scale * angle.sin(), scale * angle.sin(), scale * angle.cos()], 1)
    transform = torch.cat([rows.view(count, 2, 2), shift[:, :, None]], 2).to(images)
    flat = images.reshape(count, -1, *images.shape[-2:])
    grid = F.affine_grid(transform, list(flat.shape), align_corners=False)
    moved = F.grid_sample(flat, grid, padding_mode="border", align_corners=False)
    gain, offset = (1 + uniform(LARGEST_GAIN, 1, 1, 1)).to(images), uniform(LARGEST_OFFSET, 1, 1, 1).to(images)
    return (moved * gain + offset).view_as(images)


def nt_xent(a: Float[Tensor, "n k"], b: Float[Tensor, "n k"], temperature: float = 0.2) -> Float[Tensor, ""]:
    """The contrastive loss of SimCLR (Chen et al. 2020, Eq. 1): a_i is to find b_i among all others, and b_i a_i."""
    return F.cross_entropy(_similarities(a, b) / temperature, _partners(len(a), a.device))


def retrieval_accuracy(a: Float[Tensor, "n k"], b: Float[Tensor, "n k"]) -> float:
    """Share of the 2 n vectors whose nearest other one, by angle, is their partner."""
    found = _similarities(a, b).argmax(1) == _partners(len(a), a.device)
    return float(found.float().mean())


def _similarities(a: Float[Tensor, "n k"], b: Float[Tensor, "n k"]) -> Float[Tensor, "m m"]:
    vectors = F.normalize(torch.cat([a, b]), dim=1)
    return (vectors @ vectors.T).fill_diagonal_(-torch.inf)


def _partners(count: int, device: torch.device) -> Int64[Tensor, "m"]:
    return torch.arange(2 * count, device=device).roll(count)
