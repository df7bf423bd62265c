"""The networks of chapter 4: the three-stream generator, its attention, and the video discriminator, top to bottom.

Spatial and temporal convolutions are 2-D ones on views of clips (see `mutoscope.nn.clips`), which makes them fast. The
image discriminator is `mutoscope.nn.ImageDiscriminator`.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.nn import (
    BatchNorm2d,
    BatchNorm3d,
    SNConv2d,
    SNConv3d,
    SNConvTranspose2d,
    SNConvTranspose3d,
    Spatial,
    Temporal,
    clips_of,
    discriminator_widths,
    frames_of,
    init_normal,
    settle_spectral_norms,
)
from mutoscope.systems.g3an.attention import FactorisedSelfAttention
from mutoscope.systems.g3an.config import FRAMES_PER_NOISE, SHORTEST, Conv, G3ANConfig

Clip = Float[Tensor, "b c t h w"]


class Step(NamedTuple):
    """Kernel size, stride and padding along an axis."""

    kernel: int
    stride: int
    padding: int


START, DOUBLE, KEEP = Step(4, 1, 0), Step(4, 2, 1), Step(1, 1, 0)


def spatial_up(n_in: int, n_out: int, space: Step) -> Spatial:
    """A transposed 2-D convolution of every frame, BN, ReLU."""
    conv = SNConvTranspose2d(n_in, n_out, space.kernel, space.stride, space.padding)
    return Spatial(conv, BatchNorm2d(n_out), nn.ReLU(inplace=True))


def temporal_up(n_in: int, n_out: int, time: Step) -> Temporal:
    """A transposed 1-D convolution over time, BN, ReLU."""
    conv = SNConvTranspose2d(n_in, n_out, (time.kernel, 1), (time.stride, 1), (time.padding, 0))
    return Temporal(conv, BatchNorm2d(n_out), nn.ReLU(inplace=True))


def video_up(n_in: int, n_out: int, time: Step, space: Step, conv: Conv, match_params: bool) -> nn.Module:
    """The unit of G_V: time then space ((1+2)D, the paper's), space then time, or both at once (Table 4.4)."""
    k_t, k_s = time.kernel, space.kernel**2
    if conv == "1p2d":
        middle = k_t * k_s * n_in * n_out // (k_t * n_in + k_s * n_out) if match_params else n_out
        return nn.Sequential(temporal_up(n_in, middle, time), spatial_up(middle, n_out, space))
    if conv == "2p1d":
        middle = k_t * k_s * n_in * n_out // (k_s * n_in + k_t * n_out) if match_params else n_out
        return nn.Sequential(spatial_up(n_in, middle, space), temporal_up(middle, n_out, time))
    kernel, stride, padding = ((t, s, s) for t, s in zip(time, space, strict=True))
    return nn.Sequential(
        SNConvTranspose3d(n_in, n_out, kernel, stride, padding), BatchNorm3d(n_out), nn.ReLU(inplace=True)
    )


class Streams(NamedTuple):
    """What a G³ module hands to the next. A stream that is ablated is None.

    Attributes:
        F_S: appearance, without time.
        F_T: motion, without space.
        V: the main stream, motion added to it (F_V'' of the paper).
        attended: what attention made of the fused streams, where it follows the module.
    """

    F_S: Float[Tensor, "b c 1 h w"] | None
    F_T: Float[Tensor, "b c t 1 1"] | None
    V: Clip
    attended: Clip | None = None

    @property
    def F_V(self) -> Clip:
        """The fused streams: appearance at every time, beside the main stream."""
        if self.attended is not None:
            return self.attended
        return self.V if self.F_S is None else torch.cat([self.F_S.expand_as(self.V), self.V], dim=1)


class G3Module(nn.Module):
    """One level of the generator: three streams and their fusion (Figs. 4.2 to 4.4).

    Args:
        n_S, n_T, n_V: channels of the three inputs; n_S or n_T is 0 where the stream is ablated.
        n_out: channels of every stream's output.
        time, space: how the temporal and the spatial convolutions move.
        conv: the unit of G_V.
        match_params: widths of G_V's units that give each as many weights as a 3-D one (Table 4.4).
    """

    def __init__(
        self, n_S: int, n_T: int, n_V: int, n_out: int, time: Step, space: Step, conv: Conv, match_params: bool
    ) -> None:
        super().__init__()
        self.G_S = spatial_up(n_S, n_out, space) if n_S else None
        self.G_T = temporal_up(n_T, n_out, time) if n_T else None
        self.G_V = video_up(n_V, n_out, time, space, conv, match_params)

    def forward(self, inputs: Streams) -> Streams:
        F_S = self.G_S(inputs.F_S) if self.G_S is not None else None
        F_T = self.G_T(inputs.F_T) if self.G_T is not None else None
        V = self.G_V(inputs.F_V)
        return Streams(F_S, F_T, V if F_T is None else V + F_T)


class Generator(nn.Module):
    """G: appearance noise and motion noise to a clip (Fig. 4.2; layer table from the authors' code).

    Level 0 draws 4 × 4 pixels; each further one doubles them. Levels 1 and 2 double the frames as well, to 16.
    """

    def __init__(self, config: G3ANConfig) -> None:
        super().__init__()
        self.config = o = config
        S, T, fused = int(o.use_S), int(o.use_T), 2 if o.use_S else 1
        inputs = [(S * o.d_a, T * (o.d_m + o.categories), o.d_a + o.d_m)]
        inputs += [(S * width, T * width, fused * width) for width in o.widths[:-1]]
        times = [START, DOUBLE, DOUBLE, *[KEEP] * (o.levels - 3)]
        self.G3 = nn.ModuleList(
            G3Module(*n_in, n_out, time, DOUBLE if n else START, o.conv, o.match_params)
            for n, (n_in, n_out, time) in enumerate(zip(inputs, o.widths, times, strict=True))
        )
        seen = 0 if o.fsa_level is None else fused * o.widths[o.fsa_level]
        self.F_SA = FactorisedSelfAttention(seen, o.legacy_attention) if seen else None
        self.to_rgb = nn.Conv2d(fused * o.widths[-1], o.channels, 3, 1, 1)
        init_normal(self)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                nn.init.normal_(module.weight, 1.0, 0.02)
        settle_spectral_norms(self)

    def forward(
        self,
        z_a: Float[Tensor, "b d_a *ones"],
        z_m: Float[Tensor, "b d_m *tau"],
        y: Float[Tensor, "b K"] | None = None,
    ) -> Clip:
        """Draws clips in [-1, 1] of 16 + 4(τ - 1) frames.

        Args:
            z_a: appearance noise, N(0, I).
            z_m: motion noise, N(0, I): one vector a clip, or τ of them for longer clips.
            y: one-hot labels, where the generator was made for some; they enter G_T alone.

        Raises:
            InputError: a noise or the label has the wrong width, or is missing, or is not wanted.
        """
        return self.colours(self.streams(z_a, z_m, y)[-1])

    def streams(self, z_a: Tensor, z_m: Tensor, y: Tensor | None = None) -> list[Streams]:
        """What each level hands on; attention is part of the level it follows. Arguments as in `forward`."""
        z_a, z_m = (z.reshape(*z.shape, *[1] * (5 - z.ndim)) for z in (z_a, z_m))
        for name, z, size in (("z_a", z_a, self.config.d_a), ("z_m", z_m, self.config.d_m)):
            if z.shape[1] != size:
                raise InputError(f"{name}: has {z.shape[1]} columns, the generator was made for {size}")
        if (0 if y is None else y.shape[1]) != self.config.categories:
            given = "none" if y is None else f"one of {y.shape[1]} categories"
            raise InputError(f"y: is {given}, the generator was made for {self.config.categories or 'none'}")
        z_v = torch.cat([z_a.expand(-1, -1, z_m.shape[2], -1, -1), z_m], dim=1)
        if y is not None:
            z_m = torch.cat([z_m, y[:, :, None, None, None].expand(-1, -1, *z_m.shape[2:])], dim=1)
        reached, levels = Streams(z_a, z_m, z_v, attended=z_v), []
        for n, module in enumerate(self.G3):
            reached = module(reached)
            if self.F_SA is not None and n == self.config.fsa_level:
                reached = reached._replace(attended=self.F_SA(reached.F_V))
            levels.append(reached)
        return levels

    def colours(self, last: Streams) -> Clip:
        """The last level's features as pixels; those of appearance, the same at all times, are convolved once."""
        if last.F_S is None or last.attended is not None:
            return torch.tanh(clips_of(self.to_rgb(frames_of(last.F_V)), len(last.V)))
        of_S, of_V = self.to_rgb.weight.split(last.V.shape[1], dim=1)
        still = F.conv2d(last.F_S.squeeze(2), of_S, self.to_rgb.bias, padding=1)
        moving = clips_of(F.conv2d(frames_of(last.V), of_V, padding=1), len(last.V))
        return torch.tanh(moving + still.unsqueeze(2))


def noise_length(frames: int) -> int:
    """τ, the positions of motion noise that so many frames need at least."""
    return max(1, -(-(frames - SHORTEST) // FRAMES_PER_NOISE) + 1)


class Verdict(NamedTuple):
    """What D_V says of clips: raw scores, and the logits of their labels where it names them."""

    score: Float[Tensor, " b"]
    label: Float[Tensor, "b K"] | None


class VideoDiscriminator(nn.Module):
    """D_V: how real clips look. Labels are laid beside the features of its first layer, or named by a second head."""

    def __init__(self, config: G3ANConfig) -> None:
        super().__init__()
        self.config = config
        halving = conv_3d if config.d_v == "3d" else conv_2p1d
        widths = discriminator_widths(config.image_size, config.ch_D)
        reads, names = (config.categories if config.label_mode == mode else 0 for mode in ("concat", "ac"))
        # 16 frames become 1 over five temporal kernels of 4; larger pictures start with frames apart
        k_t = [1] * (len(widths) - 4) + [4] * min(len(widths), 4)
        self.first = halving(config.channels, widths[0], k_t[0])
        pairs = enumerate(pairwise(widths), 1)
        self.layers = nn.Sequential(*(halving(a + reads * (n == 1), b, k_t[n]) for n, (a, b) in pairs))
        if config.d_v == "3d":
            self.last: nn.Module = SNConv3d(widths[-1], 1 + names, 4)
        else:
            self.last = nn.Sequential(
                Spatial(SNConv2d(widths[-1], widths[-1], 4), nn.LeakyReLU(0.2, inplace=True)),
                Temporal(SNConv2d(widths[-1], 1 + names, (4, 1))),
            )
        init_normal(self)
        settle_spectral_norms(self)

    def forward(self, x: Clip, y: Float[Tensor, "b K"] | None = None) -> Verdict:
        """Judges clips in [-1, 1]; a score is the mean over all stretches of 16 frames (13 at 32 pixels)."""
        h = self.first(x.contiguous(memory_format=torch.channels_last_3d))
        if self.config.categories and self.config.label_mode == "concat":
            assert y is not None
            h = torch.cat([h, y[:, :, None, None, None].expand(-1, -1, *h.shape[2:])], dim=1)
        out = self.last(self.layers(h)).mean((2, 3, 4))
        return Verdict(out[:, 0], out[:, 1:] if out.shape[1] > 1 else None)


def conv_3d(n_in: int, n_out: int, k_t: int) -> nn.Module:
    """A 3-D convolution that halves the picture, LReLU."""
    return nn.Sequential(SNConv3d(n_in, n_out, (k_t, 4, 4), (1, 2, 2), (0, 1, 1)), nn.LeakyReLU(0.2, inplace=True))


def conv_2p1d(n_in: int, n_out: int, k_t: int) -> nn.Module:
    """A 2-D convolution that halves the picture, a 1-D one over time, each with LReLU."""
    return nn.Sequential(
        Spatial(SNConv2d(n_in, n_out, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)),
        Temporal(SNConv2d(n_out, n_out, (k_t, 1)), nn.LeakyReLU(0.2, inplace=True)),
    )
