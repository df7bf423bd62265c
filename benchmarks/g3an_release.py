"""G³AN as its authors' public code runs it: what ours is timed against, and what conversion is tested with.

Written from the facts of that code (github.com/wyhsirius/g3an-project), not from its text: eager PyTorch in torch's
default memory format, 5-D convolutions everywhere, attention with its scores written out. Modules and parameters have
the names of the checkpoints which it saves, so that weights go both ways. Without labels, for frames of 64 pixels.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

Size = tuple[int, int, int]  # along time, height and width


def grow(n_in: int, n_out: int, kernel: Size, stride: Size, padding: Size) -> list[nn.Module]:
    """A transposed convolution under spectral normalisation, batch normalisation, ReLU."""
    conv = spectral_norm(nn.ConvTranspose3d(n_in, n_out, kernel, stride, padding))
    return [conv, nn.BatchNorm3d(n_out), nn.ReLU(inplace=True)]


class G3(nn.Module):
    """One level: appearance (S), video (V) and motion (T), fused.

    Args:
        n_s, n_v, n_t: channels of the three inputs.
        n_out: channels of each stream.
        time, space: kernel, stride and padding along time, and along height and width.
        mode: order of V's convolutions: 1p2d (time first), 2p1d (space first) or 3d (both at once).
    """

    def __init__(
        self, n_s: int, n_v: int, n_t: int, n_out: int, time: Sequence[int], space: Sequence[int], mode: str
    ) -> None:
        super().__init__()
        (k_t, s_t, p_t), (k_s, s_s, p_s) = time, space
        along_time = (k_t, 1, 1), (s_t, 1, 1), (p_t, 0, 0)
        along_space = (1, k_s, k_s), (1, s_s, s_s), (0, p_s, p_s)
        along_both = (k_t, k_s, k_s), (s_t, s_s, s_s), (p_t, p_s, p_s)
        order = {"1p2d": (along_time, along_space), "2p1d": (along_space, along_time), "3d": (along_both,)}[mode]
        layers, n_in = [], n_v
        for kernel, stride, padding in order:
            layers += grow(n_in, n_out, kernel, stride, padding)
            n_in = n_out
        self.conv_v = nn.Sequential(*layers)
        self.conv_s = nn.Sequential(*grow(n_s, n_out, *along_space))
        self.conv_t = nn.Sequential(*grow(n_t, n_out, *along_time))

    def forward(self, s: Tensor, v: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Appearance `b c 1 h w`, video `b c t h w` and motion `b c t 1 1` of the next level."""
        s, v, t = self.conv_s(s), self.conv_v(v), self.conv_t(t)
        v = v + t.repeat(1, 1, 1, *v.shape[3:])
        return s, torch.cat([s.repeat(1, 1, v.shape[2], 1, 1), v], dim=1), t


