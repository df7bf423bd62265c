"""BU-4DFE: 101 people with six expressions each, about 100 frames at 25 a second.

L. Yin, X. Chen, Y. Sun, T. Worm and M. Reale, "A high-resolution 3D dynamic facial expression database", FG 2008.
Beside each picture lies a scan (`.wrl`), which is not read.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from mutoscope.data.layouts import LOOKED_AT, PICTURES, Layout, Listing, folders, media_entry, visible

EXPRESSIONS = ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise")
PERSON = re.compile(r"[FM][0-9]{3}")


class Bu4dfe(Layout):
    """A clip an expression of a person, who becomes the subject; the expression is the label."""

    name = "BU-4DFE"
    looks_like = "<F or M><3 digits>/<expression>/<frames>"

    @staticmethod
    def matches(path: Path) -> bool:
        return any(next(_clips(person), None) for person in _people(path)[:LOOKED_AT])

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        entries = [
            media_entry(path, clip, label=EXPRESSIONS.index(clip.name), subject=person.name)
            for person in _people(path)
            for clip in _clips(person)
        ]
        return Listing(path, entries, list(EXPRESSIONS))


def _people(path: Path) -> list[Path]:
    return [folder for folder in folders(path) if PERSON.fullmatch(folder.name)]


def _clips(person: Path) -> Iterator[Path]:
    """The folders of a person's expressions that hold pictures."""
    for folder in folders(person):
        if folder.name in EXPRESSIONS and any(file.suffix.lower() in PICTURES for file in visible(folder)):
            yield folder
