"""From what a user names to what is measured, and the real clips to measure it against."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutoscope.data import Clips, open_clips
from mutoscope.data.columns import per_frame
from mutoscope.data.synthetic import NAMES
from mutoscope.errors import InputError
from mutoscope.evaluation.evaluator import PROTOCOLS
from mutoscope.evaluation.protocol import Pairing, Protocol, trained_frames
from mutoscope.systems.base import CONFIG_FILE, System
from mutoscope.systems.config import Config
from mutoscope.systems.loading import load, shipped_weights
from mutoscope.training.data import clips_of_run

USUAL_SIZE = 64


@dataclass(frozen=True)
class Target:
    """Something to measure.

    Attributes:
        source: a trained system, or generated clips.
        real: the clips it is measured against.
        training: other real clips, for the reference rows; None if there are no others.
    """

    source: System | Clips
    real: Clips
    training: Clips | None

    @property
    def protocol(self) -> type[Protocol]:
        """How it is measured; folders of clips as those that systems draw from noise."""
        return PROTOCOLS[self.source.protocol if isinstance(self.source, System) else "clips"]

    @property
    def pairing(self) -> Pairing:
        """How its clips find the real ones they are held against, unless told otherwise."""
        return self.protocol.usual_pairing()

    @property
    def step(self) -> int:
        """Distance between the frames of a real window: the lowest that the system was trained with."""
        return getattr(self.source.config, "frame_step", (1,))[0] if isinstance(self.source, System) else 1

    @property
    def frames(self) -> int:
        """Frames of a clip, unless told otherwise: as the protocol says; fewer where no real clip is so long."""
        longest, usual = int(self.real.lengths.max()), self.protocol.usual_frames
        if usual is None and isinstance(self.source, System):
            return min(trained_frames(self.source), longest)
        return min(usual or longest, (longest - 1) // self.step + 1)


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
    config = None if system is None else system.config
    if config is not None and size is not None and config.size != (size, size):
        height, width = config.size
        drawn = width if height == width else f"{width}x{height}"
        raise InputError(f"size: {size}, but {name} draws frames of {drawn} pixels (leave it out)")
    if system is not None and data is None:
        seen, held_out = clips_of_run(name, system)
        if not len(held_out):
            raise InputError(f"{name}: held nothing out of training (give --data to measure on)")
        return Target(system, held_out, seen)
    if data is None:
        raise InputError(f"{name}: is a folder of clips (expected --data with real ones to compare them with)")
    shape = {"size": size or USUAL_SIZE, "channels": 3} if config is None else as_seen_by(config)
    real = open_clips(data, seed=seed, max_clips=max_clips, **shape)
    others = open_clips(data, seed=0 if seed else 1, max_clips=max_clips, **shape) if data in NAMES else None
    return Target(system or open_clips(Path(name), **shape), real, others)


def as_seen_by(config: Config) -> dict[str, Any]:
    """Options of `open_clips` by which real clips are brought to what a system draws, with all it must be told."""
    columns = [column for column in config.columns if column in per_frame()]
    return {"size": config.size, "channels": config.channels, "columns": columns}  # type: ignore[attr-defined]


def _is_system(name: str) -> bool:
    """Whether a name is that of weights; what does not exist is taken for weights, whose names are then listed."""
    path = Path(name)
    folders = (path, path / "weights")
    shipped = {known for weights in shipped_weights() for known in (weights, weights.split("/")[0])}
    return name in shipped or not path.exists() or any((folder / CONFIG_FILE).is_file() for folder in folders)
