"""Training steps of MintGAN on a GPU, against chapter 5 written down literally.

    python benchmarks/mintgan_gpu.py [--presets paper paper_128] [--batch 8] [--steps 10] [--compile] [--write]

With --write its table becomes part of the page of `mintgan.py`, when that is next written.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import mintgan_parts as parts
import mintgan_reference_training as literal
import report
import timing
import torch
import variants

from mutoscope.media.tensors import uint8_to_float
from mutoscope.systems.mintgan import MintGAN, MintGANConfig
from mutoscope.training.options import preset, resolve

NAME = "mintgan_gpu"
WITHOUT_R1 = 1  # an iteration
PEAK_SIZE = 8192  # of the matrix products that show the limit
COLUMNS = ("preset", "step", "× literal", "steps a second", "clips a second", "share of limit", "peak memory")
VARIANTS = ("literal", "literal bf16", "float32", "bf16")
Step = Callable[[], object]


def system_of(name: str, device: torch.device) -> MintGAN:
    config = resolve("mintgan", preset("mintgan", name))[1]
    assert isinstance(config, MintGANConfig)
    torch.manual_seed(0)
    return MintGAN(config).to(device)


def step_of(name: str, variant: str, batch: int, device: torch.device) -> Step:
    """One training step without R1."""
    system = system_of(name, device)
    o = system.config
    clips = variants.random_clips(batch, o.frames, *o.size, o.channels).to(device)
    if variant in variants.LITERAL:
        return literal_step(system, clips, variant)
    precision, _, option = variant.partition(", ")
    own = variants.training(system, {"clip": clips}, precision, option == "compiled")

    def step() -> None:
        system.iteration = WITHOUT_R1
        own()

    return step


def literal_step(system: MintGAN, clips: torch.Tensor, variant: str) -> Step:
    training = literal.training_of(system)
    for network in (training.G, training.G_average, training.D_I, training.D_V):
        network.to(clips.device)
    real = uint8_to_float(clips).contiguous()
    noise, times = literal.draws_of(system, len(clips))

    def step() -> None:
        training.iteration = WITHOUT_R1
        with torch.autocast(clips.device.type, torch.bfloat16, enabled=variant != "literal"):
            training.step(real, noise, noise, times)

    return step


def seconds(step: Step, rounds: int, device: torch.device) -> list[float]:
    """Of each step, after three that are not counted."""
    taken = []
    for turn in range(3 + rounds):
        start = time.perf_counter()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        if turn >= 3:
            taken.append(time.perf_counter() - start)
    return taken


def teraflops(dtype: torch.dtype, device: torch.device, size: int = PEAK_SIZE) -> float:
    """What a square matrix product reaches at best."""
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return 2 * size**3 / min(seconds(lambda: a @ b, 10, device)) / 1e12


def measure(name: str, variant: str, batch: int, rounds: int, device: torch.device) -> dict[str, Any] | None:
    """Seconds and peak memory in MiB of a variant's step; None where it does not fit into the GPU's memory."""
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        taken = seconds(step_of(name, variant, batch, device), rounds, device)
    except torch.OutOfMemoryError:
        return None
    memory = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else timing.memory_peak()
    return {"seconds": timing.spread(taken), "peak_memory": memory}


def measure_preset(name: str, names: list[str], batch: int, rounds: int, device: torch.device) -> dict[str, Any]:
    return {
        "flops": parts.flops(step_of(name, "float32", batch, device)),
        "variants": {variant: measure(name, variant, batch, rounds, device) for variant in names},
    }


# What is said of it.


def rows(results: dict[str, Any]) -> report.Rows:
    return [
        (f"`{name}`", variant, *figures(results, measured, variant))
        for name, measured in results["presets"].items()
        for variant in measured["variants"]
    ]


def figures(results: dict[str, Any], measured: dict[str, Any], variant: str) -> list[str]:
    found, theirs = measured["variants"][variant], measured["variants"]["literal"]
    if found is None:
        return ["does not fit", *["–"] * 4]
    taken = found["seconds"]
    slowest_first = {"median": taken["median"], "low": taken["high"], "high": taken["low"]}
    rates = {key: 1 / value for key, value in slowest_first.items()}
    limit = results["teraflops"]["bf16" if "bf16" in variant else "float32"] * 1e12
    return [
        f"{theirs['seconds']['median'] / taken['median']:.2f}" if theirs else "–",
        report.spread(rates),
        report.whole({key: results["batch_size"] * value for key, value in rates.items()}),
        report.percent({key: measured["flops"] * value / limit for key, value in rates.items()}),
        f"{found['peak_memory']:,.0f} MiB",
    ]


def section() -> list[str]:
    """The paragraphs for the page of `mintgan`, from what was measured last; none if nothing was."""
    path = timing.REPORTS / "data" / f"benchmark_{NAME}.json"
    if not path.exists():
        return []
    results = json.loads(path.read_text())
    limits = ", ".join(f"{rate:.0f} TFLOP/s in {name}" for name, rate in results["teraflops"].items())
    return [
        "## On a GPU",
        f"The same training steps, batch {results['batch_size']}, without R1, one variant after the other on "
        f"{results['device']}. Matrix products of {PEAK_SIZE} rows reach {limits}, float32 as torch computes it by "
        "default; *share of limit* is our step's operations at the rate of the steps, of that.",
        report.markdown(COLUMNS, rows(results)),
        report.how(results),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=["paper", "paper_128"])
    parser.add_argument("--batch", type=int, default=8, help="clips in a training step")
    parser.add_argument("--steps", type=int, default=10, help="training steps timed")
    parser.add_argument("--device", type=torch.device, default=torch.device("cuda"))
    parser.add_argument("--compile", action="store_true", help="also time compiled networks")
    parser.add_argument("--write", action="store_true", help=f"write reports/data/benchmark_{NAME}.json")
    given = parser.parse_args()
    if given.device.type == "cuda" and not torch.cuda.is_available():
        parser.exit(2, "mintgan_gpu: torch finds no GPU here\n")
    names = [*VARIANTS, *(["bf16, compiled"] if given.compile else [])]
    dtypes = {"float32": torch.float32, "bf16": torch.bfloat16}
    size = PEAK_SIZE if given.device.type == "cuda" else 512
    results = {
        "machine": timing.machine(),
        "device": torch.cuda.get_device_name() if given.device.type == "cuda" else "the processor",
        "batch_size": given.batch,
        "teraflops": {name: teraflops(dtype, given.device, size) for name, dtype in dtypes.items()},
        "presets": {
            name: measure_preset(name, names, given.batch, given.steps, given.device) for name in given.presets
        },
    }
    results = timing.plain(results)
    report.show(report.wide_console(), f"Training on {results['device']}", COLUMNS, rows(results))
    if given.write:
        timing.save(NAME, results)


if __name__ == "__main__":
    main()
