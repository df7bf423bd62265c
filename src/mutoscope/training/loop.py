"""The one training loop: batch, noise, step, log, checkpoint, again."""

import math
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch.autograd.graph import increment_version

from mutoscope.data.clips import Clips
from mutoscope.errors import TrainingFailed
from mutoscope.systems.base import System
from mutoscope.systems.draws import Random
from mutoscope.training.batches import Batches
from mutoscope.training.checkpoints import Stored, checkpoint_path, restore, write_checkpoint
from mutoscope.training.clock import Clock
from mutoscope.training.graphs import StaticSteps
from mutoscope.training.log import Log
from mutoscope.training.options import RunOptions
from mutoscope.training.progress import Progress


def fit(
    fabric: Fabric,
    system: System,
    clips: Clips,
    shown: Clips,
    run: RunOptions,
    folder: Path,
    stored: Stored | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Trains a system up to `run.max_steps` iterations or its time.

    Args:
        fabric: the processes, launched, and their device.
        system: as it was built; it is left trained, on the device.
        clips: what it learns from.
        shown: what sample sheets start from.
        run: how the run goes.
        folder: of the run.
        stored: the checkpoint to go on from.
        checkpoint: where it lies.
        progress: where to show how it goes.

    Returns:
        Iterations, times and share of the time spent waiting for data.

    Raises:
        TrainingFailed: a loss or a weight is not finite; the iteration, the term and the last good checkpoint are told.
    """
    system.to(fabric.device).train()
    optimizers = system.optimizers()
    batches = Batches(system, clips, run, fabric.device, fabric.global_rank, fabric.world_size)
    clock = Clock(run.seconds, run.on_processor_time)
    if stored is not None:
        restore(stored, system, optimizers)
        clock.spent, batches.refreshed = stored["seconds"], stored["columns"]
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["capturable"] = run.graph
        for state in optimizer.state.values() if run.graph else ():
            state["step"] = state["step"].to(fabric.device)  # which plain runs may keep on the host
    if run.compile:
        for network in system.trained_networks():
            network.compile()

    def training_step(batch: dict[str, torch.Tensor], noise: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        # without autocast's cache: a weight that has been stepped would be used as it was before
        with torch.autocast(fabric.device.type, torch.bfloat16, run.precision == "bf16", cache_enabled=False):
            return system.training_step(batch, noise, optimizers)

    step = StaticSteps(training_step) if run.graph else None

    def save() -> None:
        path = checkpoint_path(folder / "checkpoints", system.iteration)
        if log.last_checkpoint == path:
            return
        log.flush()
        for name, weight in system.named_parameters():
            if not weight.isfinite().all():
                raise TrainingFailed(log.failure(system.iteration, f"weight {name}", math.nan))
        if fabric.is_global_zero:
            write_checkpoint(path, run.keep_checkpoints, system, optimizers, clock.spent, batches.refreshed)
        log.last_checkpoint = path
        fabric.barrier()

    def draw() -> None:
        path = folder / "samples" / f"{system.iteration:08d}.png"
        if fabric.is_global_zero and not path.exists():
            if run.graph:  # whose replays raise no version, by which copies of weights are known to be old
                increment_version([*system.parameters(), *system.buffers()])
            system.sample_sheet(shown).save(path)

    with Log(folder, system, fabric, clock, progress, checkpoint) as log, progress or nullcontext():
        clock.start()
        while system.iteration < run.max_steps and not late(clock, fabric):
            batches.enter()
            clock.lap()  # asking the other processes, and refreshing examples, is no waiting for data
            batch = next(batches)
            clock.got_data()
            batch = system.prepare(batch)
            random = Random(run.seed, system.iteration, fabric.device, fabric.global_rank, fabric.world_size)
            noise = system.noise(batches.size, random)
            losses = training_step(batch, noise) if step is None else step(system.kind, batch, noise)
            system.after_step()
            system.iteration += 1
            log.add(losses)
            clock.lap()
            if system.iteration % run.log_every == 0:
                log.flush()
            if system.iteration % run.checkpoint_every == 0:
                save()
            if system.iteration % run.sample_every == 0:
                draw()
            clock.start()  # saving and drawing is no training
        save()
        draw()
    return clock.summary(system.iteration)


def late(clock: Clock, fabric: Fabric) -> bool:
    """Whether the time of any process is up, which all must know at the same iteration."""
    if clock.limit is None or fabric.world_size == 1:
        return clock.late
    return bool(fabric.all_reduce(torch.tensor(float(clock.late), device=fabric.device), reduce_op="sum"))
