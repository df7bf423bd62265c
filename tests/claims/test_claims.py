"""What systems state: every claim names arms and experiments that exist, and margins have the sign of the claim."""

from pathlib import Path

import pytest

from mutoscope.claims.job import Job
from mutoscope.claims.run import arms_needed, experiments_of, find_experiment, reproduce, source_of
from mutoscope.errors import InputError
from mutoscope.systems.claim import Arm, Claim, Experiment

OWNERS = ["pseudo_label", "imaginator", "g3an", "mintgan", "frgan", "baselines"]


@pytest.mark.parametrize("owner", OWNERS)
def test_every_claim_names_arms_of_an_experiment_there_is(owner: str):
    experiments, claims = experiments_of(owner)
    arms = {experiment.name: {arm.name for arm in experiment.arms} for experiment in experiments}
    assert len(arms) == len(experiments)
    for claim in claims:
        assert claim.arms <= arms[claim.experiment], claim


@pytest.mark.parametrize("owner", OWNERS)
def test_every_arm_can_be_configured(owner: str):
    for experiment in experiments_of(owner)[0]:
        for arm in experiment.arms:
            configuration = Job(owner, experiment, arm, 0, "somewhere").configuration
            assert configuration["seed"] == 0


@pytest.mark.parametrize("owner", ["pseudo_label", "g3an", "imaginator", "baselines"])
def test_published_figures_belong_to_arms(owner: str):
    for experiment in experiments_of(owner)[0]:
        assert set(experiment.published) <= {arm.name for arm in experiment.arms}


def test_a_margin_has_the_sign_of_the_claim():
    measures = {"a": {"x": 3.0, "y": 5.0}, "b": {"x": 2.0}}

    def margin(relation: str, **against: object) -> float | None:
        return Claim("C", "", "e", "a", "x", relation, **against).margin(measures)

    assert margin(">", other_arm="b") == 1.0
    assert margin("<", other_arm="b") == -1.0
    assert margin(">", value=3.5) == -0.5
    assert margin("<", other_measure="y") == 2.0
    assert margin(">", other_arm="missing") is None


class TestJobs:
    experiment = Experiment("e", "", data="sprites", preset="tiny", arms=(Arm("full"), Arm("w_c=0", {"w_c": 0.0})))

    def stem(self, **changes: object) -> str:
        values = {"experiment": self.experiment, "arm": Arm("full"), "seed": 0, "source": "here"} | changes
        return Job("pseudo_label", **values).stem

    def test_the_name_depends_on_every_option_and_not_on_where_the_data_lies(self):
        assert self.stem() == self.stem(source="there")
        others = {
            self.stem(),
            self.stem(seed=1),
            self.stem(arm=Arm("full", {"w_c": 0.5})),
            self.stem(arm=Arm("full", preset="paper")),
            self.stem(arm=Arm("full", system="mocogan")),
            self.stem(experiment=Experiment("e", "", "sprites", "tiny", (), budget="20m")),
        }
        assert len(others) == 6

    def test_a_budget_takes_the_place_of_the_steps(self):
        experiment = Experiment("e", "", "sprites", "tiny", (), options={"max_steps": 5}, budget="20m cpu")
        options = Job("pseudo_label", experiment, Arm("full"), 0, "").options
        assert options["max_time"] == "20m cpu"
        assert options["max_steps"] > 1_000_000

    def test_of_another_system_has_its_arguments(self):
        configuration = Job("pseudo_label", self.experiment, Arm("M", system="mocogan"), 0, "").configuration
        assert configuration["system"] == "mocogan"
        assert "dim_motion" in configuration


class TestFinding:
    def test_a_claim_needs_its_own_arms_only(self):
        assert arms_needed("pseudo_label", ["w_d"], on="sprites") == {"sprites": ["full", "w_d=0"]}
        assert arms_needed("pseudo_label", ["H6"]) == {"table4": ["MoCoGAN", "ours"]}
        assert arms_needed("pseudo_label", ["H1"]) == {"sprites": ["full"]}

    def test_an_unknown_claim_lists_the_known_ones(self):
        with pytest.raises(InputError, match=r"no 'H77' \(it has .*H1 c"):
            arms_needed("pseudo_label", ["H77"])

    def test_any_folder_is_an_experiment(self, tmp_path: Path):
        folder = tmp_path / "my clips"
        folder.mkdir()
        experiment = find_experiment("pseudo_label", str(folder))
        assert experiment.name == "folder_my_clips"
        assert source_of(experiment) == str(folder)

    def test_another_budget_has_results_of_its_own(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("mutoscope.claims.run.run_all", lambda *_: None)
        own, other = (
            reproduce("pseudo_label", "sprites", arms=["full"], budget=budget, reports=tmp_path, runs=tmp_path)[0].name
            for budget in (None, "20m cpu")
        )
        assert own.startswith("sprites-full-")
        assert other.startswith("sprites_20m_cpu-full-")

    def test_what_is_neither_experiment_nor_folder_is_refused(self):
        with pytest.raises(InputError, match=r"no experiment 'nowhere'.*sprites"):
            find_experiment("pseudo_label", "nowhere")

    def test_systems_without_claims_are_refused(self):
        with pytest.raises(InputError, match="mocogan: states no claims"):
            experiments_of("mocogan")

    def test_real_data_must_be_somewhere(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.delenv("MUTOSCOPE_DATA", raising=False)
        with pytest.raises(InputError, match="MUTOSCOPE_DATA"):
            source_of(find_experiment("pseudo_label", "table4"))

    def test_an_unknown_arm_is_refused_before_anything_is_trained(self, tmp_path: Path):
        with pytest.raises(InputError, match="sprites has no 'half'"):
            reproduce("pseudo_label", "sprites", arms=["half"], reports=tmp_path, runs=tmp_path)
