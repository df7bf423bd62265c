"""G_M, D_I and the pose predictor: sizes of Table 1, Eqs. 7 and 8, what sees what; equal to a literal transcription."""

from collections.abc import Iterator
from typing import Any

import frgan_reference as reference
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.nn import BatchNorm2d
from mutoscope.systems.frgan import FRGANConfig
from mutoscope.systems.frgan.networks import ForecastingNetwork, FrameCritic, PosePredictor, blocks
from mutoscope.systems.frgan.networks.blocks import AveragedConv2d, JoinedConv2d
from mutoscope.systems.frgan.networks.forecasting import analogy

SMALL: dict[str, Any] = {"map_channels": 2, "image_size": 32, "ch": 4, "max_ch": 8, "code": 6}
VARIANTS: list[dict[str, Any]] = [
    {},
    {"residual": "diff"},
    {"residual": "none"},
    {"skips": "image"},
    {"skips": "none"},
    {"bottleneck": "spatial"},
    {"dense": False},
    {"shortcut": "1x1"},
    {"widths": "table"},
    {"channels": 1},
]
IDS = [" ".join(map(str, variant.values())) or "default" for variant in VARIANTS]


def small(**choices: Any) -> FRGANConfig:
    """Choices of narrow networks with maps of two channels."""
    return FRGANConfig(structure="maps", **(SMALL | choices))


def paper(**choices: Any) -> FRGANConfig:
    """Those of the paper's networks, with maps of three channels unless told otherwise."""
    return FRGANConfig(structure="maps", **choices)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.fixture(autouse=True)
