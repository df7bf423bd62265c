"""The literal transcription of chapter 5, and that ours computes the same: values, gradients, losses."""

from collections.abc import Callable, Iterator

import mintgan_reference as reference
import mintgan_reference_training as literal
import pytest
import torch
from torch import Tensor, nn

from mutoscope.losses import r1
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import ResidualDiscriminator, TemporalPyramid
from mutoscope.nn.filters import blur, downsample, upsample
from mutoscope.systems.mintgan import MintGAN, MintGANConfig
from mutoscope.systems.mintgan.networks import Generator, ModulatedConv2d

WIDTHS = [16, 16, 12, 8]
SMALL = {"d_a": 16, "d_m": 8, "N": 16, "image_size": 32, "frames": 16, "widths": WIDTHS, "widths_D": WIDTHS}
CLIPS = 2


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.fixture(autouse=True)
def same_numbers() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def close(found: Tensor, expected: Tensor, tolerance: float = 1e-4) -> None:
    """Equal but for `tolerance` of the largest value."""
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance * float(expected.detach().abs().max()))


class TestSizes:
    """Section 4.3 of the specification: how many weights chapter 5's networks have, with StyleGAN2's noise scalars."""

    @pytest.mark.parametrize(
        ("image_size", "G_S", "G", "D_I", "D_V"),
        [
            (64, 21_718_296, 27_365_656, 23_407_361, [23_418_881, 23_412_737, 23_409_665, 23_408_129]),
            (128, 22_423_965, 28_071_325, 23_882_369, [23_888_129, 23_885_057, 23_883_521, 23_882_753]),
        ],
    )
    def test_networks_have_the_published_numbers_of_weights(
        self, image_size: int, G_S: int, G: int, D_I: int, D_V: list[int]
    ) -> None:
        with torch.device("meta"):
            generator = reference.Generator(image_size)
            D, pyramid = reference.Discriminator(3, image_size), reference.pyramid(4, 3, image_size)
        assert parameters(generator.G_S) == G_S
        assert parameters(generator.G_A) == parameters(generator.G_M) == 2_101_248
        assert parameters(generator.gru) == 1_182_720
        assert generator.M.numel() == 262_144
        assert parameters(generator) == G
        assert parameters(D) == D_I
        assert [parameters(D) for D in pyramid] == D_V

    @pytest.mark.parametrize(("image_size", "left"), [(32, 2), (64, 1)])
    def test_the_3d_discriminator_halves_time_with_space(self, image_size: int, left: int) -> None:
        widths = [4] * 5
        D = reference.Discriminator3d(3, image_size, 16, widths)
        blocks = D.blocks(D.from_rgb(torch.randn(1, 3, 16, image_size, image_size)))
        assert blocks.shape == (1, 4, left, 4, 4)

    def test_the_3d_discriminator_sees_every_frame(self) -> None:
        clips = torch.randn(2, 16, 3, 32, 32, requires_grad=True)
        reference.Discriminator3d(3, 32, 16, WIDTHS)(clips).sum().backward()
        assert (clips.grad.abs().amax((2, 3, 4)) > 0).all()


class TestLayers:
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            (lambda x: blur(x, 2), lambda x: reference.upfirdn(x, reference.FIR, pad=(2, 2))),
            (downsample, lambda x: reference.upfirdn(x, reference.FIR, down=2, pad=(1, 1))),
            (upsample, lambda x: reference.upfirdn(x, 4 * reference.FIR, up=2, pad=(2, 1))),
        ],
        ids=["blur", "downsample", "upsample"],
    )
    def test_filters_agree(self, ours: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor]) -> None:
        x = torch.randn(2, 3, 8, 8)
        close(ours(x), theirs(x), 1e-6)

    @pytest.mark.parametrize("up", [False, True])
    def test_scaled_channels_are_weights_of_their_own(self, up: bool) -> None:
        theirs, ours = reference.ModulatedConv(6, 5, 3, 4, upsample=up), ModulatedConv2d(6, 5, 3, 4, up=up)
        ours.load_state_dict(
            {
                "weight": theirs.weight[0],
                "style.weight": theirs.modulation.weight,
                "style.bias": theirs.modulation.bias,
            }
        )
        x, w = torch.randn(3, 6, 8, 8), torch.randn(3, 4)
        y, demodulation = ours(x, w)
        close(y * demodulation, theirs(x, w), 1e-5)


