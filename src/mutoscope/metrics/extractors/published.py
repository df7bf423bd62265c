"""Published weights: where their files usually lie, and whether they fit."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from mutoscope.errors import InputError

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
