"""F-SA, factorised spatio-temporal self-attention (section 4.2.3, Fig. 4.5, Eqs. 4.1 to 4.4)."""

from collections.abc import Iterator
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.nn import SNConv2d

Clip = Float[Tensor, "b c t h w"]

ELEMENTS_AT_ONCE = 1 << 21
"""How many scores and values to hold at a time on a CPU: what its caches can hold."""


class SelfAttention(nn.Module):
    """The three projections and the weight of attention: y_j = γ Σ_i a_ji h(x_i) + x_j.

    a_ji = softmax_i(f(x_i)ᵀ g(x_j)), without a temperature; γ starts at 0, so that nothing is added.

    Args:
        channels: C, a multiple of 8; f and g have an eighth of them.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.f = SNConv2d(channels, channels // 8, 1)
        self.g = SNConv2d(channels, channels // 8, 1)
        self.h = SNConv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(()))

    def read(self, x: Float[Tensor, "n c p q"]) -> Float[Tensor, "n k p q"]:
        """f(x), g(x) and γ h(x), one after the other along the channels, in one pass over x."""
        layers = (self.f, self.g, self.h)
        f, g, h = (layer.spectral_weight() for layer in layers)
        b_f, b_g, b_h = (cast(Tensor, layer.bias) for layer in layers)
        return F.conv2d(x, torch.cat([f, g, self.gamma * h]), torch.cat([b_f, b_g, self.gamma * b_h]))


class FactorisedSelfAttention(nn.Module):
    """Attention over time at every position (T-SA), then over space at every time (S-SA).

    Args:
        channels: of the clip's features.
        legacy: scramble channels and positions of what is added, as the authors' code does by reading a buffer under
            another shape; only for weights trained that way.
    """

    def __init__(self, channels: int, legacy: bool = False) -> None:
        super().__init__()
        self.T_SA = SelfAttention(channels)
        self.S_SA = SelfAttention(channels)
        self.legacy = legacy

    def forward(self, x: Clip) -> Clip:
        return self.over_space(self.over_time(x.contiguous(memory_format=torch.channels_last_3d)))

    def over_time(self, x: Clip) -> Clip:
        """Eqs. 4.1 and 4.2: every position looks at itself at all times."""
        positions = x.flatten(3)
        read = self.T_SA.read(positions)
        if self.legacy:
            return x + self.scrambled(read.permute(0, 3, 2, 1), x)
        seen = attend(positions.permute(0, 3, 2, 1), read.permute(0, 3, 2, 1))
        return seen.permute(0, 3, 2, 1).unflatten(3, x.shape[3:])

    def over_space(self, x: Clip) -> Clip:
        """Eqs. 4.3 and 4.4: every time looks at all of its positions."""
        read = self.S_SA.read(x.transpose(1, 2).flatten(0, 1))
        read = read.flatten(2).transpose(1, 2).unflatten(0, (len(x), -1))
        if self.legacy:
            return x + self.scrambled(read, x)
        seen = attend(x.permute(0, 2, 3, 4, 1).flatten(2, 3), read)
        return seen.unflatten(2, x.shape[3:]).permute(0, 4, 1, 2, 3)

    def scrambled(self, read: Float[Tensor, "b n p k"], x: Clip) -> Clip:
        """What attention adds, its buffer (n, p, c) read as (h, w, c, t) whatever n and p are."""
        b, c, t, h, w = x.shape
        seen = attend(torch.zeros(*read.shape[:3], c, dtype=read.dtype, device=x.device), read)
        return seen.reshape(b, h, w, c, t).permute(0, 3, 4, 1, 2)


def attend(x: Float[Tensor, "b n p c"], read: Float[Tensor, "b n p k"]) -> Float[Tensor, "b n p c"]:
    """x + softmax(g fᵀ) h for n sequences of p positions, where `read` holds f, g and h one after the other.

    On a CPU a few sequences are taken at a time, and the scores, p² of each, are made again for the gradient instead of
    being kept.
    """
    if x.is_cuda or torch.compiler.is_compiling():
        keys, queries, values = _split(read, x)
        return x + F.scaled_dot_product_attention(queries, keys, values, scale=1.0)
    return _Attention.apply(x, read.to(x.dtype))  # autocast gives read in half the bits


class _Attention(torch.autograd.Function):
    """`attend`, some sequences at a time."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, read: Tensor) -> Tensor:
        ctx.save_for_backward(x, read)
        out = torch.empty_like(x)
        with torch.autocast(x.device.type, enabled=False):
            for part in _parts(x):
                keys, queries, values = _split(read[part], x)
                torch.baddbmm(x[part], _weights(queries, keys), values, out=out[part])
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, read = ctx.saved_tensors
        of_read = torch.empty_like(read)
        with torch.autocast(x.device.type, enabled=False):
            for part in _parts(x):
                keys, queries, values = _split(read[part], x)
                of_keys, of_queries, of_values = _split(of_read[part], x)
                weights, of_seen = _weights(queries, keys), gradient[part]
                of_values.copy_(weights.transpose(1, 2) @ of_seen)
                of_weights = of_seen @ values.transpose(1, 2)
                of_scores = torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype)
                of_queries.copy_(of_scores @ keys)
                of_keys.copy_(of_scores.transpose(1, 2) @ queries)
        return gradient, of_read


def _split(read: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """f, g and h."""
    c = x.shape[-1]
    keys, queries, values = read.split([c // 8, c // 8, c], dim=-1)
    return keys, queries, values


def _weights(queries: Tensor, keys: Tensor) -> Float[Tensor, "m p p"]:
    """a of Eq. 4.1 or 4.3: rows are targets j, columns sources i; rows sum to 1."""
    return torch.softmax(queries @ keys.transpose(1, 2), -1)


def _parts(x: Float[Tensor, "b n p c"]) -> Iterator[tuple[int, slice]]:
    """Where to find a few sequences of one clip."""
    b, n, p, c = x.shape
    at_once = max(2, ELEMENTS_AT_ONCE // (p * (p + c)))
    for clip in range(b):
        for start in range(0, n, at_once):
            yield clip, slice(start, start + at_once)
