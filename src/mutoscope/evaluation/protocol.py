"""What a protocol is: how systems of one kind are measured. There is a file for each, and `PROTOCOLS` names them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.evaluation.samples import MOST_FRAMES, Sample
from mutoscope.systems.base import System

Pairing = Literal["match", "name", "start"]
LEAST = {"clips": 2, "frames": 2, "step": 1, "seed": 0, "matched": 1, "starts": 1, "resamples": 0}


@dataclass(frozen=True)
class Plan:
    """The numbers that decide a measurement.

    Attributes:
        clips: drawn from each source, and cut from real clips (fewer where there are not so many).
        frames: of a clip.
        step: distance between the frames of a real window, in frames of the clip, where systems were trained so.
        seed: of draws, windows and resamples.
        pairing: how the real clip of a generated one is found, for metrics that compare pixels: the real window most
            like it ("match"), the real clip of the same name ("name"), or the one that begins with the picture it was
            made from ("start").
        matched: generated clips for which a window is searched.
        starts: random frames of each real clip that a system goes on from.
        resamples: of the bootstrap, for intervals; 0 for none.

    Raises:
        InputError: a number is too small.
    """

    clips: int
    frames: int = 16
    step: int = 1
    seed: int = 0
    pairing: Pairing = "match"
    matched: int = 50
    starts: int = 10
    resamples: int = 100

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise InputError(f"{name}: {getattr(self, name)} is too few (expected at least {least})")


class Protocol(ABC):
    """How systems of one kind are measured on real clips.

    Class attributes:
        pairings: how the real clip of a generated one may be found, the usual way first, each with what the table says.
        usual_clips: how many clips, unless told otherwise.
        usual_frames: frames of a clip, unless told otherwise; None for all that a system makes.
        asks: what its systems do, for messages.
        subjects: whether identity is measured, in features that tell subjects.
        slow: what is measured on few clips.

    Attributes:
        reference: real clips to measure against.
        drawn_frames: single frames that are measured of a source.
    """

    pairings: ClassVar[Mapping[Pairing, str]]
    usual_clips: ClassVar[int]
    usual_frames: ClassVar[int | None] = None
    asks: ClassVar[str]
    subjects: ClassVar[bool] = False
    slow: ClassVar[str] = "motion and acd"
    reference: Sample
    drawn_frames: int

    def __init__(self, real: Clips, plan: Plan) -> None:
        self.real, self.plan = real, plan

    @classmethod
    def usual_pairing(cls) -> Pairing:
        """The first of the pairings."""
        return next(iter(cls.pairings))

    @abstractmethod
    def cut(self, clips: Clips, most_frames: int = MOST_FRAMES) -> Sample:
        """What is measured of real clips, with at most so many single frames where these are cut apart from clips."""

    @abstractmethod
    def drawn(self, system: System, labelled: bool) -> Sample:
        """What is measured of a system; with clips of given labels, if wanted and if it takes any."""

    @abstractmethod
    def given(self, clips: Clips) -> Sample:
        """What is measured of generated clips whose system is unknown."""

    @abstractmethod
    def references(self, own: Sample, real: Sample) -> dict[str, tuple[Sample, Sample]]:
        """Rows of real clips as they are, standing still and out of order, each with what it is measured against.

        Args:
            own: real clips to be measured.
            real: those to measure them against, which share no clip with them.
        """

    @abstractmethod
    def table(self) -> dict[str, str | int]:
        """What decides the figures and is this protocol's own."""


def trained_frames(system: System) -> int:
    """Frames of a clip in training; 1 for a system of single frames, whose config names no number."""
    return int(getattr(system.config, "length", getattr(system.config, "frames", 1)))
