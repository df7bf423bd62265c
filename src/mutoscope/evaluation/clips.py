"""The protocol for clips drawn from noise: each is held against the real window most like it.

Folders of clips are measured so too, or each of their clips against the real one of its name.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Int64, UInt8

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.evaluation.protocol import Pairing, Plan, Protocol, trained_frames
from mutoscope.evaluation.samples import (
    MOST_FRAMES,
    REAL,
    SHUFFLED,
    Examples,
    Pair,
    Sample,
    damaged,
    evenly,
    frames_of,
    labels_of,
    stored,
)
from mutoscope.systems.base import System
from mutoscope.systems.conditions import Conditions


class ClipsProtocol(Protocol):
    """Clips from noise beside windows of real clips, at even distances over all there are."""

    pairings: ClassVar[dict[Pairing, str]] = {
        "match": "most similar real window",
        "name": "clips of one name, their common frames",
    }
    usual_clips = 256
    usual_frames = 16
    asks = "draws clips from noise"

    def __init__(self, real: Clips, plan: Plan) -> None:
        super().__init__(real, plan)
        self.drawn_frames = min(plan.clips * plan.frames, MOST_FRAMES)
        self.reference = self.cut(real)

    def cut(self, clips: Clips, most_frames: int = MOST_FRAMES) -> Sample:
        sample = self._windows(clips, self.plan.step, most_frames)
        return replace(sample, sequences=tracks(clips, self.plan.step)) if self.plan.pairing == "match" else sample

    def drawn(self, system: System, labelled: bool) -> Sample:
        plan = self.plan
        if plan.pairing == "name":
            raise InputError(f"pairing by name: {system.name} draws clips without names (expected a folder of clips)")
        clips = stored(system.outputs(Conditions(plan.clips, plan.frames), plan.seed), system.name)
        frames = stored(single_frames(system, self.drawn_frames, plan.seed), system.name)
        sample = Sample(Examples(clips), Examples(frames))
        if labelled and (known := getattr(system.config, "categories", 0)):
            labels = np.arange(plan.clips) % known  # all in turn
            conditions = Conditions(plan.clips, plan.frames, {"label": labels.tolist()})
            of_labels = stored(system.outputs(conditions, plan.seed), system.name)
            sample = replace(sample, labelled=(Examples(of_labels), labels))
        return sample

    def given(self, clips: Clips) -> Sample:
        sample = self._windows(clips, 1, self.drawn_frames)
        return replace(sample, pairs=pairs_by_name(clips, self.real)) if self.plan.pairing == "name" else sample

    def references(self, own: Sample, real: Sample) -> dict[str, tuple[Sample, Sample]]:
        """Single frames of all three are real: they differ in what is measured on clips."""
        rows = {REAL: replace(own, labelled=real.labelled)}
        for row, clips in damaged(own.clips.pixels, self.plan.seed).items():
            rows[row] = Sample(Examples(clips), own.frames)
        if self.plan.pairing == "name":
            rows = {row: replace(sample, pairs=self._damaged_pairs(row)) for row, sample in rows.items()}
        return {row: (sample, real) for row, sample in rows.items()}

    def table(self) -> dict[str, str | int]:
        return {"pairing": self.pairings[self.plan.pairing], "matched clips": self.plan.matched}

    def _windows(self, clips: Clips, step: int, most_frames: int) -> Sample:
        """Windows and frames; labelled where all clips are."""
        pixels, numbers = windows(clips, self.plan.clips, self.plan.frames, step, self.plan.seed)
        examples, labels = Examples(pixels), labels_of(clips)
        known = None if labels is None else (examples, labels[numbers])
        return Sample(examples, Examples(frames_of(clips, most_frames)), labelled=known)

    def _damaged_pairs(self, row: str) -> list[Pair]:
        """Real clips in the way of a reference row, each with itself; no pairs for real clips as they are."""
        if row == REAL:
            return []
        rng = np.random.default_rng(self.plan.seed)
        pairs = []
        for clip in (self.real[i].frames for i in range(len(self.real))):
            order = rng.permutation(len(clip)) if row == SHUFFLED else [0] * len(clip)
            pairs.append(Pair(clip[order], clip))
        return pairs


def single_frames(system: System, n: int, seed: int) -> Iterator[UInt8[np.ndarray, "h w c"]]:
    """n independent frames: one of each of n clips of the training's length, at a random time."""
    length = trained_frames(system)
    times = np.random.default_rng(seed).integers(length, size=n)
    for clip, time in zip(system.outputs(Conditions(n, length), seed), times, strict=True):
        yield clip[time]


def windows(clips: Clips, count: int, frames: int, step: int, seed: int) -> tuple[np.ndarray, Int64[np.ndarray, "n"]]:
    """At most `count` windows, `n t h w c`, at even distances over all there are, and the number of each one's clip.

    Their frames are `step` apart; clips shorter than a window are passed over. The seed decides the first place.

    Raises:
        InputError: no clip is long enough for a window.
    """
    span = (frames - 1) * step + 1
    starts = np.maximum(clips.lengths - span + 1, 0)
    if not starts.any():
        raise InputError(
            f"{clips.name}: the longest clip has {clips.lengths.max(initial=0)} frames "
            f"(expected at least {span} for windows of {frames} frames, {step} apart)"
        )
    places = evenly(int(starts.sum()), count, offset=np.random.default_rng(seed).random())
    ends = np.cumsum(starts)
    chosen = np.searchsorted(ends, places, side="right")
    first = places - (ends - starts)[chosen]
    cut = (clips[clip].frames[start : start + span : step] for clip, start in zip(chosen, first, strict=True))
    return stored(cut, clips.name), chosen


def tracks(clips: Clips, step: int) -> list[UInt8[np.ndarray, "_ h w c"]]:
    """The clips as sequences whose frames are `step` apart: each clip gives `step` of them."""
    return [clips[i].frames[phase::step] for i in range(len(clips)) for phase in range(step)]


def pairs_by_name(generated: Clips, real: Clips) -> list[Pair]:
    """Each generated clip with the real clip whose file has the same stem, over the frames that both have.

    Raises:
        InputError: no names agree, or two clips of one set share a name.
    """
    by_name = _by_stem(real)
    pairs = []
    for stem, number in _by_stem(generated).items():
        if stem in by_name:
            made, true = generated[number].frames, real[by_name[stem]].frames
            length = min(len(made), len(true))
            pairs.append(Pair(made[:length], true[:length]))
    if not pairs:
        raise InputError(
            f"pairing by name: no clip of {generated.name} is named as one of {real.name} "
            f"(expected names such as {next(iter(by_name))})"
        )
    return pairs


def _by_stem(clips: Clips) -> dict[str, int]:
    stems = [Path(record.path).stem for record in clips.records]
    name, times = Counter(stems).most_common(1)[0]
    if times > 1:
        raise InputError(f"pairing by name: {clips.name} has {times} clips named {name} (expected one of each name)")
    return {stem: number for number, stem in enumerate(stems)}
