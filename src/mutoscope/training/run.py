"""One training run, from options to a folder with weights, logs, sheets and checkpoints.

<out>/config.yaml        every option, as resolved
      metrics.csv        losses and times, a row every `log_every` iterations; the same in tensorboard/
      samples/           a sheet every `sample_every` iterations
      checkpoints/       the newest few, to resume from
      weights/           config.json and model.safetensors, for `mutoscope generate` and `mutoscope.load`
      summary.json       iterations, time, speed, software
"""

import json
import logging
import os
import platform
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import yaml
from lightning.fabric import Fabric
from lightning.fabric.utilities.rank_zero import rank_zero_only

from mutoscope.data.clips import check_columns
from mutoscope.errors import InputError
from mutoscope.files import replacing
from mutoscope.systems import system_class
from mutoscope.training.batches import Batches
from mutoscope.training.checkpoints import checkpoints_in, read_checkpoint, restore
from mutoscope.training.data import training_clips
from mutoscope.training.loop import fit
from mutoscope.training.memory import keep_freed_memory
from mutoscope.training.options import RunOptions, preset, read_config, resolve
from mutoscope.training.progress import Progress


def train(
    system: str,
    *,
    preset: str = "tiny",
    out: str | Path | None = None,
    resume: str | Path | bool = False,
    quiet: bool = False,
    **options: Any,
) -> Path:
    """Trains a system and returns the folder of the run.

    Args:
        system: name of the system, as in `mutoscope list`.
        preset: named configuration to start from.
        out: folder of the run; by default `runs/<system>-<data>-<preset>`.
        resume: go on from the newest checkpoint in `out` (True), in another run's folder, or from a checkpoint file.
            The options of that run are taken over; `options` override those of `RunOptions` but the seed.
        quiet: show no progress.
        options: fields of `RunOptions` and of the system's config.

    Raises:
        InputError: an option, the data, the folder or the checkpoint cannot be used.
        TrainingFailed: a loss became NaN or infinite.
    """
    values, folder, checkpoint = configuration(system, preset, out, resume, options)
    run, config = resolve(system, values)
    _check_devices(run)
    keep_freed_memory()
    if run.threads:
        torch.set_num_threads(run.threads)
    continued = checkpoint is not None and checkpoint.resolve().parent.parent == folder.resolve()
    writes = not rank(run.num_nodes)
    if not continued and writes:  # another process may come when the first has started to write
        _check_unused(folder)
    clips, held_out = training_clips(run, config)
    config = config.for_data(clips)
    check_columns(clips, config.columns)
    stored = None if checkpoint is None else read_checkpoint(checkpoint, system, config, run.seed)
    done = 0 if stored is None else stored["iteration"]
    model = system_class(system).untrained(config, run.seed)
    for problem in clips.problems if writes and not quiet else ():
        print(f"set aside: {problem}", file=sys.stderr)
    learned_from = clips.with_mirrored() if run.flip else clips
    # fails now if the data is too small or cannot be shared, before anything is written
    Batches(model, learned_from, run, world=run.processes)
    if writes:
        _write_config(folder, {"system": system, "preset": preset, **asdict(run), **config.to_dict()})
    if done < run.max_steps:
        progress = None if quiet or not writes else Progress(run.max_steps, run.seconds)
        with _quiet_lightning(), _tensor_cores(), _parting():
            fabric = Fabric(
                accelerator=run.accelerator,
                devices=run.devices,
                num_nodes=run.num_nodes,
                strategy="ddp" if run.processes > 1 else "auto",
            )
            fabric.launch()
            if run.threads:
                torch.set_num_threads(run.threads)  # a launch of several processes has set its own
            shown = held_out if len(held_out) else clips
            summary = fit(fabric, model, learned_from, shown, run, folder, stored, checkpoint, progress)
    elif stored is not None:
        restore(stored, model, {})
    if not writes:
        return folder
    model.save_pretrained(folder / "weights", run.weights_precision)
    if done < run.max_steps:
        _write_summary(folder, summary | _software(fabric.device))
    return folder


def configuration(
    system: str, preset_name: str, out: str | Path | None, resume: str | Path | bool, options: dict[str, Any]
) -> tuple[dict[str, Any], Path, Path | None]:
    """The options of a run before they are checked, its folder, and the checkpoint it goes on from."""
    values = preset(system, preset_name) | options
    default = f"runs/{system}-{Path(str(values.get('data', RunOptions.data))).stem}-{preset_name}"
    if not resume:
        return values, Path(out or default), None
    source = Path(out or default) if resume is True else Path(resume)
    checkpoint = source
    if not source.is_file():
        found = checkpoints_in(source / "checkpoints")
        if not found:
            raise InputError(f"{source}: nothing to resume (expected a run's folder with checkpoints, or a checkpoint)")
        checkpoint = found[-1]
    stored = checkpoint.parent.parent / "config.yaml"
    if stored.exists():
        earlier = read_config(stored)
        if earlier.pop("system", system) != system:
            raise InputError(f"{stored}: is a run of another system (expected {system})")
        earlier.pop("preset", None)
        values = earlier | options
    return values, Path(out) if out else checkpoint.parent.parent, checkpoint


def rank(num_nodes: int = 1) -> int:
    """The number of this process, or of its machine among so many, known before training starts; 0 for the writer."""
    return int(os.environ.get("NODE_RANK", 0) if num_nodes > 1 else 0) or getattr(rank_zero_only, "rank", 0) or 0


def _check_devices(run: RunOptions) -> None:
    there = torch.accelerator.device_count() if torch.accelerator.is_available() else 0
    if run.accelerator == "gpu" and there < run.devices:
        raise InputError(
            f"accelerator: {run.devices} wanted, this machine has {there} (expected cpu or auto, or fewer)"
        )
    if run.graph and (run.accelerator == "cpu" or not torch.cuda.is_available()):
        raise InputError("graph: true is for CUDA GPUs, and this run is on none (expected false)")


def _check_unused(folder: Path) -> None:
    """Refuses to overwrite another run."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: exists already (continue it with --resume, or choose another --out)")


def _write_config(folder: Path, config: dict[str, Any]) -> None:
    with replacing(folder / "config.yaml") as temporary:
        temporary.write_text(yaml.safe_dump(config, sort_keys=False))


def _write_summary(folder: Path, summary: dict[str, Any]) -> None:
    with replacing(folder / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n")


def _software(device: torch.device) -> dict[str, str]:
    """On what a run trained, and with what."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return {"torch": torch.__version__, "processor": name, "device": str(device)}


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Keeps advice on workers and devices from the user; what Fabric says may come by the other's logger."""
    loggers = [logging.getLogger(f"lightning.{name}") for name in ("fabric", "pytorch")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _parting() -> Iterator[None]:
    """Has processes on CPUs part before an error or Ctrl-C ends them; else some are aborted while they talk."""
    try:
        yield
    except BaseException:
        if dist.is_available() and dist.is_initialized() and dist.get_backend() == "gloo":
            dist.destroy_process_group()
        raise


@contextmanager
def _tensor_cores() -> Iterator[None]:
    """Inside, GPUs multiply what stays float32 as TF32."""
    before = torch.get_float32_matmul_precision()
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
