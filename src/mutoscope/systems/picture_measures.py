"""What clips drawn from a picture owe to the noise, to the label and to the picture."""

from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float64, UInt8

from mutoscope.data import Clips

PICTURES, NOISES = 16, 8  # that are measured
Animate = Callable[..., Iterator[UInt8[np.ndarray, "t h w c"]]]


def picture_measures(
    animate: Animate, clips: Clips, frames: int, label_names: list[str], seed: int = 0
) -> dict[str, float]:
    """Differences between clips of one picture, in grey levels (0 to 255) unless said otherwise.

    Args:
        animate: pictures, labels, frames and a seed to clips (`System.animate_pictures`).
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
    pictures = first_pictures(clips, PICTURES)
    k = len(label_names)
    rows = np.repeat(pictures, NOISES, axis=0)
    labels = [(i // NOISES) % k for i in range(len(rows))] if k else None
    drawn = np.stack(list(animate(rows, labels, frames=frames, seed=seed)))
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
        measures["moved_by_label"] = moved_by_label(animate, pictures, k, frames, seed)
    return measures


def first_pictures(clips: Clips, most: int) -> UInt8[np.ndarray, "n h w c"]:
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
    for record, value in zip(clips.records, found, strict=True):
        takes[record.subject, record.label].append(value)
    spreads = [np.std(values) for values in takes.values() if len(values) > 1]
    return found, float(np.mean(spreads)) if spreads else None


def moved_by_label(animate: Animate, pictures: UInt8[np.ndarray, "n h w c"], k: int, frames: int, seed: int) -> float:
    """Mean absolute difference between clips of different labels, the same picture and noise."""
    clips = np.stack(
        [list(animate(pictures, [label] * len(pictures), frames=frames, seed=seed)) for label in range(k)]
    ).astype(np.float64)
    differences = [np.abs(clips[i] - clips[j]).mean() for i in range(k) for j in range(i)]
    return float(np.mean(differences))
