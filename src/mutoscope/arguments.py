"""From a command's flags to Python values."""

import re
from typing import TYPE_CHECKING, Any

from mutoscope.errors import InputError

if TYPE_CHECKING:
    import jsonargparse


def parse(
    parser: "jsonargparse.ArgumentParser", arguments: list[str], defaults: bool = True, instantiate: bool = False
) -> dict[str, Any]:
    """Parses flags; `defaults=False` keeps only those given, `instantiate=True` builds dataclasses.

    Raises:
        InputError: a flag is unknown, missing or of the wrong type.
    """
    import jsonargparse

    try:
        namespace = parser.parse_args(arguments, defaults=defaults)
        if instantiate:
            namespace = parser.instantiate(namespace)
    except (jsonargparse.ArgumentError, TypeError, ValueError) as error:
        raise InputError(f"{_plainly(str(error))} (see {parser.prog} --help)") from error
    return vars(namespace) if instantiate else namespace.as_dict()


def _plainly(message: str) -> str:
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
