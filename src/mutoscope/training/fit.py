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
import pickle
import platform
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from lightning import LightningDataModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from torch.utils.data import ConcatDataset, DataLoader

from mutoscope.data import (
    Clips,
    ClipWindows,
    FrameBag,
    StagedBatches,
    TrainingBatches,
    check_keys,
    open_clips,
    split,
)
from mutoscope.errors import InputError
from mutoscope.files import replacing
from mutoscope.systems import system_class
from mutoscope.systems.base import Stage, System
from mutoscope.training.callbacks import Checkpoints, Recorder, SampleSheets, StopAt, checkpoints
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
        options: fields of `RunOptions` and of the system's constructor.

    Raises:
        InputError: an option, the data, the folder or the checkpoint cannot be used.
        TrainingFailed: a loss became NaN or infinite.
    """
    values, folder, checkpoint = configuration(system, preset, out, resume, options)
    run, arguments = resolve(system, values)
    _check_devices(run)
    keep_freed_memory()
    if run.threads:
        torch.set_num_threads(run.threads)
    continued = checkpoint is not None and checkpoint.resolve().parent.parent == folder.resolve()
    if not continued:
        _check_unused(folder)
    model = untrained(system, arguments, run.seed)
    clips, held_out = training_clips(run, model)
    if told := model.arguments_for(clips):
        arguments |= told
        model = untrained(system, arguments, run.seed)
    done = 0 if checkpoint is None else check_checkpoint(checkpoint, model)
    for problem in clips.problems if not (quiet or _rank()) else ():
        print(f"set aside: {problem}", file=sys.stderr)
    batches = Batches(model, clips, run)
    _write_config(folder, {"system": system, "preset": preset, **asdict(run), **arguments})
    if run.compile:
        for network in model.trained_networks():
            network.compile()
    shown = held_out if len(held_out) else clips
    _fit(model, batches, run, folder, shown, checkpoint, done, quiet)
    return folder


def untrained(system: str, arguments: dict[str, Any], seed: int) -> System:
    """The system with its first weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = system_class(system)(**arguments)
    model.seed = seed
    return model


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
        found = checkpoints(source / "checkpoints")
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


def training_clips(run: RunOptions, model: Any) -> tuple[Clips, Clips]:
    """The clips to train on, and those held out (none, where nothing is)."""
    clips = open_clips(
        run.data,
        size=model.image_size,
        channels=model.channels,
        fit=run.fit,
        tracks=model.wants_tracks,
        strict=run.strict,
        seed=run.seed,
        max_clips=run.max_clips,
        per_subject=run.per_subject,
    )
    if run.only is not None:
        clips = clips.with_labels(run.only)
    if not run.held_out:
        return clips, clips.subset([])
    held_out = run.held_out if run.held_out < 1 else int(run.held_out)
    return split(clips, by=run.split_by, held_out=held_out, seed=run.seed)


def clips_of_run(folder: str | Path, model: System) -> tuple[Clips, Clips]:
    """The clips that a run trained on, and those it kept from training (none, where nothing was).

    Raises:
        InputError: this is no run's folder, or its data is gone.
    """
    stored = Path(folder) / "config.yaml"
    if not stored.is_file():
        raise InputError(f"{folder}: is not the folder of a run (expected one, or --data to measure on)")
    config = {key: value for key, value in read_config(stored).items() if key not in ("system", "preset")}
    return training_clips(resolve(model.name, config)[0], model)


def examples(system: System, clips: Clips, run: RunOptions) -> FrameBag | ClipWindows:
    """What the system learns from: windows of clips if it needs them, else single frames."""
    if "clip" not in system.needs:
        return FrameBag(clips, flip=run.flip)
    return ClipWindows(
        clips, system.frames, step=system.frame_step, flip=run.flip, hold_last=system.hold_last, seed=run.seed
    )


class Batches(LightningDataModule):
    """Feeds training from the iteration the system has reached."""

    def __init__(self, system: System, clips: Clips, run: RunOptions) -> None:
        super().__init__()
        self.system, self.run = system, run
        system.check_clips(clips)
        self.stages = list(system.stages(clips, seed=run.seed, flip=run.flip))
        if not self.stages:
            self.stages = [Stage(0, examples(system, clips, run))]
            check_keys(self.stages[0].examples, system.needs)  # type: ignore[arg-type]  # both have keys
        self.datasets: list[Any] = [stage.examples for stage in self.stages]
        self.batches(0, 1)  # fails now if the data is too small, not when training starts

    def batches(self, rank: int, world: int) -> StagedBatches:
        """Which examples this process sees, from the iteration that the system has reached."""
        before = np.cumsum([0, *map(len, self.datasets)]).tolist()
        stages = []
        for stage, dataset, first_example in zip(self.stages, self.datasets, before, strict=False):
            size = stage.batch_size or self.run.batch_size
            batches = TrainingBatches(len(dataset), size, seed=self.run.seed, rank=rank, world=world)
            stages.append((stage.first, batches, first_example))
        return StagedBatches(stages, start=self.system.iteration)

    def train_dataloader(self) -> DataLoader:
        batches = self.batches(self.system.global_rank, self.system.world_size)
        dataset: Any = self.datasets[0] if len(self.datasets) == 1 else ConcatDataset(self.datasets)
        return DataLoader(
            dataset,
            batch_sampler=batches,
            collate_fn=_as_it_is if isinstance(dataset, FrameBag) else None,  # frames come as one batch
            num_workers=self.run.workers,
            persistent_workers=self.run.workers > 0,
            generator=torch.Generator().manual_seed(self.run.seed),  # or the loader draws from the global one
            pin_memory=torch.cuda.is_available(),
        )


