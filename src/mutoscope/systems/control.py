"""Controls: what a user can do with a trained system, declared once.

A method marked `@control` has keyword-only, annotated, documented arguments and a typed result. `controls_of` reads
that declaration; the Python API checks it on every call, the command line makes flags of it, the web page sliders.
"""

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import docstring_parser
import torch

from mutoscope.errors import InputError
from mutoscope.media.results import Result

Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Range:
    """The argument, or each of a list, lies in [low, high]."""

    low: float
    high: float


Seed = Annotated[int, Range(0, 2**31 - 1)]
Rate = Annotated[float, Range(0.1, 240)]  # frames a second


@dataclass(frozen=True)
class Index:
    """The argument, or each of a list, counts from 0 below the system's attribute `size`."""

    size: str


@dataclass(frozen=True)
class Parameter:
    """One argument of a control.

    Attributes:
        name: as in the signature.
        type: the annotation without its `Annotated` wrapping.
        default: the default value, or `inspect.Parameter.empty` where the user must give one.
        help: the sentence in the docstring.
        bound: `Range`, `Index`, or None.
    """

    name: str
    type: Any
    default: Any
    help: str
    bound: Range | Index | None

    def limits(self, system: object) -> tuple[float, float] | None:
        """The lowest and highest value allowed with this system, both included; None where there is no bound."""
        if isinstance(self.bound, Index):
            return 0, getattr(system, self.bound.size) - 1
        return (self.bound.low, self.bound.high) if self.bound else None

    def check(self, system: object, value: Any) -> None:
        """Raises InputError where `value`, or one of a list, is outside the limits, or not one of a few known words."""
        if get_origin(self.type) is Literal and value not in get_args(self.type):
            raise InputError(f"{self.name}: {value!r} is unknown (expected one of {', '.join(get_args(self.type))})")
        if value is None:
            return
        takes_lists = any(get_origin(each) is list for each in (self.type, *get_args(self.type)))
        for number in value if takes_lists and isinstance(value, list) else [value]:
            self._check_number(system, number)

    def _check_number(self, system: object, value: Any) -> None:
        if _scalars(self.type) <= {int, type(None)} and isinstance(value, float):
            raise InputError(f"{self.name}: {value!r} is not a whole number")
        limits = self.limits(system)
        if limits is None:
            return
        if isinstance(value, bool) or not isinstance(value, int | float) or not limits[0] <= value <= limits[1]:
            raise InputError(f"{self.name}: {value!r} is not a number from {limits[0]:g} to {limits[1]:g}")


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

    def __post_init__(self) -> None:
        missing = [p.name for p in self.parameters if not p.help]
        if missing:
            raise TypeError(f"control {self.name}: arguments without a sentence in the docstring: {', '.join(missing)}")


def control(method: Method) -> Method:
    """Marks a method of a system as a control: arguments are checked against their bounds, no gradient is recorded."""

    @functools.wraps(method)
    def checked(self: object, **arguments: Any) -> Any:
        declared = {p.name: p for p in _read(method).parameters}
        for name, value in arguments.items():
            if name not in declared:
                raise InputError(f"{name}: {method.__name__} has no such argument (it has {', '.join(declared)})")
            declared[name].check(self, value)
        missing = [
            p.name for p in declared.values() if p.default is inspect.Parameter.empty and p.name not in arguments
        ]
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


def _scalars(annotation: Any) -> set[Any]:
    """The types that a value of this type is made of: int and None for `int | list[int] | None`."""
    inner = get_args(annotation)
    return set().union(*map(_scalars, inner)) if inner else {annotation}


@functools.cache
def _read(method: Callable[..., Any]) -> Control:
    """The declaration in a method's signature and docstring."""
    documentation = docstring_parser.parse(inspect.getdoc(method) or "")
    sentences = {p.arg_name: re.sub(r"\s+", " ", p.description or "") for p in documentation.params}
    hints = get_type_hints(method, include_extras=True)
    parameters = []
    for p in list(inspect.signature(method).parameters.values())[1:]:
        if p.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise TypeError(f"control {method.__name__}: argument {p.name} must be keyword-only")
        annotation, bound = hints[p.name], None
        if get_origin(annotation) is Annotated:
            annotation, bound = get_args(annotation)[:2]
        parameters.append(Parameter(p.name, annotation, p.default, sentences.get(p.name, ""), bound))
    return Control(method.__name__, documentation.short_description or "", tuple(parameters), hints["return"])
