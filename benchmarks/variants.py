"""Variants of a training step or of drawing, each in a process of its own, taking turns; and what is said of them."""

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import report
import timing
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from mutoscope.systems.base import System
from mutoscope.systems.draws import Random

PRECISIONS = ("float32", "bf16")
LITERAL = ("literal", "literal bf16")
MEMORY_BACK = "bf16, memory given back"
BATCHES = (1, 16)  # of generation


def training(
    system: System, batch: dict[str, Tensor], precision: str, compiled: bool = False
) -> Callable[[], dict[str, Tensor]]:
    """One training step of ours, as the training loop takes it, on the device of system and batch."""
    optimizers = system.train().optimizers()
    count = len(next(iter(batch.values())))
    if compiled:
        for network in system.trained_networks():
            network.compile()

    def step() -> dict[str, Tensor]:
        noise = system.noise(count, Random(system.seed, system.iteration, system.device))
        with torch.autocast(system.device.type, torch.bfloat16, precision == "bf16", cache_enabled=False):
            losses = system.training_step(batch, noise, optimizers)
        system.after_step()
        system.iteration += 1
        return losses

    return step


def random_clips(*shape: int) -> Tensor:
    """uint8 clips as training gets them."""
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def settle(network: torch.nn.Module, iterations: int) -> None:
    """Lets the singular vectors find their weights, by running the layers' own power iteration."""
    for module in network.modules():
        for hook in module._forward_pre_hooks.values():
            for _ in range(iterations):
                hook(module, None)


def flops(step: Callable[[], object]) -> int:
    """Floating point operations of one step, counted."""
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


class Worker:
    """The script run anew, doing one variant's work once a line."""

    def __init__(self, job: str, variant: str, batch: int) -> None:
        command = [sys.executable, sys.argv[0], "--worker", job, variant, "--batch", str(batch)]
        command += ["--threads", str(torch.get_num_threads())]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self) -> list[float]:
        """Wall seconds, processor seconds and peak memory so far in MiB."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        return [float(value) for value in self.process.stdout.readline().split()]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def work(run: Callable[[], object]) -> None:
    """The other side of `Worker`."""
    for _ in sys.stdin:
        taken = timing.timed(run)
        print(taken.wall, taken.cpu, timing.memory_peak(), flush=True)


def measure(job: str, variants: Sequence[str], batch: int, rounds: int, warm_up: int = 3) -> dict[str, Any]:
    """Speed and peak memory of every variant, the processes taking turns."""
    workers = {name: Worker(job, name, batch) for name in variants}
    timings: dict[str, list[timing.Timing]] = {name: [] for name in variants}
    memory = {}
    for turn in range(warm_up + rounds):
        for name, worker in workers.items():
            wall, cpu, memory[name] = worker.ask()
            if turn >= warm_up:
                timings[name].append(timing.Timing(wall, cpu))
    for worker in workers.values():
        worker.close()
    return {
        name: {
            "seconds": timing.seconds(timings[name]),
            "speedup": timing.speedup(timings["literal"], timings[name]),
            "peak_memory": memory[name],
            "timings": timings[name],
        }
        for name in variants
    }


def measure_steps(
    variants: Sequence[str], batch: int, rounds: int, peaks: dict[str, timing.Timing], literal_flops: int
) -> dict[str, Any]:
    """Training steps of every variant, with the share of the machine's limit that each reaches."""
    measured = measure("step", variants, batch, rounds)
    for name, found in measured.items():
        peak = peaks["bf16" if "bf16" in name else "float32"]
        found["share_of_peak"] = timing.share_of_peak(literal_flops, found.pop("timings"), peak)
    return measured


def peaks() -> dict[str, timing.Timing]:
    """The limit of the machine in both precisions."""
    return {"float32": timing.matmul_peak(torch.float32), "bf16": timing.matmul_peak(torch.bfloat16)}


def teraflops(peaks: dict[str, timing.Timing]) -> dict[str, dict[str, float]]:
    return {name: {"wall": 1 / peak.wall, "cpu": 1 / peak.cpu} for name, peak in peaks.items()}


# What is said of it.

STEP_COLUMNS = ("step", "× literal, clock", "× literal, work", "seconds", "share of limit", "peak memory")
CLIP_COLUMNS = ("clips at once", "network", "× literal, clock", "ms a clip", "peak memory")


def step_rows(results: dict[str, Any]) -> report.Rows:
    return [
        (
            name,
            report.spread(found["speedup"]["wall"]),
            report.spread(found["speedup"]["cpu"]),
            report.spread(found["seconds"]["wall"]),
            report.percent(found["share_of_peak"]["wall"]),
            f"{found['peak_memory']:,.0f} MiB",
        )
        for name, found in results["step"]["variants"].items()
    ]


def clip_rows(results: dict[str, Any]) -> report.Rows:
    return [
        (
            batch,
            name if "literal" in name else f"ours, {name}",
            report.spread(found["speedup"]["wall"]),
            report.whole({key: 1000 * value / int(batch) for key, value in found["seconds"]["wall"].items()}),
            f"{found['peak_memory']:,.0f} MiB",
        )
        for batch, variants in results["clips"].items()
        for name, found in variants.items()
    ]


def limits(results: dict[str, Any]) -> str:
    """What the machine could do, and what a step costs."""
    flops, rates = results["step"]["flops"], results["teraflops"]
    speeds = ", ".join(f"{1000 * rate['wall']:.0f} GFLOP/s in {name}" for name, rate in rates.items())
    seconds = ", ".join(f"{flops['literal'] / 1e12 / rate['wall']:.2f} s in {name}" for name, rate in rates.items())
    return (
        f"The literal step does {flops['literal'] / 1e9:.0f} GFLOP, ours {flops['ours'] / 1e9:.0f}. At the speed of a "
        f"matrix product here ({speeds}) the literal one would take {seconds}: *share of limit* is that time, of the "
        "time taken."
    )


def agreement(results: dict[str, Any]) -> str:
    differences = ", ".join(f"{value:.0e}" for value in results["step"]["disagreement"])
    return (
        "From the same weights, noise and frames, in float32, the largest relative difference of any of the losses in "
        f"the first {len(results['step']['disagreement'])} steps is {differences}."
    )


def show(results: dict[str, Any]) -> None:
    console = report.wide_console()
    report.show(console, "Training", STEP_COLUMNS, step_rows(results))
    report.show(console, "Generation", CLIP_COLUMNS, clip_rows(results))
    console.print(limits(results), agreement(results), sep="\n")


def options(description: str | None, batch: int, size: int | None = None) -> argparse.Namespace:
    """The flags of these scripts, `--size` where there is a default for it; sets the number of threads."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=7, help="rounds of training steps")
    parser.add_argument("--batch", type=int, default=batch, help="clips in a training step")
    if size is not None:
        parser.add_argument("--size", type=int, default=size, help="height and width of frames in a training step")
    parser.add_argument("--threads", type=int, help="CPU threads; torch's default if not given")
    parser.add_argument("--compile", action="store_true", help="also time compiled networks")
    parser.add_argument("--write", action="store_true", help="write the page in reports/ and its data")
    parser.add_argument("--worker", nargs=2, metavar=("JOB", "VARIANT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    return given
