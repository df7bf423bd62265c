"""Training steps and clips a second of G³AN, against its authors' step written down literally, in one run.

    python benchmarks/g3an.py [--steps 7] [--batch 4] [--threads 2] [--compile] [--write]

Every variant runs in a process of its own, for how the C library hands out memory is part of the difference; the
processes take turns, a step each, while the others wait.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import g3an_release as release
import report
import timing
import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.systems.g3an import G3AN
from mutoscope.systems.g3an.convert import convert
from mutoscope.systems.g3an.system import FAKE_FRAMES, REAL_FRAMES
from mutoscope.training.memory import keep_freed_memory

PRECISIONS: dict[str, Any] = {"float32": "32-true", "bf16": "bf16-mixed"}
LITERAL = ("literal", "literal bf16")
FIRST_STEPS = 3  # whose losses must agree
SETTLING = 20  # power iterations before losses are compared
BATCHES = (1, 16)  # of generation


class Literal:
    """The authors' step with networks of their layout, from fixed first weights."""

    def __init__(self, batch: int) -> None:
        torch.manual_seed(0)
        # attention as the equations have it, so that both compute the same
        self.networks = release.Generator(legacy=False), release.VideoDiscriminator(), release.ImageDiscriminator()
        self.optimizers = [torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in self.networks]
        self.clips = random_clips(batch)

    def step(self) -> dict[str, float]:
        n, frames = self.clips.shape[:2]
        real = uint8_to_float(self.clips).transpose(1, 2).contiguous()
        z_a, z_m = torch.randn(n, 128, 1, 1, 1), torch.randn(n, 10, 1, 1, 1)
        times = (torch.randint(frames, (n,)) for _ in range(2))
        losses = release.training_step(*self.networks, self.optimizers, real, z_a, z_m, *times)
        return dict(zip(("loss_D_V", "loss_D_I", "loss_G"), map(float, losses), strict=True))


def random_clips(batch: int) -> Tensor:
    """uint8 clips `b t h w c` as training gets them."""
    shape = (batch, 16, 64, 64, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def system_of(literal: Literal) -> G3AN:
    """Ours with the weights of the literal networks, read as a user would read them."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.pth" for name in ("G", "D_V", "D_I")]
        for network, file in zip(literal.networks, files, strict=True):
            torch.save(network.state_dict(), file)
        system = convert(*files, attention="equations").system
    assert isinstance(system, G3AN)
    return system


def training(system: G3AN, clips: Tensor, precision: str, compiled: bool = False) -> Callable[[], dict[str, Tensor]]:
    """One training step of ours."""
    system.train()
    fabric = Fabric(accelerator="cpu", devices=1, precision=PRECISIONS[precision])
    fabric.setup(system, *system.configure_optimizers())
    if compiled:
        for network in system.trained_networks():
            network.compile()

    def step() -> dict[str, Tensor]:
        with fabric.autocast():
            system.training_step({"clip": clips}, 0)
        return system.losses

    return step


def step_of(variant: str, batch: int) -> Callable[[], object]:
    """One training step of a variant, with memory handed out as training does it."""
    if variant in LITERAL:
        literal = Literal(batch)

        def step() -> None:
            with torch.autocast("cpu", torch.bfloat16, enabled=variant != "literal"):
                literal.step()

        return step
    precision, _, option = variant.partition(", ")
    if option != "memory given back":
        keep_freed_memory()
    torch.manual_seed(0)
    return training(G3AN(d_v="2p1d"), random_clips(batch), precision, option == "compiled")


def generation_of(variant: str, batch: int) -> Callable[[], object]:
    """Drawing `batch` clips, noise to uint8."""
    if variant in LITERAL:
        G = release.Generator(legacy=False).eval()

        @torch.no_grad()
        def draw() -> object:
            clips = G(torch.randn(batch, 128, 1, 1, 1), torch.randn(batch, 10, 1, 1, 1))
            return float_to_uint8(clips.transpose(1, 2))

        return draw
    keep_freed_memory()
    system = G3AN(d_v="2p1d").eval()
    return lambda: list(system.draw(system.appearances(batch, 0), system.motions(batch, 0)))


# Whether both compute the same.


def disagreement(batch: int) -> list[float]:
    """The largest relative difference between our losses and the literal ones in each of the first steps, in float32.

    Both see the same noise and frames. D is asked about real and about fake clips in two passes there and in one here,
    so that its power iteration would be a step ahead there: the second pass is made without one.
    """
    literal = Literal(batch)
    for network in literal.networks:
        settle(network)
    system = system_of(literal)
    step = training(system, literal.clips, "float32")
    G, D_V, D_I = literal.networks
    two_passes = iterating_once(D_V), G, iterating_once(D_I)
    differences = []
    for _ in range(FIRST_STEPS):
        z_a, z_m = (z.reshape(batch, -1, 1, 1, 1) for z in system.draw_noise(batch))
        times = [system.random_times(batch, 16, purpose).flatten() for purpose in (REAL_FRAMES, FAKE_FRAMES)]
        real = uint8_to_float(literal.clips).transpose(1, 2).contiguous()
        expected = release.training_step(G, two_passes[0], two_passes[2], literal.optimizers, real, z_a, z_m, *times)
        found = step()
        pairs = zip(expected, (found["loss_D_V"], found["loss_D_I"], found["loss_G"]), strict=True)
        differences.append(max(float(abs(ours / theirs - 1)) for theirs, ours in pairs))
    return differences


@torch.no_grad()
def settle(network: torch.nn.Module) -> None:
    """Lets the singular vectors find their weights, by running the layers' own power iteration."""
    for module in network.modules():
        for hook in module._forward_pre_hooks.values():
            for _ in range(SETTLING):
                hook(module, None)


def iterating_once(D: torch.nn.Module) -> Callable[[Tensor], Tensor]:
    """D whose every second of three passes (real, fake; the generator's) leaves the singular vectors as they are."""
    passes = 0

    def judge(x: Tensor) -> Tensor:
        nonlocal passes
        D.train(passes % 3 != 1)
        passes += 1
        return D(x)

    return judge


def flops(batch: int) -> dict[str, int]:
    """Floating point operations of one step, counted."""
    steps = {"literal": Literal(batch).step, "ours": step_of("float32", batch)}
    counted = {}
    for name, step in steps.items():
        with FlopCounterMode(display=False) as counter:
            step()
        counted[name] = counter.get_total_flops()
    return counted


# A process for each variant.


class Worker:
    """This script run anew, doing one variant's work once a line."""

    def __init__(self, job: str, variant: str, batch: int) -> None:
        command = [sys.executable, __file__, "--worker", job, variant, "--batch", str(batch)]
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


def measure(job: str, variants: list[str], batch: int, rounds: int, warm_up: int = 3) -> dict[str, Any]:
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


def measure_steps(variants: list[str], batch: int, rounds: int, peaks: dict[str, timing.Timing]) -> dict[str, Any]:
    counted = flops(batch)
    measured = measure("step", variants, batch, rounds)
    for name, found in measured.items():
        peak = peaks["bf16" if "bf16" in name else "float32"]
        found["share_of_peak"] = timing.share_of_peak(counted["literal"], found.pop("timings"), peak)
    return {"batch_size": batch, "flops": counted, "disagreement": disagreement(batch), "variants": measured}


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
            name if name == "literal" else "ours",
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
        "From the same weights, noise and frames, in float32, the largest relative difference of any of the three "
        f"losses in the first {FIRST_STEPS} steps is {differences}."
    )