class TestNetworks:
    def test_generators_agree_in_clips_and_gradients(self) -> None:
        theirs = reference.Generator(32, 3, 16, 8, 16, WIDTHS, depth=4).double()
        ours = Generator(MintGANConfig(**SMALL, mlp_depth=4)).double()
        ours.load_state_dict(literal.weights_of_G(theirs))
        z_a, z_m = (torch.randn(shape).double() for shape in ((CLIPS, 16), (CLIPS, 15, 8)))
        expected, found = theirs(z_a, z_m).transpose(1, 2), ours(z_a, z_m)
        close(found, expected, 1e-10)
        towards = torch.randn_like(expected)
        (expected * towards).sum().backward()
        (found * towards).sum().backward()
        gradients = literal.weights_of_G(with_gradients(theirs))
        for name, p in ours.named_parameters():
            close(p.grad, gradients[name], 1e-5)

    @pytest.mark.parametrize("channels", [3, 48])
    def test_discriminators_agree_in_logits_slopes_and_gradients_of_r1(self, channels: int) -> None:
        theirs, ours = reference.Discriminator(channels, 32, WIDTHS), ResidualDiscriminator(channels, 32, WIDTHS)
        ours.load_state_dict(literal.weights_of_D(theirs))
        x = torch.randn(4, channels, 32, 32)
        penalties = []
        for D in (theirs, ours):
            seen = x.clone().requires_grad_()
            score = D(seen)
            penalties.append((score, r1(score, seen)))
            sum(penalties[-1]).sum().backward()
        for expected, found in zip(*penalties, strict=True):
            close(found, expected)
        gradients = literal.weights_of_D(with_gradients(theirs))
        for name, p in ours.named_parameters():
            close(p.grad, gradients[name])

    @pytest.mark.parametrize("levels", [0, 1, 4])
    def test_pyramids_agree(self, levels: int) -> None:
        theirs, ours = reference.pyramid(levels, 3, 32, 16, WIDTHS), TemporalPyramid(3, 32, 16, levels, WIDTHS)
        for D, own in zip(theirs, ours.discriminators, strict=True):
            own.load_state_dict(literal.weights_of_D(D))
        clips = torch.randn(CLIPS, 16, 3, 32, 32)
        found = ours(clips.transpose(1, 2))
        assert len(found) == levels
        for level, (D, score) in enumerate(zip(theirs, found, strict=True)):
            torch.testing.assert_close(score, D(reference.time_to_channels(clips, 2**level)), rtol=1e-4, atol=1e-5)


class TestTraining:
    """Ours makes the fake clips once where the literal step makes them twice: both times from the same noise, here."""

    @pytest.mark.parametrize("iteration", [0, 1], ids=["with R1", "without"])
    def test_losses_of_a_step_agree(self, fit: Callable[..., dict[str, float]], iteration: int) -> None:
        system = MintGAN(MintGANConfig(**SMALL, mlp_depth=2))
        training = literal.training_of(system)
        literal.hand_over(training, system)
        system.iteration = training.iteration = iteration
        clips = torch.randint(0, 256, (CLIPS, 16, 32, 32, 3), dtype=torch.uint8)
        noise, times = literal.draws_of(system, CLIPS)
        real = uint8_to_float(clips).contiguous()
        expected = training.step(real, noise, noise, times)
        found = fit(system, {"clip": clips})
        assert found == pytest.approx({name: loss.item() for name, loss in expected.items()}, rel=1e-4, abs=1e-5)

    def test_a_step_changes_all_weights_and_the_average_follows(self) -> None:
        system = MintGAN(MintGANConfig(**SMALL, mlp_depth=2))
        training = literal.training_of(system)
        networks = (training.G, training.D_I, training.D_V)
        before = [{name: p.detach().clone() for name, p in network.named_parameters()} for network in networks]
        noise, times = literal.draws_of(system, CLIPS)
        training.step(torch.randn(CLIPS, 16, 3, 32, 32), noise, noise, times)
        for network, old in zip(networks, before, strict=True):
            kept = {name for name, p in network.named_parameters() if torch.equal(p, old[name])}
            assert all(name.endswith(".noise") for name in kept)
        average, M = training.G_average.M, training.G.M
        close(average, before[0]["M"] + 0.001 * (M - before[0]["M"]), 1e-6)


def with_gradients(network: nn.Module) -> nn.Module:
    """The network with its gradients for weights; weights that nothing depends on have none."""
    for p in network.parameters():
        p.data = torch.zeros_like(p) if p.grad is None else p.grad
    return network
