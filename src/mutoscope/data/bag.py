"""FrameBag: single frames, with the clip and the time they come from hidden from training."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int, Int64, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from mutoscope.data.clips import Clips


class FrameBag(Dataset[dict[str, Tensor]]):
    """All frames of a set of clips as unrelated pictures.

    Args:
        clips: where the frames come from.
        flip: also offer every frame mirrored left to right: frame `i + n` is the mirror image of frame `i < n`.
    """

    keys = ("frame",)

    def __init__(self, clips: Clips, *, flip: bool = False) -> None:
        self._clips = clips
        self._rows = clips.rows
        self._flip = flip

    def __len__(self) -> int:
        return len(self._rows) * (2 if self._flip else 1)

    def __getitem__(self, index: int) -> dict[str, UInt8[Tensor, "h w c"]]:
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        return {"frame": self.batch(np.array([index]))["frame"][0]}

    def batch(self, indices: Int[np.ndarray, " b"] | Sequence[int]) -> dict[str, UInt8[Tensor, "b h w c"]]:
        """Many frames at once, in the order of `indices`: the fast path of training."""
        copy, frame = np.divmod(np.asarray(indices), len(self._rows))
        frames = self._clips.pixels[self._rows[frame]]
        mirrored = copy == 1
        frames[mirrored] = frames[mirrored, :, ::-1]
        return {"frame": torch.from_numpy(frames)}

    __getitems__ = batch  # a DataLoader fetches whole batches

    def hidden(self) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """The clip index and the time (frame number within the clip) of every frame; for evaluation only."""
        lengths = self._clips.lengths
        clip = np.repeat(np.arange(len(lengths)), lengths)
        time = np.arange(len(clip)) - np.repeat(self._clips.offsets[:-1], lengths)
        copies = 2 if self._flip else 1
        return np.tile(clip, copies), np.tile(time, copies)
