"""Runs of ImaGINator from start to weights, and clips drawn from pictures. Numbers are those of the acceptance list."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mutoscope.data import clips_from_arrays
from mutoscope.data.synthetic import make_clips
from mutoscope.errors import InputError
from mutoscope.systems.base import Stage
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.imaginator import ImaGINator, ImaGINatorConfig
from mutoscope.systems.loading import load
from mutoscope.training import train
from mutoscope.training.options import preset, resolve

MOTIONS = ["smile", "frown", "surprise", "nod"]
SMALL = {"d_z": 6, "d_p": 5, "image_size": 32, "ch": 4, "ch_D": 4, "image_frames": 4}
LABELLED = SMALL | {"label_names": MOTIONS}


def small(**choices: Any) -> ImaGINator:
    """An untrained system that knows four labels, always from the same first weights."""
    return ImaGINator.untrained(ImaGINatorConfig(**(LABELLED | choices)))


@pytest.fixture(scope="module")
def batch() -> dict[str, Tensor]:
    """Four clips of a face, one of each motion, as training gets them."""
    made = make_clips("faces", max_clips=4)
    assert made.label_names == MOTIONS
    return {"clip": torch.from_numpy(np.stack(made.clips)), "label": torch.tensor(made.labels)}


def as_floats(clips: Tensor) -> Tensor:
    """Clips as networks see them, `b c t h w` in [-1, 1]."""
    return clips.permute(0, 4, 1, 2, 3).float() / 127.5 - 1


@torch.no_grad()
def settled(system: ImaGINator, batch: dict[str, Tensor]) -> ImaGINator:
    """The system in eval mode, with running statistics as a long training would leave them to these weights."""
    norms = [layer for layer in system.generator.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = 0.9
    system.generator.train()
    for _ in range(3):
        system.generator(as_floats(batch["clip"])[:, :, 0], system.noises(4, 0), torch.eye(4)[batch["label"]])
    return system.eval()


@pytest.fixture(scope="module")
def run_small() -> Callable[..., Path]:
    """`run_small(out, **options)`: three steps on eight clips of faces, from the preset `tiny`."""
    options = {"data": "faces", "max_clips": 8, "held_out": 0, "batch_size": 2, "max_steps": 3, "log_every": 1}
    arguments = SMALL | {"ema": 0.9, "accelerator": "cpu"}

    def run(out: Path, **others: Any) -> Path:
        return train("imaginator", preset="tiny", out=out, quiet=True, **(options | arguments | others))

    return run


@pytest.fixture(scope="module")
def trained(run_small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of such a run, to read from only."""
    return run_small(tmp_path_factory.mktemp("imaginator") / "run")


def stored(run: Path) -> dict[str, Any]:
    return torch.load(run / "checkpoints" / "00000003.ckpt", weights_only=True)


