"""G_R and D_V: sizes of Table 2 and of its rule for other clips, Eq. 15, skips; equal to a literal transcription."""

from collections.abc import Iterator
from typing import Any

import frgan_reference as reference
import pytest
import torch
from torch import Tensor, nn

from mutoscope.losses import gradient_penalty, gram, gram_distance, ranking_loss
from mutoscope.systems.frgan import FRGANConfig
from mutoscope.systems.frgan.networks import ClipCritic, RefiningNetwork
from mutoscope.systems.frgan.networks.refining import BOTH, SPACE, steps_down

SMALL: dict[str, Any] = {"map_channels": 2, "image_size": 32, "frames": 8, "ch_R": 4, "max_ch_R": 8}


def small(**choices: Any) -> FRGANConfig:
    """Choices of narrow networks with maps of two channels."""
    return FRGANConfig(structure="maps", **(SMALL | choices))


def with_mask(logit: float) -> RefiningNetwork:
    """A narrow network whose mask begins there, before its sigmoid."""
    network = RefiningNetwork(small())
    nn.init.constant_(network.heads.bias[3:], logit)
    return network


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.fixture(autouse=True)
def same_numbers() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def inputs(n: int = 2, frames: int = 8, size: int = 32) -> tuple[Tensor, Tensor]:
    return torch.rand(n, 3, frames, size, size) * 2 - 1, torch.rand(n, 2, frames, size, size)


def with_spread_weights(network: nn.Module, std: float = 0.1) -> nn.Module:
    """As if it had been trained: with the initial ones, clips hardly depend on anything."""
    for p in network.parameters():
        if p.ndim > 1:
            nn.init.normal_(p, 0, std)
    return network


class TestSizes:
    @pytest.mark.parametrize(
        ("map_channels", "G_R", "D_V"),
        [(3, 121_725_444, 44_107_649), (13, 121_807_364, 44_189_569), (32, 121_963_012, 44_345_217)],
    )
    def test_networks_have_the_published_numbers_of_weights(self, map_channels: int, G_R: int, D_V: int) -> None:
        """FRGAN 15."""
        with torch.device("meta"):
            config = FRGANConfig(structure="maps", map_channels=map_channels)
            assert parameters(RefiningNetwork(config)) == G_R
            assert parameters(ClipCritic(config)) == D_V

    def test_maps_have_the_sizes_of_table_2(self) -> None:
        with torch.device("meta"):
            network = RefiningNetwork(FRGANConfig(structure="maps"))
            clip, maps = torch.empty(2, 3, 16, 64, 64), torch.empty(2, 3, 16, 64, 64)
            shapes = [tuple(x.shape[1:]) for x in network.encoder(clip, maps)]
            refined = network(clip, maps)
        assert shapes == [(128, 8, 32, 32), (256, 4, 16, 16), (512, 2, 8, 8), (1024, 1, 4, 4)]
        assert network.squeeze.kernel_size == (1, 4, 4)
        assert [layer.out_channels for layer in network.grow] == [1024, 512, 256, 128]
        assert refined.clip.shape == refined.content.shape == clip.shape
        assert refined.mask.shape == (2, 1, 16, 64, 64)

    @pytest.mark.parametrize(
        ("frames", "size", "left"),
        [
            (16, 64, (1, 4, 4)),
            (32, 64, (2, 4, 4)),
            (16, 128, (1, 4, 4)),
            (32, 128, (1, 4, 4)),
            (8, 32, (1, 4, 4)),
            (16, 32, (2, 4, 4)),
            (12, 32, (3, 4, 4)),
            (5, 48, (5, 6, 6)),
            (1, 32, (1, 4, 4)),
        ],
    )
    def test_clips_of_other_lengths_and_sizes_come_back_as_they_are(
        self, frames: int, size: int, left: tuple[int, int, int]
    ) -> None:
        """FRGAN 16."""
        config = small(image_size=size, frames=frames, ch_R=2, max_ch_R=4)
        steps, bottom = steps_down(config)
        assert bottom == left
        assert steps == sorted(steps, key=[SPACE, BOTH].index), "time is halved last"
        given = inputs(1, frames, size)
        assert RefiningNetwork(config)(*given).clip.shape == given[0].shape
        score, activations = ClipCritic(config)(*given)
        assert score.shape == (1,)
        assert activations[-1].shape[2:] == left


