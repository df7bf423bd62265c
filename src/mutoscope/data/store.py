"""A set of clips as a folder of memory-mapped files: pixels, an index, an array for each column and hidden factor."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mutoscope.data.clips import Clips, Origin, Problem, Record, map_pixels
from mutoscope.data.columns import COLUMNS

PIXELS, INDEX = "pixels.u8", "index.json"


def save_index(clips: Clips, folder: Path) -> None:
    """Writes everything but the pixels of clips, which lie one after the other in `folder / PIXELS`."""
    columns = {name: values for name, values in clips.columns.items() if not COLUMNS[name].per_frame}
    arrays = {name: values for name, values in clips.columns.items() if COLUMNS[name].per_frame}
    described = {
        "shape": clips.pixels.shape,
        "records": [asdict(record) for record in clips.records],
        "problems": [asdict(problem) for problem in clips.problems],
        "label_names": clips.label_names,
        "skeleton": clips.skeleton,
        "columns": columns,
        "arrays": list(arrays),
        "factors": list(clips.factors),
    }
    (folder / INDEX).write_text(json.dumps(described))
    for kind, named in (("column", arrays), ("factor", clips.factors)):
        for name, values in named.items():
            np.save(_file(folder, kind, name), np.concatenate(values))


def load(folder: Path, *, name: str, layout: str, root: Path | None = None, origin: Origin | None = None) -> Clips:
    """The clips of a folder.

    Args:
        root: what the paths of their files are relative to; None for clips that come from no files.
    """
    index: dict[str, Any] = json.loads((folder / INDEX).read_text())

    def placed(item: dict[str, Any]) -> dict[str, Any]:
        return item if root is None else item | {"path": str(root / item["path"])}

    records = [Record(**placed(record)) for record in index["records"]]

    def rows(kind: str, names: Sequence[str]) -> dict[str, list[Any]]:
        mapped = {name: np.asarray(np.load(_file(folder, kind, name), mmap_mode="r")) for name in names}
        return {
            name: [values[record.start : record.start + record.length] for record in records]
            for name, values in mapped.items()
        }

    return Clips(
        map_pixels(folder / PIXELS, tuple(index["shape"])),
        records,
        name=name,
        layout=layout,
        label_names=index["label_names"],
        problems=[Problem(**placed(problem)) for problem in index["problems"]],
        factors=rows("factor", index["factors"]),
        columns=index["columns"] | rows("column", index["arrays"]),
        skeleton=index["skeleton"],
        origin=origin,
        pixel_file=folder / PIXELS,
    )


def _file(folder: Path, kind: str, name: str) -> Path:
    return folder / f"{kind}-{name}.npy"
