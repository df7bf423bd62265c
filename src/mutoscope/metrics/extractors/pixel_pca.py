"""Features of frames that need no network: principal components of real frames."""

import numpy as np
from jaxtyping import Float64, UInt8

from mutoscope.errors import InputError
from mutoscope.metrics.extractors.base import Kind


class PixelPCA:
    """Features of frames: coordinates along the leading principal components of real frames, pixels in [0, 1].

    They have to be fitted to real frames first.

    Attributes:
        name: `pca<dims>-pixels`.
        kind: "frame".

    Args:
        dims: number of components.
        seed: of the randomised decomposition.
    """

    kind: Kind = "frame"

    def __init__(self, dims: int = 64, seed: int = 0) -> None:
        from sklearn.decomposition import PCA

        self.dims = dims
        self.name = f"pca{dims}-pixels"
        self._pca = PCA(dims, svd_solver="randomized", random_state=seed)
        self._shape: tuple[int, ...] | None = None

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
        self._shape = frames.shape[1:]
        return self

    def __call__(self, frames: UInt8[np.ndarray, "n h w c"], /) -> Float64[np.ndarray, "n k"]:
        """Coordinates of each frame, in units of pixel values in [0, 1].

        Raises:
            InputError: not fitted yet, or to frames of another size.
        """
        if self._shape is None:
            raise InputError(f"{self.name}: not fitted (expected a call of `fit` with real frames first)")
        if frames.shape[1:] != self._shape:
            raise InputError(f"{self.name}: frames are {frames.shape[1:]} (expected {self._shape}, as fitted)")
        return self._pca.transform(_flat_pixels(frames))


def _flat_pixels(frames: UInt8[np.ndarray, "n h w c"]) -> Float64[np.ndarray, "n p"]:
    return frames.reshape(len(frames), -1) / 255.0
