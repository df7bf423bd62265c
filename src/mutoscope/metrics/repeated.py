"""Inception score and Fréchet distance as TGANv2's table has them: of several draws, with their spread.

M. Saito, S. Saito, M. Koyama and S. Kobayashi, "Train sparsely, generate densely", IJCV 2020; Wang 2021, Table 5.10.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from mutoscope.errors import InputError
from mutoscope.metrics.classification import inception_score
from mutoscope.metrics.extractors.base import Classifier, Extractor
from mutoscope.metrics.frechet import FeatureStatistics, frechet_distance

REPEATS = 10
CLIPS_AT_ONCE = 64

ClipStream = Iterable[UInt8[np.ndarray, "t h w c"]]


class Spread(NamedTuple):
    """Mean and standard deviation over draws."""

    mean: float
    std: float


class RepeatedScores(NamedTuple):
    """Inception score (no splits) and Fréchet distance to real clips."""

    inception_score: Spread
    frechet_distance: Spread


def clip_statistics(clips: ClipStream, extractor: Extractor) -> FeatureStatistics:
    """The statistics of an extractor's features of clips that come one after the other and need not fit in memory."""
    statistics = FeatureStatistics()
    for batch in _batches(clips):
        statistics.update(extractor(batch))
    return statistics


def repeated_scores(
    draw: Callable[[int], ClipStream], real: FeatureStatistics, classifier: Classifier, repeats: int = REPEATS
) -> RepeatedScores:
    """Scores of clips drawn anew each time; the published protocol draws 2,048 of 16 frames, 10 times.

    Args:
        draw: from a seed, 0 to `repeats - 1`, to clips.
        real: statistics of the classifier's features of real clips; the published ones are of 10 random windows of each
            of the 9,537 training clips of UCF101's first split.
        classifier: of clips; published figures need `c3d-ucf101`.
        repeats: how many draws.

    Raises:
        InputError: there are no draws, or one gives no clips.
    """
    if repeats < 1:
        raise InputError(f"repeats {repeats}: is too small (expected at least 1)")
    scores, distances = [], []
    for seed in range(repeats):
        statistics, probabilities = FeatureStatistics(), []
        for batch in _batches(draw(seed)):
            statistics.update(classifier(batch))
            probabilities.append(classifier.probabilities(batch))
        if not probabilities:
            raise InputError(f"draw {seed}: gave no clips (expected at least one)")
        scores.append(inception_score(np.concatenate(probabilities), splits=1).mean)
        distances.append(frechet_distance(statistics, real))
    return RepeatedScores(*(Spread(float(np.mean(each)), float(np.std(each))) for each in (scores, distances)))


def _batches(clips: ClipStream) -> Iterator[UInt8[np.ndarray, "n t h w c"]]:
    stream = iter(clips)
    while batch := list(islice(stream, CLIPS_AT_ONCE)):
        yield np.stack(batch)