class Attention(nn.Module):
    """Self-attention over the times of each position, or over the positions of each time.

    Args:
        channels: of its input.
        over: the axes that are attended over, "time" or "space".
        legacy: read what attention found as (b, h, w, c, t), as the authors' code does, though it lies in memory as
            (b, h, w, t, c) after attention over time and as (b, t, h, w, c) after that over space.
    """

    def __init__(self, channels: int, over: str, legacy: bool) -> None:
        super().__init__()
        self.q_conv = spectral_norm(nn.Conv3d(channels, channels // 8, 1))
        self.k_conv = spectral_norm(nn.Conv3d(channels, channels // 8, 1))
        self.v_conv = spectral_norm(nn.Conv3d(channels, channels, 1))
        self.gamma = nn.Parameter(torch.zeros(1))
        self.over, self.legacy = over, legacy

    def forward(self, x: Tensor) -> Tensor:
        b, c, t, h, w = x.shape
        queries, keys, values = (self.sequences(conv(x)) for conv in (self.q_conv, self.k_conv, self.v_conv))
        weights = torch.matmul(queries, keys.transpose(1, 2)).softmax(dim=2)
        seen = torch.matmul(weights, values)
        if self.legacy:
            seen = seen.view(b, h, w, c, t).permute(0, 3, 4, 1, 2)
        elif self.over == "time":
            seen = seen.view(b, h, w, t, c).permute(0, 4, 3, 1, 2)
        else:
            seen = seen.view(b, t, h, w, c).permute(0, 4, 1, 2, 3)
        return self.gamma * seen + x

    def sequences(self, x: Tensor) -> Tensor:
        """`b c t h w` as one sequence of times a position, `(b h w) t c`, or of positions a time, `(b t) (h w) c`."""
        b, c, t, h, w = x.shape
        if self.over == "time":
            return x.permute(0, 3, 4, 2, 1).reshape(b * h * w, t, c)
        return x.permute(0, 2, 3, 4, 1).reshape(b * t, h * w, c)


class FSA(nn.Module):
    """Attention over time, then over space."""

    def __init__(self, channels: int, legacy: bool) -> None:
        super().__init__()
        self.tsa = Attention(channels, "time", legacy)
        self.ssa = Attention(channels, "space", legacy)

    def forward(self, x: Tensor) -> Tensor:
        return self.ssa(self.tsa(x))


class Generator(nn.Module):
    """Appearance noise and motion noise to a clip.

    Args:
        d_a, d_m: sizes of the noises.
        ch: channels of the last level.
        mode: order of the main stream's convolutions, 1p2d, 2p1d or 3d.
        attention: with attention after the fourth level.
        legacy: scramble what attention adds, as the authors' code does.
    """

    def __init__(
        self,
        d_a: int = 128,
        d_m: int = 10,
        ch: int = 64,
        mode: str = "1p2d",
        attention: bool = True,
        legacy: bool = True,
    ) -> None:
        super().__init__()
        start, double, keep = (4, 1, 0), (4, 2, 1), (1, 1, 0)
        self.block1 = G3(d_a, d_a + d_m, d_m, 8 * ch, start, start, mode)
        self.block2 = G3(8 * ch, 16 * ch, 8 * ch, 8 * ch, double, double, mode)
        self.block3 = G3(8 * ch, 16 * ch, 8 * ch, 4 * ch, double, double, mode)
        self.block4 = G3(4 * ch, 8 * ch, 4 * ch, 2 * ch, keep, double, mode)
        self.block5 = G3(2 * ch, 4 * ch, 2 * ch, ch, keep, double, mode)
        self.fsa = FSA(4 * ch, legacy) if attention else None
        self.to_rgb = nn.Sequential(nn.Conv3d(2 * ch, 3, (1, 3, 3), 1, (0, 1, 1)), nn.Tanh())
        initialise(self)

    def forward(self, z_a: Tensor, z_m: Tensor) -> Tensor:
        """`b d_a 1 1 1` and `b d_m tau 1 1` to clips `b 3 16+4(tau-1) 64 64` in [-1, 1]."""
        s, v, t = z_a, torch.cat([z_a.repeat(1, 1, z_m.shape[2], 1, 1), z_m], dim=1), z_m
        for block in (self.block1, self.block2, self.block3, self.block4):
            s, v, t = block(s, v, t)
        if self.fsa is not None:
            v = self.fsa(v)
        _, v, _ = self.block5(s, v, t)
        return self.to_rgb(v)


class VideoDiscriminator(nn.Module):
    """Clips `b 3 16 64 64` to raw scores `b`: a spatial convolution and a temporal one, five times."""

    def __init__(self, ch: int = 64) -> None:
        super().__init__()
        widths = [3, ch, 2 * ch, 4 * ch, 8 * ch]
        convs = []
        for n_in, n_out in pairwise(widths):
            convs.append(nn.Conv3d(n_in, n_out, (1, 4, 4), (1, 2, 2), (0, 1, 1)))
            convs.append(nn.Conv3d(n_out, n_out, (4, 1, 1)))
        self.net = judge([*convs, nn.Conv3d(8 * ch, 8 * ch, (1, 4, 4)), nn.Conv3d(8 * ch, 1, (4, 1, 1))])
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x).flatten()


class ImageDiscriminator(nn.Module):
    """Frames `b 3 64 64` to raw scores `b`."""

    def __init__(self, ch: int = 64) -> None:
        super().__init__()
        widths = [3, ch, 2 * ch, 4 * ch, 8 * ch]
        convs = [nn.Conv2d(n_in, n_out, 4, 2, 1) for n_in, n_out in pairwise(widths)]
        self.net = judge([*convs, nn.Conv2d(8 * ch, 1, 4)])
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x).flatten()


def judge(convs: Sequence[nn.Module]) -> nn.Sequential:
    """These convolutions under spectral normalisation, with LeakyReLU between them."""
    layers: list[nn.Module] = []
    for conv in convs:
        layers += [spectral_norm(conv), nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers[:-1])


def initialise(network: nn.Module) -> None:
    """Draws convolutions from N(0, 0.02) but the transposed ones, and batch normalisation's scales from N(1, 0.02)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            nn.init.normal_(getattr(module, "weight_orig", module.weight), 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm3d):
            nn.init.normal_(module.weight, 1.0, 0.02)


def training_step(
    G: nn.Module,
    D_V: nn.Module,
    D_I: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    real: Tensor,
    z_a: Tensor,
    z_m: Tensor,
    i_real: Tensor,
    i_fake: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """One step of all three networks: D_V and D_I first, then G against both as they are now, on the same fake clips.

    Args:
        optimizers: those of G, D_V and D_I.
        real: clips in [-1, 1], `b c t h w`.
        z_a, z_m: noises as G takes them.
        i_real, i_fake: the time of each clip's frame that D_I sees, integers `b`.

    Returns:
        the losses of D_V, of D_I and of G, detached.
    """
    opt_G, opt_D_V, opt_D_I = optimizers
    clip = torch.arange(len(real), device=real.device)
    fake = G(z_a, z_m)
    real_frame, fake_frame = real[clip, :, i_real], fake[clip, :, i_fake]

    opt_D_V.zero_grad()
    opt_D_I.zero_grad()
    loss_D_V = bce(D_V(real), 1.0) + bce(D_V(fake.detach()), 0.0)
    loss_D_I = bce(D_I(real_frame), 1.0) + bce(D_I(fake_frame.detach()), 0.0)
    loss_D_V.backward()
    opt_D_V.step()
    loss_D_I.backward()
    opt_D_I.step()

    opt_G.zero_grad()
    loss_G = bce(D_V(fake), 1.0) + bce(D_I(fake_frame), 1.0)
    loss_G.backward()
    opt_G.step()
    return loss_D_V.detach(), loss_D_I.detach(), loss_G.detach()


def bce(scores: Tensor, target: float) -> Tensor:
    """Binary cross-entropy of raw scores against one target."""
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))
