"""`mutoscope demo`: plays the shipped weights, trains a small system, and writes a page that shows it all."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mutoscope.errors import InputError
from mutoscope.files import replacing

if TYPE_CHECKING:
    from rich.console import Console

PAGE, MARKER = "index.html", "demo.json"
MADE_BY = "mutoscope demo"


def demo(*, out: str | Path = "demo", train_time: str = "150s", max_steps: int = 3000, seed: int = 0) -> Path:
    """Plays the shipped weights, trains a small system, and writes a page that shows it all.

    Args:
        out: Folder of the page; an earlier demo there is replaced once the new one is complete.
        train_time: How long the small system trains, as 90s or 2.5m.
        max_steps: How many iterations it trains at the most.
        seed: Seed of all that is drawn, and of the training.

    Returns:
        The page, `index.html` in `out`.

    Raises:
        InputError: `out` is something else than an earlier demo, or an argument cannot be used.
        TrainingFailed: a loss became NaN or infinite.
    """
    from rich.console import Console

    from mutoscope import __version__
    from mutoscope.demo.learning import learn
    from mutoscope.demo.page import page
    from mutoscope.demo.playing import play
    from mutoscope.systems import loading
    from mutoscope.training import RunOptions

    out = Path(out)
    check_folder(out)
    RunOptions(max_time=train_time, max_steps=max_steps, seed=seed)  # complains now about what cannot be used
    console = Console(stderr=True, highlight=False)
    start = time.monotonic()
    with replacing(out.resolve()) as folder:
        folder.mkdir()
        sections = []
        for weights in sorted(loading.shipped_weights(), key=lambda name: (name != FIRST, name)):
            console.print(f"[bold]playing[/] {weights}")
            sections.append(play(folder, weights, seed))
        console.print(f"[bold]training[/] a small system from scratch for {train_time}, or {max_steps} iterations")
        sections.append(learn(folder, train_time, max_steps, seed))
        seconds = time.monotonic() - start
        footer = f"Mutoscope {__version__}, seed {seed}, {seconds / 60:.1f} minutes in all."
        (folder / PAGE).write_text(page(folder, sections, SUGGESTIONS, footer), encoding="utf-8")
        record = {"made_by": MADE_BY, "version": __version__, "seed": seed, "files": files_in(folder)}
        (folder / MARKER).write_text(json.dumps(record, indent=2) + "\n")
    report(console, out, sections[-1].measures)
    return out / PAGE


FIRST = "pseudo_label/sprites"

SUGGESTIONS = {
    "See every control of a system": "mutoscope generate pseudo_label/sprites --help",
    "Train on a folder of your own clips or frames": "mutoscope train pseudo_label --preset tiny --data FOLDER",
    "Train the system above on": "mutoscope train pseudo_label --resume training --max_time 20m --out ../longer",
    "Measure a system on clips it has not seen": "mutoscope evaluate training --data sprites",
    "List systems, presets and shipped weights": "mutoscope list",
}


def check_folder(out: Path) -> None:
    """Refuses a folder that would lose something by being replaced.

    Raises:
        InputError: `out` is a file, or holds files that no demo has made.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(f"{out}: is a file (expected a folder for the demo)")
    present = files_in(out)
    if not present:
        return
    try:
        record = json.loads((out / MARKER).read_text())
        made = set(record["files"]) if record["made_by"] == MADE_BY else set()
    except (OSError, ValueError, KeyError, TypeError):
        made = set()
    if not made:
        raise InputError(f"{out}: is not a demo (expected a new or empty folder, or that of an earlier demo)")
    for file in present:
        if file not in made | {MARKER}:
            raise InputError(
                f"{out / file}: would be lost, the demo has not made it (move it, or choose another --out)"
            )


def files_in(folder: Path) -> list[str]:
    """All files below a folder, relative to it, but for hidden ones."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if not Path(name).name.startswith("."))


def report(console: "Console", out: Path, measures: tuple[tuple[str, str, float, float], ...]) -> None:
    """Says what was learned, where to look and what to try."""
    for name, meaning, before, after in measures:
        console.print(f"  {name:16} {before:5.2f} → [bold]{after:.2f}[/]  [dim]{meaning}[/]", soft_wrap=True)
    console.print(f"[bold]look at[/] {out / PAGE}", soft_wrap=True)
    console.print("[bold]try[/] mutoscope generate pseudo_label/sprites --help", soft_wrap=True)
