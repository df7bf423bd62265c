"""Clips: a set of short videos as uint8 frames of one size, in memory or memory-mapped."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from mutoscope.errors import InputError


@dataclass(frozen=True)
class Clip:
    """One clip: `frames` is a view into the whole set's pixels; `fps` is None where the file does not say."""

    frames: UInt8[np.ndarray, "t h w c"]
    label: int | None
    subject: str | None
    path: str
    fps: float | None


@dataclass(frozen=True)
class Problem:
    """A file that was set aside, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class Record:
    """Where a clip lies in the set's pixels (first row and number of frames) and what is known about it.

    `height` and `width` are those of the file's own frames, in pixels, before they were fitted to the set's size.
    """

    path: str
    start: int
    length: int
    height: int
    width: int
    label: int | None = None
    subject: str | None = None
    fps: float | None = None


class Clips:
    """A set of clips whose frames have one size.

    Args:
        pixels: all frames, one clip after the other.
        records: one per clip, in the set's order.
        name: what to call the set in messages and reports.
        layout: name of the layout it was read from.
        label_names: the name of each label; empty where there are no labels.
        problems: files that were set aside.
        factors: hidden factors of synthetic clips, one array per clip and factor (for evaluation only).
        tracks: what is known of each frame, one array per clip and track (see `data.tracks`).
        skeleton: the order of the joints, a name in `geometry.skeletons.SKELETONS`.
        pixel_file: the file behind memory-mapped `pixels`; worker processes then map it again instead of copying it.
    """

    def __init__(
        self,
        pixels: UInt8[np.ndarray, "n h w c"],
        records: Iterable[Record],
        *,
        name: str,
        layout: str,
        label_names: Iterable[str] = (),
        problems: Iterable[Problem] = (),
        factors: Mapping[str, Sequence[np.ndarray]] | None = None,
        tracks: Mapping[str, Sequence[np.ndarray]] | None = None,
        skeleton: str | None = None,
        pixel_file: Path | None = None,
    ) -> None:
        self.pixels = pixels
        self.records = list(records)
        self.name = name
        self.layout = layout
        self.label_names = list(label_names)
        self.problems = list(problems)
        self.factors = {factor: list(values) for factor, values in (factors or {}).items()}
        self.tracks = {track: list(values) for track, values in (tracks or {}).items()}
        self.skeleton = skeleton
        self.pixel_file = pixel_file

    @property
    def size(self) -> int:
        """Height and width of every frame, in pixels."""
        return self.pixels.shape[1]

    @property
    def channels(self) -> int:
        return self.pixels.shape[3]

    @property
    def lengths(self) -> Int64[np.ndarray, " clips"]:
        """Number of frames of each clip."""
        return np.array([record.length for record in self.records], dtype=np.int64)

    @property
    def offsets(self) -> Int64[np.ndarray, " clips_plus_1"]:
        """Number of frames before each clip of this set; the last entry is `total_frames`."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths)])

    @property
    def rows(self) -> Int64[np.ndarray, " frames"]:
        """The row of `pixels` that holds each frame of this set, clip after clip."""
        starts = np.array([record.start for record in self.records], dtype=np.int64)
        return np.arange(self.total_frames) + np.repeat(starts - self.offsets[:-1], self.lengths)

    @property
    def total_frames(self) -> int:
        return int(self.lengths.sum())

    def subset(self, indices: Iterable[int]) -> "Clips":
        """The clips at `indices`, in that order, over the same pixels (nothing is copied)."""
        indices = [int(index) for index in indices]
        return Clips(
            self.pixels,
            [self.records[index] for index in indices],
            name=self.name,
            layout=self.layout,
            label_names=self.label_names,
            problems=self.problems,
            factors={factor: [values[index] for index in indices] for factor, values in self.factors.items()},
            tracks={track: [values[index] for index in indices] for track, values in self.tracks.items()},
            skeleton=self.skeleton,
            pixel_file=self.pixel_file,
        )

    def with_labels(self, names: Sequence[str]) -> "Clips":
        """The clips that have one of these labels, which are numbered in the order given (nothing is copied).

        Raises:
            InputError: a name is unknown, or no clip is left.
        """
        names = list(dict.fromkeys(names))
        if unknown := [name for name in names if name not in self.label_names]:
            known = ", ".join(self.label_names) or "none"
            raise InputError(f"{self.name}: has no label {', '.join(unknown)} (known: {known})")
        numbers: dict[int | None, int] = {self.label_names.index(name): i for i, name in enumerate(names)}
        kept = self.subset(i for i, record in enumerate(self.records) if record.label in numbers)
        if not len(kept):
            raise InputError(f"{self.name}: has no clip of the labels {names} (expected at least one)")
        kept.records = [replace(record, label=numbers[record.label]) for record in kept.records]
        kept.label_names = names
        return kept

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int | np.integer) -> Clip:
        record = self.records[index]
        frames = self.pixels[record.start : record.start + record.length]
        return Clip(frames, record.label, record.subject, record.path, record.fps)

    def __repr__(self) -> str:
        shape = f"{self.size}x{self.size}x{self.channels}"
        return f"Clips({self.name!r}, {len(self)} clips, {self.total_frames} frames of {shape})"

    def __getstate__(self) -> dict[str, Any]:
        """Leaves memory-mapped pixels in their file."""
        state = self.__dict__.copy()
        if self.pixel_file is not None:
            state["pixels"] = self.pixels.shape
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.pixel_file is not None:
            self.pixels = map_pixels(self.pixel_file, state["pixels"])


def map_pixels(path: Path, shape: tuple[int, ...]) -> UInt8[np.ndarray, "n h w c"]:
    """Maps a file of raw uint8 pixels into memory, read-only."""
    return np.asarray(np.memmap(path, dtype=np.uint8, mode="r", shape=shape))


def clips_from_arrays(
    frames: Sequence[UInt8[np.ndarray, "_ h w c"]],
    *,
    name: str,
    labels: Sequence[int | None] | None = None,
    label_names: Iterable[str] = (),
    subjects: Sequence[str | None] | None = None,
    factors: Mapping[str, Sequence[np.ndarray]] | None = None,
    tracks: Mapping[str, Sequence[np.ndarray]] | None = None,
    skeleton: str | None = None,
    layout: str = "arrays",
) -> Clips:
    """An in-memory set from arrays, which are concatenated.

    Args:
        frames: one uint8 array per clip; lengths may differ, height, width and channels may not.
        tracks: of each, one float array per clip, with as many rows as the clip has frames.

    Raises:
        InputError: there is no clip, or a track is not as long as its clip.
    """
    if not frames:
        raise InputError(f"{name}: holds no clips (expected at least one)")
    height, width = frames[0].shape[1:3]
    records, start = [], 0
    for i, clip in enumerate(frames):
        record = Record(f"{name}[{i}]", start, len(clip), height, width)
        records.append(replace(record, label=labels[i] if labels else None, subject=subjects[i] if subjects else None))
        start += len(clip)
    for track, values in (tracks or {}).items():
        for record, rows in zip(records, values, strict=True):
            if len(rows) != record.length:
                raise InputError(f"{record.path}: has {len(rows)} rows of {track} (expected {record.length})")
    return Clips(
        np.concatenate(frames),
        records,
        name=name,
        layout=layout,
        label_names=label_names,
        factors=factors,
        tracks={track: [rows.astype(np.float32) for rows in values] for track, values in (tracks or {}).items()},
        skeleton=skeleton,
    )
