"""One arm with one seed: trained, measured, and put on file."""

import csv
import hashlib
import json
import os
import platform
import shutil
import subprocess
import time
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

    def configuration(self) -> dict[str, Any]:
        """Every resolved option that the result depends on."""
        from mutoscope.systems import system_class
        from mutoscope.training.options import preset, resolve

        run, arguments = resolve(self.system, {**preset(self.system, self.preset), **self.options})
        ignored = ("data", "threads", "workers", "log_every", "sample_every", "checkpoint_every", "keep_checkpoints")
        settings = {key: value for key, value in asdict(run).items() if key not in ignored}
        # results from before there were these keep their names
        later = {"only": None, "per_subject": None, **system_class(self.system).later_arguments}
        settings = {key: value for key, value in {**settings, **arguments}.items() if later.get(key, ...) != value}
        other = {"system": self.system} if self.system != self.owner else {}
        return {"data": self.experiment.data, **settings, **other}

    @cached_property
    def stem(self) -> str:
        """Names the result and the run; another configuration has another name."""
        text = json.dumps(self.configuration(), sort_keys=True)
        key = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
        arm = "".join(ch if ch.isalnum() else "_" for ch in self.arm.name).strip("_")
        return f"{self.experiment.name}-{arm}-seed{self.seed}-{key}"

    def result_file(self, folder: Path) -> Path:
        """Where this job's result is kept."""
        return folder / self.owner / f"{self.stem}.json"


def run_job(job: Job, reports: Path, runs: Path) -> Path:
    """Trains one arm (or goes on where it was stopped), measures it, writes its result and the sheet of seed 0."""
    import torch

    from mutoscope.systems.loading import load

    torch.set_num_threads(1)
    folder = runs / job.stem
    summary = trained(job, folder)
    system = load(folder)
    others, held_out = clips_of(job, folder, system)
    evaluator = evaluator_for(job, others, held_out)
    put_references_on_file(job, evaluator, reports)
    figures = evaluator.measure(system)
    if not job.experiment.test:
        figures |= evaluator.distances_to_training(system)
    measures = {name: figure.value for name, figure in figures.items()} | system.measure(held_out, seed=job.seed)
    sheet = f"{job.stem.rsplit('-', 1)[0]}.jpg"
    if job.seed == 0:
        system.sample_sheet(held_out).save(reports / job.owner / sheet)
    result = {
        "system": job.system,
        "experiment": job.experiment.name,
        "arm": job.arm.name,
        "seed": job.seed,
        "measures": measures,
        "protocol": evaluator.protocol,
        "held_out": {"clips": len(held_out), "frames": held_out.total_frames},
        "iterations": summary["iterations"],
        "training_seconds": summary["seconds"],
        "cpu_seconds": summary.get("cpu_seconds"),
        "curves": curves(folder / "metrics.csv"),
        "sheet": sheet if job.seed == 0 else None,
        **environment(),
        "configuration": job.configuration(),
    }
    return write_json(job.result_file(reports / "data"), result)


def trained(job: Job, folder: Path) -> dict[str, Any]:
    """The summary of a job's finished run; another process that wants the same run waits for it."""
    from mutoscope.training import train

    summary = folder / "summary.json"
    with locked(folder):
        if not summary.exists():
            resume = any((folder / "checkpoints").glob("*.ckpt"))
            if not resume:
                shutil.rmtree(folder, ignore_errors=True)  # of a run stopped before its first checkpoint
            options = {option: with_run_of_arm(value, job, folder.parent) for option, value in job.options.items()}
            values = {"threads": 1, **options, "data": job.source}
            train(job.system, preset=job.preset, out=folder, resume=resume, quiet=True, **values)
    return json.loads(summary.read_text())


def with_run_of_arm(value: Any, job: Job, runs: Path) -> Any:
    """An option's value; where it is `arm:NAME`, the folder of that arm's run, which is trained first."""
    if not (isinstance(value, str) and value.startswith(OF_ARM)):
        return value
    arms = {arm.name: arm for arm in job.experiment.arms}
    other = replace(job, arm=arms[value.removeprefix(OF_ARM)])
    trained(other, runs / other.stem)
    return str(runs / other.stem)


def clips_of(job: Job, folder: Path, system: "System") -> "tuple[Clips, Clips]":
    """Real clips for the reference rows, and those to measure on: what a run was trained on, and what it held out.

    Of a synthetic set with a test of its own both are rendered like the test, from different seeds.
    """
    from mutoscope.data import open_clips
    from mutoscope.training.fit import clips_of_run

    if not job.experiment.test:
        return clips_of_run(folder, system)
    test = {**job.experiment.test, "size": system.image_size, "channels": system.channels}
    others = open_clips(job.experiment.data, **{**test, "seed": test["seed"] + 1})
    return others, open_clips(job.experiment.data, **test)


def evaluator_for(job: Job, others: "Clips", held_out: "Clips") -> "Evaluator":
    """What measures a job; its features come from all clips of the data, so that they are the same for every seed."""
    from mutoscope.data import open_clips
    from mutoscope.evaluation import Evaluator, default_extractors
    from mutoscope.systems import system_class

    frames = min(job.experiment.sequence, int(held_out.lengths.max()))
    max_clips = job.options.get("max_clips")
    clips = open_clips(job.source, size=held_out.size, channels=held_out.channels, max_clips=max_clips)
    from_pictures = system_class(job.system).starts_from != "noise"
    return Evaluator(
        held_out,
        training=others,
        extractors=default_extractors(clips, frames=frames, subjects=from_pictures),
        frames=frames,
        pairing="start" if from_pictures else "match",
    )


def put_references_on_file(job: Job, evaluator: "Evaluator", reports: Path) -> None:
    """Measures the reference rows for a job's seed (which decides what is held out), unless that was done before."""
    file = reports / "data" / job.owner / f"{job.experiment.name}-references-seed{job.seed}.json"
    if file.exists() and json.loads(file.read_text())["protocol"] == evaluator.protocol:
        return
    rows = {
        row: {name: measure.value for name, measure in measures.items()}
        for row, measures in evaluator.references().items()
    }
    write_json(
        file, {"experiment": job.experiment.name, "seed": job.seed, "protocol": evaluator.protocol, "rows": rows}
    )


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
