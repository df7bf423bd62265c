"""ClipWindows: stretches of a fixed number of frames, drawn from clips of any length."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mutoscope.data.clips import Clips, check_columns
from mutoscope.data.columns import window
from mutoscope.data.examples import Examples, tensors
from mutoscope.errors import InputError

VIRTUAL_EPOCH = 1 << 20


class ClipWindows(Examples):
    """Windows of clips, under `clip`, each drawn by a generator of its own, so that window `i` is always the same.

    The windows of one clip are endless; an epoch is long enough (about a million) that training hardly meets one
    twice, and holds every clip equally often: window `i` is of clip `i` modulo the number of clips.

    Args:
        clips: where the windows come from.
        frames: frames per window.
        step: lowest and highest distance between the frames of a window, in frames of the clip; drawn per window
            among those that fit.
        hold_last: accept clips that are too short for the lowest step: they take the largest that fits, or rest on
            their last frame where not even steps of one do.
        columns: what else an example has: the clip's value, or the rows of the window's frames.
        seed: with the index, decides a window.

    Raises:
        InputError: a clip is shorter than a window with the lowest step, unless `hold_last`; or not every clip has a
            column, or one is text.
    """

    def __init__(
        self,
        clips: Clips,
        frames: int = 16,
        *,
        step: tuple[int, int] = (1, 1),
        hold_last: bool = False,
        columns: Sequence[str] = (),
        seed: int = 0,
    ) -> None:
        if frames < 1 or not 1 <= step[0] <= step[1]:
            raise InputError(f"frames {frames}, step {step}: is not a window (expected frames >= 1, 1 <= low <= high)")
        self.clips = clips
        self.frames = frames
        self.step = step
        self.columns = tuple(columns)
        self.seed = seed
        needed = (frames - 1) * step[0] + 1
        short = [record for record in clips.records if record.length < needed]
        if short and not hold_last:
            raise InputError(
                f"{short[0].path}: has {short[0].length} frames (expected at least {needed} for a window; "
                f"{len(short)} of {len(clips)} clips are too short)"
            )
        check_columns(clips, columns)
        tensors(clips[0].columns, columns)

    def __len__(self) -> int:
        return -(-VIRTUAL_EPOCH // len(self.clips)) * len(self.clips)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not 0 <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        clip = self.clips[index % len(self.clips)]
        times = self._times(len(clip.frames), np.random.default_rng((self.seed, index)))
        wanted = window({name: clip.columns[name] for name in self.columns}, times)
        return {"clip": torch.from_numpy(np.ascontiguousarray(clip.frames[times])), **tensors(wanted, self.columns)}

    def _times(self, length: int, generator: np.random.Generator) -> np.ndarray:
        low, high = self.step
        if self.frames > 1:
            largest = max((length - 1) // (self.frames - 1), 1)  # step that fits
            low, high = min(low, largest), min(high, largest)
        step = int(generator.integers(low, high, endpoint=True))
        start = generator.integers(max(length - step * (self.frames - 1), 1))
        return np.minimum(start + step * np.arange(self.frames), length - 1)