def show(results: dict[str, Any]) -> None:
    console = report.wide_console()
    report.show(console, "Training", STEP_COLUMNS, step_rows(results))
    report.show(console, "Generation", CLIP_COLUMNS, clip_rows(results))
    console.print(limits(results), agreement(results), sep="\n")


def page(results: dict[str, Any]) -> list[str]:
    return [
        "# Benchmarks of `g3an`",
        report.INTRODUCTION.replace("in one process (A B C A B C …)", "(A B C A B C …), each in a process of its own"),
        "## Training",
        f"One training step of the generator and both discriminators in the layout of the authors' code, batch "
        f"{results['step']['batch_size']} of 16×64×64, attention on. *Literal* is the authors' step as one writes it "
        "first: eager, 5-D convolutions in torch's default memory format, scores of attention written out, real and "
        "fake clips through the discriminators one after the other, torch's default Adam; *literal bf16* the same "
        "under autocast. *Memory given back* is ours with the C library's usual handling of freed memory.",
        report.markdown(STEP_COLUMNS, step_rows(results)),
        limits(results),
        agreement(results)
        + " (Real and fake clips go through each discriminator in one pass here and in two there; for "
        "this comparison the second pass there leaves the singular vectors as they are.)",
        "## Generation",
        "Noise to uint8 clips of 16×64×64 in float32, ours with normalisations worked into the weights.",
        report.markdown(CLIP_COLUMNS, clip_rows(results)),
        report.how(results),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=7, help="rounds of training steps")
    parser.add_argument("--batch", type=int, default=4, help="clips in a training step")
    parser.add_argument("--threads", type=int, help="CPU threads; torch's default if not given")
    parser.add_argument("--compile", action="store_true", help="also time compiled networks")
    parser.add_argument("--write", action="store_true", help="write reports/benchmarks_g3an.md and its data")
    parser.add_argument("--worker", nargs=2, metavar=("JOB", "VARIANT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.worker:
        job, variant = options.worker
        work((step_of if job == "step" else generation_of)(variant, options.batch))
        return
    peaks = {"float32": timing.matmul_peak(torch.float32), "bf16": timing.matmul_peak(torch.bfloat16)}
    variants = [*LITERAL, *PRECISIONS, "bf16, memory given back", *(["bf16, compiled"] if options.compile else [])]
    results = {
        "machine": timing.machine(),
        "teraflops": {name: {"wall": 1 / peak.wall, "cpu": 1 / peak.cpu} for name, peak in peaks.items()},
        "step": measure_steps(variants, options.batch, options.steps, peaks),
        "clips": {str(n): measure("generation", ["literal", "float32"], n, options.steps) for n in BATCHES},
    }
    results = timing.plain(results)
    show(results)
    if options.write:
        timing.save("g3an", results)
        report.write_page("g3an", page(results))


if __name__ == "__main__":
    main()
