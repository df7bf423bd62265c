"""The networks of chapter 3: image encoder, video decoder and the video discriminator, top to bottom.

Spatial and temporal convolutions are 2-D ones on views of clips (see `mutoscope.nn.clips`), which makes them fast. The
image discriminator is `mutoscope.nn.ImageDiscriminator`.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.nn import (
    BatchNorm2d,
    BatchNorm3d,
    ConvTranspose2d,
    SNConv3d,
    Spatial,
    Temporal,
    discriminator_widths,
    init_normal,
    settle_spectral_norms,
)
from mutoscope.systems.imaginator.config import ImaGINatorConfig

Clip = Float[Tensor, "b c t h w"]

FIRST_WIDENING, WIDENING = 8, 12
"""How many times wider than its output a (1+2)D block is between its two convolutions (Table 3.1)."""


class Step(NamedTuple):
    """Kernel size, stride and padding along an axis."""

    kernel: int
    stride: int
    padding: int


START, DOUBLE, KEEP = Step(2, 1, 0), Step(4, 2, 1), Step(3, 1, 1)
SPATIAL_START = Step(4, 1, 0)


def temporal_steps(frames: int, levels: int) -> list[Step]:
    """How the temporal convolutions of the decoder move; where frames double less often than pixels, the last keep."""
    doublings = frames.bit_length() - 2  # of two frames
    return [START, *[DOUBLE] * doublings, *[KEEP] * (levels - doublings)]


class Encoder(nn.Module):
    """The appearance of a picture: maps at every size, and the code p (Table 3.1, top).

    Args:
        channels, image_size: of the picture.
        ch: channels of the first map; they double at each, up to eight times.
        d_p: size of the code.
        bottleneck_norm: normalise the code too, as the text has it; needs more than one picture a batch.
    """

    def __init__(
        self, channels: int = 3, image_size: int = 64, ch: int = 64, d_p: int = 100, bottleneck_norm: bool = False
    ) -> None:
        super().__init__()
        widths = discriminator_widths(image_size, ch)
        self.maps = nn.ModuleList(
            nn.Sequential(nn.Conv2d(n_in, n_out, 4, 2, 1), BatchNorm2d(n_out), nn.LeakyReLU(0.2, inplace=True))
            for n_in, n_out in pairwise([channels, *widths])
        )
        after = [BatchNorm2d(d_p), nn.LeakyReLU(0.2, inplace=True)] if bottleneck_norm else []
        self.code = nn.Sequential(nn.Conv2d(widths[-1], d_p, 4), *after)

    def forward(self, image: Float[Tensor, "b c h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """The maps, largest first, and last the code, `b d_p 1 1`."""
        features = [image.contiguous(memory_format=torch.channels_last)]
        for layer in (*self.maps, self.code):
            features.append(layer(features[-1]))
        return features[1:]


def after_convolution(norm: type[nn.Module], n: int, last: bool) -> list[nn.Module]:
    """What follows a convolution: normalisation and LeakyReLU, after the last one tanh."""
    return [nn.Tanh()] if last else [norm(n), nn.LeakyReLU(0.2, inplace=True)]


def block_1p2d(n_in: int, middle: int, n_out: int, time: Step, space: Step, last: bool) -> nn.Module:
    """Transposed (1+2)D convolution: over time, then over space, normalised and activated in between (Fig. 3.5)."""
    over_time = ConvTranspose2d(n_in, middle, (time.kernel, 1), (time.stride, 1), (time.padding, 0))
    over_space = ConvTranspose2d(middle, n_out, space.kernel, space.stride, space.padding)
    return nn.Sequential(
        Temporal(over_time, *after_convolution(BatchNorm2d, middle, False)),
        Spatial(over_space, *after_convolution(BatchNorm2d, n_out, last)),
    )


def block_3d(n_in: int, n_out: int, time: Step, space: Step, last: bool) -> nn.Module:
    """Transposed 3-D convolution, which (1+2)D is compared with (Tables 3.7 and 3.12)."""
    kernel, stride, padding = ((t, s, s) for t, s in zip(time, space, strict=True))
    conv = nn.ConvTranspose3d(n_in, n_out, kernel, stride, padding)
    return nn.Sequential(conv, *after_convolution(BatchNorm3d, n_out, last))


def equal_middle(n_in: int, n_out: int, time: Step, space: Step) -> int:
    """The width between two factorised convolutions that together have as many weights as a 3-D one."""
    k_t, k_s = time.kernel, space.kernel**2
    return k_t * k_s * n_in * n_out // (k_t * n_in + k_s * n_out)


class Decoder(nn.Module):
    """A code, noise and a label to a clip; the maps of the encoder join in after every block (Table 3.1, bottom).

    Args:
        config: the choices of the system.
        widths: channels of the decoder's own maps, smallest map first, and last of the clip.
    """

    def __init__(self, config: ImaGINatorConfig, widths: Sequence[int]) -> None:
        super().__init__()
        o, blocks = config, []
        skips = [o.st_fusion * skip + o.label_fusion * o.categories for skip in maps_of(o)]
        inputs = [o.noise * o.d_z + o.categories + o.d_p, *(a + b for a, b in zip(widths, skips, strict=False))]
        spaces = [SPATIAL_START, *[DOUBLE] * (len(widths) - 1)]
        steps = zip(temporal_steps(o.length, len(widths) - 1), spaces, strict=True)
        for n, (n_in, n_out, (time, space)) in enumerate(zip(inputs, widths, steps, strict=True)):
            last = n == len(widths) - 1
            if o.conv == "3d":
                blocks.append(block_3d(n_in, n_out, time, space, last))
                continue
            middle = (WIDENING if n else FIRST_WIDENING) * n_out
            if o.match_params:
                middle = equal_middle(n_in, n_out, time, space)
            blocks.append(block_1p2d(n_in, middle, n_out, time, space, last))
        self.blocks = nn.ModuleList(blocks)

    def forward(
        self, h: Float[Tensor, "b d_in"], maps: Sequence[Float[Tensor, "b _ _ _"]], y: Float[Tensor, "b K"] | None
    ) -> Clip:
        """Draws clips in [-1, 1].

        Args:
            h: [z, label, p].
            maps: what is fused, smallest first; empty where nothing is.
            y: labels that are fused.
        """
        x = h[:, :, None, None, None]
        for n, block in enumerate(self.blocks):
            if n:
                x = self.fuse(x, maps[n - 1] if maps else None, y)
            x = block(x)
        return x

    def fuse(
        self, x: Clip, appearance: Float[Tensor, "b a h w"] | None, y: Float[Tensor, "b K"] | None
    ) -> Float[Tensor, "b fused t h w"]:
        """Spatio-temporal fusion: the same appearance and label beside the motion at every time (section 3.3.1)."""
        parts = [x]
        if appearance is not None:
            parts.append(appearance.to(x.dtype).unsqueeze(2).expand(-1, -1, x.shape[2], -1, -1))
        if y is not None:
            parts.append(y.to(x.dtype)[:, :, None, None, None].expand(-1, -1, *x.shape[2:]))
        return torch.cat(parts, dim=1)


class Generator(nn.Module):
    """G: a picture, noise and a label to a clip (Fig. 3.3)."""

    def __init__(self, config: ImaGINatorConfig) -> None:
        super().__init__()
        self.config = o = config
        self.encoder = Encoder(o.channels, o.image_size, o.ch, o.d_p, o.bottleneck_norm)
        wide = o.conv == "3d" and o.match_params
        self.decoder = Decoder(o, widened(o) if wide else [*maps_of(o), o.channels])
        init_normal(self.encoder if o.deconv_init == "default" else self)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                nn.init.normal_(module.weight, 1.0, 0.02)

    def forward(
        self,
        image: Float[Tensor, "b c h w"],
        z: Float[Tensor, "b d_z"] | None = None,
        y: Float[Tensor, "b K"] | None = None,
    ) -> Clip:
        """Draws clips in [-1, 1].

        Args:
            image: pictures in [-1, 1].
            z: noise, N(0, I), where the generator was made for it.
            y: one-hot labels, where the generator was made for some (between two of them lies a mixture).

        Raises:
            InputError: an argument has the wrong size, or is missing, or is not wanted.
        """
        o = self.config
        check_width("z", z, o.noise * o.d_z)
        check_width("y", y, o.categories)
        if image.shape[1:] != (o.channels, *o.size):
            raise InputError(f"image: is {tuple(image.shape[1:])}, the generator was made for {(o.channels, *o.size)}")
        *maps, code = self.encoder(image)
        parts = [z, y, code.flatten(1)]
        h = torch.cat([part.to(code.dtype) for part in parts if part is not None], dim=1)
        return self.decoder(h, maps[::-1] if o.st_fusion else [], y if o.label_fusion else None)


def check_width(name: str, given: Tensor | None, width: int) -> None:
    """Raises InputError where an input of the generator is not of the width it was made for (0: none)."""
    there = 0 if given is None else given.shape[1]
    if there != width:
        raise InputError(f"{name}: has {there or 'no'} columns, the generator was made for {width or 'none'}")


def maps_of(config: ImaGINatorConfig) -> list[int]:
    """Channels of the encoder's maps, smallest map first."""
    return discriminator_widths(config.image_size, config.ch)[::-1]


