"""Parameters: values with a type, a bound, a default and a sentence, declared once.

The fields of a config and the arguments of a control are both such: the Python API checks them, the command line makes
flags of them, the web page sliders. What many declare alike is an annotation with a sentence of its own:

    Seed = Annotated[int, Range(0, 2**31 - 1), "Seed of the noise."]
"""

import inspect
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import docstring_parser
import jsonargparse

from mutoscope.errors import InputError

NEEDED = inspect.Parameter.empty
"""The default of what must be given."""


@dataclass(frozen=True)
class Range:
    """Numbers from low to high.

    Attributes:
        low, high: the ends.
        ends: which of them belong to it: both `[]`, the lower `[)`, the higher `(]`, none `()`.
    """

    low: float
    high: float = math.inf
    ends: Literal["[]", "[)", "(]", "()"] = "[]"

    def holds(self, value: float) -> bool:
        """Whether a value is in it; infinity never is."""
        above = value > self.low or (value == self.low and self.ends[0] == "[")
        below = value < self.high or (value == self.high and self.ends[1] == "]")
        return above and below and abs(value) <= sys.float_info.max

    def __str__(self) -> str:
        low = f"{self.low:g}" if self.ends[0] == "[" else f"above {self.low:g}"
        if self.high == math.inf:
            return f"{low} or more" if self.ends[0] == "[" else low
        return f"{low} to {'' if self.ends[1] == ']' else 'below '}{self.high:g}"


@dataclass(frozen=True)
class Index:
    """Numbers from 0 to below the choice `size` of the config of the system at hand."""

    size: str


@dataclass(frozen=True)
class Parameter:
    """One value.

    Attributes:
        name: as declared.
        type: the annotation without its `Annotated` wrapping.
        bound: where its number, or each of its numbers, lies; None for anywhere.
        default: the default value, or `NEEDED`.
        help: its sentence.
    """

    name: str
    type: Any
    bound: Range | Index | None
    default: Any
    help: str

    def range(self, config: Any = None) -> Range | None:
        """Where its numbers lie, with this config."""
        return Range(0, getattr(config, self.bound.size) - 1) if isinstance(self.bound, Index) else self.bound

    def check(self, value: Any, config: Any = None) -> None:
        """Raises InputError where a value is none of the words there are, or a number of it is not what it may be."""
        kinds = get_args(self.type) if type(None) in get_args(self.type) else (self.type,)
        if value is None and type(None) in kinds:
            return
        if value is None:
            raise InputError(f"{self.name}: is null (expected a value)")
        words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
        if words and not any(value == word and type(value) is type(word) for word in words):  # True is no 1
            raise InputError(f"{self.name}: {value!r} is unknown (expected one of {', '.join(map(str, words))})")
        several = isinstance(value, list | tuple) and any(get_origin(kind) in (list, tuple) for kind in kinds)
        allowed = self.range(config)
        for number in value if several else [value]:
            if _scalars(self.type) <= {int, type(None)} and isinstance(number, float):
                raise InputError(f"{self.name}: {number!r} is not a whole number")
            is_number = isinstance(number, int | float) and not isinstance(number, bool)
            if allowed is not None and not (is_number and allowed.holds(number)):
                raise InputError(f"{self.name}: {number!r} is out of range (expected {allowed})")


def parameters_of(declared: Any, defaults: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """The parameters of a function or a dataclass.

    Args:
        declared: has annotations, and in its docstring, or that of a base class, a sentence on each parameter whose
            annotation has none.
        defaults: of each parameter, in order.

    Raises:
        TypeError: one has no sentence.
    """
    own: dict[str, str] = {}
    for each in reversed(inspect.getmro(declared)) if inspect.isclass(declared) else [declared]:
        documentation = docstring_parser.parse(inspect.cleandoc(each.__doc__ or ""))
        own |= {p.arg_name: re.sub(r"\s+", " ", p.description or "") for p in documentation.params}
    hints = get_type_hints(declared, include_extras=True)
    found = []
    for name, default in defaults.items():
        annotation, extras = _unwrapped(hints[name])
        bound = next((extra for extra in extras if isinstance(extra, Range | Index)), None)
        sentence = own.get(name) or next((extra for extra in reversed(extras) if isinstance(extra, str)), "")
        if not sentence:
            raise TypeError(f"{declared.__name__}: {name} has no sentence, in the docstring or its annotation")
        found.append(Parameter(name, annotation, bound, default, sentence))
    return tuple(found)


def add_flags(
    parser: jsonargparse.ArgumentParser,
    parameters: Sequence[Parameter],
    config: Any = None,
    as_text: Sequence[Any] = (),
) -> None:
    """Gives a parser a flag for every parameter; those of the types `as_text` are handed on as they are written."""
    for p in parameters:
        allowed = f" [{p.range(config)}]" if p.bound else ""
        given = {"required": True} if p.default is NEEDED else {"default": p.default}
        kind = str if p.type in as_text else p.type
        parser.add_argument(f"--{p.name}", type=kind, help=p.help.replace("%", "%%") + allowed, **given)


def plainly(message: str) -> str:
    """What jsonargparse says of a value of the wrong type, without the names of Python's classes; other words as is."""
    message = " ".join(message.split())
    one = r'Parser key "(?P<name>.+?)": Expected an? (?P<kinds>.+)\. Got value: (?P<value>.*)'
    several = (
        r'Parser key "(?P<name>.+?)": Does not .* Subtypes: \[(?P<kinds>.*)\] Errors:.* Given value: (?P<value>.*)'
    )
    told = re.fullmatch(one, message) or re.fullmatch(several, message)
    if told is None:
        return message
    kinds = re.sub(r", <class 'NoneType'>|<class '(\w+)'>|typing\.Literal\[(.*?)\]", r"\1\2", told["kinds"])
    return f"{told['name']}: {told['value']} (expected {kinds})"


def _unwrapped(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type and what `Annotated` says of it, which may stand within: `Annotated[int, Range(1)] | None`."""
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[0], get_args(annotation)[1:]
    found = [_unwrapped(each) for each in get_args(annotation)]
    extras = tuple(extra for _, each in found for extra in each)
    if not extras:
        return annotation, ()
    inner = found[0][0]
    for each, _ in found[1:]:
        inner = inner | each
    return inner, extras


def _scalars(annotation: Any) -> set[Any]:
    """The types that a value of this type is made of: int and None for `int | list[int] | None`."""
    inner = get_args(annotation)
    return set().union(*map(_scalars, inner)) if inner else {annotation}
