"""What is in a folder of clips, before anything is trained on it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from rich.table import Table

from mutoscope.data.clips import Clips, Problem
from mutoscope.data.fitting import ClipFit, Size
from mutoscope.data.open import open_clips
from mutoscope.media.sheets import contact_sheet

SHEET_CLIPS = 12
SHEET_FRAMES = 8


@dataclass(frozen=True)
class Inspection:
    """What was found; prints as a table with rich.

    Attributes:
        sizes: number of clips by (height, width) of their own frames, in pixels.
        lengths: shortest, median and longest clip, in frames.
        frame_rates: number of clips by frames per second; None where the file does not say.
        labels: number of clips by label name, in label order.
        subjects: number of clips by subject.
        columns: number of clips that have each of the other columns.
        contact_sheet: frames of a few clips, spread over the set, one row a clip.
    """

    path: str
    layout: str
    clips: int
    frames: int
    sizes: dict[tuple[int, int], int]
    lengths: tuple[int, int, int]
    frame_rates: dict[float | None, int]
    labels: dict[str, int]
    subjects: dict[str, int]
    columns: dict[str, int]
    problems: list[Problem]
    contact_sheet: UInt8[np.ndarray, "h w 3"]

    def __rich__(self) -> Table:
        table = Table(title=self.path, show_header=False, title_justify="left")
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        shortest, median, longest = self.lengths
        table.add_row("layout", self.layout)
        table.add_row("clips", f"{self.clips:,} ({self.frames:,} frames)")
        table.add_row("frame size", _counts({f"{width}x{height}": n for (height, width), n in self.sizes.items()}))
        table.add_row("length", f"{shortest} to {longest} frames (median {median})")
        rates = {"unknown" if rate is None else f"{rate:g} fps": n for rate, n in self.frame_rates.items()}
        table.add_row("frame rate", _counts(rates))
        table.add_row("labels", _counts(self.labels) or "none")
        table.add_row("subjects", _counts(self.subjects) or "none")
        table.add_row("columns", _counts(self.columns) or "none")
        table.add_row("set aside", "\n".join(map(str, self.problems)) or "none")
        return table


def inspect(path: str | Path, *, size: Size = 64, channels: int = 3, fit: ClipFit = "crop") -> Inspection:
    """Reads everything `path` holds (a file, a folder or a synthetic set) and says what was found.

    Raises:
        InputError: see `open_clips`.
    """
    clips = open_clips(path, size=size, channels=channels, fit=fit)
    records = clips.records
    labels = Counter(clips.column("label"))
    return Inspection(
        path=str(path),
        layout=clips.layout,
        clips=len(clips),
        frames=clips.total_frames,
        sizes=dict(Counter((record.height, record.width) for record in records).most_common()),
        lengths=(int(clips.lengths.min()), int(np.median(clips.lengths)), int(clips.lengths.max())),
        frame_rates=dict(Counter(record.fps for record in records).most_common()),
        labels={name: labels[label] for label, name in enumerate(clips.label_names)},
        subjects=dict(Counter(subject for subject in clips.column("subject") if subject is not None)),
        columns={
            name: sum(value is not None for value in values)
            for name, values in clips.columns.items()
            if name not in ("label", "subject")
        },
        problems=clips.problems,
        contact_sheet=_sheet(clips),
    )


def _sheet(clips: Clips) -> UInt8[np.ndarray, "h w 3"]:
    chosen = np.unique(np.linspace(0, len(clips) - 1, min(SHEET_CLIPS, len(clips))).round().astype(int)).tolist()
    shown = [clips[i] for i in chosen]
    names = [Path(clip.path).name if clip.label is None else clips.label_names[clip.label] for clip in shown]
    return contact_sheet([clip.frames for clip in shown], frames_per_clip=SHEET_FRAMES, labels=names)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items())
