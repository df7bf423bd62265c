"""What a run trains on, and what it keeps from training."""

from pathlib import Path

from mutoscope.data import Clips, open_clips, split
from mutoscope.errors import InputError
from mutoscope.systems.base import System
from mutoscope.systems.config import Config
from mutoscope.training.options import RunOptions, read_config, resolve


def training_clips(run: RunOptions, config: Config) -> tuple[Clips, Clips]:
    """The clips to train on, and those held out (none, where nothing is)."""
    clips = open_clips(
        run.data,
        size=config.size,
        channels=config.channels,  # type: ignore[attr-defined]  # every system's config has it
        fit=run.fit,
        columns=config.columns,
        strict=run.strict,
        seed=run.seed,
        max_clips=run.max_clips,
        per_subject=run.per_subject,
    )
    if run.only is not None:
        clips = clips.with_labels(run.only)
    if not run.held_out:
        return clips, clips.subset([])
    held_out = run.held_out if run.held_out < 1 else int(run.held_out)
    return split(clips, by=run.split_by, held_out=held_out, seed=run.seed)


def clips_of_run(folder: str | Path, system: System) -> tuple[Clips, Clips]:
    """The clips that a run trained on, and those it kept from training (none, where nothing was).

    Raises:
        InputError: this is no run's folder, or its data is gone.
    """
    stored = Path(folder) / "config.yaml"
    if not stored.is_file():
        raise InputError(f"{folder}: is not the folder of a run (expected one, or --data to measure on)")
    values = {key: value for key, value in read_config(stored).items() if key not in ("system", "preset")}
    return training_clips(*resolve(system.name, values))
