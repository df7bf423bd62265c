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
from mutoscope.evaluation.extractors import default_extractors
from mutoscope.evaluation.metrics import (
    GROUPS,
    METRICS,
    MOST_FOR_KERNELS,
    MOST_FOR_MANIFOLDS,
    Comparison,
    Measure,
    Metric,
)
from mutoscope.evaluation.samples import FEW, Examples, Pair, Sample, pairs_by_name, real_sample, stored, tracks
from mutoscope.metrics.animation_score import WindowSearch
from mutoscope.metrics.extractors.base import Extractor
from mutoscope.metrics.pixel import ms_ssim_name
from mutoscope.systems.base import System

MOST_FRAMES = 10_000
REAL, STILL, SHUFFLED = "real vs real", "static copy", "shuffled frames"


class Evaluator:
    """A protocol: real clips, features, metrics, sample sizes and a seed; `measure` applies it to anything.

    Args:
        real: the reference, clips that no system was trained on.
        training: other real clips of the same kind; they stand in for a perfect system in the reference rows. Without
            them these rows compare one half of `real` with the other.
        extractors: features to measure in; by default those of `default_extractors`.
        metrics: names of metrics, with or without an extractor (`fid`, `fid[pca64-pixels]`), or of groups (`GROUPS`);
            by default all. What is asked for by its own name must be possible; of a group, what is not is left out.
        clips: clips drawn from each source, and windows cut from real clips (fewer where there are not so many).
        frames: frames of a clip.
        resamples: bootstrap resamples for intervals; 0 for none.
        seed: of draws, windows and resamples.
        pairing: how the real clip of a generated one is found, for metrics that compare pixels: the real window most
            like it ("match", for systems that draw from noise), or the real clip of the same name ("name").
        matched: generated clips for which a window is searched.
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
        clips: int = 256,
        frames: int = 16,
        resamples: int = 100,
        seed: int = 0,
        pairing: Literal["match", "name"] = "match",
        matched: int = 50,
        step: int = 1,
    ) -> None:
        for name, value, least in (
            ("clips", clips, 2),
            ("frames", frames, 2),
            ("matched", matched, 1),
            ("resamples", resamples, 0),
            ("step", step, 1),
        ):
            if value < least:
                raise InputError(f"{name}: {value} is too few (expected at least {least})")
        self.real, self.training = real, training
        self.clips, self.frames, self.step, self.seed = clips, frames, step, seed
        self.pairing, self.matched, self.resamples = pairing, matched, resamples
        self.drawn_frames = min(clips * frames, MOST_FRAMES)
        chosen = [*metrics] if metrics is not None else ["all"]
        _check_names(chosen)
        self.reference = self._sample(real, MOST_FRAMES)
        if extractors is None:
            extractors = default_extractors(training or real, frames=frames)
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
            "pairing": "most similar real window"
            if self.pairing == "match"
            else "clips of one name, their common frames",
            "matched clips": self.matched,
            "features for kid and kvd": f"at most {MOST_FOR_KERNELS}",
            "features for precision to coverage": f"at most {MOST_FOR_MANIFOLDS}, as many of both",
            "clips for motion and acd": f"at most {FEW}",
            "intervals": f"95 %, basic bootstrap, {self.resamples} resamples" if self.resamples else "none",
            "seed": self.seed,
        }

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

        Single frames of all three are real: they differ in what is measured on clips.
        """
        others, real, search = self._two_real_sets()
        windows = others.clips.pixels
        rng = np.random.default_rng(self.seed)
        still = stored((np.repeat(clip[:1], len(clip), axis=0) for clip in windows), STILL)
        shuffled = stored((clip[rng.permutation(len(clip))] for clip in windows), SHUFFLED)
        rows = {
            REAL: replace(others, labelled=real.labelled),
            STILL: Sample(Examples(still), others.frames),
            SHUFFLED: Sample(Examples(shuffled), others.frames),
        }
        if self.pairing == "name":
            rows = {row: replace(sample, pairs=self._damaged(row)) for row, sample in rows.items()}
        figures: dict[str, dict[str, Measure]] = {}
        for row, sample in rows.items():
            comparison = Comparison(sample, real, search, self.matched, self.resamples, self.seed)
            figures[row] = self._figures(comparison, required=False, known=figures.get(REAL, {}))
        return figures

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
        return real_sample(clips, self.clips, self.frames, self.step, most_frames, self.seed)

    def _comparison(self, sample: Sample, real: Sample, search: WindowSearch) -> Comparison:
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
        sample = real_sample(source, self.clips, self.frames, 1, self.drawn_frames, self.seed)
        return replace(sample, pairs=pairs_by_name(source, self.real)) if self.pairing == "name" else sample

    def _drawn(self, system: System) -> Sample:
        """Clips and frames drawn from a system."""
        if self.pairing == "name":
            raise InputError(f"pairing by name: {system.name} draws clips without names (expected a folder of clips)")
        size = (system.image_size, system.channels)
        if size != (self.real.size, self.real.channels):
            raise InputError(
                f"{system.name}: draws frames of {size[0]}x{size[0]}x{size[1]}, those of {self.real.name} are "
                f"{self.real.size}x{self.real.size}x{self.real.channels} (expected equal sizes)"
            )
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
    def _search(self) -> WindowSearch:
        return WindowSearch(tracks(self.real, self.step))

    def _two_real_sets(self) -> tuple[Sample, Sample, WindowSearch]:
        """Real clips to be measured, and those to measure them against, which share no clip."""
        if self.training is not None:
            return self._sample(self.training, self.drawn_frames), self.reference, self._search
        if len(self.real) < 2:
            raise InputError(f"{self.real.name}: is one clip (expected two or more, or training clips to compare with)")
        order = np.random.default_rng(self.seed).permutation(len(self.real))
        halves = [self.real.subset(sorted(part.tolist())) for part in np.array_split(order, 2)]
        own, other = (self._sample(half, self.drawn_frames) for half in halves)
        return own, other, WindowSearch(tracks(halves[1], self.step))

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


