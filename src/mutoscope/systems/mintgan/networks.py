"""The generator of section 5.2, top to bottom; discriminators are `nn.ResidualDiscriminator` and `nn.TemporalPyramid`.

The thesis gives no layer tables: it names a multilayer perceptron for appearance, a GRU and a perceptron for motion,
and the synthesis network of StyleGAN2 (Karras et al. 2020). Widths and details are StyleGAN2's.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.nn import EqualLinear, blur, clips_of, upsample, widths_for
from mutoscope.nn.equalised import GAIN, SLOPE
from mutoscope.systems.draws import Draws
from mutoscope.systems.mintgan.config import MintGANConfig
from mutoscope.systems.mintgan.motion_bank import MotionBank

Map = Float[Tensor, "n _c _h _w"]
NoiseMaps = Sequence[Float[Tensor, "_n 1 _h _w"]]


def full_precision(x: Tensor) -> AbstractContextManager[None]:
    """Inside, autocast leaves codes as they are: neighbouring frames differ by less than bfloat16 resolves."""
    return torch.autocast(x.device.type, enabled=False)


class Mapping(nn.Sequential):
    """The perceptron of G_A and of G_M.

    Args:
        n_in, n_out: sizes of input and output; inner layers are as large as the output.
        depth: number of layers.
        lr_mul: how fast they learn, relative to other layers.
        last_activation: whether the last one has its leaky ReLU too, as in StyleGAN's mapping network.
    """

    def __init__(self, n_in: int, n_out: int, depth: int, lr_mul: float, last_activation: bool = True) -> None:
        sizes = [n_in, *[n_out] * depth]
        super().__init__(
            *(
                EqualLinear(a, b, lr_mul=lr_mul, activation=layer < depth or last_activation)
                for layer, (a, b) in enumerate(pairwise(sizes), 1)
            )
        )


class ModulatedConv2d(nn.Module):
    """A convolution whose weights each latent code scales per input channel (Karras et al. 2020, section 2.2).

    Scaling the input by the style and the output by the inverse norm of the scaled weights gives the same as weights of
    their own for every picture, and one ordinary convolution for the whole batch.

    Args:
        n_in, n_out, kernel: as of a convolution.
        d_w: size of the latent code.
        up: whether the map doubles.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, d_w: int, up: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in, kernel, kernel))
        self.style = EqualLinear(d_w, n_in, bias_init=1.0)
        self.up = up

    def scaled_weight(self) -> Float[Tensor, "n_out n_in k k"]:
        return self.weight / self.weight[0].numel() ** 0.5

    def forward(self, x: Map, w: Float[Tensor, "n d_w"]) -> tuple[Map, Float[Tensor, "n n_out 1 1"]]:
        """The map before demodulation, and the factors that demodulate it."""
        weight = self.scaled_weight()
        with full_precision(x):
            style = self.style(w)
            demodulation = (style.square() @ weight.square().sum((2, 3)).T + 1e-8).rsqrt()
        x = x * style[:, :, None, None].to(x.dtype)
        if self.up:
            y = blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), 1, gain=4.0)
        else:
            y = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        return y, demodulation[:, :, None, None]


class StyledConv(nn.Module):
    """A modulated convolution, noise where the network has any, bias and leaky ReLU."""

    def __init__(self, n_in: int, n_out: int, d_w: int, up: bool = False, noise: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(n_in, n_out, 3, d_w, up)
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.noise_weight = nn.Parameter(torch.zeros(1)) if noise else None

    def forward(self, x: Map, w: Float[Tensor, "n d_w"], noise: Float[Tensor, "_n 1 _h _w"] | None) -> Map:
        y, demodulation = self.conv(x, w)
        # the gain of the activation is worked into what it acts on
        y = torch.addcmul((self.bias * GAIN).to(y.dtype)[:, None, None], y, (demodulation * GAIN).to(y.dtype))
        if self.noise_weight is not None and noise is not None:
            y = y + (noise * (self.noise_weight * GAIN)).to(y.dtype)
        return F.leaky_relu(y, SLOPE)


class ToColours(nn.Module):
    """From features to colours, added to those of half the size: modulated, 1 × 1, not demodulated."""

    def __init__(self, n_in: int, channels: int, d_w: int) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(n_in, channels, 1, d_w)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Map, w: Float[Tensor, "n d_w"], smaller: Map | None) -> Map:
        with full_precision(x):
            weight = self.conv.scaled_weight().flatten(1) * self.conv.style(w)[:, None]
        # so few outputs that weights of their own for every picture cost nothing
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2) @ weight.transpose(1, 2).to(x.dtype)
        colours = (pixels + self.bias.to(x.dtype)).unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
        return colours if smaller is None else colours + upsample(smaller)


