"""What can be chosen about a training run, and where the choices come from: presets, then YAML files, then flags."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonargparse
import yaml

from mutoscope.errors import InputError
from mutoscope.systems import system_class
from mutoscope.systems.config import Config, Steps, choices_of, parsed
from mutoscope.systems.parameters import Range, add_flags

Count = Annotated[int, Range(1, 1_000_000_000)]


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
        graph: Capture whole steps in CUDA graphs, which spares small networks the launch of every kernel; on one GPU or
            several, not on a CPU.
        accelerator: cpu, gpu, or what is there (auto).
        devices: Number of processes on each machine, one a device; on the CPU they share its cores.
        num_nodes: Number of machines, on each of which the same command is started (see docs/training.md).
        threads: CPU threads of each process; all cores if not given.
        workers: Processes that read data beside the training one.
        weights_precision: Precision of the weights saved at the end.
    """

    data: str = "sprites"
    held_out: Annotated[float, Range(0)] = 0.1
    split_by: Literal["clip", "subject", "published"] = "clip"
    fit: Literal["crop", "pad", "stretch", "body", "face"] = "crop"
    flip: bool = False
    max_clips: Count | None = None
    per_subject: Count | None = None
    only: list[str] | None = None
    strict: bool = False
    batch_size: Count = 64
    max_steps: Steps = 3000
    max_time: str | None = None
    seed: Steps = 0
    checkpoint_every: Count = 500
    keep_checkpoints: Count = 2
    sample_every: Count = 500
    log_every: Count = 20
    precision: Literal["float32", "bf16"] = "float32"
    compile: bool = False
    graph: bool = False
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: Annotated[int, Range(1, 1024)] = 1
    num_nodes: Annotated[int, Range(1, 1024)] = 1
    threads: Annotated[int, Range(1, 4096)] | None = None
    workers: Annotated[int, Range(0, 4096)] = 0
    weights_precision: Literal["float32", "float16"] = "float32"

    def __post_init__(self) -> None:
        for choice in choices_of(type(self)):
            choice.check(getattr(self, choice.name))
        if self.batch_size % self.processes:
            raise InputError(f"batch_size: {self.batch_size} cannot be shared evenly by {self.processes} devices")
        _ = self.seconds

    @property
    def processes(self) -> int:
        """How many train together."""
        return self.devices * self.num_nodes

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
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:  # ValueError: a 32nd of May
        raise InputError(f"{path}: not a readable YAML file ({' '.join(str(error).split())})") from error
    if not isinstance(config, dict):
        raise InputError(f"{path}: not a mapping of options (expected lines as 'batch_size: 64')")
    return config


def options_parser(system: str, **parser_arguments: Any) -> jsonargparse.ArgumentParser:
    """A parser with every field of a run and of a system as a flag, documented and typed."""
    parser = jsonargparse.ArgumentParser(exit_on_error=False, **parser_arguments)
    for cls in (RunOptions, system_class(system).config_class):
        add_flags(parser, choices_of(cls))
    return parser


def resolve(system: str, values: Mapping[str, Any]) -> tuple[RunOptions, Config]:
    """Checks options against their types and bounds, and sorts them into those of the run and those of the system.

    Raises:
        InputError: an option is unknown, of the wrong type or out of range.
    """
    config_class = system_class(system).config_class
    run, config = parsed(values, [RunOptions, config_class])
    return RunOptions(**run), config_class(**config)
