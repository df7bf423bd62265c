"""Splits of clips into training and held-out ones, which never share a clip or a person."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from mutoscope.data.clips import Clips
from mutoscope.data.layouts import Layout
from mutoscope.data.open import LAYOUTS
from mutoscope.errors import InputError


def split(
    clips: Clips,
    *,
    by: Literal["clip", "subject", "published"] = "clip",
    held_out: float | int | Sequence[int | str] = 0.1,
    seed: int = 0,
) -> tuple[Clips, Clips]:
    """Splits clips into (training, held out).

    Args:
        by: what the two parts may not share; "subject" also keeps a clip and its mirrored copy together in the Weizmann
            actions. "published" is the set's own split, whatever `held_out` and `seed` say: of Moving MNIST the last
            tenth is held out (1,000 of 10,000 sequences), of UCF101 what its first list of test clips names, of MUG
            the ten people of ImaGINator's validation set, of VoxCeleb2 and BAIR their `test` folders, of Penn Action
            the clips not marked for training, of Human3.6M the people S9 and S11.
        held_out: share (float) or number (int) of the clips or subjects to draw at random, or the very clip indices
            or subject names.
        seed: for the draw.

    Raises:
        InputError: a part would be empty, `by="subject"` but a clip has no subject, `held_out` names an unknown one, or
            the set has no published split.
    """
    if by == "published":
        by, held_out = "clip", _published(clips)
    groups: Sequence[int | str] = _subjects(clips) if by == "subject" else range(len(clips))
    distinct = list(dict.fromkeys(groups))
    chosen = set(_choose(clips.name, distinct, held_out, seed))
    if not 0 < len(chosen) < len(distinct):
        raise InputError(
            f"{clips.name}: {len(chosen)} of {len(distinct)} {by}s held out (expected more than none, less than all)"
        )
    train = [i for i, group in enumerate(groups) if group not in chosen]
    rest = [i for i, group in enumerate(groups) if group in chosen]
    assert not {groups[i] for i in train} & {groups[i] for i in rest}
    return clips.subset(train), clips.subset(rest)


def _published(clips: Clips) -> list[int]:
    """The clips that the set's own split holds out."""
    known = {layout.name: layout for layout in LAYOUTS if layout.held_out is not Layout.held_out}
    if clips.layout not in known:
        raise InputError(f"{clips.name}: has no published split (expected one of {'; '.join(known)})")
    paths = [Path(record.path) for record in clips.records]
    return np.flatnonzero(known[clips.layout].held_out(paths, clips.column("subject"))).tolist()


def _subjects(clips: Clips) -> list[str]:
    if not clips.has("subject"):
        expected = "class/subject/clip folders, or split_by clip"
        raise InputError(f"{clips.name}: has clips without a subject (expected {expected})")
    return clips.column("subject")


def _choose(
    name: str, groups: Sequence[int | str], held_out: float | int | Sequence[int | str], seed: int
) -> Sequence[int | str]:
    if not isinstance(held_out, int | float):
        known = set(groups)
        unknown = [str(group) for group in held_out if group not in known]
        if unknown:
            raise InputError(
                f"{name}: cannot hold out {', '.join(unknown)} (known: {', '.join(map(str, groups[:20]))})"
            )
        return held_out
    count = held_out if isinstance(held_out, int) else max(round(held_out * len(groups)), 1)
    order = np.random.default_rng(seed).permutation(len(groups))
    return [groups[i] for i in order[: max(count, 0)]]
