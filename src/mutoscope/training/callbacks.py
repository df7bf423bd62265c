"""What happens beside the training step: logs, checkpoints, sample sheets, stopping."""

import csv
import math
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, Trainer
from torch import Tensor

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError, TrainingFailed
from mutoscope.files import replacing
from mutoscope.systems.base import System
from mutoscope.training.progress import Progress


class Recorder(Callback):
    """Collects the losses of every iteration; logs, shows and checks them every `every` iterations.

    Losses stay on the device between checks, so that training never waits for them.

    Args:
        path: the CSV file to append to.
        every: iterations between rows.
        progress: where to show them; None for silence.
        checkpoint: the checkpoint that training starts from, if any.
    """

    def __init__(self, path: Path, every: int, progress: Progress | None, checkpoint: Path | None = None) -> None:
        self.path, self.every, self.progress = path, every, progress
        self.pending: list[tuple[int, dict[str, Tensor]]] = []
        self.data_seconds = self.step_seconds = 0.0
        self.total_data_seconds = self.total_step_seconds = 0.0
        self.mark = self.cpu_mark = 0.0
        self.last_good_checkpoint = checkpoint

    def on_train_start(self, trainer: Trainer, system: Any) -> None:
        if trainer.is_global_zero:
            drop_rows_after(self.path, system.iteration)
        self.start_clock()

    def on_train_batch_start(self, trainer: Trainer, system: Any, batch: Any, batch_idx: int) -> None:
        self.data_seconds += self.lap(system)

    def on_train_batch_end(self, trainer: Trainer, system: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.pending.append((system.iteration, system.losses))
        if system.iteration % self.every == 0:
            self.flush(trainer, system)
        self.step_seconds += self.lap(system)

    def lap(self, system: System) -> float:
        """Seconds since the last lap, which are counted as training."""
        start, cpu_start = self.mark, self.cpu_mark
        self.start_clock()
        system.seconds += self.mark - start
        system.cpu_seconds += self.cpu_mark - cpu_start
        return self.mark - start

    def start_clock(self) -> None:
        """Starts a lap; what came before it is not training."""
        self.mark, self.cpu_mark = time.perf_counter(), time.process_time()

    def flush(self, trainer: Trainer, system: System) -> None:
        """Checks and writes what has been collected, a row for each stage: means over all processes.

        Raises:
            TrainingFailed: a loss is not finite; the iteration, the term and the last good checkpoint are named.
        """
        if not self.pending:
            return
        stages = [list(steps) for _, steps in groupby(self.pending, key=lambda step: step[1].keys())]
        rows = {steps[-1][0]: self.means(steps, trainer) for steps in stages}
        self.step_seconds += self.lap(system)  # after waiting for the device
        n, seconds = len(self.pending), self.data_seconds + self.step_seconds
        timing = {
            "step_time": self.step_seconds / n,
            "data_time": self.data_seconds / n,
            "steps_per_second": n / seconds if seconds else math.nan,
        }
        self.total_data_seconds += self.data_seconds
        self.total_step_seconds += self.step_seconds
        self.pending, self.data_seconds, self.step_seconds = [], 0.0, 0.0
        if not trainer.is_global_zero:
            return
        for iteration, means in rows.items():
            columns = ("step", *(system.loss_names() or means), *timing)
            append_row(self.path, {"step": iteration, **means, **timing}, columns)
            for logger in trainer.loggers:
                logger.log_metrics({**means, **timing}, step=iteration)
            if self.progress:
                self.progress.show(iteration, means, timing["steps_per_second"], self.data_share)

    def means(self, steps: list[tuple[int, dict[str, Tensor]]], trainer: Trainer) -> dict[str, float]:
        """The mean of each loss over iterations that have the same ones, and over all processes."""
        names = list(steps[0][1])
        values = torch.stack([torch.stack(list(losses.values())) for _, losses in steps]).float()
        values = trainer.strategy.reduce(values).cpu()
        if not values.isfinite().all():
            row, column = (~values.isfinite()).nonzero()[0].tolist()
            raise TrainingFailed(self.failure(steps[row][0], names[column], values[row, column].item()))
        return dict(zip(names, values.mean(0).tolist(), strict=True))

    def failure(self, iteration: int, term: str, value: float) -> str:
        good = self.last_good_checkpoint
        remedy = f"last good checkpoint: {good}" if good else "no checkpoint was written yet"
        return f"iteration {iteration}: {term} is {value}; training stopped ({remedy})"

    @property
    def data_share(self) -> float:
        """Share of the time spent waiting for data."""
        total = self.total_data_seconds + self.total_step_seconds
        return self.total_data_seconds / total if total else 0.0


class Checkpoints(Callback):
    """Writes `<iteration>.ckpt`, whole or not at all, every `every` iterations and at the end; keeps the newest few.

    A checkpoint is written only after the losses and weights up to it are known to be finite.
    """

    def __init__(self, folder: Path, every: int, keep: int, recorder: Recorder) -> None:
        self.folder, self.every, self.keep, self.recorder = folder, every, keep, recorder

    def on_train_batch_end(self, trainer: Trainer, system: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if system.iteration % self.every == 0:
            self.save(trainer, system)

    def on_train_end(self, trainer: Trainer, system: Any) -> None:
        self.save(trainer, system)

    def save(self, trainer: Trainer, system: System) -> None:
        path = checkpoint_path(self.folder, system.iteration)
        if path == self.recorder.last_good_checkpoint:
            return
        self.recorder.flush(trainer, system)
        for name, weight in system.named_parameters():
            if not weight.isfinite().all():
                raise TrainingFailed(self.recorder.failure(system.iteration, f"weight {name}", math.nan))
        partial = path.with_suffix(".partial")
        try:
            trainer.save_checkpoint(partial)  # on all processes; the first one writes
            if trainer.is_global_zero:
                partial.replace(path)
                for old in checkpoints(self.folder)[: -self.keep]:
                    old.unlink()
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
        self.recorder.last_good_checkpoint = path
        self.recorder.start_clock()


class SampleSheets(Callback):
    """Draws `<iteration>.png` every `every` iterations and at the end; from `clips`, if the system starts from any."""

    def __init__(self, folder: Path, every: int, recorder: Recorder, clips: Clips) -> None:
        self.folder, self.every, self.recorder, self.clips = folder, every, recorder, clips

    def on_train_batch_end(self, trainer: Trainer, system: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if system.iteration % self.every == 0:
            self.draw(trainer, system)

    def on_train_end(self, trainer: Trainer, system: Any) -> None:
        if not (self.folder / f"{system.iteration:08d}.png").exists():
            self.draw(trainer, system)

    def draw(self, trainer: Trainer, system: System) -> None:
        if trainer.is_global_zero:
            system.sample_sheet(self.clips).save(self.folder / f"{system.iteration:08d}.png")
        self.recorder.start_clock()


class StopAt(Callback):
    """Stops after `max_steps` iterations or `seconds` of training, both in all, whichever comes first.

    The seconds are those of the clock, or with `on_processor_time` of this process' processors.
    """

    def __init__(self, max_steps: int, seconds: float | None, on_processor_time: bool = False) -> None:
        self.max_steps, self.seconds, self.on_processor_time = max_steps, seconds, on_processor_time

    def on_train_batch_end(self, trainer: Trainer, system: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        spent = system.cpu_seconds if self.on_processor_time else system.seconds
        late = self.seconds is not None and spent >= self.seconds
        if trainer.world_size > 1 and self.seconds is not None:
            late = trainer.strategy.reduce_boolean_decision(late, all=False)
        trainer.should_stop = late or system.iteration >= self.max_steps


def checkpoint_path(folder: Path, iteration: int) -> Path:
    """Where the checkpoint of an iteration lies."""
    return folder / f"{iteration:08d}.ckpt"


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted(folder.glob("[0-9]*.ckpt"))


def append_row(path: Path, row: dict[str, float], columns: Sequence[str]) -> None:
    """Adds a row to a CSV file, with a blank for what it lacks; the first row brings the header."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        if new:
            writer.writeheader()
        writer.writerow({key: f"{value:.6g}" for key, value in row.items()})


def drop_rows_after(path: Path, iteration: int) -> None:
    """Forgets the rows of a log that a resumed run will write again (and a last row cut short)."""
    if not path.exists():
        return
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        csv.writer(file).writerows(
            [header, *(row for row in rows if len(row) == len(header) and float(row[0]) <= iteration)]
        )
