"""ClipWindows: stretches of a fixed number of frames, drawn from clips of any length."""

from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from mutoscope.data.clips import Clips
from mutoscope.data.tracks import check_can_mirror, mirror_tracks
from mutoscope.errors import InputError

VIRTUAL_EPOCH = 1 << 20


class ClipWindows(Dataset[dict[str, Any]]):
    """Windows of clips, each drawn by a generator of its own, so that window `i` is always the same.

    The windows of one clip are endless; an epoch is long enough (about a million) that training hardly meets one
    twice, and holds every clip equally often: window `i` is of clip `i` modulo `clip_count`. An example has `clip`
    (uint8, "t h w c") and `path`, and where the clips have them `label`, `subject` and the same frames' rows of every
    track (float32), under the track's name.

    Args:
        clips: where the windows come from.
        frames: frames per window.
        step: lowest and highest distance between the frames of a window, in frames of the clip; drawn per window
            among those that fit.
        flip: add to the list of clips a copy of each, mirrored left to right: clip `i + n` is the mirror image of clip
            `i < n`.
        hold_last: accept clips that are too short for the lowest step: they take the largest that fits, or rest on
            their last frame where not even steps of one do.
        seed: with the index, decides a window.

    Raises:
        InputError: a clip is shorter than a window with the lowest step, unless `hold_last`; or `flip` is set and a
            track cannot be mirrored.
    """

    def __init__(
        self,
        clips: Clips,
        frames: int = 16,
        *,
        step: tuple[int, int] = (1, 1),
        flip: bool = False,
        hold_last: bool = False,
        seed: int = 0,
    ) -> None:
        if frames < 1 or not 1 <= step[0] <= step[1]:
            raise InputError(f"frames {frames}, step {step}: is not a window (expected frames >= 1, 1 <= low <= high)")
        self.clips = clips
        self.frames = frames
        self.step = step
        self.flip = flip
        self.seed = seed
        if not hold_last:
            self._check_lengths()
        has_labels = all(record.label is not None for record in clips.records)
        has_subjects = all(record.subject is not None for record in clips.records)
        self.keys = ("clip", "path") + ("label",) * has_labels + ("subject",) * has_subjects + tuple(clips.tracks)
        if flip:
            check_can_mirror(clips.name, clips.tracks, clips.skeleton)

    @property
    def clip_count(self) -> int:
        """Number of clips that windows are drawn from, mirrored copies among them."""
        return len(self.clips) * (2 if self.flip else 1)

    def __len__(self) -> int:
        return -(-VIRTUAL_EPOCH // self.clip_count) * self.clip_count

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        mirrored, number = divmod(index % self.clip_count, len(self.clips))
        clip = self.clips[number]
        generator = np.random.default_rng((self.seed, index))
        times = self._times(len(clip.frames), generator)
        frames = clip.frames[times]
        tracks = {track: values[number][times] for track, values in self.clips.tracks.items()}
        if mirrored:
            frames = np.ascontiguousarray(frames[:, :, ::-1])
            tracks = mirror_tracks(tracks, self.clips.size, self.clips.skeleton)
        example: dict[str, Any] = {
            "clip": torch.from_numpy(frames),
            "path": clip.path,
            "label": clip.label,
            "subject": clip.subject,
        }
        example |= {track: torch.from_numpy(rows) for track, rows in tracks.items()}
        return {key: example[key] for key in self.keys}

    def _times(self, length: int, generator: np.random.Generator) -> np.ndarray:
        low, high = self.step
        if self.frames > 1:
            largest = max((length - 1) // (self.frames - 1), 1)  # step that fits
            low, high = min(low, largest), min(high, largest)
        step = int(generator.integers(low, high, endpoint=True))
        start = generator.integers(max(length - step * (self.frames - 1), 1))
        return np.minimum(start + step * np.arange(self.frames), length - 1)

    def _check_lengths(self) -> None:
        needed = (self.frames - 1) * self.step[0] + 1
        short = [record for record in self.clips.records if record.length < needed]
        if short:
            raise InputError(
                f"{short[0].path}: has {short[0].length} frames (expected at least {needed} for a window; "
                f"{len(short)} of {len(self.clips)} clips are too short)"
            )
