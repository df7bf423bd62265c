"""Studies with raters: two clips side by side to choose from, and what was answered.

The side of a clip is a function of the pair's seed: whoever has the answers by seed needs no other key.
"""

import os
import re
import reprlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from mutoscope.errors import InputError
from mutoscope.media import sheets
from mutoscope.media.images import Frame
from mutoscope.media.results import Replay, Table, Video
from mutoscope.systems.control import control
from mutoscope.systems.inputs import read_lines

Z_95 = 1.96  # standard deviations on either side of the mean that hold 95 % of a normal distribution
SYSTEM, OTHER = "system", "other"


class Answer(NamedTuple):
    """What one rater chose.

    Attributes:
        question: what was asked; blank where a file has one question.
        rater: who answered; blank where that is not known.
        choice: a word, or which of two clips was preferred.
    """

    question: str
    rater: str
    choice: str


class Preference:
    """What systems that raters judge share; each shows pairs of its own, made by `beside`."""

    @control
    def tally(self, *, answers: str | os.PathLike) -> Table:
        """What raters answered, in per cent with a 95 % interval, for each question.

        Args:
            answers: A CSV file with a row an answer and the column answer; with the column seed, answers are left or
                right of the `pair` of that seed, and counted as system or other. The columns question and rater are
                optional; a rater answers a question about a pair once.
        """
        given = read_answers(answers)
        counts = Counter((answer.question, answer.choice) for answer in given)
        raters = defaultdict(set)
        for answer in given:
            raters[answer.question].add(answer.rater)
            if answer.choice in (SYSTEM, OTHER):  # what nobody prefers is a row too
                counts.update({(answer.question, SYSTEM): 0, (answer.question, OTHER): 0})
        totals = Counter(answer.question for answer in given)
        rows = []
        for (question, choice), count in sorted(counts.items()):
            known = len(raters[question] - {""}) or None
            low, high = share_interval(count, totals[question])
            rows.append([question, choice, count, 100 * count / totals[question], 100 * low, 100 * high, known])
        return Table(["question", "answer", "count", "percent", "low", "high", "raters"], rows)


def beside(ours: Iterable[Frame], theirs: Iterable[Frame], seed: int, *, scale: int, fps: float) -> Video:
    """The system's clip and another one playing side by side, on sides that the seed draws.

    Args:
        ours: frames of the system's clip, all of one size.
        theirs: as many of the other clip.
        seed: of the pair, by which `Preference.tally` knows it.
        scale: enlargement of every pixel.
        fps: frames a second.
    """
    both = (ours, theirs) if system_is_left(seed) else (theirs, ours)

    def pairs() -> Iterator[Frame]:
        for shown in zip(*both, strict=True):
            yield sheets.grid(shown, 2, scale=scale)

    return Video(Replay(pairs), fps)


def system_is_left(seed: int) -> bool:
    """Whether the system's clip is the left one of this pair."""
    return bool(np.random.default_rng((seed, 2)).integers(2))


def share_interval(count: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share that `count` of `total` answers show (Wilson 1927); rater effects are not in it."""
    share, z = count / total, Z_95
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * (share * (1 - share) / total + z**2 / (4 * total**2)) ** 0.5
    return middle - half, middle + half


def read_answers(path: str | os.PathLike) -> list[Answer]:
    """The answers in a file, as `Preference.tally` describes it.

    Raises:
        InputError: the file cannot be read, a column is missing or there twice, a cell is empty or no answer, or a
            rater has answered twice.
    """
    answers, places = [], set()
    for number, row in enumerate(_records(path), 1):
        if "rater" in row and not row["rater"]:
            raise InputError(f"{path}: row {number}: the rater is empty (expected one)")
        answer = Answer(row.get("question", ""), row.get("rater", ""), _choice(path, number, row))
        if "rater" in row and "seed" in row:
            place = (answer.question, answer.rater, int(row["seed"]))
            if place in places:
                raise InputError(f"{path}: row {number}: {answer.rater} has answered this before (expected once)")
            places.add(place)
        answers.append(answer)
    return answers


def _records(path: str | os.PathLike) -> list[dict[str, str]]:
    """Rows of a file of answers, by column."""
    header, *rows = read_lines(path) or [[]]
    names = [name.strip() for name in header]
    if not rows:
        raise InputError(f"{path}: has no answers (expected a row of names with answer, and a row for each)")
    if "answer" not in names:
        raise InputError(f"{path}: has no column named answer (it has {', '.join(names)})")
    if len(set(names)) < len(names):
        raise InputError(f"{path}: has two columns of one name (it has {', '.join(names)})")
    ragged = next((i for i, row in enumerate(rows, 1) if len(row) != len(names)), None)
    if ragged is not None:
        raise InputError(f"{path}: row {ragged} has {len(rows[ragged - 1])} cells (expected {len(names)})")
    return [dict(zip(names, (cell.strip() for cell in row), strict=True)) for row in rows]


def _choice(path: str | os.PathLike, number: int, row: dict[str, str]) -> str:
    """What was chosen: the answer itself, or the clip that stood on this side."""
    if not row["answer"]:
        raise InputError(f"{path}: row {number}: the answer is empty (expected one)")
    if "seed" not in row:
        return row["answer"]
    if not re.fullmatch("[0-9]{1,10}", row["seed"]):
        raise InputError(f"{path}: row {number}: {reprlib.repr(row['seed'])} is no seed (expected that of a pair)")
    if row["answer"] not in ("left", "right"):
        raise InputError(f"{path}: row {number}: {row['answer']!r} is no side (expected left or right)")
    return SYSTEM if system_is_left(int(row["seed"])) == (row["answer"] == "left") else OTHER
