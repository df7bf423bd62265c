"""`columns.csv`: what a user knows of each clip of a folder, such as its label, its subject's age, or captions."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mutoscope.data.columns import COLUMNS
from mutoscope.data.layouts import TABLE, Entry, Listing
from mutoscope.errors import InputError
from mutoscope.media.checks import reading
from mutoscope.media.frames import natural_order

SEVERAL = "captions"
"""The one column that may stand in a table several times."""


def with_table(listing: Listing, folder: Path) -> Listing:
    """A listing whose entries have the columns of the table in `folder`, if there is one.

    A header, `path` and names of columns per clip, is followed by a row for each clip: its path in the folder, with or
    without the suffix of a file, and its values. Blank is unknown, and so are clips without a row. Of a column in the
    table nothing else is known: names of labels in it replace those that folders have, and are numbered in natural
    order.

    Raises:
        InputError: the table cannot be read, or says something that cannot be used; it is told where.
    """
    file = folder / TABLE
    if not file.is_file():
        return listing
    # spreadsheets begin a file with a mark
    with reading(file, "a table"), file.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.reader(lines, strict=True)
        header = [name.strip() for name in next(reader, [])]
        _check_header(file, header)
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    numbers = _numbers_by_name(listing, folder)
    blank: dict[str, Any] = dict.fromkeys(name for name in header if name != "path")
    told: dict[int, dict[str, Any]] = {}
    for line, row in rows:
        where = f"{file}: line {line}"
        if len(row) != len(header):
            raise InputError(f"{where}: has {len(row)} cells (expected {len(header)}: {', '.join(header)})")
        path = row[header.index("path")].strip()
        found = numbers.get(path.removeprefix("./").rstrip("/"), [])
        if len(found) != 1:
            raise InputError(f"{where}: {path!r} names {len(found)} clips (expected the path of one in {folder})")
        if found[0] in told:
            raise InputError(f"{where}: {path!r} has a row already (expected one for each clip)")
        told[found[0]] = blank | dict(_values(where, header, row))
    entries = [
        replace(entry, columns={**entry.columns, **told.get(number, blank)})
        for number, entry in enumerate(listing.entries)
    ]
    return _with_numbered_labels(listing, entries) if "label" in blank else replace(listing, entries=entries)


def _check_header(file: Path, header: list[str]) -> None:
    known = [name for name, column in COLUMNS.items() if not column.per_frame]
    expected = f"expected path and some of {', '.join(known)}"
    if "path" not in header:
        raise InputError(f"{file}: line 1: has no column path ({expected})")
    for number, name in enumerate(header):
        if name not in ("path", *known):
            raise InputError(f"{file}: line 1: column {name!r} is unknown ({expected})")
        if name in header[:number] and name != SEVERAL:
            raise InputError(f"{file}: line 1: has column {name} twice ({expected})")


def _numbers_by_name(listing: Listing, folder: Path) -> dict[str, list[int]]:
    """Which entries a path in the folder names: those of just this path, else those that have it without suffix."""
    root = listing.root.relative_to(folder) if listing.root.is_relative_to(folder) else Path()
    whole: dict[str, list[int]] = {}
    without_suffix: dict[str, list[int]] = {}
    for number, entry in enumerate(listing.entries):
        whole.setdefault((root / entry.path).as_posix(), []).append(number)
        without_suffix.setdefault((root / entry.clip).as_posix(), []).append(number)
    return without_suffix | whole


def _values(where: str, header: list[str], row: list[str]) -> Iterator[tuple[str, Any]]:
    """The columns of a row whose cells are not blank; the cells of one that stands there several times together."""
    for name in dict.fromkeys(header):
        cells = [cell.strip() for column, cell in zip(header, row, strict=True) if column == name and cell.strip()]
        if name == "path" or not cells:
            continue
        read = COLUMNS[name].read
        assert read is not None  # see _check_header
        text = "|".join(cells)
        try:
            yield name, read(text)
        except ValueError as error:
            raise InputError(f"{where}: {name} is {text!r} (expected {COLUMNS[name].expected})") from error


def _with_numbered_labels(listing: Listing, entries: list[Entry]) -> Listing:
    labels = [entry.columns["label"] for entry in entries]
    names = sorted({label for label in labels if label is not None}, key=lambda name: (natural_order(Path(name)), name))
    numbers = {name: number for number, name in enumerate(names)}
    numbered = [
        replace(entry, columns={**entry.columns, "label": numbers.get(label)})
        for entry, label in zip(entries, labels, strict=True)
    ]
    return replace(listing, entries=numbered, label_names=names)
