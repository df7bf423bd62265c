"""Last part of the demo: a small system learns from nothing, and what it has learned is measured."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from mutoscope.data import Clips, open_clips
from mutoscope.demo.exhibits import Exhibit, Player, Section
from mutoscope.demo.playing import HELD_OUT_SEED, loops, sort, styles, wall, write_shuffled
from mutoscope.media.plots import line_plot
from mutoscope.media.results import Table
from mutoscope.systems.loading import load
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
    options: dict[str, Any] = {"preset": PRESET, "data": DATA, "seed": seed}
    options |= {"threads": THREADS, "sample_every": SAMPLE_EVERY}
    train(SYSTEM, **options, max_steps=0, out=folder / UNTRAINED, quiet=True)
    train(SYSTEM, **options, max_time=train_time, max_steps=max_steps, out=folder / TRAINED)
    summary = json.loads((folder / TRAINED / "summary.json").read_text())
    untrained, trained = (Player(load(folder / run), run, folder, run) for run in (UNTRAINED, TRAINED))
    config = trained.system.config
    # of the same kind, from another seed
    clips = open_clips(DATA, size=config.size, channels=config.channels, seed=HELD_OUT_SEED, max_clips=HELD_OUT_CLIPS)
    before, after = (measured(player, clips) for player in (untrained, trained))
    lead = (
        f"{summary['iterations']:,} iterations in {summary['seconds']:.0f} seconds on this machine, from random "
        f"weights and a bag of shuffled frames. Measured on {clips.total_frames:,} frames of clips it never saw."
    )
    # what trains the same weights again, bit by bit: iterations are repeatable, times are not
    again = f"mutoscope train {SYSTEM} {' '.join(f'--{option} {value}' for option, value in options.items())}"
    iterations = {UNTRAINED: 0, TRAINED: summary["iterations"]}
    commands = [f"{again} --max_steps {steps} --out {run}" for run, steps in iterations.items()]
    commands += [
        f"mutoscope evaluate {run} --data {DATA} --max_clips {HELD_OUT_CLIPS} --seed {HELD_OUT_SEED} "
        f"--extractor pca64-pixels --metrics pixel -o {run}/figures.json"
        for run in iterations
    ]
    measures = [(*words, before.get(name, math.nan), after.get(name, math.nan)) for name, words in MEASURES.items()]
    exhibits = exhibits_of_run(untrained, trained, seed)
    return Section("Learning from scratch", lead, tuple(exhibits), tuple(commands), tuple(measures))


def measured(player: Player, clips: Clips) -> dict[str, float]:
    """The measures of a run's weights, which are also written to its folder."""
    measures: dict[str, float] = player.system.measure(clips, seed=HELD_OUT_SEED)
    file = player.folder / player.place / "measures.json"
    Table(["measure", "value"], [[name, value] for name, value in measures.items()]).save(file)
    return measures


def exhibits_of_run(untrained: Player, trained: Player, seed: int) -> list[Exhibit]:
    """The way from the first sheet to the last, the curves, and what the trained system does."""
    codes = strongest_codes(sweeps_of_all_codes(trained.system, seed)).tolist()
    strip = write_shuffled(trained, DATA, seed)
    first_sheet = untrained.play(
        "grid",
        "grid.png",
        title="Iteration 0",
        caption="Random weights.",
        alt="a sheet of grey frames without content",
        span=4,
        arguments={"columns": 10},
    )
    return [
        first_sheet,
        *later_sheets(trained.folder),
        curves(trained.folder),
        styles(trained, codes[0], seed),
        wall(trained, codes, seed),
        *sort(trained, strip),
        *loops(trained, codes[:2], seed),
    ]


def later_sheets(folder: Path, count: int = 5) -> list[Exhibit]:
    """Some of the sheets that the run has drawn, close together at first, when most changes, and the last."""
    sheets = sorted((folder / TRAINED / "samples").glob("*.png"))
    places = np.unique(np.geomspace(1, len(sheets), count).round().astype(int)) - 1
    return [
        Exhibit(
            (sheet.relative_to(folder).as_posix(),),
            title=f"Iteration {int(sheet.stem):,}",
            caption="Drawn by the training run: a row for each clip, one code from left to right.",
            alt=f"a sheet of frames after {int(sheet.stem):,} iterations",
            span=4,
        )
        for sheet in (sheets[place] for place in places)
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
    )
