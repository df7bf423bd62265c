"""The protocol for systems that start from a picture: real windows, whose first frames and labels they are given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64, UInt8

from mutoscope.data.clips import Clips, clips_from_arrays
from mutoscope.errors import InputError
from mutoscope.evaluation.samples import (
    MOST_FRAMES,
    Examples,
    Pair,
    Sample,
    evenly,
    labels_of,
    stored,
)
from mutoscope.systems.base import System
from mutoscope.systems.labels import Labels


@dataclass(frozen=True)
class Starts:
    """Pairs of a picture to start from and the true clip that begins with it.

    Attributes:
        truths: real windows.
        labels: the number of the label of each; None where not all clips have one.
        label_names: the name of each label.
        tracks: what is known of the frames of each window besides their pixels.
        skeleton: the order of joints among that.
    """

    truths: UInt8[np.ndarray, "n t h w c"]
    labels: Int64[np.ndarray, "n"] | None
    label_names: Sequence[str]
    tracks: Mapping[str, Sequence[np.ndarray]] = field(default_factory=dict)
    skeleton: str | None = None

    def __len__(self) -> int:
        return len(self.truths)

    @property
    def pictures(self) -> UInt8[np.ndarray, "n h w c"]:
        return self.truths[:, 0]

    def sample(self, clips: UInt8[np.ndarray, "n t h w c"], name: str, *, labelled: bool = True) -> Sample:
        """What is measured of clips made from the pictures, in their order.

        Args:
            clips: a clip of each picture.
            name: what to call the clips in messages.
            labelled: whether the clips were made for the labels.
        """
        examples = Examples(clips)
        frames = clips.reshape(-1, *clips.shape[2:])
        return Sample(
            examples,
            Examples(stored((frames[i] for i in evenly(len(frames), MOST_FRAMES)), name)),
            labelled=(examples, self.labels) if labelled and self.labels is not None else None,
            pairs=[Pair(clip, truth) for clip, truth in zip(clips, self.truths, strict=True)],
            started=(examples, Examples(self.pictures)),
        )

    def animated_by(self, system: System, seed: int) -> Sample:
        """What a system makes of the pictures.

        Raises:
            InputError: it cannot make clips of this length, or does not know a label.
        """
        if system.starts_from == "structure":
            windows = clips_from_arrays([*self.truths], name="windows", tracks=self.tracks, skeleton=self.skeleton)
            return self.sample(stored(system.follow_clips(windows), system.name), system.name, labelled=True)
        labels = self._labels_for(system)
        made = system.animate_pictures(self.pictures, labels, frames=self.truths.shape[1], seed=seed)
        return self.sample(stored(made, system.name), system.name, labelled=labels is not None)

    def _labels_for(self, system: System) -> list[int] | None:
        """The labels in the numbers of a system, which may know them in another order; None if it takes none."""
        known = system.label_names if isinstance(system, Labels) else []
        if self.labels is None or not known:
            return None
        for name in self.label_names:
            if name not in known:
                raise InputError(f"{system.name}: was trained without the label {name} (it knows {', '.join(known)})")
        return [known.index(self.label_names[label]) for label in self.labels]


def draw_starts(clips: Clips, count: int, starts: int, frames: int, step: int, seed: int) -> Starts:
    """Random start frames of every clip, and the true windows that begin there (Wang 2021, Sec. 3.4.1).

    Args:
        clips: the set; clips with fewer than `frames` frames are passed over.
        count: how many at most in all: of more, every clip gives a second one only after all have given one, and so on.
        starts: how many of each clip; they are distinct, so a clip with fewer possible ones gives all it has.
        frames: frames per window.
        step: distance between them in the clip; in a clip too short for it the largest that fits.
        seed: of the draw.

    Raises:
        InputError: no clip has so many frames.
    """
    rng = np.random.default_rng(seed)
    steps = np.clip((clips.lengths - 1) // max(frames - 1, 1), 1, step)
    possible = np.maximum(clips.lengths - (frames - 1) * steps, 0)
    if not possible.any():
        raise InputError(
            f"{clips.name}: the longest clip has {clips.lengths.max(initial=0)} frames (expected at least {frames})"
        )
    shares = np.minimum(possible, starts)
    first = [rng.permutation(n)[:share] for n, share in zip(possible, shares, strict=True)]
    # in rounds, each over all clips in another order: sets are often sorted by label
    rounds = [rng.permutation(np.flatnonzero(shares > number)) for number in range(shares.max())]
    drawn = [(clip, first[clip][number]) for number, clips_left in enumerate(rounds) for clip in clips_left][:count]
    numbers, begins = np.array(drawn, dtype=np.int64).T
    labels = labels_of(clips)
    windows = [
        (n, slice(begin, begin + (frames - 1) * apart + 1, apart))
        for n, begin, apart in zip(numbers, begins, steps[numbers], strict=True)
    ]
    truths = stored((clips[n].frames[window] for n, window in windows), clips.name)
    tracks = {track: [values[n][window] for n, window in windows] for track, values in clips.tracks.items()}
    own_labels = None if labels is None else labels[numbers]
    return Starts(truths, own_labels, clips.label_names, tracks, clips.skeleton)
