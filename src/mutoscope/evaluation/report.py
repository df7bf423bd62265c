"""What was measured, with the protocol: on screen, as JSON and as CSV."""

import csv
import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from mutoscope.errors import InputError
from mutoscope.evaluation.metrics import METRICS, Measure
from mutoscope.files import replacing

SUFFIXES = (".json", ".csv")
OWN_MEASURES = "measures"


@dataclass
class Report:
    """Figures of one target, with reference rows.

    Attributes:
        target: name of what was measured; the first row.
        protocol: everything that decides the figures.
        rows: figures by row and metric.
        measures: what only this system can be asked.
        left_out: metrics that could not be computed, and why.
    """

    target: str
    protocol: dict[str, str | int | float]
    rows: dict[str, dict[str, Measure]]
    measures: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def show(self) -> None:
        """Prints the protocol, then a line per metric: the target with its interval, then the reference rows."""
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        console = Console()
        console = console if console.is_terminal else Console(width=120)
        for key, value in self.protocol.items():
            console.print(f"{key:36}{value}", markup=False, highlight=False, soft_wrap=True)
        table = Table(box=None, header_style="bold")
        table.add_column("metric", no_wrap=True)
        table.add_column(escape(self.target), justify="right", overflow="fold", min_width=10)
        table.add_column("95 %", justify="right", no_wrap=True)
        for title in [row for row in self.rows if row != self.target]:
            table.add_column(escape(title), justify="right", no_wrap=True)
        directions = {metric.name: metric.better for metric in METRICS}
        for name in dict.fromkeys(name for row in self.rows.values() for name in row):
            own = self.rows[self.target].get(name)
            others = [row.get(name) for title, row in self.rows.items() if title != self.target]
            cells = [shown(own), interval_shown(own), *map(shown, others)]
            table.add_row(escape(f"{name} {directions.get(name.split('[')[0], '')}"), *cells)
        console.print()
        console.print(table)
        if self.measures:
            own_table = Table(box=None, header_style="bold")
            own_table.add_column(f"measure of {escape(self.target)}")
            own_table.add_column("value", justify="right")
            for name, value in self.measures.items():
                own_table.add_row(escape(name), f"{value:.4g}")
            console.print()
            console.print(own_table)
        if self.left_out:
            console.print()
        for name, reason in self.left_out.items():
            console.print(f"left out: {name} ({reason})", markup=False, highlight=False, soft_wrap=True)

    def save(self, path: str | Path) -> Path:
        """Writes `.json` (protocol, rows, measures; null for what is no number) or `.csv` (a line per row and metric).

        Raises:
            InputError: the suffix is another, or the file cannot be written.
        """
        path = check_suffix(path)
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            if path.suffix.lower() == ".json":
                json.dump(self._document(), file, indent=2, ensure_ascii=False, allow_nan=False)
            else:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(("row", "metric", "value", "low", "high"))
                for row, figures in self.rows.items():
                    writer.writerows((row, name, *figure) for name, figure in figures.items())
                writer.writerows((OWN_MEASURES, name, value, None, None) for name, value in self.measures.items())
        return path

    def _document(self) -> dict[str, object]:
        rows = {
            row: {
                name: {part: finite(value) for part, value in figure._asdict().items()}
                for name, figure in figures.items()
            }
            for row, figures in self.rows.items()
        }
        own = {name: finite(value) for name, value in self.measures.items()}
        return {"protocol": self.protocol, "rows": rows, OWN_MEASURES: own}


def check_suffix(path: str | Path) -> Path:
    """The path, if a report can be written there.

    Raises:
        InputError: its suffix is not one of `SUFFIXES`.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: a report cannot be saved as such a file (expected {' or '.join(SUFFIXES)})")
    return path


def finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def shown(figure: Measure | None) -> str:
    return "-" if figure is None or math.isnan(figure.value) else f"{figure.value:.4g}"


def interval_shown(figure: Measure | None) -> str:
    if figure is None or figure.low is None or figure.high is None:
        return ""
    return f"{figure.low:.3g} to {figure.high:.3g}"
