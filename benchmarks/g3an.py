"""Training steps and clips a second of G³AN, against its authors' step written down literally, in one run.

    python benchmarks/g3an.py [--steps 7] [--batch 4] [--threads 2] [--compile] [--write]

Every variant runs in a process of its own, for how the C library hands out memory is part of the difference; the
processes take turns, a step each, while the others wait.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import g3an_release as release
import report
import timing
import torch
import variants
from torch import Tensor
from variants import BATCHES, LITERAL, MEMORY_BACK, PRECISIONS, random_clips, settle, training

from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.systems.draws import Random
from mutoscope.systems.g3an import G3AN, G3ANConfig
from mutoscope.systems.g3an.convert import convert
from mutoscope.training.memory import keep_freed_memory

FIRST_STEPS = 3  # whose losses must agree
SETTLING = 20  # power iterations before losses are compared
CLIP = (16, 64, 64, 3)


class Literal:
    """The authors' step with networks of their layout, from fixed first weights."""

    def __init__(self, batch: int) -> None:
        torch.manual_seed(0)
        # attention as the equations have it, so that both compute the same
        self.networks = release.Generator(legacy=False), release.VideoDiscriminator(), release.ImageDiscriminator()
        self.optimizers = [torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in self.networks]
        self.clips = random_clips(batch, *CLIP)

    def step(self) -> dict[str, float]:
        n, frames = self.clips.shape[:2]
        real = uint8_to_float(self.clips).transpose(1, 2).contiguous()
        z_a, z_m = torch.randn(n, 128, 1, 1, 1), torch.randn(n, 10, 1, 1, 1)
        times = (torch.randint(frames, (n,)) for _ in range(2))
        losses = release.training_step(*self.networks, self.optimizers, real, z_a, z_m, *times)
        return dict(zip(("loss_D_V", "loss_D_I", "loss_G"), map(float, losses), strict=True))


def system_of(literal: Literal) -> G3AN:
    """Ours with the weights of the literal networks, read as a user would read them."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.pth" for name in ("G", "D_V", "D_I")]
        for network, file in zip(literal.networks, files, strict=True):
            torch.save(network.state_dict(), file)
        system = convert(*files, attention="equations").system
    assert isinstance(system, G3AN)
    return system


def step_of(variant: str, batch: int) -> Callable[[], object]:
    """One training step of a variant, with memory handed out as training does it."""
    if variant in LITERAL:
        literal = Literal(batch)

        def step() -> None:
            with torch.autocast("cpu", torch.bfloat16, enabled=variant != "literal"):
                literal.step()

        return step
    precision, _, option = variant.partition(", ")
    if variant != MEMORY_BACK:
        keep_freed_memory()
    system = G3AN.untrained(G3ANConfig(d_v="2p1d"))
    return training(system, {"clip": random_clips(batch, *CLIP)}, precision, option == "compiled")


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
    system = G3AN.untrained(G3ANConfig(d_v="2p1d")).eval()
    return lambda: list(system.draw(system.appearances(batch, 0), system.motions(batch, 0)))


# Whether both compute the same.


def disagreement(batch: int) -> list[float]:
    """The largest relative difference between our losses and the literal ones in each of the first steps, in float32.

    Both see the same noise and frames. D is asked about real and about fake clips in two passes there and in one here,
    so that its power iteration would be a step ahead there: the second pass is made without one.
    """
    literal = Literal(batch)
    for network in literal.networks:
        settle(network, SETTLING)
    system = system_of(literal)
    step = training(system, {"clip": literal.clips}, "float32")
    G, D_V, D_I = literal.networks
    two_passes = iterating_once(D_V), G, iterating_once(D_I)
    differences = []
    for _ in range(FIRST_STEPS):
        noise = system.noise(batch, Random(system.seed, system.iteration))
        z_a, z_m = (noise[name].reshape(batch, -1, 1, 1, 1) for name in ("z_a", "z_m"))
        times = [noise[name].flatten() for name in ("real_times", "fake_times")]
        real = uint8_to_float(literal.clips).transpose(1, 2).contiguous()
        expected = release.training_step(G, two_passes[0], two_passes[2], literal.optimizers, real, z_a, z_m, *times)
        found = step()
        pairs = zip(expected, (found["loss_D_V"], found["loss_D_I"], found["loss_G"]), strict=True)
        differences.append(max(float(abs(ours / theirs - 1)) for theirs, ours in pairs))
    return differences


def iterating_once(D: torch.nn.Module) -> Callable[[Tensor], Tensor]:
    """D whose every second of three passes (real, fake; the generator's) leaves the singular vectors as they are."""
    passes = 0

    def judge(x: Tensor) -> Tensor:
        nonlocal passes
        D.train(passes % 3 != 1)
        passes += 1
        return D(x)

    return judge


# What is said of it.


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
        report.markdown(variants.STEP_COLUMNS, variants.step_rows(results)),
        variants.limits(results),
        variants.agreement(results)
        + " (Real and fake clips go through each discriminator in one pass here and in two there; for "
        "this comparison the second pass there leaves the singular vectors as they are.)",
        "## Generation",
        "Noise to uint8 clips of 16×64×64 in float32, ours with normalisations worked into the weights.",
        report.markdown(variants.CLIP_COLUMNS, variants.clip_rows(results)),
        report.how(results),
    ]


def main() -> None:
    given = variants.options(__doc__, batch=4)
    if given.worker:
        job, variant = given.worker
        variants.work((step_of if job == "step" else generation_of)(variant, given.batch))
        return
    peaks = variants.peaks()
    names = [*LITERAL, *PRECISIONS, MEMORY_BACK, *(["bf16, compiled"] if given.compile else [])]
    flops = {
        "literal": variants.flops(Literal(given.batch).step),
        "ours": variants.flops(step_of("float32", given.batch)),
    }
    results = {
        "machine": timing.machine(),
        "teraflops": variants.teraflops(peaks),
        "step": {
            "batch_size": given.batch,
            "flops": flops,
            "disagreement": disagreement(given.batch),
            "variants": variants.measure_steps(names, given.batch, given.steps, peaks, flops["literal"]),
        },
        "clips": {str(n): variants.measure("generation", ["literal", "float32"], n, given.steps) for n in BATCHES},
    }
    results = timing.plain(results)
    variants.show(results)
    if given.write:
        timing.save("g3an", results)
        report.write_page("g3an", page(results))


if __name__ == "__main__":
    main()
