"""Checkpoints: all that a run needs to go on as if it had not stopped; whole or not at all, read as data only."""

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mutoscope.errors import InputError
from mutoscope.systems.base import SYSTEM_KEY, Optimizers, System
from mutoscope.systems.config import Config
from mutoscope.training.options import RunOptions

Columns = dict[str, list[Any]]


class Checkpoints:
    """The checkpoints of a run, `<iteration>.ckpt`, of which the newest few are kept.

    Args:
        folder: where they lie.
        keep: how many.
        last: the last good one so far, in any folder.
    """

    def __init__(self, folder: Path, keep: int, last: Path | None = None) -> None:
        self.folder, self.keep, self.last = folder, keep, last

    def path(self, iteration: int) -> Path:
        """Where the checkpoint of an iteration lies."""
        return self.folder / f"{iteration:08d}.ckpt"

    def write(
        self, system: System, optimizers: Optimizers, run: RunOptions, spent: tuple[float, float], columns: Columns
    ) -> None:
        """Writes the checkpoint of the iteration that the system has reached.

        Args:
            system: its weights.
            optimizers: their states.
            run: whose seed it was trained with.
            spent: seconds, and processor seconds, of training so far.
            columns: what stages refreshed last.

        Raises:
            InputError: it cannot be written; nothing half-written is left.
        """
        path = self.path(system.iteration)
        content = {
            "iteration": system.iteration,
            "seed": run.seed,
            "seconds": spent,
            "config": {SYSTEM_KEY: system.name, **system.config.to_dict()},
            "columns": columns,
            "state_dict": system.state_dict(),
            "optimizer_states": {name: optimizer.state_dict() for name, optimizer in optimizers.items()},
        }
        partial = path.with_suffix(".partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            torch.save(content, partial)
            partial.replace(path)
            for old in checkpoints_in(self.folder)[: -self.keep]:
                old.unlink()
        except (OSError, RuntimeError) as error:  # a full disk is either, by how much of the file was written
            partial.unlink(missing_ok=True)
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
            raise InputError(f"{path}: cannot be written ({reason})") from error

    def read(self, path: Path, system: System, optimizers: Optimizers) -> tuple[tuple[float, float], Columns]:
        """Brings a system and its optimisers to where a checkpoint was written; gives the times and columns there.

        Raises:
            InputError: it cannot be read, or is not of this system.
        """
        stored = _stored(path)
        try:
            system.load_state_dict(stored["state_dict"])
            for name, optimizer in optimizers.items():
                optimizer.load_state_dict(stored["optimizer_states"][name])
            system.iteration = stored["iteration"]
            return stored["seconds"], stored["columns"]
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(f"{path}: does not fit {system.name} ({str(error).splitlines()[0]})") from error


def checkpoints_in(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted(folder.glob("[0-9]*.ckpt"))


def check_checkpoint(path: Path, name: str, config: Config, seed: int) -> int:
    """The iteration a checkpoint was written at.

    Raises:
        InputError: it cannot be read, or was written with another system, other choices of it, or another seed: the
            result would be that of neither.
    """
    stored = _stored(path)
    earlier = json.loads(json.dumps({"seed": stored["seed"], **stored["config"]}))  # tuples as lists
    own = json.loads(json.dumps({"seed": seed, SYSTEM_KEY: name, **config.to_dict()}))
    changed = [key for key in own if own[key] != earlier.get(key)]
    if changed:
        was = ", ".join(f"{key} {earlier.get(key)}" for key in changed)
        raise InputError(f"{path}: was trained with {was} (these cannot change while resuming)")
    return int(stored["iteration"])


def _stored(path: Path) -> Mapping[str, Any]:
    try:
        stored = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
        missing = {"iteration", "seed", "config", "state_dict", "optimizer_states"} - stored.keys()
        if missing:
            raise KeyError(f"lacks {', '.join(sorted(missing))}")
    except (
        *(OSError, RuntimeError, KeyError, TypeError, AttributeError, pickle.UnpicklingError, EOFError, ValueError),
    ) as error:
        raise InputError(f"{path}: not a readable checkpoint of Mutoscope ({str(error).splitlines()[0]})") from error
    return stored
