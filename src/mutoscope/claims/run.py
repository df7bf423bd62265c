"""Trains arms over seeds and keeps what each measured as a JSON file, so that results accumulate from run to run."""

import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from mutoscope.errors import InputError
from mutoscope.files import replacing
from mutoscope.systems import system_class
from mutoscope.systems.claim import Arm, Claim, Experiment


@dataclass(frozen=True)
class Job:
    """One arm with one seed; `source` is where its data lies here, which no result depends on."""

    system: str
    experiment: Experiment
    arm: Arm
    seed: int
    source: str

    @property
    def preset(self) -> str:
        return self.arm.preset or self.experiment.preset

    @property
    def options(self) -> dict[str, Any]:
        return {**self.experiment.options, **self.arm.options, "seed": self.seed}

    def configuration(self) -> dict[str, Any]:
        """Every resolved option that the result depends on."""
        from mutoscope.training.options import preset, resolve

        run, arguments = resolve(self.system, {**preset(self.system, self.preset), **self.options})
        ignored = ("data", "threads", "workers", "log_every", "sample_every", "checkpoint_every", "keep_checkpoints")
        settings = {key: value for key, value in asdict(run).items() if key not in ignored}
        return {"data": self.experiment.data, **settings, **arguments}

    def result_file(self, folder: Path) -> Path:
        """Where this job's result is kept; another configuration has another name."""
        text = json.dumps(self.configuration(), sort_keys=True)
        key = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
        arm = "".join(ch if ch.isalnum() else "_" for ch in self.arm.name).strip("_")
        return folder / self.system / f"{self.experiment.name}-{arm}-seed{self.seed}-{key}.json"


def experiments_of(system: str) -> tuple[tuple[Experiment, ...], tuple[Claim, ...]]:
    """The experiments and claims a system declares in its `claims.py`.

    Raises:
        InputError: there is no such system.
    """
    system_class(system)
    module = import_module(f"mutoscope.systems.{system}.claims")
    return module.EXPERIMENTS, module.CLAIMS


def reproduce(
    system: str,
    on: str,
    *,
    data: str | None = None,
    seeds: int = 3,
    arms: Sequence[str] | None = None,
    jobs: int | None = None,
    reports: Path = Path("reports"),
    runs: Path = Path("runs/reproduce"),
) -> list[Path]:
    """Trains and measures what is not there yet; returns the result files.

    Args:
        system: name of the system.
        on: name of one of its experiments.
        data: folder of the experiment's data, by default below the folder that MUTOSCOPE_DATA names.
        seeds: how many seeds, from 0.
        arms: names of the arms wanted; all of them by default.
        jobs: arms trained at a time, one CPU thread each; all cores by default.
        reports: folder with `data/` for results and pictures.
        runs: folder for the runs themselves.

    Raises:
        InputError: unknown experiment or arm, or its data is not there.
    """
    experiments = {experiment.name: experiment for experiment in experiments_of(system)[0]}
    if on not in experiments:
        raise InputError(f"on: {system} has no experiment {on!r} (it has {', '.join(experiments)})")
    experiment = experiments[on]
    known = {arm.name: arm for arm in experiment.arms}
    for name in arms or ():
        if name not in known:
            raise InputError(f"arms: {on} has no {name!r} (it has {', '.join(known)})")
    source = data or _source(experiment)
    wanted = [Job(system, experiment, known[name], seed, source) for seed in range(seeds) for name in (arms or known)]
    files = [job.result_file(reports / "data") for job in wanted]
    missing = [job for job, file in zip(wanted, files, strict=True) if not file.exists()]
    workers = min(jobs or os.cpu_count() or 1, max(len(missing), 1))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(run_job, job, reports, runs): job for job in missing}
        for future in as_completed(futures):
            job = futures[future]
            print(f"{job.experiment.name} {job.arm.name} seed {job.seed}: {future.result()}", flush=True)
    return files


def run_job(job: Job, reports: Path, runs: Path) -> Path:
    """Trains one arm (or goes on where it was stopped), measures it, writes its result and its sheet."""
    import torch

    from mutoscope.data import open_clips
    from mutoscope.systems.loading import load
    from mutoscope.training import train
    from mutoscope.training.fit import held_out_clips

    torch.set_num_threads(1)
    file = job.result_file(reports / "data")
    folder = runs / file.stem
    values = {"threads": 1, **job.options, "data": job.source}
    resume = any((folder / "checkpoints").glob("*.ckpt"))
    train(job.system, preset=job.preset, out=folder, resume=resume, quiet=True, **values)
    system = load(folder)
    summary = json.loads((folder / "summary.json").read_text())
    if job.experiment.test:
        held_out = open_clips(
            job.experiment.data, size=system.image_size, channels=system.channels, **job.experiment.test
        )
    else:
        held_out = held_out_clips(folder, system)
    measures = system.measure(held_out, seed=job.seed)
    sheet = f"{file.stem.rsplit('-', 1)[0]}.jpg"
    system.sample_sheet().save(reports / job.system / sheet)
    result = {
        "system": job.system,
        "experiment": job.experiment.name,
        "arm": job.arm.name,
        "seed": job.seed,
        "measures": measures,
        "held_out": {"clips": len(held_out), "frames": held_out.total_frames},
        "iterations": summary["iterations"],
        "sheet": sheet,
        "training_seconds": summary["seconds"],
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores",
        "torch": torch.__version__,
        "commit": _commit(),
        "date": time.strftime("%Y-%m-%d"),
        "configuration": job.configuration(),
    }
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n")
    return file


def _source(experiment: Experiment) -> str:
    from mutoscope.data.synthetic import NAMES

    if not experiment.test and (root := os.environ.get("MUTOSCOPE_DATA")):
        return str(Path(root) / experiment.data)
    if experiment.test and experiment.data in NAMES:
        return experiment.data
    raise InputError(f"data: {experiment.name} needs its folder (give --data, or set MUTOSCOPE_DATA)")


def _commit() -> str:
    """The commit of the code, if it lies in a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
