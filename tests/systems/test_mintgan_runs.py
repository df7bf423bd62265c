"""Arguments, runs of training, and what is stored of them. Numbers are those of the acceptance list."""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mutoscope.data import clips_from_arrays
from mutoscope.data.synthetic import make_clips
from mutoscope.errors import InputError
from mutoscope.nn import TemporalPyramid
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.loading import load
from mutoscope.systems.mintgan import MintGAN, MintGANConfig
from mutoscope.training import train
from mutoscope.training.options import preset

SMALL = {
    **{"d_a": 8, "d_m": 4, "N": 16, "image_size": 8, "frames": 8, "levels": 3},
    **{"widths": [8, 8], "widths_D": [8, 8], "mlp_depth": 3},
}


def small(**choices: Any) -> MintGAN:
    """An untrained system, always from the same first weights."""
    return MintGAN.untrained(MintGANConfig(**(SMALL | choices)))


@pytest.fixture
def steps(fit: Callable[..., dict[str, float]]) -> Callable[..., None]:
    """`steps(system)`: a step, or more of them, on the same four clips."""
    clips = torch.from_numpy(np.stack(make_clips("moving_sprites", size=8, max_clips=4, frames=8).clips))
    return lambda system, count=1: fit(system, {"clip": clips}, count)


class TestChoices:
    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            *(({name: 0}, f"^{name}: 0 is out of range") for name in ("d_a", "d_m", "N", "mlp_depth")),
            *(({name: 0}, f"^{name}: 0 is out of range") for name in ("image_frames", "r1_every")),
            *(
                ({name: -1.0}, rf"^{name}: -1.0 is out of range \(expected 0 or more")
                for name in ("lambda_V", "r1_gamma")
            ),
            *(({name: 0.0}, rf"^{name}: 0.0 is out of range \(expected above 0\)$") for name in ("lr", "mapping_lr")),
            ({"motion_gain": 0.0}, "^motion_gain: 0.0 is out of range"),
            ({"lambda_V": math.nan}, "^lambda_V: nan is out of range"),
            ({"N": 20_000_000}, r"^N: 20000000 is out of range \(expected 1 to 8192\)$"),
            ({"betas": [0.0, 1.0]}, r"^betas: 1.0 is out of range \(expected 0 to below 1\)$"),
            ({"betas": [-1.0, 0.9]}, "^betas: -1.0 is out of range"),
            ({"frames": 1}, "^frames: 1 is out of range"),
            ({"frame_step": [2, 1]}, r"^frame_step: \(2, 1\) is empty"),
            ({"levels": 4}, r"^frames: 8 is too few for 4 speeds \(expected at least 16\)$"),
            ({"levels": -1}, "^levels: -1 is out of range"),
            ({"ema": 1.0}, "^ema: 1.0 is out of range"),
            ({"levels": 0, "use_D_I": False}, "^use_D_I: false leaves no discriminator"),
            ({"image_size": 12}, r"^image_size: 12 \(expected 8, 16, 32"),
            ({"widths": [8]}, r"^widths: \[8\] \(expected 2 numbers"),
            ({"widths": [8, 0]}, "^widths: 0 is out of range"),
            ({"widths_D": [8, 8, 8]}, r"^widths_D: \[8, 8, 8\] \(expected 2 numbers"),
            ({"widths_D": [4], "d_v": "3d", "use_D_I": False}, r"^widths_D: \[4\]"),
            ({"channels": 4}, "channels"),
            ({"motion_bank": "pca"}, "motion_bank"),
            ({"order": "random"}, "order"),
        ],
        ids=str,
    )
    def test_what_cannot_be_is_refused(self, wrong, message):
        """In one line, before there is a network."""
        with pytest.raises(InputError, match=message) as refused:
            MintGANConfig.from_dict(SMALL | wrong)
        assert "\n" not in str(refused.value)

    def test_single_frames_are_refused(self):
        pictures = clips_from_arrays([np.zeros((1, 8, 8, 3), np.uint8)] * 3, name="pictures")
        with pytest.raises(InputError, match=r"pictures: holds single frames only \(expected clips\)"):
            MintGANConfig().for_data(pictures)

    def test_the_defaults_are_those_of_the_thesis(self):
        """Section 5.3.1: sizes, λ, learning rate and decay rates, in the preset as in the arguments."""
        config, paper = MintGANConfig(), preset("mintgan", "paper")
        assert {"d_a", "d_m", "N", "levels", "lambda_V", "lr", "image_size", "frames"} <= paper.keys()
        shared = paper.keys() & config.to_dict().keys()
        assert {name: paper[name] for name in shared} == {name: config.to_dict()[name] for name in shared}
        assert (config.d_a, config.d_m, config.N, config.frames, config.size) == (512, 256, 512, 16, (64, 64))
        assert (config.lambda_V, config.lr, config.betas) == (0.5, 2e-3, (0.0, 0.99))
        with torch.device("meta"):
            system = MintGAN(config)
        assert isinstance(system.D_V, TemporalPyramid)
        assert [count for _, count in system.D_V.speeds] == [16, 8, 4, 2]
        assert paper["batch_size"] == 32


@pytest.fixture(scope="module")
def run_small() -> Callable[..., Path]:
    """`run_small(out, **options)`: four steps on eight sprites, from the preset `tiny`."""
    options = {"data": "moving_sprites", "max_clips": 8, "held_out": 0, "batch_size": 4, "max_steps": 4, "log_every": 1}
    arguments = SMALL | {"ema": 0.9, "r1_every": 3, "noise": True, "random_phase": True, "accelerator": "cpu"}

    def run(out: Path, **others: Any) -> Path:
        return train("mintgan", preset="tiny", out=out, quiet=True, **(options | arguments | others))

    return run


