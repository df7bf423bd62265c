"""What a system learns from: clips and frames from files or renderers, as uint8, decoded once and cached.

`open_clips` turns anything into `Clips`: frames, and columns of what else is known. `FrameBag` (single frames) and
`ClipWindows` (windows of clips) are the `Examples` systems train on; `TrainingBatches` says which each iteration sees.
"""

from mutoscope.data.bag import FrameBag
from mutoscope.data.clip_folder import ClipFolder
from mutoscope.data.clips import Clip, Clips, Origin, Problem, check_columns, clips_from_arrays
from mutoscope.data.columns import COLUMNS, Column
from mutoscope.data.examples import Examples, as_they_come
from mutoscope.data.inspection import Inspection, inspect
from mutoscope.data.open import detect_layout, open_clips
from mutoscope.data.sampling import TrainingBatches
from mutoscope.data.splits import split
from mutoscope.data.windows import ClipWindows

__all__ = [
    "COLUMNS",
    "Clip",
    "ClipFolder",
    "ClipWindows",
    "Clips",
    "Column",
    "Examples",
    "FrameBag",
    "Inspection",
    "Origin",
    "Problem",
    "TrainingBatches",
    "as_they_come",
    "check_columns",
    "clips_from_arrays",
    "detect_layout",
    "inspect",
    "open_clips",
    "split",
]
