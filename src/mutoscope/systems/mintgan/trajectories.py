"""Trajectories of motion directions: how far along each a clip goes, frame by frame (Eqs. 5.2, 5.4, 5.8; Fig. 5.9)."""

import math
import os
import re
import reprlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.systems.inputs import read_lines

Shape = Literal["constant", "linear", "sine"]
Mode = Literal["increment", "offset"]
LARGEST = 1e6  # α in a file; no clip has any near it
LONGEST = 1000  # rows of numbers in a file, as frames of other clips


class Trajectories(NamedTuple):
    """What some directions do over time.

    Attributes:
        directions: their numbers.
        values: α of each, one row a transition (mode increment) or a frame (mode offset).
    """

    directions: list[int]
    values: Float[Tensor, "s k"]


def rows_for(frames: int, mode: Mode) -> int:
    """How many values of a direction make a clip: one a transition, or one a frame."""
    return frames - 1 if mode == "increment" else frames


def linear_walk(length: int, low: float = -5.0, high: float = 5.0) -> Float[Tensor, "s"]:
    """α_t = low + t (high - low) / length (Eq. 5.8): 16 values from -5 to 4.375; `high` itself is not reached."""
    return low + torch.arange(length) * (high - low) / length


def shaped(shape: Shape, length: int, cycles: float = 1.0) -> Float[Tensor, "s"]:
    """Values in [-1, 1]: all 1 (constant), from -1 towards 1 (linear), or a sine of so many cycles from 0 on."""
    if shape == "constant":
        return torch.ones(length)
    if shape == "linear":
        return linear_walk(length, -1, 1)
    return torch.sin(2 * math.pi * cycles * torch.arange(length) / length)


def displacements(values: Float[Tensor, "s k"], mode: Mode) -> Float[Tensor, "t k"]:
    """How far each frame of a clip is from its appearance code w_0.

    Args:
        values: α, one row a transition or a frame.
        mode: increment: α is what a transition adds (Eq. 5.2), so frame t is at the sum of the first t rows and the
            first frame at 0; offset: frame t is at row t.
    """
    return F.pad(values.cumsum(0), (0, 0, 1, 0)) if mode == "increment" else values


def driven(
    w_0: Float[Tensor, "n N"], values: Float[Tensor, "s k"], along: Float[Tensor, "k N"], mode: Mode = "increment"
) -> Float[Tensor, "n t N"]:
    """Latent codes of clips that move along some directions in a given way, and not at all along others.

    Args:
        w_0: where each clip starts.
        values: α along each direction, one row a transition or a frame.
        along: these directions.
        mode: as of `displacements`.
    """
    return w_0[:, None] + displacements(values, mode).to(w_0) @ along.to(w_0)


def decayed_sum(steps: Float[Tensor, "n s d"], decay: float) -> Float[Tensor, "n s d"]:
    """Running sum of steps that forgets the share `decay` of itself before every step; the plain sum with 0.

    A plain sum of random steps is a random walk and leaves the codes trained on (a thing the thesis does not address).
    """
    total, sums = torch.zeros_like(steps[:, :1]), []
    for step in steps.split(1, dim=1):
        total = (1 - decay) * total + step
        sums.append(total)
    return torch.cat([steps[:, :0], *sums], dim=1)


def read_trajectories(path: str | os.PathLike, N: int, letter: str = "d") -> Trajectories:
    """Reads a CSV file with a column for each direction, named as `d12` or `12`.

    Args:
        path: The file.
        N: Number of directions that there are.
        letter: What their names begin with.

    Raises:
        InputError: the file cannot be read or is longer than 1000 rows, a column is no direction or there twice, or a
            cell is no number up to 1e6.
    """
    header, *rows = read_lines(path, LONGEST + 2) or [[]]
    if not rows:
        raise InputError(f"{path}: has no values (expected names of directions, as {letter}0,{letter}3, and numbers)")
    if len(rows) > LONGEST:
        raise InputError(f"{path}: has more than {LONGEST} rows of numbers (expected one for each step of a clip)")
    directions = [_direction(path, name, N, letter) for name in header]
    twice = next((k for i, k in enumerate(directions) if k in directions[:i]), None)
    if twice is not None:
        raise InputError(f"{path}: has two columns for direction {twice} (expected one)")
    return Trajectories(directions, torch.tensor([_numbers(path, i, row, len(header)) for i, row in enumerate(rows)]))


def _direction(path: str | os.PathLike, name: str, N: int, letter: str) -> int:
    digits = re.fullmatch(f"{letter}?([0-9]{{1,9}})", name.strip())
    if digits is None or int(digits[1]) >= N:
        known = f"{letter}0 to {letter}{N - 1} in this basis"
        raise InputError(f"{path}: column {reprlib.repr(name)} is not a direction (expected {known})")
    return int(digits[1])


def _numbers(path: str | os.PathLike, index: int, row: Sequence[str], columns: int) -> list[float]:
    if len(row) != columns:
        raise InputError(f"{path}: row {index + 1} has {len(row)} cells (expected {columns})")
    return [_number(path, index, cell) for cell in row]


def _number(path: str | os.PathLike, index: int, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST:
        raise InputError(f"{path}: row {index + 1} has {reprlib.repr(cell)} (expected a number of {LARGEST:g} at most)")
    return value