def _rank() -> int:
    """The number of this process, known before training starts; 0 where there is only one."""
    return getattr(rank_zero_only, "rank", 0)


def _as_it_is(batch: Any) -> Any:
    return batch


def _check_devices(run: RunOptions) -> None:
    there = torch.accelerator.device_count() if torch.accelerator.is_available() else 0
    if run.accelerator == "gpu" and there < run.devices:
        raise InputError(
            f"accelerator: {run.devices} wanted, this machine has {there} (expected cpu or auto, or fewer)"
        )


def _check_unused(folder: Path) -> None:
    """Refuses to overwrite another run. Only the first process asks: it may have started to write when others come."""
    if not _rank() and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: exists already (continue it with --resume, or choose another --out)")


def _write_config(folder: Path, config: dict[str, Any]) -> None:
    if _rank():
        return
    with replacing(folder / "config.yaml") as temporary:
        plain = json.loads(json.dumps(config))  # tuples as lists
        temporary.write_text(yaml.safe_dump(plain, sort_keys=False))


def _fit(
    model: System,
    batches: Batches,
    run: RunOptions,
    folder: Path,
    shown: Clips,
    checkpoint: Path | None,
    done: int,
    quiet: bool,
) -> None:
    """Trains from iteration `done` on, draws sheets from the clips `shown`, and writes weights and summary."""
    progress = None if quiet or _rank() else Progress(run.max_steps, run.seconds)
    recorder = Recorder(folder / "metrics.csv", run.log_every, progress, checkpoint)
    callbacks = [
        recorder,
        Checkpoints(folder / "checkpoints", run.checkpoint_every, run.keep_checkpoints, recorder),
        SampleSheets(folder / "samples", run.sample_every, recorder, shown),
        StopAt(run.max_steps, run.seconds, run.on_processor_time),
    ]
    if done < run.max_steps:
        with progress or nullcontext(), _quiet_lightning(), _interruptible():
            trainer = Trainer(
                accelerator=run.accelerator,
                devices=run.devices,
                # a step trains one network at a time, so the others' weights have no gradient in it
                strategy="ddp_find_unused_parameters_true" if run.devices > 1 else "auto",
                precision="bf16-mixed" if run.precision == "bf16" else "32-true",
                max_epochs=-1,
                logger=TensorBoardLogger(folder / "tensorboard", name="", version="", purge_step=done),
                callbacks=callbacks,
                default_root_dir=folder,
                use_distributed_sampler=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.fit(model, datamodule=batches, ckpt_path=checkpoint, weights_only=True)
    elif checkpoint is not None:
        model.load_state_dict(torch.load(checkpoint, weights_only=True, map_location="cpu")["state_dict"])
        model.iteration = done
    if _rank():
        return
    model.save_weights(folder / "weights", run.weights_precision)
    if done >= run.max_steps:
        return
    summary = {
        "iterations": model.iteration,
        "seconds": round(model.seconds, 3),
        "cpu_seconds": round(model.cpu_seconds, 3),
        "steps_per_second": round(model.iteration / model.seconds, 2),
        "data_share": round(recorder.data_share, 4),
        "torch": torch.__version__,
        "processor": platform.processor() or platform.machine(),
        "device": str(model.device),
    }
    with replacing(folder / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n")


def check_checkpoint(path: Path, system: System) -> int:
    """The iteration a checkpoint was written at.

    Raises:
        InputError: it cannot be read, or was written with another system, other arguments of it, or another seed: the
            result would be that of neither.
    """
    try:
        stored = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
        iteration, earlier = stored["iteration"], {"seed": stored["seed"], **stored["config"]}
    except (OSError, RuntimeError, KeyError, TypeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        raise InputError(f"{path}: not a readable checkpoint of Mutoscope ({str(error).splitlines()[0]})") from error
    own = json.loads(json.dumps({"seed": system.seed, "system": system.name, **system.config()}))
    earlier = json.loads(json.dumps(earlier))  # tuples as lists
    changed = [key for key in own if own[key] != earlier.get(key)]
    if changed:
        was = ", ".join(f"{key} {earlier.get(key)}" for key in changed)
        raise InputError(f"{path}: was trained with {was} (these cannot change while resuming)")
    return iteration


@contextmanager
def _interruptible() -> Iterator[None]:
    """Keeps Ctrl-C what it is: Lightning exits the process on it, and has it ignored from then on."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as stop:
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from stop


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Keeps the trainer's advice (on workers, loggers, devices) from the user."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
