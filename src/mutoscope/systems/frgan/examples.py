"""What each stage of training sees: pose sequences, pairs of frames, windows; and who is in which stage's clips.

Example i is a function of (seed, i) alone. Frames are uint8 and channels last, structure is a row of float32 a frame.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from mutoscope.data.clips import Clips
from mutoscope.data.examples import Examples
from mutoscope.data.mug import Mug, frgan_group
from mutoscope.data.windows import VIRTUAL_EPOCH
from mutoscope.errors import InputError
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.frgan.coarse import coarse_clips
from mutoscope.systems.frgan.structures import Rows, Structure


class OfClips(Examples):
    """Endless examples of clips with structure, every clip equally often.

    Args:
        clips: where they come from.
        structure: what their columns become; its config says how examples are drawn.
        seed: with the index, decides an example.
        shortest: frames that a clip must have.
        noise: by how many pixels places are off, as an estimator's (see `Structure.rows_of_each`).

    Raises:
        InputError: a clip is too short, or its columns do not fit the structure.
    """

    def __init__(self, clips: Clips, structure: Structure, seed: int, shortest: int, noise: float = 0.0) -> None:
        short = [record for record in clips.records if record.length < shortest]
        if short:
            raise InputError(
                f"{short[0].path}: has {short[0].length} frames (expected at least {shortest}; "
                f"{len(short)} of {len(clips)} clips are too short)"
            )
        self.clips, self.config, self.seed = clips, structure.config, seed
        self.rows: list[Rows] = structure.rows_of_all(clips, noise)

    def __len__(self) -> int:
        return -(-VIRTUAL_EPOCH // len(self.rows)) * len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        clip = index % len(self.rows)
        example = self.example(clip, self.rows[clip], np.random.default_rng((self.seed, index)))
        # copied, for frames may be mapped from a file that is not to be written
        return {key: torch.from_numpy(np.array(value, order="C")) for key, value in example.items()}

    def example(self, clip: int, rows: Rows, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """What is drawn from one clip, whose structure is `rows`."""
        raise NotImplementedError


class PoseSequences(OfClips):
    """Stretches of structure, for the pose predictor: `poses` of observed frames and of those to come; and a `frame`
    with its `pose`.

    Only observed poses are off by `joint_noise` pixels; what is to be foretold is exact.
    """

    def __init__(self, clips: Clips, structure: Structure, seed: int = 0) -> None:
        self.structure, self.length = structure, structure.config.observed + structure.config.horizon
        super().__init__(clips, structure, seed, shortest=self.length)

    def example(self, clip: int, rows: Rows, rng: np.random.Generator) -> dict[str, np.ndarray]:
        start = rng.integers(len(rows) - self.length, endpoint=True)
        t = rng.integers(len(rows))
        sequence, seen = rows[start : start + self.length].copy(), self.config.observed
        if self.config.joint_noise:
            sequence[:seen] = self.structure.noisy(sequence[:seen], self.config.joint_noise, rng)
        return {"poses": sequence, "frame": self.clips[clip].frames[t], "pose": rows[t]}


class ForecastPairs(OfClips):
    """Two frames of a clip: `frame` at t and `target` at t + k, with their `row` and `target_row` (Sec. 5).

    t is random and k from 1 to `max_jump`, as far as the clip goes; or t = 0 and k any, 0 among them (the authors'
    code).
    """

    def __init__(self, clips: Clips, structure: Structure, seed: int = 0) -> None:
        super().__init__(clips, structure, seed, shortest=2)

    def example(self, clip: int, rows: Rows, rng: np.random.Generator) -> dict[str, np.ndarray]:
        t, k = self.times(len(rows), rng)
        frames = self.clips[clip].frames
        return {"frame": frames[t], "row": rows[t], "target": frames[t + k], "target_row": rows[t + k]}

    def times(self, length: int, rng: np.random.Generator) -> tuple[int, int]:
        """t and k."""
        if self.config.pair_sampling == "first_frame":
            return 0, int(rng.integers(length))
        t = int(rng.integers(length - 1))
        furthest = min(self.config.max_jump or length, length - 1 - t)
        return t, int(rng.integers(1, furthest, endpoint=True))


class RefineWindows(OfClips):
    """Windows of frames in a row, `clip` with its `rows`, and the `frame` and `row` they are forecast from.

    That is the frame just before the window (bodies), or the first of the clip (faces). A clip that is too short rests
    on its last frame. Of clips that another method made (`coarse`) an example has the same window; it begins after what
    that method was given.
    """

    def __init__(self, clips: Clips, structure: Structure, seed: int = 0) -> None:
        o = structure.config
        self.coarse = None if o.coarse is None else coarse_of(clips, o.coarse, o.given)
        self.earliest = 1 if o.coarse is None else o.given
        super().__init__(clips, structure, seed, shortest=self.earliest + 1, noise=o.joint_noise)

    def example(self, clip: int, rows: Rows, rng: np.random.Generator) -> dict[str, np.ndarray]:
        latest = max(len(rows) - self.config.frames, self.earliest)
        start = int(rng.integers(self.earliest, latest, endpoint=True))
        times = np.minimum(start + np.arange(self.config.frames), len(rows) - 1)
        t = start - 1 if self.config.source == "before" else 0
        frames = self.clips[clip].frames
        window = {"frame": frames[t], "row": rows[t], "clip": frames[times], "rows": rows[times]}
        return window | ({"coarse": self.coarse[clip][times]} if self.coarse is not None else {})


def coarse_of(clips: Clips, source: str, given: int) -> list[np.ndarray]:
    """What another method made of each clip, which is not asked again for mirror images: those are mirrored."""
    own = clips.subset(i for i, record in enumerate(clips.records) if not record.mirrored)
    made = coarse_clips(source, Conditions.of(own, given))
    of_pixels = {record.start: frames for record, frames in zip(own.records, made, strict=True)}
    frames = [of_pixels[record.start] for record in clips.records]
    return [f[:, :, ::-1] if record.mirrored else f for f, record in zip(frames, clips.records, strict=True)]


def stage_groups(clips: Clips, seed: int) -> tuple[Clips, Clips]:
    """The clips to forecast from and those to refine, halves without a person in common (a clip, where none is known).

    A clip and its mirror image are in the same half.

    The refining network sees clips that the forecasting one has not learned by heart (Sec. 6). Of MUG they are what
    the authors published, if clips of both are there.

    Raises:
        InputError: there is one clip or person only.
    """
    subjects = clips.column("subject")
    if clips.layout == Mug.name:
        published = [frgan_group(subject) if subject else None for subject in subjects]
        parts = [[i for i, part in enumerate(published) if part == name] for name in ("forecast", "refine")]
        if all(parts):
            return clips.subset(parts[0]), clips.subset(parts[1])
    # by where its pixels begin a clip is known, and its mirror image too
    groups: list[Any] = subjects if None not in subjects else [record.start for record in clips.records]
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
