"""Checkpoints of other people's code, read without running what they contain."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mutoscope.errors import InputError


def read_state(file: str | Path, *names: str) -> dict[str, Tensor]:
    """The tensors of a PyTorch checkpoint by name, as a module's `state_dict` has them.

    Args:
        file: what `torch.save` wrote: a state_dict, or a dictionary with one under `state_dict` or one of `names`.
            The prefix of `DataParallel` is dropped.
        names: keys under which a dictionary of several networks may have this one.

    Raises:
        InputError: it cannot be read, holds anything but tensors, or no state_dict.
    """
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(f"{file}: not a checkpoint of PyTorch, or not one of tensors alone") from error
    except Exception as error:  # a damaged file fails in many ways
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{file}: not a readable checkpoint of PyTorch ({reason})") from error
    while isinstance(state, Mapping) and (held := [name for name in ("state_dict", *names) if name in state]):
        state = state[held[0]]
    entries = state.items() if isinstance(state, Mapping) else ()
    if not entries or not all(isinstance(key, str) and isinstance(value, Tensor) for key, value in entries):
        raise InputError(
            f"{file}: holds no state_dict (expected tensors by name, as a network's state_dict() has them)"
        )
    if all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    return dict(state)
