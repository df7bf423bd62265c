"""Clips: a set of short videos as uint8 frames of one height and width, in memory or memory-mapped."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Int64, UInt8

from mutoscope.data.columns import COLUMNS, check_can_mirror, known, mirror
from mutoscope.errors import InputError


@dataclass(frozen=True)
class Clip:
    """One clip: `frames` is a view into the whole set's pixels; `fps` is None where the file does not say.

    `columns` has this clip's value of every column of the set, None where it is unknown.
    """

    frames: UInt8[np.ndarray, "t h w c"]
    path: str
    fps: float | None
    columns: dict[str, Any]

    @property
    def label(self) -> int | None:
        """Its number in the set's `label_names`; None where unknown."""
        return self.columns.get("label")

    @property
    def subject(self) -> str | None:
        """Who is seen; None where unknown."""
        return self.columns.get("subject")


@dataclass(frozen=True)
class Problem:
    """A file that was set aside, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class Record:
    """Where a clip lies in the set's pixels: first row and number of frames.

    `height` and `width` are those of the file's own frames, in pixels, before they were fitted to the set's. Of a
    `mirrored` clip the pixels hold the mirror image.
    """

    path: str
    start: int
    length: int
    height: int
    width: int
    fps: float | None = None
    mirrored: bool = False


@dataclass(frozen=True)
class Origin:
    """The synthetic set that clips were rendered from, and the arguments of `make_clips` they were rendered with."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class Clips:
    """A set of clips whose frames have one height and width.

    Attributes:
        pixels: all frames, one clip after the other; see `frames_at` for those of mirrored clips.
        records: one per clip, in the set's order.
        name: what to call the set in messages and reports.
        layout: name of the layout it was read from.
        label_names: the name of each label; empty where there are no labels.
        problems: files that were set aside.
        factors: hidden factors of synthetic clips, one array per clip and factor (for evaluation only); those of a
            mirrored clip are those of the clip it mirrors.
        columns: what is known of the clips, by the names of `data.columns`: one value per clip, or None where it is
            unknown; of columns per frame float32 arrays, time first.
        skeleton: the order of the joints, a name in `geometry.skeletons.SKELETONS`.
        origin: where rendered clips come from; None for files.
        pixel_file: the file behind memory-mapped `pixels`; worker processes then map it again instead of copying it.
    """

    pixels: UInt8[np.ndarray, "n h w c"]
    records: list[Record]
    _: KW_ONLY
    name: str
    layout: str
    label_names: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    factors: dict[str, list[np.ndarray]] = field(default_factory=dict)
    columns: dict[str, list[Any]] = field(default_factory=dict)
    skeleton: str | None = None
    origin: Origin | None = None
    pixel_file: Path | None = None

    @property
    def height(self) -> int:
        """Of every frame, in pixels."""
        return self.pixels.shape[1]

    @property
    def width(self) -> int:
        """Of every frame, in pixels."""
        return self.pixels.shape[2]

    @property
    def channels(self) -> int:
        """3 (RGB) or 1 (grey)."""
        return self.pixels.shape[3]

    @property
    def lengths(self) -> Int64[np.ndarray, " clips"]:
        """Number of frames of each clip."""
        return np.array([record.length for record in self.records], dtype=np.int64)

    @property
    def offsets(self) -> Int64[np.ndarray, " clips_plus_1"]:
        """Number of frames before each clip of this set; the last entry is `total_frames`."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.lengths)])

    @cached_property
    def rows(self) -> Int64[np.ndarray, " frames"]:
        """The row of `pixels` that holds each frame of this set, clip after clip."""
        starts = np.array([record.start for record in self.records], dtype=np.int64)
        return np.arange(self.total_frames) + np.repeat(starts - self.offsets[:-1], self.lengths)

    @cached_property
    def _mirrored(self) -> Bool[np.ndarray, " frames"]:
        return np.repeat(np.array([record.mirrored for record in self.records], dtype=bool), self.lengths)

    @property
    def total_frames(self) -> int:
        """Number of frames of all clips."""
        return int(self.lengths.sum())

    def frames_at(self, numbers: Int[np.ndarray, " b"]) -> UInt8[np.ndarray, "b h w c"]:
        """A copy of frames by their numbers, which run on from clip to clip; of mirrored clips they are mirrored."""
        frames = self.pixels[self.rows[numbers]]
        mirrored = self._mirrored[numbers]
        frames[mirrored] = frames[mirrored, :, ::-1]
        return frames

    def column(self, name: str) -> list[Any]:
        """The value of each clip, None where it is unknown; all None where there is no such column."""
        return self.columns.get(name, [None] * len(self))

    def has(self, name: str) -> bool:
        """Whether every clip has a value of a column."""
        return name in self.columns and all(value is not None for value in self.columns[name])

    def subset(self, indices: Iterable[int]) -> "Clips":
        """The clips at `indices`, in that order, over the same pixels (nothing is copied)."""
        indices = [int(index) for index in indices]
        return replace(
            self,
            records=[self.records[index] for index in indices],
            factors={factor: [values[index] for index in indices] for factor, values in self.factors.items()},
            columns={name: [values[index] for index in indices] for name, values in self.columns.items()},
        )

    def with_labels(self, names: Sequence[str]) -> "Clips":
        """The clips that have one of these labels, which are numbered in the order given (nothing is copied).

        Raises:
            InputError: a name is unknown, or no clip is left.
        """
        names = list(dict.fromkeys(names))
        if unknown := [name for name in names if name not in self.label_names]:
            there = ", ".join(self.label_names) or "none"
            raise InputError(f"{self.name}: has no label {', '.join(unknown)} (known: {there})")
        numbers = {self.label_names.index(name): i for i, name in enumerate(names)}
        kept = self.subset(i for i, label in enumerate(self.column("label")) if label in numbers)
        if not len(kept):
            raise InputError(f"{self.name}: has no clip of the labels {names} (expected at least one)")
        labels = [numbers[label] for label in kept.column("label")]
        return replace(kept, columns={**kept.columns, "label": labels}, label_names=names)

    def with_columns(self, columns: Mapping[str, Sequence[Any] | np.ndarray]) -> "Clips":
        """The same set with columns added or replaced: a value per clip; of columns per frame arrays, time first.

        Raises:
            InputError: a column is unknown, has not one value per clip, or an array that is not as long as its clip.
        """
        known(columns)
        added: dict[str, list[Any]] = {}
        for name, values in columns.items():
            if len(values) != len(self):
                raise InputError(f"{self.name}: has {len(self)} clips, its {name} {len(values)} (expected as many)")
            added[name] = list(values)
            if not COLUMNS[name].per_frame:
                continue
            for i, (record, rows) in enumerate(zip(self.records, values, strict=True)):
                if rows is not None and len(rows) != record.length:
                    raise InputError(f"{record.path}: has {len(rows)} rows of {name} (expected {record.length})")
                added[name][i] = None if rows is None else np.asarray(rows, np.float32)
        return replace(self, columns={**self.columns, **added})

    def with_mirrored(self) -> "Clips":
        """This set followed by the mirror image of each clip: clip i + n is the mirror image of clip i < n.

        Raises:
            InputError: a column cannot be mirrored; see `data.columns.check_can_mirror`.
        """
        check_can_mirror(self.name, self.columns, self.skeleton)
        columns = {name: list(values) for name, values in self.columns.items()}
        for i in range(len(self)):
            of_clip = {name: values[i] for name, values in self.columns.items()}
            for name, value in mirror(of_clip, self.width, self.skeleton).items():
                columns[name].append(value)
        return replace(
            self,
            records=self.records + [replace(record, mirrored=not record.mirrored) for record in self.records],
            factors={factor: values * 2 for factor, values in self.factors.items()},
            columns=columns,
        )

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int | np.integer) -> Clip:
        record = self.records[index]
        frames = self.pixels[record.start : record.start + record.length]
        columns = {name: values[index] for name, values in self.columns.items()}
        return Clip(frames[:, :, ::-1] if record.mirrored else frames, record.path, record.fps, columns)

    def __repr__(self) -> str:
        shape = f"{self.height}x{self.width}x{self.channels}"
        return f"Clips({self.name!r}, {len(self)} clips, {self.total_frames} frames of {shape})"

    def __getstate__(self) -> dict[str, Any]:
        """Leaves memory-mapped pixels in their file."""
        state = {name.name: getattr(self, name.name) for name in fields(self)}
        return state | ({} if self.pixel_file is None else {"pixels": self.pixels.shape})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.pixel_file is not None:
            self.__dict__["pixels"] = map_pixels(self.pixel_file, state["pixels"])


def map_pixels(path: Path, shape: tuple[int, ...]) -> UInt8[np.ndarray, "n h w c"]:
    """Maps a file of raw uint8 pixels into memory, read-only."""
    return np.asarray(np.memmap(path, dtype=np.uint8, mode="r", shape=shape))


def check_columns(clips: Clips, names: Iterable[str]) -> None:
    """Checks that every clip has these columns.

    Raises:
        InputError: some are missing, all of which are named, with those that are there; or only some clips have one.
    """
    implied = {name for there in clips.columns if clips.has(there) for name in COLUMNS[there].implies}
    names = [name for name in names if name not in implied]
    if missing := [name for name in names if all(value is None for value in clips.column(name))]:
        there = ", ".join(clips.columns) or "none"
        raise InputError(f"{clips.name}: has no {', '.join(missing)} (its columns: {there})")
    for name in names:
        without = [
            record.path for record, value in zip(clips.records, clips.column(name), strict=True) if value is None
        ]
        if without:
            raise InputError(
                f"{clips.name}: {len(without)} of {len(clips)} clips have no {name} (expected one of each; "
                f"the first without: {without[0]})"
            )


def clips_from_arrays(
    frames: Sequence[UInt8[np.ndarray, "_ h w c"]] | UInt8[np.ndarray, "n t h w c"],
    *,
    name: str,
    columns: Mapping[str, Sequence[Any] | np.ndarray] | None = None,
    label_names: Iterable[str] = (),
    factors: Mapping[str, Iterable[np.ndarray]] | None = None,
    skeleton: str | None = None,
    layout: str = "arrays",
    origin: Origin | None = None,
) -> Clips:
    """A set from arrays: several are concatenated in memory, one of all clips is taken as it is, without a copy.

    Args:
        frames: one uint8 array per clip, whose lengths may differ, height, width and channels may not; or one array of
            all clips, which may be memory-mapped.
        columns: see `Clips`.

    Raises:
        InputError: there is no clip, or a column does not fit the clips; see `Clips.with_columns`.
    """
    if not len(frames):
        raise InputError(f"{name}: holds no clips (expected at least one)")
    height, width = frames[0].shape[1:3]
    records, start = [], 0
    for i, clip in enumerate(frames):
        records.append(Record(f"{name}[{i}]", start, len(clip), height, width))
        start += len(clip)
    clips = Clips(
        frames.reshape(-1, *frames.shape[2:]) if isinstance(frames, np.ndarray) else np.concatenate(frames),
        records,
        name=name,
        layout=layout,
        label_names=list(label_names),
        factors={factor: list(values) for factor, values in (factors or {}).items()},
        skeleton=skeleton,
        origin=origin,
    )
    return clips.with_columns(columns or {})
