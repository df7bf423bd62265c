"""Small real clips, a system that draws them, and features that take no time."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from mutoscope.data import Clips, clips_from_arrays
from mutoscope.systems.base import System

SIZE, LENGTH = 16, 20
CLASSES = ["falls", "rises"]


def moving_square(label: int, rng: np.random.Generator, length: int = LENGTH) -> np.ndarray:
    """A square over a still, faintly textured background, falling (label 0) or rising (1) a pixel every 2 frames."""
    clip = np.repeat(rng.integers(0, 40, (1, SIZE, SIZE, 3), dtype=np.uint8), length, axis=0)
    x, bright = rng.integers(0, SIZE - 5), rng.integers(150, 256)
    for time in range(length):
        y = time // 2 if label == 0 else SIZE - 5 - time // 2
        clip[time, y : y + 5, x : x + 5] = bright
    return clip


def square_clips(count: int, seed: int, name: str = "squares", length: int = LENGTH) -> Clips:
    rng = np.random.default_rng(seed)
    labels = [i % 2 for i in range(count)]
    frames = [moving_square(label, rng, length) for label in labels]
    return clips_from_arrays(frames, name=name, labels=labels, label_names=CLASSES)


class Squares(System):
    """Draws what the real clips show; `noise` grey levels of noise make it worse."""

    name: ClassVar[str] = "squares"
    needs: ClassVar[tuple[str, ...]] = ("clip",)
    image_size, channels, frames = SIZE, 3, LENGTH

    def __init__(self, noise: int = 0) -> None:
        super().__init__()
        self.noise = noise

    def sample_labelled_clips(self, n: int, *, frames: int, seed: int = 0) -> Iterator[tuple[np.ndarray, int]]:
        rng = np.random.default_rng(seed)
        for i in range(n):
            clip = moving_square(i % 2, rng)[:frames]
            yield (clip + rng.normal(0, self.noise, clip.shape)).clip(0, 255).astype(np.uint8), i % 2

    def sample_clips(self, n: int, *, frames: int, seed: int = 0) -> Iterator[np.ndarray]:
        for clip, _ in self.sample_labelled_clips(n, frames=frames, seed=seed):
            yield clip


class Grid:
    """Features of frames: means of 4 × 4 blocks."""

    name, kind = "grid", "frame"

    def __call__(self, batch: np.ndarray, /) -> np.ndarray:
        return batch.reshape(len(batch), 4, 4, 4, 4, 3).mean(axis=(2, 4, 5)).reshape(len(batch), 16) / 255.0


class Directions:
    """Features of clips: brightness of rows at the first and the last frame; tells falling from rising."""

    name, kind = "directions", "clip"
    classes: ClassVar[list[str]] = CLASSES

    def __call__(self, batch: np.ndarray, /) -> np.ndarray:
        rows = batch.mean(axis=(3, 4)) / 255.0
        return np.concatenate([rows[:, 0], rows[:, -1]], axis=1)

    def probabilities(self, batch: np.ndarray, /) -> np.ndarray:
        rows = batch.mean(axis=(3, 4)).argmax(axis=2)
        rises = (rows[:, -1] < rows[:, 0]).astype(float)
        return np.stack([1 - rises, rises], axis=1)


@pytest.fixture(scope="session")
def real() -> Clips:
    return square_clips(24, seed=0)


@pytest.fixture(scope="session")
def training() -> Clips:
    return square_clips(24, seed=1, name="training squares")


@pytest.fixture(scope="session")
def make_clips() -> Callable[..., Clips]:
    """`square_clips`: more such clips."""
    return square_clips


@pytest.fixture(scope="session")
def make_system() -> type[Squares]:
    """`Squares`: a system of any quality."""
    return Squares


@pytest.fixture(scope="session")
def features() -> list[Any]:
    """Features of frames, and a classifier of clips."""
    return [Grid(), Directions()]
