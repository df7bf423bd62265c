"""Training in stages, each with examples, batches and losses of its own; interrupted anywhere, it is the same."""

import csv
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mutoscope.data import ClipWindows, FrameBag
from mutoscope.data.clips import Clips
from mutoscope.errors import InputError, TrainingFailed
from mutoscope.media.results import Sheet
from mutoscope.systems import SYSTEMS
from mutoscope.systems.base import Stage, System
from mutoscope.training import train

FIRST_STEPS, STEPS = 6, 14


class Staged(System):
    """Learns the colour of frames, then, in smaller batches, how much clips change."""

    name = "staged"
    needs = ("clip",)
    presets: ClassVar = {
        "tiny": {"data": "sprites", "max_clips": 4, "held_out": 0, "batch_size": 16, "accelerator": "cpu"}
    }
    seen: ClassVar[list[tuple[int, ...]]] = []
    """Shapes of all batches."""

    def __init__(self, *, image_size: int = 16, channels: int = 3, frames: int = 4, second_batch: int = 5) -> None:
        super().__init__()
        self.image_size, self.channels, self.frames, self.second_batch = image_size, channels, frames, second_batch
        self.colour, self.change = nn.Linear(channels, channels), nn.Linear(channels, 1)

    def stages(self, clips: Clips, *, seed: int, flip: bool) -> list[Stage]:
        windows = ClipWindows(clips, self.frames, flip=flip, seed=seed)
        return [Stage(0, FrameBag(clips, flip=flip)), Stage(FIRST_STEPS, windows, self.second_batch)]

    def loss_names(self) -> tuple[str, ...]:
        return "loss_colour", "loss_change"

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return [torch.optim.Adam(network.parameters(), 0.01) for network in (self.colour, self.change)]

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        first = self.iteration < FIRST_STEPS
        pixels = batch["frame" if first else "clip"] / 255
        self.seen.append(tuple(pixels.shape))
        if first:
            mean = pixels.mean((1, 2))
            name, loss = "loss_colour", (self.colour(mean) - mean).square().mean()
        else:
            changes = pixels.diff(dim=1).abs().mean((1, 2, 3))
            name, loss = "loss_change", (self.change(changes) - changes.sum(1, keepdim=True)).square().mean()
        self.descend(self.optimizers()[0 if first else 1], loss)
        self.losses = {name: loss.detach()}
        self.iteration += 1

    def sample_sheet(self, clips: Clips) -> Sheet:
        return Sheet(np.zeros((8, 8, 3), np.uint8), rows=1, columns=1)


@pytest.fixture(autouse=True)
def staged(monkeypatch: pytest.MonkeyPatch) -> type[Staged]:
    monkeypatch.setitem(SYSTEMS, "staged", (__name__, "Staged", "two stages"))
    monkeypatch.setattr(Staged, "seen", [])
    return Staged


def run(out: Path, **options: Any) -> Path:
    return train("staged", out=out, quiet=True, **options)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def losses(folder: Path) -> list[tuple[str, str, str]]:
    return [(row["step"], row["loss_colour"], row["loss_change"]) for row in rows(folder)]


def test_each_stage_sees_its_own_examples_in_batches_of_its_own(tmp_path: Path, staged: type[Staged]):
    run(tmp_path / "run", max_steps=STEPS)
    assert staged.seen == [(16, 16, 16, 3)] * FIRST_STEPS + [(5, 4, 16, 16, 3)] * (STEPS - FIRST_STEPS)


def test_each_stage_has_rows_of_its_own_with_blanks_for_the_losses_of_the_others(tmp_path: Path):
    """A row every four iterations, and one where the first stage ends in between."""
    log = rows(run(tmp_path / "run", max_steps=12, log_every=4))
    assert [int(row["step"]) for row in log] == [4, 6, 8, 12]
    assert [bool(row["loss_colour"]) for row in log] == [True, True, False, False]
    assert [bool(row["loss_change"]) for row in log] == [False, False, True, True]


def test_rows_are_means_over_the_iterations_of_their_stage(tmp_path: Path):
    each = losses(run(tmp_path / "each", max_steps=8, log_every=1))
    together = losses(run(tmp_path / "together", max_steps=8, log_every=4))
    colour, change = [float(row[1]) for row in each[:6]], [float(row[2]) for row in each[6:]]
    assert float(together[1][1]) == pytest.approx(np.mean(colour[4:]), rel=1e-4)
    assert float(together[2][2]) == pytest.approx(np.mean(change), rel=1e-4)


def test_the_speed_at_a_change_of_stages_is_that_of_all_iterations_since_the_last_row(tmp_path: Path):
    log = rows(run(tmp_path / "run", max_steps=8, log_every=8))
    assert [int(row["step"]) for row in log] == [6, 8]
    assert log[0]["steps_per_second"] == log[1]["steps_per_second"]


@pytest.mark.parametrize("stop", [FIRST_STEPS - 1, FIRST_STEPS, FIRST_STEPS + 1, FIRST_STEPS + 3])
def test_interrupted_about_the_change_it_is_the_same_training(tmp_path: Path, stop: int):
    whole = run(tmp_path / "whole", max_steps=STEPS, log_every=1)
    run(tmp_path / "parts", max_steps=stop, log_every=1)
    parts = run(tmp_path / "parts", resume=True, max_steps=STEPS)
    assert losses(parts) == losses(whole)
    assert len(losses(parts)) == STEPS
    weights = [(folder / "weights" / "model.safetensors").read_bytes() for folder in (whole, parts)]
    assert weights[0] == weights[1]


def test_rows_after_a_checkpoint_are_written_again_once(tmp_path: Path):
    """Gone on with from before the change, where the log goes beyond it."""
    whole = run(tmp_path / "run", max_steps=8, log_every=1, checkpoint_every=4)
    before = losses(whole)
    (whole / "checkpoints" / "00000008.ckpt").unlink()
    assert losses(run(whole, resume=True, max_steps=8)) == before


def test_a_loss_that_breaks_is_named_with_its_iteration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    step = Staged.training_step

    def breaking(system: Staged, batch: dict[str, Tensor], batch_index: int) -> None:
        step(system, batch, batch_index)
        if system.iteration == 7:
            system.losses = {"loss_change": torch.tensor(float("nan"))}

    monkeypatch.setattr(Staged, "training_step", breaking)
    with pytest.raises(TrainingFailed, match="iteration 7: loss_change is nan"):
        run(tmp_path / "run", max_steps=8, log_every=8)


def test_data_too_small_for_a_later_stage_is_refused_at_the_start(tmp_path: Path):
    with pytest.raises(InputError, match="batch size 2000000: is more than the dataset's"):
        run(tmp_path / "run", max_steps=STEPS, second_batch=2_000_000)
    assert not (tmp_path / "run").exists()
