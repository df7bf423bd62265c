"""The networks against the layer tables. Numbers in docstrings are those of the acceptance list."""

import json
import math
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mutoscope.data import clips_from_arrays
from mutoscope.errors import InputError
from mutoscope.nn import ImageDiscriminator
from mutoscope.nn.spectral_norm import _SpectralNorm
from mutoscope.systems.g3an import G3AN, G3ANConfig, Generator, VideoDiscriminator, networks
from mutoscope.systems.g3an.networks import Streams, noise_length

SMALL = {"d_a": 4, "d_m": 3, "image_size": 32, "ch": 8, "ch_D": 8, "fsa_level": 2}
LABELS = ["left", "right"]

# choices -> parameters of G: the thesis' sizes, and those of its ablations (Tables 4.3 and 4.4)
PARAMETERS = {
    "full": ({}, 23_090_437),
    "without F-SA": ({"fsa_level": None}, 22_925_955),
    "without G_T": ({"use_T": False}, 21_451_717),
    "without G_S": ({"use_S": False}, 13_351_877),
    "without both": ({"use_S": False, "use_T": False}, 11_713_157),
    "without all": ({"use_S": False, "use_T": False, "fsa_level": None}, 11_671_875),
    "six labels": ({"label_names": list("abcdef")}, 23_102_725),
    "(2+1)D": ({"conv": "2p1d"}, 27_219_205),
    "3D": ({"conv": "3d"}, 65_975_237),
    "(1+2)D, wide": ({"match_params": True}, 65_980_873),
    "(2+1)D, wide": ({"conv": "2p1d", "match_params": True}, 65_963_403),
    "3D, wide": ({"conv": "3d", "match_params": True}, 65_975_237),
}


def small(**choices: Any) -> Generator:
    """A small generator in eval mode, always from the same first weights."""
    torch.manual_seed(0)
    return Generator(G3ANConfig(**(SMALL | choices))).eval()


def judge(**choices: Any) -> VideoDiscriminator:
    """A video discriminator of 8 channels."""
    return VideoDiscriminator(G3ANConfig(**({"ch_D": 8} | choices)))


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def unsized() -> Iterator[None]:
    """Networks that have layers, but no memory and no first weights."""
    with pytest.MonkeyPatch.context() as patch, torch.device("meta"):
        patch.setattr(networks, "init_normal", lambda network: None)
        patch.setattr(networks, "settle_spectral_norms", lambda network: None)
        yield