def same_numbers() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture(params=[0, 10**6], ids=["folded", "plain"])
def few_positions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels are folded for all sizes of maps, or for none."""
    monkeypatch.setattr(blocks, "FEW_POSITIONS", request.param)


def inputs(n: int = 2, size: int = 32, channels: int = 3, map_channels: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    frame = torch.rand(n, channels, size, size) * 2 - 1
    return frame, torch.rand(n, map_channels, size, size), torch.rand(n, map_channels, size, size)


def with_spread_weights(network: nn.Module, std: float = 0.1) -> nn.Module:
    """As if it had been trained: drawn with the initial ones, frames hardly depend on anything."""
    for name, p in network.named_parameters():
        if not name.startswith(("norm", "f_D.norm")) and p.ndim > 1:
            nn.init.normal_(p, 0, std)
    return network


class TestSizes:
    @pytest.mark.parametrize(
        ("variant", "count"),
        [
            ({}, 70_326_596),
            ({"dense": False}, 64_127_812),
            ({"skips": "image"}, 54_686_020),
            ({"bottleneck": "spatial"}, 67_172_420),
            ({"map_channels": 13}, 70_332_356),
            ({"map_channels": 32}, 70_343_300),
            ({"map_channels": 48}, 70_352_516),
            ({"image_size": 128}, 114_577_220),
        ],
        ids=str,
    )
    def test_G_M_has_the_published_number_of_weights(self, variant: dict[str, Any], count: int) -> None:
        """FRGAN 2."""
        with torch.device("meta"):
            network = ForecastingNetwork(paper(**variant))
        assert parameters(network) == count

    def test_its_parts_have_theirs(self) -> None:
        with torch.device("meta"):
            network = ForecastingNetwork(paper())
        assert parameters(network.f_I) == parameters(network.f_M) == 14_325_760
        assert parameters(network.f_D) == 41_675_076

    @pytest.mark.parametrize(
        ("variant", "count"),
        [
            ({}, 13_286_977),
            ({"map_channels": 13}, 13_292_737),
            ({"map_channels": 32}, 13_303_681),
            ({"image_size": 128}, 20_366_401),
        ],
        ids=str,
    )
    def test_D_I_has_the_published_number_of_weights(self, variant: dict[str, Any], count: int) -> None:
        with torch.device("meta"):
            network = FrameCritic(paper(**variant))
        assert parameters(network) == count

    @pytest.mark.parametrize(
        ("variant", "widths", "heads"),
        [
            ({}, [2048, 2560, 2048, 1792], 256),
            ({"dense": False}, [2048, 2048, 1024, 512], 256),
            ({"skips": "image"}, [1024, 1536, 1536, 1536], 128),
            ({"skips": "none"}, [512, 1024, 1280, 1408], 64),
        ],
        ids=str,
    )
    def test_blocks_of_the_decoder_join_the_published_widths(
        self, variant: dict[str, Any], widths: list[int], heads: int
    ) -> None:
        """FRGAN 3."""
        with torch.device("meta"):
            network = ForecastingNetwork(paper(**variant))
        assert [block.conv1.in_channels for block in network.f_D.blocks] == widths
        assert [block.shortcut.in_channels for block in network.f_D.blocks] == widths
        assert network.f_D.heads.in_channels == heads

    def test_the_printed_table_has_its_own_widths(self) -> None:
        with torch.device("meta"):
            network = ForecastingNetwork(paper(widths="table"))
        assert [block.conv2.out_channels for block in network.f_I.blocks] == [64, 128, 256, 512]
        assert [block.conv2.out_channels for block in network.f_D.blocks] == [512, 256, 128, 64]

    @pytest.mark.parametrize(("size", "count"), [(8, 1), (32, 3), (64, 4), (96, 4), (128, 5)])
    def test_maps_are_halved_down_to_4_to_7_pixels(self, size: int, count: int) -> None:
        assert FRGANConfig(image_size=size).levels == count
        assert 4 <= size >> count < 8

    @pytest.mark.parametrize("size", [0, 4, 7, 18, 50, 100])
    def test_other_sizes_are_named_in_one_line(self, size: int) -> None:
        with pytest.raises(InputError, match=rf"^image_size: {size} [^\n]*\(expected "):
            FRGANConfig(image_size=size)

    def test_maps_have_as_many_channels_as_their_structure_says(self) -> None:
        kinds = {"joints": 13, "limbs": 48, "face": 3, "maps": 7}
        assert {kind: FRGANConfig(structure=kind, map_channels=7).C_M for kind in kinds} == kinds
        assert FRGANConfig(skeleton="body25").C_M == 25

    def test_weights_begin_as_the_authors_draw_them(self) -> None:
        network = ForecastingNetwork(paper(image_size=32, ch=32, max_ch=64))
        conv, norm = network.f_D.blocks[0].conv1, network.f_D.blocks[0].norms[0]
        assert conv.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert norm.weight.mean().item() == pytest.approx(1, abs=0.02)
        assert norm.weight.std().item() == pytest.approx(0.02, rel=0.5)
        assert all(not p.any() for name, p in network.named_parameters() if name.endswith("bias"))


class TestConvolutions:
    """The same numbers in fewer multiplications: also at borders, where kernels reach over them."""

    @pytest.mark.usefixtures("few_positions")
    def test_averages_after_a_convolution_are_worked_into_its_kernel(self) -> None:
        conv, x = AveragedConv2d(3, 5).double(), torch.randn(2, 3, 6, 6).double()
        plain = F.avg_pool2d(F.conv2d(x, conv.weight, conv.bias, padding=1), 2)
        torch.testing.assert_close(conv(x), plain)

    @pytest.mark.usefixtures("few_positions")
    @pytest.mark.parametrize("kernel", [3, 1])
    def test_joined_and_enlarged_maps_are_convolved_without_being_made(self, kernel: int) -> None:
        sizes, widths = [16, 8, 8, 4, 2, 1], [2, 3, 1, 4, 2, 3]
        maps = [torch.randn(2, c, s, s).double().requires_grad_() for c, s in zip(widths, sizes, strict=True)]
        conv = JoinedConv2d(widths, 5, kernel).double()
        enlarged = [F.interpolate(x, scale_factor=16 // x.shape[-1]) for x in maps]
        plain = F.conv2d(torch.cat(enlarged, 1), conv.weight, conv.bias, padding=kernel // 2)
        found = conv(maps, 2, 16)
        torch.testing.assert_close(found, plain)
        variables, towards = [*maps, conv.weight, conv.bias], torch.randn_like(plain)
        expected = torch.autograd.grad(plain, variables, towards)
        for own, other in zip(torch.autograd.grad(found, variables, towards), expected, strict=True):
            torch.testing.assert_close(own, other)

    def test_maps_of_few_samples_count_for_several(self) -> None:
        conv, few, many = JoinedConv2d([2, 3], 4), torch.randn(2, 2, 8, 8), torch.randn(6, 3, 8, 8)
        plain = F.conv2d(torch.cat([few.repeat_interleave(3, 0), many], 1), conv.weight, conv.bias, padding=1)
        torch.testing.assert_close(conv([few, many], 6, 8), plain, atol=1e-5, rtol=1e-4)


class TestForecast:
    @pytest.mark.parametrize("size", [32, 64, 96, 128])
    def test_frames_masks_and_contents_keep_to_their_ranges(self, size: int) -> None:
        """FRGAN 1."""
        network = with_spread_weights(ForecastingNetwork(small(image_size=size)), 1.0)
        image, mask, content = network(*inputs(size=size))
        assert image.shape == content.shape == (2, 3, size, size)
        assert mask.shape == (2, 1, size, size)
        assert image.abs().max() <= 1
        assert content.abs().max() <= 1
        assert 0 <= mask.min() <= mask.max() <= 1

    @pytest.mark.parametrize("variant", VARIANTS, ids=IDS)
    def test_every_variant_learns_with_all_its_weights(self, variant: dict[str, Any]) -> None:
        """FRGAN 9, 10."""
        network = ForecastingNetwork(small(**variant))
        image, mask, _ = network(*inputs(channels=variant.get("channels", 3)))
        assert (mask is None) == (variant.get("residual", "mask") != "mask")
        image.sum().backward()
        assert not [name for name, p in network.named_parameters() if p.grad is None]
        heads = network.f_D.heads.weight.grad
        assert (heads.flatten(1).abs().amax(1) > 0).all(), "content and mask both learn"

    @pytest.mark.parametrize(("logit", "which"), [(-1e9, "source"), (1e9, "content")])
    def test_a_closed_mask_leaves_the_source_and_an_open_one_the_content(self, logit: float, which: str) -> None:
        """FRGAN 4: bit by bit."""
        network, given = ForecastingNetwork(small()), inputs()
        nn.init.constant_(network.f_D.heads.bias[3:], logit)
        image, _, content = network(*given)
        assert torch.equal(image, given[0] if which == "source" else content)

    def test_a_frame_is_content_blended_in_by_the_mask(self) -> None:
        given = inputs()
        image, mask, content = with_spread_weights(ForecastingNetwork(small()))(*given)
        torch.testing.assert_close(image, mask * content + (1 - mask) * given[0], atol=1e-6, rtol=0)

    def test_a_difference_is_added_and_kept_in_range(self) -> None:
        network, given = ForecastingNetwork(small(residual="diff")), inputs()
        nn.init.constant_(network.f_D.heads.bias, 5.0)
        image, mask, content = network(*given)
        assert mask is None
        torch.testing.assert_close(image, (given[0] + content).clamp(-1, 1))
        assert image.max() == 1

    def test_there_is_one_encoder_of_maps(self) -> None:
        """FRGAN 7: both maps pass through it, and no other network takes maps."""
        network, (frame, M_t, M_k) = ForecastingNetwork(small()), inputs()
        seen: list[Tensor] = []
        network.f_M.register_forward_hook(lambda module, given, result: seen.append(given[0]))
        network(frame, M_t, M_k)
        assert torch.equal(torch.cat(seen), torch.cat([M_t, M_k]))

    @pytest.mark.parametrize("training", [True, False])
    @pytest.mark.parametrize("skips", ["all", "image", "none"])
    def test_sources_encoded_once_serve_many_maps(self, training: bool, skips: str) -> None:
        network = with_spread_weights(ForecastingNetwork(small(skips=skips))).train(training)
        frame, M_t, _ = inputs()
        maps = torch.rand(2, 2, 3, 32, 32)
        found = network.forecast_clip(network.encode_source(frame, M_t), maps)
        assert found.image.shape == (2, 3, 3, 32, 32)
        assert found.mask.shape == (2, 1, 3, 32, 32)
        many = maps.transpose(1, 2).flatten(0, 1)
        each = network(frame.repeat_interleave(3, 0), M_t.repeat_interleave(3, 0), many)
        together = found.image.transpose(1, 2).flatten(0, 1)
        torch.testing.assert_close(together, each.image, atol=1e-4, rtol=1e-4)

    def test_frames_of_a_clip_do_not_depend_on_each_other(self) -> None:
        """FRGAN 34."""
        network = with_spread_weights(ForecastingNetwork(small())).eval()
        frame, M_t, _ = inputs(1)
        source, maps = network.encode_source(frame, M_t), torch.rand(4, 2, 32, 32)
        whole, changed = network.forecast(source, maps).image, maps.clone()
        changed[2] = torch.rand(2, 32, 32)
        other = network.forecast(source, changed).image
        kept = [0, 1, 3]
        torch.testing.assert_close(other[kept], whole[kept])
        assert not torch.allclose(other[2], whole[2], atol=1e-4)


class TestAnalogy:
    @pytest.mark.parametrize("bottleneck", ["fc", "spatial"])
    def test_where_nothing_moves_the_code_is_that_of_the_frame(self, bottleneck: str) -> None:
        """FRGAN 5: exactly."""
        network, (frame, M_t, _) = ForecastingNetwork(small(bottleneck=bottleneck)), inputs()
        seen: list[Tensor] = []
        network.f_D.register_forward_hook(lambda module, given, result: seen.append(given[0]))
        network(frame, M_t, M_t)
        assert torch.equal(seen[0], network.f_I(frame)[1])

    def test_motion_back_is_minus_motion_there(self) -> None:
        """FRGAN 6."""
        a, b, image = torch.randn(3, 2, 6)
        torch.testing.assert_close(analogy(image, a, b) - image, -(analogy(image, b, a) - image))


class TestConnections:
    @pytest.mark.parametrize("dense", [True, False])
    def test_results_reach_all_later_blocks_only_where_dense(self, dense: bool) -> None:
        """FRGAN 8: what the last block is given, with all that lies between cut off."""
        network = ForecastingNetwork(small(dense=dense))
        *between, last = network.f_D.blocks
        results: list[Tensor] = []

        def cut(module: nn.Module, given: Any, result: Tensor) -> Tensor:
            results.append(result.detach().requires_grad_())
            return results[-1]

        for block in between:
            block.register_forward_hook(cut)
        z: list[Tensor] = []
        network.f_D.first.register_forward_hook(lambda module, given, result: z.append(result))
        seen: list[Tensor] = []
        last.register_forward_hook(lambda module, given, result: seen.append(result))
        network(*inputs())
        found = torch.autograd.grad(seen[0].square().sum(), [*z, *results], allow_unused=True)
        reached = [gradient is not None and bool(gradient.abs().max() > 0) for gradient in found]
        assert reached == ([True] * len(reached) if dense else [False] * (len(reached) - 1) + [True])

    def test_batch_norm_is_in_decoders_only(self) -> None:
        """FRGAN 11."""
        network, D_I = ForecastingNetwork(small()), FrameCritic(small())
        norms = lambda part: [layer for layer in part.modules() if isinstance(layer, BatchNorm2d)]  # noqa: E731
        assert not [*norms(network.f_I), *norms(network.f_M), *norms(D_I)]
        assert norms(network.f_D)

    def test_the_critic_sees_frame_and_map_and_is_not_bounded(self) -> None:
        """FRGAN 12."""
        D_I = with_spread_weights(FrameCritic(small()), 1.0)
        frame, M, _ = inputs()
        for x in (frame, M):
            x.requires_grad_()
        score = D_I(frame, M)
        assert score.shape == (2,)
        assert score.abs().max() > 1
        assert all(gradient.abs().max() > 0 for gradient in torch.autograd.grad(score.sum(), (frame, M)))
        torch.testing.assert_close(D_I(frame[:1], M[:1]), score[:1])


class TestPosePredictor:
    def test_it_has_the_published_number_of_weights(self) -> None:
        """FRGAN 24."""
        with torch.device("meta"):
            assert parameters(PosePredictor(FRGANConfig())) == 4_335_642

    @pytest.mark.parametrize("feedback", [False, True])
    @pytest.mark.parametrize("steps", [1, 32, 128])
    def test_it_goes_on_for_as_long_as_one_asks(self, steps: int, feedback: bool) -> None:
        network, observed = PosePredictor(FRGANConfig(hidden=16, feedback=feedback)), torch.rand(2, 10, 26)
        poses = network(observed, steps)
        assert poses.shape == (2, steps, 26)
        assert poses.abs().max() <= 1
        torch.testing.assert_close(network(observed, steps + 5)[:, :steps], poses)

    def test_future_inputs_are_zeros(self) -> None:
        network, observed = PosePredictor(FRGANConfig(hidden=16)), torch.rand(2, 10, 26)
        states, _ = network.lstm(torch.cat([observed, torch.zeros(2, 3, 26)], 1))
        torch.testing.assert_close(network(observed, 3), network.read(states[:, -3:]).tanh())

    def test_or_the_poses_before(self) -> None:
        network, observed = PosePredictor(FRGANConfig(hidden=16, feedback=True)), torch.rand(2, 10, 26)
        states, _ = network.lstm(observed)
        before = torch.cat([network.read(states[:, -1:]).tanh(), network(observed, 2)], 1)
        states, _ = network.lstm(torch.cat([observed, before], 1))
        torch.testing.assert_close(network(observed, 3), network.read(states[:, -3:]).tanh())


class TestReference:
    """The literal transcription, and that ours computes the same."""

    WIDTHS = (4, 8, 8, 8)

    def test_it_has_the_published_numbers_of_weights(self) -> None:
        with torch.device("meta"):
            G_M = reference.ForecastingNetwork([64, 128, 256, 512, 512], 3, 3)
            D_I = reference.FrameCritic([64, 128, 256, 512, 512], 3, 3)
        assert (parameters(G_M), parameters(D_I)) == (70_326_596, 13_286_977)

    @pytest.mark.usefixtures("few_positions")
    def test_forecasts_and_gradients_agree(self) -> None:
        theirs = with_spread_weights(reference.ForecastingNetwork(self.WIDTHS, 3, 2, 6)).double()
        ours = ForecastingNetwork(small()).double()
        ours.load_state_dict(reference.weights_of_G_M(theirs))
        given, towards = [x.double() for x in inputs()], torch.randn(2, 3, 32, 32)
        image, mask = theirs(*given)
        found = ours(*given)
        torch.testing.assert_close(found.image, image, atol=1e-5, rtol=0)
        torch.testing.assert_close(found.mask.double(), mask, atol=1e-5, rtol=0)
        for frame in (image, found.image):
            (frame * towards).sum().backward()
        for p in theirs.parameters():
            p.data = p.grad
        gradients = reference.weights_of_G_M(theirs)
        for name, p in ours.named_parameters():
            scale = float(gradients[name].abs().max())
            torch.testing.assert_close(p.grad, gradients[name], rtol=0, atol=1e-5 * scale + 1e-6, msg=name)

    @pytest.mark.usefixtures("few_positions")
    def test_scores_and_penalties_agree(self) -> None:
        theirs = with_spread_weights(reference.FrameCritic(self.WIDTHS, 3, 2))
        ours = FrameCritic(small())
        ours.load_state_dict(reference.weights_of_D(theirs))
        real, M, _ = inputs()
        fake, share = inputs()[0], torch.tensor([0.3, 0.8])
        torch.testing.assert_close(ours(real, M), theirs(real, M), atol=1e-5, rtol=1e-4)
        penalties = [reference.penalty(D, real, fake, M, share) for D in (theirs, ours)]
        torch.testing.assert_close(penalties[1], penalties[0], rtol=1e-4, atol=1e-6)
        for penalty in penalties:
            penalty.backward()
        expected = {name: p.grad for name, p in theirs.named_parameters() if p.ndim > 1}
        for name, p in ours.named_parameters():
            if name in expected:  # slopes do not depend on biases
                torch.testing.assert_close(p.grad, expected[name], rtol=1e-3, atol=1e-5, msg=name)

    def test_a_step_lowers_what_it_should(self) -> None:
        """Losses have the names of ours, and all weights change."""
        G_M = reference.ForecastingNetwork(self.WIDTHS, 3, 2, 6)
        training = reference.Training(G_M, reference.FrameCritic(self.WIDTHS, 3, 2))
        before = G_M.mask.weight.detach().clone()
        frame, M_t, M_k = inputs()
        losses = training.step_forecast(frame, M_t, inputs()[0], M_k, torch.tensor([0.3, 0.8]))
        assert list(losses) == ["D_I", "D_I_gp", "G_M_rec", "G_M_mask", "G_M_gen"]
        assert not torch.equal(G_M.mask.weight, before)
