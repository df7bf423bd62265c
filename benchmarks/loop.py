"""What the training loop itself takes a step, and what a command takes that draws from shipped weights.

    python benchmarks/loop.py [--rounds 9] [--steps 2000] [--write]

The loop trains a system that does nothing; beside it, the same batches are only fetched. A command's processor time is
taken beside that of importing torch, in turns, each in a process of its own.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import report
import timing
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from mutoscope.data import open_clips
from mutoscope.media.results import Sheet
from mutoscope.systems.base import Optimizers, System
from mutoscope.systems.config import Config
from mutoscope.systems.draws import Random
from mutoscope.systems.parameters import Range
from mutoscope.training.batches import Batches
from mutoscope.training.loop import fit
from mutoscope.training.options import RunOptions

COLUMNS = ("what", "median", "smallest", "largest")


@dataclass(frozen=True)
class EmptyConfig(Config):
    """Choices.

    Args:
        image_size: Height and width.
        channels: Colours.
    """

    image_size: Annotated[int, Range(8)] = 32
    channels: int = 3


class Empty(System):
    """Learns nothing."""

    name = "empty"
    config_class = EmptyConfig

    def __init__(self, config: EmptyConfig) -> None:
        super().__init__(config)
        self.network = nn.Linear(1, 1)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {}

    def noise(self, n: int, random: Random) -> dict[str, Tensor]:
        return {}

    def training_step(
        self, batch: dict[str, Tensor], noise: dict[str, Tensor], optimizers: Optimizers
    ) -> dict[str, Tensor]:
        return {"loss": batch["frame"].new_zeros((), dtype=torch.float32)}

    def sample_sheet(self, clips: Any) -> Sheet:
        return Sheet(np.zeros((8, 8, 3), np.uint8), rows=1, columns=1)


def microseconds_a_step(steps: int) -> tuple[float, float]:
    """Of the loop, and of fetching its batches alone."""
    clips = open_clips("sprites", size=32, max_clips=8)
    run = RunOptions(batch_size=16, max_steps=steps, checkpoint_every=10**9, sample_every=10**9)
    fabric = Fabric(accelerator="cpu", devices=1)
    with tempfile.TemporaryDirectory() as folder:
        found = fit(fabric, Empty(EmptyConfig()), clips, clips, run, Path(folder))
    system = Empty(EmptyConfig())
    batches = Batches(system, clips, run)
    start = time.perf_counter()
    for _ in range(steps):
        next(batches)
    return 1e6 * found["seconds"] / steps, 1e6 * (time.perf_counter() - start) / steps


def processor_seconds(*command: str) -> float:
    """Of a process and its children, over all threads."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=2000, help="steps of the empty system")
    parser.add_argument("--write", action="store_true", help="write reports/benchmarks_loop.md and its data")
    options = parser.parse_args()
    measured: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            loop, batches = microseconds_a_step(options.steps)
            clip = f"{folder}/clip.gif"
            drawn = processor_seconds(
                *(sys.executable, "-m", "mutoscope", "generate", "pseudo_label/sprites", "sweep", "-o", clip)
            )
            imported = processor_seconds(sys.executable, "-c", "import torch")
            for name, value in {
                "the loop, with batches: microseconds a step": loop,
                "batches alone: microseconds a step": batches,
                "generate ... sweep: processor seconds": drawn,
                "import torch: processor seconds": imported,
                "generate / import torch": drawn / imported,
            }.items():
                measured.setdefault(name, []).append(value)
    results = {
        "machine": timing.machine(),
        "rows": {name: timing.spread(values) for name, values in measured.items()},
    }
    results = timing.plain(results)
    rows = [
        (name, *(f"{value[key]:.4g}" for key in ("median", "low", "high"))) for name, value in results["rows"].items()
    ]
    report.show(report.wide_console(), "The loop", COLUMNS, rows)
    if options.write:
        timing.save("loop", results)
        about = (
            "What the training loop itself takes a step (a system that does nothing, 16 frames of 32 pixels a batch); "
            "what `mutoscope generate pseudo_label/sprites sweep` takes beside `python -c 'import torch'`, in turns."
        )
        report.write_page(
            "loop", ["# Benchmarks of the loop", about, report.markdown(COLUMNS, rows), report.how(results)]
        )


if __name__ == "__main__":
    main()
