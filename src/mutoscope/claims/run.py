"""Trains arms over seeds and keeps what each measured as a JSON file, so that results accumulate from run to run."""

import os
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from mutoscope.claims.job import Job, run_job
from mutoscope.errors import InputError, TrainingFailed
from mutoscope.systems import SYSTEMS
from mutoscope.systems.claim import Claim, Experiment

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

OWN_FOLDER = "folder"  # the experiment that runs on any folder a user names


def experiments_of(system: str) -> tuple[tuple[Experiment, ...], tuple[Claim, ...]]:
    """The experiments and claims that a system, or all baselines together, declare in their `claims.py`.

    Raises:
        InputError: there is no such system, or it states no claims.
    """
    known = [name for name, (module, *_) in SYSTEMS.items() if module.startswith("mutoscope.systems.")]
    if system not in (*known, "baselines"):
        raise InputError(f"{system}: states no claims (those do: {', '.join(known)}, baselines)")
    module = "mutoscope.baselines" if system == "baselines" else f"mutoscope.systems.{system}"
    claims = import_module(f"{module}.claims")
    return claims.EXPERIMENTS, claims.CLAIMS


def find_experiment(system: str, on: str) -> Experiment:
    """An experiment of a system by name, or its experiment for any folder, on the folder `on`.

    Raises:
        InputError: it is neither.
    """
    experiments = {experiment.name: experiment for experiment in experiments_of(system)[0]}
    if on in experiments and on != OWN_FOLDER:
        return experiments[on]
    if Path(on).is_dir() and OWN_FOLDER in experiments:
        name = re.sub(r"\W+", "_", Path(on).resolve().name)
        return replace(experiments[OWN_FOLDER], name=f"{OWN_FOLDER}_{name}", data=str(Path(on).resolve()))
    names = ", ".join(name for name in experiments if name != OWN_FOLDER)
    raise InputError(f"on: {system} has no experiment {on!r}, and it is no folder (experiments: {names})")


def arms_needed(system: str, claims: Sequence[str], on: str | None = None) -> dict[str, list[str]]:
    """The experiments and arms that claims need; a claim is named in full (`H1 d`) or by its first word (`H1`).

    Args:
        system: whose claims.
        claims: their names.
        on: only those of this experiment.

    Raises:
        InputError: there is no such claim.
    """
    stated = experiments_of(system)[1]
    needed: dict[str, set[str]] = {}
    for name in claims:
        found = [claim for claim in stated if name in (claim.name, claim.name.split()[0])]
        if not found:
            raise InputError(f"claims: {system} has no {name!r} (it has {', '.join(sorted({c.name for c in stated}))})")
        for claim in found:
            if on is None or claim.experiment == on:
                needed.setdefault(claim.experiment, set()).update(claim.arms)
    return {experiment: sorted(arms) for experiment, arms in needed.items()}


def reproduce(
    system: str,
    on: str,
    *,
    data: str | None = None,
    seeds: int = 3,
    arms: Sequence[str] | None = None,
    budget: str | None = None,
    jobs: int | None = None,
    again: bool = False,
    reports: Path = Path("reports"),
    runs: Path = Path("runs/reproduce"),
) -> list[Path]:
    """Trains and measures what is not there yet; returns the result files.

    Arms that were trained before and not measured are measured; those that were stopped go on where they were.

    Args:
        system: name of the system, or `baselines`.
        on: name of one of its experiments, or a folder of clips.
        data: folder of the experiment's data, by default below the folder that MUTOSCOPE_DATA names.
        seeds: how many seeds, from 0.
        arms: names of the arms wanted; all of them by default.
        budget: training time of each arm, as 90s or 20m, instead of the experiment's own budget.
        jobs: arms trained at a time; by default one for each GPU, or one for each core, with one thread each.
        again: measure again what is on file, from the runs that are still there.
        reports: folder with `data/` for results and pictures.
        runs: folder for the runs themselves.

    Raises:
        InputError: unknown experiment or arm, its data is not there, or an arm cannot be trained with it.
        TrainingFailed: an arm's losses became NaN; the others were run all the same.
    """
    experiment = find_experiment(system, on)
    if budget:  # results of another budget are a section of their own
        name = f"{experiment.name}_{re.sub(r'[^0-9a-z.]+', '_', budget)}"
        experiment = replace(experiment, budget=budget, name=name)
    known = {arm.name: arm for arm in experiment.arms}
    for name in arms or ():
        if name not in known:
            raise InputError(f"arms: {on} has no {name!r} (it has {', '.join(known)})")
    source = data or source_of(experiment)
    wanted = [Job(system, experiment, known[name], seed, source) for seed in range(seeds) for name in (arms or known)]
    files = [job.result_file(reports / "data") for job in wanted]
    missing = [job for job, file in zip(wanted, files, strict=True) if again or not file.exists()]
    run_all(missing, jobs, reports, runs)
    return files


def run_all(jobs: Sequence[Job], at_a_time: int | None, reports: Path, runs: Path) -> None:
    """Runs jobs in processes of their own, one for each GPU or core; one that fails does not stop the others."""
    import torch

    devices = torch.cuda.device_count()
    workers = min(at_a_time or devices or os.cpu_count() or 1, max(len(jobs), 1))
    context = get_context("spawn")
    numbers: Queue[int] = context.Queue()
    for worker in range(workers):
        numbers.put(worker % max(devices, 1))
    failures = []
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_take_device, initargs=(numbers,)) as pool:
        futures = {pool.submit(run_job, job, reports, runs): job for job in jobs}
        for future in as_completed(futures):
            try:
                said: object = future.result()
            except (InputError, TrainingFailed) as error:
                said = error
                failures.append(error)
            print(f"{futures[future]}: {said}", flush=True)
    if failures:
        raise failures[0]


def _take_device(numbers: "Queue[int]") -> None:
    """Gives a worker process one GPU of its own, before torch looks for any."""
    os.environ["CUDA_VISIBLE_DEVICES"] = str(numbers.get())


def source_of(experiment: Experiment) -> str:
    """Where the data of an experiment lies here.

    Raises:
        InputError: it is neither rendered nor below the folder that MUTOSCOPE_DATA names.
    """
    from mutoscope.data.synthetic import NAMES

    if Path(experiment.data).is_absolute() or (experiment.test and experiment.data in NAMES):
        return experiment.data
    if not experiment.test and (root := os.environ.get("MUTOSCOPE_DATA")):
        return str(Path(root) / experiment.data)
    raise InputError(f"data: {experiment.name} needs its folder (give --data, or set MUTOSCOPE_DATA)")
