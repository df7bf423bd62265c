"""The baselines' networks: parameter counts worked out from the papers' layers, shapes, what depends on what."""

import numpy as np
import pytest
import torch
from torch import nn

from mutoscope.baselines.tgan import clip_singular_values
from mutoscope.baselines.video_gan import VideoGAN
from mutoscope.errors import InputError
from mutoscope.metrics import compute_report
from mutoscope.systems import system_class
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.draws import Draws, Random

TINY = {
    "mocogan": {"image_size": 16, "width": 0.125, "frames": 10},
    "tgan": {"image_size": 16, "width": 0.125},
    "vgan": {"image_size": 16, "width": 0.125, "frames": 8},
}
NAMES = list(TINY)


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def full(name: str, **choices) -> VideoGAN:
    """At the paper's sizes, but for what is chosen."""
    system = system_class(name)
    return system.untrained(system.config_class(**choices))


def tiny(name: str, **choices) -> VideoGAN:
    return full(name, **(TINY[name] | choices)).eval()


def drawn(system: VideoGAN, count: int, frames: int, seed: int = 0, **columns) -> list[np.ndarray]:
    return list(system.outputs(Conditions(count, frames, columns), seed))


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
        system = full("mocogan", **arguments)
        assert (count(system.G), count(system.D_I), count(system.D_V)) == (G, D_I, D_V)

    def test_tgan(self):
        system = full("tgan")
        temporal = (
            100 * 512 + 512 + 512 * 256 * 4 + 256 + 256 * 128 * 4 + 128 + 128 * 128 * 4 + 128 + 128 * 100 * 4 + 100
        )
        assert count(system.G_0) == temporal + 2 * (512 + 256 + 128 + 128)
        assert count(system.G_1) == 3_631_363
        assert count(system.D) == 11_033_281

    def test_tgan_with_one_latent_has_one_bottom_map(self):
        bottom_map = 100 * 4096 + 4096 + 2 * 4096
        assert count(full("tgan").G_1) - count(full("tgan", latents="fast").G_1) == bottom_map + 256 * 256 * 16

    def test_vgan(self):
        system = full("vgan")
        assert (count(system.G), count(system.D)) == (16_243_463, 11_040_513)


class TestShapes:
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize(("size", "channels"), [(16, 3), (32, 1)])
    def test_clips_have_the_size_asked_for(self, name: str, size: int, channels: int):
        frames = {} if name == "tgan" else {"frames": 16}
        system = tiny(name, image_size=size, channels=channels, **frames)
        clips = drawn(system, 3, 7)
        assert len(clips) == 3
        assert all(clip.shape == (7, size, size, channels) and clip.dtype == np.uint8 for clip in clips)

    def test_the_temporal_generator_doubles_time_from_1_to_16(self):
        codes = tiny("tgan").G_0(torch.zeros(2, 100))
        assert codes.shape == (2, 100, 16)
        assert codes.abs().max() <= 1

    def test_discriminators_end_in_one_score_at_the_papers_size(self):
        clip = torch.zeros(1, 3, 16, 64, 64)
        assert full("mocogan", width=0.125).D_V(clip)[0].shape == (1, 1)
        assert full("tgan", width=0.125).D(clip).shape == (1,)
        assert full("vgan", width=0.125, frames=16).D(clip)[0].shape == (1,)
        assert full("mocogan", width=0.125).D_I(clip[:, :, 0]).shape == (1, 16)  # one score a patch

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"image_size": 48}, "image_size: 48 (expected 16, 32, 64)"),
            ({"channels": 2}, "channels: 2 (expected 1, 3)"),
            ({"width": 0.0}, "width: 0.0 is out of range (expected above 0 to 64)"),
            ({"frame_step": (2, 1)}, "frame_step: (2, 1) is empty (lowest distance first)"),
            ({"frame_step": (0, 1)}, "frame_step: 0 is out of range (expected 1 to 65536)"),
        ],
    )
    def test_choices_that_cannot_be_are_refused(self, name: str, wrong: dict, message: str):
        with pytest.raises(InputError) as error:
            system_class(name).config_class.from_dict(TINY[name] | wrong)
        assert str(error.value) == message

    @pytest.mark.parametrize(
        ("name", "wrong", "message"),
        [
            ("mocogan", {"frames": 5}, "frames: 5 is too few for frames of 16 pixels (expected 10)"),
            ("mocogan", {"categories": -1}, "categories: -1 is out of range (expected 0 to 65536)"),
            ("mocogan", {"dim_content": 20_000_000}, "dim_content: 20000000 is out of range (expected 1 to 8192)"),
            ("mocogan", {"betas": (0.5, 1.0)}, "betas: 1.0 is out of range (expected 0 to below 1)"),
            ("vgan", {"frames": 6}, "frames: 6 is not a multiple of 4 (for frames of 16 pixels)"),
            ("vgan", {"lambda_mask": -1.0}, "lambda_mask: -1.0 is out of range (expected 0 or more)"),
            ("tgan", {"clip_every": 0}, "clip_every: 0 is out of range (expected 1 to 8192)"),
        ],
    )
    def test_and_those_of_one(self, name: str, wrong: dict, message: str):
        with pytest.raises(InputError) as error:
            system_class(name).config_class.from_dict(TINY[name] | wrong)
        assert str(error.value) == message