def widened(config: ImaGINatorConfig) -> list[int]:
    """Widths of 3-D blocks that make them as large as the (1+2)D blocks of Table 3.1, all by one factor."""
    maps = maps_of(config)

    def widths(factor: float) -> list[int]:
        return [*(round(factor * n) for n in maps), config.channels]

    def size(factor: float, conv: Literal["1p2d", "3d"]) -> int:
        with torch.device("meta"):
            decoder = Decoder(replace(config, conv=conv, match_params=False), widths(factor))
        return sum(p.numel() for p in decoder.parameters())

    wanted, low, high = size(1.0, "1p2d"), 1.0, 4.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if size(middle, "3d") > wanted else (middle, high)
    return widths(low)


class Verdict(NamedTuple):
    """What D_V says of clips: raw scores, and the logits of their labels where it names them."""

    score: Float[Tensor, " b"]
    label: Float[Tensor, "b K"] | None


class VideoDiscriminator(nn.Module):
    """D_V: how real clips look, of what their labels say (Table 3.3).

    Labels are laid beside the features of the first layer, or named by a second head.
    """

    def __init__(self, config: ImaGINatorConfig) -> None:
        super().__init__()
        o = config
        self.reads_labels = bool(o.categories) and o.label_mode == "concat"
        names = o.categories if o.label_mode == "ac" else 0
        widths = discriminator_widths(o.image_size, o.ch_D)
        times = temporal_steps(o.length, len(widths))[:0:-1]
        kernels = [tuple(zip(time, DOUBLE, DOUBLE, strict=True)) for time in times]
        self.first = nn.Sequential(SNConv3d(o.channels, widths[0], *kernels[0]), nn.LeakyReLU(0.2, inplace=True))
        layers: list[nn.Module] = []
        n_in = widths[0] + self.reads_labels * o.categories
        for n_out, kernel in zip(widths[1:], kernels[1:], strict=True):
            layers += [SNConv3d(n_in, n_out, *kernel), nn.LeakyReLU(0.2, inplace=True)]
            n_in = n_out
        self.layers = nn.Sequential(*layers)
        self.last = SNConv3d(n_in, 1, (START.kernel, 4, 4))
        self.name = SNConv3d(n_in, names, (START.kernel, 4, 4)) if names else None
        init_normal(self)
        settle_spectral_norms(self)

    def forward(self, x: Clip, y: Float[Tensor, "b K"] | None = None) -> Verdict:
        """Judges clips in [-1, 1], with concat as showing the labels y."""
        h = self.first(x.contiguous(memory_format=torch.channels_last_3d))
        if self.reads_labels:
            assert y is not None
            h = torch.cat([h, y.to(h.dtype)[:, :, None, None, None].expand(-1, -1, *h.shape[2:])], dim=1)
        h = self.layers(h)
        return Verdict(self.last(h).flatten(), None if self.name is None else self.name(h).flatten(1))
