"""Measures systems and folders of clips against real clips, always in the same way, with rows to compare them with."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import repeat
from types import MappingProxyType
from typing import Literal

import numpy as np

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.evaluation.choice import check_names, choose, reported_name
from mutoscope.evaluation.extractors import default_extractors
from mutoscope.evaluation.metrics import MOST_FOR_KERNELS, MOST_FOR_MANIFOLDS, Comparison, Measure
from mutoscope.evaluation.samples import (
    FEW,
    MOST_FRAMES,
    REAL,
    SHUFFLED,
    STILL,
    Examples,
    Pair,
    Sample,
    out_of_order,
    pairs_by_name,
    real_sample,
    standing_still,
    stored,
    tracks,
)
from mutoscope.evaluation.starts import Starts, draw_starts
from mutoscope.metrics.animation_score import WindowSearch
from mutoscope.metrics.extractors.base import Extractor
from mutoscope.systems.base import System

Pairing = Literal["match", "name", "start"]
USUAL_CLIPS: dict[Pairing, int] = {"match": 256, "name": 256, "start": 500}
PAIRINGS: dict[Pairing, str] = {
    "match": "most similar real window",
    "name": "clips of one name, their common frames",
    "start": "the clip that begins with the input picture",
}


class Evaluator:
    """A protocol: real clips, features, metrics, sample sizes and a seed; `measure` applies it to anything.

    Args:
        real: the reference, clips that no system was trained on.
        training: other real clips of the same kind; they stand in for a perfect system in the reference rows. Without
            them these rows compare one half of `real` with the other.
        extractors: features to measure in; by default those of `default_extractors`.
        metrics: names of metrics, with or without an extractor (`fid`, `fid[pca64-pixels]`), or of groups (`GROUPS`);
            by default all. What is asked for by its own name must be possible; of a group, what is not is left out.
        clips: clips drawn from each source, and windows cut from real clips (fewer where there are not so many); by
            default those of `USUAL_CLIPS`.
        frames: frames of a clip.
        resamples: bootstrap resamples for intervals; 0 for none.
        seed: of draws, windows and resamples.
        pairing: how the real clip of a generated one is found, for metrics that compare pixels: the real window most
            like it ("match", for systems that draw from noise), the real clip of the same name ("name"), or the one
            that begins with the picture it was made from ("start", for systems that start from a picture).
        matched: generated clips for which a window is searched.
        starts: random frames of each real clip that a system starts from, with "start".
        step: distance between the frames of a real window, in frames of the clip, where systems were trained so.

    Attributes:
        left_out: metrics of a group that could not be computed, and why.

    Raises:
        InputError: a metric is unknown or needs an extractor that is not there, two extractors have one name, a number
            is too small, or the real clips are too short.
    """

    def __init__(
        self,
        real: Clips,
        *,
        training: Clips | None = None,
        extractors: Sequence[Extractor] | None = None,
        metrics: Sequence[str] | None = None,
        clips: int | None = None,
        frames: int = 16,
        resamples: int = 100,
        seed: int = 0,
        pairing: Pairing = "match",
        matched: int = 50,
        starts: int = 10,
        step: int = 1,
    ) -> None:
        clips = clips if clips is not None else USUAL_CLIPS[pairing]
        for name, value, least in (
            ("clips", clips, 2),
            ("frames", frames, 2),
            ("matched", matched, 1),
            ("starts", starts, 1),
            ("resamples", resamples, 0),
            ("step", step, 1),
        ):
            if value < least:
                raise InputError(f"{name}: {value} is too few (expected at least {least})")
        self.real, self.training = real, training
        self.clips, self.frames, self.step, self.seed = clips, frames, step, seed
        self.pairing, self.matched, self.resamples = pairing, matched, resamples
        chosen = [*metrics] if metrics is not None else ["all"]
        check_names(chosen)
        self.starts_per_clip = starts
        self.starts = self._draw_starts(real) if pairing == "start" else None
        self.drawn_frames = min((clips if self.starts is None else len(self.starts)) * frames, MOST_FRAMES)
        self.reference = self._sample(real, MOST_FRAMES) if self.starts is None else self._truths(self.starts)
        if extractors is None:
            extractors = default_extractors(training or real, frames=frames, subjects=pairing == "start")
        self.extractors = list(extractors)
        name, times = Counter(extractor.name for extractor in extractors).most_common(1)[0] if extractors else ("", 0)
        if times > 1:
            raise InputError(f"extractors: {times} are called {name} (expected one of each name)")
        self._asked = choose(chosen, self.extractors)
        self.left_out: dict[str, str] = {}
        self._last: tuple[System | Clips, Sample] | None = None

    @property
    def protocol(self) -> dict[str, str | int | float]:
        """Everything that decides the figures."""
        real, training = self.real, self.training
        return {
            "real": described(real),
            "reference rows": described(training) if training else "one half of the real clips, against the other",
            "frame size": f"{real.size}x{real.size}x{real.channels}, uint8",
            "resized from": resizing(real),
            "clips": self.clips,
            "frames per clip": self.frames,
            "step between frames": self.step,
            "real windows": len(self.reference.clips),
            "real frames": len(self.reference.frames),
            "drawn frames": self.drawn_frames,
            "extractors": ", ".join(extractor.name for extractor in self.extractors) or "none",
            "metrics": ", ".join(dict.fromkeys(metric.name for metric, _, _ in self._asked)),
            **self._pairing_protocol(),
            "features for kid and kvd": f"at most {MOST_FOR_KERNELS}",
            "features for precision to coverage": f"at most {MOST_FOR_MANIFOLDS}, as many of both",
            "clips for motion" if self.starts else "clips for motion and acd": f"at most {FEW}",
            "intervals": f"95 %, basic bootstrap, {self.resamples} resamples" if self.resamples else "none",
            "seed": self.seed,
        }

    def _pairing_protocol(self) -> dict[str, str | int]:
        pairing: dict[str, str | int] = {"pairing": PAIRINGS[self.pairing]}
        if self.starts is None:
            return {**pairing, "matched clips": self.matched}
        rule = f"at most {self.starts_per_clip}, at random, all different; no second one before all have given one"
        return {**pairing, "starts of a clip": rule}

    def measure(self, source: System | Clips) -> dict[str, Measure]:
        """The figures of a system, or of a set of generated clips.

        Returns:
            By name, after how many clips and frames they come from (`samples[clips]`, `samples[frames]`).

        Raises:
            InputError: the source has frames of another size or too few or too short clips, or what was asked for by
                name cannot be computed.
        """
        return self._figures(self._comparison(self._sample_of(source), self.reference, self._search))

    def distances_to_training(self, source: System | Clips) -> dict[str, Measure]:
        """Fréchet distances to the training clips, named `… to seen clips`: what papers print.

        Those to held-out people or places are as large for real clips of others: the reference rows say how large.

        Raises:
            InputError: there are no training clips, or the source cannot be measured.
        """
        if self.training is None:
            raise InputError("distances to training clips: there are none (expected training=)")
        comparison = self._comparison(self._sample_of(source), self._sample(self.training, MOST_FRAMES), self._search)
        return {
            f"{reported_name(metric, extractor, self.real.size)} to seen clips": metric.compute(comparison, extractor)
            for metric, extractor, _ in self._asked
            if metric.name in ("fid", "fvd")
        }

    def references(self) -> dict[str, dict[str, Measure]]:
        """What real clips, real clips that stand still and real clips out of order would be given.

        Single frames of all three are real: they differ in what is measured on clips. Where systems start from a
        picture, still and shuffled clips are made of the same pairs as theirs, and labels and identity of real clips
        are those of the same true windows.
        """
        if self.starts is not None:
            return self._references_of_starts(self.starts)
        others, real, search = self._two_real_sets()
        windows = others.clips.pixels
        rows = {
            REAL: replace(others, labelled=real.labelled),
            STILL: Sample(Examples(standing_still(windows)), others.frames),
            SHUFFLED: Sample(Examples(out_of_order(windows, self.seed)), others.frames),
        }
        if self.pairing == "name":
            rows = {row: replace(sample, pairs=self._damaged(row)) for row, sample in rows.items()}
        figures: dict[str, dict[str, Measure]] = {}
        for row, sample in rows.items():
            comparison = self._comparison(sample, real, search)
            figures[row] = self._figures(comparison, required=False, known=figures.get(REAL, {}))
        return figures

    def _references_of_starts(self, starts: Starts) -> dict[str, dict[str, Measure]]:
        others, real, _ = self._two_real_sets()
        own = self.reference
        rows = {
            REAL: (replace(others, labelled=own.labelled, started=own.started, pairs=[]), real),
            STILL: (starts.sample(standing_still(starts.truths), STILL), own),
            SHUFFLED: (starts.sample(out_of_order(starts.truths, self.seed), SHUFFLED), own),
        }
        return {
            row: self._figures(self._comparison(sample, against), required=False)
            for row, (sample, against) in rows.items()
        }

    def _figures(
        self, comparison: Comparison, required: bool = True, known: Mapping[str, Measure] = MappingProxyType({})
    ) -> dict[str, Measure]:
        """All metrics that were asked for.

        Args:
            comparison: of what with what.
            required: whether it is an error that one asked for by name cannot be computed.
            known: figures of a sample with the same single frames.

        Raises:
            InputError: what was required cannot be computed.
        """
        sample = comparison.sample
        figures = {
            "samples[clips]": Measure(len(sample.clips)),
            "samples[frames]": Measure(len(sample.frames)),
        }
        for metric, extractor, by_name in self._asked:
            try:
                name = reported_name(metric, extractor, self.real.size)
                of_frames = metric.group == "distribution" and extractor is not None and extractor.kind == "frame"
                figures[name] = known[name] if of_frames and name in known else metric.compute(comparison, extractor)
            except InputError as error:
                if by_name and required:
                    raise
                if required:
                    self.left_out.setdefault(metric.name, str(error))
        return figures

    def _sample(self, clips: Clips, most_frames: int) -> Sample:
        """Real clips, cut as the protocol says."""
        if self.pairing == "start":
            return self._truths(self._draw_starts(clips))
        return real_sample(clips, self.clips, self.frames, self.step, most_frames, self.seed)

    def _draw_starts(self, clips: Clips) -> Starts:
        return draw_starts(clips, self.clips, self.starts_per_clip, self.frames, self.step, self.seed)

    def _truths(self, starts: Starts) -> Sample:
        return starts.sample(starts.truths, REAL)

    def _comparison(self, sample: Sample, real: Sample, search: WindowSearch | None = None) -> Comparison:
        return Comparison(sample, real, search, self.matched, self.resamples, self.seed)

    def _sample_of(self, source: System | Clips) -> Sample:
        """What is measured of a source; the last one is kept, for drawing takes most of the time."""
        if self._last is None or self._last[0] is not source:
            sample = self._clips_sample(source) if isinstance(source, Clips) else self._drawn(source)
            self._last = source, sample
        return self._last[1]

    def _clips_sample(self, source: Clips) -> Sample:
        if (source.size, source.channels) != (self.real.size, self.real.channels):
            raise InputError(
                f"{source.name}: frames are {source.size}x{source.size}x{source.channels}, those of {self.real.name} "
                f"{self.real.size}x{self.real.size}x{self.real.channels} (expected equal sizes)"
            )
        if self.pairing == "start":
            raise InputError(
                f"pairing by start: {source.name} are clips whose pictures to start from are unknown "
                "(expected a system that starts from a picture)"
            )
        sample = real_sample(source, self.clips, self.frames, 1, self.drawn_frames, self.seed)
        return replace(sample, pairs=pairs_by_name(source, self.real)) if self.pairing == "name" else sample

    def _drawn(self, system: System) -> Sample:
        """Clips and frames drawn from a system."""
        if self.pairing == "name":
            raise InputError(f"pairing by name: {system.name} draws clips without names (expected a folder of clips)")
        if (system.starts_from != "noise") != (self.pairing == "start"):
            expected = "match" if system.starts_from == "noise" else "start"
            raise InputError(
                f"pairing by {self.pairing}: {system.name} starts from {system.starts_from} (expected {expected})"
            )
        size = (system.image_size, system.channels)
        if size != (self.real.size, self.real.channels):
            raise InputError(
                f"{system.name}: draws frames of {size[0]}x{size[0]}x{size[1]}, those of {self.real.name} are "
                f"{self.real.size}x{self.real.size}x{self.real.channels} (expected equal sizes)"
            )
        if self.starts is not None:
            return self.starts.animated_by(system, self.seed)
        clips = stored(system.sample_clips(self.clips, frames=self.frames, seed=self.seed), system.name)
        frames = system.sample_frames(self.drawn_frames, seed=self.seed)
        return Sample(Examples(clips), Examples(frames), labelled=self._labelled(system))

    def _labelled(self, system: System) -> tuple[Examples, np.ndarray] | None:
        """Clips drawn for labels, by a system that takes them."""
        drawn = system.sample_labelled_clips(self.clips, frames=self.frames, seed=self.seed)
        if drawn is None or not any(metric.name == "label_accuracy" for metric, _, _ in self._asked):
            return None
        labels: list[int] = []

        def clips_alone() -> Iterator[np.ndarray]:
            for clip, label in drawn:
                labels.append(label)
                yield clip

        return Examples(stored(clips_alone(), system.name)), np.array(labels, dtype=np.int64)

    @cached_property
    def _search(self) -> WindowSearch | None:
        return self._search_in(self.real)

    def _search_in(self, clips: Clips) -> WindowSearch | None:
        """What finds windows of real clips, where these are to be found."""
        return WindowSearch(tracks(clips, self.step)) if self.pairing == "match" else None

    def _two_real_sets(self) -> tuple[Sample, Sample, WindowSearch | None]:
        """Real clips to be measured, and those to measure them against, which share no clip."""
        if self.training is not None:
            return self._sample(self.training, self.drawn_frames), self.reference, self._search
        if len(self.real) < 2:
            raise InputError(f"{self.real.name}: is one clip (expected two or more, or training clips to compare with)")
        order = np.random.default_rng(self.seed).permutation(len(self.real))
        halves = [self.real.subset(sorted(part.tolist())) for part in np.array_split(order, 2)]
        own, other = (self._sample(half, self.drawn_frames) for half in halves)
        return own, other, self._search_in(halves[1])

    def _damaged(self, row: str) -> list[Pair]:
        """Real clips in the way of a reference row, each with itself; no pairs for real clips as they are."""
        if row == REAL:
            return []
        rng = np.random.default_rng(self.seed)
        pairs = []
        for clip in (self.real[i].frames for i in range(len(self.real))):
            order = rng.permutation(len(clip)) if row == SHUFFLED else list(repeat(0, len(clip)))
            pairs.append(Pair(clip[order], clip))
        return pairs


def described(clips: Clips) -> str:
    return f"{clips.name}: {len(clips)} clips, {clips.total_frames} frames"


def resizing(clips: Clips) -> str:
    """The sizes that frames had in their files, where other than they are now."""
    sizes = sorted({(record.width, record.height) for record in clips.records} - {(clips.size, clips.size)})
    if not sizes:
        return "nothing"
    return ", ".join(f"{width}x{height}" for width, height in sizes[:3]) + (", and others" if len(sizes) > 3 else "")
