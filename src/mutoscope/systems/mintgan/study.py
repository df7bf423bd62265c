"""A study with raters: pairs of clips to choose from, and what was answered (Tabs. 5.6 to 5.8)."""

import os
import re
import reprlib
from collections import Counter
from collections.abc import Iterator

import numpy as np

from mutoscope.errors import InputError
from mutoscope.media import sheets
from mutoscope.media.results import Replay, Table, Video
from mutoscope.systems.control import Rate, Seed, control
from mutoscope.systems.inputs import Frames, read_frames
from mutoscope.systems.mintgan.showing import Colours, Length, Scale, Showing, Truncation
from mutoscope.systems.mintgan.trajectories import read_lines

Z_95 = 1.96  # standard deviations on either side of the mean that hold 95 % of a normal distribution


class Study(Showing):
    """The side of a pair is a function of its seed: whoever has the answers by seed needs no other key."""

    @control
    def pair(
        self,
        *,
        other: Frames,
        frames: Length = None,
        truncation: Truncation = 1.0,
        scale: Scale = 2,
        fps: Rate = 8.0,
        seed: Seed = 0,
    ) -> Video:
        """A clip from noise beside another one, real or of another system, on sides that the seed draws (Tab. 5.6).

        Args:
            other: A video, a folder of frames, a GIF or a .npy, which is shown in the size of the system.
            frames: Frames of both; as many as in training if not given.
            truncation: Share of its way from the mean that an appearance goes; 1 is as in training, 0 the mean.
            scale: Enlargement of every pixel.
            fps: Frames a second.
            seed: Seed of the clip and of its side, by which `tally` knows it.
        """
        length = frames or self.frames
        theirs = read_frames(other, self.image_size, self.channels)[:length]
        if len(theirs) < length:
            raise InputError(f"other: has {len(theirs)} frames (expected at least {length})")
        ours = next(self.draw(self.codes(self.appearances(1, seed), self.motions(1, seed, length), truncation)))
        both = (ours, theirs) if system_is_left(seed) else (theirs, ours)

        def pairs() -> Iterator[Colours]:
            for shown in zip(*both, strict=True):
                yield sheets.grid(shown, 2, scale=scale)

        return Video(Replay(pairs), fps)

    @control
    def tally(self, *, answers: str | os.PathLike) -> Table:
        """What raters answered, in per cent with a 95 % interval, for each question (Tabs. 5.6 to 5.8).

        Args:
            answers: A CSV file with a row an answer and the column answer; with the column seed, answers are left or
                right of the `pair` of that seed, and counted as system or other. The column question is optional.
        """
        counts = Counter(
            (row.get("question", ""), _choice(answers, i, row)) for i, row in enumerate(_records(answers), 1)
        )
        totals = Counter(question for question, answer in counts.elements())
        rows = []
        for (question, answer), count in sorted(counts.items()):
            low, high = share_interval(count, totals[question])
            rows.append([question, answer, count, 100 * count / totals[question], 100 * low, 100 * high])
        return Table(["question", "answer", "count", "percent", "low", "high"], rows)


def system_is_left(seed: int) -> bool:
    """Whether the system's clip is the left one of this pair."""
    return bool(np.random.default_rng((seed, 2)).integers(2))


def share_interval(count: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share that `count` of `total` answers show (Wilson 1927); rater effects are not in it."""
    share, z = count / total, Z_95
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * (share * (1 - share) / total + z**2 / (4 * total**2)) ** 0.5
    return middle - half, middle + half


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
    return "system" if system_is_left(int(row["seed"])) == (row["answer"] == "left") else "other"
