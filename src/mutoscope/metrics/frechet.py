"""Fréchet distance between two sets of frames, in the space of any feature extractor, with exact float64 statistics."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float64, UInt8

from mutoscope.errors import InputError


@runtime_checkable
class Extractor(Protocol):
    """Any callable that turns frames into features and says by its name which features they are."""

    name: str

    def __call__(self, frames: UInt8[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n k"]: ...


class FeatureStatistics:
    """Mean and covariance of features that arrive in batches (pairwise update of Chan et al. 1983), in float64."""

    def __init__(self) -> None:
        self.count = 0
        self._mean = np.zeros(1)  # broadcasts to the width of the first batch
        self._scatter = np.zeros((1, 1))  # sum of the outer products of deviations from the mean

    def update(self, features: Float[np.ndarray, "n k"]) -> None:
        """Adds n feature vectors."""
        if len(features):
            features = features.astype(np.float64)
            mean = features.mean(axis=0)
            deviations = features - mean
            self._combine(len(features), mean, deviations.T @ deviations)

    def merge(self, other: "FeatureStatistics") -> None:
        """Adds all that `other` has seen (for example on another machine)."""
        if other.count:
            self._combine(other.count, other._mean, other._scatter)

    def compute(self) -> tuple[Float64[np.ndarray, "k"], Float64[np.ndarray, "k k"]]:
        """Mean and unbiased covariance; the covariance of a single feature vector is zero.

        Raises:
            InputError: nothing was added yet.
        """
        if not self.count:
            raise InputError("feature statistics: no frames were given (expected at least one)")
        return self._mean, self._scatter / max(self.count - 1, 1)

    def _combine(self, count: int, mean: Float64[np.ndarray, "k"], scatter: Float64[np.ndarray, "k k"]) -> None:
        total = self.count + count
        shift = mean - self._mean
        self._scatter = self._scatter + scatter + np.outer(shift, shift) * (self.count * count / total)
        self._mean = self._mean + shift * (count / total)
        self.count = total


def feature_statistics(
    frames: UInt8[np.ndarray, "n h w c"], extractor: Extractor, batch_size: int = 256
) -> FeatureStatistics:
    """The statistics of `extractor`'s features over all frames, `batch_size` frames at a time."""
    statistics = FeatureStatistics()
    for start in range(0, len(frames), batch_size):
        statistics.update(extractor(frames[start : start + batch_size]))
    return statistics


def frechet_name(extractor: Extractor) -> str:
    """The name under which a Fréchet distance in this extractor's features is reported, such as `fid[pca64-pixels]`."""
    return f"fid[{extractor.name}]"


def frechet_distance(a: FeatureStatistics, b: FeatureStatistics) -> float:
    """`‖μ1 − μ2‖² + Tr(Σ1 + Σ2 − 2 (Σ1 Σ2)^½)`, at least 0, in squared units of the features; 0 for equal statistics.

    The trace of the root is taken as the sum of the singular values of Σ1^½ Σ2^½, which is the same number and stays
    real and exact where covariances are singular (fewer samples than dimensions).

    Raises:
        InputError: one of the two has seen no frames.
    """
    (mean_a, covariance_a), (mean_b, covariance_b) = a.compute(), b.compute()
    root_product = _symmetric_root(covariance_a) @ _symmetric_root(covariance_b)
    trace_of_root = np.linalg.svd(root_product, compute_uv=False).sum()
    traces = np.trace(covariance_a) + np.trace(covariance_b)
    return float(max(np.square(mean_a - mean_b).sum() + traces - 2 * trace_of_root, 0.0))


def _symmetric_root(matrix: Float64[np.ndarray, "k k"]) -> Float64[np.ndarray, "k k"]:
    """Square root of a symmetric positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