@pytest.fixture(scope="module")
def trained(run_small: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of such a run, to read from only."""
    return run_small(tmp_path_factory.mktemp("mintgan") / "run")


def sampled(system: MintGAN) -> np.ndarray:
    return np.stack(list(system.outputs(Conditions(3, 8), seed=1)))


def losses_of(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open() as file:
        return [{name: v for name, v in row.items() if name.startswith("loss")} for row in csv.DictReader(file)]


class TestRuns:
    def test_resuming_gives_what_an_uninterrupted_run_gives(self, run_small, trained, tmp_path):
        """23: losses, weights, averages, directions and states of optimisers, bit for bit."""
        run_small(tmp_path / "run", max_steps=2)
        run_small(tmp_path / "run", resume=True)
        stored = [
            torch.load(run / "checkpoints" / "00000004.ckpt", weights_only=True) for run in (trained, tmp_path / "run")
        ]
        weights = [checkpoint["state_dict"] for checkpoint in stored]
        assert {key.split(".")[0] for key in weights[0]} == {"G", "D_I", "D_V", "G_average"}
        assert {"G.bank.D", "G_average.network.bank.D"} <= weights[0].keys()
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
        states = [checkpoint["optimizer_states"] for checkpoint in stored]
        for trains in "GD":
            for i, state in states[0][trains]["state"].items():
                assert all(torch.equal(value, states[1][trains]["state"][i][name]) for name, value in state.items())
        assert len(losses_of(trained)) == 4
        assert losses_of(trained) == losses_of(tmp_path / "run")
        assert np.array_equal(sampled(load(trained)), sampled(load(tmp_path / "run")))

    def test_what_is_stored_draws_the_same(self, trained, tmp_path):
        """23: bit for bit, with the signs and places of directions."""
        system = load(trained)
        again = load(system.save_pretrained(tmp_path / "weights"))
        assert again.config == system.config
        assert torch.equal(again.generator.directions(), system.generator.directions())
        assert np.array_equal(sampled(again), sampled(system))
        assert not np.array_equal(sampled(system), sampled(small(noise=True)))

    def test_weights_of_a_system_in_training_draw_as_it_does(self, steps, tmp_path):
        """23: averaged weights, with the directions of the averaged M, in whichever order one saves and draws."""
        drawn_first, saved_first = small(ema=0.5), small(ema=0.5)
        for system in (drawn_first, saved_first):
            steps(system, 2)
        expected = sampled(drawn_first)
        for name, system in (("drawn", drawn_first), ("saved", saved_first)):
            stored = load(system.save_pretrained(tmp_path / name))
            assert np.array_equal(sampled(stored), expected)
            assert np.array_equal(sampled(system), expected)

    def test_a_checkpoint_draws_as_the_system_it_was_taken_of(self, steps):
        """23: also where no results had been drawn yet, which brings the averaged M's directions up to date."""
        trained, other, drawn_first = small(ema=0.5), small(ema=0.5), small(ema=0.5)
        for system in (trained, drawn_first):
            steps(system, 2)
        sampled(drawn_first)
        other.load_state_dict(trained.state_dict())
        assert all(torch.equal(value, drawn_first.state_dict()[key]) for key, value in other.state_dict().items())
        assert np.array_equal(sampled(other), sampled(trained))
        assert torch.equal(other.generator.directions(), trained.generator.directions())

    def test_half_precision_keeps_directions_in_full(self, steps, tmp_path):
        """23: rounded, they would not be orthonormal; what is read draws the same as what it stores again."""
        system = small()
        steps(system)
        folder = system.save_pretrained(tmp_path / "half", precision="float16")
        stored = load_file(folder / "model.safetensors")
        assert {name for name, value in stored.items() if value.dtype == torch.float32} == {"G.bank.D"}
        assert torch.equal(stored["G.bank.D"], system.generator.directions())
        once = load(folder)
        assert torch.equal(once.generator.directions(), system.generator.directions())
        assert np.abs(sampled(once).astype(int) - sampled(system)).max() <= 3
        twice = load(once.save_pretrained(tmp_path / "again", precision="float16"))
        assert np.array_equal(sampled(twice), sampled(once))

    @pytest.mark.parametrize("method", ["qr", "free", "none"])
    def test_other_banks_are_stored_as_well(self, steps, tmp_path, method):
        """36."""
        system = small(motion_bank=method)
        steps(system)
        assert np.array_equal(sampled(load(system.save_pretrained(tmp_path / "weights"))), sampled(system))

    def test_training_can_go_on_from_stored_weights(self, trained, steps):
        system = load(trained).train()
        before = system.G.directions().detach().clone()
        steps(system)
        assert ((before @ system.G.directions().T).diagonal() > 0.5).all()

    def test_the_tiny_preset_trains(self, tmp_path):
        options = {"data": "reach", "max_clips": 4, "held_out": 0, "batch_size": 2, "accelerator": "cpu"}
        run = train(
            "mintgan", preset="tiny", out=tmp_path / "run", quiet=True, max_steps=1, precision="bf16", **options
        )
        system = load(run)
        o = system.config
        assert (o.d_a, o.d_m, o.N, o.image_size) == (64, 32, 64, 32)
        assert {value.dtype for value in system.state_dict().values()} == {torch.float32}
        assert next(system.outputs(Conditions(1, 16))).std() > 0
