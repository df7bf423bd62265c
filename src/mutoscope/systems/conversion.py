"""Weights saved by the code that a system's authors published, in this package's format.

A system whose weights can be had that way has a room `convert.py` with a function `convert(file, ...) -> Converted`;
its arguments are the flags of `mutoscope convert`.
"""

import re
from collections.abc import Callable, Mapping, Set
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.systems import SYSTEMS
from mutoscope.systems.base import CONFIG_FILE, WEIGHTS_FILE, System

# torch's names under spectral normalisation, in its present form to those of its older one
PARAMETRIZATIONS = {"original": "weight_orig", "0._u": "weight_u", "0._v": "weight_v"}
# and the names of our layers to those
SPECTRAL_NORM = {"weight": "weight_orig", "u": "weight_u", "v": "weight_v"}


class Converted(NamedTuple):
    """A system with the authors' weights, and what the user should know of it, a line each."""

    system: System
    notes: list[str]


def convertible() -> list[str]:
    """The systems whose authors' weights can be read."""
    return [name for name in SYSTEMS if (Path(__file__).parent / name / "convert.py").is_file()]


def converter(name: str) -> Callable[..., Converted]:
    """The function that reads the authors' weights of a system.

    Raises:
        InputError: there is none; those that there are, are listed.
    """
    if name not in convertible():
        raise InputError(f"{name}: no weights to convert (there are conversions for {', '.join(convertible())})")
    return import_module(f"mutoscope.systems.{name}.convert").convert


def check_folder(path: str | Path) -> Path:
    """A folder that weights may be written to: one that is not there yet, or holds nothing but weights.

    Raises:
        InputError: there is something else, which would be lost.
    """
    path = Path(path)
    if path.is_file() or (path.is_dir() and {each.name for each in path.iterdir()} - {CONFIG_FILE, WEIGHTS_FILE}):
        raise InputError(f"{path}: exists already and holds something else than weights (expected a new folder)")
    return path


def older_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors; spectral normalisation gets the names of torch's older form."""
    return {
        re.sub(r"parametrizations\.weight\.(original|0\._[uv])$", lambda m: PARAMETRIZATIONS[m[1]], key): value
        for key, value in state.items()
    }


@torch.no_grad()
def fill(network: nn.Module, layers: Mapping[str, str], state: Mapping[str, Tensor], file: str | Path) -> None:
    """Copies the authors' tensors into our network; a kernel's sides of length 1 may be more or fewer.

    Args:
        network: filled in place.
        layers: names of all layers of `network` that have tensors, to their names in `state`.
        state: tensors by name, as `older_names` gives them.
        file: where they come from, for messages.

    Raises:
        InputError: a tensor is missing, is of no use, has another shape, or is not finite.
    """
    own: dict[str, Tensor] = {}
    for ours, theirs in layers.items():
        layer = network.get_submodule(ours)
        tensors = dict(layer.named_parameters(recurse=False)) | dict(layer.named_buffers(recurse=False))
        names = SPECTRAL_NORM if "u" in tensors else {}
        own |= {f"{theirs}.{names.get(name, name)}": tensor for name, tensor in tensors.items()}
    check_names(own.keys(), state.keys(), file)
    for key, tensor in own.items():
        given = state[key]
        if long_sides(given) != long_sides(tensor):
            expected = " × ".join(map(str, long_sides(tensor))) or "1"
            raise InputError(f"{file}: {key} is {' × '.join(map(str, given.shape))} (expected {expected})")
        if not given.isfinite().all():
            raise InputError(f"{file}: {key} has values that are not finite")
        tensor.copy_(given.view_as(tensor))


def check_names(expected: Set[str], given: Set[str], file: str | Path) -> None:
    """Raises InputError that names a tensor which is missing, and one which is unexpected."""
    differences = {"missing": expected - given, "unexpected": given - expected}
    faults = [f"{min(keys)} is {what} ({len(keys)} in all)" for what, keys in differences.items() if keys]
    if faults:
        raise InputError(f"{file}: {', '.join(faults)}")


def long_sides(tensor: Tensor) -> list[int]:
    """The shape without sides of length 1."""
    return [side for side in tensor.shape if side != 1]
