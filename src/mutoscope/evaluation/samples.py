"""What is measured: clips of one length and single frames, kept in a file, and the features extracted from them."""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int64, UInt8

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.metrics.animation_score import WindowSearch
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
        sequences: of real clips, where windows that are like generated ones are found.
    """

    clips: Examples
    frames: Examples
    labelled: tuple[Examples, Int64[np.ndarray, "n"]] | None = None
    pairs: list[Pair] | None = None
    started: tuple[Examples, Examples] | None = None
    sequences: list[UInt8[np.ndarray, "_ h w c"]] | None = None

    @cached_property
    def search(self) -> WindowSearch:
        """Finds the window most like a generated clip."""
        assert self.sequences is not None
        return WindowSearch(self.sequences)

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


def damaged(clips: UInt8[np.ndarray, "n t h w c"], seed: int) -> dict[str, UInt8[np.ndarray, "n t h w c"]]:
    """By reference row, the first frame of each clip repeated, and its frames in a random order of its own."""
    rng = np.random.default_rng(seed)
    return {
        STILL: stored((np.repeat(clip[:1], len(clip), axis=0) for clip in clips), STILL),
        SHUFFLED: stored((clip[rng.permutation(len(clip))] for clip in clips), SHUFFLED),
    }


def frames_of(clips: Clips, most: int) -> UInt8[np.ndarray, "n h w c"]:
    """At most `most` frames, evenly spaced over all clips."""
    numbers = evenly(clips.total_frames, most)
    return stored((clips.frames_at(number) for number in numbers[:, None]), clips.name)[:, 0]


def labels_of(clips: Clips) -> Int64[np.ndarray, " clips"] | None:
    """The number of each clip's label; None where not all have one."""
    return np.array(clips.column("label"), dtype=np.int64) if clips.has("label") else None
