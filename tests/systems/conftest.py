"""A small pseudo-label system, untrained and trained, and a way to run its steps under a real trainer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning import Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from mutoscope.data.synthetic import make_clips
from mutoscope.systems.loading import load
from mutoscope.systems.pseudo_label import PseudoLabel
from mutoscope.training import train

SMALL = {"n_z": 6, "n_d": 4, "n_c": 3, "image_size": 16, "width": 0.25}


@pytest.fixture(scope="session")
def small() -> Callable[..., PseudoLabel]:
    """`small(**arguments)`: an untrained system with 16 x 16 frames, always from the same first weights."""

    def make(**arguments: Any) -> PseudoLabel:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return PseudoLabel(**(SMALL | arguments))

    return make


@pytest.fixture(scope="session")
def sprite_frames() -> np.ndarray:
    """64 frames of four kinds of sprites, uint8 `n 16 16 3`."""
    clips = make_clips("sprites", size=16, max_clips=8, frames=8).clips
    return np.concatenate(clips)


@pytest.fixture(scope="session")
def batch(sprite_frames: np.ndarray) -> Tensor:
    """16 of these frames, as training gets them."""
    return torch.from_numpy(sprite_frames[::4].copy())


@pytest.fixture(scope="session")
def fit() -> Callable[..., None]:
    """`fit(system, frames, steps, body)`: `steps` steps on one batch; `body(batch)` takes the place of the step."""

    def run(
        system: PseudoLabel, frames: Tensor, steps: int = 1, body: Callable[[dict[str, Tensor]], None] | None = None
    ):
        if body is not None:
            system.training_step = lambda batch, batch_idx: body(batch)
        trainer = Trainer(accelerator="cpu", devices=1, max_epochs=1, barebones=True)
        trainer.fit(system, DataLoader([{"frame": frames}] * steps, batch_size=None))

    return run


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory, sprite_frames: np.ndarray) -> tuple[PseudoLabel, Path]:
    """A system that has learned 64 frames by heart, and the folder of its run; to read from only."""
    folder = tmp_path_factory.mktemp("twin")
    np.save(folder / "frames.npy", sprite_frames)
    run = train(
        "pseudo_label",
        data=str(folder / "frames.npy"),
        out=folder / "run",
        quiet=True,
        held_out=0,
        max_steps=250,
        batch_size=32,
        log_every=10,
        accelerator="cpu",
        **TWIN,
    )
    return load(run), run


TWIN = {
    "n_z": 4,
    "n_d": 4,
    "n_c": 2,
    "image_size": 16,
    "width": 0.25,
    "d_noise": 0.0,
    "c_range": (-1.0, 1.0),
    "lr_G": 3e-3,
    "lr_D": 2e-3,
    "w_d": 3.0,
    "w_c": 5.0,
    "ema": 0.0,
    "schedule": "merged",
    "d_batch": "separate",
}
