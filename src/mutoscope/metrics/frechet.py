"""Fréchet distance between two sets of samples, in the space of any extractor, with exact float64 statistics."""

import numpy as np
from jaxtyping import Float, Float64, UInt8

from mutoscope.errors import InputError
from mutoscope.metrics.extractors.base import Extractor


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
    frames: UInt8[np.ndarray, "n *t h w c"], extractor: Extractor, batch_size: int = 256
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

    The trace of the root is taken as the sum of the singular values of F1 F2ᵀ, where Fᵀ F = Σ, which is the same number
    and stays real and exact where covariances are singular (fewer samples than dimensions).

    Raises:
        InputError: one of the two has seen no frames.
    """
    (mean_a, covariance_a), (mean_b, covariance_b) = a.compute(), b.compute()
    return _distance(mean_a, _factor(covariance_a), mean_b, _factor(covariance_b))


def frechet_distance_of(a: Float[np.ndarray, "n k"], b: Float[np.ndarray, "m k"]) -> float:
    """`frechet_distance` of features that are all at hand, as for `bootstrap_interval`; quicker where they are few.

    Too large by an amount that falls with the number of samples and grows with that of features: compare only figures
    of as many samples, or look at `bootstrap_interval`, which corrects for it.

    Raises:
        InputError: one of the two has no rows.
    """
    if not (len(a) and len(b)):
        raise InputError("Fréchet distance: no features were given (expected at least one row in each set)")
    means = [features.mean(axis=0, dtype=np.float64) for features in (a, b)]
    factors = [_factor_of_deviations(features - mean) for features, mean in zip((a, b), means, strict=True)]
    return _distance(means[0], factors[0], means[1], factors[1])


def _distance(
    mean_a: Float64[np.ndarray, "k"],
    factor_a: Float64[np.ndarray, "r k"],
    mean_b: Float64[np.ndarray, "k"],
    factor_b: Float64[np.ndarray, "s k"],
) -> float:
    trace_of_root = np.linalg.svd(factor_a @ factor_b.T, compute_uv=False).sum()
    traces = np.square(factor_a).sum() + np.square(factor_b).sum()
    return float(max(np.square(mean_a - mean_b).sum() + traces - 2 * trace_of_root, 0.0))


def _factor(covariance: Float64[np.ndarray, "k k"]) -> Float64[np.ndarray, "k k"]:
    """F with Fᵀ F equal to a symmetric positive semi-definite matrix: Cholesky's, where none of it is degenerate."""
    try:
        return np.linalg.cholesky(covariance).T
    except np.linalg.LinAlgError:  # fewer samples than features
        values, vectors = np.linalg.eigh(covariance)
        return np.sqrt(values.clip(min=0))[:, None] * vectors.T


def _factor_of_deviations(deviations: Float64[np.ndarray, "n k"]) -> Float64[np.ndarray, "r k"]:
    """F with Fᵀ F equal to the unbiased covariance, of min(n, k) rows."""
    count, dims = deviations.shape
    scaled = deviations / np.sqrt(max(count - 1, 1))
    return scaled if count <= dims else _factor(scaled.T @ scaled)
