"""What is measured: clips of one length and single frames, kept in a file, and the features extracted from them."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64, UInt8

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.metrics.extractors.base import Classifier, Extractor
from mutoscope.metrics.motion import SpeedHistogram

FRAMES_AT_ONCE = 256  # that an extractor is given
REAL, STILL, SHUFFLED = "real vs real", "static copy", "shuffled frames"
MOST_FRAMES = 10_000  # single frames that are measured
FEW = 64  # clips for what is slow on every frame: optical flow, and embeddings of all frames of a clip


class Examples:
    """Frames or clips, and what extractors say of them, asked once each.

    Args:
        pixels: frames `n h w c` or clips `n t h w c`, possibly memory-mapped: they are read a few at a time.
    """

    def __init__(self, pixels: UInt8[np.ndarray, "n *t h w c"]) -> None:
        self.pixels = pixels
        self._known: dict[tuple[str, str], np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.pixels)

    def features(self, extractor: Extractor) -> Float[np.ndarray, "n *t k"]:
        """Of every frame or clip; of every frame of every clip if the extractor is one for frames."""
        return self._asked("features", extractor, extractor)

    def probabilities(self, classifier: Classifier) -> Float[np.ndarray, "n classes"]:
        """Of the classes; those of a clip by a classifier of frames are means over its frames."""
        found = self._asked("probabilities", classifier, classifier.probabilities)
        return found.mean(axis=1) if found.ndim == 3 else found

    def _asked(self, what: str, extractor: Extractor, compute: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        key = (what, extractor.name)
        if key not in self._known:
            of_frames = extractor.kind == "frame" and self.pixels.ndim == 5
            rows = self.pixels.reshape(-1, *self.pixels.shape[2:]) if of_frames else self.pixels
            at_once = FRAMES_AT_ONCE if rows.ndim == 4 else max(FRAMES_AT_ONCE // rows.shape[1], 1)
            found = np.concatenate([compute(rows[i : i + at_once]) for i in range(0, len(rows), at_once)])
            self._known[key] = found.reshape(*self.pixels.shape[:2], -1) if of_frames else found
        return self._known[key]


@dataclass(frozen=True)
class Pair:
    """A generated clip and the real one it is held against, of equal length."""

    generated: UInt8[np.ndarray, "t h w c"]
    real: UInt8[np.ndarray, "t h w c"]


@dataclass(frozen=True)
class Sample:
    """One row of the table.

    Attributes:
        clips: clips of one length.
        frames: single frames.
        labelled: clips made for a label, or real ones with theirs, and these labels.
        pairs: the real clip of each generated one, where that is known; otherwise it is found by matching.
        started: clips made from a picture each, or real ones with their first frames, and these pictures.
    """

    clips: Examples
    frames: Examples
    labelled: tuple[Examples, Int64[np.ndarray, "n"]] | None = None
    pairs: list[Pair] | None = None
    started: tuple[Examples, Examples] | None = None

    @cached_property
    def few(self) -> Examples:
        """At most `FEW` of the clips."""
        return Examples(self.clips.pixels[evenly(len(self.clips), FEW)])

    @cached_property
    def speeds(self) -> SpeedHistogram:
        """How fast the pixels of these move."""
        histogram = SpeedHistogram()
        for clip in self.few.pixels:
            histogram.update(clip)
        return histogram


def stored(arrays: Iterable[UInt8[np.ndarray, "..."]], what: str) -> UInt8[np.ndarray, "n ..."]:
    """Equal arrays, one after the other, in a temporary file that vanishes with the result: memory holds none for long.

    Raises:
        InputError: there are none, or they differ in shape.
    """
    shape, count = None, 0
    with tempfile.TemporaryFile() as file:
        for array in arrays:
            shape = shape or array.shape
            if array.shape != shape:
                raise InputError(f"{what}: shapes {shape} and {array.shape} (expected one shape)")
            file.write(np.ascontiguousarray(array).data)
            count += 1
        if shape is None:
            raise InputError(f"{what}: there are none (expected at least one)")
        file.flush()
        return np.asarray(np.memmap(file, dtype=np.uint8, mode="r", shape=(count, *shape)))


def evenly(count: int, wanted: int, offset: float = 0.5) -> Int64[np.ndarray, "n"]:
    """At most `wanted` of `count` places at even distances, shifted by a share of the distance (0 to 1)."""
    n = min(count, wanted)
    return ((np.arange(n) + offset) * count / max(n, 1)).astype(np.int64)


def windows(clips: Clips, count: int, frames: int, step: int, seed: int) -> tuple[np.ndarray, Int64[np.ndarray, "n"]]:
    """At most `count` windows, at even distances over all there are, and the number of each window's clip.

    Args:
        clips: the set; clips shorter than a window are passed over.
        count: how many windows.
        frames: frames per window.
        step: distance between them in the clip.
        seed: where the first window begins.

    Returns:
        The windows, uint8 `n t h w c`, and clip indices.

    Raises:
        InputError: no clip is long enough for a window.
    """
    span = (frames - 1) * step + 1
    starts = np.maximum(clips.lengths - span + 1, 0)
    if not starts.any():
        raise InputError(
            f"{clips.name}: the longest clip has {clips.lengths.max(initial=0)} frames "
            f"(expected at least {span} for windows of {frames} frames, {step} apart)"
        )
    places = evenly(int(starts.sum()), count, offset=np.random.default_rng(seed).random())
    ends = np.cumsum(starts)
    chosen = np.searchsorted(ends, places, side="right")
    first = places - (ends - starts)[chosen]
    cut = (clips[clip].frames[start : start + span : step] for clip, start in zip(chosen, first, strict=True))
    return stored(cut, clips.name), chosen


def standing_still(clips: UInt8[np.ndarray, "n t h w c"]) -> UInt8[np.ndarray, "n t h w c"]:
    """The first frame of each clip, repeated."""
    return stored((np.repeat(clip[:1], len(clip), axis=0) for clip in clips), STILL)


def out_of_order(clips: UInt8[np.ndarray, "n t h w c"], seed: int) -> UInt8[np.ndarray, "n t h w c"]:
    """The frames of each clip in a random order of its own."""
    rng = np.random.default_rng(seed)
    return stored((clip[rng.permutation(len(clip))] for clip in clips), SHUFFLED)


def frames_of(clips: Clips, most: int) -> UInt8[np.ndarray, "n h w c"]:
    """At most `most` frames, evenly spaced over all clips."""
    rows = clips.rows[evenly(clips.total_frames, most)]
    return stored((clips.pixels[row] for row in rows), clips.name)


def real_sample(clips: Clips, count: int, frames: int, step: int, most_frames: int, seed: int) -> Sample:
    """Windows and frames of real clips, or of generated ones from a folder; labelled where all clips are."""
    pixels, numbers = windows(clips, count, frames, step, seed)
    examples = Examples(pixels)
    labels = labels_of(clips)
    known = None if labels is None else (examples, labels[numbers])
    return Sample(examples, Examples(frames_of(clips, most_frames)), labelled=known)


def labels_of(clips: Clips) -> Int64[np.ndarray, " clips"] | None:
    """The number of each clip's label; None where not all have one."""
    labels = [record.label for record in clips.records]
    return None if None in labels else np.array(labels, dtype=np.int64)