class TestOutputs:
    @pytest.mark.parametrize("name", NAMES)
    def test_the_seed_decides_the_clips_and_how_many_are_drawn_does_not(self, name: str):
        system = tiny(name)
        few, many, other = drawn(system, 2, 8, seed=5), drawn(system, 18, 8, seed=5), drawn(system, 2, 8, seed=6)
        assert np.array_equal(few[1], many[1])
        assert not np.array_equal(few[1], other[1])

    @pytest.mark.parametrize("name", ["tgan", "vgan"])
    def test_more_frames_than_a_convolution_makes_are_refused(self, name: str):
        with pytest.raises(InputError, match=rf"^frames: 17 is more than this {name} draws \(expected at most"):
            drawn(tiny(name), 1, 17)

    def test_mocogan_goes_on_as_long_as_one_likes(self):
        (clip,) = drawn(tiny("mocogan"), 1, 40)
        assert len(clip) == 40

    @pytest.mark.parametrize("name", NAMES)
    def test_every_row_is_as_long_as_it_is_asked_to_be(self, name: str):
        system = tiny(name)
        clips = list(system.outputs(Conditions(3, [2, 8, 5])))
        assert [len(clip) for clip in clips] == [2, 8, 5]
        assert np.array_equal(clips[2], drawn(system, 3, 8)[2][:5])

    @pytest.mark.parametrize("name", NAMES)
    def test_single_frames_are_those_of_a_random_time_of_each_clip(self, name: str):
        system = tiny(name)
        clips, frames = drawn(system, 20, system.config.frames), drawn(system, 20, 1)
        times = np.random.default_rng(0).integers(system.config.frames, size=20)
        assert all(np.array_equal(frame, clip[t : t + 1]) for frame, clip, t in zip(frames, clips, times, strict=True))

    @pytest.mark.parametrize("label_at", ["motion", "frame"])
    def test_mocogan_shows_the_actions_asked_for(self, label_at: str):
        """The same noise under another action is another clip; one by one, so that the first do not change."""
        system = tiny("mocogan", categories=2, label_at=label_at)
        first, second = drawn(system, 3, 6, label=[0, 1, 0]), drawn(system, 2, 6, label=[1, 1])
        assert not np.array_equal(first[0], second[0])
        assert np.array_equal(first[1], second[1])

    def test_labels_are_numbers_of_actions(self):
        with pytest.raises(InputError, match=r"^label: 2 is unknown \(expected a number from 0 to 1\)$"):
            drawn(tiny("mocogan", categories=2), 1, 6, label=[2])

    @pytest.mark.parametrize("name", NAMES)
    def test_without_actions_labels_change_nothing(self, name: str):
        system = tiny(name)
        assert all(map(np.array_equal, drawn(system, 2, 6, label=[0, 1]), drawn(system, 2, 6)))


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
        codes = system.codes(1, Draws(torch.Generator().manual_seed(0)), frames=6).values()
        first, second = (system.G(*codes, label[None]) for label in torch.eye(2))
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
        clip_singular_values(D)
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
        clip_singular_values(D)
        after = [layer.weight for layer in D.layers if isinstance(layer, nn.Conv3d)]
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(before, after, strict=True))

    def test_every_fifth_iteration_begins_with_a_clipped_critic(self):
        system, batch = tiny("tgan", lr=0.01).train(), {"clip": torch.zeros(2, 16, 16, 16, 3, dtype=torch.uint8)}
        optimizers, norms = system.optimizers(), []
        for system.iteration in range(6):
            norms.append(torch.linalg.matrix_norm(system.D.layers[0].weight.flatten(1), 2).item())
            system.training_step(batch, system.noise(2, Random(0, system.iteration)), optimizers)
            system.after_step()
        assert [norm <= 1 + 1e-5 for norm in norms] == [True, False, False, False, False, True]


def test_kinds_of_layers_are_those_of_the_papers_comparison():
    """Yu et al. 2020, Table 6: what the baselines have and `pseudo_label` does without."""
    z, noise, none = torch.zeros(1, 50), torch.zeros(1, 10, 10), torch.zeros(1, 0)
    mocogan = tiny("mocogan")
    assert compute_report(mocogan.G, z, noise[:, 0], noise, none, frames=10)["layers"] == "RNN + C2D"
    assert compute_report(mocogan.D_V, torch.zeros(1, 3, 10, 16, 16), frames=10)["layers"] == "C3D"
