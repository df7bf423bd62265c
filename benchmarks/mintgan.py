"""Training steps and clips a second of MintGAN, against chapter 5 written down literally, in one run.

    python benchmarks/mintgan.py [--steps 7] [--batch 1] [--threads 2] [--compile] [--write]

Every variant of a step runs in a process of its own, for how the C library hands out memory is part of the difference;
the processes of two variants take turns, a step each. That takes 14 GB of memory for a batch of 1.
`mintgan_gpu.py` is the same for a GPU.
"""

from collections.abc import Callable
from typing import Any

import mintgan_gpu
import mintgan_parts as parts
import mintgan_reference_training as literal
import report
import timing
import torch
import variants
from torch import Tensor
from variants import LITERAL, MEMORY_BACK, PRECISIONS, training

from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.mintgan import MintGAN, MintGANConfig
from mutoscope.training.memory import keep_freed_memory
from mutoscope.training.options import preset, resolve

TRAINED = "paper"  # the preset whose training steps are timed
DRAWN = ("paper", "tuned", "tiny")  # the presets whose generators are timed
FIRST_STEPS = 3  # whose losses must agree
REAL_TIME = 25  # frames a second
ITERATIONS = {"step": 1, "r1": 0}  # of steps without R1 and with it

DRAWING_COLUMNS = ("preset", "pixels", "network", "× literal, clock", "ms a clip", "frames a second", "× real time")


def config_of(name: str) -> MintGANConfig:
    """The choices of a preset."""
    config = resolve("mintgan", preset("mintgan", name))[1]
    assert isinstance(config, MintGANConfig)
    return config


def system_of(name: str) -> MintGAN:
    """An untrained system of a preset."""
    torch.manual_seed(0)
    return MintGAN(config_of(name))


def clips_for(system: MintGAN, batch: int) -> Tensor:
    return variants.random_clips(batch, system.config.frames, *system.config.size, system.config.channels)


class Literal:
    """The literal step, from fixed first weights, with the draws of the system's first step each time."""

    def __init__(self, batch: int) -> None:
        system = system_of(TRAINED)
        self.training = literal.training_of(system)
        self.real = uint8_to_float(clips_for(system, batch)).contiguous()
        self.noise, self.times = literal.draws_of(system, batch)

    def step(self, iteration: int) -> dict[str, Tensor]:
        self.training.iteration = iteration
        return self.training.step(self.real, self.noise, self.noise, self.times)


def step_of(job: str, variant: str, batch: int) -> Callable[[], object]:
    """One training step of a variant, with or without R1, with memory handed out as training does it."""
    iteration = ITERATIONS[job]
    if variant in LITERAL:
        theirs = Literal(batch)

        def literal_step() -> None:
            with torch.autocast("cpu", torch.bfloat16, enabled=variant != "literal"):
                theirs.step(iteration)

        return literal_step
    precision, _, option = variant.partition(", ")
    if variant != MEMORY_BACK:
        keep_freed_memory()
    system = system_of(TRAINED)
    own = training(system, {"clip": clips_for(system, batch)}, precision, option == "compiled")

    def step() -> None:
        system.iteration = iteration
        own()

    return step


def generation_of(name: str, variant: str, batch: int) -> Callable[[], object]:
    """Drawing `batch` clips of a preset, noise to uint8."""
    system, o = system_of(name).eval(), config_of(name)
    if variant in LITERAL:
        G = literal.training_of(system).G.eval()

        @torch.no_grad()
        def draw() -> object:
            clips = G(torch.randn(batch, o.d_a), torch.randn(batch, o.frames - 1, o.d_m))
            return float_to_uint8(clips.flatten(0, 1))

        return draw
    keep_freed_memory()
    return lambda: list(system.outputs(Conditions(batch, o.frames)))


# Whether both compute the same.


def disagreement(batch: int) -> list[float]:
    """The largest relative difference between our losses and the literal ones in each of the first steps, in float32.

    Both see the same noise and frames: the literal step gets the same noise for both of its halves, and ours takes the
    signs of its directions from the literal SVD, which does not remember those before.
    """
    theirs, system = Literal(batch), system_of(TRAINED)
    literal.hand_over(theirs.training, system)
    step = training(system, {"clip": clips_for(system, batch)}, "float32")
    assert system.G.bank is not None
    differences = []
    for _ in range(FIRST_STEPS):
        system.G.bank.D.copy_(theirs.training.G.directions().detach())
        noise, times = literal.draws_of(system, batch)
        expected = theirs.training.step(theirs.real, noise, noise, times)
        found = step()
        differences.append(max(float(abs(found[key] / loss - 1)) for key, loss in expected.items()))
    return differences


# What is measured.


