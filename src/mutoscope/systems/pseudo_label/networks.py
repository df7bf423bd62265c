"""The two networks of the paper, Tables 1 and 2, top to bottom.

Nothing here is three-dimensional or recurrent: a frame costs the same wherever it stands in an animation.
"""

import warnings
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.nn import BatchNorm1d, BatchNorm2d, init_normal
from mutoscope.systems.pseudo_label.config import PseudoLabelConfig


class Generator(nn.Module):
    """G: noise and two pseudo-labels to a frame (Table 1; batch normalisation on every layer but the last)."""

    def __init__(self, config: PseudoLabelConfig) -> None:
        super().__init__()
        self.config = config
        w128, w64, w32, w1024 = config.scaled(128, 64, 32, 1024)
        bottom = config.image_size // 8
        self.linear = nn.Sequential(
            nn.Linear(config.n_z + config.n_d + config.n_c, w1024),
            BatchNorm1d(w1024),
            nn.ReLU(inplace=True),
            nn.Linear(w1024, w128 * bottom**2),
            BatchNorm1d(w128 * bottom**2),
            nn.ReLU(inplace=True),
        )
        self.unflatten = nn.Unflatten(1, (w128, bottom, bottom))
        self.deconv = nn.Sequential(
            nn.ConvTranspose2d(w128, w64, kernel_size=4, stride=2, padding=1),
            BatchNorm2d(w64),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(w64, w32, kernel_size=4, stride=2, padding=1),
            BatchNorm2d(w32),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(w32, config.channels, kernel_size=4, stride=2, padding=1),
            nn.Tanh(),
        )
        init_normal(self)

    def forward(
        self,
        *,
        z: Float[Tensor, "n n_z"],
        d: Float[Tensor, "n n_d"],
        c: Float[Tensor, "n n_c"],
        allow_soft_d: bool = False,
    ) -> Float[Tensor, "n channels h w"]:
        """Draws one frame in [-1, 1] per row, `G(z ⊕ d ⊕ c)` (Eq. 8).

        Args:
            z: noise.
            d: discrete pseudo-label, one-hot.
            c: continuous pseudo-label.
            allow_soft_d: say that a `d` that is not one-hot is meant (amplitudes, mixtures).

        Raises:
            InputError: a code has the wrong width, as when `d` and `c` are swapped.
        """
        n_z, n_d, n_c = self.config.n_z, self.config.n_d, self.config.n_c
        for name, code, size in (("z", z, n_z), ("d", d, n_d), ("c", c, n_c)):
            if code.shape[1] != size:
                raise InputError(f"{name}: has {code.shape[1]} columns, the generator was made for {size}")
        if n_d == n_c and not allow_soft_d and not _is_one_hot(d):
            warnings.warn("d is not one-hot: are d and c swapped? (allow_soft_d=True says it is meant)", stacklevel=2)
        h = self.unflatten(self.linear(torch.cat([z, d, c], dim=1)))
        return self.deconv(h.contiguous(memory_format=torch.channels_last))


class Reading(NamedTuple):
    """What D reads from frames (Eq. 8): all raw, before sigmoid and softmax."""

    score: Float[Tensor, "n score_dim"]
    d: Float[Tensor, "n n_d"]
    c: Float[Tensor, "n n_c"]


class Discriminator(nn.Module):
    """D: a frame to its realism and both pseudo-labels, from one shared trunk (Table 2)."""

    def __init__(self, config: PseudoLabelConfig) -> None:
        super().__init__()
        self.config = config
        w128, w64, w32, w1024 = config.scaled(128, 64, 32, 1024)

        def conv(c_in: int, c_out: int, normalised: bool) -> list[nn.Module]:
            norm = [BatchNorm2d(c_out)] if normalised else []
            return [nn.Conv2d(c_in, c_out, kernel_size=4, stride=2, padding=1), *norm, nn.LeakyReLU(0.2, inplace=True)]

        self.conv = nn.Sequential(
            *conv(config.channels, w32, normalised=config.d_conv_bn == "all"),
            *conv(w32, w64, normalised=config.d_conv_bn == "all"),
            *conv(w64, w128, normalised=config.d_conv_bn != "none"),
        )
        self.linear = nn.Sequential(
            nn.Linear(w128 * (config.image_size // 8) ** 2, w1024),
            BatchNorm1d(w1024),
            nn.LeakyReLU(0.2, inplace=True),
        )
        self.readout = nn.Linear(w1024, config.score_dim + config.n_d + config.n_c)
        init_normal(self)

    def forward(self, x: Float[Tensor, "n channels h w"]) -> Reading:
        """Reads frames in [-1, 1]."""
        o = self.readout(self.linear(self.conv(x).flatten(1)))
        score, d, c = o.split([self.config.score_dim, self.config.n_d, self.config.n_c], dim=1)
        return Reading(d[:, :1] if self.config.compat_bug else score, d, c)


def _is_one_hot(d: Tensor) -> bool:
    return bool((((d == 0) | (d == 1)).all(1) & (d.sum(1) == 1)).all())
