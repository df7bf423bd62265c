"""The protocol for what goes on from given frames: real windows, whose first frames and columns systems are given."""

from typing import ClassVar

import numpy as np
from jaxtyping import UInt8

from mutoscope.data.clips import Clips, clips_from_arrays
from mutoscope.data.columns import window
from mutoscope.errors import InputError
from mutoscope.evaluation.protocol import Pairing, Plan, Protocol
from mutoscope.evaluation.samples import (
    MOST_FRAMES,
    REAL,
    Examples,
    Pair,
    Sample,
    damaged,
    evenly,
    labels_of,
    stored,
)
from mutoscope.systems.base import System
from mutoscope.systems.conditions import Conditions


class ContinuationsProtocol(Protocol):
    """Clips that go on from the first frame of a real window, each beside that window (Wang 2021, Sec. 3.4.1).

    Attributes:
        windows: the real ones, a clip each.
    """

    pairings: ClassVar[dict[Pairing, str]] = {"start": "the clip that begins with the input picture"}
    usual_clips = 500
    asks = "goes on from given frames"
    subjects = True
    slow = "motion"

    def __init__(self, real: Clips, plan: Plan) -> None:
        super().__init__(real, plan)
        self.windows = draw_windows(real, plan)
        self.drawn_frames = min(len(self.windows) * plan.frames, MOST_FRAMES)
        self.reference = sample_of(pixels_of(self.windows), self.windows, REAL)

    def cut(self, clips: Clips, most_frames: int = MOST_FRAMES) -> Sample:
        drawn = draw_windows(clips, self.plan)
        return sample_of(pixels_of(drawn), drawn, REAL)

    def drawn(self, system: System, labelled: bool) -> Sample:
        conditions = Conditions.of(self.windows, given=1, frames=self.plan.frames)
        made = stored(system.outputs(conditions, self.plan.seed), system.name)
        told = bool(system.config.columns)  # of a label, or of structure that shows it
        return sample_of(made, self.windows, system.name, labelled=told)

    def given(self, clips: Clips) -> Sample:
        raise InputError(
            f"pairing by start: {clips.name} are clips whose pictures to start from are unknown "
            "(expected a system that starts from a picture)"
        )

    def references(self, own: Sample, real: Sample) -> dict[str, tuple[Sample, Sample]]:
        """Still and shuffled clips are of the same pairs as a system's; real ones tell labels and identity of these."""
        reference = self.reference
        others = Sample(own.clips, own.frames, labelled=reference.labelled, pairs=[], started=reference.started)
        made = damaged(pixels_of(self.windows), self.plan.seed).items()
        worse = {row: (sample_of(clips, self.windows, row), reference) for row, clips in made}
        return {REAL: (others, real), **worse}

    def table(self) -> dict[str, str | int]:
        rule = f"at most {self.plan.starts}, at random, all different; no second one before all have given one"
        return {"pairing": self.pairings[self.plan.pairing], "starts of a clip": rule}


def draw_windows(clips: Clips, plan: Plan) -> Clips:
    """The true windows that begin at random frames of every clip, all different, with what is known of them.

    Of more than wanted, every clip gives a second one only after all have given one, and so on. Clips with fewer frames
    than a window are passed over; in one that is too short for the step, it is the largest that fits.

    Raises:
        InputError: no clip has so many frames.
    """
    rng, frames = np.random.default_rng(plan.seed), plan.frames
    steps = np.clip((clips.lengths - 1) // max(frames - 1, 1), 1, plan.step)
    possible = np.maximum(clips.lengths - (frames - 1) * steps, 0)
    if not possible.any():
        raise InputError(
            f"{clips.name}: the longest clip has {clips.lengths.max(initial=0)} frames (expected at least {frames})"
        )
    shares = np.minimum(possible, plan.starts)
    first = [rng.permutation(n)[:share] for n, share in zip(possible, shares, strict=True)]
    # in rounds, each over all clips in another order: sets are often sorted by label
    rounds = [rng.permutation(np.flatnonzero(shares > number)) for number in range(shares.max())]
    drawn = [(clip, first[clip][number]) for number, clips_left in enumerate(rounds) for clip in clips_left]
    cut = [(clips[clip], begin + np.arange(frames) * steps[clip]) for clip, begin in drawn[: plan.clips]]
    pixels = stored((clip.frames[times] for clip, times in cut), clips.name)
    known = [
        clip.columns | window({name: value for name, value in clip.columns.items() if value is not None}, times)
        for clip, times in cut
    ]
    names = [name for name in clips.columns if name != "label" or clips.has("label")]
    columns = {name: [columns[name] for columns in known] for name in names}
    return clips_from_arrays(
        pixels, name="windows", columns=columns, label_names=clips.label_names, skeleton=clips.skeleton
    )


def pixels_of(windows: Clips) -> UInt8[np.ndarray, "n t h w c"]:
    """Windows of one length as one array, in place."""
    return windows.pixels.reshape(len(windows), -1, *windows.pixels.shape[1:])


def sample_of(clips: UInt8[np.ndarray, "n t h w c"], windows: Clips, name: str, *, labelled: bool = True) -> Sample:
    """What is measured of clips that go on from windows' first frames, one of each, in their order.

    The name is for messages; `labelled` says whether the clips were made for the labels, where there are any.
    """
    examples, labels, truths = Examples(clips), labels_of(windows), pixels_of(windows)
    frames = clips.reshape(-1, *clips.shape[2:])
    return Sample(
        examples,
        Examples(stored((frames[i] for i in evenly(len(frames), MOST_FRAMES)), name)),
        labelled=(examples, labels) if labelled and labels is not None else None,
        pairs=[Pair(clip, truth) for clip, truth in zip(clips, truths, strict=True)],
        started=(examples, Examples(truths[:, 0])),
    )
