"""FrameBag: single frames, with the clip and the time they come from hidden from training."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from mutoscope.data.clips import Clips, check_columns
from mutoscope.data.columns import COLUMNS, as_array
from mutoscope.data.examples import Examples, Indices


class FrameBag(Examples):
    """All frames of a set of clips as unrelated pictures, under `frame`.

    Args:
        clips: where the frames come from, clip after clip.
        columns: what else an example has: the clip's value, or the frame's row.

    Raises:
        InputError: not every clip has a column, or one is text.
    """

    def __init__(self, clips: Clips, columns: Sequence[str] = ()) -> None:
        check_columns(clips, columns)
        self._clips = clips
        self._clip, self._time = self.hidden()
        self._columns = {name: [as_array(name, value) for value in clips.column(name)] for name in columns}

    def __len__(self) -> int:
        return len(self._clip)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        return {name: values[0] for name, values in self.__getitems__([index]).items()}

    def __getitems__(self, indices: Indices) -> dict[str, Tensor]:
        numbers = np.asarray(indices)
        batch = {"frame": torch.from_numpy(self._clips.frames_at(numbers))}
        for name, values in self._columns.items():
            clips, times = self._clip[numbers], self._time[numbers]
            rows = [values[i][t] if COLUMNS[name].per_frame else values[i] for i, t in zip(clips, times, strict=True)]
            batch[name] = torch.from_numpy(np.stack(rows))
        return batch

    def hidden(self) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """The clip index and the time (frame number within the clip) of every frame; for evaluation only."""
        lengths = self._clips.lengths
        clip = np.repeat(np.arange(len(lengths)), lengths)
        return clip, np.arange(len(clip)) - np.repeat(self._clips.offsets[:-1], lengths)
