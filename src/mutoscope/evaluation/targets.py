"""From what a user names to what is measured, and the real clips to measure it against."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mutoscope.data import Clips, open_clips
from mutoscope.data.synthetic import NAMES
from mutoscope.errors import InputError
from mutoscope.systems.base import CONFIG_FILE, System
from mutoscope.systems.loading import load, shipped_weights
from mutoscope.training.fit import clips_of_run

USUAL_SIZE, USUAL_FRAMES = 64, 16


@dataclass(frozen=True)
class Target:
    """Something to measure.

    Attributes:
        name: what the user called it.
        source: a trained system, or generated clips.
        real: the clips it is measured against.
        training: other real clips, for the reference rows; None if there are no others.
    """

    name: str
    source: System | Clips
    real: Clips
    training: Clips | None

    @property
    def step(self) -> int:
        """Distance between the frames of a real window: the one the system was trained with."""
        return self.source.frame_step[0] if isinstance(self.source, System) else 1

    @property
    def frames(self) -> int:
        """Frames of a clip: 16, or all that a system makes of a picture; fewer where no real clip is so long."""
        if isinstance(self.source, System) and self.pairing == "start":
            return min(self.source.frames, int(self.real.lengths.max()))
        longest = (int(self.real.lengths.max()) - 1) // self.step + 1
        return min(USUAL_FRAMES, longest)

    @property
    def pairing(self) -> Literal["match", "start"]:
        """How its clips find the real ones they are held against, unless told otherwise."""
        return "start" if isinstance(self.source, System) and self.source.starts_from != "noise" else "match"


def open_target(
    name: str, data: str | None = None, *, size: int | None = None, max_clips: int | None = None, seed: int = 0
) -> Target:
    """Opens shipped weights, a folder of weights, the folder of a run, or a folder of generated clips.

    Args:
        name: which.
        data: a synthetic set, or a file or folder of real clips; of a run, what it held out by default.
        size: height and width that clips of a folder, and real ones, are brought to; a system decides it for itself.
        max_clips: only so many real clips, spread evenly.
        seed: of synthetic clips.

    Raises:
        InputError: there is nothing of that name, or no real clips are known, or the size is not that of the system.
    """
    system = load(name) if _is_system(name) else None
    if system is not None and size not in (None, system.image_size):
        raise InputError(f"size: {size}, but {name} draws frames of {system.image_size} pixels (leave it out)")
    size = size or (system.image_size if system else USUAL_SIZE)
    if system is not None and data is None:
        seen, held_out = clips_of_run(name, system)
        if not len(held_out):
            raise InputError(f"{name}: held nothing out of training (give --data to measure on)")
        return Target(name, system, held_out, seen)
    if data is None:
        raise InputError(f"{name}: is a folder of clips (expected --data with real ones to compare them with)")
    channels = system.channels if system else 3
    tracks = system.wants_tracks if system else ()
    real = open_clips(data, size=size, channels=channels, seed=seed, max_clips=max_clips, tracks=tracks)
    others = None
    if data in NAMES:
        others = open_clips(data, size=size, channels=channels, seed=0 if seed else 1, max_clips=max_clips)
    return Target(name, system or open_clips(name, size=size, channels=channels), real, others)


def _is_system(name: str) -> bool:
    """Whether a name is that of weights; what does not exist is taken for weights, whose names are then listed."""
    path = Path(name)
    folders = (path, path / "weights")
    shipped = {known for weights in shipped_weights() for known in (weights, weights.split("/")[0])}
    return name in shipped or not path.exists() or any((folder / CONFIG_FILE).is_file() for folder in folders)
