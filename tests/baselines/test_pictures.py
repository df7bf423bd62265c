"""The baselines that start from a picture: parameter counts, what depends on what, training with and without labels."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import mutoscope
from mutoscope.baselines.mocogan import MoCoGAN, MoCoGANConfig
from mutoscope.baselines.mocogan_picture import PictureMoCoGAN, PictureMoCoGANConfig
from mutoscope.baselines.picture_gan import PictureGAN
from mutoscope.baselines.vgan import VGAN, VGANConfig
from mutoscope.baselines.vgan_picture import PictureVGAN, PictureVGANConfig
from mutoscope.data import open_clips
from mutoscope.errors import InputError
from mutoscope.media.tensors import uint8_to_float
from mutoscope.systems import system_class
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.control import controls_of
from mutoscope.systems.draws import Random
from mutoscope.training import train

ENCODER = 3_577_764  # thesis, Table 3.1, with biases and four batch normalisations
LABELS = ["up", "down", "still"]
TINY = {
    "mocogan_picture": {"image_size": 16, "width": 0.125, "frames": 12},
    "vgan_picture": {"image_size": 16, "width": 0.125, "frames": 8},
}
NAMES = list(TINY)


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def tiny(name: str, **choices) -> PictureGAN:
    cls = system_class(name)
    return cls.untrained(cls.config_class.from_dict(TINY[name] | choices)).eval()


def drawn(
    system: PictureGAN, pictures: np.ndarray, frames: int, labels: list[int] | None = None, seed: int = 0
) -> list[np.ndarray]:
    return list(system.outputs(Conditions.of_pictures(pictures, frames, labels), seed))


def pictures_of(n: int, size: int = 16, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, size, size, channels), dtype=np.uint8)


class TestParameterCounts:
    """At the papers' sizes: 64 x 64 frames, three channels, full width, six labels."""

    def test_mocogan(self):
        system, plain = (
            PictureMoCoGAN(PictureMoCoGANConfig(label_names=[*"abcdef"])),
            MoCoGAN(MoCoGANConfig(categories=6)),
        )
        assert count(system.G.encoder) == ENCODER
        assert count(system.G.frames) == count(plain.G) + 50 * 512 * 16  # a code of 100 instead of 50
        assert count(system.D_I) == count(plain.D_I)
        assert count(system.D_V) == count(plain.D_V)

    def test_vgan(self):
        system, plain = PictureVGAN(PictureVGANConfig(label_names=[*"abcdef"])), VGAN(VGANConfig())
        assert count(system.G.encoder) == ENCODER
        # 100 + 6 more inputs of a map of 2 x 4 x 4 and of one of 4 x 4; six more outputs of D
        assert count(system.G.streams) == count(plain.G) + 106 * 512 * (32 + 16)
        assert count(system.D) == count(plain.D) + 6 * (512 * 32 + 1)


@pytest.mark.parametrize("name", NAMES)
class TestDrawing:
    @pytest.mark.parametrize(("size", "channels"), [(16, 3), (32, 1)])
    def test_clips_have_the_size_asked_for(self, name: str, size: int, channels: int):
        system = tiny(name, image_size=size, channels=channels, frames=16)
        clips = drawn(system, pictures_of(3, size, channels), 7)
        assert len(clips) == 3
        assert all(clip.shape == (7, size, size, channels) and clip.dtype == np.uint8 for clip in clips)

    def test_fewer_frames_are_the_first_of_more(self, name: str):
        system, pictures = tiny(name), pictures_of(1)
        few, all_of_them = (drawn(system, pictures, n)[0] for n in (3, system.config.frames))
        assert np.array_equal(few, all_of_them[:3])

    def test_the_first_of_more_pictures_give_what_fewer_give(self, name: str):
        system, pictures = tiny(name), pictures_of(18)
        few, many = (drawn(system, pictures[:n], 8, seed=5) for n in (2, 18))
        assert np.abs(few[1].astype(int) - many[1]).max() <= 1  # rounding depends on how many are drawn at once

    def test_picture_noise_and_label_all_change_the_clip(self, name: str):
        system = tiny(name, label_names=LABELS)
        pictures, z, y = torch.randn(2, 3, 16, 16), torch.randn(2, system.d_z), torch.eye(3)[:2]
        with torch.no_grad():
            clip, *others = (
                system.clips_from(pictures[i : i + 1], z[j : j + 1], y[k : k + 1])
                for i, j, k in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
            )
        assert all(not torch.equal(clip, other) for other in others)
        assert clip.abs().max() <= 1

    def test_labels_are_numbers_even_where_their_names_are_other_numbers(self, name: str):
        system, picture = tiny(name, label_names=["1", "0"]), pictures_of(1)
        in_turn = drawn(system, picture.repeat(2, 0), 8)
        chosen = drawn(system, picture.repeat(2, 0), 8, [0, 1])
        assert np.array_equal(in_turn, chosen)

    def test_what_cannot_be_drawn_is_refused(self, name: str):
        system, picture = tiny(name, label_names=LABELS), pictures_of(1)
        with pytest.raises(InputError, match=f"frames: 40 is more than this {name} draws"):
            drawn(system, picture, 40)
        with pytest.raises(InputError, match="label: 3 is unknown"):
            drawn(system, picture, 4, [3])
        with pytest.raises(InputError, match="label: 0 is given"):
            drawn(tiny(name), picture, 4, [0])

    def test_there_are_no_clips_from_noise_alone(self, name: str):
        assert tiny(name).protocol == "continuations"
        with pytest.raises(InputError, match="goes on from pictures, it draws none"):
            tiny(name).outputs(Conditions(1, 8))

    def test_controls_show_one_label_or_all(self, name: str, tmp_path: Path):
        system, pictures = tiny(name, label_names=LABELS), pictures_of(2, 24)
        assert list(controls_of(type(system))) == ["animate", "sheet"]
        every = system.animate(picture=pictures, seed=3).frames
        down = system.animate(picture=pictures, label="down", seed=3).frames
        assert every.shape == (system.config.frames, 16, 48, 3)
        assert np.abs(every[:, :, 16:32].astype(int) - down).max() <= 1
        sheet = system.sheet(picture=pictures, columns=4)
        assert (sheet.rows, sheet.columns) == (3, 4)
        assert sheet.save(tmp_path / "sheet.png").stat().st_size > 0
        with pytest.raises(InputError, match="expected one of 0 up, 1 down, 2 still"):
            system.animate(picture=pictures, label="sideways")

    def test_sizes_that_cannot_be_are_refused(self, name: str):
        config = system_class(name).config_class
        for wrong in (
            *({"image_size": 48}, {"frames": 6}, {"frame_step": [2, 1]}, {"dim_picture": 0}, {"lambda_rec": -1.0}),
            *({"dim_picture": 20_000_000}, {"betas": [0.5, 1.0]}, {"width": 0.0}),
        ):
            (choice,) = wrong
            with pytest.raises(InputError, match=rf"^{choice}: .*$"):
                config.from_dict(TINY[name] | wrong)


