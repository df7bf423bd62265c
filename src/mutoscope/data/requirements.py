"""Does a dataset offer what a system needs? Asked before training starts."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from mutoscope.errors import InputError


@runtime_checkable
class Keyed(Protocol):
    """A dataset that says which keys its examples have."""

    @property
    def keys(self) -> tuple[str, ...]: ...


def check_keys(dataset: Keyed, needs: Iterable[str]) -> None:
    """Checks that every example will have the keys in `needs`.

    Raises:
        InputError: some are missing; all of them are named.
    """
    missing = [key for key in needs if key not in dataset.keys]
    if missing:
        raise InputError(
            f"{type(dataset).__name__}: lacks {', '.join(missing)} (its examples have {', '.join(dataset.keys)})"
        )
