"""Small feature extractors made from the data at hand, for Fréchet distances that need no downloaded weights.

They are not the standard Inception features, and their names say so. Any callable with a `name` can stand in for them.
"""

import numpy as np
import torch
from jaxtyping import Float, Float64, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.media.tensors import uint8_to_float
from mutoscope.metrics.frechet import feature_statistics


class PixelPCA:
    """Features of frames: coordinates along the leading principal components of real frames, pixels in [0, 1].

    Attributes:
        name: `pca<dims>-pixels`.
    """

    def __init__(self, dims: int = 64, seed: int = 0) -> None:
        from sklearn.decomposition import PCA

        self.dims = dims
        self.name = f"pca{dims}-pixels"
        self._pca = PCA(dims, svd_solver="randomized", random_state=seed)

    def fit(self, frames: UInt8[np.ndarray, "n h w c"], max_frames: int = 2000) -> "PixelPCA":
        """Finds the components from at most `max_frames` frames, evenly spaced over `frames`; returns itself.

        Raises:
            InputError: there are fewer frames or pixel values than components.
        """
        values = int(np.prod(frames.shape[1:]))
        if min(len(frames), values) < self.dims:
            raise InputError(
                f"{self.name}: {len(frames)} frames of {values} values (expected at least {self.dims} each)"
            )
        chosen = np.linspace(0, len(frames) - 1, min(len(frames), max_frames)).round().astype(int)
        self._pca.fit(_flat_pixels(frames[chosen]))
        return self

    def __call__(self, frames: UInt8[np.ndarray, "n h w c"]) -> Float64[np.ndarray, "n k"]:
        """Coordinates of each frame, in units of pixel values in [0, 1]."""
        return self._pca.transform(_flat_pixels(frames))


def _flat_pixels(frames: UInt8[np.ndarray, "n h w c"]) -> Float64[np.ndarray, "n p"]:
    return frames.reshape(len(frames), -1) / 255.0


class SmallCNN(nn.Module):
    """Three strided convolutions and a linear layer: images `n c h w` in [-1, 1] to features `n dims`."""

    def __init__(self, channels: int, dims: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(64, 128, 3, 2, 1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
        )
        self.features = nn.Linear(128 * 4 * 4, dims)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k"]:
        return self.features(self.convolutions(images).flatten(1))


class CNNExtractor:
    """A trained `SmallCNN` as a feature extractor.

    Attributes:
        name: `cnn<dims>-<dataset>`.
        network: the network, on the device where features are computed.
    """

    def __init__(self, name: str, network: SmallCNN) -> None:
        self.name = name
        self.network = network.eval()

    @torch.inference_mode()
    def __call__(self, frames: UInt8[np.ndarray, "n h w c"]) -> Float64[np.ndarray, "n k"]:
        """Features of each frame; over the frames of training each has mean 0 and variance 1."""
        return self.network(uint8_to_float(frames, self.network.features.weight.device)).double().cpu().numpy()


def train_extractor(
    frames: UInt8[np.ndarray, "n h w c"],
    labels: Int[np.ndarray, "n"],
    phase: Float[np.ndarray, "n"] | None = None,
    *,
    dataset: str,
    dims: int = 64,
    steps: int = 500,
    batch_size: int = 64,
    seed: int = 0,
    device: str = "cpu",
) -> CNNExtractor:
    """Trains a `SmallCNN` once to tell each frame's true label, and its phase where known, from its features.

    The features are scaled to mean 0 and variance 1 over `frames`, so that distances are comparable between datasets.

    Args:
        frames: real frames with known factors.
        labels: class of each frame, any integers.
        phase: position of each frame within its motion, any unit.
        dataset: names the extractor, `cnn<dims>-<dataset>`.
        dims: number of features.
        steps: optimiser steps (Adam, rate 1e-3).
        batch_size: frames per step, drawn with replacement.
        seed: of the weights and the batches; the same seed on the same CPU gives the same extractor.
        device: where to train, and later to extract.
    """
    classes, targets = np.unique(labels, return_inverse=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SmallCNN(frames.shape[3], dims).to(device)
        heads = nn.Linear(dims, len(classes) + 1).to(device)  # one logit a class, then the phase
    label_targets = torch.from_numpy(targets)
    phase_targets = None if phase is None else torch.from_numpy(_standardised(phase))
    optimiser = torch.optim.Adam([*network.parameters(), *heads.parameters()], lr=1e-3)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        batch = rng.integers(len(frames), size=batch_size)
        predictions = heads(network(uint8_to_float(frames[batch], device)))
        loss = F.cross_entropy(predictions[:, :-1], label_targets[batch].to(device))
        if phase_targets is not None:
            loss = loss + F.mse_loss(predictions[:, -1], phase_targets[batch].to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    extractor = CNNExtractor(f"cnn{dims}-{dataset}", network)
    _standardise_features(extractor, frames)
    return extractor


def _standardise_features(extractor: CNNExtractor, frames: UInt8[np.ndarray, "n h w c"]) -> None:
    """Folds each feature's mean and deviation over `frames` into the last layer."""
    mean, covariance = feature_statistics(frames, extractor).compute()
    last = extractor.network.features
    deviation = torch.from_numpy(np.sqrt(np.diag(covariance)).clip(min=1e-6)).to(last.weight)
    with torch.no_grad():
        last.bias.sub_(torch.from_numpy(mean).to(last.bias)).div_(deviation)
        last.weight.div_(deviation[:, None])


def _standardised(values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return ((values - values.mean()) / max(values.std(), 1e-6)).astype(np.float32)
