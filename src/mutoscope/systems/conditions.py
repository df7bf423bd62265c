"""What outputs are asked of a system: a row for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import UInt8

from mutoscope.data.clips import Clips


@dataclass(frozen=True)
class Conditions:
    """Rows of conditions. Without columns, outputs are made of noise alone.

    Attributes:
        count: how many outputs.
        frames: frames of every output, or of each; what was given counts among them.
        columns: by name one value a row (see `data.columns`), such as `label`, `captions`, `joints`; `frames` are those
            that an output begins with, uint8 "t h w c"; `path` is what the row is called.
        label_names: the name of each label, where other than the system's own.
        skeleton: the order of joints.
    """

    count: int
    frames: int | Sequence[int]
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    label_names: Sequence[str] | None = None
    skeleton: str | None = None

    @classmethod
    def of(cls, clips: Clips, given: int = 1, frames: int | None = None) -> "Conditions":
        """To go on from the first `given` frames of each clip, knowing its columns.

        Args:
            clips: real ones.
            given: how many frames are given.
            frames: of every output; None for as many as each clip has.
        """
        seen = [clips[i].frames[:given] for i in range(len(clips))]
        columns = {**clips.columns, "frames": seen, "path": [record.path for record in clips.records]}
        lengths = [int(length) for length in clips.lengths]
        return cls(len(clips), lengths if frames is None else frames, columns, clips.label_names, clips.skeleton)

    @classmethod
    def of_pictures(
        cls, pictures: UInt8[np.ndarray, "n h w c"], frames: int, labels: Sequence[int] | None = None
    ) -> "Conditions":
        """To go on from pictures, under labels in the system's own numbers if these are given."""
        columns = {"frames": list(pictures[:, None])} | ({} if labels is None else {"label": list(labels)})
        return cls(len(pictures), frames, columns)

    @property
    def lengths(self) -> list[int]:
        """Frames of each output."""
        return [self.frames] * self.count if isinstance(self.frames, int) else list(self.frames)

    @property
    def longest(self) -> int:
        """Frames of the longest output; 0 where there is none."""
        return max(self.lengths, default=0)

    @property
    def pictures(self) -> UInt8[np.ndarray, "n h w c"]:
        """The last frame that is given of each."""
        return np.stack([seen[-1] for seen in self.columns["frames"]])
