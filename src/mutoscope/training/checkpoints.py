"""Checkpoints: all that a run needs to go on as if it had not stopped; whole or not at all, read as data only."""

import json
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mutoscope.errors import InputError
from mutoscope.systems.base import SYSTEM_KEY, Optimizers, System
from mutoscope.systems.config import Config

KEYS = {"iteration", "seed", "seconds", "config", "columns", "state_dict", "optimizer_states"}
Stored = dict[str, Any]


def checkpoint_path(folder: Path, iteration: int) -> Path:
    """Where the checkpoint of an iteration lies."""
    return folder / f"{iteration:08d}.ckpt"


def checkpoints_in(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted(folder.glob("[0-9]*.ckpt"))


def write_checkpoint(
    path: Path, keep: int, system: System, optimizers: Optimizers, seconds: tuple[float, float], columns: Stored
) -> None:
    """Writes a checkpoint of the iteration that a system has reached, and leaves the newest `keep` in its folder.

    Args:
        seconds: clock and processor time of training so far.
        columns: what stages refreshed last.

    Raises:
        InputError: it cannot be written; nothing half-written is left.
    """
    content = {
        "iteration": system.iteration,
        "seed": system.seed,
        "seconds": seconds,
        "config": described(system.name, system.config),
        "columns": {name: [_as_data(value) for value in values] for name, values in columns.items()},
        "state_dict": system.state_dict(),
        "optimizer_states": {name: optimizer.state_dict() for name, optimizer in optimizers.items()},
    }
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(content, partial)
        partial.replace(path)
        for old in checkpoints_in(path.parent)[:-keep]:
            old.unlink()
    except (OSError, RuntimeError) as error:  # a full disk is either, by how much of the file was written
        with suppress(OSError):
            partial.unlink()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be written ({reason})") from error


def read_checkpoint(path: Path, name: str, config: Config, seed: int) -> Stored:
    """What a checkpoint holds.

    Raises:
        InputError: it cannot be read, or was written with another system, other choices of it, or another seed: the
            result would be that of neither.
    """
    try:
        stored: Stored = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
        if missing := KEYS - set(stored):
            raise KeyError(f"lacks {', '.join(sorted(missing))}")
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{path}: not a readable checkpoint of Mutoscope ({str(error).splitlines()[0]})") from error
    stored["columns"] = {name: [_as_column(value) for value in own] for name, own in stored["columns"].items()}
    own = {"seed": seed, **described(name, config)}
    earlier = {"seed": stored["seed"], **stored["config"]}
    if changed := [key for key in own if own[key] != earlier.get(key)]:
        was = ", ".join(f"{key} {earlier.get(key)}" for key in changed)
        raise InputError(f"{path}: was trained with {was} (these cannot change while resuming)")
    return stored


def restore(stored: Stored, system: System, optimizers: Optimizers) -> None:
    """Brings a system and its optimisers to where a checkpoint was written."""
    system.load_state_dict(stored["state_dict"])
    for name, optimizer in optimizers.items():
        optimizer.load_state_dict(stored["optimizer_states"][name])
    system.iteration = stored["iteration"]


def _as_data(value: Any) -> Any:
    """A clip's value of a column as files of data hold it: they know no arrays of NumPy's."""
    return torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray | np.generic) else value


def _as_column(value: Any) -> Any:
    """Undoes `_as_data`."""
    return value.numpy()[()] if isinstance(value, torch.Tensor) else value


def described(name: str, config: Config) -> Stored:
    """A system and its choices, as JSON holds them."""
    return json.loads(json.dumps({SYSTEM_KEY: name, **config.to_dict()}))
