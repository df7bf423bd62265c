"""Mutoscope: pictures made to move with generative adversarial networks.

import mutoscope
system = mutoscope.load("pseudo_label/sprites")
system.sweep(clip=3).save("clip.mp4")
"""

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("mutoscope")

_HOME = {
    "load": "mutoscope.systems.loading",
    "list_systems": "mutoscope.systems",
    "open_clips": "mutoscope.data",
    "train": "mutoscope.training",
    "InputError": "mutoscope.errors",
}
__all__ = [*sorted(_HOME), "__version__"]


def __getattr__(name: str) -> Any:
    """Loads what a name needs when it is first used: importing the package costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
