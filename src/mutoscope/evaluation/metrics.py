"""The metrics there are: a table of names, directions, groups and functions of a `Comparison`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from jaxtyping import Float, Float64

from mutoscope.errors import InputError
from mutoscope.evaluation.protocol import Plan
from mutoscope.evaluation.samples import Examples, Pair, Sample, evenly
from mutoscope.metrics.animation_score import animation_score, window_frames
from mutoscope.metrics.bootstrap import Interval, bootstrap_interval
from mutoscope.metrics.classification import inception_score, label_accuracy
from mutoscope.metrics.extractors.base import Classifier, Extractor
from mutoscope.metrics.frechet import frechet_distance_of
from mutoscope.metrics.identity import acd_c, acd_i
from mutoscope.metrics.kernel import kernel_distance, kernel_distance_interval
from mutoscope.metrics.manifold import Manifolds, manifold_measures
from mutoscope.metrics.motion import MotionStatistics, motion_statistics, speed_distance
from mutoscope.metrics.pixel import background_error, flicker, ms_ssim, psnr, ssim, temporal_difference_error

FEWEST_FOR_DISTRIBUTIONS = 32
USUAL_SPLITS = 10  # of the Inception score, unless an extractor's publication has others
MOST_FOR_KERNELS = 2500
MOST_FOR_MANIFOLDS = 4096
MOST_FEATURES_FOR_INTERVALS = 256  # the intervals of a Fréchet distance in more would take many minutes


class Measure(NamedTuple):
    """A figure, and from where to where it may lie (95 %); None where no interval is known."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass
class Comparison:
    """A sample and the real one it is measured against; what several metrics need is computed once."""

    sample: Sample
    real: Sample
    plan: Plan

    @cached_property
    def pairs(self) -> list[Pair]:
        """Generated sequences and the real ones they are held against.

        Raises:
            InputError: there are none, or no real clip is long enough to be one.
        """
        if self.sample.pairs is not None:
            if not self.sample.pairs:
                raise InputError("pairing: these clips have no real ones of their own (expected clips paired by name)")
            return self.sample.pairs
        clips, search = self.sample.clips.pixels, self.real.search
        sequences = [clips[i] for i in evenly(len(clips), self.plan.matched)]
        return [
            Pair(sequence, window_frames(search.clips, search.best(sequence), len(sequence))) for sequence in sequences
        ]

    @cached_property
    def likeness(self) -> Float64[np.ndarray, "n 2"]:
        """PSNR and SSIM of each pair, means over its frames."""
        return np.array(
            [[measure(p.generated, p.real, data_range=255.0).mean() for measure in (psnr, ssim)] for p in self.pairs]
        )

    @property
    def best_pair(self) -> Float64[np.ndarray, "2"]:
        """PSNR and SSIM of the pair with the highest Animation Score."""
        return max(self.likeness, key=lambda parts: animation_score(parts[0], parts[1], fid=1.0))

    @cached_property
    def motion(self) -> list[MotionStatistics]:
        return [motion_statistics(clip) for clip in self.sample.few.pixels]

    def manifolds(self, extractor: Extractor) -> Manifolds:
        """Of equally many features of both."""
        if extractor.name not in self._manifolds:
            real, own = self.features(extractor)
            most = min(len(real), len(own), MOST_FOR_MANIFOLDS)
            self._manifolds[extractor.name] = manifold_measures(spread(real, most), spread(own, most))
        return self._manifolds[extractor.name]

    @cached_property
    def _manifolds(self) -> dict[str, Manifolds]:
        return {}

    def features(self, extractor: Extractor) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, "m k"]]:
        """Of the real and of the measured frames or clips, as the extractor is for.

        Raises:
            InputError: one of the two has too few to speak of a distribution.
        """
        found = []
        for sample in (self.real, self.sample):
            examples = examples_for(sample, extractor)
            if len(examples) < FEWEST_FOR_DISTRIBUTIONS:
                raise InputError(
                    f"{extractor.name}: {len(examples)} {extractor.kind}s are too few to compare distributions "
                    f"(expected at least {FEWEST_FOR_DISTRIBUTIONS})"
                )
            found.append(examples.features(extractor))
        return found[0], found[1]

    def mean(self, values: list[float] | Float64[np.ndarray, "n"]) -> Measure:
        """The mean of a figure of each clip, with its interval; what is not a number is passed over."""
        known = np.asarray(values, dtype=np.float64)
        known = known[np.isfinite(known)]
        if not len(known):
            return Measure(float("nan"))
        return self.measure(float(known.mean()), lambda: self.interval(np.mean, known))

    def interval(self, statistic: Callable[..., Any], *samples: np.ndarray) -> Interval:
        """A bootstrap interval, on one thread: on many, small matrices take up to fifty times as long."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, user_api="blas"):
            return bootstrap_interval(
                lambda *rows: float(statistic(*rows)), *samples, resamples=self.plan.resamples, seed=self.plan.seed
            )

    def measure(self, value: float, interval: Callable[[], Interval]) -> Measure:
        """A figure with its interval, if intervals are wanted."""
        return Measure(value, *interval()) if self.plan.resamples else Measure(value)


def examples_for(sample: Sample, extractor: Extractor) -> Examples:
    return sample.frames if extractor.kind == "frame" else sample.clips


def spread(rows: Float[np.ndarray, "n k"], most: int) -> Float[np.ndarray, "m k"]:
    return rows[evenly(len(rows), most)]


def frechet(c: Comparison, extractor: Extractor) -> Measure:
    real, own = c.features(extractor)
    distance = frechet_distance_of(own, real)
    if real.shape[1] > MOST_FEATURES_FOR_INTERVALS:
        return Measure(distance)
    return c.measure(distance, lambda: c.interval(frechet_distance_of, own, real))


def kernel(c: Comparison, extractor: Extractor) -> Measure:
    real, own = (spread(features, MOST_FOR_KERNELS) for features in c.features(extractor))
    return c.measure(
        kernel_distance(own, real),
        lambda: kernel_distance_interval(own, real, resamples=c.plan.resamples, seed=c.plan.seed),
    )


def score_of_classes(c: Comparison, extractor: Extractor) -> Measure:
    found = examples_for(c.sample, extractor).probabilities(cast(Classifier, extractor))
    found = np.random.default_rng(c.plan.seed).permutation(found)
    splits = getattr(extractor, "score_splits", USUAL_SPLITS)

    def score(probabilities: Float[np.ndarray, "n k"]) -> float:
        return inception_score(probabilities, splits).mean

    return c.measure(score(found), lambda: c.interval(score, found))


def accuracy(c: Comparison, extractor: Extractor) -> Measure:
    if c.sample.labelled is None:
        raise InputError("label_accuracy: no labels are known (expected a system that draws clips of a given label)")
    clips, labels = c.sample.labelled
    found = clips.probabilities(cast(Classifier, extractor))
    return c.measure(
        label_accuracy(found, labels),
        lambda: c.interval(lambda rows: label_accuracy(found[rows], labels[rows]), np.arange(len(labels))),
    )


def content_consistency(c: Comparison, extractor: Extractor) -> Measure:
    clips = c.sample.started[0] if c.sample.started is not None else c.sample.few
    return c.mean([acd_c(track) for track in clips.features(extractor)])


def identity(c: Comparison, extractor: Extractor) -> Measure:
    if c.sample.started is not None:
        clips, pictures = (examples.features(extractor) for examples in c.sample.started)
        return c.mean([acd_i(track, picture) for track, picture in zip(clips, pictures, strict=True)])
    if c.sample.pairs is None:
        raise InputError("acd_i: no input pictures are known (expected clips paired by name with real ones)")
    return c.mean([acd_i(extractor(pair.generated), extractor(pair.real[:1])[0]) for pair in c.pairs])


def whole_score(c: Comparison, extractor: Extractor) -> Measure:
    fid = frechet_distance_of(*c.features(extractor))

    def score(likeness: Float64[np.ndarray, "n 2"]) -> float:
        psnr_mean, ssim_mean = likeness.mean(axis=0)
        return animation_score(float(psnr_mean), float(ssim_mean), fid)

    return c.measure(score(c.likeness), lambda: c.interval(score, c.likeness))


def best_score(c: Comparison, extractor: Extractor) -> Measure:
    psnr_best, ssim_best = c.best_pair
    return Measure(animation_score(float(psnr_best), float(ssim_best), frechet_distance_of(*c.features(extractor))))


def over_pairs(measure: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[Comparison, None], Measure]:
    return lambda c, _: c.mean([measure(pair.generated, pair.real) for pair in c.pairs])


def share(name: str) -> Callable[[Comparison, Extractor], Measure]:
    return lambda c, extractor: Measure(getattr(c.manifolds(extractor), name))


def of_motion(name: str) -> Callable[[Comparison, None], Measure]:
    return lambda c, _: c.mean([getattr(statistics, name) for statistics in c.motion])


Needs = Literal["frame", "clip", "any", "classifier", "identity"] | None


class Metric(NamedTuple):
    """One line of the table.

    Attributes:
        name: base name; with an extractor it is reported as `name[extractor]`.
        group: what it is asked for with.
        better: "↑" higher, "↓" lower, "≈" the closer to real clips.
        needs: the kind of extractor it is computed with, "identity" for one of frames that tells subjects, if there is
            one; None for pixels.
        compute: from a comparison and an extractor (or None) to a figure.
    """

    name: str
    group: str
    better: Literal["↑", "↓", "≈"]
    needs: Needs
    compute: Callable[[Comparison, Any], Measure]


METRICS = (
    Metric("psnr", "pixel", "↑", None, lambda c, _: c.mean(c.likeness[:, 0])),
    Metric("ssim", "pixel", "↑", None, lambda c, _: c.mean(c.likeness[:, 1])),
    Metric("ms_ssim", "pixel", "↑", None, over_pairs(lambda a, b: float(ms_ssim(a, b, data_range=255.0).mean()))),
    Metric("background_error", "pixel", "↓", None, over_pairs(background_error)),
    Metric("temporal_difference", "pixel", "↓", None, over_pairs(temporal_difference_error)),
    Metric("flicker", "pixel", "≈", None, lambda c, _: c.mean([flicker(clip) for clip in c.sample.clips.pixels])),
    Metric("fid", "distribution", "↓", "frame", frechet),
    Metric("kid", "distribution", "↓", "frame", kernel),
    Metric("fvd", "distribution", "↓", "clip", frechet),
    Metric("kvd", "distribution", "↓", "clip", kernel),
    Metric("is", "distribution", "↑", "classifier", score_of_classes),
    Metric("precision", "distribution", "↑", "any", share("precision")),
    Metric("recall", "distribution", "↑", "any", share("recall")),
    Metric("density", "distribution", "↑", "any", share("density")),
    Metric("coverage", "distribution", "↑", "any", share("coverage")),
    Metric("speed", "motion", "≈", None, of_motion("speed")),
    Metric("moving", "motion", "≈", None, of_motion("moving")),
    Metric("consistency", "motion", "≈", None, of_motion("consistency")),
    Metric("speed_distance", "motion", "↓", None, lambda c, _: Measure(speed_distance(c.sample.speeds, c.real.speeds))),
    Metric("acd_c", "identity", "≈", "identity", content_consistency),
    Metric("acd_i", "identity", "↓", "identity", identity),
    Metric("label_accuracy", "identity", "↑", "classifier", accuracy),
    Metric("animation_score", "animation_score", "↑", "frame", whole_score),
    Metric("animation_score_best", "animation_score", "↑", "frame", best_score),
    Metric("psnr_best", "animation_score", "↑", None, lambda c, _: Measure(float(c.best_pair[0]))),
    Metric("ssim_best", "animation_score", "↑", None, lambda c, _: Measure(float(c.best_pair[1]))),
)

GROUPS: dict[str, tuple[str, ...]] = {
    group: tuple(metric.name for metric in METRICS if metric.group == group)
    for group in dict.fromkeys(metric.group for metric in METRICS)
}
GROUPS["animation_score"] = ("psnr", "ssim", "fid", *GROUPS["animation_score"])  # a score is shown with its parts
GROUPS["all"] = tuple(metric.name for metric in METRICS)
