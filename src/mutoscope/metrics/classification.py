"""What a classifier says of generated samples: Inception score, label accuracy, confusion."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int, Int64

from mutoscope.errors import InputError

ROUNDING = 1e-2  # probabilities of half precision sum to 1 within this


class InceptionScore(NamedTuple):
    """Mean and standard deviation of an Inception score over splits."""

    mean: float
    std: float


def inception_score(probabilities: Float[np.ndarray, "n k"], splits: int = 10) -> InceptionScore:
    """`exp(mean KL(p(y|x) ‖ p(y)))` of each split (Salimans et al. 2016), from 1 to k; higher is better.

    1 where all samples are given the same probabilities, k where each is sure and all classes are equally frequent.
    Splits are consecutive, as even as can be (shuffle samples that come sorted); one of n samples scores at most n.

    Args:
        probabilities: p(y|x) of n samples over k classes; rows sum to 1.
        splits: how many parts are scored, each with its own p(y).

    Raises:
        InputError: there are fewer samples than splits, or rows that are no probabilities.
    """
    from scipy.special import rel_entr

    _check_probabilities(probabilities)
    if not 0 < splits <= len(probabilities):
        raise InputError(
            f"Inception score: {len(probabilities)} samples in {splits} splits (expected one or more each)"
        )
    parts = np.array_split(probabilities.astype(np.float64), splits)
    scores = [np.exp(rel_entr(part, part.mean(axis=0)).sum(axis=1).mean()) for part in parts]
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)))


def label_accuracy(probabilities: Float[np.ndarray, "n k"], labels: Int[np.ndarray, "n"]) -> float:
    """Share of samples whose most probable class is the one they were made for, 0 to 1; 1 / k by chance.

    Args:
        probabilities: of n samples over k classes.
        labels: the column of each sample's class.

    Raises:
        InputError: there are no samples, rows that are no probabilities, or a label that is no column.
    """
    return float(np.trace(confusion_matrix(probabilities, labels)) / len(labels))


def class_accuracies(probabilities: Float[np.ndarray, "n k"], labels: Int[np.ndarray, "n"]) -> Float64[np.ndarray, "k"]:
    """`label_accuracy` of each class's samples, 0 to 1; NaN for a class without samples.

    Raises:
        InputError: as `label_accuracy`.
    """
    confusion = confusion_matrix(probabilities, labels)
    totals = confusion.sum(axis=1)
    return np.where(totals > 0, np.diag(confusion) / np.maximum(totals, 1), np.nan)


def confusion_matrix(probabilities: Float[np.ndarray, "n k"], labels: Int[np.ndarray, "n"]) -> Int64[np.ndarray, "k k"]:
    """Counts of samples made for the class of the row and most probable to be of the class of the column.

    Raises:
        InputError: as `label_accuracy`.
    """
    _check_probabilities(probabilities)
    classes = probabilities.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise InputError(
            f"labels: {labels.min()} to {labels.max()} (expected 0 to {classes - 1}, columns of probabilities)"
        )
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)
    return counts


def _check_probabilities(probabilities: Float[np.ndarray, "n k"]) -> None:
    if not len(probabilities):
        raise InputError("probabilities: no samples were given (expected at least one)")
    if not (probabilities.min() >= 0 and np.allclose(probabilities.sum(axis=1, dtype=np.float64), 1, atol=ROUNDING)):
        raise InputError("probabilities: rows are negative or do not sum to 1 (expected the output of a softmax)")
