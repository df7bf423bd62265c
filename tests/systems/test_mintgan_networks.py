"""The networks of section 5.2, linear motion decomposition above all. Numbers are those of the acceptance list."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.nn import EqualLinear, blur, upsample
from mutoscope.systems.draws import Draws
from mutoscope.systems.mintgan import MintGANConfig
from mutoscope.systems.mintgan.networks import Generator, Mapping, ModulatedConv2d, StyledConv, ToColours

SMALL = {"image_size": 8, "d_a": 8, "d_m": 4, "N": 16, "widths": [8, 8], "mlp_depth": 3}
STEPS = 15


def of(**arguments: Any) -> Generator:
    """Of the thesis' sizes, but for these."""
    return Generator(MintGANConfig(**arguments))


def small(**arguments: Any) -> Generator:
    """Always from the same first weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Generator(MintGANConfig(**(SMALL | arguments)))


def draws(*size: int, seed: int = 1) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def noise(n: int = 2, steps: int = STEPS, seed: int = 1) -> tuple[Tensor, Tensor]:
    """z_a and z_m."""
    return draws(n, 8, seed=seed), draws(n, steps, 4, seed=seed + 1)


@pytest.fixture(scope="module")
def G() -> Generator:
    """To look at only."""
    return small().requires_grad_(False)


@pytest.fixture(scope="module")
def w_0(G: Generator) -> Tensor:
    return G.appearance(noise()[0])


@pytest.fixture(scope="module")
def A(G: Generator) -> Tensor:
    return G.magnitudes(*noise())


def count(network: nn.Module | None) -> int:
    return sum(p.numel() for p in network.parameters())


class TestParameters:
    """2: section 4.3 of the specification."""

    @pytest.mark.parametrize(
        ("image_size", "of_G_S", "of_all", "scalars"),
        [(64, 21_718_296, 27_365_656, 9), (128, 22_423_965, 28_071_325, 11)],
    )
    def test_of_the_generator(self, image_size, of_G_S, of_all, scalars):
        """Without noise, each of G_S's styled convolutions has a scalar less."""
        with torch.device("meta"):
            noisy, plain = of(image_size=image_size, noise=True), of(image_size=image_size)
        assert (count(noisy.G_S), count(noisy)) == (of_G_S, of_all)
        assert (count(plain.G_S), count(plain)) == (of_G_S - scalars, of_all - scalars)
        assert [count(part) for part in (plain.G_A, plain.G_M, plain.gru, plain.bank)] == [
            2_101_248, 2_101_248, 1_182_720, 262_144,
        ]  # fmt: skip

    def test_of_twice_the_channels(self):
        """From 64 pixels on, as StyleGAN2's larger configuration."""
        with torch.device("meta"):
            wide = [
                of(image_size=size, widths=[512, 512, 512, 512, *more], noise=True)
                for size, more in ((64, [512]), (128, [512, 256]))
            ]
        assert [count(G.G_S) for G in wide] == [24_931_352, 27_227_421]

    def test_sizes_of_noise_and_of_codes_can_differ(self):
        """The GRU's state has the size of z_a, whose first value it is."""
        made = small(d_a=6, d_m=3, N=10)
        assert (made.gru.input_size, made.gru.hidden_size) == (3, 6)
        assert [layer.weight.shape for layer in (*made.G_A, *made.G_M)] == [(10, 6), (10, 10), (10, 10)] * 2


class TestShapes:
    @pytest.mark.parametrize("n", [1, 2])
    @pytest.mark.parametrize("image_size", [64, 128])
    def test_clips(self, n, image_size):
        """1: `b c t h w`, finite."""
        made = small(image_size=image_size, widths=[8, 8, 4, 4, 4, 2][: int(math.log2(image_size)) - 1])
        with torch.no_grad():
            clips = made(*noise(n))
        assert clips.shape == (n, 3, 16, image_size, image_size)
        assert clips.isfinite().all()
        assert clips.std() > 0

    def test_the_networks_of_the_thesis(self):
        """Two frames of theirs."""
        with torch.no_grad():
            clips = of()(draws(1, 512), draws(1, 1, 256))
        assert clips.shape == (1, 3, 2, 64, 64)
        assert clips.isfinite().all()

    @pytest.mark.parametrize(("channels", "steps"), [(1, 1), (3, 31), (3, 0)])
    def test_other_colours_and_lengths(self, channels, steps):
        """16: one frame more than there are steps."""
        assert small(channels=channels)(*noise(2, steps)).shape == (2, channels, steps + 1, 8, 8)


