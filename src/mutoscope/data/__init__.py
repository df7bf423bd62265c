"""What a system learns from: clips and frames from files or renderers, as uint8, decoded once and cached.

`open_clips` turns anything into `Clips`; `FrameBag` (single frames) and `ClipWindows` (windows of clips) are the
datasets systems train on; `TrainingBatches` says which examples each iteration sees.
"""

from mutoscope.data.bag import FrameBag
from mutoscope.data.clip_folder import ClipFolder
from mutoscope.data.clips import Clip, Clips, Problem, clips_from_arrays
from mutoscope.data.inspection import Inspection, inspect
from mutoscope.data.open import detect_layout, open_clips
from mutoscope.data.requirements import check_keys
from mutoscope.data.sampling import StagedBatches, TrainingBatches
from mutoscope.data.splits import split
from mutoscope.data.windows import ClipWindows

__all__ = [
    "Clip",
    "ClipFolder",
    "ClipWindows",
    "Clips",
    "FrameBag",
    "Inspection",
    "Problem",
    "StagedBatches",
    "TrainingBatches",
    "check_keys",
    "clips_from_arrays",
    "detect_layout",
    "inspect",
    "open_clips",
    "split",
]
