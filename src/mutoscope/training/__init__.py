"""Training any system on any data: options, presets, the run folder, the loop, checkpoints, resuming.

from mutoscope.training import train
run = train("pseudo_label", preset="tiny", data="sprites", max_steps=500)
"""

from typing import Any

__all__ = ["RunOptions", "train"]


def __getattr__(name: str) -> Any:
    """Imports the trainer, which takes as long as importing torch twice, when it is first used."""
    if name == "train":
        from mutoscope.training.run import train

        return train
    if name == "RunOptions":
        from mutoscope.training.options import RunOptions

        return RunOptions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
