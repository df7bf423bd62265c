"""Examples: what a DataLoader takes its batches from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from mutoscope.data.columns import as_array

T = TypeVar("T")
Indices: TypeAlias = Sequence[int] | Int[np.ndarray, " b"]


class Examples(Dataset[dict[str, Tensor]]):
    """A data set of dictionaries of tensors, which also gives whole batches of them.

    A batch holds pixels, as `frame` (uint8, "b h w c") or `clip` (uint8, "b t h w c"), and columns under their names.
    A DataLoader has to leave batches as they come: `collate_fn=as_they_come`.
    """

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        raise NotImplementedError

    def __getitems__(self, indices: Indices) -> dict[str, Tensor]:
        """A batch, in the order of `indices`."""
        return default_collate([self[int(index)] for index in indices])


def as_they_come(batch: T) -> T:
    """The batch itself: examples have put it together."""
    return batch


def tensors(columns: Mapping[str, Any], names: Iterable[str]) -> dict[str, Tensor]:
    """A clip's values of these columns as tensors."""
    return {name: torch.from_numpy(np.array(as_array(name, columns[name]))) for name in names}
