"""MintGAN as one writes it first, from chapter 5 of Wang's thesis (2021): what ours is timed against and tested with.

There is no public code of its authors, so this is written from the equations, and from the published StyleGAN2 (Karras
et al. 2020) in the way of its usual ports to PyTorch: a weight of its own for every frame, all frames in one grouped
convolution; filters by inserted zeros, padding and a convolution with the full 4×4 kernel; learning rates equalised at
run time; torch's own SVD and its gradient in every pass of the generator. Clips are `b t c h w` in about [-1, 1].
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (512, 512, 512, 512, 256, 128)  # channels at 4, 8, 16, ... pixels
FIR = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64


# Layers.


def upfirdn(x: Tensor, kernel: Tensor, up: int = 1, down: int = 1, pad: tuple[int, int] = (0, 0)) -> Tensor:
    """`b c h w` with `up` - 1 zeros behind every pixel, padded on both axes, filtered, every `down`-th pixel of it."""
    b, c, h, w = x.shape
    x = F.pad(x.reshape(b * c, 1, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1))
    x = F.pad(x.reshape(b * c, 1, h * up, w * up), (*pad, *pad))
    x = F.conv2d(x, kernel.flip(0, 1)[None, None])[:, :, ::down, ::down]
    return x.reshape(b, c, x.shape[2], x.shape[3])


def leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


class EqualLinear(nn.Module):
    """Weights of N(0, 1) / lr_mul, scaled by lr_mul / sqrt(fan_in) whenever they are used."""

    def __init__(
        self, n_in: int, n_out: int, bias_init: float = 0.0, lr_mul: float = 1.0, activation: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in) / lr_mul)
        self.bias = nn.Parameter(torch.full((n_out,), bias_init / lr_mul))
        self.scale, self.lr_mul, self.activation = lr_mul / math.sqrt(n_in), lr_mul, activation

    def forward(self, x: Tensor) -> Tensor:
        x = F.linear(x, self.weight * self.scale, self.bias * self.lr_mul)
        return leaky(x) if self.activation else x


class EqualConv(nn.Module):
    """The same for convolutions of `dimensions` axes, padded so that stride 1 keeps the size."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int,
        stride: int | tuple[int, ...] = 1,
        padding: int | None = None,
        bias: bool = True,
        activation: bool = True,
        dimensions: int = 2,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in, *[kernel] * dimensions))
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None
        self.scale = 1 / math.sqrt(n_in * kernel**dimensions)
        self.stride, self.padding = stride, kernel // 2 if padding is None else padding
        self.conv = {2: F.conv2d, 3: F.conv3d}[dimensions]
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x, self.weight * self.scale, self.bias, self.stride, self.padding)
        return leaky(x) if self.activation else x


