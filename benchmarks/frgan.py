"""Training steps and frames a second of FRGAN, against Zhao et al. (2020) written down literally, in one run.

    python benchmarks/frgan.py [--steps 2] [--batch 2] [--size 64] [--threads 2] [--write]

Every variant runs in a process of its own, for how the C library hands out memory is part of the difference; the
processes of two variants take turns, a step each. `--size` is that of the first stage's frames.
"""

from collections.abc import Callable
from typing import Any

import frgan_pair as pair
import report
import timing
import torch
import variants
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry
from variants import LITERAL, PRECISIONS, training

from mutoscope.media.tensors import float_to_uint8
from mutoscope.systems.frgan import FRGAN, FRGANConfig
from mutoscope.systems.frgan.generation import FRAMES_AT_ONCE
from mutoscope.training.memory import keep_freed_memory
from mutoscope.training.options import preset

STAGES: tuple[pair.StageName, ...] = ("forecast", "refine")
CLIPS = 1  # in a step of the second stage
FIRST_STEPS = 3  # whose losses must agree
BEGINS = {"forecast": 0, "refine": 1000}  # the iteration at which a stage begins
SIZES = ("image_size", "frames", "ch", "max_ch", "code", "ch_R", "max_ch_R")
# the paper's are the defaults: pictures of 64 pixels, windows of 16 frames, as in Tables 1 and 2
WIDTHS: dict[str, dict[str, Any]] = {
    "paper": {},
    "tiny": {name: preset("frgan", "tiny")[name] for name in SIZES},
}
OF_ALL = {"structure": "maps", "map_channels": 3, "pose_steps": 0, "joint_noise": 0.0, "forecast_steps": 1000}
ONE_BY_ONE, AT_ONCE, OURS = "literal", f"literal, {FRAMES_AT_ONCE} at once", "ours"
DRAWINGS = {"forecast": "forecast", "refine": "forecast and refined"}

DRAWING_COLUMNS = ("widths", "clip", "network", "× literal, clock", "× literal, work", "frames a second")


def system_of(widths: str, **arguments: Any) -> FRGAN:
    """An untrained system whose maps are made elsewhere: drawing them is another benchmark's."""
    return FRGAN.untrained(FRGANConfig(**(WIDTHS[widths] | OF_ALL | arguments)))


def system_for(stage: str, size: int) -> FRGAN:
    """A system of the paper's widths that is about to begin a stage, without networks that the stage does not need."""
    system = system_of("paper", refine=False, image_size=size) if stage == "forecast" else system_of("paper")
    system.iteration = BEGINS[stage]
    return system


def step_of(stage: pair.StageName, variant: str, size: int, batch: int) -> Callable[[], object]:
    """One training step of a stage, ours with memory handed out as training does it."""
    system = system_for(stage, size)
    examples = pair.batch_for(system, stage, batch)
    if variant not in LITERAL:
        keep_freed_memory()
        return training(system, examples, variant)
    literal = pair.literal_step(pair.training_of(system), system, stage, examples)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=variant != "literal"):
            literal()

    return step


def drawing_of(widths: str, drawing: str, variant: str) -> Callable[[], object]:
    """Drawing `FRAMES_AT_ONCE` frames that follow one picture, uint8 to uint8, forecast alone or also refined."""
    system = system_of(widths).eval()
    o = system.config
    frames = variants.random_clips(FRAMES_AT_ONCE + 1, *o.size, o.channels)
    rows = torch.rand(FRAMES_AT_ONCE + 1, o.C_M * o.image_size**2)
    picture, refine = frames[0].numpy(), drawing == "refine"
    if variant == OURS:
        keep_freed_memory()
        system.trained.fill_(1)
        return lambda: list(system.clip(picture, rows[0].numpy(), rows[1:].numpy(), refine=refine))
    literal, maps = pair.training_of(system), system.maps(rows)
    together, window = 1 if variant == ONE_BY_ONE else FRAMES_AT_ONCE, o.frames if refine else None
    return lambda: float_to_uint8(pair.literal_clip(literal, frames[:1], maps, together, window))


# Whether both compute the same.