class TestRuns:
    def test_resuming_gives_what_an_uninterrupted_run_gives(self, run_small, trained, tmp_path):
        """21: bit for bit; running statistics, singular vectors, averages and optimisers included."""
        run_small(tmp_path / "run", max_steps=2)
        run_small(tmp_path / "run", resume=True)
        straight, resumed = stored(trained), stored(tmp_path / "run")
        states = straight["state_dict"], resumed["state_dict"]
        assert {key.split(".")[0] for key in states[0]} == {"G", "D_V", "D_I", "G_average"}
        assert {"running_var", "u", "v"} <= {key.rsplit(".", 1)[-1] for key in states[0]}
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
        assert straight["optimizer_states"].keys() == {"G", "D_V", "D_I"}
        torch.testing.assert_close(resumed["optimizer_states"], straight["optimizer_states"], rtol=0, atol=0)

    def test_what_is_stored_draws_the_same(self, trained, tmp_path):
        """21: all arguments go with the weights."""
        system = load(trained)
        again = load(system.save_pretrained(tmp_path / "weights"))
        assert again.config == system.config
        image, z, y = torch.rand(2, 3, 32, 32) * 2 - 1, system.noises(2, 0), torch.eye(4)[:2]
        for network in ("G", "generator"):
            assert torch.equal(getattr(system, network)(image, z, y), getattr(again, network)(image, z, y))
        clips = system.G(image, z, y)
        assert torch.equal(system.D_V(clips, y).score, again.D_V(clips, y).score)
        assert torch.equal(system.D_I(clips[:, :, 3]), again.D_I(clips[:, :, 3]))

    def test_labels_left_to_the_data_are_those_of_the_data(self, trained):
        """22: their names, in their order, go with weights and checkpoints."""
        system = load(trained)
        assert (system.label_names, system.config.columns) == (MOTIONS, ("label",))
        assert json.loads((trained / "weights" / "config.json").read_text())["label_names"] == MOTIONS
        assert stored(trained)["config"]["label_names"] == MOTIONS

    def test_labels_can_be_done_without(self, run_small, tmp_path):
        """4: although the data has them."""
        system = load(run_small(tmp_path / "run", label_names=[], max_steps=1))
        assert (system.label_names, system.config.columns) == ([], ())
        assert len(list(system.outputs(Conditions.of_pictures(np.zeros((2, 32, 32, 3), np.uint8), 16)))) == 2

    def test_data_without_labels_trains_a_system_without(self, run_small, tmp_path):
        """4: the user need not say so."""
        np.save(tmp_path / "clip.npy", np.zeros((20, 32, 32, 3), np.uint8))
        options = {"data": str(tmp_path / "clip.npy"), "max_clips": None, "batch_size": 1, "max_steps": 1}
        system = load(run_small(tmp_path / "run", **options))
        assert system.label_names == []

    @pytest.mark.parametrize("names", [["left", "right"], MOTIONS[::-1]])
    def test_names_of_labels_must_be_those_of_the_data(self, run_small, tmp_path, names):
        """In its order, for numbers are what training gets."""
        with pytest.raises(InputError, match=r"^label_names: .* are not those of faces, which has .*$"):
            run_small(tmp_path / "run", label_names=names)

    def test_labels_asked_for_must_be_there_at_all(self, run_small, tmp_path):
        np.save(tmp_path / "clip.npy", np.zeros((20, 32, 32, 3), np.uint8))
        options = {"data": str(tmp_path / "clip.npy"), "max_clips": None, "batch_size": 1, "label_names": MOTIONS}
        with pytest.raises(InputError, match="which has no labels"):
            run_small(tmp_path / "run", **options)

    def test_the_tiny_preset_trains(self, tmp_path):
        """30, in part: also in half precision, with weights in whole."""
        options = {"data": "faces", "max_clips": 4, "held_out": 0, "batch_size": 2, "accelerator": "cpu"}
        run = train(
            "imaginator", preset="tiny", out=tmp_path / "run", quiet=True, max_steps=2, precision="bf16", **options
        )
        system = load(run)
        config = system.config
        assert (config.length, config.image_size, config.d_z, config.label_names) == (16, 32, 64, MOTIONS)
        assert {weight.dtype for weight in system.parameters()} == {torch.float32}

    def test_presets_differ_where_the_thesis_and_its_code_do(self):
        """29: the fields of section 10."""
        paper, release = preset("imaginator", "paper"), preset("imaginator", "release")
        differing = {name: (paper.get(name), release.get(name)) for name in paper | release}
        assert {name: pair for name, pair in differing.items() if pair[0] != pair[1]} == {
            "frame_step": ([2, 2], [1, 1]),
            "deconv_init": ("normal", "default"),
            "wrong_labels": (True, False),
            "image_frames": (16, 1),
            "lambda_rec": (1e-3, 100),
            "rec_reduction": ("sum", "mean"),
            "order": ("D first", "G first"),
            "lr_D": (5e-5, 2e-4),
        }
        assert (paper["batch_size"], paper["ch"], paper["d_z"], paper["frames"]) == (64, 64, 512, 32)

    def test_the_defaults_are_those_of_the_thesis(self):
        """The preset says no more than the config does by default, and how the run goes."""
        run, config = resolve("imaginator", preset("imaginator", "paper"))
        assert config == ImaGINatorConfig(frames=32)
        assert ImaGINatorConfig().length == 32  # null: half the image size
        assert (run.batch_size, run.max_steps) == (64, 55_000)

    def test_clips_too_short_rest_on_their_last_frame(self):
        """18: 16 frames of 5, at the largest step that fits."""
        short = clips_from_arrays([np.arange(5, dtype=np.uint8)[:, None, None, None].repeat(32, 1)], name="short")
        window = small(label_names=[]).examples(short, Stage("train"))[0]["clip"]
        assert window[:, 0, 0, 0].tolist() == [0, 1, 2, 3] + [4] * 12

    def test_single_frames_are_refused(self):
        pictures = clips_from_arrays([np.zeros((1, 32, 32, 3), np.uint8)] * 3, name="pictures")
        with pytest.raises(InputError, match=r"^pictures: holds single frames only \(expected clips\)$"):
            ImaGINatorConfig().for_data(pictures)