def run(name: str, out: Path, **options) -> Path:
    """Thirty fast iterations on the same four sprites."""
    values = {"data": "sprites", "max_clips": 4, "held_out": 0, "batch_size": 4, "max_steps": 30, "lr": 2e-3}
    return train(name, out=out, quiet=True, log_every=1, accelerator="cpu", **(TINY[name] | values | options))


@pytest.fixture(scope="module", params=[(name, labelled) for name in NAMES for labelled in (True, False)])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[bool, Path]:
    """A run of each baseline: whether with the labels of the data, and its folder."""
    name, labelled = request.param
    return labelled, run(name, tmp_path_factory.mktemp(name) / "run", label_names=None if labelled else [])


def rows_of(folder: Path) -> list[dict[str, float]]:
    with (folder / "metrics.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


class TestTraining:
    def test_every_layer_of_every_network_moves(self, trained: tuple[bool, Path]):
        system = mutoscope.load(trained[1])
        fresh = type(system).untrained(system.config)
        moved = system.state_dict()
        # a bias in front of a batch normalisation may stay: it has no effect
        still = [key for key, weight in fresh.named_parameters() if weight.ndim > 1 and torch.equal(weight, moved[key])]
        assert not still

    def test_losses_are_logged_and_clips_come_nearer_the_real_ones(self, trained: tuple[bool, Path]):
        labelled, folder = trained
        rows = rows_of(folder)
        assert all(np.isfinite(value) for row in rows for value in row.values())
        assert any(term in rows[0] for term in ("loss_label", "loss_category")) is labelled
        errors = [row["loss_rec"] for row in rows]
        assert np.mean(errors[-3:]) < 0.8 * errors[0]

    def test_labels_are_those_of_the_data_unless_there_are_to_be_none(self, trained: tuple[bool, Path]):
        names = open_clips("sprites", size=16, max_clips=4).label_names
        assert mutoscope.load(trained[1]).label_names == (names if trained[0] else [])

    def test_what_a_clip_owes_to_its_picture_and_label_is_measured(self, trained: tuple[bool, Path]):
        measures = mutoscope.load(trained[1]).measure(open_clips("sprites", size=16, max_clips=2))
        assert measures["picture_kept"] > 0
        assert ("moved_by_label" in measures) is trained[0]

    def test_sheets_start_from_the_clips(self, trained: tuple[bool, Path]):
        system = mutoscope.load(trained[1])
        clips = open_clips("sprites", size=16, max_clips=3)
        sheet = system.sample_sheet(clips)
        assert (sheet.rows, sheet.columns) == (3, 8)
        assert not system.training

    def test_other_labels_than_those_of_the_data_are_refused(self, tmp_path: Path):
        with pytest.raises(InputError, match=r"label_names: .* are not those of sprites"):
            run("vgan_picture", tmp_path / "run", label_names=LABELS)


@pytest.mark.parametrize("name", NAMES)
def test_resuming_gives_what_an_uninterrupted_run_gives(name: str, tmp_path: Path):
    whole = run(name, tmp_path / "whole", max_steps=4)
    run(name, tmp_path / "run", max_steps=2)
    halves = run(name, tmp_path / "run", max_steps=4, resume=True)
    first, second = (mutoscope.load(folder).state_dict() for folder in (whole, halves))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_learns_from_the_first_frame_of_each_window(name: str):
    system = tiny(name)
    clips = torch.randint(0, 256, (2, system.config.frames, 16, 16, 3), dtype=torch.uint8)
    noise = system.noise(2, Random(0, 0))
    picture, z, y = system.inputs(uint8_to_float(clips).movedim(1, 2), None, noise)
    assert torch.equal(picture, uint8_to_float(clips[:, 0]))
    assert z.shape == (2, system.d_z)
    assert y.shape == (2, 0)
