"""The baselines' networks: parameter counts worked out from the papers' layers, shapes, what depends on what."""

import numpy as np
import pytest
import torch
from torch import nn

from mutoscope.baselines.mocogan import MoCoGAN
from mutoscope.baselines.tgan import TGAN
from mutoscope.baselines.vgan import VGAN
from mutoscope.errors import InputError
from mutoscope.metrics import compute_report
from mutoscope.systems import system_class

TINY = {
    "mocogan": {"image_size": 16, "width": 0.125, "frames": 10},
    "tgan": {"image_size": 16, "width": 0.125},
    "vgan": {"image_size": 16, "width": 0.125, "frames": 8},
}
NAMES = list(TINY)


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def tiny(name: str, **arguments):
    torch.manual_seed(0)
    return system_class(name)(**(TINY[name] | arguments)).eval()


class TestParameterCounts:
    """At the papers' sizes: 64 x 64 frames, three channels, full width."""

    @pytest.mark.parametrize(
        ("arguments", "G", "D_I", "D_V"),
        [
            ({}, 3_249_684, 663_296, 11_056_896),
            # four actions: 4·3·10 weights more in R_M, 4·512·4·4·4 more in D_V
            ({"categories": 4}, 3_249_684 + 120, 663_296, 11_056_896 + 131_072),
            # at the frame instead: 4·512·4·4 more in the first deconvolution
            ({"categories": 4, "label_at": "frame"}, 3_249_684 + 32_768, 663_296, 11_056_896 + 131_072),
        ],
    )
    def test_mocogan(self, arguments: dict, G: int, D_I: int, D_V: int):
        system = MoCoGAN(**arguments)
        assert (count(system.G), count(system.D_I), count(system.D_V)) == (G, D_I, D_V)

    def test_tgan(self):
        system = TGAN()
        temporal = (
            100 * 512 + 512 + 512 * 256 * 4 + 256 + 256 * 128 * 4 + 128 + 128 * 128 * 4 + 128 + 128 * 100 * 4 + 100
        )
        assert count(system.G_0) == temporal + 2 * (512 + 256 + 128 + 128)
        assert count(system.G_1) == 3_631_363
        assert count(system.D) == 11_033_281

    def test_tgan_with_one_latent_has_one_bottom_map(self):
        bottom_map = 100 * 4096 + 4096 + 2 * 4096
        assert count(TGAN().G_1) - count(TGAN(latents="fast").G_1) == bottom_map + 256 * 256 * 16

    def test_vgan(self):
        system = VGAN()
        assert (count(system.G), count(system.D)) == (16_243_463, 11_040_513)


class TestShapes:
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize(("size", "channels"), [(16, 3), (32, 1)])
    def test_clips_have_the_size_asked_for(self, name: str, size: int, channels: int):
        frames = {} if name == "tgan" else {"frames": 16}
        system = tiny(name, image_size=size, channels=channels, **frames)
        clips = list(system.sample_clips(3, frames=7, seed=0))
        assert len(clips) == 3
        assert all(clip.shape == (7, size, size, channels) and clip.dtype == np.uint8 for clip in clips)

    def test_the_temporal_generator_doubles_time_from_1_to_16(self):
        codes = tiny("tgan").G_0(torch.zeros(2, 100))
        assert codes.shape == (2, 100, 16)
        assert codes.abs().max() <= 1

    def test_discriminators_end_in_one_score_at_the_papers_size(self):
        clip = torch.zeros(1, 3, 16, 64, 64)
        assert MoCoGAN(width=0.125).D_V(clip)[0].shape == (1, 1)
        assert TGAN(width=0.125).D(clip).shape == (1,)
        assert VGAN(width=0.125, frames=16).D(clip).shape == (1, 1)
        assert MoCoGAN(width=0.125).D_I(clip[:, :, 0]).shape == (1, 16)  # one score a patch

    @pytest.mark.parametrize(
        ("name", "wrong", "message"),
        [
            ("mocogan", {"image_size": 48}, "image_size: 48"),
            ("mocogan", {"frames": 5}, "frames: 5 is too few"),
            ("vgan", {"frames": 6}, "multiple of 4"),
            ("tgan", {"clip_every": 0}, "clip_every: 0"),
        ],
    )
    def test_sizes_that_cannot_be_are_refused(self, name: str, wrong: dict, message: str):
        with pytest.raises(InputError, match=message):
            tiny(name, **wrong)

    def test_more_frames_than_a_convolution_makes_are_refused(self):
        with pytest.raises(InputError, match="at most 16"):
            next(tiny("tgan").sample_clips(1, frames=17))

    def test_mocogan_goes_on_as_long_as_one_likes(self):
        (clip,) = tiny("mocogan").sample_clips(1, frames=40)
        assert len(clip) == 40


