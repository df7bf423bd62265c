"""Which of a listing's clips are used, decided before any is decoded."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TypeVar

import numpy as np

from mutoscope.data.layouts import Entry
from mutoscope.errors import InputError

T = TypeVar("T")


def spread(items: Sequence[T], count: int | None) -> list[T]:
    """`count` of the items at even distances, or all if there are no more."""
    if count is None or count >= len(items):
        return list(items)
    return [items[i * len(items) // count] for i in range(count)]


def few_of_each_subject(entries: Sequence[Entry], count: int, seed: int) -> list[Entry]:
    """At most `count` clips of each subject, drawn at random, in the order of `entries`.

    They come from different recordings, the folders that the clips lie in, while there are any left. What is drawn of
    one subject does not depend on the others, who may be added later.

    Args:
        entries: clips that all have a subject.
        count: how many of each, 1 or more.
        seed: of the draw.

    Raises:
        InputError: a clip has no subject.
    """
    of_subject: dict[str, list[int]] = {}
    for i, entry in enumerate(entries):
        if (subject := entry.columns.get("subject")) is None:
            raise InputError(f"{entry.path}: has no subject (expected one of each clip, to take {count} of each)")
        of_subject.setdefault(subject, []).append(i)
    chosen: set[int] = set()
    for subject, own in of_subject.items():
        order = np.random.default_rng([seed, *subject.encode()]).permutation(own).tolist()
        chosen.update(_from_different_folders(order, entries)[:count])
    return [entries[i] for i in sorted(chosen)]


def _from_different_folders(order: list[int], entries: Sequence[Entry]) -> list[int]:
    """The first of each folder, then the second of each, and so on; otherwise as they were."""
    times: Counter[PurePosixPath] = Counter()
    rank = {}
    for i in order:
        folder = PurePosixPath(entries[i].path).parent
        rank[i] = times[folder]
        times[folder] += 1
    return sorted(order, key=rank.__getitem__)
