"""How alike clips are in what a critic sees in them, and a loss that ranks by it (Zhao et al. 2020, Eq. 18)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def gram(features: Float[Tensor, "b c *t h w"], time: bool = False) -> Float[Tensor, "b k k"]:
    """Products of all pairs of features, averaged over positions, in float32.

    Args:
        features: activations of a layer.
        time: whether positions are those in time too, and features the channels (k = c). Otherwise a channel at
            another time is another feature (k = c · t), as in MD-GAN.
    """
    rows = features.float().flatten(2) if time else features.float().flatten(1, -3).flatten(2)
    with torch.autocast(features.device.type, enabled=False):
        return rows @ rows.transpose(1, 2) / rows.shape[2]


def gram_distance(a: Sequence[Float[Tensor, "b _k _k"]], b: Sequence[Float[Tensor, "b _k _k"]]) -> Float[Tensor, " b"]:
    """The mean absolute difference of the matrices of each layer, summed over layers."""
    return torch.stack([(one - other).abs().mean((1, 2)) for one, other in zip(a, b, strict=True)]).sum(0)


def ranking_loss(d_real: Float[Tensor, " b"], d_coarse: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
    """`-log p`, where p is `ranking_probability`: `softplus(d_real - d_coarse)`, which no distance makes overflow."""
    return F.softplus(d_real.float() - d_coarse.float())


def ranking_probability(d_real: Float[Tensor, " b"], d_coarse: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
    """p: how likely a refined clip is nearer to the real one (`d_real` away) than to the coarse (`d_coarse` away)."""
    return torch.sigmoid(d_coarse.float() - d_real.float())