class TestRefined:
    def test_clips_masks_and_contents_keep_to_their_ranges(self) -> None:
        clip, mask, content = with_spread_weights(RefiningNetwork(small()), 1.0)(*inputs())
        assert clip.abs().max() <= 1
        assert content.abs().max() <= 1
        assert 0 <= mask.min() <= mask.max() <= 1

    @pytest.mark.parametrize(("logit", "which"), [(-1e9, "coarse"), (1e9, "content")])
    def test_a_closed_mask_leaves_the_coarse_clip_and_an_open_one_the_content(self, logit: float, which: str) -> None:
        """FRGAN 18: bit by bit."""
        network, given = with_mask(logit), inputs()
        clip, _, content = network(*given)
        assert torch.equal(clip, given[0] if which == "coarse" else content)

    def test_an_untrained_network_changes_little(self) -> None:
        given = inputs()
        clip, mask, _ = RefiningNetwork(small())(*given)
        assert mask.mean().item() == pytest.approx(torch.tensor(-2.0).sigmoid().item(), abs=0.02)
        assert (clip - given[0]).abs().mean() < 0.1

    @pytest.mark.parametrize("fusion", ["add", "concat"])
    @pytest.mark.parametrize("skips", ["deep", "all", "none"])
    def test_every_variant_learns_with_all_its_weights(self, skips: str, fusion: str) -> None:
        network = RefiningNetwork(small(skips_R=skips, fusion_R=fusion))
        network(*inputs()).clip.square().sum().backward()
        assert not [name for name, p in network.named_parameters() if p.grad is None]

    @pytest.mark.parametrize("fusion", ["add", "concat"])
    @pytest.mark.parametrize(("skips", "levels"), [("deep", {2}), ("all", {0, 1, 2}), ("none", set())])
    def test_only_these_maps_of_the_encoder_feed_the_decoder(self, skips: str, levels: set[int], fusion: str) -> None:
        """FRGAN 17: with the way through the bottleneck cut off."""
        network = RefiningNetwork(small(skips_R=skips, fusion_R=fusion))
        network.squeeze.register_forward_hook(lambda module, given, result: result.detach())
        seen: list[Tensor] = []

        def apart(module: nn.Module, given: Any, result: list[Tensor]) -> list[Tensor]:
            seen.extend(x.detach().requires_grad_() for x in result)
            return seen

        network.encoder.register_forward_hook(apart)
        clip = network(*inputs()).clip
        found = torch.autograd.grad(clip.square().sum(), seen, allow_unused=True)
        assert {level for level, gradient in enumerate(found) if gradient is not None} == levels


class TestCritic:
    def test_scores_are_unbounded_and_each_clips_own(self) -> None:
        """FRGAN 12."""
        D_V, given = with_spread_weights(ClipCritic(small()), 0.5), inputs(3)
        for x in given:
            x.requires_grad_()
        score, activations = D_V(*given)
        assert score.shape == (3,)
        assert score.abs().max() > 1
        assert [x.shape[1] for x in activations] == [4, 8, 8]
        assert all(gradient.abs().max() > 0 for gradient in torch.autograd.grad(score.sum(), given))
        torch.testing.assert_close(D_V(given[0][:1], given[1][:1])[0], score[:1])

    def test_its_slopes_can_be_learned(self) -> None:
        """FRGAN 13."""
        D_V, (real, maps) = with_spread_weights(ClipCritic(small())), inputs()
        gradient_penalty(D_V.scores, real, inputs()[0], maps, torch.tensor([0.3, 0.8])).backward()
        assert all(p.grad.abs().max() > 0 for name, p in D_V.named_parameters() if name.endswith("weight"))

    def test_ranking_is_learned_by_both_against_each_other(self) -> None:
        """FRGAN 21: a small step of G_R lowers the loss, one of D_V against it raises it."""
        G_R = with_spread_weights(with_mask(0.0)).eval()
        D_V = with_spread_weights(ClipCritic(small()))
        (real, maps), (coarse, _) = inputs(), inputs()

        def rank() -> Tensor:
            clips = (G_R(coarse, maps).clip, real, coarse)
            refined, *others = ([gram(x) for x in D_V(clip, maps)[1]] for clip in clips)
            return ranking_loss(*(gram_distance(refined, other) for other in others)).mean()

        for network, direction in ((G_R, -1), (D_V, 1)):
            before = rank()
            weights = list(network.parameters())
            slopes = torch.autograd.grad(before, weights, allow_unused=True)
            length = sum(slope.square().sum() for slope in slopes if slope is not None).sqrt()
            with torch.no_grad():
                for p, slope in zip(weights, slopes, strict=True):
                    p += 0 if slope is None else direction * 1e-2 * slope / length
            assert direction * (rank() - before) > 0


