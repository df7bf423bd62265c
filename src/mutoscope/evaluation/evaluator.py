"""Measures systems and folders of clips against real clips, always in the same way, with rows to compare them with."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.evaluation.choice import check_names, choose, full_name
from mutoscope.evaluation.clips import ClipsProtocol
from mutoscope.evaluation.continuations import ContinuationsProtocol
from mutoscope.evaluation.extractors import default_extractors
from mutoscope.evaluation.metrics import MOST_FOR_KERNELS, MOST_FOR_MANIFOLDS, Comparison, Measure, Metric
from mutoscope.evaluation.protocol import Pairing, Plan, Protocol
from mutoscope.evaluation.samples import FEW, REAL, Sample
from mutoscope.metrics.extractors.base import Extractor
from mutoscope.metrics.pixel import ms_ssim_name
from mutoscope.systems.base import System

PROTOCOLS: dict[str, type[Protocol]] = {"clips": ClipsProtocol, "continuations": ContinuationsProtocol}
"""By the name that systems know them by."""


class Evaluator:
    """Real clips, features, metrics, sample sizes and a seed; `measure` applies them to anything of one protocol.

    Args:
        real: the reference, clips that no system was trained on.
        training: other real clips of the same kind; they stand in for a perfect system in the reference rows. Without
            them these rows compare one half of `real` with the other.
        extractors: features to measure in; by default those of `default_extractors`.
        metrics: names of metrics, with or without an extractor (`fid`, `fid[pca64-pixels]`), or of groups (`GROUPS`);
            by default all. What is asked for by its own name must be possible; of a group, what is not is left out.
        clips: as of a `Plan`; by default as many as the protocol says.
        pairing: the same, which also says the protocol.
        numbers: the other numbers of a `Plan`.

    Attributes:
        protocol: what is drawn of systems and cut from real clips, and how they are paired.
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
        pairing: Pairing = "match",
        **numbers: int,
    ) -> None:
        kind = protocol_with(pairing)
        self.plan = Plan(kind.usual_clips if clips is None else clips, pairing=pairing, **numbers)
        chosen = [*metrics] if metrics is not None else ["all"]
        check_names(chosen)
        self.real, self.training = real, training
        self.protocol = kind(real, self.plan)
        if extractors is None:
            extractors = default_extractors(training or real, frames=self.plan.frames, subjects=kind.subjects)
        self.extractors = list(extractors)
        name, times = Counter(extractor.name for extractor in extractors).most_common(1)[0] if extractors else ("", 0)
        if times > 1:
            raise InputError(f"extractors: {times} are called {name} (expected one of each name)")
        self._asked = choose(chosen, self.extractors)
        self.left_out: dict[str, str] = {}
        self._last: tuple[System | Clips, Sample] | None = None

    @property
    def table(self) -> dict[str, str | int | float]:
        """Everything that decides the figures."""
        real, training, plan, reference = self.real, self.training, self.plan, self.protocol.reference
        return {
            "real": described(real),
            "reference rows": described(training) if training else "one half of the real clips, against the other",
            "frame size": f"{shape_of(real)}, uint8",
            "resized from": resizing(real),
            "clips": plan.clips,
            "frames per clip": plan.frames,
            "step between frames": plan.step,
            "real windows": len(reference.clips),
            "real frames": len(reference.frames),
            "drawn frames": self.protocol.drawn_frames,
            "extractors": ", ".join(extractor.name for extractor in self.extractors) or "none",
            "metrics": ", ".join(dict.fromkeys(metric.name for metric, _, _ in self._asked)),
            **self.protocol.table(),
            "features for kid and kvd": f"at most {MOST_FOR_KERNELS}",
            "features for precision to coverage": f"at most {MOST_FOR_MANIFOLDS}, as many of both",
            f"clips for {self.protocol.slow}": f"at most {FEW}",
            "intervals": f"95 %, basic bootstrap, {plan.resamples} resamples" if plan.resamples else "none",
            "seed": plan.seed,
        }

    def measure(self, source: System | Clips) -> dict[str, Measure]:
        """The figures of a system, or of a set of generated clips.

        Returns:
            By name, after how many clips and frames they come from (`samples[clips]`, `samples[frames]`).

        Raises:
            InputError: the source is of another protocol, has frames of another size or too few or too short clips, or
                what was asked for by name cannot be computed.
        """
        return self._figures(Comparison(self._sample_of(source), self.protocol.reference, self.plan))

    def distances_to_training(self, source: System | Clips) -> dict[str, Measure]:
        """Fréchet distances to the training clips, named `… to seen clips`: what papers print.

        Those to held-out people or places are as large for real clips of others: the reference rows say how large.

        Raises:
            InputError: there are no training clips, or the source cannot be measured.
        """
        if self.training is None:
            raise InputError("distances to training clips: there are none (expected training=)")
        comparison = Comparison(self._sample_of(source), self.protocol.cut(self.training), self.plan)
        return {
            f"{self._name(metric, extractor)} to seen clips": metric.compute(comparison, extractor)
            for metric, extractor, _ in self._asked
            if metric.name in ("fid", "fvd")
        }

    def references(self) -> dict[str, dict[str, Measure]]:
        """What real clips, real clips that stand still and real clips out of order would be given."""
        rows = self.protocol.references(*self._two_real_sets())
        figures: dict[str, dict[str, Measure]] = {}
        for row, (sample, real) in rows.items():
            same_frames = sample.frames is rows[REAL][0].frames and real is rows[REAL][1]
            known = figures.get(REAL, {}) if same_frames else {}
            figures[row] = self._figures(Comparison(sample, real, self.plan), required=False, known=known)
        return figures

    def _figures(
        self, comparison: Comparison, required: bool = True, known: Mapping[str, Measure] = MappingProxyType({})
    ) -> dict[str, Measure]:
        """All metrics that were asked for.

        Args:
            comparison: of what with what.
            required: whether it is an error that one asked for by name cannot be computed.
            known: figures of a sample with the same single frames, against the same.

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
                name = self._name(metric, extractor)
                of_frames = metric.group == "distribution" and extractor is not None and extractor.kind == "frame"
                figures[name] = known[name] if of_frames and name in known else metric.compute(comparison, extractor)
            except InputError as error:
                if by_name and required:
                    raise
                if required:
                    self.left_out.setdefault(metric.name, str(error))
        return figures

    def _name(self, metric: Metric, extractor: Extractor | None) -> str:
        """For multi-scale SSIM with the number of scales."""
        own_size = self.real.height, self.real.width
        return ms_ssim_name(*own_size) if metric.name == "ms_ssim" else full_name(metric, extractor)

    def _sample_of(self, source: System | Clips) -> Sample:
        """What is measured of a source; the last one is kept, for drawing takes most of the time."""
        if self._last is None or self._last[0] is not source:
            self._last = source, self._taken(source)
        return self._last[1]

    def _taken(self, source: System | Clips) -> Sample:
        """What is measured of a source, if it fits."""
        own, said = shape_of(source), "draws frames of" if isinstance(source, System) else "frames are"
        if isinstance(source, System) and not isinstance(self.protocol, theirs := PROTOCOLS[source.protocol]):
            raise InputError(
                f"pairing by {self.plan.pairing}: {source.name} {theirs.asks} (expected {theirs.usual_pairing()})"
            )
        if own != (real := shape_of(self.real)):
            raise InputError(
                f"{source.name}: {said} {own}, those of {self.real.name} are {real} (expected equal sizes)"
            )
        if isinstance(source, Clips):
            return self.protocol.given(source)
        return self.protocol.drawn(source, any(metric.name == "label_accuracy" for metric, _, _ in self._asked))

    def _two_real_sets(self) -> tuple[Sample, Sample]:
        """Real clips to be measured, and those to measure them against, which share no clip."""
        protocol = self.protocol
        if self.training is not None:
            return protocol.cut(self.training, protocol.drawn_frames), protocol.reference
        if len(self.real) < 2:
            raise InputError(f"{self.real.name}: is one clip (expected two or more, or training clips to compare with)")
        order = np.random.default_rng(self.plan.seed).permutation(len(self.real))
        halves = [self.real.subset(sorted(part.tolist())) for part in np.array_split(order, 2)]
        own, other = (protocol.cut(half, protocol.drawn_frames) for half in halves)
        return own, other


def protocol_with(pairing: Pairing) -> type[Protocol]:
    """The protocol that pairs clips in this way."""
    return next(protocol for protocol in PROTOCOLS.values() if pairing in protocol.pairings)


def described(clips: Clips) -> str:
    return f"{clips.name}: {len(clips)} clips, {clips.total_frames} frames"


def shape_of(source: System | Clips) -> str:
    """Width, height and channels of frames."""
    if isinstance(source, Clips):
        return f"{source.width}x{source.height}x{source.channels}"
    height, width = source.config.size
    return f"{width}x{height}x{source.config.channels}"


def resizing(clips: Clips) -> str:
    """The sizes that frames had in their files, where other than they are now."""
    sizes = sorted({(record.width, record.height) for record in clips.records} - {(clips.width, clips.height)})
    if not sizes:
        return "nothing"
    return ", ".join(f"{width}x{height}" for width, height in sizes[:3]) + (", and others" if len(sizes) > 3 else "")