class TestAnimating:
    """`outputs`: what is measured."""

    @pytest.fixture(scope="class")
    @classmethod
    def system(cls, trained: Path, batch: dict[str, Tensor]) -> ImaGINator:
        return settled(load(trained), batch)

    @staticmethod
    def pictures(n: int) -> np.ndarray:
        return np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3), np.uint8)

    def animated(
        self, system: ImaGINator, n: int, labels: list[int] | None = None, frames: int = 16, seed: int = 0
    ) -> np.ndarray:
        return np.stack(list(system.outputs(Conditions.of_pictures(self.pictures(n), frames, labels), seed)))

    def test_clips_are_those_of_the_seed(self, system):
        first = self.animated(system, 3, seed=1)
        assert first.shape == (3, 16, 32, 32, 3)
        assert np.array_equal(first, self.animated(system, 3, seed=1))
        assert not np.array_equal(first, self.animated(system, 3, seed=2))

    def test_the_first_of_more_are_those_of_fewer(self, system):
        """Up to rounding, a level: alone, among a few, or after more than are drawn at once."""
        many = self.animated(system, 10).astype(int)
        for n in (1, 5, 9):
            assert np.abs(self.animated(system, n)[-1] - many[n - 1]).max() <= 1

    def test_a_mode_is_left_as_it_was(self, system):
        before = copy.deepcopy(system.state_dict())
        drawn = self.animated(system, 2)
        system.train()
        assert np.array_equal(self.animated(system, 2), drawn)
        assert system.G.training
        system.eval()
        assert all(torch.equal(before[name], value) for name, value in system.state_dict().items())

    def test_all_labels_come_in_turn(self, system):
        """For a system with labels that are not said."""
        in_turn = self.animated(system, 6)
        assert np.array_equal(in_turn, self.animated(system, 6, [0, 1, 2, 3, 0, 1]))
        assert not np.array_equal(in_turn, self.animated(system, 6, [0] * 6))

    @pytest.mark.parametrize("frames", [1, 7, 16])
    def test_clips_are_cut_to_what_is_asked(self, system, frames):
        whole = self.animated(system, 2)
        assert np.array_equal(self.animated(system, 2, frames=frames), whole[:, :frames])

    def test_more_frames_than_there_are_are_refused(self, system):
        message = r"^frames: 17 is more than this imaginator draws \(expected at most 16\)$"
        with pytest.raises(InputError, match=message):
            self.animated(system, 2, frames=17)

    @pytest.mark.parametrize("label", [4, 17, -1])
    def test_unknown_labels_are_refused_with_the_known_ones(self, system, label):
        known = "0 smile, 1 frown, 2 surprise, 3 nod"
        with pytest.raises(InputError, match=f"^label: {label} is unknown .expected one of {known}.$"):
            self.animated(system, 2, [0, label])

    def test_labels_of_clips_are_known_by_their_names(self, system):
        """In whatever order the clips have them; a system without labels leaves them aside."""
        frames = [np.repeat(picture[None], 3, axis=0) for picture in self.pictures(2)]
        clips = clips_from_arrays(frames, name="two", columns={"label": [0, 1]}, label_names=["nod", "smile"])
        drawn = np.stack(list(system.outputs(Conditions.of(clips, frames=16))))
        assert np.array_equal(drawn, self.animated(system, 2, [3, 0]))
        without = small(label_names=[])
        assert np.array_equal(
            np.stack(list(without.outputs(Conditions.of(clips, frames=16)))), self.animated(without, 2)
        )
        strange = clips_from_arrays(frames, name="two", columns={"label": [0, 0]}, label_names=["wink"])
        with pytest.raises(InputError, match=r"^label: this system was trained without the label wink"):
            system.outputs(Conditions.of(strange, frames=16))

    def test_it_goes_on_from_the_last_of_several_frames(self, system):
        """Those before it come first; a row is as long as it is asked to be."""
        frames = [self.pictures(length) for length in (1, 4)]
        drawn = list(system.outputs(Conditions(2, [16, 19], {"frames": frames}), seed=3))
        pictures = np.stack([seen[-1] for seen in frames])
        expected = list(system.outputs(Conditions.of_pictures(pictures, 16), seed=3))
        assert np.array_equal(drawn[0], expected[0])
        assert np.array_equal(drawn[1], np.concatenate([frames[1][:3], expected[1]]))

    def test_noise_alone_is_refused(self, system):
        with pytest.raises(InputError, match=r"^imaginator: goes on from pictures, it draws none"):
            system.outputs(Conditions(2, 16))

    def test_labels_of_a_system_without_are_refused(self):
        with pytest.raises(InputError, match=r"^label: 0 is given, but this system was trained without labels$"):
            self.animated(small(label_names=[]), 1, [0])

    def test_noise_is_that_of_its_number(self, system):
        assert torch.equal(system.noises(5, 3)[:2], system.noises(2, 3))
        assert not torch.equal(system.noises(2, 3), system.noises(2, 4))

    def test_without_noise_the_seed_does_nothing(self):
        system = small(noise=False)
        assert np.array_equal(self.animated(system, 2, seed=1), self.animated(system, 2, seed=2))

    def test_the_global_generator_is_left_alone(self, system):
        before = torch.get_rng_state()
        self.animated(system, 1)
        assert torch.equal(torch.get_rng_state(), before)

    def test_what_it_is_measured_by(self, system):
        """The names of all that a system with labels and takes is asked; grey levels."""
        made = make_clips("faces", max_clips=8, subjects=1, takes=2)
        columns = {"label": made.labels, "subject": made.subjects}
        measures = system.measure(
            clips_from_arrays(made.clips, name="faces", columns=columns, label_names=made.label_names)
        )
        assert set(measures) == {
            *("picture_kept", "apex", "apex_real", "apex_by_noise", "apex_by_take", "noise_of_takes", "moved_by_label"),
        }
        assert all(0 < value < 255 for value in measures.values())

    @pytest.mark.parametrize("names", [[], MOTIONS])
    def test_a_sheet_shows_every_picture_under_every_label(self, names):
        made = make_clips("faces", max_clips=3)
        sheet = small(label_names=names).sample_sheet(clips_from_arrays(made.clips, name="faces"))
        assert (sheet.rows, sheet.columns) == (3, 1 + max(1, len(names)))


def test_weights_that_are_not_finite_are_refused(tmp_path):
    system = small()
    with torch.no_grad():
        next(system.G.parameters())[0, 0, 0, 0] = float("nan")
    folder = system.save_pretrained(tmp_path / "weights")
    with pytest.raises(InputError, match=r"model.safetensors: G\.\S+ holds values that are not finite"):
        load(folder)
