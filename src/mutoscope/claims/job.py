"""One arm with one seed: trained, measured, and put on file."""

import csv
import hashlib
import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mutoscope.files import locked, replacing
from mutoscope.systems.claim import Arm, Experiment

if TYPE_CHECKING:
    from mutoscope.data import Clips
    from mutoscope.evaluation import Evaluator
    from mutoscope.systems.base import System

ENDLESS = 10_000_000  # steps of an arm that stops by the clock
CURVE_POINTS = 60
IGNORED = (
    *("data", "threads", "workers", "graph", "num_nodes"),
    *("log_every", "sample_every", "checkpoint_every", "keep_checkpoints"),
)
"""Options of a run that change no result; its data is known by the experiment's name for it."""
OF_ARM = "arm:"  # an option's value that stands for the run of another arm of the experiment, with the same seed


@dataclass(frozen=True)
class Job:
    """One arm with one seed; `source` is where its data lies here, which no result depends on."""

    owner: str
    experiment: Experiment
    arm: Arm
    seed: int
    source: str

    def __str__(self) -> str:
        return f"{self.experiment.name} {self.arm.name} seed {self.seed}"

    @property
    def system(self) -> str:
        """What is trained."""
        return self.arm.system or self.owner

    @property
    def preset(self) -> str:
        return self.arm.preset or self.experiment.preset

    @property
    def options(self) -> dict[str, Any]:
        """Options of the training beside the preset's."""
        budget = {"max_time": self.experiment.budget, "max_steps": ENDLESS} if self.experiment.budget else {}
        return {**self.experiment.options, **self.arm.options, **budget, "seed": self.seed}

    @property
    def prefix(self) -> str:
        """What the names of its result, run and sheet begin with."""
        arm = "".join(ch if ch.isalnum() else "_" for ch in self.arm.name).strip("_")
        return f"{self.experiment.name}-{arm}-seed{self.seed}"

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """Every choice that the result depends on, resolved, as JSON holds it."""
        from mutoscope.training.options import preset, resolve

        run, config = resolve(self.system, {**preset(self.system, self.preset), **self.options})
        settings = {key: value for key, value in asdict(run).items() if key not in IGNORED} | config.to_dict()
        other = {"system": self.system} if self.system != self.owner else {}
        return as_json({"data": self.experiment.data, **settings, **other})

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What every choice is unless made."""
        from mutoscope.systems import system_class
        from mutoscope.systems.config import choices_of
        from mutoscope.training.options import RunOptions

        classes: tuple[type, ...] = (RunOptions, system_class(self.system).config_class)
        return as_json({choice.name: choice.default for cls in classes for choice in choices_of(cls)})

    def chosen(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """What differs from the defaults; null does not where they have an empty list, for which it once stood."""

        def usual(key: str, value: Any) -> bool:
            default = self.defaults.get(key, ...)
            return value == default or (value is None and default == [])

        return {key: value for key, value in configuration.items() if not usual(key, value)}

    @cached_property
    def stem(self) -> str:
        """Names a new result and its run: another configuration has another name; a choice that is new changes none."""
        text = json.dumps(self.chosen(self.configuration), sort_keys=True)
        return f"{self.prefix}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"

    def made(self, result: Mapping[str, Any]) -> bool:
        """Whether a result on file is this job's; choices that it is older than count as not made."""
        same = self.chosen(result.get("configuration", {})) == self.chosen(self.configuration)
        return same and result.get("arm") == self.arm.name

    def result_file(self, folder: Path) -> Path:
        """Where this job's result is kept: among those on file found by what was chosen, whatever it is called."""
        there = sorted((folder / self.owner).glob(f"{self.prefix}-*.json"))
        found = (file for file in there if self.made(json.loads(file.read_text())))
        return next(found, folder / self.owner / f"{self.stem}.json")

    def run_folder(self, runs: Path, reports: Path) -> Path:
        """Where its run is kept, under the name of its result."""
        return runs / self.result_file(reports / "data").stem


