"""G_M, which draws one future frame (section 5, Table 1), and D_I, its critic.

Where Table 1 and the authors' code differ, the code decides: widths, skips from all three encoders, a code of 128
numbers.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.nn import BatchNorm2d, clips_of, frames_of
from mutoscope.systems.frgan.config import FRGANConfig, Shortcut, Widths
from mutoscope.systems.frgan.networks.blocks import JoinedConv2d, Map, ResDown, ResUp, init_weights

LEAK = 0.01
"""Slope of the leaky ReLUs in critics."""


class Forecast(NamedTuple):
    """A future frame and what it is made of.

    Attributes:
        image: the frame, in [-1, 1].
        mask: m, how much of each pixel is new, in [0, 1]; none where the residual has no mask.
        content: c, in [-1, 1]; with `residual="diff"` the difference, unbounded.
    """

    image: Float[Tensor, "n c *t s s"]
    mask: Float[Tensor, "n 1 *t s s"] | None
    content: Float[Tensor, "n c *t s s"]


class Source(NamedTuple):
    """What the encoders made of source frames and their motion maps.

    Attributes:
        image: the frames.
        image_maps, motion_maps: all maps on the way down, the largest first.
        image_code, motion_code: where they end.
    """

    image: Float[Tensor, "b c s s"]
    image_maps: list[Map]
    image_code: Float[Tensor, "b ..."]
    motion_maps: list[Map]
    motion_code: Float[Tensor, "b ..."]


def encoder_widths(config: FRGANConfig, widths: Widths = "code") -> list[int]:
    """Channels of E0, E1, ...: doubling from `ch` up to `max_ch`; those of the table double from E1."""
    falls_behind = int(widths == "table")
    levels = range(config.levels + 1)
    return [min(config.ch << max(level - falls_behind, 0), config.max_ch) for level in levels]


class Encoder(nn.Module):
    """f_I, f_M, and the body of D_I: a convolution, then blocks that halve.

    Args:
        n_in: channels of the input.
        image_size: its height and width.
        widths: channels after the convolution and after each block.
        code: size of the code that a linear layer makes of the last map; none: that map is the code.
        slope: of the leaky ReLUs; 0 is a ReLU.
        shortcut: kernel beside the residual branch.
    """

    def __init__(
        self,
        n_in: int,
        image_size: int,
        widths: Sequence[int],
        code: int | None,
        slope: float = 0.0,
        shortcut: Shortcut = "3x3",
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(n_in, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList(ResDown(a, b, slope, shortcut) for a, b in pairwise(widths))
        bottom = image_size >> len(self.blocks)
        self.last = None if code is None else nn.Linear(widths[-1] * bottom**2, code)

    def forward(self, x: Float[Tensor, "n c s s"]) -> tuple[list[Map], Float[Tensor, "n ..."]]:
        """Maps E0, E1, ..., before any activation, and the code."""
        maps = [self.first(x.contiguous(memory_format=torch.channels_last))]
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return maps, maps[-1] if self.last is None else self.last(maps[-1].flatten(1))


class Decoder(nn.Module):
    """f_D: blocks that double, each of which sees the encoders' maps of its size and what came before it.

    Args:
        config: the choices; `dense` says whether a block sees the results of all earlier ones, or of the one before.
        widths: channels of the encoders' maps, the largest map first.
    """

    def __init__(self, config: FRGANConfig, widths: Sequence[int]) -> None:
        super().__init__()
        self.config = config
        rising = widths[:0:-1] if config.widths == "table" else widths[-2::-1]
        skips = {"all": 3, "image": 1, "none": 0}[config.skips]
        bottom = config.image_size >> config.levels
        self.bottom = (widths[-1], bottom, bottom)
        self.first = nn.Linear(config.code, widths[-1] * bottom**2) if config.bottleneck == "fc" else None
        self.blocks = nn.ModuleList()
        earlier = [widths[-1]]
        for width, n_out in zip(reversed(widths[1:]), rising, strict=True):
            self.blocks.append(ResUp([*[width] * skips, *earlier], n_out, config.shortcut))
            earlier = [*earlier, n_out] if config.dense else [n_out]
        self.norm = BatchNorm2d(rising[-1])
        heads = config.channels + (config.residual == "mask")
        self.heads = JoinedConv2d([*[widths[0]] * skips, rising[-1]], heads)

    def forward(
        self, z: Float[Tensor, "n ..."], skips: Sequence[list[Map]], image: Float[Tensor, "b c s s"]
    ) -> Forecast:
        """The frames that codes z stand for.

        Args:
            z: codes.
            skips: the maps of each encoder, those of the source for b samples and those of the target for n.
            image: source frames; frame i has source i // (n / b).
        """
        n = len(z)
        first = z if self.first is None else self.first(z).unflatten(1, self.bottom)
        earlier = [first.contiguous(memory_format=torch.channels_last)]
        for level, block in zip(range(len(self.blocks), 0, -1), self.blocks, strict=True):
            seen = [maps[level] for maps in skips]
            x = block([*seen, *earlier], n, 2 * earlier[-1].shape[-1])
            earlier = [*earlier, x] if self.config.dense else [x]
        last = F.relu(self.norm(earlier[-1]))
        drawn = self.heads([*(maps[0] for maps in skips), last], n, image.shape[-1]).float()
        return self._composed(drawn, image.repeat_interleave(n // len(image), 0))

    def _composed(self, drawn: Float[Tensor, "n k s s"], image: Float[Tensor, "n c s s"]) -> Forecast:
        """Eq. 7, Eq. 6, or the drawing itself."""
        if self.config.residual == "diff":
            return Forecast((image + drawn).clamp(-1, 1), None, drawn)
        content = drawn[:, : self.config.channels].tanh()
        if self.config.residual == "none":
            return Forecast(content, None, content)
        mask = drawn[:, self.config.channels :].sigmoid()
        return Forecast(mask * content + (1 - mask) * image, mask, content)


class ForecastingNetwork(nn.Module):
    """G_M: a source frame, its motion map and that of another time to the frame of that time."""

    def __init__(self, config: FRGANConfig) -> None:
        super().__init__()
        self.config = config
        widths = encoder_widths(config, config.widths)
        code = config.code if config.bottleneck == "fc" else None
        self.f_I = Encoder(config.channels, config.image_size, widths, code, shortcut=config.shortcut)
        self.f_M = Encoder(config.C_M, config.image_size, widths, code, shortcut=config.shortcut)
        self.f_D = Decoder(config, widths)
        init_weights(self)

    def forward(
        self,
        image: Float[Tensor, "b c s s"],
        map_source: Float[Tensor, "b m s s"],
        map_target: Float[Tensor, "b m s s"],
    ) -> Forecast:
        """The frames in which what `image` and `map_source` show has come to `map_target`."""
        image_maps, image_code = self.f_I(image)
        both_maps, both_codes = self.f_M(torch.cat([map_source, map_target]))
        source_maps, target_maps = (list(maps) for maps in zip(*(both.chunk(2) for both in both_maps), strict=True))
        source_code, target_code = both_codes.chunk(2)
        source = Source(image, image_maps, image_code, source_maps, source_code)
        return self._decoded(source, target_maps, target_code)

    def encode_source(self, image: Float[Tensor, "b c s s"], map_source: Float[Tensor, "b m s s"]) -> Source:
        """What `forecast` needs to know of sources, whatever comes of them."""
        return Source(image, *self.f_I(image), *self.f_M(map_source))

    def forecast(self, source: Source, map_target: Float[Tensor, "n m s s"]) -> Forecast:
        """The same number of frames from each source: those of the first, then those of the second, and so on."""
        return self._decoded(source, *self.f_M(map_target))

    def forecast_clip(self, source: Source, maps: Float[Tensor, "b m t s s"]) -> Forecast:
        """A clip from each source, one frame for each of its motion maps; image, mask and content have time too."""
        image, mask, content = self.forecast(source, frames_of(maps))
        clips = len(maps)
        return Forecast(
            clips_of(image, clips), None if mask is None else clips_of(mask, clips), clips_of(content, clips)
        )

    def _decoded(self, source: Source, target_maps: list[Map], target_code: Float[Tensor, "n ..."]) -> Forecast:
        each = len(target_code) // len(source.image)
        z = analogy(
            source.image_code.repeat_interleave(each, 0), source.motion_code.repeat_interleave(each, 0), target_code
        )
        skips = {
            "all": [source.image_maps, source.motion_maps, target_maps],
            "image": [source.image_maps],
            "none": [],
        }
        return self.f_D(z, skips[self.config.skips], source.image)


def analogy(
    image: Float[Tensor, "n ..."], motion_source: Float[Tensor, "n ..."], motion_target: Float[Tensor, "n ..."]
) -> Float[Tensor, "n ..."]:
    """z: what the frame is, moved as the motion maps move (Eq. 8). Exactly `image` where they do not."""
    return (motion_target - motion_source) + image


class FrameCritic(nn.Module):
    """D_I: how real a frame looks together with its motion map, an unbounded score."""

    def __init__(self, config: FRGANConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config.channels + config.C_M, config.image_size, encoder_widths(config), 1, LEAK)
        init_weights(self)

    def forward(self, image: Float[Tensor, "b c s s"], map: Float[Tensor, "b m s s"]) -> Float[Tensor, " b"]:
        _, score = self.encoder(torch.cat([image, map], 1))
        return score[:, 0].float()
