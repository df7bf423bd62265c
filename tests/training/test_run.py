"""One training run: what it leaves behind, when it stops, and what it says when it cannot go on."""

import csv
import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from mutoscope.errors import InputError, TrainingFailed
from mutoscope.media.images import read_image
from mutoscope.systems.loading import load
from mutoscope.systems.pseudo_label import PseudoLabel
from mutoscope.training import train
from mutoscope.training.data import clips_of_run


def rows(run: Path) -> list[dict[str, float]]:
    with (run / "metrics.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.fixture
def run(tmp_path, run_options):
    """`run(**options)` trains into a fresh folder."""

    def start(**options) -> Path:
        return train("pseudo_label", **({"out": tmp_path / "run", "quiet": True} | run_options | options))

    return start


class TestFolder:
    def test_a_run_leaves_configuration_log_sheets_checkpoints_and_weights(self, trained_run):
        config = yaml.safe_load((trained_run / "config.yaml").read_text())
        assert (config["system"], config["preset"], config["max_steps"], config["n_d"]) == (
            "pseudo_label",
            "tiny",
            40,
            4,
        )
        assert [row["step"] for row in rows(trained_run)] == [10, 20, 30, 40]
        assert read_image(trained_run / "samples" / "00000040.png").shape[-1] == 3
        assert [file.name for file in (trained_run / "checkpoints").iterdir()] == ["00000040.ckpt"]
        summary = json.loads((trained_run / "summary.json").read_text())
        assert summary["iterations"] == 40
        assert summary["steps_per_second"] > 0
        assert load(trained_run).config.n_d == 4

    def test_the_log_has_every_term_and_the_time_of_every_step(self, trained_run):
        for row in rows(trained_run):
            assert {"loss_D", "loss_G", "lambda_d", "lambda_c"} < row.keys()
            assert row["step_time"] > 0
            assert 0 <= row["data_time"] < row["step_time"] + row["data_time"]
            assert row["steps_per_second"] == pytest.approx(1 / (row["step_time"] + row["data_time"]), rel=1e-3)

    def test_only_the_newest_checkpoints_stay(self, run):
        folder = run(max_steps=7, checkpoint_every=2, keep_checkpoints=2, sample_every=3)
        assert sorted(file.name for file in (folder / "checkpoints").iterdir()) == ["00000006.ckpt", "00000007.ckpt"]
        assert sorted(file.name for file in (folder / "samples").iterdir()) == [
            f"{iteration:08d}.png" for iteration in (3, 6, 7)
        ]

    def test_an_existing_folder_is_not_touched(self, run, tmp_path):
        folder = tmp_path / "run"
        folder.mkdir()
        (folder / "notes.txt").write_text("mine")
        with pytest.raises(InputError, match=r"exists already .*--resume"):
            run(max_steps=1)
        assert [file.name for file in folder.iterdir()] == ["notes.txt"]

    def test_an_empty_folder_is_used(self, run, tmp_path):
        (tmp_path / "run").mkdir()
        assert (run(max_steps=1) / "weights" / "config.json").exists()

    def test_weights_can_be_saved_in_half_precision(self, run, trained_run):
        folder = run(max_steps=1, weights_precision="float16")
        sizes = [(f / "weights" / "model.safetensors").stat().st_size for f in (folder, trained_run)]
        assert sizes[0] < 0.6 * sizes[1]
        assert load(folder).sweep(frames=2).frames.shape == (2, 16, 16, 3)

    def test_no_steps_give_untrained_weights(self, run):
        folder = run(max_steps=0)
        assert load(folder).sweep(frames=2).frames.shape == (2, 16, 16, 3)

    def test_a_machine_that_has_a_number_trains_by_itself(self, run, monkeypatch):
        """As on a cluster that numbers its machines, for a run on one of them."""
        monkeypatch.setenv("NODE_RANK", "1")
        folder = run(max_steps=1)
        assert {"config.yaml", "summary.json", "weights"} < {file.name for file in folder.iterdir()}


class TestStopping:
    def test_time_is_kept(self, run):
        """A run of a million steps ends after its time, with everything in its place."""
        folder = run(max_steps=1_000_000, max_time="0.5s")
        summary = json.loads((folder / "summary.json").read_text())
        assert 0 < summary["iterations"] < 100_000
        assert (folder / "checkpoints" / f"{summary['iterations']:08d}.ckpt").exists()
        assert (folder / "weights" / "model.safetensors").exists()

    def test_a_loss_that_is_no_number_names_iteration_term_and_checkpoint(self, run, monkeypatch, tmp_path):
        """Also when it comes between two checks, and with nothing bad ever written to a checkpoint."""
        step_G = PseudoLabel.step_G

        def spoiled(self, *arguments):
            losses = step_G(self, *arguments)
            return losses | ({"loss_G": torch.tensor(float("nan"))} if self.iteration == 7 else {})

        monkeypatch.setattr(PseudoLabel, "step_G", spoiled)
        with pytest.raises(TrainingFailed, match=r"iteration 8: loss_G is nan; .*00000004\.ckpt"):
            run(max_steps=20, log_every=5, checkpoint_every=4)
        folder = tmp_path / "run"
        assert [file.name for file in (folder / "checkpoints").iterdir()] == ["00000004.ckpt"]
        assert not (folder / "weights").exists()
        assert [row["step"] for row in rows(folder)] == [4, 5]

    def test_weights_that_explode_are_never_saved(self, run, tmp_path):
        """A huge learning rate, seen in the losses or in the weights, whichever comes first."""
        with pytest.raises(TrainingFailed, match=r"iteration \d+: .* is (nan|inf); .*no checkpoint was written yet"):
            run(max_steps=50, lr_D=1e30, lr_G=1e30, log_every=1)
        assert not list((tmp_path / "run" / "checkpoints").glob("*"))

    def test_an_interrupt_leaves_the_checkpoints_there_are(self, run, monkeypatch):
        step_D = PseudoLabel.step_D

        def interrupted(self, *arguments):
            if self.iteration == 5:
                raise KeyboardInterrupt
            return step_D(self, *arguments)

        monkeypatch.setattr(PseudoLabel, "step_D", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(max_steps=20, checkpoint_every=2)
        monkeypatch.setattr(PseudoLabel, "step_D", step_D)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert json.loads((run(resume=True, max_steps=6) / "summary.json").read_text())["iterations"] == 6


class TestArithmetic:
    def test_bfloat16_trains_close_to_float32(self, run, tmp_path):
        """Losses and weights stay float32; the networks compute in half the bits."""
        losses = []
        for precision in ("float32", "bf16"):
            folder = run(out=tmp_path / precision, precision=precision, max_steps=3, log_every=1)
            losses.append([[row["loss_D"], row["lambda_d"], row["lambda_c"]] for row in rows(folder)])
            assert {weight.dtype for weight in load(folder).parameters()} == {torch.float32}
        assert losses[0] != losses[1]
        assert np.allclose(losses[0], losses[1], atol=0.05)

    @pytest.mark.parametrize("generator", ["torch", "numpy"])
    def test_training_leaves_the_global_generators_alone(self, run, generator):
        def state() -> bytes:
            if generator == "torch":
                return torch.get_rng_state().numpy().tobytes()
            return np.random.get_state()[1].tobytes()  # noqa: NPY002

        before = state()
        run(max_steps=2)
        assert state() == before


class TestDevices:
    @pytest.mark.skipif(torch.accelerator.is_available(), reason="there is an accelerator here")
    def test_a_device_that_is_not_there_is_refused_before_anything_is_written(self, run, tmp_path):
        with pytest.raises(InputError, match="accelerator: 1 wanted, this machine has 0"):
            run(accelerator="gpu")
        assert not (tmp_path / "run").exists()


class TestData:
    def test_fewer_frames_than_a_batch_are_refused_at_once(self, run, tmp_path):
        np.save(tmp_path / "few.npy", np.zeros((5, 16, 16, 3), np.uint8))
        with pytest.raises(InputError, match="batch size 16: is more than the dataset's 5 examples"):
            run(data=str(tmp_path / "few.npy"))

    def test_bad_files_are_set_aside_by_name_or_stop_the_run(self, run, tmp_path, capsys):
        folder = tmp_path / "data"
        folder.mkdir()
        np.save(folder / "good.npy", np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), np.uint8))
        (folder / "bad.mp4").write_text("not a video")
        run(data=str(folder), max_steps=1, quiet=False)
        assert f"set aside: {folder}/bad.mp4: cannot be read" in capsys.readouterr().err
        with pytest.raises(InputError, match=r"bad\.mp4"):
            run(data=str(folder), strict=True, out=tmp_path / "strict")

    def test_a_run_may_use_some_labels_and_few_clips_of_each_subject(self, run, tmp_path):
        """And what it held out is found again, by its folder."""
        frames = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), np.uint8)
        for label in ("wave", "bend", "jump"):
            for subject in ("anna", "ben"):
                for take in range(3):
                    (tmp_path / "data" / label / subject).mkdir(parents=True, exist_ok=True)
                    np.save(tmp_path / "data" / label / subject / f"{take}.npy", frames)
        options = {"only": ["wave", "bend"], "per_subject": 4, "held_out": 1, "split_by": "subject", "max_clips": None}
        folder = run(data=str(tmp_path / "data"), max_steps=1, **options)
        seen, held_out = clips_of_run(folder, load(folder))
        assert seen.label_names == ["wave", "bend"]
        assert {*seen.column("subject")}.isdisjoint(held_out.column("subject"))
        assert 0 < len(seen) <= 4

    @pytest.mark.parametrize("data", ["nowhere", "empty"])
    def test_nothing_to_train_on_is_said(self, run, tmp_path, data):
        (tmp_path / "empty").mkdir()
        with pytest.raises(InputError, match=data):
            run(data=str(tmp_path / data))

    def test_unknown_systems_and_options_are_refused(self, run):
        with pytest.raises(InputError, match=r"pseudolabel: no such system \(there are pseudo_label"):
            train("pseudolabel")
        with pytest.raises(InputError, match="learning_rate"):
            run(learning_rate=1e-3)
