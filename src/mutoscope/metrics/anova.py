"""How far two codes act apart: two-way analysis of variance of what is seen in a grid of samples."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64

from mutoscope.errors import InputError

LEAST_OF_REAL = 0.01
ROUNDING = 1e-12
COLLAPSED = 0.5


class VarianceShares(NamedTuple):
    """Of each descriptor, whose variance is V = V_a + V_m + V_am; the shares sum to 1.

    Attributes:
        appearance: V_a / V, what the appearance code decides by itself; NaN for a degenerate descriptor.
        motion: V_m / V, what the motion code decides by itself; NaN for a degenerate descriptor.
        interaction: V_am / V, what depends on both at once; NaN for a degenerate descriptor.
        total: V, in squared units of the descriptor.
        of_real: V ÷ its variance over real data; NaN where that is not given, or 0.
    """

    appearance: Float64[np.ndarray, "d"]
    motion: Float64[np.ndarray, "d"]
    interaction: Float64[np.ndarray, "d"]
    total: Float64[np.ndarray, "d"]
    of_real: Float64[np.ndarray, "d"]

    @property
    def degenerate(self) -> Bool[np.ndarray, "d"]:
        """Descriptors that do not vary: they have no shares."""
        return np.isnan(self.appearance)

    @property
    def collapsed(self) -> Bool[np.ndarray, "d"]:
        """Descriptors with less than half the variance of real data: their shares say little (modes have collapsed)."""
        return self.of_real < COLLAPSED


def variance_shares(
    values: Float[np.ndarray, "a m d"], real_variance: Float[np.ndarray, "d"] | None = None
) -> VarianceShares:
    """Splits the variance of each descriptor over a grid: one row an appearance code, one column a motion code.

    Two-way ANOVA with one sample a cell: V_a is the variance of the row means (over motion codes), V_m that of the
    column means, V_am what remains, that is interaction and noise; all over n, in float64. A disentangled system has
    `appearance` near 1 for descriptors of appearance and `motion` near 1 for those of motion: take `np.nanmean` over
    each group, and look at `collapsed`.

    Args:
        values: descriptor d of the clip made of appearance code a and motion code m.
        real_variance: the variance of each descriptor over real clips; a descriptor with less than 1 % of it in the
            grid is degenerate, as is one without any.

    Raises:
        InputError: the grid has fewer than two rows or columns.
    """
    rows, columns, _ = values.shape
    if min(rows, columns) < 2:
        raise InputError(f"variance shares: a grid of {rows}×{columns} clips (expected at least 2×2)")
    values = values.astype(np.float64)
    mean = values.mean(axis=(0, 1))
    of_rows, of_columns = values.mean(axis=1) - mean, values.mean(axis=0) - mean
    residual = values - mean - of_rows[:, None] - of_columns
    parts = np.stack([np.square(of_rows).mean(0), np.square(of_columns).mean(0), np.square(residual).mean((0, 1))])
    total = parts.sum(axis=0)

    least = ROUNDING * np.square(values).mean(axis=(0, 1))
    of_real = np.full_like(total, np.nan)
    if real_variance is not None:
        least = np.maximum(least, LEAST_OF_REAL * real_variance)
        np.divide(total, real_variance, out=of_real, where=real_variance > 0)
    shares = np.full_like(parts, np.nan)
    np.divide(parts, total, out=shares, where=total > least)
    appearance, motion, interaction = shares
    return VarianceShares(appearance, motion, interaction, total, of_real)
