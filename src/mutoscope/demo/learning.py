"""Second part of the demo: a small system learns from nothing, and what it has learned is measured."""

import csv
import json
import math
import shlex
from pathlib import Path
from typing import Any

import numpy as np

from mutoscope.data import Clips, open_clips
from mutoscope.demo.exhibits import Exhibit, Player, Section, load_pseudo_label
from mutoscope.demo.playing import HELD_OUT_SEED, loops, sort, styles, wall, write_shuffled
from mutoscope.media.plots import line_plot
from mutoscope.media.results import Table
from mutoscope.systems.pseudo_label import PseudoLabel
from mutoscope.systems.pseudo_label.measures import strongest_codes, sweeps_of_all_codes
from mutoscope.training import train

SYSTEM, PRESET, DATA = "pseudo_label", "tiny", "sprites"
UNTRAINED, TRAINED = "untrained", "training"  # the runs' folders
SAMPLE_EVERY = 100
THREADS = 1  # the same sums on every machine, and no waiting for a core that another program holds
HELD_OUT_CLIPS = 40
MEASURES = {
    "order_recovery": ("Order", "rank correlation of a code read from held-out frames with their true place"),
    "kendall": ("Sorting", "Kendall's τ of sorted held-out frames with their true order"),
    "nmi_label": ("Kinds of motion", "mutual information of the clip read and the true kind, normalised"),
    "controllability": ("Control", "rank correlation of a code with the place of what is drawn"),
}
LOSSES = {"loss_D": "D, real or fake", "loss_G": "G", "lambda_d": "clip label", "lambda_c": "motion code"}


def learn(folder: Path, train_time: str, max_steps: int, seed: int) -> Section:
    """Trains the tiny preset on sprites, measures it before and after, and draws what happened between.

    Args:
        folder: The demo's folder; the runs go to `untrained/` and `training/` in it.
        train_time: When to stop, as 90s or 2.5m.
        max_steps: When to stop at the latest, in iterations.
        seed: Seed of the run.
    """
    options: dict[str, Any] = {
        "preset": PRESET,
        "data": DATA,
        "seed": seed,
        "threads": THREADS,
        "sample_every": SAMPLE_EVERY,
    }
    train(SYSTEM, **options, max_steps=0, out=folder / UNTRAINED, quiet=True)
    train(SYSTEM, **options, max_time=train_time, max_steps=max_steps, out=folder / TRAINED)
    summary = json.loads((folder / TRAINED / "summary.json").read_text())
    clips = held_out_clips(load_pseudo_label(folder / UNTRAINED))
    before, after = (measured(folder / run, clips) for run in (UNTRAINED, TRAINED))
    lead = (
        f"{summary['iterations']:,} iterations in {summary['seconds']:.0f} seconds on this machine, from random "
        f"weights and a bag of shuffled frames. Measured on {clips.total_frames:,} frames of clips it never saw."
    )
    commands = [train_command(UNTRAINED, seed, 0), train_command(TRAINED, seed, summary["iterations"])]
    commands += [evaluate_command(run) for run in (UNTRAINED, TRAINED)]
    measures = [(*MEASURES[name], before.get(name, math.nan), after.get(name, math.nan)) for name in MEASURES]
    return Section(
        "Learning from scratch", lead, tuple(exhibits_of_run(folder, seed)), tuple(commands), tuple(measures)
    )


def train_command(run: str, seed: int, iterations: int) -> str:
    """What trains the same weights again, bit by bit: iterations are repeatable, times are not."""
    words = ["mutoscope", "train", SYSTEM, "--preset", PRESET, "--data", DATA, "--seed", str(seed)]
    words += ["--threads", str(THREADS), "--sample_every", str(SAMPLE_EVERY), "--max_steps", str(iterations)]
    return shlex.join([*words, "--out", run])


def evaluate_command(run: str) -> str:
    """What measures a run again, with its likeness to real clips beside."""
    words = ["mutoscope", "evaluate", run, "--data", DATA, "--max_clips", str(HELD_OUT_CLIPS)]
    words += ["--seed", str(HELD_OUT_SEED), "--extractor", "pca64-pixels", "--metrics", "pixel"]
    return shlex.join([*words, "-o", f"{run}/figures.json"])


def held_out_clips(system: PseudoLabel) -> Clips:
    """Clips of the same kind from another seed."""
    o = system.config
    return open_clips(DATA, size=o.size, channels=o.channels, seed=HELD_OUT_SEED, max_clips=HELD_OUT_CLIPS)


def measured(run: Path, clips: Clips) -> dict[str, float]:
    """The measures of a run's weights, which are also written to its folder."""
    measures = load_pseudo_label(run).measure(clips, seed=HELD_OUT_SEED)
    Table(["measure", "value"], [[name, value] for name, value in measures.items()]).save(run / "measures.json")
    return measures


def exhibits_of_run(folder: Path, seed: int) -> list[Exhibit]:
    """The way from the first sheet to the last, the curves, and what the trained system does."""
    untrained, trained = (Player(load_pseudo_label(folder / run), run, folder, run) for run in (UNTRAINED, TRAINED))
    codes = strongest_codes(sweeps_of_all_codes(trained.system, seed)).tolist()
    strip = write_shuffled(folder / TRAINED, DATA, trained.system, seed)
    return [
        first_sheet(untrained),
        *later_sheets(folder),
        curves(folder),
        styles(trained, codes[0], seed),
        wall(trained, codes, seed),
        *sort(trained, strip),
        *loops(trained, codes[:2], seed),
    ]


def first_sheet(untrained: Player) -> Exhibit:
    """What random weights draw, laid out as the sheets of a run are."""
    return untrained.play(
        "grid",
        "grid.png",
        title="Iteration 0",
        caption="Random weights.",
        alt="a sheet of grey frames without content",
        span=4,
        columns=10,
    )


def later_sheets(folder: Path, count: int = 5) -> list[Exhibit]:
    """Some of the sheets that the run has drawn, close together at first, when most changes, and the last."""
    sheets = sorted((folder / TRAINED / "samples").glob("*.png"))
    places = np.unique(np.geomspace(1, len(sheets), count).round().astype(int)) - 1
    return [
        Exhibit(
            (sheets[place].relative_to(folder).as_posix(),),
            title=f"Iteration {int(sheets[place].stem):,}",
            caption="Drawn by the training run: a row for each clip, one code from left to right.",
            alt=f"a sheet of frames after {int(sheets[place].stem):,} iterations",
            span=4,
        )
        for place in places
    ]


def curves(folder: Path) -> Exhibit:
    """The losses of the run."""
    with (folder / TRAINED / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    steps = [float(row["step"]) for row in rows]
    series = {label: (steps, [float(row[name]) for row in rows]) for name, label in LOSSES.items()}
    file_name = f"{TRAINED}/losses.png"
    line_plot(folder / file_name, series, title="Losses", xlabel="iteration", ylabel="loss")
    return Exhibit(
        (file_name, f"{TRAINED}/metrics.csv"),
        title="Losses",
        caption="Of both networks, and of the labels that D reads back from what G draws: these fall as codes form.",
        alt="four curves over the iterations",
        span=6,
    )