def as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON gives them back: lists for tuples."""
    found: dict[str, Any] = json.loads(json.dumps(values))
    return found


def run_job(job: Job, reports: Path, runs: Path) -> Path:
    """Trains one arm (or goes on where it was stopped), measures it, writes its result and the sheet of seed 0."""
    import torch

    from mutoscope.systems.loading import load

    torch.set_num_threads(1)
    folder = trained(job, runs, reports)
    summary = json.loads((folder / "summary.json").read_text())
    system = load(folder)
    others, held_out = clips_of(job, folder, system)
    evaluator = evaluator_for(job, others, held_out)
    put_references_on_file(job, evaluator, reports)
    figures = evaluator.measure(system)
    if not job.experiment.test:
        figures |= evaluator.distances_to_training(system)
    measures = {name: figure.value for name, figure in figures.items()} | system.measure(held_out, seed=job.seed)
    sheet = f"{job.prefix}.jpg"
    if job.seed == 0:
        system.sample_sheet(held_out).save(reports / job.owner / sheet)
    result = {
        "system": job.system,
        "experiment": job.experiment.name,
        "arm": job.arm.name,
        "seed": job.seed,
        "measures": measures,
        "protocol": evaluator.table,
        "held_out": {"clips": len(held_out), "frames": held_out.total_frames},
        "iterations": summary["iterations"],
        "training_seconds": summary["seconds"],
        "cpu_seconds": summary.get("cpu_seconds"),
        "curves": curves(folder / "metrics.csv"),
        "sheet": sheet if job.seed == 0 else None,
        **environment(),
        "configuration": job.configuration,
    }
    return write_json(job.result_file(reports / "data"), result)


def trained(job: Job, runs: Path, reports: Path) -> Path:
    """The folder of a job's finished run; another process that wants the same run waits for it."""
    from mutoscope.training import train

    folder = job.run_folder(runs, reports)
    with locked(folder):
        if not (folder / "summary.json").exists():
            resume = any((folder / "checkpoints").glob("*.ckpt"))
            if not resume:
                shutil.rmtree(folder, ignore_errors=True)  # of a run stopped before its first checkpoint
            options = {option: with_run_of_arm(value, job, runs, reports) for option, value in job.options.items()}
            values = {"threads": 1, **options, "data": job.source}
            train(job.system, preset=job.preset, out=folder, resume=resume, quiet=True, **values)
    return folder


def with_run_of_arm(value: Any, job: Job, runs: Path, reports: Path) -> Any:
    """An option's value; where it is `arm:NAME`, the folder of that arm's run, which is trained first."""
    if not (isinstance(value, str) and value.startswith(OF_ARM)):
        return value
    arms = {arm.name: arm for arm in job.experiment.arms}
    return str(trained(replace(job, arm=arms[value.removeprefix(OF_ARM)]), runs, reports))


def clips_of(job: Job, folder: Path, system: "System") -> "tuple[Clips, Clips]":
    """Real clips for the reference rows, and those to measure on: what a run was trained on, and what it held out.

    Of a synthetic set with a test of its own both are rendered like the test, from different seeds.
    """
    from mutoscope.data import open_clips
    from mutoscope.evaluation.targets import as_seen_by
    from mutoscope.training.data import clips_of_run

    if not job.experiment.test:
        return clips_of_run(folder, system)
    test = {**job.experiment.test, **as_seen_by(system.config)}
    others = open_clips(job.experiment.data, **{**test, "seed": test["seed"] + 1})
    return others, open_clips(job.experiment.data, **test)


def evaluator_for(job: Job, others: "Clips", held_out: "Clips") -> "Evaluator":
    """What measures a job; its features come from all clips of the data, so that they are the same for every seed."""
    from mutoscope.data import open_clips
    from mutoscope.evaluation import PROTOCOLS, Evaluator, default_extractors
    from mutoscope.systems import system_class

    frames = min(job.experiment.sequence, int(held_out.lengths.max()))
    max_clips = job.options.get("max_clips")
    size = held_out.height, held_out.width
    clips = open_clips(job.source, size=size, channels=held_out.channels, max_clips=max_clips)
    protocol = PROTOCOLS[system_class(job.system).protocol]
    return Evaluator(
        held_out,
        training=others,
        extractors=default_extractors(clips, frames=frames, subjects=protocol.subjects),
        frames=frames,
        pairing=protocol.usual_pairing(),
    )


def put_references_on_file(job: Job, evaluator: "Evaluator", reports: Path) -> None:
    """Measures the reference rows for a job's seed (which decides what is held out), unless that was done before."""
    file = reports / "data" / job.owner / f"{job.experiment.name}-references-seed{job.seed}.json"
    if file.exists() and json.loads(file.read_text())["protocol"] == evaluator.table:
        return
    rows = {
        row: {name: measure.value for name, measure in measures.items()}
        for row, measures in evaluator.references().items()
    }
    write_json(file, {"experiment": job.experiment.name, "seed": job.seed, "protocol": evaluator.table, "rows": rows})


def curves(log: Path) -> dict[str, list[float | None]]:
    """The losses of a run's log over its iterations (`step`), thinned to a few dozen points; None for a blank cell."""
    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = np.unique(np.linspace(0, len(rows) - 1, CURVE_POINTS).round().astype(int))
    names = [name for name in rows[0] if not name.endswith(("_time", "_per_second"))]
    return {name: [float(rows[i][name]) if rows[i][name] else None for i in chosen] for name in names}


def environment() -> dict[str, str]:
    """On what, with what and when."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    return {
        "machine": f"{platform.system()} {platform.machine()}, {device}",
        "torch": torch.__version__,
        "commit": _commit(),
        "date": time.strftime("%Y-%m-%d"),
    }


def write_json(file: Path, content: dict[str, Any]) -> Path:
    """Writes a readable JSON file, whole or not at all."""
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
    return file


def _commit() -> str:
    """The commit of the code, if it lies in a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
