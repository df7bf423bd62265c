"""What the demo shows: files, a few words, and the command that makes the files again."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Exhibit:
    """One figure of the page.

    Attributes:
        files: What is shown, in order, relative to the demo's folder; formats that a page cannot show become links.
        title: A few words.
        caption: What to notice.
        alt: What there is to see, for those who do not see it.
        command: Makes the files again when it is run in the demo's folder; empty where no single command does.
        span: How many of the page's twelve columns it takes.
    """

    files: tuple[str, ...]
    title: str
    caption: str
    alt: str
    command: str = ""
    span: int = 6


@dataclass(frozen=True)
class Section:
    """One part of the page: a heading, a paragraph, what was done, and the exhibits.

    Attributes:
        title: The heading.
        lead: The paragraph below it.
        exhibits: The figures, in order.
        commands: Commands that everything in the section rests on.
        measures: For each measure its name, what it means, and its value before and after training.
    """

    title: str
    lead: str
    exhibits: tuple[Exhibit, ...]
    commands: tuple[str, ...] = ()
    measures: tuple[tuple[str, str, float, float], ...] = ()


@dataclass(frozen=True)
class Player:
    """Uses controls of a system and keeps what comes out.

    Attributes:
        system: The trained system.
        weights: What `mutoscope generate` calls it, seen from the demo's folder.
        folder: The demo's folder.
        place: Where in it the files go.
    """

    system: Any
    weights: str
    folder: Path
    place: str

    def play(
        self,
        control: str,
        *names: str,
        title: str,
        caption: str,
        alt: str,
        span: int = 6,
        arguments: Mapping[str, Any] = MappingProxyType({}),
    ) -> Exhibit:
        """Saves the result of a control under every one of `names`.

        Args:
            control: Its name.
            names: Files below `place`; the suffix says the format.
            title, caption, alt, span: As in `Exhibit`.
            arguments: Of the control; a `Path` is a file relative to the demo's folder.
        """
        given = {name: self.folder / value if isinstance(value, Path) else value for name, value in arguments.items()}
        result = getattr(self.system, control)(**given)
        files = tuple(f"{self.place}/{name}" for name in names)
        for file in files:
            result.save(self.folder / file)
        return Exhibit(files, title, caption, alt, generate_command(self.weights, control, arguments, files), span)

    def section(self, lead: str, exhibits: list[Exhibit], *commands: str) -> Section:
        """What there is to see of the weights."""
        return Section(f"Playing {self.weights}", lead, tuple(exhibits), commands)


def generate_command(weights: str, control: str, arguments: Mapping[str, Any], files: tuple[str, ...]) -> str:
    """The `mutoscope generate …` that does what `Player.play` does."""
    words = ["mutoscope", "generate", weights, control]
    for argument, value in arguments.items():
        words += [f"--{argument}", str(value) if isinstance(value, str | Path) else json.dumps(value, default=stated)]
    for file in files:
        words += ["-o", file]
    return shlex.join(words)


def stated(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults: what one would type."""
    return {field: v for field, v in asdict(value).items() if v != getattr(type(value), field)}
