"""The temporal pyramid as video discriminator of MoCoGAN, TGAN and VGAN, all else being equal (thesis, Table 5.2)."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import mutoscope
from mutoscope.baselines.video_gan import VideoGAN
from mutoscope.errors import InputError
from mutoscope.losses import r1
from mutoscope.systems import system_class
from mutoscope.systems.pyramid_discriminator import PyramidDiscriminator
from mutoscope.training import train

PYRAMID = {"d_v": "pyramid", "pyramid_levels": 3, "pyramid_widths": [8, 6, 4]}
TINY = {
    "mocogan": {"image_size": 16, "width": 0.125, "frames": 8},
    "tgan": {"image_size": 16, "width": 0.125},
    "vgan": {"image_size": 16, "width": 0.125, "frames": 8},
}
HOSTS = list(TINY)
LN2 = math.log(2)


def host(name: str, **arguments) -> VideoGAN:
    """An untrained one, always from the same first weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return system_class(name)(**(TINY[name] | PYRAMID | arguments))


def pyramid_of(system: VideoGAN) -> PyramidDiscriminator:
    (found,) = (network for network in system.children() if isinstance(network, PyramidDiscriminator))
    return found


def run(name: str, out: Path, **options) -> Path:
    """A few iterations on sprites."""
    values = {"data": "sprites", "max_clips": 8, "batch_size": 4, "accelerator": "cpu", "sample_every": 1000}
    return train(name, out=out, quiet=True, **(TINY[name] | PYRAMID | values | options))


def clips(n: int = 4, frames: int = 8, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, frames, 16, 16, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def small_pyramid(**arguments) -> PyramidDiscriminator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return PyramidDiscriminator(**({"channels": 3, "image_size": 16, "frames": 8, "levels": 3} | arguments))


@pytest.fixture
def pyramid() -> PyramidDiscriminator:
    return small_pyramid(widths=[8, 6, 4], r1_gamma=3.0)


class TestThePyramidsGame:
    @pytest.mark.parametrize("levels", [1, 2, 3])
    def test_logits_of_zero_cost_what_a_coin_does(self, levels: int):
        """2 ln 2 a level; G pays ln 2 a level, times λ = 0.5. A flat discriminator is not penalised."""
        pyramid = small_pyramid(levels=levels, widths=[8, 6, 4])
        for D in pyramid.discriminators:
            nn.init.zeros_(D.head[-1].weight)
        for iteration in (0, 1):
            assert pyramid.loss_D(clips(), clips(seed=1), iteration).item() == pytest.approx(2 * LN2 * levels)
        assert pyramid.loss_G(clips()).item() == pytest.approx(0.5 * LN2 * levels)

    def test_every_sixteenth_iteration_pays_for_sixteen(self, pyramid: PyramidDiscriminator):
        """16 · γ / 2 · R1, of each level on its own view of the real clips; nothing in between."""
        real, fake = clips(), clips(seed=1)
        losses = [pyramid.loss_D(real, fake, iteration).item() for iteration in range(33)]
        assert losses[0] == losses[16] == losses[32]
        assert len({loss for iteration, loss in enumerate(losses) if iteration % 16}) == 1
        penalty = 0.0
        for D, view in zip(pyramid.discriminators, pyramid.views(real), strict=True):
            view.requires_grad_()
            penalty += r1(D(view), view).item()
        assert losses[0] - losses[1] == pytest.approx(16 * 3.0 / 2 * penalty, rel=1e-4)

    def test_levels_play_apart(self, pyramid: PyramidDiscriminator):
        """Odd frames are seen by the fastest alone."""
        real = clips()
        other = real.clone()
        other[:, :, 1::2] = -1
        first, second = pyramid(real), pyramid(other)
        assert not torch.allclose(first[0], second[0])
        assert all(torch.equal(a, b) for a, b in zip(first[1:], second[1:], strict=True))

    def test_its_adam_is_corrected_for_the_lazy_penalty(self, pyramid: PyramidDiscriminator):
        """17 gradients in 16 steps: rate and decay rates to the power of 16 / 17 (Karras et al. 2020, appendix B)."""
        (group,) = pyramid.optimizer().param_groups
        assert group["lr"] == pytest.approx(2e-3 * 16 / 17)
        assert group["betas"] == pytest.approx((0.0, 0.99 ** (16 / 17)))
        assert len(group["params"]) == len(list(pyramid.parameters()))


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

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"pyramid_levels": 0}, "^pyramid_levels: 0 is less than 1$"),
            ({"pyramid_levels": 5}, r"is too few for 5 speeds \(expected at least 32\)$"),
            ({"pyramid_widths": [8, 8]}, r"^pyramid_widths: \[8, 8\] \(expected 3 numbers"),
            ({"r1_gamma": -1.0}, "^r1_gamma: -1.0 is less than 0$"),
        ],
    )
    def test_what_cannot_be_is_refused(self, name: str, wrong: dict, message: str):
        with pytest.raises(InputError, match=message):
            host(name, **wrong)


def test_levels_are_strides_of_the_hosts_own_length():
    """VGAN's clips of 32 frames are seen as 32, 16, 8 and 4 of them."""
    system = host("vgan", frames=32, pyramid_levels=4)
    seen = [D.from_colours.weight.shape[1] for D in pyramid_of(system).discriminators]
    assert seen == [3 * 32, 3 * 16, 3 * 8, 3 * 4]


def test_tgan_with_a_pyramid_is_no_wasserstein_gan():
    """Its losses are logistic, and no singular value is cut at 1."""
    system = host("tgan")
    real, fake = clips(frames=16), clips(frames=16, seed=1)
    assert torch.equal(system.loss_D(real, fake), system.D.loss_D(real, fake, 0))
    assert torch.equal(system.loss_G(fake), system.D.loss_G(fake))
    assert torch.linalg.matrix_norm(system.D.discriminators[0].last.weight.flatten(1), 2) > 1


def test_mocogan_with_a_pyramid_takes_no_categories():
    with pytest.raises(
        InputError, match=r"^d_v: pyramid takes no labels, and categories is 4 \(expected 0, or d_v 3d\)$"
    ):
        host("mocogan", categories=4)


def test_mocogan_shows_the_pyramid_clips_under_noise():
    """Of the deviation `d_noise`, as all that its discriminators see."""
    system, seen = host("mocogan", d_noise=0.5), []
    still = torch.zeros(4, 3, 8, 16, 16)
    system.D_V.discriminators[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    system.losses_D_V(still, still, None)
    system.losses_of_clips(still, None)
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
