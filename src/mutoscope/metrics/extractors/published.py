"""Published weights: where their files usually lie, and whether they fit."""

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.nn import read_state

COUNTER = "num_batches_tracked"  # of batch normalisation: older files lack it, and nothing here reads it


def find_file(name: str, file: str | Path | None, usual: Sequence[str]) -> Path:
    """The file the user names, or the first of the `usual` names in the checkpoints folder of `torch.hub`.

    Raises:
        InputError: there is none.
    """
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    candidates = [folder / each for each in usual] if file is None else [Path(file).expanduser()]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if file is not None:
        raise InputError(f"{file}: no such file (expected the weights of {name}, {usual[0]})")
    raise InputError(f"{name}: no {' or '.join(usual)} in {folder} (expected it there, or named as {name}=FILE)")


def read_weights(file: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, without running what it contains: safetensors, `.npz` arrays, or PyTorch's.

    Raises:
        InputError: it cannot be read, or holds anything else.
    """
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        if file.suffix == ".npz":
            with np.load(file, allow_pickle=False) as arrays:
                return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    except (SafetensorError, BadZipFile, OSError, ValueError, TypeError) as error:
        raise InputError(f"{file}: holds no readable weights ({error})") from error
    return read_state(file)


def load_state(network: nn.Module, state: dict[str, Tensor], file: Path, what: str) -> None:
    """Copies weights into a network that must have exactly these.

    Raises:
        InputError: a tensor is missing, superfluous or of another shape.
    """
    own = {key: value.shape for key, value in network.state_dict().items() if not key.endswith(COUNTER)}
    read = {key: value.shape for key, value in state.items() if not key.endswith(COUNTER)}
    wrong = sorted(own.keys() ^ read.keys()) or sorted(key for key in own if own[key] != read[key])
    if wrong:
        raise InputError(f"{file}: are not the weights of {what} ({len(wrong)} tensors differ, as {wrong[0]})")
    network.load_state_dict(state, strict=False)
