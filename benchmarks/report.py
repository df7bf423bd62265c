"""Tables of the benchmarks, on the terminal and in reports/benchmarks_<name>.md."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from timing import REPORTS, machine_line

from mutoscope.files import replacing

Rows = list[Sequence[str]]

STEP_COLUMNS = ("step", "× literal, clock", "× literal, work", "seconds", "share of limit", "peak memory")
FRAME_COLUMNS = ("network", "× literal, clock", "× literal, work", "frames a second")
LOADER_COLUMNS = ("files", "way", "× decoding", "× decoding in order", "frames a second")


def step_rows(results: dict[str, Any]) -> Rows:
    return [
        (
            f"`{preset}`, {name}",
            spread(found["speedup"]["wall"]),
            spread(found["speedup"]["cpu"]),
            spread(found["seconds"]["wall"]),
            percent(found["share_of_peak"]["cpu"]),
            f"{found['peak_memory']:.0f} MiB",
        )
        for preset, steps in results["steps"].items()
        for name, found in steps["variants"].items()
    ]


def frame_rows(results: dict[str, Any]) -> Rows:
    return [
        (
            f"`{preset}`, {name}",
            spread(found["speedup"]["wall"]),
            spread(found["speedup"]["cpu"]),
            whole(found["per_second"]),
        )
        for preset, variants in results["frames"].items()
        for name, found in variants.items()
    ]


def loader_rows(results: dict[str, Any]) -> Rows:
    return [
        (
            source,
            name,
            whole(found["speedup"]["wall"]),
            spread(found["speedup_in_order"]["wall"]),
            whole(found["per_second"]),
        )
        for source, measured in results["sources"].items()
        for name, found in measured["variants"].items()
    ]


def agreement_line(results: dict[str, Any]) -> str:
    """Whether ours computes what the literal loop computes."""
    parts = []
    for preset, steps in results["steps"].items():
        single, double = (steps["disagreement"][precision] for precision in ("float32", "float64"))
        parts.append(
            f"`{preset}`: {max(double):.0e} in float64; in float32, step by step, "
            f"{', '.join(f'{value:.0e}' for value in single)}"
        )
    return "; ".join(parts) + "."


def flops_line(results: dict[str, Any]) -> str:
    """The limits measured, and what a step costs."""
    limits = ", ".join(f"{1000 * rate['wall']:.0f} GFLOP/s in {name}" for name, rate in results["teraflops"].items())
    costs = ", ".join(
        f"`{preset}` {steps['flops']['ours'] / 1e9:.0f} GFLOP (literal {steps['flops']['literal'] / 1e9:.0f})"
        for preset, steps in results["steps"].items()
    )
    return f"Matrix products reach {limits} here. A step costs {costs}."


def show_pseudo_label(results: dict[str, Any]) -> None:
    console = wide_console()
    show(console, "Training", STEP_COLUMNS, step_rows(results))
    show(console, "Generation", FRAME_COLUMNS, frame_rows(results))
    console.print(flops_line(results), f"Losses differ by at most {agreement_line(results)}", sep="\n")


def show_loader(results: dict[str, Any]) -> None:
    show(wide_console(), "Loading", LOADER_COLUMNS, loader_rows(results))


def write() -> None:
    """Renders the page of `pseudo_label` from what is in reports/data."""
    sections = ["# Benchmarks of `pseudo_label`", INTRODUCTION]
    for name, section in (("pseudo_label", pseudo_label_section), ("loader", loader_section)):
        path = REPORTS / "data" / f"benchmark_{name}.json"
        if path.exists():
            sections += section(json.loads(path.read_text()))
    write_page("pseudo_label", sections)


def write_page(name: str, paragraphs: Iterable[str]) -> None:
    """Writes `reports/benchmarks_<name>.md`."""
    with replacing(REPORTS / f"benchmarks_{name}.md") as temporary:
        temporary.write_text("\n\n".join(paragraphs) + "\n")


INTRODUCTION = """\
Every figure is a ratio of runs that took turns in one process (A B C A B C …): the median of the ratios of neighbouring
runs, with the smallest and largest in brackets. *Clock* is elapsed time; *work* is processor time of all threads, which
other programs on the machine disturb less."""


def pseudo_label_section(results: dict[str, Any]) -> list[str]:
    return [
        "## Training",
        "One training step, all draws included. *Literal* is the paper's loop as one writes it first: eager float32, "
        "torch's default memory format and Adam, frames drawn anew for every optimiser pass, gradients of the network "
        "that stands still computed and thrown away.",
        markdown(STEP_COLUMNS, step_rows(results)),
        f"{flops_line(results)} *Share of limit* is how many of the operations that a matrix product of the same "
        "precision does in the same work the step does.",
        "Ours and the literal loop start from the same weights and see the same draws. The largest relative difference "
        f"of any loss in the first three steps: {agreement_line(results)} The mathematics is the same; in float32 "
        "Adam's first steps, whose size hardly depends on the gradient's, turn rounding into differences that training "
        "then amplifies.",
        "## Generation",
        "Frames as uint8 arrays, codes given; *literal* draws one after the other with an eager network.",
        markdown(FRAME_COLUMNS, frame_rows(results)),
        how(results),
    ]


def loader_section(results: dict[str, Any]) -> list[str]:
    opening = "; ".join(
        f"{name}: {found['clips']} clips, {found['frames']} frames, {found['first_open_seconds']:.2f} s first, "
        f"{found['later_open_seconds']:.3f} s later"
        for name, found in results["sources"].items()
    )
    return [
        "## Loading",
        "Batches of 100 shuffled frames of 64×64 from the cache, against decoding the file of every frame each time, "
        "and against decoding at its best: whole clips in order, each file opened once.",
        markdown(LOADER_COLUMNS, loader_rows(results)),
        f"Opening a set (decoding it into the cache once, later only checking the files): {opening}.",
        how(results),
    ]


def how(results: dict[str, Any]) -> str:
    return f"Measured on {machine_line(results['machine'])} Again with `{results['machine']['command']}`."


def spread(value: dict[str, float]) -> str:
    return f"{value['median']:.2f} ({value['low']:.2f}–{value['high']:.2f})"


def whole(value: dict[str, float]) -> str:
    return f"{value['median']:,.0f} ({value['low']:,.0f}–{value['high']:,.0f})"


def percent(value: dict[str, float]) -> str:
    return f"{value['median']:.0%} ({value['low']:.0%}–{value['high']:.0%})"


def wide_console() -> Console:
    """A console wide enough for the tables, also in a file."""
    console = Console()
    console.width = max(console.width, 110)
    return console


def show(console: Console, title: str, columns: Iterable[str], rows: Rows) -> None:
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def markdown(columns: Sequence[str], rows: Rows) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