@pytest.fixture(scope="module")
def full() -> Generator:
    """The generator of the thesis, with weights of no particular scale."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "init_normal", lambda network: None)
        patch.setattr(networks, "settle_spectral_norms", lambda network: None)
        return Generator(G3ANConfig()).eval()


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.usefixtures("unsized")
class TestParameters:
    @pytest.mark.parametrize("variant", PARAMETERS)
    def test_of_the_generator(self, variant):
        """2: exactly, biases and batch normalisation included."""
        choices, expected = PARAMETERS[variant]
        assert count(Generator(G3ANConfig(**choices))) == expected

    def test_of_the_discriminators(self):
        """2."""
        counts = [count(D) for D in (ImageDiscriminator(), judge(ch_D=64), judge(ch_D=64, d_v="2p1d"))]
        assert counts == [2_764_737, 11_056_065, 8_347_009]

    def test_labels_widen_the_first_layer_of_the_temporal_stream_alone(self):
        """2: 4 temporal positions, 512 channels, 6 labels."""
        plain, conditional = (Generator(G3ANConfig(label_names=labels)) for labels in ([], list("abcdef")))
        wider = [
            name
            for (name, weight), other in zip(plain.named_parameters(), conditional.parameters(), strict=True)
            if weight.shape != other.shape
        ]
        assert wider == ["G3.0.G_T.layers.0.weight"]
        assert count(conditional) - count(plain) == 4 * 512 * 6


def test_wide_convolutions_of_all_kinds_have_as_many_weights():
    """19: within 1 % (Table 4.4); as they come they differ by far more."""
    wide, narrow = (
        [PARAMETERS[f"{kind}{width}"][1] for kind in ("(1+2)D", "(2+1)D", "3D") if f"{kind}{width}" in PARAMETERS]
        for width in (", wide", "")
    )
    assert len(wide) == 3
    assert all(abs(a - b) < 0.01 * min(a, b) for a, b in combinations(wide, 2))
    assert narrow[-1] > 2 * narrow[0]


class TestShapes:
    def test_of_every_level(self, full):
        """3: the thesis' sizes."""
        with torch.no_grad():
            levels = full.streams(noise(0, 1, 128), noise(1, 1, 10))
            clip = full.colours(levels[-1])
        assert [tuple(level.F_S.shape[1:]) for level in levels] == [
            (512, 1, 4, 4), (512, 1, 8, 8), (256, 1, 16, 16), (128, 1, 32, 32), (64, 1, 64, 64),
        ]  # fmt: skip
        assert [tuple(level.F_T.shape[1:]) for level in levels] == [
            (512, 4, 1, 1), (512, 8, 1, 1), (256, 16, 1, 1), (128, 16, 1, 1), (64, 16, 1, 1),
        ]  # fmt: skip
        assert [tuple(level.F_V.shape[1:]) for level in levels] == [
            (1024, 4, 4, 4), (1024, 8, 8, 8), (512, 16, 16, 16), (256, 16, 32, 32), (128, 16, 64, 64),
        ]  # fmt: skip
        assert [level.attended is not None for level in levels] == [False, False, False, True, False]
        assert clip.shape == (1, 3, 16, 64, 64)

    def test_appearance_has_no_time_and_motion_no_space(self):
        """6: at all levels, also where clips are longer."""
        for level in small().streams(noise(0, 2, 4), noise(1, 2, 3, 3)):
            assert level.F_S.shape[2] == 1
            assert level.F_T.shape[3:] == (1, 1)

    @pytest.mark.parametrize("ones", [(), (1,), (1, 1, 1)])
    @pytest.mark.parametrize("mode", ["train", "eval"])
    def test_clips_lie_in_the_unit_range_whatever_ones_follow_the_noise(self, ones, mode):
        """1."""
        G = small().train(mode == "train")
        clips = G(noise(0, 2, 4, *ones), noise(1, 2, 3, *ones))
        assert clips.shape == (2, 3, 16, 32, 32)
        assert clips.abs().max() <= 1
        assert torch.equal(small().train(mode == "train")(noise(0, 2, 4), noise(1, 2, 3)), clips)

    @pytest.mark.parametrize("length", range(1, 10))
    def test_longer_motion_noise_gives_longer_clips(self, length):
        """18."""
        levels = small(fsa_level=None).streams(noise(0, 1, 4), noise(1, 1, 3, length))
        frames = 16 + 4 * (length - 1)
        assert [level.V.shape[2] for level in levels] == [length + 3, 2 * (length + 3), frames, frames]
        assert noise_length(frames) == length
        assert {noise_length(frames - less) for less in range(4)} == {length}

    @pytest.mark.parametrize("image_size", [32, 64, 128])
    @pytest.mark.parametrize(("channels", "d_v"), [(3, "3d"), (1, "2p1d")])
    def test_pictures_of_all_sizes(self, image_size, channels, d_v):
        """20: one score a clip, one a frame."""
        sizes = {"image_size": image_size, "channels": channels, "d_v": d_v, "fsa_level": 1}
        system = G3AN(G3ANConfig(**(SMALL | sizes))).eval()
        with torch.no_grad():
            clips = system.G(noise(0, 2, 4), noise(1, 2, 3))
            assert clips.shape == (2, channels, 16, image_size, image_size)
            assert system.D_V(clips).score.shape == (2,)
            assert system.D_V(clips).label is None
            assert system.D_I(clips[:, :, 3]).shape == (2,)


