"""MUG: facial expressions as numbered frames, `<subject>/[<session>/]<expression>/take<number>/img_<number>.jpg`.

N. Aifanti, C. Papachristou and A. Delopoulos, "The MUG facial expression database", WIAMIS 2010. G3AN and ImaGINator
learn from the six basic expressions: takes of other folders, such as `neutral`, are left out. In what the authors of
ImaGINator published, some takes end in `end` or `nsg`; the lists beside them (`video,id,category,nframes`) say nothing
that the folders do not, and are not read.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from mutoscope.data.layouts import LOOKED_AT, Layout, Listing, folders, media_entry

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
TAKE = re.compile(r"take[0-9]+(end|nsg)?", re.IGNORECASE)
VALIDATION_SUBJECTS = ("017", "034", "045", "055", "060", "064", "065", "073", "078", "083")  # of ImaGINator's authors

# the people whose takes the authors of the forecast-and-refine system trained its networks on and tested them on
FORECAST_SUBJECTS = "001 007 008 014 020 021 030 033 037 040 044 048 060 063 066 072 075 078 083"
REFINE_SUBJECTS = "006 010 013 017 027 031 032 034 038 042 045 052 061 064 070 073 076 079 084"
TEST_SUBJECTS = "028 036 039 043 046 055 062 065 071 074 077 082"


class Mug(Layout):
    """A clip a take; its expression is its label. Frames are used as they are: crop them to the face beforehand."""

    name = "MUG"
    looks_like = "<subject>/<expression>/take<number>/<frames>"

    @staticmethod
    def matches(path: Path) -> bool:
        return any(next(_takes(subject), None) for subject in folders(path)[:LOOKED_AT])

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        entries = [
            media_entry(path, take, label=EXPRESSIONS.index(expression), subject=subject.name)
            for subject in folders(path)
            for take, expression in _takes(subject)
        ]
        return Listing(path, entries, list(EXPRESSIONS))

    @staticmethod
    def held_out(paths: list[Path], subjects: list[str | None]) -> list[bool]:
        return [subject in VALIDATION_SUBJECTS for subject in subjects]


def frgan_group(subject: str) -> Literal["forecast", "refine", "test"] | None:
    """What the takes of a person are for in the split that was published with the forecast-and-refine system."""
    if subject in FORECAST_SUBJECTS.split():
        return "forecast"
    if subject in REFINE_SUBJECTS.split():
        return "refine"
    return "test" if subject in TEST_SUBJECTS.split() else None


def _takes(subject: Path) -> Iterator[tuple[Path, str]]:
    """The takes of a person's expressions, which lie in the person's folder or in those of sessions within it."""
    for folder in folders(subject):
        for expression in [folder] if folder.name.lower() in EXPRESSIONS else folders(folder):
            if (name := expression.name.lower()) in EXPRESSIONS:
                yield from ((take, name) for take in folders(expression) if TAKE.fullmatch(take.name))
