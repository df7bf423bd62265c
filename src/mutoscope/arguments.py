"""From a command's flags to Python values."""

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

    from mutoscope.systems.parameters import plainly

    try:
        namespace = parser.parse_args(arguments, defaults=defaults)
        if instantiate:
            namespace = parser.instantiate(namespace)
    except (jsonargparse.ArgumentError, TypeError, ValueError) as error:
        raise InputError(f"{plainly(str(error))} (see {parser.prog} --help)") from error
    return vars(namespace) if instantiate else namespace.as_dict()
