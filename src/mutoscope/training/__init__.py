"""Training any system on any data: options, presets, the run folder, checkpoints, resuming.

from mutoscope.training import train
run = train("pseudo_label", preset="tiny", data="sprites", max_steps=500)
"""

from mutoscope.training.fit import train
from mutoscope.training.options import RunOptions

__all__ = ["RunOptions", "train"]