def tracks(clips: Clips, step: int) -> list[UInt8[np.ndarray, "_ h w c"]]:
    """The clips as sequences whose frames are `step` apart: each clip gives `step` of them."""
    return [clips[i].frames[phase::step] for i in range(len(clips)) for phase in range(step)]


def pairs_by_name(generated: Clips, real: Clips) -> list[Pair]:
    """Each generated clip with the real clip whose file has the same stem, over the frames that both have.

    Raises:
        InputError: no names agree, or two clips of one set share a name.
    """
    by_name = _by_stem(real)
    pairs = []
    for stem, number in _by_stem(generated).items():
        if stem in by_name:
            made, true = generated[number].frames, real[by_name[stem]].frames
            length = min(len(made), len(true))
            pairs.append(Pair(made[:length], true[:length]))
    if not pairs:
        raise InputError(
            f"pairing by name: no clip of {generated.name} is named as one of {real.name} "
            f"(expected names such as {next(iter(by_name))})"
        )
    return pairs


def _by_stem(clips: Clips) -> dict[str, int]:
    stems = [Path(record.path).stem for record in clips.records]
    name, times = Counter(stems).most_common(1)[0]
    if times > 1:
        raise InputError(f"pairing by name: {clips.name} has {times} clips named {name} (expected one of each name)")
    return {stem: number for number, stem in enumerate(stems)}