class TestStreams:
    def levels_with_inputs(self, G: Generator) -> tuple[list[Streams], list[Tensor]]:
        """What each level hands on, and what its G_V gave before motion was added (F_V')."""
        before: list[Tensor] = []
        hooks = [level.G_V.register_forward_hook(lambda _, __, out: before.append(out.clone())) for level in G.G3]
        levels = G.streams(noise(0, 2, 4), noise(1, 2, 3))
        for hook in hooks:
            hook.remove()
        return levels, before

    def test_fusion(self):
        """4: appearance at every time, beside the main stream with motion added at every position."""
        for level, before in zip(*self.levels_with_inputs(small(fsa_level=None)), strict=True):
            of_S, of_V = level.F_V.chunk(2, dim=1)
            assert torch.equal(of_S, level.F_S.expand_as(of_S))
            assert torch.equal(of_V, before + level.F_T)

    def test_fusion_without_a_stream(self):
        """Table 4.3: nothing beside the main stream, or nothing added to it."""
        for level, before in zip(*self.levels_with_inputs(small(use_S=False, fsa_level=None)), strict=True):
            assert level.F_S is None
            assert torch.equal(level.F_V, before + level.F_T)
        for level, before in zip(*self.levels_with_inputs(small(use_T=False, fsa_level=None)), strict=True):
            assert level.F_T is None
            assert torch.equal(level.F_V, torch.cat([level.F_S.expand_as(before), before], dim=1))

    def test_attention_sees_the_fused_streams(self):
        G = small()
        nn.init.constant_(G.F_SA.S_SA.gamma, 0.5)
        level = G.streams(noise(0, 2, 4), noise(1, 2, 3))[2]
        assert torch.equal(level.F_V, G.F_SA(level._replace(attended=None).F_V))
        assert not torch.equal(level.F_V, level._replace(attended=None).F_V)

    def test_appearance_does_not_know_motion_nor_motion_appearance(self):
        """5: to the bit, at all levels."""
        G, z_a, z_m = small(), noise(0, 2, 4), noise(1, 2, 3)
        first, other_motion, other_look = G.streams(z_a, z_m), G.streams(z_a, -z_m), G.streams(-z_a, z_m)
        for level, moved, changed in zip(first, other_motion, other_look, strict=True):
            assert torch.equal(level.F_S, moved.F_S)
            assert torch.equal(level.F_T, changed.F_T)
            assert not torch.equal(level.F_S, changed.F_S)
            assert not torch.equal(level.F_T, moved.F_T)

    @pytest.mark.parametrize("ablation", [{}, {"use_S": False}, {"use_T": False}, {"use_S": False, "use_T": False}])
    def test_clips_depend_on_both_noises(self, ablation):
        """7: also where one has lost its stream, for both enter G_V."""
        z_a, z_m = noise(0, 2, 4).requires_grad_(), noise(1, 2, 3).requires_grad_()
        small(**ablation).train()(z_a, z_m).square().sum().backward()
        assert z_a.grad.abs().sum(1).min() > 1e-6
        assert z_m.grad.abs().sum(1).min() > 1e-6

    @pytest.mark.parametrize("variant", [{}, {"fsa_level": 3}, {"fsa_level": None}, {"use_S": False}])
    def test_colours_are_a_convolution_of_the_fused_streams(self, variant):
        """Conv (1, 3, 3) and tanh, however it is computed."""
        G = small(**variant)
        nn.init.normal_(G.to_rgb.bias)
        last = G.streams(noise(0, 2, 4), noise(1, 2, 3))[-1]
        plain = nn.Conv3d(last.F_V.shape[1], 3, (1, 3, 3), padding=(0, 1, 1))
        plain.load_state_dict({"weight": G.to_rgb.weight[:, :, None], "bias": G.to_rgb.bias})
        torch.testing.assert_close(G.colours(last), torch.tanh(plain(last.F_V)), rtol=1e-5, atol=1e-5)


