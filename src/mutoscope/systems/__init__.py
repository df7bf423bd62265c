"""One folder per system; none is imported before it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

from mutoscope.errors import InputError

if TYPE_CHECKING:
    from mutoscope.systems.base import System

# folder -> (class, what it does in a line)
SYSTEMS = {
    "pseudo_label": ("PseudoLabel", "learns clips and motion phases from shuffled frames, with a 2-D GAN"),
}


def system_class(name: str) -> "type[System]":
    """The class of a system, by its folder's name.

    Raises:
        InputError: there is no such system; the known ones are listed.
    """
    if name not in SYSTEMS:
        raise InputError(f"{name}: no such system (there are {', '.join(SYSTEMS)})")
    return getattr(import_module(f"mutoscope.systems.{name}"), SYSTEMS[name][0])


def list_systems() -> dict[str, str]:
    """The systems there are, and what each does in a line."""
    return {name: summary for name, (_, summary) in SYSTEMS.items()}
