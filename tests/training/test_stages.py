"""Training in stages, each with examples, batches and losses of its own; interrupted anywhere, it is the same."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mutoscope.data import ClipWindows, FrameBag
from mutoscope.data.clips import Clips
from mutoscope.data.examples import Examples
from mutoscope.errors import InputError, TrainingFailed
from mutoscope.media.results import Sheet
from mutoscope.systems import SYSTEMS
from mutoscope.systems.base import Optimizers, Stage, System, step, take_networks
from mutoscope.systems.config import Config
from mutoscope.systems.draws import Random
from mutoscope.training import train

FIRST_STEPS, STEPS = 6, 14


@dataclass(frozen=True)
class StagedConfig(Config):
    """Choices.

    Args:
        image_size: Height and width.
        channels: Colours.
        frames: Of a window.
        second_batch: Examples in an iteration of the second stage.
    """

    image_size: int = 16
    channels: int = 3
    frames: int = 4
    second_batch: int = 5


class Staged(System):
    """Learns the colour of frames, then, in smaller batches, how much clips change."""

    name = "staged"
    config_class = StagedConfig
    config: StagedConfig
    presets: ClassVar = {
        "tiny": {"data": "sprites", "max_clips": 4, "held_out": 0, "batch_size": 16, "accelerator": "cpu"}
    }
    seen: ClassVar[list[tuple[int, ...]]] = []
    """Shapes of all batches."""

    def __init__(self, config: StagedConfig) -> None:
        super().__init__(config)
        self.colour, self.change = nn.Linear(config.channels, config.channels), nn.Linear(config.channels, 1)

    @property
    def stages(self) -> tuple[Stage, ...]:
        return Stage("colour", FIRST_STEPS), Stage("none", 0), Stage("change", batch_size=self.config.second_batch)

    def examples(self, clips: Clips, stage: Stage) -> Examples:
        return FrameBag(clips) if stage.name == "colour" else ClipWindows(clips, self.config.frames, seed=self.seed)

    def loss_names(self) -> tuple[str, ...]:
        return "loss_colour", "loss_change"

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {name: torch.optim.Adam(getattr(self, name).parameters(), 0.01) for name in ("colour", "change")}

    def noise(self, n: int, random: Random) -> dict[str, Tensor]:
        return {}

    def training_step(
        self, batch: dict[str, Tensor], noise: dict[str, Tensor], optimizers: Optimizers
    ) -> dict[str, Tensor]:
        pixels = batch["frame" if self.stage.name == "colour" else "clip"] / 255
        self.seen.append(tuple(pixels.shape))
        if self.stage.name == "colour":
            mean = pixels.mean((1, 2))
            loss = (self.colour(mean) - mean).square().mean()
        else:
            changes = pixels.diff(dim=1).abs().mean((1, 2, 3))
            loss = (self.change(changes) - changes.sum(1, keepdim=True)).square().mean()
        step(optimizers[self.stage.name], loss)
        return {f"loss_{self.stage.name}": loss.detach()}

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
    whole = Staged.training_step

    def breaking(system: Staged, *arguments: Any) -> dict[str, Tensor]:
        losses = whole(system, *arguments)
        return {"loss_change": torch.tensor(float("nan"))} if system.iteration == 6 else losses

    monkeypatch.setattr(Staged, "training_step", breaking)
    with pytest.raises(TrainingFailed, match="iteration 7: loss_change is nan"):
        run(tmp_path / "run", max_steps=8, log_every=8)


def test_data_too_small_for_a_later_stage_is_refused_at_the_start(tmp_path: Path):
    with pytest.raises(InputError, match="batch size 2000000: is more than the dataset's"):
        run(tmp_path / "run", max_steps=STEPS, second_batch=2_000_000)
    assert not (tmp_path / "run").exists()


def test_batches_of_a_stage_that_processes_cannot_share_are_refused_at_the_start(tmp_path: Path):
    with pytest.raises(InputError, match="batch size 5: cannot be shared evenly by 2 processes"):
        run(tmp_path / "run", max_steps=STEPS, devices=2)
    assert not (tmp_path / "run").exists()


class Refreshing(Staged):
    """Gives the clips labels of its own, anew every three iterations of its second stage, and learns with them."""

    labelled: ClassVar[list[int]] = []
    """The label of all clips, each time that it was made."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        return Stage("colour", FIRST_STEPS), Stage("change", batch_size=4, refresh=3)

    def refresh(self, clips: Clips, stage: Stage) -> dict[str, list[Any]]:
        """Labels that follow the weights: a checkpoint that lost them could not make them again."""
        number = int(self.change.weight.abs().sum() * 1e6)
        self.labelled.append(number)
        return {"label": list(np.full(len(clips), number))}

    def examples(self, clips: Clips, stage: Stage) -> Examples:
        columns = ("label",) if stage.refresh else ()
        return ClipWindows(clips, self.config.frames, columns=columns, seed=self.seed) if columns else FrameBag(clips)

    def training_step(
        self, batch: dict[str, Tensor], noise: dict[str, Tensor], optimizers: Optimizers
    ) -> dict[str, Tensor]:
        losses = super().training_step(batch, noise, optimizers)
        return losses | ({"loss_change": batch["label"].double().mean()} if "label" in batch else {})