class TestModulation:
    @pytest.mark.parametrize("kernel", [1, 3])
    @pytest.mark.parametrize("up", [False, True])
    def test_it_is_a_convolution_with_weights_of_its_own_for_every_picture(self, kernel, up):
        """StyleGAN2, Eqs. 1 and 3: weights times style, over their norm; as a grouped convolution."""
        if up and kernel == 1:
            return
        conv, x, w = ModulatedConv2d(5, 6, kernel, 4, up), draws(3, 5, 8, 8), draws(3, 4)
        weight = conv.weight / math.sqrt(5 * kernel**2) * conv.style(w)[:, None, :, None, None]
        weight = weight / (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
        if up:
            y = F.conv_transpose2d(x.reshape(1, 15, 8, 8), weight.transpose(1, 2).flatten(0, 1), stride=2, groups=3)
            y = blur(y.reshape(3, 6, 17, 17), 1, gain=4.0)
        else:
            y = F.conv2d(x.reshape(1, 15, 8, 8), weight.flatten(0, 1), padding=kernel // 2, groups=3)
        found, demodulation = conv(x, w)
        torch.testing.assert_close(found * demodulation, y.reshape(found.shape), rtol=1e-4, atol=1e-5)

    def test_the_strength_of_a_style_does_not_matter(self):
        """Demodulation takes it away; signs and ratios stay."""
        conv, x, w = ModulatedConv2d(5, 6, 3, 4), draws(2, 5, 8, 8), draws(2, 4)
        y, demodulation = conv(x, w)
        with torch.no_grad():
            conv.style.weight *= 3
            conv.style.bias *= 3
        stronger, less = conv(x, w)
        torch.testing.assert_close(stronger, 3 * y, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(stronger * less, y * demodulation, rtol=1e-4, atol=1e-4)

    def test_a_code_of_zero_changes_nothing(self):
        """Styles begin at 1."""
        conv, x = ModulatedConv2d(5, 6, 3, 4), draws(2, 5, 8, 8)
        y, _ = conv(x, torch.zeros(2, 4))
        torch.testing.assert_close(y, F.conv2d(x, conv.scaled_weight(), padding=1), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("up", [False, True])
    def test_styled_convolution(self, up):
        """Noise, bias, leaky ReLU 0.2 times √2, in this order."""
        layer, x, w = StyledConv(5, 6, 4, up, noise=True), draws(2, 5, 4, 4), draws(2, 4)
        nn.init.normal_(layer.bias)
        nn.init.constant_(layer.noise_weight, 0.7)
        size = 8 if up else 4
        maps = draws(2, 1, size, size)
        y, demodulation = layer.conv(x, w)
        before = y * demodulation + layer.bias[:, None, None]
        torch.testing.assert_close(layer(x, w, None), math.sqrt(2) * F.leaky_relu(before, 0.2), rtol=1e-4, atol=1e-5)
        expected = math.sqrt(2) * F.leaky_relu(before + 0.7 * maps, 0.2)
        torch.testing.assert_close(layer(x, w, maps), expected, rtol=1e-4, atol=1e-5)

    def test_colours_are_modulated_but_not_demodulated(self):
        """Added to those of half the size, upsampled."""
        layer, x, w, smaller = ToColours(5, 3, 4), draws(2, 5, 8, 8), draws(2, 4), draws(2, 3, 4, 4)
        nn.init.normal_(layer.bias)
        y, _ = layer.conv(x, w)
        y = y + layer.bias[:, None, None]
        torch.testing.assert_close(layer(x, w, None), y, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(layer(x, w, smaller), y + upsample(smaller), rtol=1e-4, atol=1e-5)


class TestMapping:
    def test_layers(self):
        """Section 4.3: eight, each a hundred times slower than others, all with leaky ReLU."""
        with torch.device("meta"):
            layers = list(of().G_A)
        assert len(layers) == 8
        assert all(isinstance(layer, EqualLinear) and layer.lr_mul == 0.01 and layer.activation for layer in layers)

    def test_how_fast_they_learn_is_a_choice(self):
        """At first they compute the same: only their steps are longer."""
        slow, fast = small(), small(mapping_lr=0.1)
        assert {layer.lr_mul for layer in (*fast.G_A, *fast.G_M)} == {0.1}
        torch.testing.assert_close(fast.appearance(noise()[0]), slow.appearance(noise()[0]))
        torch.testing.assert_close(fast.magnitudes(*noise()), slow.magnitudes(*noise()))

    @given(gain=st.floats(0.01, 10))
    def test_the_gain_scales_all_magnitudes(self, G, gain):
        """And nothing else."""
        louder = small(motion_gain=gain).requires_grad_(False)
        torch.testing.assert_close(louder.magnitudes(*noise()), gain * G.magnitudes(*noise()))
        assert torch.equal(louder.appearance(noise()[0]), G.appearance(noise()[0]))

    @pytest.mark.parametrize(("last", "activations"), [(True, [True, True]), (False, [True, False])])
    def test_the_last_activation_is_a_choice(self, last, activations):
        assert [layer.activation for layer in Mapping(3, 4, 2, 0.01, last)] == activations
        made = small(motion_out_act="lrelu" if last else "none")
        assert [made.G_M[-1].activation, made.G_A[-1].activation] == [last, True]

    @given(length=st.floats(0.1, 10))
    def test_the_length_of_appearance_noise_does_not_matter(self, G, length):
        """It is normalised first."""
        z_a = noise()[0]
        torch.testing.assert_close(G.appearance(length * z_a), G.appearance(z_a), rtol=1e-4, atol=1e-5)

    def test_motion_begins_with_the_appearance_noise(self, G):
        """11: h_-1 is z_a as it is, so that another z_a has other magnitudes under the same z_m."""
        z_a, z_m = noise()
        states, _ = nn.GRU.forward(G.gru, z_m, z_a[None])
        torch.testing.assert_close(G.magnitudes(z_a, z_m), G.G_M(states))
        other = G.magnitudes(-z_a, z_m)
        assert (other - G.magnitudes(z_a, z_m)).abs().amax(2).min() > 1e-4
        assert not torch.allclose(G.magnitudes(2 * z_a, z_m), G.magnitudes(z_a, z_m))

    def test_magnitudes_know_the_past_alone(self, G):
        z_a, z_m = noise()
        changed = torch.cat([z_m[:, :7], -z_m[:, 7:]], 1)
        before, after = G.magnitudes(z_a, z_m), G.magnitudes(z_a, changed)
        torch.testing.assert_close(before[:, :7], after[:, :7])
        assert (before[:, 7:] - after[:, 7:]).abs().amax(2).min() > 1e-4


class TestMotionDecomposition:
    @settings(max_examples=20)
    @given(seed=st.integers(0, 1000), n=st.integers(1, 3), steps=st.integers(0, 20))
    def test_the_sum_is_the_recursion(self, G, seed, n, steps):
        """4: Eqs. 5.2 and 5.4, w_t+1 = w_t + Σ α_t,i d_i."""
        w_0, A = draws(n, 16, seed=seed), draws(n, steps, 16, seed=seed + 1)
        W = [w_0]
        for t in range(steps):
            W.append(W[-1] + sum(A[:, t, i, None] * G.directions()[i] for i in range(16)))
        torch.testing.assert_close(G.codes(w_0, A), torch.stack(W, 1), rtol=1e-5, atol=1e-5)

    def test_magnitudes_add_up_along_each_direction(self, G, w_0, A):
        """5: (w_t - w_0) · d_k = Σ_j<t α_j,k."""
        gone = (G.codes(w_0, A) - w_0[:, None]) @ G.directions().T
        assert gone[:, 0].abs().max() == 0
        for k in range(16):
            torch.testing.assert_close(gone[:, 1:, k], A[:, :, k].cumsum(1), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("noisy", [False, True])
    def test_without_motion_a_clip_stands_still(self, noisy):
        """6: also with noise, which is a clip's, not a frame's."""
        made = small(noise=noisy)
        for name, p in made.named_parameters():
            if name.endswith("noise_weight"):
                nn.init.constant_(p, 0.5)
        maps = made.G_S.noise_maps(2, Draws(torch.Generator().manual_seed(0)))
        w_0 = made.appearance(noise()[0])
        clips = made.frames(made.codes(w_0, torch.zeros(2, STEPS, 16)), maps)
        assert (clips - clips[:, :, :1]).abs().max() < 1e-5
        assert (clips[0] - clips[1]).abs().max() > 1e-2

    def test_the_first_frame_is_the_appearance_alone(self, G):
        """7."""
        z_a, z_m = noise()
        clips, others = G(z_a, z_m), G(z_a, -z_m)
        assert torch.equal(clips[:, :, 0], others[:, :, 0])
        assert (clips[:, :, 1:] - others[:, :, 1:]).abs().amax((1, 3, 4)).min() > 1e-4
        torch.testing.assert_close(clips[:, :, 0], G.G_S(G.appearance(z_a)))

    @pytest.mark.parametrize("k", [0, 7, 15])
    def test_a_direction_can_be_taken_away_and_given_back(self, G, w_0, A, k):
        """8 and 9: what "only d_k" moves and what "without d_k" moves is all that moves."""
        is_k = torch.arange(16) == k
        W, only, without = (G.codes(w_0, A * part) for part in (torch.ones(16), is_k, ~is_k))
        term = A[:, :, k].cumsum(1)[..., None] * G.directions()[k]
        torch.testing.assert_close(without[:, 1:] + term, W[:, 1:], rtol=1e-4, atol=1e-5)
        moved = [each - w_0[:, None] for each in (only, without, W)]
        torch.testing.assert_close(moved[0] + moved[1], moved[2], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(moved[0][:, 1:], term, rtol=1e-4, atol=1e-5)

    def test_turning_magnitudes_and_directions_together_changes_nothing(self, G, w_0, A):
        """10: (A R, R^T D) for (A, D)."""
        R, turned = torch.linalg.qr(draws(16, 16))[0], small(motion_bank="free").requires_grad_(False)
        turned.bank.M.copy_(4 * R.T @ G.directions())  # "free" directions are M / √N
        W = turned.codes(w_0, A @ R)
        torch.testing.assert_close(W, G.codes(w_0, A), rtol=1e-4, atol=1e-5)
        turned.G_S.load_state_dict(G.G_S.state_dict())
        torch.testing.assert_close(turned.frames(W), G.frames(G.codes(w_0, A)), rtol=1e-4, atol=1e-4)
        assert not torch.allclose(turned.directions(), G.directions(), atol=0.1)

    def test_a_longer_clip_begins_as_a_shorter_one(self, G):
        """24: 32 and 48 frames."""
        z_a, z_m = noise(2, 47)
        longest = G(z_a, z_m)
        for steps in (STEPS, 31):
            torch.testing.assert_close(G(z_a, z_m[:, :steps]), longest[:, :, : steps + 1], rtol=1e-4, atol=1e-4)
        assert longest.isfinite().all()

    def test_without_a_bank_the_perceptron_gives_the_codes(self):
        """36: motion_bank "none"; the first frame is still the appearance's."""
        made, (z_a, z_m) = small(motion_bank="none"), noise()
        w_0, later = made.appearance(z_a), made.magnitudes(z_a, z_m)
        assert torch.equal(made.codes(w_0, later), torch.cat([w_0[:, None], later], 1))
        with pytest.raises(InputError, match=r"^motion_bank: this generator was built with none, so it has no motion"):
            made.directions()

    @pytest.mark.parametrize("method", ["svd", "eigh", "qr", "orthogonal", "free"])
    def test_gradients_reach_everything_through_codes(self, method):
        """12: a loss on clips pulls at G_A, GRU, G_M, M and G_S."""
        made = small(motion_bank=method, noise=True)
        maps = made.G_S.noise_maps(2, Draws(torch.Generator().manual_seed(0)))
        (made(*noise(), maps) * draws(2, 3, 16, 8, 8)).sum().backward()
        assert {name for name, p in made.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0} == set()


class TestFrames:
    def test_each_is_drawn_from_its_own_code(self, G):
        W = draws(2, 5, 16)
        clips = G.frames(W)
        for i in range(2):
            for t in range(5):
                torch.testing.assert_close(clips[i, :, t], G.G_S(W[i, [t]])[0], rtol=1e-4, atol=1e-5)

    def test_values_are_not_squashed(self, G):
        """No tanh: colours are what the last layer sums up."""
        assert G.frames(10 * draws(2, 5, 16)).abs().max() > 1

    def test_noise_is_a_map_for_each_convolution(self):
        """No map for a network that takes none; the same numbers from the same generator."""
        made = small(image_size=32, widths=[4, 4, 4, 4], noise=True)
        maps, again = (made.G_S.noise_maps(3, Draws(torch.Generator().manual_seed(5))) for _ in range(2))
        assert [tuple(each.shape) for each in maps] == [(3, 1, size, size) for size in (4, 8, 8, 16, 16, 32, 32)]
        assert all(torch.equal(a, b) for a, b in zip(maps, again, strict=True))
        assert small().G_S.noise_maps(3, Draws(torch.Generator())) == []

    def test_noise_differs_between_clips_and_not_within_one(self):
        """Each map is used by all frames of its clip."""
        made, seen = small(noise=True), []
        for layer in [made.G_S.first, *made.G_S.grown, *made.G_S.kept]:
            layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[2].unflatten(0, (2, 16))))
        maps = made.G_S.noise_maps(2, Draws(torch.Generator().manual_seed(0)))
        made(*noise(), maps)
        assert len(seen) == 3
        for used, own in zip(seen, maps, strict=True):
            assert torch.equal(used, own[:, None].expand_as(used))
            assert not torch.equal(used[0], used[1])

    def test_noise_has_no_weight_at_first(self):
        made, z = small(noise=True), noise()
        maps = made.G_S.noise_maps(2, Draws(torch.Generator().manual_seed(0)))
        assert torch.equal(made(*z, maps), made(*z))


class TestAutocast:
    """38: mixed precision is for maps, never for codes, whose steps are finer than it resolves."""

    @pytest.fixture
    def half(self) -> Callable[[], torch.autocast]:
        return lambda: torch.autocast("cpu", torch.bfloat16)

    def test_codes_and_directions_are_untouched(self, G, half):
        z_a, z_m = noise()
        parts = {
            "w_0": lambda: G.appearance(z_a),
            "A": lambda: G.magnitudes(z_a, z_m),
            "D": G.directions,
            "W": lambda: G.codes(G.appearance(z_a), G.magnitudes(z_a, z_m)),
        }
        for name, part in parts.items():
            expected = part()
            with half():
                found = part()
            assert found.dtype == torch.float32, name
            assert torch.equal(found, expected), name

    def test_clips_are_those_of_full_precision_to_rounding(self, G, half):
        expected = G(*noise())
        with half():
            clips = G(*noise())
        assert clips.dtype == torch.bfloat16
        assert (clips - expected).abs().max() < 0.05 * expected.abs().max()

    def test_gradients_are_full_precision(self, half):
        made = small()
        with half():
            loss = (made(*noise()) * draws(2, 3, 16, 8, 8)).sum()
        loss.backward()
        assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in made.parameters())
