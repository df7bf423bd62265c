"""Training steps and clips a second of ImaGINator, against its authors' step written down literally, in one run.

    python benchmarks/imaginator.py [--steps 7] [--batch 2] [--threads 2] [--compile] [--write]

Every variant runs in a process of its own, for how the C library hands out memory is part of the difference; the
processes take turns, a step each, while the others wait.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imaginator_release as release
import report
import timing
import torch
import variants
from torch import Tensor
from torch.nn import functional as F
from variants import BATCHES, LITERAL, MEMORY_BACK, PRECISIONS, random_clips, settle, training

from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.systems.draws import Random
from mutoscope.systems.imaginator import ImaGINator
from mutoscope.systems.imaginator.convert import convert
from mutoscope.training.memory import keep_freed_memory
from mutoscope.training.options import preset, resolve

FIRST_STEPS = 3  # whose losses must agree
SETTLING = 20  # power iterations before losses are compared
CLIP = (32, 64, 64, 3)
LABELS = [str(i) for i in range(6)]
# the literal losses that have a name of their own, and ours that make them up
LOSSES = {
    "rec": ("loss_rec",),
    "G_V": ("loss_G_V",),
    "G_I": ("loss_G_I",),
    "D_V": ("loss_D_V_real", "loss_D_V_fake"),
    "D_I": ("loss_D_I_real", "loss_D_I_fake"),
}


class Literal:
    """The authors' step with networks of their layout, from fixed first weights."""

    def __init__(self, batch: int) -> None:
        torch.manual_seed(0)
        self.networks = release.Generator(), release.VideoDiscriminator(), release.ImageDiscriminator()
        self.optimizers = release.optimizers(*self.networks)
        self.clips, self.labels = random_clips(batch, *CLIP), torch.arange(batch) % len(LABELS)

    def inputs(self) -> tuple[Tensor, Tensor]:
        """Real clips in [-1, 1] and their labels, one-hot."""
        real = uint8_to_float(self.clips).transpose(1, 2).contiguous()
        return real, F.one_hot(self.labels, len(LABELS)).float()

    def step(self) -> dict[str, Tensor]:
        z, times = torch.randn(len(self.clips), 512), torch.randint(CLIP[0], (2,)).tolist()
        return release.training_step(*self.networks, self.optimizers, *self.inputs(), z, *times)


def ours() -> ImaGINator:
    """ImaGINator as its authors' code trains it."""
    _, config = resolve("imaginator", {**preset("imaginator", "release"), "label_names": LABELS})
    return ImaGINator.untrained(config)


def batch_of(batch: int) -> dict[str, Tensor]:
    return {"clip": random_clips(batch, *CLIP), "label": torch.arange(batch) % len(LABELS)}


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
    return training(ours(), batch_of(batch), precision, option == "compiled")


def generation_of(variant: str, batch: int) -> Callable[[], object]:
    """Drawing `batch` clips, uint8 pictures to uint8 clips."""
    pictures = random_clips(batch, *CLIP[1:]).numpy()
    if variant in LITERAL:
        G = release.Generator().eval()

        @torch.no_grad()
        def draw() -> object:
            images = uint8_to_float(torch.from_numpy(pictures)).contiguous()
            y = F.one_hot(torch.arange(batch) % len(LABELS), len(LABELS)).float()
            with torch.autocast("cpu", torch.bfloat16, enabled=variant != "literal"):
                clips = G(images, torch.randn(batch, 512), y)
            return float_to_uint8(clips.transpose(1, 2))

        return draw
    keep_freed_memory()
    system = ours().eval()
    system.drawing_precision = torch.bfloat16 if variant == "bf16" else torch.float32
    y = system.labels_in_turn(batch)
    return lambda: list(system.draw(pictures, system.noises(batch, 0), y))


# Whether both compute the same.


def disagreement(batch: int) -> list[float]:
    """The largest relative difference between our losses and the literal ones in each of the first steps, in float32.

    Both see the same noise and frames. The discriminators are asked about real and about fake clips in two passes there
    and in one here, so that their power iteration would be a step ahead there: the last pass is made without one.
    """
    literal = Literal(batch)
    for network in literal.networks[1:]:
        settle(network, SETTLING)
    system = system_of(literal)
    data, optimizers = {"clip": literal.clips, "label": literal.labels}, system.train().optimizers()
    G, D_V, D_I = literal.networks
    passes = G, iterating_twice(D_V), iterating_twice(D_I)
    differences = []
    for _ in range(FIRST_STEPS):
        noise = system.noise(batch, Random(system.seed, system.iteration))
        times = {name: int(noise[name][0, 0]) for name in ("real_times", "fake_times")}
        noise |= {name: torch.full((batch, 1), time) for name, time in times.items()}
        expected = release.training_step(*passes, literal.optimizers, *literal.inputs(), noise["z"], *times.values())
        found = system.training_step(data, noise, optimizers)
        system.iteration += 1
        pairs = [(expected[name], sum(found[part] for part in parts)) for name, parts in LOSSES.items()]
        differences.append(max(float(abs(own / theirs - 1)) for theirs, own in pairs))
    return differences


def system_of(literal: Literal) -> ImaGINator:
    """Ours with the weights of the literal networks, read as a user would read them."""
    system = ours()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.pth" for name in ("G", "D_V", "D_I")]
        for network, file in zip(literal.networks, files, strict=True):
            torch.save(network.state_dict(), file)
        system.load_state_dict(convert(*files).system.state_dict())
    return system


def iterating_twice(D: torch.nn.Module) -> Callable[..., Tensor]:
    """D whose last of three passes (the generator's; real, fake) leaves the singular vectors as they are."""
    passes = 0

    def judge(*inputs: Tensor) -> Tensor:
        nonlocal passes
        D.train(passes % 3 != 2)
        passes += 1
        return D(*inputs)

    return judge


# What is said of it.


def page(results: dict[str, Any]) -> list[str]:
    return [
        "# Benchmarks of `imaginator`",
        report.INTRODUCTION.replace("in one process (A B C A B C …)", "(A B C A B C …), each in a process of its own"),
        "## Training",
        f"One training step of the generator and both discriminators as the preset `release` has it, batch "
        f"{results['step']['batch_size']} of 32×64×64, six labels. *Literal* is the authors' step as one writes it "
        "first: eager, 5-D convolutions in torch's default memory format, pictures and labels repeated over the clip, "
        "real and fake clips through the discriminators one after the other, torch's default Adam; *literal bf16* the "
        "same under autocast. *Memory given back* is ours with the C library's usual handling of freed memory.",
        report.markdown(variants.STEP_COLUMNS, variants.step_rows(results)),
        variants.limits(results),
        variants.agreement(results)
        + " (Real and fake clips go through each discriminator in one pass here and in two there; for "
        "this comparison the second pass there leaves the singular vectors as they are.)",
        "## Generation",
        "uint8 pictures to uint8 clips of 32×64×64, ours with normalisations worked into the weights; in *bf16* the "
        "weights are stored so as well (`system.drawing_precision`).",
        report.markdown(variants.CLIP_COLUMNS, variants.clip_rows(results)),
        report.how(results),
    ]


def main() -> None:
    given = variants.options(__doc__, batch=2)
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
        "clips": {str(n): variants.measure("generation", [*LITERAL, *PRECISIONS], n, given.steps) for n in BATCHES},
    }
    results = timing.plain(results)
    variants.show(results)
    if given.write:
        timing.save("imaginator", results)
        report.write_page("imaginator", page(results))


if __name__ == "__main__":
    main()