class TestLayers:
    def test_time_comes_before_space(self, full):
        """8: (1+2)D; the last two levels leave time alone."""
        kernels = [[unit.layers[0].kernel_size for unit in level.G_V] for level in full.G3]
        assert kernels == [[(4, 1), (4, 4)]] * 3 + [[(1, 1), (4, 4)]] * 2
        for level in full.G3:
            assert [type(unit).__name__ for unit in level.G_V] == ["Temporal", "Spatial"]
            for unit in [*level.G_V, level.G_S, level.G_T]:
                assert [type(layer).__name__ for layer in unit.layers] == ["SNConvTranspose2d", "BatchNorm2d", "ReLU"]

    def test_other_orders(self):
        """Table 4.4."""
        assert [type(unit).__name__ for unit in small(conv="2p1d").G3[1].G_V] == ["Spatial", "Temporal"]
        conv, *_ = small(conv="3d").G3[1].G_V
        assert (conv.kernel_size, conv.stride, conv.padding) == ((4, 4, 4), (2, 2, 2), (1, 1, 1))

    @pytest.mark.parametrize("conv", ["1p2d", "2p1d"])
    def test_factorised_convolutions_are_3d_ones(self, conv):
        """A unit of G_V on clips, against transposed 3-D convolutions with kernels (k, 1, 1) and (1, k, k)."""
        unit = small(conv=conv).G3[1].G_V
        x = noise(3, 2, 128, 4, 4, 4)
        y = x
        for name, part in (("Temporal", (4, 1, 1)), ("Spatial", (1, 4, 4)))[:: 1 if conv == "1p2d" else -1]:
            layer, norm, relu = next(p for p in unit if type(p).__name__ == name).layers
            weight = layer.spectral_weight().reshape(*layer.weight.shape[:2], *part)
            steps = {"stride": [2 if k > 1 else 1 for k in part], "padding": [1 if k > 1 else 0 for k in part]}
            y = nn.functional.conv_transpose3d(y, weight, layer.bias, **steps)
            y = relu(norm(y.flatten(3)).view_as(y))
        torch.testing.assert_close(unit(x), y, rtol=1e-5, atol=1e-5)

    def test_all_convolutions_but_that_of_colours_are_spectrally_normalised(self):
        """20."""
        G = small()
        for network in (G, judge(), judge(d_v="2p1d"), ImageDiscriminator(ch=8)):
            plain = [
                layer
                for layer in network.modules()
                if isinstance(layer, nn.modules.conv._ConvNd) and not isinstance(layer, _SpectralNorm)
            ]
            assert plain == ([G.to_rgb] if network is G else [])

    def test_first_weights(self):
        """Convolutions N(0, 0.02²) without biases; batch normalisation N(1, 0.02²) and 0."""
        convs = [layer for layer in small(ch=16).modules() if isinstance(layer, nn.modules.conv._ConvNd)]
        for layer in convs:
            spread = 0.02 * 5 / math.sqrt(layer.weight.numel())
            assert layer.weight.std().item() == pytest.approx(0.02, abs=spread)
            assert abs(layer.weight.mean().item()) < spread
            assert not layer.bias.any()
        norms = [layer for layer in small(ch=16).modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
        scales = torch.cat([layer.weight for layer in norms])
        assert scales.mean().item() == pytest.approx(1, abs=0.002)
        assert scales.std().item() == pytest.approx(0.02, rel=0.1)
        assert not any(layer.bias.any() for layer in norms)

    @pytest.mark.parametrize("level", [None, 0, 1, 2, 3])
    def test_attention_follows_the_level_asked_for(self, level):
        """15."""
        G = small(fsa_level=level)
        attended = [n for n, one in enumerate(G.streams(noise(0, 1, 4), noise(1, 1, 3))) if one.attended is not None]
        assert attended == ([] if level is None else [level])


class TestLabels:
    def test_they_enter_the_temporal_stream_alone(self):
        """16: the spatial stream, and the first main one before motion is added, do not change; the clip does."""
        G = small(label_names=list("abc"))
        seen: list[Tensor] = []
        G.G3[0].G_V.register_forward_hook(lambda _, __, out: seen.append(out.clone()))
        z_a, z_m = noise(0, 1, 4), noise(1, 1, 3, 2)
        first, other = (G.streams(z_a, z_m, torch.eye(3)[[label]]) for label in (0, 2))
        assert torch.equal(*seen)
        for level, level_of_other in zip(first, other, strict=True):
            assert torch.equal(level.F_S, level_of_other.F_S)
            assert not torch.equal(level.F_T, level_of_other.F_T)
        assert (G.colours(first[-1]) - G.colours(other[-1])).abs().max() > 1e-3

    def test_none_are_needed_where_there_are_none(self):
        """17."""
        assert small()(noise(0, 1, 4), noise(1, 1, 3), None).shape[0] == 1

    @pytest.mark.parametrize(
        ("categories", "given", "message"),
        [
            (3, None, "y: is none, the generator was made for 3"),
            (3, 4, "y: is one of 4 categories, the generator was made for 3"),
            (0, 2, "y: is one of 2 categories, the generator was made for none"),
        ],
    )
    def test_others_than_the_generator_was_made_for_are_refused(self, categories, given, message):
        """17."""
        with pytest.raises(InputError, match=f"^{message}$"):
            small(label_names=list("abc")[:categories])(
                noise(0, 1, 4), noise(1, 1, 3), None if given is None else torch.eye(given)[:1]
            )

    @pytest.mark.parametrize(("z_a", "z_m", "wrong"), [(5, 3, "z_a"), (4, 4, "z_m"), (3, 4, "z_a")])
    def test_noise_of_another_width_is_refused_by_name(self, z_a, z_m, wrong):
        with pytest.raises(InputError, match=f"{wrong}: has . columns, the generator was made for"):
            small()(noise(0, 1, z_a), noise(1, 1, z_m))

    def test_a_discriminator_reads_or_names_them(self):
        clips, y = noise(0, 2, 3, 16, 32, 32), torch.eye(3)[:2]
        reads = judge(image_size=32, label_names=list("abc")).eval()
        assert not torch.allclose(reads(clips, y).score, reads(clips, y.flip(0)).score, atol=1e-6)
        assert reads(clips, y).label is None
        names = judge(image_size=32, label_names=list("abc"), label_mode="ac").eval()
        assert names(clips).label.shape == (2, 3)


class TestDiscriminators:
    @pytest.mark.parametrize("d_v", ["3d", "2p1d"])
    def test_layers_of_the_video_discriminator(self, d_v):
        """Pictures are halved down to 4 x 4, each stage takes three frames away; the table's widths."""
        D = judge(ch_D=64, d_v=d_v)
        shapes: list[tuple[int, ...]] = []
        for stage in (D.first, *D.layers, D.last):
            stage.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
        with torch.no_grad():
            D(torch.zeros(1, 3, 16, 64, 64))
        assert shapes == [(64, 13, 32, 32), (128, 10, 16, 16), (256, 7, 8, 8), (512, 4, 4, 4), (1, 1, 1, 1)]

    @pytest.mark.parametrize("d_v", ["3d", "2p1d"])
    def test_longer_clips_get_the_mean_over_their_stretches(self, d_v):
        D = judge(d_v=d_v).eval()
        clips = noise(0, 2, 3, 18, 64, 64)
        with torch.no_grad():
            stretches = torch.stack([D(clips[:, :, start : start + 16]).score for start in range(3)])
            torch.testing.assert_close(D(clips).score, stretches.mean(0))

    def test_the_image_discriminator_is_a_stack_of_halvings(self):
        kinds = [type(layer).__name__ for layer in ImageDiscriminator(ch=8).layers]
        assert kinds == ["SNConv2d", "LeakyReLU"] * 4 + ["SNConv2d"]

    def test_scores_are_raw(self):
        """No sigmoid at the end, and a leak of 0.2 wherever there is one."""
        for D in (judge(), judge(d_v="2p1d"), ImageDiscriminator(ch=8)):
            leaks = {layer.negative_slope for layer in D.modules() if isinstance(layer, nn.LeakyReLU)}
            others = [layer for layer in D.modules() if isinstance(layer, nn.Sigmoid | nn.Tanh | nn.ReLU)]
            assert (leaks, others) == ({0.2}, [])


class TestChoices:
    @pytest.mark.parametrize(
        ("choices", "message"),
        [
            ({"image_size": 48}, "image_size: 48 .expected 32, 64, 128"),
            ({"d_a": 20_000_000}, "d_a: 20000000 is out of range .expected 1 to 8192"),
            ({"ch": 4096}, "ch: 4096 is out of range .expected 1 to 1024"),
            ({"betas": [0.5, 1.5]}, "betas: 1.5 is out of range"),
            ({"fsa_level": 4, "image_size": 32}, "fsa_level: 4 is not a G³ module .expected 0 to 3, or null"),
            ({"fsa_level": -1}, "fsa_level: -1 is out of range"),
            ({"frames": 12}, "frames: 12 is out of range .expected 16 to"),
            ({"frames": 18}, "frames: 18 is not a multiple of 4 .16, 20"),
            ({"frame_step": [3, 2]}, "frame_step: .3, 2. is empty"),
            ({"label_names": ["a", "b"], "use_T": False}, "label_names: enter by the temporal stream"),
            ({"label_names": ["a"], "wrong_labels": True}, "wrong_labels: need at least two label_names"),
            ({"ema": 1.0}, "ema: 1.0 is out of range"),
            ({"d_noise": -0.1}, "d_noise: -0.1 is out of range"),
            ({"d_a": 0}, "d_a: 0 is out of range"),
            ({"ch": 6, "use_S": False}, "ch: 6 makes 12 channels for attention .expected a multiple of 8"),
        ],
    )
    def test_those_that_cannot_be_are_refused_in_one_line(self, choices, message):
        """Before anything is allocated."""
        with pytest.raises(InputError, match=message) as error:
            G3ANConfig.from_dict({"ch": 8, "ch_D": 8} | choices)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        ("given", "there", "learned"),
        [(None, LABELS, LABELS), (None, [], []), ([], LABELS, []), (LABELS, LABELS, LABELS)],
    )
    def test_labels_are_those_of_the_data_where_that_is_left_to_it(self, given, there, learned):
        """Of no labels, none are wanted of the clips."""
        frames = [np.zeros((16, 32, 32, 3), np.uint8)] * 2
        clips = clips_from_arrays(frames, name="clips", label_names=there, columns={"label": [0, 1]} if there else {})
        config = G3ANConfig(label_names=given).for_data(clips)
        assert list(config.label_names) == learned
        assert config.columns == (("label",) if learned else ())

    def test_they_are_stored_as_they_are(self):
        config = G3ANConfig(label_names=["a", "b"], frame_step=(2, 3), fsa_level=None)
        assert G3ANConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
        assert G3ANConfig().to_dict()["label_names"] == []
