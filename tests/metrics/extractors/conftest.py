"""Data for the extractors: bars that move, and small extractors trained on them once."""

import numpy as np
import pytest

from mutoscope.metrics import TrainedExtractor, train_clip_extractor, train_frame_extractor

CLASSES = ["level", "upright"]


def moving_bars(clips: int = 60, frames: int = 20, size: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Clips of bars that move at a speed of their own before a still pattern: level (0) or upright (1)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(clips) % 2
    made = np.zeros((clips, frames, size, size, 3), np.uint8)
    for clip, label in zip(made, labels, strict=True):
        clip[:] = rng.integers(0, 100, (size // 4, size // 4, 3)).repeat(4, axis=0).repeat(4, axis=1)
        speed, start, colour = rng.uniform(0.6, 1.2), rng.uniform(0, 4), rng.integers(120, 256, 3)
        texture = rng.integers(0, 2, (3, size, 1)) * 120
        for time, frame in enumerate(clip):
            position = int(start + speed * time) % (size - 3)
            bar = frame.swapaxes(0, 1) if label else frame
            bar[position : position + 3] = (colour - texture).clip(0)
    return made, labels


@pytest.fixture(scope="session")
def bars() -> tuple[np.ndarray, np.ndarray]:
    return moving_bars()


@pytest.fixture(scope="session")
def other_bars() -> np.ndarray:
    """Clips of the same kind that nothing was trained on."""
    return moving_bars(seed=1)[0]


@pytest.fixture(scope="session")
def frame_extractor(bars: tuple[np.ndarray, np.ndarray]) -> TrainedExtractor:
    clips, labels = bars
    frames, clip_index = clips[:, ::2].reshape(-1, *clips.shape[2:]), np.repeat(np.arange(len(clips)), 10)
    return train_frame_extractor(frames, labels[clip_index], clip_index, dataset="bars", classes=CLASSES, steps=60)


@pytest.fixture(scope="session")
def clip_extractor(bars: tuple[np.ndarray, np.ndarray]) -> TrainedExtractor:
    clips, labels = bars
    return train_clip_extractor(list(clips), labels, frames=8, dataset="bars", classes=CLASSES, steps=120)