class ModulatedConv(nn.Module):
    """A convolution whose input channels are scaled by a style: a weight for every sample, samples as groups."""

    def __init__(
        self, n_in: int, n_out: int, kernel: int, n_w: int, demodulate: bool = True, upsample: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, n_out, n_in, kernel, kernel))
        self.modulation = EqualLinear(n_w, n_in, bias_init=1.0)
        self.scale = 1 / math.sqrt(n_in * kernel**2)
        self.demodulate, self.upsample = demodulate, upsample
        self.register_buffer("fir", FIR * 4, persistent=False)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        b, n_in, height, width = x.shape
        style = self.modulation(w).reshape(b, 1, n_in, 1, 1)
        weight = self.scale * self.weight * style
        if self.demodulate:
            weight = weight * torch.rsqrt(weight.square().sum((2, 3, 4), keepdim=True) + 1e-8)
        _, n_out, _, kernel, _ = weight.shape
        x = x.reshape(1, b * n_in, height, width)
        if self.upsample:
            weight = weight.transpose(1, 2).reshape(b * n_in, n_out, kernel, kernel)
            x = F.conv_transpose2d(x, weight, stride=2, groups=b)
            return upfirdn(x.reshape(b, n_out, *x.shape[2:]), self.fir, pad=(1, 1))
        x = F.conv2d(x, weight.reshape(b * n_out, n_in, kernel, kernel), padding=kernel // 2, groups=b)
        return x.reshape(b, n_out, *x.shape[2:])


# The generator (section 5.2).


class StyledConv(nn.Module):
    """A modulated 3×3 convolution, bias, activation; the scalar that would weigh StyleGAN2's noise is there, unused."""

    def __init__(self, n_in: int, n_out: int, n_w: int, upsample: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv(n_in, n_out, 3, n_w, upsample=upsample)
        self.noise = nn.Parameter(torch.zeros(1))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        return leaky(self.conv(x, w) + self.bias[:, None, None])


class ToRGB(nn.Module):
    """A picture from features, added to the one from half their size."""

    def __init__(self, n_in: int, channels: int, n_w: int) -> None:
        super().__init__()
        self.conv = ModulatedConv(n_in, channels, 1, n_w, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("fir", FIR * 4, persistent=False)

    def forward(self, x: Tensor, w: Tensor, smaller: Tensor | None = None) -> Tensor:
        picture = self.conv(x, w) + self.bias[:, None, None]
        return picture if smaller is None else picture + upfirdn(smaller, self.fir, up=2, pad=(2, 1))


class Synthesis(nn.Module):
    """G_S: codes `n N` to frames `n c h w`."""

    def __init__(self, image_size: int, channels: int, N: int, widths: Sequence[int]) -> None:
        super().__init__()
        widths = widths[: levels_of(image_size) + 1]
        self.const = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.conv = StyledConv(widths[0], widths[0], N)
        self.to_rgb = ToRGB(widths[0], channels, N)
        pairs = list(pairwise(widths))
        self.ups = nn.ModuleList(StyledConv(n_in, n_out, N, upsample=True) for n_in, n_out in pairs)
        self.convs = nn.ModuleList(StyledConv(n_out, n_out, N) for _, n_out in pairs)
        self.to_rgbs = nn.ModuleList(ToRGB(n_out, channels, N) for _, n_out in pairs)

    def forward(self, w: Tensor) -> Tensor:
        x = self.conv(self.const.repeat(len(w), 1, 1, 1), w)
        picture = self.to_rgb(x, w)
        for up, conv, to_rgb in zip(self.ups, self.convs, self.to_rgbs, strict=True):
            x = conv(up(x, w), w)
            picture = to_rgb(x, w, picture)
        return picture


class Generator(nn.Module):
    """Noises to clips by linear motion decomposition (Eqs. 5.1-5.4).

    Args:
        image_size: height and width of a frame in pixels.
        channels: colours of a frame.
        d_a, d_m: sizes of the noises of appearance and motion.
        N: size of a code, and number of directions.
        widths: channels of G_S at 4, 8, 16, ... pixels.
        depth: layers of G_A and of G_M.
    """

    def __init__(
        self,
        image_size: int = 64,
        channels: int = 3,
        d_a: int = 512,
        d_m: int = 256,
        N: int = 512,
        widths: Sequence[int] = WIDTHS,
        depth: int = 8,
    ) -> None:
        super().__init__()
        self.G_A, self.G_M = mapping(d_a, N, depth), mapping(d_a, N, depth)
        self.gru = nn.GRU(d_m, d_a, batch_first=True)
        self.M = nn.Parameter(torch.randn(N, N))
        self.G_S = Synthesis(image_size, channels, N, widths)

    def directions(self) -> Tensor:
        """Rows d_i, the right singular vectors of M, that of the largest singular value last."""
        return torch.linalg.svd(self.M).Vh.flip(0)

    def forward(self, z_a: Tensor, z_m: Tensor) -> Tensor:
        """`b d_a` and `b t-1 d_m` to clips `b t c h w`."""
        w_0 = self.G_A(z_a * torch.rsqrt(z_a.square().mean(1, keepdim=True) + 1e-8))
        h, _ = self.gru(z_m, z_a[None])
        magnitudes = self.G_M(h)
        moved = w_0[:, None] + magnitudes.cumsum(1) @ self.directions()
        W = torch.cat([w_0[:, None], moved], 1)
        return self.G_S(W.flatten(0, 1)).unflatten(0, W.shape[:2])


def mapping(n_in: int, n_out: int, depth: int) -> nn.Sequential:
    sizes = [n_in] + [n_out] * depth
    pairs = pairwise(sizes)
    return nn.Sequential(*(EqualLinear(a, b, lr_mul=0.01, activation=True) for a, b in pairs))


def levels_of(image_size: int) -> int:
    """How often 4 pixels double."""
    return int(math.log2(image_size)) - 2


# Discriminators.


class DownConv(nn.Module):
    """Blurred, then convolved with stride 2, so that sizes halve."""

    def __init__(self, n_in: int, n_out: int, kernel: int, bias: bool = True) -> None:
        super().__init__()
        self.conv = EqualConv(n_in, n_out, kernel, stride=2, padding=0, bias=bias, activation=bias)
        self.pad = (kernel + 1) // 2
        self.register_buffer("fir", FIR, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(upfirdn(x, self.fir, pad=(self.pad, self.pad)))


class ResidualBlock(nn.Module):
    """Two convolutions, the second to half the size, beside a 1×1 one without bias and activation."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = EqualConv(n_in, n_in, 3), DownConv(n_in, n_out, 3)
        self.skip = DownConv(n_in, n_out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return (self.conv2(self.conv1(x)) + self.skip(x)) / math.sqrt(2)


def with_deviation(x: Tensor) -> Tensor:
    """`b c ...` with one channel more: the mean deviation within groups of up to 4 of the batch."""
    group = min(len(x), 4)
    deviation = x.reshape(group, -1, *x.shape[1:]).var(0, unbiased=False).add(1e-8).sqrt()
    deviation = deviation.flatten(1).mean(1).repeat(group)
    return torch.cat([x, deviation.reshape(-1, *[1] * (x.ndim - 1)).expand(-1, 1, *x.shape[2:])], 1)


class Discriminator(nn.Module):
    """StyleGAN2's: pictures `b k h w` to logits `b 1`."""

    def __init__(self, channels: int = 3, image_size: int = 64, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        widths = widths[: levels_of(image_size) + 1]
        self.from_rgb = EqualConv(channels, widths[-1], 1)
        falling = widths[::-1]
        self.blocks = nn.Sequential(*(ResidualBlock(a, b) for a, b in pairwise(falling)))
        self.conv = EqualConv(widths[0] + 1, widths[0], 3)
        self.linear1 = EqualLinear(widths[0] * 16, widths[0], activation=True)
        self.linear2 = EqualLinear(widths[0], 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(with_deviation(self.blocks(self.from_rgb(x))))
        return self.linear2(self.linear1(x.flatten(1)))


def time_to_channels(clips: Tensor, step: int) -> Tensor:
    """Every `step`-th frame of clips `b t c h w`, stacked as channels, `b (t/step c) h w` (section 5.2.2)."""
    return clips[:, ::step].flatten(1, 2)


def pyramid(
    levels: int, channels: int = 3, image_size: int = 64, frames: int = 16, widths: Sequence[int] = WIDTHS
) -> nn.ModuleList:
    """D_V0, D_V1, ...: one discriminator for each speed."""
    counts = (channels * len(range(0, frames, 2**level)) for level in range(levels))
    return nn.ModuleList(Discriminator(count, image_size, widths) for count in counts)


class ResidualBlock3d(nn.Module):
    """The same block over time and space, without blurs; time halves with space while there are two frames."""

    def __init__(self, n_in: int, n_out: int, halve_time: bool) -> None:
        super().__init__()
        stride = (2 if halve_time else 1, 2, 2)
        self.conv1 = EqualConv(n_in, n_in, 3, dimensions=3)
        self.conv2 = EqualConv(n_in, n_out, 3, stride, dimensions=3)
        self.skip = EqualConv(n_in, n_out, 1, stride, bias=False, activation=False, dimensions=3)

    def forward(self, x: Tensor) -> Tensor:
        return (self.conv2(self.conv1(x)) + self.skip(x)) / math.sqrt(2)


class Discriminator3d(nn.Module):
    """What a level of the pyramid would be with 3-D convolutions of the same widths: clips `b t c h w` to `b 1`."""

    def __init__(
        self, channels: int = 3, image_size: int = 64, frames: int = 16, widths: Sequence[int] = WIDTHS
    ) -> None:
        super().__init__()
        widths = widths[: levels_of(image_size) + 1]
        self.from_rgb = EqualConv(channels, widths[-1], 1, dimensions=3)
        blocks, falling = [], widths[::-1]
        for n_in, n_out in pairwise(falling):
            blocks.append(ResidualBlock3d(n_in, n_out, halve_time=frames > 1))
            frames = (frames + 1) // 2
        self.blocks = nn.Sequential(*blocks)
        self.conv = EqualConv(widths[0] + 1, widths[0], 3, dimensions=3)
        self.linear1 = EqualLinear(widths[0] * frames * 16, widths[0], activation=True)
        self.linear2 = EqualLinear(widths[0], 1)

    def forward(self, clips: Tensor) -> Tensor:
        x = self.conv(with_deviation(self.blocks(self.from_rgb(clips.transpose(1, 2)))))
        return self.linear2(self.linear1(x.flatten(1)))
