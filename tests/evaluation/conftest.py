"""Small real clips, a system that draws them, and features that take no time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from mutoscope.data import Clips, clips_from_arrays
from mutoscope.systems.base import System
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.config import Config

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
    return clips_from_arrays(frames, name=name, columns={"label": labels}, label_names=CLASSES)


@dataclass(frozen=True)
class SquaresConfig(Config):
    """Choices of `squares`.

    Args:
        label_names: The labels that it takes.
        noise: So many grey levels of noise make its clips worse.
        image_size: Height and width of a frame.
        channels: Colour channels.
        frames: Frames of a clip.
    """

    label_names: list[str] | None = None
    noise: int = 0
    image_size: int = SIZE
    channels: int = 3
    frames: int = LENGTH

    @property
    def columns(self) -> tuple[str, ...]:
        return ("label",) if self.label_names else ()

    @property
    def categories(self) -> int:
        return len(self.label_names or ())


class Squares(System):
    """Draws what the real clips show, falling and rising in turn where it is told no label; keeps what it was asked."""

    name: ClassVar[str] = "squares"
    config_class = SquaresConfig
    config: SquaresConfig

    def __init__(self, **choices: Any) -> None:
        super().__init__(SquaresConfig(**choices))
        self.asked: list[Conditions] = []

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[np.ndarray]:
        self.asked.append(conditions)
        rng = np.random.default_rng(seed)
        labels = conditions.columns.get("label", [i % 2 for i in range(conditions.count)])
        for label, frames in zip(labels, conditions.lengths, strict=True):
            clip = moving_square(label, rng)[:frames]
            yield (clip + rng.normal(0, self.config.noise, clip.shape)).clip(0, 255).astype(np.uint8)


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
def make_system() -> Callable[..., Squares]:
    """`make_system(**choices)`: a system with labels, of any quality."""
    return lambda **choices: Squares(**({"label_names": CLASSES} | choices))


@pytest.fixture(scope="session")
def features() -> list[Any]:
    """Features of frames, and a classifier of clips."""
    return [Grid(), Directions()]