def choose(asked: Sequence[str], extractors: Sequence[Extractor]) -> list[tuple[Metric, Extractor | None, bool]]:
    """The metrics that names and groups mean, each with every extractor that fits, and whether by its own name.

    Raises:
        InputError: a metric is asked for by name, but no extractor fits.
    """
    own = {name for name in asked if name not in GROUPS}
    grouped = {name for group in asked if group in GROUPS for name in GROUPS[group]}
    chosen: list[tuple[Metric, Extractor | None, bool]] = []
    for metric in METRICS:
        fitting = [None] if metric.needs is None else [e for e in extractors if fits(metric, e)]
        for extractor in fitting:
            full = metric.name if extractor is None else f"{metric.name}[{extractor.name}]"
            if {metric.name, full} & (own | grouped):
                chosen.append((metric, extractor, bool({metric.name, full} & own)))
    found = {
        name for metric, e, _ in chosen for name in (metric.name, f"{metric.name}[{e.name}]" if e else metric.name)
    }
    for name in own - found:
        there = ", ".join(extractor.name for extractor in extractors) or "none"
        raise InputError(f"metrics: {name} cannot be computed with the extractors given (there are {there})")
    return chosen


def fits(metric: Metric, extractor: Extractor) -> bool:
    """Whether a metric can be computed with an extractor."""
    if metric.needs == "classifier":
        return bool(getattr(extractor, "classes", None))
    return metric.needs in ("any", extractor.kind)


def reported_name(metric: Metric, extractor: Extractor | None, size: int) -> str:
    """The name of a figure: with the extractor's, and for multi-scale SSIM with the number of scales."""
    if metric.name == "ms_ssim":
        return ms_ssim_name(size, size)
    return f"{metric.name}[{extractor.name}]" if extractor else metric.name


def described(clips: Clips) -> str:
    return f"{clips.name}: {len(clips)} clips, {clips.total_frames} frames"


def resizing(clips: Clips) -> str:
    """The sizes that frames had in their files, where other than they are now."""
    sizes = sorted({(record.width, record.height) for record in clips.records} - {(clips.size, clips.size)})
    if not sizes:
        return "nothing"
    return ", ".join(f"{width}x{height}" for width, height in sizes[:3]) + (", and others" if len(sizes) > 3 else "")


def _check_names(asked: Sequence[str]) -> None:
    known = {metric.name for metric in METRICS} | GROUPS.keys()
    for name in asked:
        if name.split("[")[0] not in known:
            raise InputError(
                f"metrics: {name} is unknown (expected some of {', '.join(sorted(known - GROUPS.keys()))}; "
                f"or of the groups {', '.join(GROUPS)})"
            )
