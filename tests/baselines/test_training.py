"""The baselines train by the same commands as the systems: one run each, resumed, on clips with and without labels."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

import mutoscope
from mutoscope.baselines.mocogan import MoCoGANConfig
from mutoscope.data import ClipWindows, open_clips
from mutoscope.errors import InputError
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.control import controls_of
from mutoscope.training import train
from mutoscope.training.options import presets

SMALL = {
    "mocogan": {"image_size": 16, "width": 0.125, "frames": 10, "categories": 4, "d_noise": 0.1, "frame_step": (1, 2)},
    "tgan": {"image_size": 16, "width": 0.125, "frame_step": (1, 1)},
    "vgan": {"image_size": 16, "width": 0.125, "frames": 8},
}
NAMES = list(SMALL)


def run(name: str, out: Path, **options):
    """Six iterations on sprites."""
    values = {"data": "sprites", "max_clips": 12, "batch_size": 4, "max_steps": 6, "log_every": 1, "accelerator": "cpu"}
    return train(name, out=out, quiet=True, **(SMALL[name] | values | options))


@pytest.fixture(scope="module", params=NAMES)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A run of each baseline."""
    return request.param, run(request.param, tmp_path_factory.mktemp(request.param) / "run")


def test_a_run_leaves_weights_that_draw(trained: tuple[str, Path]):
    name, folder = trained
    system = mutoscope.load(folder)
    assert system.name == name
    (clip,) = system.outputs(Conditions(1, 8))
    assert clip.std() > 0


def test_every_layer_of_every_network_has_moved(trained: tuple[str, Path]):
    system = mutoscope.load(trained[1])
    fresh, moved = type(system).untrained(system.config), system.state_dict()
    # a bias in front of a batch normalisation may stay: it has no effect
    still = [key for key, weight in fresh.named_parameters() if weight.ndim > 1 and torch.equal(weight, moved[key])]
    assert not still


def test_resuming_gives_what_an_uninterrupted_run_gives(trained: tuple[str, Path], tmp_path: Path):
    name, whole = trained
    run(name, tmp_path / "run", max_steps=3)
    run(name, tmp_path / "run", resume=True)
    first, second = (mutoscope.load(folder).state_dict() for folder in (whole, tmp_path / "run"))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_losses_are_logged(trained: tuple[str, Path]):
    with (trained[1] / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert all(np.isfinite(float(value)) for row in rows for value in row.values())


def test_every_control_draws(trained: tuple[str, Path], tmp_path: Path):
    system = mutoscope.load(trained[1])
    for name in controls_of(type(system)):
        result = getattr(system, name)()
        assert result.save(tmp_path / f"{name}{result.default_suffix}").stat().st_size > 0


def test_a_step_trains_one_network_at_a_time(trained: tuple[str, Path]):
    system = mutoscope.load(trained[1])
    networks = list(system.children())
    with system.training_only(networks[0]):
        assert all(weight.requires_grad for weight in networks[0].parameters())
        assert not any(weight.requires_grad for network in networks[1:] for weight in network.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_presets_hold_the_papers_and_small_ones(name: str):
    assert {"paper", "tuned", "tiny"} <= presets(name).keys()
    assert presets(name)["paper"].get("width", 1.0) == 1.0


def test_categories_are_those_of_the_data_if_not_given(tmp_path: Path):
    config = MoCoGANConfig(**(SMALL["mocogan"] | {"categories": None}))
    assert config.for_data(open_clips("sprites", size=16, max_clips=4)).categories == 4
    folder = run("mocogan", tmp_path / "run", categories=None, max_steps=1)
    assert mutoscope.load(folder).config.categories == 4


def test_categories_need_as_many_labels(tmp_path: Path):
    with pytest.raises(InputError, match="categories: 3, but sprites has 4 labels"):
        run("mocogan", tmp_path / "run", categories=3)


def test_categories_need_labels_at_all(tmp_path: Path):
    clips = np.zeros((6, 20, 16, 16, 3), np.uint8)
    for i, clip in enumerate(clips):
        np.save(tmp_path / f"{i}.npy", clip)
    with pytest.raises(InputError, match=r"categories: .* has 0 labels"):
        run("mocogan", tmp_path / "run", data=str(tmp_path), max_clips=None)


def test_clips_shorter_than_a_window_are_named(tmp_path: Path):
    clips = open_clips("sprites", size=16, max_clips=4, frames=6)
    with pytest.raises(InputError, match="has 6 frames"):
        ClipWindows(clips, 16)


def test_weizmann_as_published_by_mocogan_trains_it(real_data: Path, tmp_path: Path):
    options = {"data": str(real_data / "weizmann_actions"), "split_by": "subject", "held_out": 1, "max_steps": 2}
    folder = run("mocogan", tmp_path / "run", **options)
    assert mutoscope.load(folder).sample(clips=2).frames.shape == (10, 16, 32, 3)