@pytest.fixture
def refreshing(monkeypatch: pytest.MonkeyPatch) -> type[Refreshing]:
    monkeypatch.setitem(SYSTEMS, "staged", (__name__, "Refreshing", "labels of its own"))
    monkeypatch.setattr(Refreshing, "labelled", [])
    return Refreshing


def test_a_stage_refreshes_its_examples_as_often_as_it_says(tmp_path: Path, refreshing: type[Refreshing]):
    log = losses(run(tmp_path / "run", max_steps=FIRST_STEPS + 7, log_every=1))
    assert len(set(refreshing.labelled)) == 3
    seen = [float(row[2]) for row in log[FIRST_STEPS:]]
    assert seen == [pytest.approx(refreshing.labelled[i // 3], rel=1e-4) for i in range(7)]


@pytest.mark.parametrize("stop", [FIRST_STEPS, FIRST_STEPS + 2, FIRST_STEPS + 3, FIRST_STEPS + 4])
def test_interrupted_between_refreshments_it_is_the_same_training(
    tmp_path: Path, refreshing: type[Refreshing], stop: int
):
    """What was refreshed is part of the checkpoint."""
    whole = run(tmp_path / "whole", max_steps=STEPS, log_every=1)
    run(tmp_path / "parts", max_steps=stop, log_every=1)
    assert losses(run(tmp_path / "parts", resume=True, max_steps=STEPS)) == losses(whole)


def test_a_stage_starts_from_the_networks_of_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Once, when it begins; a run that is gone on with keeps what it has made of them."""
    first = run(tmp_path / "first", max_steps=FIRST_STEPS)
    begun = []

    def begin(system: Staged, stage: Stage) -> None:
        begun.append(stage.name)
        if stage.name == "change":
            take_networks(system, first, "colour")

    monkeypatch.setattr(Staged, "begin", begin)
    second = run(tmp_path / "second", max_steps=FIRST_STEPS + 1, seed=1)
    run(tmp_path / "second", resume=True, max_steps=STEPS)
    assert begun == ["colour", "change"]
    weights = [load_file(folder / "weights" / "model.safetensors")["colour.weight"] for folder in (first, second)]
    assert torch.equal(*weights)
    with pytest.raises(InputError, match="holds no weights"):
        take_networks(Staged(StagedConfig()), tmp_path / "nowhere", "colour")
    with pytest.raises(InputError, match="has no network change of these sizes"):
        take_networks(Staged(StagedConfig(channels=1)), first, "change")
