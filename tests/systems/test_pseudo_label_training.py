"""Training as a whole: what a run stores, repeats and learns. Numbers are those of the acceptance list."""

import csv
import math

import pytest
import torch
from safetensors.torch import load_file

from mutoscope.data import clips_from_arrays
from mutoscope.systems.loading import load
from mutoscope.systems.pseudo_label.measures import codes_read_back, measure, reading_measures
from mutoscope.training import train


class TestRepeating:
    def test_twenty_steps_are_the_same_every_time(self, tmp_path, run_options):
        """18: the same seed on the same processor gives the same bytes; another seed others."""
        weights = []
        for name, seed in (("a", 0), ("b", 0), ("c", 1)):
            run = train("pseudo_label", out=tmp_path / name, quiet=True, **run_options, max_steps=20, seed=seed)
            weights.append((run / "weights" / "model.safetensors").read_bytes())
        assert weights[0] == weights[1] != weights[2]

    def test_a_checkpoint_holds_all_that_training_needs(self, tmp_path, run_options):
        """19 and trap 6: both networks, three Adam states on the same weights, sizes, ranges and the iteration."""
        options = run_options | {"schedule": "joint", "c_range": (-2.0, 3.0)}
        run = train("pseudo_label", out=tmp_path / "run", quiet=True, **options, max_steps=5)
        stored = torch.load(run / "checkpoints" / "00000005.ckpt", weights_only=True)
        assert stored["iteration"] == 5
        assert {key.split(".")[0] for key in stored["state_dict"]} == {"G", "D", "G_average"}
        sizes = {name: len(state["state"]) for name, state in stored["optimizer_states"].items()}
        assert sizes["I"] == sizes["G"] + sizes["D"]
        for state in stored["optimizer_states"].values():
            assert all(moments["exp_avg_sq"].any() for moments in state["state"].values())
        config = stored["config"]
        assert (config["system"], config["n_z"], config["n_d"], config["n_c"]) == ("pseudo_label", 4, 4, 2)
        assert tuple(config["c_range"]) == (-2.0, 3.0)
        assert "preset: tiny" in (run / "config.yaml").read_text()


class TestLearning:
    def test_64_frames_are_learned_by_heart(self, twin):
        """20: both label losses fall to a tenth of where they start within a few hundred steps."""
        _, run = twin
        with (run / "metrics.csv").open() as file:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
        initial = 1 / 3 + 0.2  # E[c²] + Var(c'), see the first losses of the published network
        assert rows[-1]["lambda_d"] < 0.1 * math.log(4)
        assert rows[-1]["lambda_c"] < 0.1 * initial

    @pytest.mark.parametrize("weights", ["pseudo_label/sprites", "pseudo_label/shapes"])
    def test_codes_of_generated_frames_are_read_back(self, weights):
        """28: by the shipped weights, d almost always, c mostly."""
        read = codes_read_back(load(weights), seed=0)
        assert read["d_accuracy"] >= 0.95
        assert read["c_r2"] >= 0.8

    def test_the_averaged_weights_are_those_that_are_shipped(self, trained_run):
        """`weights/` holds one generator: the one results are drawn with."""
        stored = load_file(trained_run / "weights" / "model.safetensors")
        checkpoint = torch.load(trained_run / "checkpoints" / "00000040.ckpt", weights_only=True)["state_dict"]
        drawing = load(trained_run).drawing_network.state_dict()
        assert not any(key.startswith("G_average") for key in stored)
        for key in [key for key in stored if key.startswith("G.")]:
            assert torch.equal(stored[key], checkpoint[key.replace("G.", "G_average.network.", 1)])
            assert torch.equal(stored[key], drawing[key.removeprefix("G.")])


class TestMeasures:
    def test_all_measures_are_finite_and_in_their_ranges(self, twin, sprite_frames):
        """What `mutoscope evaluate` prints."""
        system, _ = twin
        clips = clips_from_arrays(
            list(sprite_frames.reshape(4, 16, 16, 16, 3)), name="sprites", columns={"label": [0, 1, 0, 1]}
        )
        measures = measure(system, clips)
        assert all(math.isfinite(value) for value in measures.values())
        shares = {"nmi_clip", "nmi_label", "order_recovery", "order_recovery_time", "kendall", "d_accuracy"}
        assert shares <= set(measures)
        assert all(0 <= measures[name] <= 1 for name in shares)
        assert measures["E_d"] > 0
        assert measures["E_c"] >= measures["E_c_mean"] > 0

    def test_measures_are_the_same_every_time_and_the_system_unchanged(self, twin, sprite_frames):
        system, _ = twin
        clips = clips_from_arrays(list(sprite_frames.reshape(4, 16, 16, 16, 3)), name="sprites")
        before = {name: value.clone() for name, value in system.state_dict().items()}
        assert measure(system, clips, seed=3) == measure(system, clips, seed=3)
        assert all(torch.equal(before[name], value) for name, value in system.state_dict().items())
        assert "nmi_label" not in reading_measures(system, clips)
