"""What each stage of training sees: pose sequences, pairs of frames, windows; and who is in which stage's clips.

Example i is a function of (seed, i) alone. Frames are uint8 and channels last, structure is a row of float32 a frame.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from mutoscope.data.clips import Clips
from mutoscope.data.mug import Mug, frgan_group
from mutoscope.data.windows import VIRTUAL_EPOCH
from mutoscope.errors import InputError
from mutoscope.systems.frgan.structures import Rows, Structure

PairSampling = Literal["random_jump", "first_frame"]
WindowSource = Literal["before", "first"]


class Examples(Dataset[dict[str, Any]]):
    """Endless examples of clips with structure, every clip equally often.

    Args:
        clips: where they come from.
        structure: what their tracks become.
        seed: with the index, decides an example.
        flip: also draw from the mirror image of each clip.
        shortest: frames that a clip must have.
        noise: by how many pixels places are off, as an estimator's (see `Structure.rows_of_all`).

    Raises:
        InputError: a clip is too short, or its tracks do not fit the structure.
    """

    def __init__(
        self, clips: Clips, structure: Structure, *, seed: int, flip: bool, shortest: int, noise: float = 0.0
    ) -> None:
        short = [record for record in clips.records if record.length < shortest]
        if short:
            raise InputError(
                f"{short[0].path}: has {short[0].length} frames (expected at least {shortest}; "
                f"{len(short)} of {len(clips)} clips are too short)"
            )
        self.clips, self.seed = clips, seed
        self.rows: list[Rows] = structure.rows_of_all(clips, noise=noise)
        if flip:
            self.rows += structure.rows_of_all(clips, mirrored=True, noise=noise)

    def __len__(self) -> int:
        return -(-VIRTUAL_EPOCH // len(self.rows)) * len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        number = index % len(self.rows)
        mirrored, clip = divmod(number, len(self.clips))
        example = self.example(clip, self.rows[number], np.random.default_rng((self.seed, index)))
        if mirrored:
            mirrors = {key: np.flip(value, axis=-2) for key, value in example.items() if value.dtype == np.uint8}
            example |= mirrors
        # copied, for frames may be mapped from a file that is not to be written
        return {key: torch.from_numpy(np.array(value, order="C")) for key, value in example.items()}

    def example(self, clip: int, rows: Rows, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """What is drawn from one clip, whose structure is `rows`."""
        raise NotImplementedError


class PoseSequences(Examples):
    """Stretches of structure, for the pose predictor: `rows`, of `frames` frames; and a `frame` with its `row`.

    Args:
        observed: so many of the rows, the first ones, are off by `noise` pixels; what is to be foretold is exact.
    """

    def __init__(
        self,
        clips: Clips,
        structure: Structure,
        frames: int,
        observed: int,
        *,
        seed: int,
        flip: bool,
        noise: float = 0.0,
    ) -> None:
        super().__init__(clips, structure, seed=seed, flip=flip, shortest=frames)
        self.structure, self.frames, self.observed, self.noise = structure, frames, observed, noise

    def example(self, clip: int, rows: Rows, rng: np.random.Generator) -> dict[str, np.ndarray]:
        start = rng.integers(len(rows) - self.frames, endpoint=True)
        t = rng.integers(len(rows))
        sequence = rows[start : start + self.frames].copy()
        if self.noise:
            sequence[: self.observed] = self.structure.noisy(sequence[: self.observed], self.noise, rng)
        return {"rows": sequence, "frame": self.clips[clip].frames[t], "row": rows[t]}


class ForecastPairs(Examples):
    """Two frames of a clip: `frame` at t and `target` at t + k, with their `row` and `target_row` (Sec. 5).

    Args:
        sampling: t at random and k from 1 to `max_jump`, as far as the clip goes; or t = 0 and any k, 0 among them (the
            authors' code).
        max_jump: the largest k; None for the whole clip.
    """

    def __init__(
        self,
        clips: Clips,
        structure: Structure,
        sampling: PairSampling,
        max_jump: int | None,
        *,
        seed: int,
        flip: bool,
    ) -> None:
        super().__init__(clips, structure, seed=seed, flip=flip, shortest=2)
        self.sampling, self.max_jump = sampling, max_jump

    def example(self, clip: int, rows: Rows, rng: np.random.Generator) -> dict[str, np.ndarray]:
        t, k = self.times(len(rows), rng)
        frames = self.clips[clip].frames
        return {"frame": frames[t], "row": rows[t], "target": frames[t + k], "target_row": rows[t + k]}

    def times(self, length: int, rng: np.random.Generator) -> tuple[int, int]:
        """t and k."""
        if self.sampling == "first_frame":
            return 0, int(rng.integers(length))
        t = int(rng.integers(length - 1))
        furthest = length - 1 - t if self.max_jump is None else min(self.max_jump, length - 1 - t)
        return t, int(rng.integers(1, furthest, endpoint=True))


class RefineWindows(Examples):
    """Windows of `frames` frames in a row, `clip` with its `rows`, and the `frame` and `row` they are forecast from.

    A clip that is too short rests on its last frame.

    Args:
        source: forecast from the frame just before the window (bodies), or from the first of the clip (faces).
        coarse: for each clip the one that another method made of it; an example then has its window, `coarse`.
        earliest: the first frame that a window may begin with.
    """

    def __init__(
        self,
        clips: Clips,
        structure: Structure,
        frames: int,
        source: WindowSource,
        coarse: Sequence[np.ndarray] | None = None,
        earliest: int = 1,
        *,
        seed: int,
        flip: bool,
        noise: float = 0.0,
    ) -> None:
        super().__init__(clips, structure, seed=seed, flip=flip, shortest=earliest + 1, noise=noise)
        self.frames, self.source, self.coarse, self.earliest = frames, source, coarse, earliest

    def example(self, clip: int, rows: Rows, rng: np.random.Generator) -> dict[str, np.ndarray]:
        latest = max(len(rows) - self.frames, self.earliest)
        start = int(rng.integers(self.earliest, latest, endpoint=True))
        times = np.minimum(start + np.arange(self.frames), len(rows) - 1)
        t = start - 1 if self.source == "before" else 0
        frames = self.clips[clip].frames
        window = {"frame": frames[t], "row": rows[t], "clip": frames[times], "rows": rows[times]}
        return window | ({"coarse": self.coarse[clip][times]} if self.coarse is not None else {})


def stage_groups(clips: Clips, seed: int) -> tuple[Clips, Clips]:
    """The clips to forecast from and those to refine, halves without a person in common (a clip, where none is known).

    The refining network sees clips that the forecasting one has not learned by heart (Sec. 6). Of MUG they are what
    the authors published, if clips of both are there.

    Raises:
        InputError: there is one clip or person only.
    """
    subjects = [record.subject for record in clips.records]
    if clips.layout == Mug.name:
        published = [frgan_group(subject) if subject else None for subject in subjects]
        parts = [[i for i, part in enumerate(published) if part == name] for name in ("forecast", "refine")]
        if all(parts):
            return clips.subset(parts[0]), clips.subset(parts[1])
    groups: list[Any] = subjects if None not in subjects else list(range(len(clips)))
    distinct = list(dict.fromkeys(groups))
    if len(distinct) < 2:
        of_what = "person" if None not in subjects else "clip"
        raise InputError(
            f"{clips.name}: has {len(distinct)} {of_what} to learn from (expected two or more, for two stages)"
        )
    order = np.random.default_rng((seed, len(distinct))).permutation(len(distinct))
    first = {distinct[i] for i in order[: (len(distinct) + 1) // 2]}
    chosen = [i for i, group in enumerate(groups) if group in first]
    return clips.subset(chosen), clips.subset(sorted(set(range(len(clips))) - set(chosen)))
