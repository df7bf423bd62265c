"""Arms and seeds: trained once, put on file, measured again; one that fails leaves the others alone."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mutoscope.claims import job as job_room
from mutoscope.claims import run as run_room
from mutoscope.claims.job import Job, curves, run_job, trained, write_json
from mutoscope.claims.report import variants
from mutoscope.data import open_clips
from mutoscope.errors import InputError
from mutoscope.evaluation import Evaluator, Measure
from mutoscope.systems import SYSTEMS, system_class
from mutoscope.systems.base import System
from mutoscope.systems.claim import Arm, Experiment
from mutoscope.systems.config import Config

SMALL = {"image_size": 16, "width": 0.25, "max_steps": 4, "batch_size": 8, "log_every": 1, "accelerator": "cpu"}
TEST = {"seed": 1000, "clips_per_type": 2, "frames": 12}
EXPERIMENT = Experiment(
    "sprites",
    "Small",
    data="sprites",
    preset="tiny",
    arms=(Arm("full"), Arm("MoCoGAN", {"frames": 10}, system="mocogan")),
    options={"held_out": 0.0, "max_clips": 8, **SMALL},
    test=TEST,
    sequence=8,
)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measures without extractors, which take a minute to train."""

    def evaluator_for(job: Job, others, held_out) -> Evaluator:
        return Evaluator(held_out, training=others, extractors=[], metrics=["psnr", "flicker"], clips=4, frames=8)

    monkeypatch.setattr(job_room, "evaluator_for", evaluator_for)


@pytest.mark.parametrize("arm", EXPERIMENT.arms, ids=lambda arm: arm.name)
def test_a_job_leaves_a_result_with_measures_curves_and_circumstances(cheap: None, tmp_path: Path, arm: Arm):
    job = Job("pseudo_label", EXPERIMENT, arm, 0, "sprites")
    result = json.loads(run_job(job, tmp_path / "reports", tmp_path / "runs").read_text())
    assert {"psnr", "flicker"} <= result["measures"].keys()
    assert ("nmi_label" in result["measures"]) == (arm.system is None)  # what only pseudo_label can be asked
    assert result["iterations"] == 4
    assert len(result["curves"]["step"]) == 4
    assert result["training_seconds"] > 0
    assert result["cpu_seconds"] > 0
    assert (tmp_path / "reports" / "pseudo_label" / result["sheet"]).is_file()
    rows = json.loads((tmp_path / "reports/data/pseudo_label/sprites-references-seed0.json").read_text())["rows"]
    assert rows["static copy"]["flicker"] == 0


@pytest.mark.parametrize(("protocol", "pairing"), [("clips", "match"), ("continuations", "start")])
def test_clips_are_paired_as_the_system_makes_them(monkeypatch: pytest.MonkeyPatch, protocol: str, pairing: str):
    job, asked = Job("pseudo_label", EXPERIMENT, EXPERIMENT.arms[0], 0, "sprites"), []
    monkeypatch.setattr(system_class(job.system), "protocol", protocol)
    monkeypatch.setattr("mutoscope.evaluation.default_extractors", lambda clips, **options: asked.append(options) or [])
    clips = open_clips("sprites", size=16, max_clips=4)
    assert job_room.evaluator_for(job, clips, clips).plan.pairing == pairing
    assert asked == [{"frames": 8, "subjects": protocol == "continuations"}]


def test_real_clips_are_also_compared_with_those_trained_on(cheap: None, tmp_path: Path, monkeypatch):
    def distances(evaluator: Evaluator, source: System) -> dict[str, Measure]:
        return {"fid to seen clips": Measure(len(evaluator.training))}

    monkeypatch.setattr(Evaluator, "distances_to_training", distances)
    experiment = replace(EXPERIMENT, test={}, options={**EXPERIMENT.options, "held_out": 2})
    job = Job("pseudo_label", experiment, EXPERIMENT.arms[0], 0, "sprites")
    result = json.loads(run_job(job, tmp_path / "reports", tmp_path / "runs").read_text())
    assert result["measures"]["fid to seen clips"] == 6
    assert result["held_out"]["clips"] == 2


def test_a_finished_run_is_measured_again_without_training(cheap: None, tmp_path: Path, monkeypatch):
    job = Job("pseudo_label", EXPERIMENT, EXPERIMENT.arms[0], 0, "sprites")
    first = run_job(job, tmp_path / "reports", tmp_path / "runs").read_text()
    monkeypatch.setattr("mutoscope.training.train", lambda *_, **__: pytest.fail("trained again"))
    again = run_job(job, tmp_path / "reports", tmp_path / "runs").read_text()
    assert json.loads(first)["measures"] == json.loads(again)["measures"]


