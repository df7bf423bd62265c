"""From latent codes to the sheets and videos that controls return; only frames that are shown are drawn."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.media import sheets
from mutoscope.media.flow_colours import flow_colours
from mutoscope.media.results import Replay, Sheet, Video
from mutoscope.metrics import motion
from mutoscope.systems.mintgan import drawing
from mutoscope.systems.mintgan.drawing import Clip, Codes, Drawing
from mutoscope.systems.parameters import Index, Range

# What several controls take, beside what those of all systems do (`systems.control`).
Count = Annotated[int, Range(1, 64), "How many."]
Side = Annotated[int, Range(1, 16), "How many."]
Most = Annotated[int, Range(1, 4096), "How many of these at most; as many as there are for all."]
Length = Annotated[
    int | None, Range(2, 1000), "Frames of a clip, also more than in training; as many as in training if not given."
]
Truncation = Annotated[
    float, Range(0, 2), "Share of its way from the mean that an appearance goes; 1 is as in training, 0 the mean."
]
Basis = Annotated[
    drawing.Basis, "Directions of the dictionary, or of the same steps by variance, largest first (canonical)."
]
Directions = Annotated[int | list[int] | None, Index("N")]
Colours = UInt8[np.ndarray, "_h _w 3"]

SHOWN_SIZE = 64  # pixels that a frame on a sheet should have
FULL_COLOUR = 99.5  # percentile of the speeds of compared clips that is shown in full colours
NAMES_SHOWN = 3
LETTERS: dict[Basis, str] = {"dictionary": "d", "canonical": "c"}
"""What names of directions begin with, d3 or c3."""


class Showing(Drawing):
    """What the controls share."""

    @property
    def enlargement(self) -> int:
        """How many times larger than they are pixels are shown on sheets, so that small frames can be looked at."""
        return max(1, SHOWN_SIZE // self.config.image_size)

    def codes(
        self,
        z_a: Float[Tensor, "n d_a"],
        z_m: Float[Tensor, "n s d_m"],
        truncation: float = 1.0,
        only: Directions = None,
        without: Directions = None,
        basis: Basis = "dictionary",
    ) -> Float[Tensor, "n t N"]:
        """The latent codes of clips, in which all directions move, or only some, or all but some.

        Raises:
            InputError: both `only` and `without` are given, or there is no motion bank to choose directions from.
        """
        codes = self.latents(z_a, z_m, truncation)
        if only is not None and without is not None:
            raise InputError("without: is given together with only (expected one of them)")
        if only is not None:
            return self.with_moving(codes, self.mask(only)[None], basis)
        if without is not None:
            return self.with_moving(codes, ~self.mask(without)[None], basis)
        return self.generator.codes(*codes)

    def mask(self, directions: int | list[int]) -> Bool[Tensor, " N"]:
        """Which of all directions are among these."""
        return torch.isin(torch.arange(self.config.N, device=self.device), torch.tensor(directions, device=self.device))

    def with_moving(self, codes: Codes, moving: Bool[Tensor, "k N"], basis: Basis) -> Float[Tensor, "m t N"]:
        """One clip with each of several sets of directions moving, or several clips with the same one."""
        alpha = self.alphas_of(codes.A, basis) * moving[:, None]
        return self.path(codes.w_0.expand(len(alpha), -1), alpha, basis)

    def alphas_of(self, A: Float[Tensor, "n s N"], basis: Basis = "dictionary") -> Float[Tensor, "n s N"]:
        """`in_basis`, for what is said of directions. Raises InputError where there is no motion bank."""
        self.generator.directions()  # without a bank, what should be magnitudes are latent codes
        return self.in_basis(A, basis)

    def first_codes(self, z_a: Float[Tensor, "n d_a"], truncation: float = 1.0) -> Float[Tensor, "n N"]:
        """w_0, the codes of first frames, which no motion changes."""
        return self.latents(z_a, self.motions(1, 0, 2).expand(len(z_a), -1, -1), truncation).w_0

    def with_motion_of(
        self, w_0: Float[Tensor, "n N"], z_a: Float[Tensor, "1 d_a"], z_m: Float[Tensor, "1 s d_m"]
    ) -> Float[Tensor, "n t N"]:
        """Appearance codes that move exactly as the clip of this noise does; the same z_m alone does not do that, for
        the GRU starts from z_a.

        Raises:
            InputError: there is no motion bank.
        """
        A = self.alphas_of(self.latents(z_a, z_m).A)
        return self.generator.codes(w_0, A.expand(len(w_0), -1, -1))

    def every(
        self, appearances: int, motions: int, frames: int | None, truncation: float, seed: int
    ) -> Float[Tensor, "a m t N"]:
        """The codes of every appearance with every motion."""
        z_a, z_m = self.appearances(appearances, seed), self.motions(motions, seed, frames)
        W = self.codes(z_a.repeat_interleave(motions, 0), z_m.repeat(appearances, 1, 1), truncation)
        return W.unflatten(0, (appearances, motions))

    def tiles(self, W: Float[Tensor, "n t N"], columns: int, scale: int, fps: float) -> Video:
        """Clips playing side by side, without a gap."""

        def frames() -> Iterator[Colours]:
            for clips in self.draw(W.transpose(0, 1)):  # all clips at one time: memory does not grow with length
                yield sheets.tiled(list(clips[:, None]), columns, scale)[0]

        return Video(Replay(frames), fps)

    def playing(
        self, W: Float[Tensor, "r k t N"], rows: Sequence[str] | None, columns: Sequence[str], scale: int, fps: float
    ) -> Video:
        """Clips playing in labelled rows and columns."""

        def frames() -> Iterator[Colours]:
            for clips in self.draw(W.flatten(0, 1).transpose(0, 1)):
                yield sheets.grid(list(clips), len(columns), row_labels=rows, column_labels=columns, scale=scale)

        return Video(Replay(frames), fps)

    def rows(self, W: Float[Tensor, "n t N"], columns: int, names: Sequence[str]) -> Sheet:
        """A clip a row, time from left to right, under the numbers of the frames."""
        times = sheets.times_shown(W.shape[1], min(columns, W.shape[1])).tolist()
        cells = [frame for clip in self.draw(W[:, times]) for frame in clip]
        return self.labelled(cells, names, [f"t={time}" for time in times])

    def strips(self, W: Float[Tensor, "r k t N"], rows: Sequence[str], columns: Sequence[str], strip: int) -> Sheet:
        """A strip of a clip in every cell."""
        times = sheets.times_shown(W.shape[2], strip).tolist()
        cells = [np.concatenate(list(clip), axis=1) for clip in self.draw(W.flatten(0, 1)[:, times])]
        return self.labelled(cells, rows, columns, padding=6)

    def labelled(
        self,
        cells: Sequence[UInt8[np.ndarray, "_h _w _c"]],
        rows: Sequence[str],
        columns: Sequence[str],
        padding: int = 2,
    ) -> Sheet:
        """A sheet of pictures with names for rows and columns, enlarged where frames are small."""
        pixels = sheets.grid(
            cells, len(columns), row_labels=rows, column_labels=columns, padding=padding, scale=self.enlargement
        )
        return Sheet(pixels, len(rows), len(columns))


def given(directions: int | list[int]) -> list[int]:
    """The directions that a user named, one or several. Raises InputError where there are none."""
    chosen = [directions] if isinstance(directions, int) else list(directions)
    if not chosen:
        raise InputError("directions: is empty (expected numbers of directions, as [3,7])")
    return chosen


def numbered(what: str, n: int) -> list[str]:
    """What rows or columns are called that have no name."""
    return [f"{what} {i}" for i in range(n)]


def named(directions: Sequence[int], basis: Basis = "dictionary") -> str:
    """Directions by name, or how many there are."""
    if len(directions) > NAMES_SHOWN:
        return f"{len(directions)} directions"
    return " + ".join(f"{LETTERS[basis]}{k}" for k in directions)


def flow_pictures(clips: Sequence[Clip]) -> list[UInt8[np.ndarray, "t h w 3"]]:
    """The motion that led to each frame as colours, on one scale for all clips; none leads to the first.

    Raises:
        InputError: frames are too small for optical flow.
    """
    vectors = [np.pad(motion.flow(clip), ((1, 0), (0, 0), (0, 0), (0, 0))) for clip in clips]
    speeds = np.linalg.norm(np.stack(vectors), axis=-1)
    fastest = max(1.0, float(np.percentile(speeds, FULL_COLOUR)))
    return [flow_colours(field, fastest) for field in vectors]