def measure_steps(batch: int, rounds: int, compiled: bool) -> dict[str, Any]:
    """Training steps, those with R1, their operations, and whether both compute the same."""
    peaks = variants.peaks()
    # two at a time: a process that waits keeps up to 8 GB
    measured: dict[str, Any] = {}
    for variant in (LITERAL[1], *PRECISIONS, *(["bf16, compiled"] if compiled else [])):
        measured |= variants.measure("step", ["literal", variant], batch, rounds, warm_up=1)
    penalised: dict[str, Any] = {}
    for precision in PRECISIONS:
        penalised |= variants.measure("r1", ["literal", precision], batch, max(1, rounds // 2), warm_up=1)
    operations = {
        "literal": parts.flops(step_of("step", "literal", batch)),
        "ours": parts.flops(step_of("step", MEMORY_BACK, batch)),
    }
    for name, found in measured.items():
        peak = peaks["bf16" if "bf16" in name else "float32"]
        found["share_of_peak"] = timing.share_of_peak(operations["literal"], found.pop("timings"), peak)
    return {
        "teraflops": variants.teraflops(peaks),
        "step": {
            "batch_size": batch,
            "flops": operations,
            "disagreement": disagreement(batch),
            "variants": measured,
        },
        "r1_every": config_of(TRAINED).r1_every,
        "r1": penalised,
    }


def measure_drawing(name: str, rounds: int) -> dict[str, Any]:
    """One clip of a preset."""
    o = config_of(name)
    found = variants.measure(name, ["literal", "float32"], 1, rounds)
    return {"frames": o.frames, "image_size": o.image_size, "variants": found}


# What is said of it.


def drawing_rows(results: dict[str, Any]) -> report.Rows:
    rows = []
    for name, measured in results["drawing"].items():
        for variant, found in measured["variants"].items():
            seconds = found["seconds"]["wall"]
            fastest_last = {"median": seconds["median"], "low": seconds["high"], "high": seconds["low"]}
            rate = {key: measured["frames"] / value for key, value in fastest_last.items()}
            rows.append(
                (
                    f"`{name}`",
                    str(measured["image_size"]),
                    variant if variant in LITERAL else f"ours, {variant}",
                    report.spread(found["speedup"]["wall"]),
                    report.whole({key: 1000 * value for key, value in seconds.items()}),
                    report.whole(rate),
                    report.spread({key: value / REAL_TIME for key, value in rate.items()}),
                )
            )
    return rows


def with_r1(results: dict[str, Any]) -> str:
    """What steps with R1 cost, and a mean step."""
    medians = {
        name: (found["seconds"]["wall"]["median"], results["r1"][name]["seconds"]["wall"]["median"])
        for name, found in results["step"]["variants"].items()
        if name in results["r1"]
    }
    every = results["r1_every"]
    means = {name: ((every - 1) * plain + penalised) / every for name, (plain, penalised) in medians.items()}
    said = ", ".join(f"{name} {penalised:.2f} s" for name, (_, penalised) in medians.items())
    faster = ", ".join(f"{means['literal'] / mean:.2f} ({name})" for name, mean in means.items() if name != "literal")
    return (
        f"One step in {every} has R1 too, and takes longer: {said}. A mean step is so many times as fast as the "
        f"literal one: {faster}."
    )


def page(results: dict[str, Any]) -> list[str]:
    return [
        "# Benchmarks of `mintgan`",
        report.INTRODUCTION.replace("in one process (A B C A B C …)", "(A B C A B C …)"),
        "## Training",
        f"One training step of the generator and all five discriminators as the preset `{TRAINED}` has it, batch "
        f"{results['step']['batch_size']} of 16×64×64, each variant in a process of its own. *Literal* is chapter 5 "
        "with StyleGAN2 as one writes them first: weights of their own for every frame in a grouped convolution, "
        "filters by inserted zeros and a convolution with the full kernel, fake clips made once for the discriminators "
        "and once more for the generator, torch's SVD in both, torch's default Adam and memory format; *literal bf16* "
        "the same under autocast.",
        report.markdown(variants.STEP_COLUMNS, variants.step_rows(results)),
        variants.limits(results)
        + " Both counts are of convolutions and matrix products; ours makes the fake clips once and not twice.",
        with_r1(results),
        variants.agreement(results)
        + " (Both halves of the literal step get the same noise for this comparison, and ours the literal signs of "
        "singular vectors.)",
        "## Generation",
        f"Noise to one uint8 clip in float32, weights untrained. Real time is {REAL_TIME} frames a second.",
        report.markdown(DRAWING_COLUMNS, drawing_rows(results)),
        *parts.page(results),
        report.how(results),
        *mintgan_gpu.section(),
    ]


def show(results: dict[str, Any]) -> None:
    console = report.wide_console()
    report.show(console, "Training", variants.STEP_COLUMNS, variants.step_rows(results))
    report.show(console, "Generation", DRAWING_COLUMNS, drawing_rows(results))
    parts.show(results)
    console.print(variants.limits(results), with_r1(results), variants.agreement(results), sep="\n")


def main() -> None:
    given = variants.options(__doc__, batch=1)
    if given.worker:
        job, variant = given.worker
        variants.work((step_of if job in ITERATIONS else generation_of)(job, variant, given.batch))
        return
    trained = config_of(TRAINED)
    results = {
        "machine": timing.machine(),
        **measure_steps(given.batch, given.steps, given.compile),
        "drawing": {name: measure_drawing(name, given.steps) for name in DRAWN},
        "judges": parts.measure_judges(given.batch, trained.image_size, trained.widths_D, given.steps),
        "layers": parts.measure_layers(given.steps),
    }
    results = timing.plain(results)
    show(results)
    if given.write:
        timing.save("mintgan", results)
        report.write_page("mintgan", page(results))


if __name__ == "__main__":
    main()