class Operations(TorchDispatchMode):
    """Counts what convolutions and matrix products do inside; `FlopCounterMode` refuses to in gradient penalties."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if (count := flop_registry.get(func.overloadpacket)) is not None:
            self.total += count(*args, **(kwargs or {}), out_val=found)
        return found


def compared(stage: pair.StageName, size: int, batch: int) -> dict[str, Any]:
    """The first steps of both from the same weights with the same draws, in float32.

    Returns:
        The largest difference of any loss in each, the largest loss, and the operations of the first.
    """
    system = system_for(stage, size)
    literal, examples = pair.training_of(system), pair.batch_for(system, stage, batch)
    pair.hand_over(literal, system)
    ours = training(system, examples, "float32")
    differences, largest, operations = [], 0.0, {}
    for _ in range(FIRST_STEPS):
        theirs = pair.literal_step(literal, system, stage, examples)
        losses = {}
        for name, step in (("literal", theirs), ("ours", ours)):
            with Operations() as counter:
                losses[name] = step()
            operations.setdefault(name, counter.total)
        pairs = [
            (float(loss.detach()), float(losses["ours"][f"loss_{name}"])) for name, loss in losses["literal"].items()
        ]
        differences.append(max(abs(own - theirs) for theirs, own in pairs))
        largest = max(largest, *(abs(theirs) for theirs, _ in pairs))
    return {"disagreement": differences, "largest_loss": largest, "flops": operations}


# What is measured.


def measure_steps(stage: pair.StageName, size: int, batch: int, rounds: int, peaks: dict[str, timing.Timing]) -> Any:
    """Training steps of a stage, as `variants` describes them."""
    found = compared(stage, size, batch)
    job, measured = f"{stage} {size}", {}
    # two at a time: processes that wait keep their memory
    for variant in (LITERAL[1], *PRECISIONS):
        measured |= variants.measure(job, ["literal", variant], batch, rounds, warm_up=1)
    for variant, figures in measured.items():
        peak = peaks["bf16" if "bf16" in variant else "float32"]
        figures["share_of_peak"] = timing.share_of_peak(found["flops"]["literal"], figures.pop("timings"), peak)
    return {"batch_size": batch, "size": size, "variants": measured} | found


def measure_drawing(widths: str, rounds: int) -> dict[str, Any]:
    """Frames that follow a picture, by networks of these widths."""
    return {
        drawing: variants.measure(f"{widths} {drawing}", [ONE_BY_ONE, AT_ONCE, OURS], 1, rounds, warm_up=1)
        for drawing in DRAWINGS
    }


# What is said of it.


def drawing_rows(results: dict[str, Any]) -> report.Rows:
    rows = []
    for widths, drawings in results["drawing"].items():
        for drawing, measured in drawings.items():
            for variant, found in measured.items():
                seconds = found["seconds"]["wall"]
                rate = {
                    name: FRAMES_AT_ONCE / seconds[of]
                    for name, of in (("median", "median"), ("low", "high"), ("high", "low"))
                }
                ratios = [report.spread(found["speedup"][by]) for by in ("wall", "cpu")]
                rows.append((widths, DRAWINGS[drawing], variant, *ratios, report.spread(rate)))
    return rows


def of_stage(results: dict[str, Any], stage: str) -> dict[str, Any]:
    """Results as `variants` wants them: of one kind of step."""
    return results | {"step": results[stage]}


def agreement(step: dict[str, Any]) -> str:
    differences = ", ".join(f"{value:.0e}" for value in step["disagreement"])
    return (
        "From the same weights, batch and random numbers, in float32, no loss of the first "
        f"{len(step['disagreement'])} steps differs by more than {differences}; the largest is "
        f"{step['largest_loss']:.0f}, those of a Wasserstein game begin near zero."
    )


def page(results: dict[str, Any]) -> list[str]:
    first, second = (of_stage(results, stage) for stage in STAGES)
    size = first["step"]["size"]
    return [
        "# Benchmarks of `frgan`",
        report.INTRODUCTION.replace("in one process (A B C A B C …)", "(A B C A B C …), each in a process of its own"),
        "*Literal* is the paper as one writes it first: maps enlarged and joined before they are convolved, and "
        "averaged after, networks asked about every kind of input by itself, frames of a window forecast one by one, "
        "torch's default Adam and memory formats; *literal bf16* the same under autocast. Widths are the paper's "
        "unless said otherwise; motion maps have three channels and are given.",
        "## Training the first stage",
        f"One step of G_M and D_I, batch {first['step']['batch_size']}, frames of {size}×{size}.",
        report.markdown(variants.STEP_COLUMNS, variants.step_rows(first)),
        variants.limits(first),
        agreement(first["step"]),
        "## Training the second stage",
        f"One step of G_R, D_V and D_I, batch {second['step']['batch_size']} of 16×64×64, with forecasts by G_M.",
        report.markdown(variants.STEP_COLUMNS, variants.step_rows(second)),
        variants.limits(second),
        agreement(second["step"]),
        "## Generation",
        f"{FRAMES_AT_ONCE} frames from one picture, uint8 to uint8, in float32, weights untrained. *Literal* encodes "
        f"the picture anew for every frame, one by one or {FRAMES_AT_ONCE} in a batch; ours encodes it once. Clips are "
        "refined in windows of 16 frames (`paper`, 64×64) or 8 (`tiny`, 32×32).",
        report.markdown(DRAWING_COLUMNS, drawing_rows(results)),
        report.how(results),
    ]


def show(results: dict[str, Any]) -> None:
    console = report.wide_console()
    for stage in STAGES:
        step = of_stage(results, stage)
        report.show(console, f"Training, {stage}", variants.STEP_COLUMNS, variants.step_rows(step))
        console.print(variants.limits(step), agreement(step["step"]), sep="\n")
    report.show(console, "Generation", DRAWING_COLUMNS, drawing_rows(results))


def main() -> None:
    given = variants.options(__doc__, batch=2, size=64)
    if given.worker:
        job, variant = given.worker
        first, second = job.split()
        run = (
            drawing_of(first, second, variant) if first in WIDTHS else step_of(first, variant, int(second), given.batch)
        )
        variants.work(run)
        return
    peaks = variants.peaks()
    results = {
        "machine": timing.machine(),
        "teraflops": variants.teraflops(peaks),
        "forecast": measure_steps("forecast", given.size, given.batch, given.steps, peaks),
        "refine": measure_steps("refine", 64, CLIPS, given.steps, peaks),
        "drawing": {widths: measure_drawing(widths, given.steps) for widths in WIDTHS},
    }
    results = timing.plain(results)
    show(results)
    if given.write:
        timing.save("frgan", results)
        report.write_page("frgan", page(results))


if __name__ == "__main__":
    main()
