"""A small clip whose every frame can be told from every other."""

from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., np.ndarray]:
    """`make_clip(frames, height, width)`: smooth colours, brightness rising from frame to frame; uint8 `t h w 3`."""

    def make(frames: int = 12, height: int = 48, width: int = 64) -> np.ndarray:
        y, x = np.mgrid[:height, :width]
        colours = np.stack([x / width, y / height, 0.5 + 0 * x], axis=-1)
        brightness = 40 + 170 * np.arange(frames) / max(frames - 1, 1)
        return np.uint8(40 * colours[None] + brightness[:, None, None, None])

    return make
