"""What can be chosen about a training run, and where the choices come from: presets, then YAML files, then flags."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import jsonargparse
import yaml

from mutoscope.errors import InputError
from mutoscope.systems import system_class


@dataclass(frozen=True)
class RunOptions:
    """How a run goes.

    Args:
        data: What to train on: the name of a synthetic set, or a file or folder (see `mutoscope data`).
        held_out: Share of the clips (or, from 1, number of them) kept from training.
        split_by: What training and held-out data may not share.
        fit: How frames of other shapes become square; body and face cut a clip to the person it shows.
        flip: Also train on mirrored frames.
        max_clips: Use only this many clips, spread evenly over the data.
        per_subject: Use only this many clips of each subject, drawn by the seed (of VoxCeleb2, 2 is VoxCeleb2-mini).
        only: Use only clips of these labels (names, as [bend, jack]), numbered in this order.
        strict: Stop at the first bad file instead of setting bad files aside.
        batch_size: Examples per iteration, over all processes together.
        max_steps: Iterations to train.
        max_time: Stop after so much training in all, as 90s, 20m or 1.5h; as "20m cpu" it is processor time.
        seed: Seed of weights, noise, batches and split.
        checkpoint_every: Iterations between checkpoints.
        keep_checkpoints: How many of the newest checkpoints stay.
        sample_every: Iterations between sample sheets.
        log_every: Iterations between rows of the log; losses are checked for NaN at the same time.
        precision: Arithmetic of the networks; losses and weights are float32 in any case.
        compile: Compile the networks (torch.compile): slow to start, then faster on many machines.
        accelerator: cpu, gpu, or what is there (auto).
        devices: Number of processes, one a device; on the CPU they share its cores.
        threads: CPU threads of each process; all cores if not given.
        workers: Processes that read data beside the training one.
        weights_precision: Precision of the weights saved at the end.
    """

    data: str = "sprites"
    held_out: float = 0.1
    split_by: Literal["clip", "subject", "published"] = "clip"
    fit: Literal["crop", "pad", "stretch", "body", "face"] = "crop"
    flip: bool = False
    max_clips: int | None = None
    per_subject: int | None = None
    only: list[str] | None = None
    strict: bool = False
    batch_size: int = 64
    max_steps: int = 3000
    max_time: str | None = None
    seed: int = 0
    checkpoint_every: int = 500
    keep_checkpoints: int = 2
    sample_every: int = 500
    log_every: int = 20
    precision: Literal["float32", "bf16"] = "float32"
    compile: bool = False
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int = 1
    threads: int | None = None
    workers: int = 0
    weights_precision: Literal["float32", "float16"] = "float32"

    def __post_init__(self) -> None:
        for name in ("batch_size", "checkpoint_every", "keep_checkpoints", "sample_every", "log_every", "devices"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)} is less than 1")
        for name in ("max_steps", "workers", "seed", "held_out"):
            if getattr(self, name) < 0:
                raise InputError(f"{name}: {getattr(self, name)} is less than 0")
        if self.batch_size % self.devices:
            raise InputError(f"batch_size: {self.batch_size} cannot be shared evenly by {self.devices} devices")
        _ = self.seconds

    @property
    def seconds(self) -> float | None:
        """`max_time` in seconds, of the clock that `on_processor_time` says."""
        if self.max_time is None:
            return None
        time = self.max_time.removesuffix("cpu").strip()
        try:
            return float(time[:-1]) * {"s": 1, "m": 60, "h": 3600}[time[-1:]]
        except (KeyError, ValueError):
            raise InputError(
                f"max_time: {self.max_time!r} is not a time (expected as 90s, 20m or 1.5h, or 20m cpu)"
            ) from None

    @property
    def on_processor_time(self) -> bool:
        """Whether `max_time` counts the time of this process' processors, whatever else runs on the machine."""
        return self.max_time is not None and self.max_time.endswith("cpu")


def presets(system: str) -> dict[str, dict[str, Any]]:
    """The named configurations of a system: those it declares, or the files of its `presets/` folder.

    Raises:
        InputError: there is no such system.
    """
    if own := system_class(system).presets:
        return {name: dict(values) for name, values in own.items()}
    folder = resources.files("mutoscope.systems") / system / "presets"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return {file.name.removesuffix(".yaml"): yaml.safe_load(file.read_text()) for file in files}


def preset(system: str, name: str) -> dict[str, Any]:
    """One named configuration.

    Raises:
        InputError: there is none of that name; the known ones are listed.
    """
    known = presets(system)
    if name not in known:
        raise InputError(f"preset: {system} has no {name!r} (it has {', '.join(known)})")
    return known[name]


def read_config(path: str | Path) -> dict[str, Any]:
    """A YAML file of options, flat as the presets are.

    Raises:
        InputError: the file cannot be read, or is not a flat mapping.
    """
    try:
        config = yaml.safe_load(Path(path).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not a readable YAML file ({' '.join(str(error).split())})") from error
    if not isinstance(config, dict):
        raise InputError(f"{path}: not a mapping of options (expected lines as 'batch_size: 64')")
    return config


def options_parser(system: str, **parser_arguments: Any) -> jsonargparse.ArgumentParser:
    """A parser with every field of a run and of a system as a flag, documented and typed."""
    parser = jsonargparse.ArgumentParser(exit_on_error=False, **parser_arguments)
    parser.add_class_arguments(RunOptions, as_group=True)
    parser.add_class_arguments(system_class(system), as_group=True)
    return parser


def resolve(system: str, values: Mapping[str, Any]) -> tuple[RunOptions, dict[str, Any]]:
    """Checks options against their types and sorts them into those of the run and those of the system's constructor.

    Raises:
        InputError: an option is unknown or of the wrong type.
    """
    parser = options_parser(system)
    try:
        config = parser.parse_object(dict(values)).as_dict()
    except (jsonargparse.ArgumentError, TypeError, ValueError) as error:
        raise InputError(" ".join(str(error).split())) from error
    names = {field.name for field in fields(RunOptions)}
    run = RunOptions(**{key: value for key, value in config.items() if key in names})
    return run, {key: value for key, value in config.items() if key not in names}
