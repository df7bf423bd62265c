"""The log of a run: `metrics.csv`, TensorBoard, and the line that shows how it goes."""

import csv
import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from mutoscope.errors import TrainingFailed
from mutoscope.files import replacing
from mutoscope.systems.base import System
from mutoscope.training.clock import Clock
from mutoscope.training.progress import Progress


class Log:
    """Collects the losses of every iteration; writes, shows and checks them when it is flushed.

    Losses stay on the device until then, so that training never waits for them.

    Attributes:
        last_checkpoint: the last good one, in any folder; None before there is one.
    """

    def __init__(
        self,
        folder: Path,
        system: System,
        fabric: Fabric,
        clock: Clock,
        progress: Progress | None,
        last_checkpoint: Path | None,
    ) -> None:
        self.path, self.system, self.fabric, self.clock = folder / "metrics.csv", system, fabric, clock
        self.progress, self.last_checkpoint = progress, last_checkpoint
        self.pending: list[tuple[int, dict[str, Tensor]]] = []
        self.told = (0.0, 0.0)  # seconds, and seconds of waiting, up to the last row
        self.board: SummaryWriter | None = None
        if fabric.is_global_zero:
            drop_rows_after(self.path, system.iteration)
            self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=system.iteration)

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        if self.board is not None:
            self.board.close()

    def add(self, losses: dict[str, Tensor]) -> None:
        """The losses of the iteration that has just ended."""
        self.pending.append((self.system.iteration, losses))

    def flush(self) -> None:
        """Checks and writes what has been collected, a row for each stage: means over all processes.

        Raises:
            TrainingFailed: a loss is not finite.
        """
        if not self.pending:
            return
        stages = [list(steps) for _, steps in groupby(self.pending, key=lambda step: step[1].keys())]
        rows = {steps[-1][0]: self.means(steps) for steps in stages}
        self.clock.lap()  # the device has been waited for
        n, (run, waited) = len(self.pending), self.told
        self.told = self.clock.run, self.clock.waited
        seconds, waiting = self.told[0] - run, self.told[1] - waited
        timing = {
            "step_time": (seconds - waiting) / n,
            "data_time": waiting / n,
            "steps_per_second": n / seconds if seconds else math.nan,
        }
        self.pending = []
        if self.board is None:
            return
        for iteration, means in rows.items():
            columns = ("step", *(self.system.loss_names() or means), *timing)
            append_row(self.path, {"step": iteration, **means, **timing}, columns)
            for name, value in {**means, **timing}.items():
                self.board.add_scalar(name, value, iteration)
            if self.progress:
                self.progress.show(iteration, means, timing["steps_per_second"], self.clock.data_share)

    def means(self, steps: list[tuple[int, dict[str, Tensor]]]) -> dict[str, float]:
        """The mean of each loss over iterations that have the same ones, and over all processes."""
        names = list(steps[0][1])
        values = torch.stack([torch.stack(list(losses.values())) for _, losses in steps]).float()
        values = self.fabric.all_reduce(values, reduce_op="mean").cpu()  # type: ignore[union-attr]  # a tensor
        if not values.isfinite().all():
            row, column = (~values.isfinite()).nonzero()[0].tolist()
            raise TrainingFailed(self.failure(steps[row][0], names[column], values[row, column].item()))
        return dict(zip(names, values.mean(0).tolist(), strict=True))

    def failure(self, iteration: int, term: str, value: float) -> str:
        """What to say of a number that is not finite."""
        good = self.last_checkpoint
        remedy = f"last good checkpoint: {good}" if good else "no checkpoint was written yet"
        return f"iteration {iteration}: {term} is {value}; training stopped ({remedy})"


def append_row(path: Path, row: dict[str, Any], columns: Sequence[str]) -> None:
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