class TestReference:
    """The literal transcription, and that ours computes the same."""

    def test_it_has_the_published_numbers_of_weights(self) -> None:
        with torch.device("meta"):
            widths = [128, 256, 512, 1024]
            G_R = reference.RefiningNetwork(widths, 3, 3, (1, 4, 4))
            D_V = reference.ClipCritic(widths, 3, 3, (1, 4, 4))
        assert (parameters(G_R), parameters(D_V)) == (121_725_444, 44_107_649)

    def test_refined_clips_agree(self) -> None:
        theirs = with_spread_weights(reference.RefiningNetwork([4, 8, 8], 3, 2, (1, 4, 4)))
        ours, given = RefiningNetwork(small()), inputs()
        ours.load_state_dict(reference.weights_of_G_R(theirs))
        clip, mask = theirs(*given)
        found = ours(*given)
        torch.testing.assert_close(found.clip, clip, atol=1e-5, rtol=0)
        torch.testing.assert_close(found.mask, mask, atol=1e-5, rtol=0)

    def test_scores_and_ranks_agree(self) -> None:
        theirs = with_spread_weights(reference.ClipCritic([4, 8, 8], 3, 2, (1, 4, 4)))
        ours = ClipCritic(small())
        ours.load_state_dict(reference.weights_of_D(theirs))
        clips, maps = [inputs()[0] for _ in range(3)], inputs()[1]
        expected = [theirs(clip, maps) for clip in clips]
        found = [ours(clip, maps) for clip in clips]
        for (score, _), (own, _) in zip(expected, found, strict=True):
            torch.testing.assert_close(own, score, atol=1e-5, rtol=1e-4)
        ranks = reference.rank(*(activations for _, activations in expected))
        grams = [[gram(x) for x in activations] for _, activations in found]
        own_ranks = ranking_loss(*(gram_distance(grams[0], other) for other in grams[1:]))
        torch.testing.assert_close(own_ranks, ranks, atol=1e-5, rtol=1e-4)

    def test_a_step_trains_all_three(self) -> None:
        """Losses have the names of ours; G_M is left as it is."""
        G_M, D_I = reference.ForecastingNetwork([4, 8, 8, 8], 3, 2, 6), reference.FrameCritic([4, 8, 8, 8], 3, 2)
        G_R = reference.RefiningNetwork([4, 8, 8], 3, 2, (1, 4, 4))
        D_V = reference.ClipCritic([4, 8, 8], 3, 2, (1, 4, 4))
        training = reference.Training(G_M, D_I, G_R, D_V)
        state = {name: x.clone() for name, x in G_M.state_dict().items()}
        real, maps = inputs()
        share = torch.tensor([0.3, 0.8])
        losses = training.step_refine(real[:, :, 0], maps[:, :, 0], real, maps, torch.tensor([1, 5]), share, share)
        expected = "D_I D_I_gp D_V D_V_gp D_V_rank G_R_rec G_R_mask G_R_gen G_R_rank"
        assert list(losses) == expected.split()
        assert all(torch.isfinite(loss) for loss in losses.values())
        assert all(torch.equal(x, state[name]) for name, x in G_M.state_dict().items())