class Synthesis(nn.Module):
    """G_S: a latent code to a frame, StyleGAN2's synthesis network with summed colours.

    Args:
        image_size: height and width of a frame.
        channels: its colours.
        d_w: size of the latent code.
        widths: channels at 4, 8, 16, ... pixels.
        noise: with a map of noise for each convolution.
    """

    def __init__(self, image_size: int, channels: int, d_w: int, widths: list[int], noise: bool = False) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.first = StyledConv(widths[0], widths[0], d_w, noise=noise)
        self.first_colours = ToColours(widths[0], channels, d_w)
        self.grown = nn.ModuleList(StyledConv(a, b, d_w, up=True, noise=noise) for a, b in pairwise(widths))
        self.kept = nn.ModuleList(StyledConv(b, b, d_w, noise=noise) for b in widths[1:])
        self.colours = nn.ModuleList(ToColours(b, channels, d_w) for b in widths[1:])
        sizes = [4, *(4 << level for level in range(1, len(widths)) for _ in range(2))]
        self.noise_sizes = sizes if noise else []

    def forward(self, w: Float[Tensor, "n d_w"], noise: NoiseMaps = ()) -> Float[Tensor, "n c h w"]:
        """Frames in about [-1, 1].

        Args:
            w: latent codes.
            noise: a map for each convolution, of one picture or of all, as `noise_maps` draws them; none adds nothing.
        """
        maps: Sequence[Tensor | None] = noise or [None] * (1 + 2 * len(self.grown))
        constant = self.constant.expand(len(w), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        x = self.first(constant, w, maps[0])
        frame = self.first_colours(x, w, None)
        for level, (grow, keep, colours) in enumerate(zip(self.grown, self.kept, self.colours, strict=True)):
            x = keep(grow(x, w, maps[1 + 2 * level]), w, maps[2 + 2 * level])
            frame = colours(x, w, frame)
        return frame

    def noise_maps(self, n: int, draws: Draws) -> list[Float[Tensor, "n 1 _h _w"]]:
        """Noise for n clips; none where the network takes none."""
        return [draws.normal(n, 1, size, size) for size in self.noise_sizes]


class Generator(nn.Module):
    """G, Fig. 5.2: noise to latent codes by linear motion decomposition, latent codes to frames.

    Without a motion bank G_M gives the latent codes of all frames after the first itself.
    """

    def __init__(self, config: MintGANConfig) -> None:
        super().__init__()
        o = config
        self.G_A = Mapping(o.d_a, o.N, o.mlp_depth, o.mapping_lr)
        self.gru = nn.GRU(o.d_m, o.d_a, batch_first=True)
        self.G_M = Mapping(o.d_a, o.N, o.mlp_depth, o.mapping_lr, last_activation=o.motion_out_act == "lrelu")
        self.motion_gain = o.motion_gain if o.motion_bank != "none" else 1.0
        self.bank = None if o.motion_bank == "none" else MotionBank(o.N, o.motion_bank, o.order)
        self.G_S = Synthesis(o.image_size, o.channels, o.N, widths_for(o.image_size, o.widths), o.noise)

    def forward(
        self, z_a: Float[Tensor, "b d_a"], z_m: Float[Tensor, "b s d_m"], noise: NoiseMaps = ()
    ) -> Float[Tensor, "b c t h w"]:
        """Clips in about [-1, 1], of s + 1 frames: one motion noise for each step from a frame to the next."""
        return self.frames(self.codes(self.appearance(z_a), self.magnitudes(z_a, z_m)), noise)

    def appearance(self, z_a: Float[Tensor, "b d_a"]) -> Float[Tensor, "b N"]:
        """w_0, the latent code of the first frame."""
        with full_precision(z_a):
            return self.G_A(z_a * (z_a.square().mean(1, keepdim=True) + 1e-8).rsqrt())

    def magnitudes(self, z_a: Float[Tensor, "b d_a"], z_m: Float[Tensor, "b s d_m"]) -> Float[Tensor, "b s N"]:
        """A: how far each step from frame to frame goes along each direction."""
        with full_precision(z_a):
            # a GRU takes no empty sequence: clips of one frame have no steps
            states = self.gru(z_m, z_a[None].contiguous())[0] if z_m.shape[1] else z_a[:, None][:, :0]
            return self.G_M(states) * self.motion_gain

    def directions(self) -> Float[Tensor, "N N"]:
        """D: the motion dictionary, one direction d_i a row.

        Raises:
            InputError: there is no motion bank.
        """
        if self.bank is None:
            raise InputError("motion_bank: this generator was built with none, so it has no motion directions")
        return self.bank()

    def codes(self, w_0: Float[Tensor, "b N"], A: Float[Tensor, "b s N"]) -> Float[Tensor, "b t N"]:
        """The latent codes of all frames: w_t = w_0 + Σ_i Σ_{j<t} α_{j,i} d_i (Eq. 5.4)."""
        with full_precision(w_0):
            first = w_0[:, None]
            later = A if self.bank is None else first + A.cumsum(1) @ self.directions()
            return torch.cat([first, later], 1)

    def frames(self, W: Float[Tensor, "b t N"], noise: NoiseMaps = ()) -> Float[Tensor, "b c t h w"]:
        """The clips of these latent codes; noise maps are a clip's, the same in all its frames."""
        maps = [each.repeat_interleave(W.shape[1], 0) for each in noise]
        return clips_of(self.G_S(W.flatten(0, 1), maps), len(W))
