"""A run that was interrupted, gone on with, is the run that was not, bit for bit (acceptance list 19)."""

import csv
import time
from pathlib import Path

import pytest
import torch

from mutoscope.errors import InputError
from mutoscope.training import train

SCHEDULES = {"joint": "separate", "sequential": "joint", "merged": "joint"}


def newest(run: Path) -> dict:
    return torch.load(sorted((run / "checkpoints").glob("*.ckpt"))[-1], weights_only=True)


def assert_equal(a, b, where: str = "") -> None:
    """Nested states, tensor by tensor."""
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_equal(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for i, pair in enumerate(zip(a, b, strict=True)):
            assert_equal(*pair, f"{where}[{i}]")
    else:
        assert a == b, where


def assert_same_training(a: Path, b: Path) -> None:
    """Weights, averages and all optimiser states of the newest checkpoints are equal."""
    first, second = newest(a), newest(b)
    for part in ("iteration", "state_dict", "optimizer_states"):
        assert_equal(first[part], second[part], part)
    weights = [(run / "weights" / "model.safetensors").read_bytes() for run in (a, b)]
    assert weights[0] == weights[1]


@pytest.fixture
def options(run_options):
    return run_options | {"quiet": True, "log_every": 2}


class TestEquality:
    @pytest.mark.parametrize("schedule", SCHEDULES)
    def test_six_steps_and_six_more_are_twelve(self, tmp_path, options, schedule):
        """19: with noise on what D sees and averaged weights, in every schedule."""
        options |= {"schedule": schedule, "d_batch": SCHEDULES[schedule], "d_noise": 0.2, "ema": 0.9}
        whole = train("pseudo_label", out=tmp_path / "whole", max_steps=12, **options)
        train("pseudo_label", out=tmp_path / "parts", max_steps=6, **options)
        parts = train("pseudo_label", out=tmp_path / "parts", resume=True, max_steps=12, quiet=True)
        assert_same_training(whole, parts)

    def test_a_killed_process_is_gone_on_with(self, tmp_path, options, shell, as_flags):
        """kill -9 at any moment: what was half-written does not matter."""
        flags = as_flags({name: value for name, value in options.items() if name != "quiet"})
        killed = tmp_path / "killed"
        process = shell(
            *("train", "pseudo_label", "--quiet", "--out", str(killed), *flags),
            *("--max_steps", "100000", "--checkpoint_every", "1", "--keep_checkpoints", "3"),
        )
        try:
            while len(list(killed.glob("checkpoints/*.ckpt"))) < 3:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.01)
        finally:
            process.kill()
            process.wait()
        reached = newest(killed)["iteration"]
        train("pseudo_label", out=killed, resume=True, max_steps=reached + 3, quiet=True)
        whole = train("pseudo_label", out=tmp_path / "whole", max_steps=reached + 3, **options)
        assert_same_training(whole, killed)

    def test_a_finished_run_is_left_as_it_is(self, tmp_path, options, trained_run):
        run = train("pseudo_label", out=tmp_path / "run", max_steps=4, **options)
        before = (run / "weights" / "model.safetensors").read_bytes()
        train("pseudo_label", out=run, resume=True, quiet=True)
        assert (run / "weights" / "model.safetensors").read_bytes() == before

    def test_another_run_can_be_gone_on_with_in_a_folder_of_its_own(self, tmp_path, options):
        """From its folder or from one of its checkpoint files; its options are taken over."""
        first = train("pseudo_label", out=tmp_path / "first", max_steps=4, **options)
        stored = {file: file.read_bytes() for file in first.rglob("*") if file.is_file()}
        whole = train("pseudo_label", out=tmp_path / "whole", max_steps=8, **options)
        for source in (first, first / "checkpoints" / "00000004.ckpt"):
            out = tmp_path / f"from-{source.stem}"
            assert_same_training(whole, train("pseudo_label", out=out, resume=source, max_steps=8, quiet=True))
        assert {file: file.read_bytes() for file in first.rglob("*") if file.is_file()} == stored


class TestLog:
    def test_the_log_goes_on_as_if_nothing_had_happened(self, tmp_path, options):
        """Rows after the checkpoint are written again, not twice; a row cut short disappears."""
        run = train("pseudo_label", out=tmp_path / "run", max_steps=8, checkpoint_every=4, **options)
        (run / "checkpoints" / "00000008.ckpt").unlink()
        with (run / "metrics.csv").open("a") as log:
            log.write("10,0.12")
        train("pseudo_label", out=run, resume=True, max_steps=12, quiet=True)
        with (run / "metrics.csv").open() as log:
            rows = list(csv.DictReader(log))
        assert [int(row["step"]) for row in rows] == [2, 4, 6, 8, 10, 12]
        assert all(None not in row.values() for row in rows)


class TestRefusals:
    """Each is one line that names the file, and nothing is written."""

    @pytest.fixture
    def run(self, tmp_path, options) -> Path:
        return train("pseudo_label", out=tmp_path / "run", max_steps=2, **options)

    @pytest.mark.parametrize("damage", ["truncated", "text", "empty", "not a checkpoint"])
    def test_damaged_checkpoints(self, run, damage):
        file = run / "checkpoints" / "00000002.ckpt"
        if damage == "truncated":
            file.write_bytes(file.read_bytes()[:5000])
        elif damage == "text":
            file.write_text("weights, really")
        elif damage == "empty":
            file.write_bytes(b"")
        else:
            torch.save({"weights": torch.zeros(2)}, file)
        with pytest.raises(InputError, match=r"00000002\.ckpt: not a readable checkpoint") as refused:
            train("pseudo_label", out=run, resume=True, max_steps=4, quiet=True)
        assert "\n" not in str(refused.value)

    def test_pickles_are_not_executed(self, run, tmp_path):
        """Checkpoints are read as data only."""
        torch.save({"state_dict": Path("code")}, run / "checkpoints" / "00000002.ckpt")
        with pytest.raises(InputError, match="not a readable checkpoint"):
            train("pseudo_label", out=run, resume=True, max_steps=4, quiet=True)

    @pytest.mark.parametrize("changed", [{"n_d": 7}, {"lr_G": 0.1}, {"schedule": "sequential"}, {"seed": 5}])
    def test_what_a_run_was_trained_with_cannot_change(self, run, changed):
        """Optimisers and draws come from the checkpoint: another value would be ignored or mixed in."""
        before = (run / "config.yaml").read_text()
        with pytest.raises(InputError, match=rf"trained with {next(iter(changed))} .*cannot change"):
            train("pseudo_label", out=run, resume=True, max_steps=4, quiet=True, **changed)
        assert (run / "config.yaml").read_text() == before

    def test_nothing_to_resume(self, tmp_path):
        with pytest.raises(InputError, match="nothing to resume"):
            train("pseudo_label", out=tmp_path / "none", resume=True)
        assert not (tmp_path / "none").exists()

    def test_a_third_run_in_the_way(self, run, tmp_path, options):
        """Going on elsewhere must not overwrite what is there."""
        other = train("pseudo_label", out=tmp_path / "other", max_steps=1, **options)
        before = (other / "config.yaml").read_text()
        with pytest.raises(InputError, match="exists already"):
            train("pseudo_label", out=other, resume=run, max_steps=4, quiet=True)
        assert (other / "config.yaml").read_text() == before

    def test_a_run_of_another_system(self, run):
        config = (run / "config.yaml").read_text()
        (run / "config.yaml").write_text(config.replace("system: pseudo_label", "system: imaginator"))
        with pytest.raises(InputError, match="is a run of another system"):
            train("pseudo_label", out=run, resume=True, max_steps=4, quiet=True)
