"""The networks against the layer tables. Numbers in docstrings are those of the acceptance list."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.nn import ImageDiscriminator, SNConv2d, SNConv3d
from mutoscope.nn.spectral_norm import _SpectralNorm
from mutoscope.systems.imaginator import Generator, ImaGINatorConfig, VideoDiscriminator, networks

SMALL = {"image_size": 32, "frames": 16, "ch": 4, "d_p": 5, "d_z": 6, "categories": 3, "image_frames": 1}
BATCH_NORMS = nn.modules.batchnorm._BatchNorm

# number of labels -> parameters of G's decoder, of G, and of D_V, with the sizes of the thesis
PARAMETERS = {
    0: (71_649_647, 75_227_411, 11_039_681),
    6: (71_828_687, 75_406_451, 11_088_833),
    10: (71_948_047, 75_525_811, 11_121_601),
    24: (72_365_807, 75_943_571, 11_236_289),
}


def config(categories: int = 0, **choices: Any) -> ImaGINatorConfig:
    return ImaGINatorConfig(label_names=[str(k) for k in range(categories)], **choices)


def generator(**choices: Any) -> Generator:
    """With the sizes of the thesis, but for what is said."""
    return Generator(config(**choices))


def video_discriminator(**choices: Any) -> VideoDiscriminator:
    """With the sizes of the thesis, but for what is said."""
    return VideoDiscriminator(config(**choices))


def small(**choices: Any) -> Generator:
    """A small generator in eval mode, always from the same first weights."""
    torch.manual_seed(0)
    return generator(**(SMALL | choices)).eval()


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def pictures(n: int, size: int = 32, channels: int = 3) -> Tensor:
    return noise(7, n, channels, size, size).clamp(-1, 1)


@pytest.fixture
def unsized() -> Iterator[None]:
    """Networks that have layers, but no memory and no first weights."""
    with pytest.MonkeyPatch.context() as patch, torch.device("meta"):
        patch.setattr(networks, "init_normal", lambda network: None)
        patch.setattr(networks, "settle_spectral_norms", lambda network: None)
        yield


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.usefixtures("unsized")
class TestParameters:
    @pytest.mark.parametrize("categories", PARAMETERS)
    def test_of_generator_and_video_discriminator(self, categories):
        """2: exactly, biases and batch normalisation included; the encoder sees no labels."""
        G, D_V = generator(categories=categories), video_discriminator(categories=categories)
        assert count(G.encoder) == 3_577_764
        assert (count(G.decoder), count(G), count(D_V)) == PARAMETERS[categories]

    def test_of_the_image_discriminator(self):
        """2."""
        assert count(ImageDiscriminator()) == 2_764_737

    def test_3d_blocks_are_half_as_large_unless_matched(self):
        """8 and Table 3.12: wider maps everywhere."""
        wide = generator(conv="3d", categories=6, match_params=True).decoder
        assert count(generator(conv="3d", categories=6).decoder) == 32_346_051
        assert count(wide) == pytest.approx(PARAMETERS[6][0], rel=0.02)
        widths = [block[0].out_channels for block in wide.blocks]
        assert widths == [pytest.approx(n, abs=1) for n in (903, 451, 226, 113)] + [3]

    def test_1p2d_blocks_can_be_as_small_as_3d_ones(self):
        """8: the widths in between that make them so."""
        narrow = generator(categories=6, match_params=True).decoder
        assert [block[0].layers[0].out_channels for block in narrow.blocks] == [1073, 2053, 1029, 517, 44]
        assert count(narrow) == pytest.approx(32_346_051, rel=0.02)

    def test_labels_widen_what_they_enter_alone(self):
        """4 and 11: every block of the decoder, and the second layer of D_V."""

        def wider(plain: nn.Module, conditional: nn.Module) -> list[str]:
            named = zip(plain.named_parameters(), conditional.parameters(), strict=True)
            return [name for (name, weight), other in named if weight.shape != other.shape]

        blocks = [f"decoder.blocks.{n}.0.layers.0.weight" for n in range(5)]
        assert wider(generator(), generator(categories=6)) == blocks
        assert wider(generator(), generator(categories=6, label_fusion=False)) == blocks[:1]
        assert wider(video_discriminator(), video_discriminator(categories=6)) == ["layers.0.weight"]


class TestShapes:
    @pytest.fixture(scope="class")
    @classmethod
    def full(cls) -> Iterator[Generator]:
        """The generator of the thesis, with weights of no particular scale."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(networks, "init_normal", lambda network: None)
            yield generator(categories=6).eval()

    def test_of_every_layer(self, full):
        """1 and 3: the sizes of Table 3.1, and values of tanh."""
        shapes: dict[str, tuple[int, ...]] = {}

        def record(name: str, network: nn.Module, before: bool = False) -> None:
            network.register_forward_hook(
                lambda _, inputs, out: shapes.update({name: tuple((inputs[0] if before else out).shape[1:])})
            )

        for n, layer in enumerate((*full.encoder.maps, full.encoder.code), 1):
            record(f"Conv{n}", layer)
        for n, block in enumerate(full.decoder.blocks, 6):
            record(f"into {n}", block, before=True)
            record(f"Deconv{n}-1", block[0])
            record(f"Deconv{n}-2", block[1])
        with torch.inference_mode():
            clip = full(pictures(1, 64), noise(0, 1, 512), torch.eye(6)[:1])
        assert clip.shape == (1, 3, 32, 64, 64)
        assert clip.abs().max() <= 1
        assert shapes == {
            "Conv1": (64, 32, 32), "Conv2": (128, 16, 16), "Conv3": (256, 8, 8), "Conv4": (512, 4, 4),
            "Conv5": (100, 1, 1),
            "into 6": (618, 1, 1, 1), "Deconv6-1": (4096, 2, 1, 1), "Deconv6-2": (512, 2, 4, 4),
            "into 7": (1030, 2, 4, 4), "Deconv7-1": (3072, 4, 4, 4), "Deconv7-2": (256, 4, 8, 8),
            "into 8": (518, 4, 8, 8), "Deconv8-1": (1536, 8, 8, 8), "Deconv8-2": (128, 8, 16, 16),
            "into 9": (262, 8, 16, 16), "Deconv9-1": (768, 16, 16, 16), "Deconv9-2": (64, 16, 32, 32),
            "into 10": (134, 16, 32, 32), "Deconv10-1": (36, 32, 32, 32), "Deconv10-2": (3, 32, 64, 64),
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("image_size", "frames"), [(32, 4), (32, 8), (32, 16), (64, 8), (64, 16), (64, 32), (128, 32), (128, 64)]
    )
    @pytest.mark.parametrize("conv", ["1p2d", "3d"])
    def test_clips_of_all_sizes(self, image_size, frames, conv):
        """8: time doubles with the first blocks, as often as it must; D_V takes it back to one score."""
        sizes = {"image_size": image_size, "frames": frames, "ch": 2, "ch_D": 2, "channels": 1, "image_frames": 1}
        G = small(**sizes, conv=conv)
        D_V = video_discriminator(**sizes, categories=3).eval()
        with torch.inference_mode():
            clips = G(pictures(2, image_size, 1), noise(0, 2, 6), torch.eye(3)[:2])
            assert clips.shape == (2, 1, frames, image_size, image_size)
            assert D_V(clips, torch.eye(3)[:2]).score.shape == (2,)

    @pytest.mark.parametrize(
        "variant",
        [
            {"categories": 0},
            {"noise": False},
            {"noise": False, "categories": 0},
            {"st_fusion": False},
            {"label_fusion": False},
            {"st_fusion": False, "label_fusion": False},
            {"bottleneck_norm": True},
            {"match_params": True},
            {"conv": "3d", "match_params": True},
            {"conv": "3d", "st_fusion": False},
            {"deconv_init": "default"},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("mode", ["train", "eval"])
    def test_clips_of_all_variants(self, variant, mode):
        """1, 4 and 8."""
        G = small(**variant).train(mode == "train")
        clips = G(
            pictures(2), noise(0, 2, 6) if G.config.noise else None, torch.eye(3)[:2] if G.config.categories else None
        )
        assert clips.shape == (2, 3, 16, 32, 32)
        assert clips.abs().max() <= 1


class TestFusion:
    """Section 3.3.1."""

    @staticmethod
    def parts(G: Generator, y: Tensor | None) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """What enters the decoder's blocks but the first, what the blocks before them gave, and the encoder's maps."""
        inputs: list[Tensor] = []
        own: list[Tensor] = []
        maps: list[Tensor] = []
        for block, after in zip(G.decoder.blocks, G.decoder.blocks[1:], strict=False):
            block.register_forward_hook(lambda _, __, out: own.append(out.clone()))
            after.register_forward_pre_hook(lambda _, given: inputs.append(given[0].clone()))
        for layer in G.encoder.maps:
            layer.register_forward_hook(lambda _, __, out: maps.append(out.clone()))
        with torch.no_grad():
            G(pictures(2), noise(0, 2, 6), y)
        return inputs, own, maps

    @pytest.mark.parametrize("mode", ["train", "eval"])
    @pytest.mark.parametrize("conv", ["1p2d", "3d"])
    def test_motion_then_appearance_at_every_time_then_the_label_everywhere(self, conv, mode):
        """5 and 6: as many skips as maps, the smallest first."""
        y = torch.tensor([[0.0, 1.0, 0.0], [0.2, 0.0, 0.8]])
        inputs, own, maps = self.parts(small(conv=conv).train(mode == "train"), y)
        assert len(inputs) == len(maps) == 3
        for fused, motion, appearance in zip(inputs, own, reversed(maps), strict=True):
            sizes = [motion.shape[1], appearance.shape[1], 3]
            of_motion, of_appearance, of_label = fused.split(sizes, dim=1)
            assert torch.equal(of_motion, motion)
            assert torch.equal(of_appearance, appearance[:, :, None].expand_as(of_appearance))
            assert torch.equal(of_label, y[:, :, None, None, None].expand_as(of_label))

    def test_four_skips_at_64_pixels(self):
        """6: Conv4 into Deconv7, Conv3 into 8, Conv2 into 9, Conv1 into 10."""
        G = small(image_size=64, frames=8)
        entered: list[Tensor] = []
        fuse = G.decoder.fuse
        G.decoder.fuse = lambda x, appearance, y: (entered.append(appearance), fuse(x, appearance, y))[1]
        with torch.no_grad():
            *maps, _ = G.encoder(pictures(1, 64))
            G(pictures(1, 64), noise(0, 1, 6), torch.eye(3)[:1])
        assert len(entered) == 4
        assert all(torch.equal(got, given) for got, given in zip(entered, reversed(maps), strict=True))

    def test_without_maps_only_labels_join_in_and_without_those_nothing(self):
        """Table 3.8."""
        y = torch.eye(3)[:2]
        inputs, own, _ = self.parts(small(st_fusion=False), y)
        assert [x.shape[1] for x in inputs] == [motion.shape[1] + 3 for motion in own]
        inputs, own, maps = self.parts(small(label_fusion=False), y)
        assert [x.shape[1] for x in inputs] == [
            motion.shape[1] + appearance.shape[1] for motion, appearance in zip(own, reversed(maps), strict=True)
        ]
        inputs, own, _ = self.parts(small(st_fusion=False, label_fusion=False), y)
        assert all(torch.equal(x, motion) for x, motion in zip(inputs, own, strict=True))

    @pytest.mark.parametrize("st_fusion", [True, False])
    def test_what_g_learns_reaches_the_first_map_past_the_code(self, st_fusion):
        """14: the code is cut off; only the skips are left."""
        G = small(st_fusion=st_fusion).train()
        G.encoder.code.register_forward_hook(lambda _, __, code: code.detach())
        G(pictures(2), noise(0, 2, 6), torch.eye(3)[:2]).square().sum().backward()
        slopes = [layer[0].weight.grad for layer in G.encoder.maps]
        if st_fusion:
            assert all(slope.abs().max() > 1e-6 for slope in slopes)
        else:
            assert slopes == [None] * 3


class TestBlocks:
    def test_time_comes_before_space(self, unsized):
        """7: normalised and activated in between; the last has tanh and no normalisation."""
        blocks = generator(categories=6).decoder.blocks
        kinds = ["ConvTranspose2d", "BatchNorm2d", "LeakyReLU"]
        for n, block in enumerate(blocks):
            time, space = block
            assert (type(time).__name__, type(space).__name__) == ("Temporal", "Spatial")
            assert time.layers[0].kernel_size == ((4, 1) if n else (2, 1))
            assert (time.layers[0].stride, time.layers[0].padding) == (((2, 1), (1, 0)) if n else ((1, 1), (0, 0)))
            assert space.layers[0].kernel_size == (4, 4)
            assert (space.layers[0].stride, space.layers[0].padding) == (((2, 2), (1, 1)) if n else ((1, 1), (0, 0)))
            assert [type(layer).__name__ for layer in time.layers] == kinds
            last = n == len(blocks) - 1
            assert [type(layer).__name__ for layer in space.layers] == ([kinds[0], "Tanh"] if last else kinds)

    def test_3d_blocks_do_both_at_once(self, unsized):
        """8: normalised and activated once."""
        blocks = generator(conv="3d").decoder.blocks
        kernels = [(block[0].kernel_size, block[0].stride, block[0].padding) for block in blocks]
        assert kernels == [((2, 4, 4), (1, 1, 1), (0, 0, 0))] + [((4, 4, 4), (2, 2, 2), (1, 1, 1))] * 4
        kinds = [[type(layer).__name__ for layer in block] for block in blocks]
        assert kinds == [["ConvTranspose3d", "BatchNorm3d", "LeakyReLU"]] * 4 + [["ConvTranspose3d", "Tanh"]]

    def test_where_time_is_long_enough_a_block_keeps_it(self):
        """Clips with fewer frames than half their pixels."""
        kernels = [block[0].layers[0].kernel_size for block in small(image_size=64, frames=8).decoder.blocks]
        assert kernels == [(2, 1), (4, 1), (4, 1), (3, 1), (3, 1)]

    @pytest.mark.parametrize("n", [0, 1, 3])
    def test_a_block_is_two_transposed_3d_convolutions(self, n):
        """7: with kernels (k, 1, 1) and then (1, k, k)."""
        block = small().decoder.blocks[n].train()
        x = y = noise(1, 2, block[0].layers[0].in_channels, *(2**n,) * (n > 0), *(() if n else (1,)), *[4 * n or 1] * 2)
        for part, shape in zip(block, ((-1, 1, 1), (1, 4, 4)), strict=True):
            conv, *after = part.layers
            weight = conv.weight.reshape(*conv.weight.shape[:2], *shape)
            moving = [int(k > 1) for k in weight.shape[2:]]
            steps = {"stride": [1 + moves for moves in moving], "padding": moving} if n else {}
            y = nn.functional.conv_transpose3d(y, weight, conv.bias, **steps)
            y = nn.Sequential(*after)(y.flatten(3)).view_as(y)
        torch.testing.assert_close(block(x), y, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("bottleneck_norm", [False, True])
    def test_the_code_is_a_bare_convolution_unless_asked(self, bottleneck_norm):
        """Conv5 (section 10)."""
        code = small(bottleneck_norm=bottleneck_norm).encoder.code
        kinds = ["Conv2d", "BatchNorm2d", "LeakyReLU"] if bottleneck_norm else ["Conv2d"]
        assert [type(layer).__name__ for layer in code] == kinds

    def test_leaks_are_of_a_fifth(self):
        for network in (small(), video_discriminator(ch_D=2), ImageDiscriminator(ch=2)):
            leaks = [layer.negative_slope for layer in network.modules() if isinstance(layer, nn.LeakyReLU)]
            assert set(leaks) == {0.2}

    @pytest.mark.parametrize("deconv_init", ["normal", "default"])
    def test_first_weights(self, deconv_init):
        """Convolutions N(0, 0.02²), transposed ones on request as PyTorch has them; batch normalisation N(1, 0.02²)."""
        G = small(ch=16, deconv_init=deconv_init)
        plain = [layer for layer in G.modules() if isinstance(layer, nn.Conv2d)]
        transposed = [layer for layer in G.modules() if isinstance(layer, nn.ConvTranspose2d)]
        assert len(plain) == 4
        assert len(transposed) == 8
        for layer in plain + (transposed if deconv_init == "normal" else []):
            spread = 0.02 * 5 / math.sqrt(layer.weight.numel())
            assert layer.weight.std().item() == pytest.approx(0.02, abs=spread)
            assert abs(layer.weight.mean().item()) < spread
            assert not layer.bias.any()
        if deconv_init == "default":
            for layer in transposed:
                bound = (layer.weight[0].numel()) ** -0.5  # uniform
                assert layer.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
        norms = [layer for layer in G.modules() if isinstance(layer, BATCH_NORMS)]
        scales = torch.cat([layer.weight for layer in norms])
        assert scales.mean().item() == pytest.approx(1, abs=0.005)
        assert scales.std().item() == pytest.approx(0.02, rel=0.15)
        assert not any(layer.bias.any() for layer in norms)


class TestInputs:
    def test_a_clip_depends_on_picture_noise_and_label(self):
        """17."""
        inputs = [pictures(2), noise(0, 2, 6), torch.eye(3)[:2]]
        slopes = [x.requires_grad_() for x in inputs]
        small().train()(*inputs).square().sum().backward()
        assert all(x.grad.flatten(1).abs().amax(1).min() > 1e-6 for x in slopes)

    @pytest.mark.parametrize("variant", [{}, {"conv": "3d"}], ids=str)
    def test_in_eval_mode_a_clip_does_not_depend_on_those_beside_it(self, variant):
        """31; in training mode it does."""
        G = small(**variant)
        inputs = pictures(4), noise(0, 4, 6), torch.eye(3)[[0, 1, 2, 0]]
        with torch.no_grad():
            for _ in range(3):
                G.train()(*inputs)  # running statistics
            together = G.eval()(*inputs)
            for i in range(4):
                alone = G(*(x[i : i + 1] for x in inputs))
                torch.testing.assert_close(alone, together[i : i + 1], rtol=1e-5, atol=1e-5)
            assert (G.train()(*inputs)[:2] - G(*(x[:2] for x in inputs))).abs().max() > 1e-3

    @pytest.mark.parametrize(
        ("variant", "z", "y", "message"),
        [
            ({}, 5, 3, "z: has 5 columns, the generator was made for 6"),
            ({}, None, 3, "z: has no columns, the generator was made for 6"),
            ({"noise": False}, 6, 3, "z: has 6 columns, the generator was made for none"),
            ({}, 6, 4, "y: has 4 columns, the generator was made for 3"),
            ({}, 6, None, "y: has no columns, the generator was made for 3"),
            ({"categories": 0}, 6, 3, "y: has 3 columns, the generator was made for none"),
        ],
    )
    def test_others_than_the_generator_was_made_for_are_refused_by_name(self, variant, z, y, message):
        """4."""
        with pytest.raises(InputError, match=f"^{message}$"):
            small(**variant)(pictures(1), *(None if n is None else torch.zeros(1, n) for n in (z, y)))

    @pytest.mark.parametrize(("channels", "size"), [(1, 32), (3, 64)])
    def test_pictures_of_another_size_are_refused(self, channels, size):
        with pytest.raises(InputError, match=r"^image: is \(., .., ..\), the generator was made for \(3, 32, 32\)$"):
            small()(pictures(1, size, channels), noise(0, 1, 6), torch.eye(3)[:1])


def largest_singular_value(layer: _SpectralNorm) -> float:
    """Of the weight as a pass uses it, as a matrix with a row for every output channel."""
    return torch.linalg.matrix_norm(layer.spectral_weight().detach().flatten(1), 2).item()


class TestDiscriminators:
    def test_layers_of_the_video_discriminator(self):
        """10 and Table 3.3: labels beside the first features, and there alone."""
        D_V = video_discriminator(ch_D=8, categories=6)
        shapes: list[tuple[tuple[int, ...], ...]] = []
        stages = [D_V.first[0], *D_V.layers[::2], D_V.last]
        for stage in stages:
            stage.register_forward_hook(lambda _, x, y: shapes.append((tuple(x[0].shape[1:]), tuple(y.shape[1:]))))
        with torch.no_grad():
            assert D_V(torch.zeros(1, 3, 32, 64, 64), torch.eye(6)[:1]).score.shape == (1,)
        assert shapes == [
            ((3, 32, 64, 64), (8, 16, 32, 32)),
            ((14, 16, 32, 32), (16, 8, 16, 16)),
            ((16, 8, 16, 16), (32, 4, 8, 8)),
            ((32, 4, 8, 8), (64, 2, 4, 4)),
            ((64, 2, 4, 4), (1, 1, 1, 1)),
        ]
        steps = [(stage.kernel_size, stage.stride, stage.padding) for stage in stages]
        assert steps == [((4, 4, 4), (2, 2, 2), (1, 1, 1))] * 4 + [((2, 4, 4), (1, 1, 1), (0, 0, 0))]

    def test_layers_of_the_image_discriminator(self):
        """10 and Table 3.2: a score a frame."""
        D_I = ImageDiscriminator(ch=8)
        shapes: list[tuple[int, ...]] = []
        for stage in D_I.layers[::2]:
            stage.register_forward_hook(lambda _, __, y: shapes.append(tuple(y.shape[1:])))
        with torch.no_grad():
            assert D_I(torch.zeros(6, 3, 64, 64)).shape == (6,)
        assert shapes == [(8, 32, 32), (16, 16, 16), (32, 8, 8), (64, 4, 4), (1, 1, 1)]

    @pytest.mark.parametrize("network", ["D_V", "D_V names labels", "D_I"])
    def test_all_five_convolutions_are_spectrally_normalised_and_nothing_else_is_normalised(self, network):
        """10: after some passes every weight has largest singular value 1; labels are named by a sixth."""
        torch.manual_seed(0)
        if network == "D_I":
            D, x = ImageDiscriminator(ch=4), noise(0, 1, 3, 64, 64)
        else:
            D = video_discriminator(ch_D=4, categories=6, label_mode="concat" if network == "D_V" else "ac")
            x = noise(0, 1, 3, 32, 64, 64)
        convs = [layer for layer in D.modules() if isinstance(layer, nn.modules.conv._ConvNd)]
        assert {type(layer) for layer in convs} == {SNConv2d if network == "D_I" else SNConv3d}
        assert len(convs) == (6 if network == "D_V names labels" else 5)
        with torch.no_grad():
            for _ in range(15):
                D(x) if network != "D_V" else D(x, torch.eye(6)[:1])
        assert [largest_singular_value(layer) for layer in convs] == [pytest.approx(1, abs=0.03)] * len(convs)
        others = {type(layer).__name__ for layer in D.modules()} - {type(D).__name__, "Sequential"}
        assert others == {type(convs[0]).__name__, "LeakyReLU"}  # no BatchNorm, no sigmoid: scores are raw

    def test_it_reads_labels_or_names_them(self):
        """11: another label changes the score, to which the first layer adds nothing."""
        sizes = {"image_size": 32, "frames": 16, "ch_D": 4, "categories": 3}
        clips, y = noise(0, 2, 3, 16, 32, 32), torch.eye(3)[:2]
        torch.manual_seed(0)
        reads = video_discriminator(**sizes).eval()
        firsts: list[Tensor] = []
        reads.first.register_forward_hook(lambda _, __, out: firsts.append(out.clone()))
        with torch.no_grad():
            said, of_others = reads(clips, y), reads(clips, y.flip(0))
        assert torch.equal(*firsts)
        assert (said.score - of_others.score).abs().min() > 1e-4
        assert said.label is None
        names = video_discriminator(**sizes, label_mode="ac").eval()
        assert names(clips).label.shape == (2, 3)
        assert torch.equal(names(clips).score, names(clips, y).score)

    def test_without_labels_it_asks_for_none(self):
        """4."""
        D_V = video_discriminator(image_size=32, frames=16, ch_D=4)
        said = D_V(noise(0, 2, 3, 16, 32, 32))
        assert said.score.shape == (2,)
        assert said.label is None


class TestBadChoices:
    """Known before anything is allocated."""

    @pytest.mark.parametrize(
        ("choices", "message"),
        [
            ({"image_size": 48}, "image_size: 48 .expected 32, 64, 128"),
            ({"image_size": 256}, "image_size: 256 .expected 32, 64, 128"),
            ({"frames": 2}, "frames: 2 is out of range"),
            ({"frames": 12}, "frames: 12 .expected one of 4, 8, 16, 32"),
            ({"frames": 64}, "frames: 64 .expected one of 4, 8, 16, 32"),
            ({"frames": 0}, "frames: 0 is out of range"),
            ({"image_size": 32, "frames": 32, "image_frames": 1}, "frames: 32 .expected one of 4, 8, 16"),
            ({"image_size": 32, "frames": None, "image_frames": 17}, "image_frames: 17, but a clip has 16 frames"),
            ({"frames": 8}, "image_frames: 16, but a clip has 8 frames"),
            ({"frame_step": [2, 1]}, "frame_step: .2, 1. is empty"),
            ({"image_frames": 0}, "image_frames: 0 is out of range"),
            ({"d_z": 0}, "d_z: 0 is out of range"),
            ({"d_z": 20_000_000}, "d_z: 20000000 is out of range"),
            ({"d_p": -3}, "d_p: -3 is out of range"),
            ({"ch": 0}, "ch: 0 is out of range"),
            ({"ch": 20_000_000}, "ch: 20000000 is out of range"),
            ({"ch_D": 0}, "ch_D: 0 is out of range"),
            ({"channels": 0}, "channels: 0 .expected 1, 3"),
            ({"conv": "2p1d"}, "conv: 2p1d .expected '1p2d', '3d'"),
            ({"betas": [0.5, 1.0]}, "betas: 1.0 is out of range"),
            ({"ema": 1.0}, "ema: 1.0 is out of range"),
            ({"ema": -0.1}, "ema: -0.1 is out of range"),
            ({"lambda_rec": -1.0}, "lambda_rec: -1.0 is out of range"),
        ],
        ids=str,
    )
    def test_are_refused_in_one_line(self, choices, message):
        with pytest.raises(InputError, match=f"^{message}") as error:
            ImaGINatorConfig.from_dict(choices)
        assert "\n" not in str(error.value)

    def test_what_was_left_open_stays_so_in_files(self):
        """Results are found by what was chosen."""
        given = ImaGINatorConfig(image_size=128)
        assert given.length == 64
        assert (given.to_dict()["frames"], given.to_dict()["label_names"]) == (None, None)
        assert ImaGINatorConfig.from_dict(given.to_dict()) == given