class TestRandomness:
    @pytest.mark.parametrize("name", NAMES)
    def test_the_seed_decides_the_clips_and_how_many_are_drawn_does_not(self, name: str):
        system = tiny(name)
        few, many, other = (list(system.sample_clips(n, frames=8, seed=seed)) for n, seed in ((2, 5), (18, 5), (2, 6)))
        assert np.array_equal(few[1], many[1])
        assert not np.array_equal(few[1], other[1])


class TestWhatDependsOnWhat:
    def test_mocogan_content_and_motion_enter_apart(self):
        G = tiny("mocogan").G
        content, start, noise, none = torch.randn(1, 50), torch.randn(1, 10), torch.randn(1, 6, 10), torch.zeros(1, 0)
        clip = G(content, start, noise, none)
        later = noise.clone()
        later[:, 4:] += 1
        changed = G(content, start, later, none)
        assert torch.equal(clip[:, :, :4], changed[:, :, :4])  # the future does not change the past
        assert not torch.allclose(clip[:, :, 4:], changed[:, :, 4:])
        assert not torch.allclose(clip, G(content + 1, start, noise, none))

    @pytest.mark.parametrize("label_at", ["motion", "frame"])
    def test_the_action_changes_the_clip(self, label_at: str):
        system = tiny("mocogan", categories=2, label_at=label_at)
        content, start, noise, _ = system.latents(1, 6, torch.Generator().manual_seed(0))
        first, second = (system.G(content, start, noise, label[None]) for label in torch.eye(2))
        assert not torch.allclose(first, second)

    def test_tgan_with_fast_latents_only_ignores_z_0_in_the_pictures(self):
        fast = torch.randn(1, 100, 4)
        for latents, same in (("fast", True), ("both", False)):
            G_1 = tiny("tgan", latents=latents).G_1
            assert torch.allclose(G_1(torch.zeros(1, 100), fast), G_1(torch.ones(1, 100), fast)) is same

    def test_vgan_joins_two_streams_by_its_mask(self):
        G = tiny("vgan").G
        with torch.no_grad():
            G.mask.weight.zero_()
            G.mask.bias.fill_(-100.0)  # all background
        clip, mask = G(torch.randn(1, 100))
        assert mask.max() == 0
        assert torch.equal(clip[:, :, 0], clip[:, :, -1])  # which stands still


class TestSingularValueClipping:
    def test_no_layer_stretches_by_more_than_one(self):
        D = tiny("tgan").D.train()
        D(torch.randn(4, 3, 16, 16, 16))
        with torch.no_grad():
            for weight in D.parameters():
                weight.mul_(30)
        D.clip_singular_values()
        for layer in D.layers:
            if isinstance(layer, nn.Conv3d):
                assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) <= 1 + 1e-5
            elif isinstance(layer, nn.BatchNorm3d):
                assert (layer.weight.abs() <= (layer.running_var + layer.eps).sqrt() + 1e-6).all()

    def test_small_weights_stay_as_they_are(self):
        D = tiny("tgan").D
        with torch.no_grad():
            for layer in D.layers:
                if isinstance(layer, nn.Conv3d):
                    layer.weight.mul_(0.5 / torch.linalg.matrix_norm(layer.weight.flatten(1), 2))
        before = [layer.weight.clone() for layer in D.layers if isinstance(layer, nn.Conv3d)]
        D.clip_singular_values()
        after = [layer.weight for layer in D.layers if isinstance(layer, nn.Conv3d)]
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(before, after, strict=True))


def test_kinds_of_layers_are_those_of_the_papers_comparison():
    """Yu et al. 2020, Table 6: what the baselines have and `pseudo_label` does without."""
    z, noise, none = torch.zeros(1, 50), torch.zeros(1, 10, 10), torch.zeros(1, 0)
    mocogan = tiny("mocogan")
    assert compute_report(mocogan.G, z, noise[:, 0], noise, none, frames=10)["layers"] == "RNN + C2D"
    assert compute_report(mocogan.D_V, torch.zeros(1, 3, 10, 16, 16), frames=10)["layers"] == "C3D"
