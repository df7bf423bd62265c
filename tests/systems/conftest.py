"""Small pseudo-label and FRGAN systems, untrained and trained, and a way to run steps under a real trainer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mutoscope.data.rendering import render
from mutoscope.data.synthetic import make_clips
from mutoscope.systems.base import System
from mutoscope.systems.draws import Random
from mutoscope.systems.frgan import FRGAN, FRGANConfig
from mutoscope.systems.loading import load
from mutoscope.systems.pseudo_label import PseudoLabel, PseudoLabelConfig
from mutoscope.training import train

SMALL = {"n_z": 6, "n_d": 4, "n_c": 3, "image_size": 16, "width": 0.25}


@pytest.fixture(scope="session")
def small() -> Callable[..., PseudoLabel]:
    """`small(**choices)`: an untrained system with 16 x 16 frames, always from the same first weights."""
    return lambda **choices: PseudoLabel.untrained(PseudoLabelConfig(**(SMALL | choices)))


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
def fit() -> Callable[..., dict[str, float]]:
    """`fit(system, batch, steps=1, seed=0)`: steps on one batch, as the training loop takes them; the last losses."""

    def run(system: System, batch: dict[str, Tensor], steps: int = 1, seed: int = 0) -> dict[str, float]:
        optimizers, batch = system.train().optimizers(), system.prepare(batch)
        losses: dict[str, Tensor] = {}
        for _ in range(steps):
            noise = system.noise(len(next(iter(batch.values()))), Random(seed, system.iteration))
            losses = system.training_step(batch, noise, optimizers)
            system.after_step()
            system.iteration += 1
        return {name: loss.item() for name, loss in losses.items()}

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


# FRGAN with frames of 16 pixels, and of each kind of structure a run that went through all stages

SMALL_FRGAN = {
    **{"image_size": 16, "frames": 4, "ch": 4, "max_ch": 8, "code": 8, "ch_R": 4, "max_ch_R": 8, "init": "he"},
    **{"hidden": 8, "observed": 3, "horizon": 3, "pose_steps": 2, "pose_batch": 4, "forecast_steps": 3},
}


@pytest.fixture(scope="session")
def small_frgan() -> Callable[..., FRGAN]:
    """`small_frgan(**choices)`: an untrained system, always from the same first weights."""
    return lambda **choices: FRGAN.untrained(FRGANConfig.from_dict(SMALL_FRGAN | choices))


@pytest.fixture(scope="session")
def run_frgan() -> Callable[..., Path]:
    """`run_frgan(out, **options)`: a run through all three stages, of a few steps each."""
    options = {
        **{"data": "stick_people", "max_clips": 12, "held_out": 0, "precision": "float32", "accelerator": "cpu"},
        **{"max_steps": 8, "batch_size": 2, "log_every": 1, "joint_noise": 0.5, "lr": 1e-3},
    }

    def run(out: Path, **others: Any) -> Path:
        return train("frgan", out=out, quiet=True, **(SMALL_FRGAN | options | others))

    return run


@pytest.fixture(scope="session")
def frgan_run(run_frgan: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on stick people; to read from only."""
    return run_frgan(tmp_path_factory.mktemp("frgan") / "bodies")


@pytest.fixture(scope="session")
def frgan_face_run(run_frgan: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on morphable faces; to read from only."""
    out = tmp_path_factory.mktemp("frgan") / "faces"
    return run_frgan(out, data="morphable_faces", structure="face", joint_noise=0.0)


@pytest.fixture(scope="session")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six clips of stick people, 48 frames of 16 pixels without loss, their joints beside them."""
    return render("stick_people", tmp_path_factory.mktemp("clips") / "bodies", clips=6, size=16, seed=7, suffix=".npy")


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six clips of morphable faces, 24 frames of 16 pixels, their parameters beside them."""
    return render(
        "morphable_faces", tmp_path_factory.mktemp("clips") / "faces", clips=6, size=16, seed=7, suffix=".npy"
    )
