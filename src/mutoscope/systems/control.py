"""Controls: what a user can do with a trained system, declared once.

A method marked `@control` has keyword-only, annotated, documented arguments and a typed result. `controls_of` reads
that declaration; the Python API checks it on every call, the command line makes flags of it, the web page sliders.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_type_hints

import docstring_parser
import torch

from mutoscope.errors import InputError
from mutoscope.media.results import Result
from mutoscope.systems.parameters import NEEDED, Parameter, Range, parameters_of

Method = TypeVar("Method", bound=Callable[..., Any])

# What many controls take; a docstring that has a sentence of its own on such an argument says more.
Seed = Annotated[int, Range(0, 2**31 - 1), "Seed of the noise."]
Fps = Annotated[float, Range(0.1, 240), "Frames a second."]
Count = Annotated[int, Range(1, 100_000), "Number of frames."]
Scale = Annotated[int, Range(1, 16), "Enlargement of every pixel."]
Columns = Annotated[int, Range(1, 100), "How many in a row."]
Shown = Annotated[int, Range(1, 64), "Frames shown of each clip."]


@dataclass(frozen=True)
class Control:
    """One control of a system.

    Attributes:
        name: the method's name.
        summary: first line of the docstring.
        parameters: its arguments, in order.
        result: the class of what it returns (`Video`, `Image`, `Sheet`, `Table`).
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    result: type[Result]


def control(method: Method) -> Method:
    """Marks a method of a system as a control: arguments are checked against their bounds, no gradient is recorded."""

    @functools.wraps(method)
    def checked(self: Any, **arguments: Any) -> Any:
        declared = {p.name: p for p in _read(method).parameters}
        for name, value in arguments.items():
            if name not in declared:
                raise InputError(f"{name}: {method.__name__} has no such argument (it has {', '.join(declared)})")
            declared[name].check(value, getattr(self, "config", None))
        missing = [p.name for p in declared.values() if p.default is NEEDED and p.name not in arguments]
        if missing:
            raise InputError(f"{missing[0]}: {method.__name__} needs this argument ({declared[missing[0]].help})")
        with torch.inference_mode():
            return method(self, **arguments)

    checked.is_control = True  # type: ignore[attr-defined]
    return checked  # type: ignore[return-value]


def controls_of(system: type) -> dict[str, Control]:
    """All controls of a system's class, by name, in order of definition (base classes first)."""
    names = [name for cls in reversed(system.__mro__) for name in vars(cls)]
    methods = {name: getattr(system, name) for name in names if getattr(system, name, None) is not None}
    return {name: _read(method.__wrapped__) for name, method in methods.items() if getattr(method, "is_control", False)}


@functools.cache
def _read(method: Callable[..., Any]) -> Control:
    """The declaration in a method's signature and docstring."""
    arguments = list(inspect.signature(method).parameters.values())[1:]
    for p in arguments:
        if p.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise TypeError(f"control {method.__name__}: argument {p.name} must be keyword-only")
    parameters = parameters_of(method, {p.name: p.default for p in arguments})
    summary = docstring_parser.parse(inspect.getdoc(method) or "").short_description or ""
    return Control(method.__name__, summary, parameters, get_type_hints(method)["return"])
