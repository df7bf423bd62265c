"""Noise to clips with a trained generator, and what of it is shown."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.media import sheets
from mutoscope.media.results import Sheet
from mutoscope.media.tensors import float_to_uint8
from mutoscope.nn import FoldedCopy
from mutoscope.systems.g3an.networks import G3Module, Generator, Streams, noise_length

Clip = UInt8[np.ndarray, "t h w c"]
Walk = Literal["independent", "constant", "smooth"]
Stream = Literal["G_S", "G_T"]
CLIPS_AT_ONCE = 16
STREAMS: dict[Stream, str] = {"G_S": "F_S", "G_T": "F_T"}
"""The streams beside the main one, and what each makes."""


class Drawing:
    """Draws with the network `generator` of the system that inherits this."""

    d_a: int
    d_m: int
    frames: int
    label_names: list[str]
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
        return _normal((n, self.d_a), seed, 0)

    def motions(self, n: int, seed: int, frames: int | None = None) -> Float[Tensor, "n d_m tau"]:
        """`n` draws of z_m, each long enough for `frames` frames (by default as many as in training).

        The first of more draws are those of fewer, and a longer one begins as a shorter one.
        """
        length = noise_length(frames or self.frames)
        return torch.stack([_normal((length, self.d_m), seed, 1, i) for i in range(n)]).transpose(1, 2)

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

    def one_hot(self, labels: int | str | Sequence[int | str]) -> Float[Tensor, "n K"]:
        """Labels by number or name.

        Raises:
            InputError: the system takes no labels, or not this one; the known ones are listed.
        """
        wanted = [labels] if isinstance(labels, int | str) else list(labels)
        known = ", ".join(f"{i} {name}" for i, name in enumerate(self.label_names))
        if not known:
            raise InputError(f"label: {wanted[0]} is given, but this system was trained without labels")
        numbers = []
        for label in wanted:
            name = str(label)
            number = self.label_names.index(name) if name in self.label_names else int(name) if name.isdecimal() else -1
            if not 0 <= number < len(self.label_names):
                raise InputError(f"label: {label} is unknown (expected one of {known})")
            numbers.append(number)
        return F.one_hot(torch.tensor(numbers), len(self.label_names)).float()

    def labels_in_turn(self, n: int) -> Float[Tensor, "n K"] | None:
        """All labels, one after the other; None where the system takes none."""
        if not self.label_names:
            return None
        return self.one_hot([i % len(self.label_names) for i in range(n)])

    def labels_for(self, n: int, label: int | str | None) -> Float[Tensor, "n K"] | None:
        """The same label for all, or all labels in turn where none is given.

        Raises:
            InputError: as `one_hot`.
        """
        return self.labels_in_turn(n) if label is None else self.one_hot([label] * n)

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
            yield from float_to_uint8(clips[:, :, : frames or self.frames].transpose(1, 2))

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


def between(
    first: Float[Tensor, "_ d *p"], last: Float[Tensor, "_ d *p"], at: Float[Tensor, "..."], spherical: bool = True
) -> Float[Tensor, "_ d *p"]:
    """Noise on the way from `first` (at 0) to `last` (at 1); `at` is broadcast, vectors lie along axis 1.

    On an arc, what lies between two draws of N(0, I) is about as long as they are, as in training; on a line it is
    shorter. Vectors of (almost) the same or opposite directions have no arc of their own and are joined by a line.
    """
    line = first + (last - first) * at
    if not spherical:
        return line
    cosine = F.cosine_similarity(first, last, dim=1).unsqueeze(1)
    angle = torch.acos(cosine.clamp(-1, 1))
    arc = (torch.sin((1 - at) * angle) * first + torch.sin(at * angle) * last) / torch.sin(angle)
    return torch.where(cosine.abs() < 1 - 1e-5, arc, line)


def times_shown(length: int, shown: int) -> Int[np.ndarray, " shown"]:
    """`shown` of `length` times at even intervals, from the first to the last; some repeated where there are fewer."""
    return np.linspace(0, length - 1, shown).round().astype(int)


def in_a_strip(clip: Clip, shown: int) -> UInt8[np.ndarray, "h w_all c"]:
    """Frames of a clip in one picture, from left to right."""
    return np.concatenate(clip[times_shown(len(clip), shown)], axis=1)


def tiled(clips: Sequence[Clip], columns: int, scale: int = 1) -> UInt8[np.ndarray, "t h_all w_all 3"]:
    """Clips playing beside and below each other without a gap, in RGB, pixels enlarged; left-over places are black."""
    t, h, w, _ = clips[0].shape
    columns = min(columns, len(clips))
    rows = -(-len(clips) // columns)
    wall = np.zeros((t, rows * h, columns * w, 3), np.uint8)
    for i, clip in enumerate(clips):
        y, x = i // columns * h, i % columns * w
        wall[:, y : y + h, x : x + w] = clip
    return wall.repeat(scale, axis=1).repeat(scale, axis=2)


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
    times = times_shown(len(clip), shown)
    size = clip.shape[1]
    cells: list[np.ndarray] = []
    for level in levels:
        if level.F_S is not None:
            cells += list(heat(level.F_S[0].mean(0), size))
        if level.F_T is not None:
            cells += list(heat(level.F_T[0].flatten(1)[None], size))
        for stream in (level.V, level.F_V):
            cells += list(heat(stream[0].mean(0)[times_shown(stream.shape[2], shown)], size))
    still = [name for name, stream in (("F_S", levels[0].F_S), ("F_T", levels[0].F_T)) if stream is not None]
    header = [*still, *(f"V t={time}" for time in times), *(f"F_V t={time}" for time in times)]
    blank = np.full((size, size, 3), sheets.BACKGROUND, np.uint8)
    cells += [blank] * (len(header) - shown) + list(clip[times])
    rows = [f"G³ {n}{' + F-SA' if level.attended is not None else ''}" for n, level in enumerate(levels)]
    pixels = sheets.grid(cells, len(header), row_labels=[*rows, "clip"], column_labels=header)
    return Sheet(pixels, len(rows) + 1, len(header))


def _normal(shape: tuple[int, ...], *seed: int) -> Float[Tensor, "..."]:
    """N(0, I). NumPy's numbers come in a row, whatever the shape; torch's depend on how many are drawn."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape, np.float32))