def test_a_run_stopped_before_its_first_checkpoint_starts_anew(cheap: None, tmp_path: Path):
    job = Job("pseudo_label", EXPERIMENT, EXPERIMENT.arms[0], 0, "sprites")
    (tmp_path / "runs" / job.stem).mkdir(parents=True)
    (tmp_path / "runs" / job.stem / "config.yaml").write_text("system: pseudo_label")
    assert run_job(job, tmp_path / "reports", tmp_path / "runs").is_file()


@dataclass(frozen=True)
class FollowerConfig(Config):
    """Choices of `follower`.

    Args:
        other: The run to start from.
        kinds: What it tells apart.
        width: Of its layers.
    """

    other: str | None = None
    kinds: tuple[str, ...] = ()
    width: float = 1.0


class Follower(System):
    """Starts from weights that another training left."""

    name = "follower"
    config_class = FollowerConfig
    presets: ClassVar = {"tiny": {}}


@pytest.fixture
def follower(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the system known."""
    monkeypatch.setitem(SYSTEMS, "follower", (__name__, "Follower", ""))


class TestArmsThatBuildOnOthers:
    """An option may stand for the run of another arm: `arm:NAME`."""

    @pytest.fixture
    def trainings(self, follower: None, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, dict[str, Any]]]:
        """Instead of training: the folders and options of what would have been trained, in order."""
        asked: list[tuple[Path, dict[str, Any]]] = []

        def train(system: str, *, out: Path, **options: Any) -> Path:
            asked.append((out, options))
            time.sleep(0.05)
            out.mkdir(parents=True)
            (out / "summary.json").write_text('{"iterations": 4}')
            return out

        monkeypatch.setattr("mutoscope.training.train", train)
        return asked

    def job(self, arm: str, seed: int = 0) -> Job:
        arms = (Arm("first"), Arm("second", {"other": "arm:first"}), Arm("third", {"other": "arm:second"}))
        experiment = Experiment("built", "Built", data="sprites", preset="tiny", arms=arms, test=TEST)
        return Job("follower", experiment, {each.name: each for each in arms}[arm], seed, "sprites")

    def test_the_other_arm_is_trained_first_and_its_folder_handed_in(self, trainings, tmp_path: Path):
        folders = {arm: tmp_path / "runs" / self.job(arm).stem for arm in ("first", "second", "third")}
        assert trained(self.job("third"), tmp_path / "runs", tmp_path) == folders["third"]
        assert [folder for folder, _ in trainings] == [*folders.values()]
        assert [options.get("other") for _, options in trainings] == [
            None,
            str(folders["first"]),
            str(folders["second"]),
        ]

    def test_it_is_the_run_of_the_same_seed_and_trained_once(self, trainings, tmp_path: Path):
        for job in (self.job("second", seed=1), self.job("first", seed=1)):
            trained(job, tmp_path / "runs", tmp_path)
        assert [folder.name for folder, _ in trainings] == [self.job(arm, 1).stem for arm in ("first", "second")]

    def test_who_wants_the_same_run_at_the_same_time_waits_for_it(self, trainings, tmp_path: Path):
        jobs = [self.job(arm) for arm in ("second", "first", "second")]
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda job: trained(job, tmp_path / "runs", tmp_path), jobs))
        assert [folder.name for folder, _ in trainings] == [self.job(arm).stem for arm in ("first", "second")]

    def test_results_are_named_after_the_arm_wherever_its_run_lies(self, trainings):
        assert self.job("second").configuration["other"] == "arm:first"


@pytest.mark.usefixtures("follower")
class TestFindingResults:
    """By what was chosen, whatever the file is called and whenever it was written."""

    experiment = Experiment("built", "Built", data="sprites", preset="tiny", arms=(), test=TEST)

    def job(self, arm: str = "first", **options: Any) -> Job:
        return Job("follower", self.experiment, Arm(arm, options), 0, "sprites")

    def put(self, folder: Path, name: str, job: Job, **changes: Any) -> Path:
        result = {"arm": job.arm.name, "configuration": {**job.configuration, **changes}}
        result["configuration"] = {key: value for key, value in result["configuration"].items() if value is not ...}
        return write_json(folder / "follower" / name, result)

    def test_a_choice_that_a_result_is_older_than_has_its_default(self, tmp_path: Path):
        file = self.put(tmp_path, "built-first-seed0-old.json", self.job(), width=..., only=...)
        assert self.job().result_file(tmp_path) == file
        assert self.job(width=1).result_file(tmp_path) == file  # and a number is a number
        assert self.job(width=0.5).result_file(tmp_path) != file

    def test_null_was_what_an_empty_list_is_now(self, tmp_path: Path):
        file = self.put(tmp_path, "built-first-seed0-old.json", self.job(), kinds=None)
        assert self.job().result_file(tmp_path) == file
        assert self.job(kinds=["a"]).result_file(tmp_path) != file

    @pytest.mark.parametrize("changes", [{"seed": 1}, {"data": "reach"}, {"gone": 1}, {"max_steps": 7}])
    def test_another_configuration_is_another_result(self, tmp_path: Path, changes: dict[str, Any]):
        self.put(tmp_path, "built-first-seed0-old.json", self.job(), **changes)
        assert not self.job().result_file(tmp_path).exists()

    def test_another_arm_of_like_name_is_another_result(self, tmp_path: Path):
        self.put(tmp_path, "built-w_o_a-seed0-old.json", self.job("w/o a"))
        assert self.job("w/o a").result_file(tmp_path).exists()
        assert not self.job("w o a").result_file(tmp_path).exists()

    def test_names_do_not_depend_on_what_was_left_alone(self, tmp_path: Path):
        assert self.job().stem == self.job(width=1.0).stem != self.job(width=0.5).stem
        assert {"threads", "graph", "num_nodes", "workers"}.isdisjoint(self.job().configuration)

    def test_a_run_is_called_as_its_result(self, tmp_path: Path):
        assert self.job().run_folder(tmp_path, tmp_path).name == self.job().stem
        self.put(tmp_path / "data", "built-first-seed0-old.json", self.job())
        assert self.job().run_folder(tmp_path, tmp_path) == tmp_path / "built-first-seed0-old"


RESULTS = Path(__file__).parents[2] / "reports" / "data"


@pytest.mark.parametrize("owner", ["pseudo_label", "imaginator", "g3an", "mintgan", "frgan", "baselines"])
def test_every_result_on_file_is_found_by_the_job_that_made_it(owner: str):
    """Of every arm of every experiment, also of those run on a folder or with another budget."""
    results = {file: json.loads(file.read_text()) for file in sorted((RESULTS / owner).glob("*-seed*.json"))}
    experiments = {experiment.name: experiment for experiment in run_room.experiments_of(owner)[0]}
    for name, origin in variants([*experiments.values()], results.values()).items():
        experiments[name] = replace(origin, name=name)
    measured = {file: result for file, result in results.items() if "arm" in result}
    assert measured
    for file, result in measured.items():
        experiment, chosen = experiments[result["experiment"]], result["configuration"]
        if chosen["data"] != experiment.data or (chosen.get("max_time") or "") != experiment.budget:
            experiment = replace(experiment, data=chosen["data"], budget=chosen.get("max_time") or "")
        arm = {arm.name: arm for arm in experiment.arms}[result["arm"]]
        assert Job(owner, experiment, arm, result["seed"], "").result_file(RESULTS) == file


def test_results_on_file_are_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[Job] = []
    monkeypatch.setattr(run_room, "run_all", lambda jobs, *_: asked.extend(jobs))
    files = run_room.reproduce("pseudo_label", "sprites", seeds=2, arms=["full"], reports=tmp_path, runs=tmp_path)
    assert [job.seed for job in asked] == [0, 1]
    files[0].parent.mkdir(parents=True)
    write_json(files[0], {"arm": "full", "configuration": asked[0].configuration})
    asked.clear()
    run_room.reproduce("pseudo_label", "sprites", seeds=2, arms=["full"], reports=tmp_path, runs=tmp_path)
    assert [job.seed for job in asked] == [1]
    asked.clear()
    run_room.reproduce("pseudo_label", "sprites", seeds=2, arms=["full"], again=True, reports=tmp_path, runs=tmp_path)
    assert [job.seed for job in asked] == [0, 1]


def test_a_job_that_fails_does_not_stop_the_others(tmp_path: Path, capfd: pytest.CaptureFixture):
    jobs = [Job("pseudo_label", EXPERIMENT, EXPERIMENT.arms[0], seed, "no such data") for seed in (0, 1)]
    with pytest.raises(InputError, match="no such data"):
        run_room.run_all(jobs, 1, tmp_path / "reports", tmp_path / "runs")
    said = capfd.readouterr().out
    assert "seed 0" in said
    assert "seed 1" in said


def test_curves_are_thinned_and_keep_both_ends(tmp_path: Path):
    rows = "\n".join(f"{step},{1 / step:.6f},0.1,0.2,5" for step in range(1, 501))
    (tmp_path / "log.csv").write_text(f"step,loss_G,step_time,data_time,steps_per_second\n{rows}\n")
    kept = curves(tmp_path / "log.csv")
    assert set(kept) == {"step", "loss_G"}
    assert len(kept["step"]) <= 60
    assert (kept["step"][0], kept["step"][-1]) == (1.0, 500.0)


def test_curves_have_gaps_where_a_stage_lacks_a_loss(tmp_path: Path):
    (tmp_path / "log.csv").write_text("step,loss_pose,loss_G,step_time\n2,0.5,,1\n4,,3,1\n")
    assert curves(tmp_path / "log.csv") == {"step": [2, 4], "loss_pose": [0.5, None], "loss_G": [None, 3]}
