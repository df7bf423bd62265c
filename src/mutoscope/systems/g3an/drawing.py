"""Noise to clips with a trained generator, and what of it is shown."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.media import sheets
from mutoscope.media.results import Sheet
from mutoscope.media.tensors import float_to_uint8
from mutoscope.nn import FoldedCopy
from mutoscope.systems.g3an.config import G3ANConfig
from mutoscope.systems.g3an.networks import G3Module, Generator, Streams, noise_length
from mutoscope.systems.labels import Labels
from mutoscope.systems.noise import between, normal_draws

Clip = UInt8[np.ndarray, "t h w c"]
Walk = Literal["independent", "constant", "smooth"]
Stream = Literal["G_S", "G_T"]
CLIPS_AT_ONCE = 16
STREAMS: dict[Stream, str] = {"G_S": "F_S", "G_T": "F_T"}
"""The streams beside the main one, and what each makes."""


class Drawing(Labels):
    """Draws with the network `generator` of the system that inherits this."""

    config: G3ANConfig
    folded_copy: FoldedCopy
    if TYPE_CHECKING:
        device: torch.device

        @property
        def generator(self) -> nn.Module: ...

    @property
    def drawing_network(self) -> Generator:
        """The generator as it is now, all normalisation worked into its weights."""
        network = self.folded_copy.of(self.generator)
        assert isinstance(network, Generator)
        return network

    def appearances(self, n: int, seed: int) -> Float[Tensor, "n d_a"]:
        """`n` draws of z_a; the same on every device, and the first of more draws are those of fewer."""
        return normal_draws((n, self.config.d_a), seed, 0)

    def motions(self, n: int, seed: int, frames: int | None = None) -> Float[Tensor, "n d_m tau"]:
        """`n` draws of z_m, each long enough for `frames` frames (by default as many as in training).

        The first of more draws are those of fewer, and a longer one begins as a shorter one.
        """
        length = noise_length(frames or self.config.frames)
        return torch.stack([normal_draws((length, self.config.d_m), seed, 1, i) for i in range(n)]).transpose(1, 2)

    def motion_walks(
        self, n: int, seed: int, frames: int, walk: Walk = "independent", every: int = 4
    ) -> Float[Tensor, "n d_m tau"]:
        """`n` motions for so many frames, in which every position has its own draw, or all have the same one, or a draw
        comes at `every` positions and those between lie on the way from one to the next.
        """
        draws = self.motions(n, seed, frames)
        if walk == "independent":
            return draws
        if walk == "constant":
            return draws[:, :, :1].expand_as(draws)
        position = torch.arange(draws.shape[2])
        before = position // every
        after = (before + 1).clamp(max=len(position) - 1)
        return between(draws[:, :, before], draws[:, :, after], position % every / every)

    @torch.no_grad()
    def draw(
        self,
        z_a: Float[Tensor, "n d_a"],
        z_m: Float[Tensor, "n d_m tau"],
        y: Float[Tensor, "n K"] | None = None,
        frames: int | None = None,
    ) -> Iterator[Clip]:
        """Clips of `frames` frames (by default as in training), one for each row, drawn a few at a time."""
        network = self.drawing_network
        at_once = max(1, CLIPS_AT_ONCE // z_m.shape[2])
        for start in range(0, len(z_a), at_once):
            rows = slice(start, start + at_once)
            label = None if y is None else y[rows].to(self.device)
            clips = network(z_a[rows].to(self.device), z_m[rows].to(self.device), label)
            yield from float_to_uint8(clips[:, :, : frames or self.config.frames].transpose(1, 2))

    def draw_every(
        self,
        z_a: Float[Tensor, "a d_a"],
        z_m: Float[Tensor, "m d_m tau"],
        y: Float[Tensor, "m K"] | None = None,
        frames: int | None = None,
    ) -> UInt8[np.ndarray, "a m t h w c"]:
        """Every appearance with every motion; labels belong to the motions."""
        n_a, n_m = len(z_a), len(z_m)
        labels = None if y is None else y.repeat(n_a, 1)
        clips = np.stack(list(self.draw(z_a.repeat_interleave(n_m, 0), z_m.repeat(n_a, 1, 1), labels, frames)))
        return clips.reshape(n_a, n_m, *clips.shape[1:])

    @torch.no_grad()
    def draw_streams(
        self, z_a: Float[Tensor, "1 d_a"], z_m: Float[Tensor, "1 d_m tau"], y: Float[Tensor, "1 K"] | None = None
    ) -> tuple[list[Streams], Clip]:
        """What every level of the generator holds for one clip, and the clip."""
        network = self.drawing_network
        levels = network.streams(z_a.to(self.device), z_m.to(self.device), None if y is None else y.to(self.device))
        return levels, float_to_uint8(network.colours(levels[-1])[0].transpose(0, 1))

    def networks_of(self, stream: Stream) -> list[nn.Module]:
        """The networks of a stream, one for each level; none where the stream is ablated."""
        levels = [module for module in self.drawing_network.modules() if isinstance(module, G3Module)]
        return [getattr(level, stream) for level in levels if getattr(level, stream) is not None]

    @contextmanager
    def silenced(self, stream: Stream | None) -> Iterator[None]:
        """Inside, all networks of a stream hand on 0; with None, nothing changes."""
        networks = self.networks_of(stream) if stream else []
        hooks = [network.register_forward_hook(lambda _, __, features: features.zero_()) for network in networks]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def traversed(z: Float[Tensor, "1 d *p"], dimension: int, values: Float[Tensor, " n"]) -> Float[Tensor, "n d *p"]:
    """The same noise many times, with one dimension set to one value in each, at all positions."""
    rows = z.repeat(len(values), *[1] * (z.ndim - 1))
    rows[:, dimension] = values.view(-1, *[1] * (z.ndim - 2))
    return rows


def heat(maps: Float[Tensor, "n p q"], size: int) -> UInt8[np.ndarray, "n size size 3"]:
    """Maps as pictures, from dark blue for the lowest value in all of them to yellow for the highest."""
    import matplotlib

    low, high = maps.min(), maps.max()
    share = (maps - low) / (high - low).clamp_min(1e-12)
    pixels = F.interpolate(share[:, None].float(), (size, size), mode="nearest-exact")[:, 0]
    return (matplotlib.colormaps["viridis"](pixels.cpu().numpy())[..., :3] * 255).round().astype(np.uint8)


def streams_sheet(levels: Sequence[Streams], clip: Clip, shown: int) -> Sheet:
    """What the levels hold of one clip, a row each, and the clip below what it is made from.

    A column for F_S has the mean of its maps, one for F_T all of its values, channels from top to bottom and time from
    left to right. V and F_V have `shown` columns, for the means of their maps at as many times.
    """
    times = sheets.times_shown(len(clip), shown)
    size = clip.shape[1]
    cells: list[np.ndarray] = []
    for level in levels:
        if level.F_S is not None:
            cells += list(heat(level.F_S[0].mean(0), size))
        if level.F_T is not None:
            cells += list(heat(level.F_T[0].flatten(1)[None], size))
        for stream in (level.V, level.F_V):
            cells += list(heat(stream[0].mean(0)[sheets.times_shown(stream.shape[2], shown)], size))
    still = [name for name, stream in (("F_S", levels[0].F_S), ("F_T", levels[0].F_T)) if stream is not None]
    header = [*still, *(f"V t={time}" for time in times), *(f"F_V t={time}" for time in times)]
    blank = np.full((size, size, 3), sheets.BACKGROUND, np.uint8)
    cells += [blank] * (len(header) - shown) + list(clip[times])
    rows = [f"G³ {n}{' + F-SA' if level.attended is not None else ''}" for n, level in enumerate(levels)]
    pixels = sheets.grid(cells, len(header), row_labels=[*rows, "clip"], column_labels=header)
    return Sheet(pixels, len(rows) + 1, len(header))
