"""The temporal pyramid as video discriminator of MoCoGAN, TGAN and VGAN, all else being equal (thesis, Table 5.2)."""

from pathlib import Path

import pytest
import torch
from torch import nn

import mutoscope
from mutoscope.baselines.video_gan import VideoGAN
from mutoscope.errors import InputError
from mutoscope.losses import PyramidLoss
from mutoscope.nn import TemporalPyramid
from mutoscope.systems import system_class
from mutoscope.systems.draws import Random
from mutoscope.training import train

PYRAMID = {"d_v": "pyramid", "pyramid_levels": 3, "pyramid_widths": [8, 6, 4]}
TINY = {
    "mocogan": {"image_size": 16, "width": 0.125, "frames": 8},
    "tgan": {"image_size": 16, "width": 0.125},
    "vgan": {"image_size": 16, "width": 0.125, "frames": 8},
}
HOSTS = list(TINY)


def host(name: str, **choices) -> VideoGAN:
    """An untrained one, always from the same first weights."""
    system = system_class(name)
    return system.untrained(system.config_class.from_dict(TINY[name] | PYRAMID | choices))


def pyramid_of(system: VideoGAN) -> TemporalPyramid:
    (found,) = (network for network in system.children() if isinstance(network, TemporalPyramid))
    return found


def run(name: str, out: Path, **options) -> Path:
    """A few iterations on sprites."""
    values = {"data": "sprites", "max_clips": 8, "batch_size": 4, "accelerator": "cpu", "sample_every": 1000}
    return train(name, out=out, quiet=True, **(TINY[name] | PYRAMID | values | options))


@pytest.mark.parametrize("name", HOSTS)
class TestHosts:
    def test_it_takes_the_place_of_the_3d_discriminator(self, name: str):
        """2-D throughout, with the weights that it starts from; all other networks are those of the method."""
        system, usual = host(name), host(name, d_v="3d", **({"frames": 12} if name == "mocogan" else {}))
        assert not any(isinstance(layer, nn.Conv3d) for layer in pyramid_of(system).modules())
        weights = [D.last.weight for D in pyramid_of(system).discriminators]
        assert all(weight.std().item() == pytest.approx(1, rel=0.1) for weight in weights)  # equalised learning rate
        judges = "D_V" if name == "mocogan" else "D"
        own, others = (
            {key: weight.shape for key, weight in s.named_parameters() if key.split(".")[0] != judges}
            for s in (system, usual)
        )
        assert own == others

    def test_a_step_changes_every_tensor(self, name: str, tmp_path: Path):
        before = dict(host(name).named_parameters())
        after = dict(mutoscope.load(run(name, tmp_path / "run", max_steps=1)).named_parameters())
        assert not {key for key in before if torch.equal(before[key], after[key])}

    def test_steps_with_and_without_the_lazy_penalty_are_of_two_kinds(self, name: str):
        system, kinds = host(name), []
        for system.iteration in range(33):
            kinds.append(system.kind)
        assert kinds[0] == kinds[16] == kinds[32] != kinds[1]
        assert len(set(kinds)) == 2
        usual = host(name, d_v="3d", frames=12) if name == "mocogan" else host(name, d_v="3d")
        first, usual.iteration = usual.kind, 1
        assert usual.kind == first

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"pyramid_levels": 0}, r"^pyramid_levels: 0 is out of range \(expected 1 to 10\)$"),
            ({"pyramid_levels": 5}, r"^frames: \d+ is too few for 5 speeds \(expected at least 32\)$"),
            ({"pyramid_widths": [8, 8]}, r"^pyramid_widths: \[8, 8\] \(expected 3 numbers"),
            ({"pyramid_widths": [8, 8, 20_000_000]}, r"^pyramid_widths: 20000000 is out of range"),
            ({"r1_gamma": -1.0}, r"^r1_gamma: -1.0 is out of range \(expected 0 or more\)$"),
        ],
    )
    def test_what_cannot_be_is_refused_before_anything_is_built(self, name: str, wrong: dict, message: str):
        with pytest.raises(InputError, match=message):
            system_class(name).config_class.from_dict(TINY[name] | PYRAMID | wrong)


def test_levels_are_strides_of_the_hosts_own_length():
    """VGAN's clips of 32 frames are seen as 32, 16, 8 and 4 of them."""
    system = host("vgan", frames=32, pyramid_levels=4)
    seen = [D.from_colours.weight.shape[1] for D in pyramid_of(system).discriminators]
    assert seen == [3 * 32, 3 * 16, 3 * 8, 3 * 4]


def test_tgan_with_a_pyramid_is_no_wasserstein_gan():
    """Its loss is the pyramid's, and no singular value is cut at 1, before training or when the critic's would be."""
    system = host("tgan")
    assert system.loss_D == PyramidLoss(10.0)
    system.iteration = system.config.clip_every - 1
    system.after_step()
    assert torch.linalg.matrix_norm(system.D.discriminators[0].last.weight.flatten(1), 2) > 1


def test_mocogan_with_a_pyramid_takes_no_categories():
    with pytest.raises(
        InputError, match=r"^d_v: pyramid takes no labels, and categories is 4 \(expected 0, or d_v 3d\)$"
    ):
        host("mocogan", categories=4)


def test_mocogan_shows_the_pyramid_clips_under_noise():
    """Of the deviation `d_noise`, as all that its discriminators see: D_V's own, and G's."""
    system, seen = host("mocogan", d_noise=0.5), []
    system.D_V.discriminators[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    nn.init.zeros_(system.G.G_I[-2].weight)  # all fakes are mid-grey
    batch = {"clip": torch.full((4, 8, 16, 16, 3), 128, dtype=torch.uint8)}
    system.training_step(batch, system.noise(4, Random(0, 1)), system.optimizers())
    assert len(seen) == 3
    assert all(view.std().item() == pytest.approx(0.5, rel=0.05) for view in seen)
    assert not torch.equal(seen[0], seen[1])


def test_resuming_gives_what_an_uninterrupted_run_gives(tmp_path: Path):
    """Over an iteration with a penalty, the 17th."""
    run("mocogan", tmp_path / "whole", max_steps=18)
    run("mocogan", tmp_path / "run", max_steps=15)
    run("mocogan", tmp_path / "run", resume=True, max_steps=18)
    first, second = (mutoscope.load(tmp_path / folder).state_dict() for folder in ("whole", "run"))
    assert all(torch.equal(first[key], second[key]) for key in first)
