"""A system's choices: a frozen dataclass, each with a type, a bound, a default and a sentence.

From it come the flags of `mutoscope train`, the fields of presets, `config.json` and the help; networks take it whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import jsonargparse

from mutoscope.errors import InputError
from mutoscope.systems.parameters import Parameter, Range, add_flags, parameters_of, plainly

if TYPE_CHECKING:
    from mutoscope.data.clips import Clips

C = TypeVar("C", bound="Config")

Size = Annotated[int, Range(1, 8192)]
"""A number of channels, units, labels, frames."""
Steps = Annotated[int, Range(0, 1_000_000_000)]
LearningRate = Annotated[float, Range(0)]
Weight = Annotated[float, Range(0)]
Decay = Annotated[float, Range(0, 1, "[)")]
Multiplier = Annotated[float, Range(0, 64, "(]")]

# What many systems choose, with the sentence on it, which a docstring may replace.
Colours = Annotated[Literal[1, 3], "Colour channels of a frame, 1 or 3."]
FrameStep = Annotated[
    tuple[int, int],
    Range(1, 65_536),
    "Lowest and highest distance between the frames of a clip in training, in frames of the file.",
]
Betas = Annotated[tuple[float, float], Range(0, 1, "[)"), "Adam's decay rates."]
Ema = Annotated[Decay, "Decay of the average of G's weights that draws the results; 0 draws with the last weights."]
LabelNames = Annotated[
    list[str] | None,
    "Names of the labels in their order; null takes those of the data, [] trains without labels.",
]
PyramidLevels = Annotated[int, Range(1, 10), "Speeds that the pyramid sees; level i takes every 2^i-th frame."]
PyramidWidths = Annotated[list[int] | None, Range(1, 8192), "Its channels at 4, 8, 16, ... pixels; null for MintGAN's."]
PyramidGamma = Annotated[float, Range(0), "Weight γ of the gradient penalty R1 on the pyramid."]


def choices_of(cls: type) -> tuple[Parameter, ...]:
    """The fields of a dataclass of choices, in order."""
    defaults = {f.name: f.default if f.default_factory is MISSING else f.default_factory() for f in fields(cls)}
    return parameters_of(cls, defaults)


def parsed(values: Mapping[str, Any], classes: Iterable[type]) -> list[dict[str, Any]]:
    """Values sorted into the fields of dataclasses of choices, defaults filled in, each as it may be.

    Raises:
        InputError: a name is unknown, or a value is of the wrong type or out of bounds.
    """
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    choices = [choices_of(cls) for cls in classes]
    for each in choices:
        add_flags(parser, each)
    try:
        found = parser.parse_object(dict(values)).as_dict()
    except (jsonargparse.ArgumentError, TypeError, ValueError) as error:
        raise InputError(plainly(str(error))) from error
    for choice in (choice for each in choices for choice in each):
        choice.check(found[choice.name])
    return [{choice.name: found[choice.name] for choice in each} for each in choices]


@dataclass(frozen=True)
class Config:
    """What all systems' choices share; a system's own class has the fields.

    Raises:
        InputError: a value is out of its bounds, or values do not go together; known before anything is allocated.
    """

    def __post_init__(self) -> None:
        for choice in choices_of(type(self)):
            choice.check(getattr(self, choice.name))
        self.check()

    def check(self) -> None:
        """Raises InputError where values that are allowed one by one do not go together."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame, in pixels; a system whose frames are not square says so itself."""
        side: int = vars(self)["image_size"]
        return side, side

    @property
    def columns(self) -> tuple[str, ...]:
        """What must be known of clips besides their pixels (`data.columns`), to train and to measure."""
        return ()

    def for_data(self: C, clips: "Clips") -> C:
        """The same choices, with those that were left to the data as these clips tell them.

        Raises:
            InputError: a system of these choices cannot learn from these clips.
        """
        return self

    def to_dict(self) -> dict[str, Any]:
        """As JSON and YAML hold it."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls: type[C], values: Mapping[str, Any]) -> C:
        """Undoes `to_dict`.

        Raises:
            InputError: a name is unknown, or a value of the wrong type or out of range.
        """
        (found,) = parsed(values, [cls])
        return cls(**found)


def check_multiple(name: str, value: int, unit: int, reason: str = "") -> None:
    """Raises InputError where a number is no multiple of another."""
    if value % unit:
        raise InputError(f"{name}: {value} is not a multiple of {unit}{f' ({reason})' if reason else ''}")


def check_frame_step(frame_step: tuple[int, int]) -> None:
    """Raises InputError where the lowest distance between frames is more than the highest."""
    if frame_step[0] > frame_step[1]:
        raise InputError(f"frame_step: {frame_step} is empty (lowest distance first)")
