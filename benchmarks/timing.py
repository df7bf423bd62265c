"""What the benchmarks share: alternating runs, ratios pair by pair, limits of the machine, memory, results on disk."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from mutoscope.files import replacing

REPORTS = Path(__file__).parent.parent / "reports"


@dataclass(frozen=True)
class Timing:
    """Seconds of one run: by the clock, and of processor time of all threads, which other programs disturb less."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of several values."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


def seconds(timings: Sequence[Timing]) -> dict[str, Spread]:
    """By the clock and in work."""
    return {"wall": spread([t.wall for t in timings]), "cpu": spread([t.cpu for t in timings])}


def timed(run: Callable[[], object]) -> Timing:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return Timing(time.perf_counter() - wall, time.process_time() - cpu)


def alternate(variants: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1) -> dict[str, list[Timing]]:
    """Runs the variants in turn, A B C A B C …, so that what disturbs the machine for a while disturbs all of them."""
    for _ in range(warm_up):
        for run in variants.values():
            run()
    timings: dict[str, list[Timing]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            timings[name].append(timed(run))
    return timings


def speedup(reference: Sequence[Timing], ours: Sequence[Timing]) -> dict[str, Spread]:
    """How many times faster ours is, round by round, by the clock and in work."""
    pairs = list(zip(reference, ours, strict=True))
    return {
        "wall": spread([theirs.wall / own.wall for theirs, own in pairs]),
        "cpu": spread([theirs.cpu / own.cpu for theirs, own in pairs]),
    }


def matmul_peak(dtype: torch.dtype, size: int = 2048, rounds: int = 7) -> Timing:
    """Seconds that 10¹² floating point operations take in a square matrix product at best: the machine's limit."""
    a, b = torch.randn(size, size, dtype=dtype), torch.randn(size, size, dtype=dtype)
    timings = [timed(lambda: a @ b) for _ in range(rounds)]
    scale = 1e12 / (2 * size**3)
    return Timing(scale * min(t.wall for t in timings), scale * min(t.cpu for t in timings))


def share_of_peak(flops: float, timings: Sequence[Timing], peak: Timing) -> dict[str, Spread]:
    """How much of the limit runs of `flops` operations reach, by the clock and in work."""
    return {
        "wall": spread([flops / 1e12 * peak.wall / timing.wall for timing in timings]),
        "cpu": spread([flops / 1e12 * peak.cpu / timing.cpu for timing in timings]),
    }


def peak_memory(*arguments: str) -> float:
    """Peak resident memory, in MiB, of this script run anew with `arguments` that make it `print_peak_memory`."""
    ran = subprocess.run([sys.executable, sys.argv[0], *arguments], check=True, capture_output=True, text=True)
    return float(ran.stdout.split()[-1])


def print_peak_memory() -> None:
    """Prints `memory_peak()`."""
    print(memory_peak())


def memory_peak() -> float:
    """The peak resident memory of this process so far, in MiB (Linux; `getrusage` would count the parent's)."""
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def machine() -> dict[str, Any]:
    """What the numbers depend on: processor, threads, load, versions, date, command."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
    }


def machine_line(machine: Mapping[str, Any]) -> str:
    """The same as a sentence."""
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} thread(s), load average "
        f"{machine['load']}, torch {machine['torch']}, Python {machine['python']}, {machine['date']}."
    )


def save(name: str, results: Mapping[str, Any]) -> Path:
    """Writes `reports/data/benchmark_<name>.json`."""
    path = REPORTS / "data" / f"benchmark_{name}.json"
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(plain(results), indent=2) + "\n")
    return path


def plain(results: Mapping[str, Any]) -> dict[str, Any]:
    """Results as they come back from JSON."""
    return json.loads(json.dumps(results, default=vars))


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
