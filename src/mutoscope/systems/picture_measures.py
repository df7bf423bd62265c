"""Systems that go on from a picture: what is asked of each, and what clips owe to picture, label and noise."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Float64, UInt8

from mutoscope.data import Clips
from mutoscope.errors import InputError
from mutoscope.systems.base import System
from mutoscope.systems.conditions import Conditions

PICTURES, NOISES = 16, 8  # that are measured
Clip = UInt8[np.ndarray, "t h w c"]
Pictures = UInt8[np.ndarray, "n h w c"]


def check_pictures(system: System, conditions: Conditions, longest: float = math.inf) -> None:
    """Checks that conditions give something to go on from, and ask for no more than `longest` frames from the last.

    Raises:
        InputError: they do not.
    """
    if "frames" not in conditions.columns:
        raise InputError(f"{system.name}: goes on from pictures, it draws none (expected pictures to animate)")
    for seen, frames in zip(conditions.columns["frames"], conditions.lengths, strict=True):
        most = longest + len(seen) - 1
        if frames > most:
            raise InputError(f"frames: {frames} is more than this {system.name} draws (expected at most {most})")


def continued(conditions: Conditions, clips: Iterable[Clip]) -> Iterator[Clip]:
    """Clips that begin with the last given frame of each row, behind those given before it; as long as is asked."""
    for seen, clip, frames in zip(conditions.columns["frames"], clips, conditions.lengths, strict=True):
        yield np.concatenate([seen[:-1], clip])[:frames]


def picture_measures(
    system: System, clips: Clips, frames: int, label_names: Sequence[str], seed: int = 0
) -> dict[str, float]:
    """Differences between clips of one picture, in grey levels (0 to 255) unless said otherwise.

    Args:
        system: goes on from pictures.
        clips: real ones; their first frames are the pictures.
        frames: of the drawn clips.
        label_names: the labels' names; none where the system takes none.
        seed: of the noise.

    Returns:
        `picture_kept`: mean absolute difference of the first frame from the picture;
        `apex`: how far a clip moves from its first frame at most (mean over pixels, maximum over time), and
        `apex_real`: the same of real clips;
        `apex_by_noise`: its standard deviation over noises, the same picture and label (0: the noise does nothing);
        `apex_by_take`: the same over real clips of a subject (where known) and label, where some have two or more, and
        `noise_of_takes`: the former as a share of the latter, where this is not 0;
        `moved_by_label`: mean absolute difference between clips of different labels, the same picture and noise.
    """

    def drawn_from(rows: Pictures, labels: Sequence[int] | None) -> UInt8[np.ndarray, "n t h w c"]:
        return np.stack(list(system.outputs(Conditions.of_pictures(rows, frames, labels), seed)))

    pictures = first_pictures(clips, PICTURES)
    k = len(label_names)
    rows = np.repeat(pictures, NOISES, axis=0)
    drawn = drawn_from(rows, [i // NOISES % k for i in range(len(rows))] if k else None)
    apexes = apex(drawn).reshape(len(pictures), NOISES)
    real, by_take = real_apexes(clips, frames)
    measures = {
        "picture_kept": float(np.abs(drawn[:, 0].astype(float) - rows).mean()),
        "apex": float(apexes.mean()),
        "apex_real": float(real.mean()),
        "apex_by_noise": float(apexes.std(axis=1).mean()),
    }
    if by_take is not None:
        measures["apex_by_take"] = by_take
    if by_take:
        measures["noise_of_takes"] = measures["apex_by_noise"] / by_take
    if k > 1:
        of_labels = [drawn_from(pictures, [label] * len(pictures)).astype(np.float64) for label in range(k)]
        differences = [np.abs(of_labels[i] - of_labels[j]).mean() for i in range(k) for j in range(i)]
        measures["moved_by_label"] = float(np.mean(differences))
    return measures


def first_pictures(clips: Clips, most: int) -> Pictures:
    """The first frames of at most `most` clips, at even distances."""
    count = min(most, len(clips))
    return np.stack([clips[i * len(clips) // count].frames[0] for i in range(count)])


def apex(clips: UInt8[np.ndarray, "n t h w c"]) -> Float64[np.ndarray, " n"]:
    """How far each clip moves from its first frame at most: mean over pixels, maximum over time, in grey levels."""
    return np.abs(clips.astype(np.float64) - clips[:, :1]).mean((2, 3, 4)).max(1)


def real_apexes(clips: Clips, frames: int) -> tuple[Float64[np.ndarray, " n"], float | None]:
    """The apex of each real clip, and its mean standard deviation over clips of the same subject and label."""
    found = np.array([apex(clips[i].frames[None, :frames])[0] for i in range(len(clips))])
    takes = defaultdict(list)
    for subject, label, value in zip(clips.column("subject"), clips.column("label"), found, strict=True):
        takes[subject, label].append(value)
    spreads = [np.std(values) for values in takes.values() if len(values) > 1]
    return found, float(np.mean(spreads)) if spreads else None
