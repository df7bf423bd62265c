"""From noise to codes to clips with a trained generator. Numbers are those of the acceptance list."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.media.tensors import float_to_uint8
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.mintgan import MintGAN, MintGANConfig

SMALL = {
    **{"d_a": 8, "d_m": 4, "N": 16, "image_size": 8, "frames": 16, "levels": 3},
    **{"widths": [8, 8], "widths_D": [8, 8], "mlp_depth": 3},
}
BASES = ["dictionary", "canonical"]
FEW = settings(max_examples=15)


def small(**choices: Any) -> MintGAN:
    """An untrained system, always from the same first weights."""
    return MintGAN.untrained(MintGANConfig(**(SMALL | choices))).eval()


@pytest.fixture(scope="module")
def system() -> MintGAN:
    """To draw with only."""
    return small()


@pytest.fixture(scope="module")
def codes(system: MintGAN) -> tuple[Tensor, Tensor]:
    """w_0 and A of three clips."""
    return system.latents(system.appearances(3, 1), system.motions(3, 1))


def drawn(system: MintGAN, W: Tensor) -> np.ndarray:
    return np.stack(list(system.draw(W)))


def sampled(system: MintGAN, n: int = 3, frames: int = 16, seed: int = 0) -> np.ndarray:
    return np.stack(list(system.outputs(Conditions(n, frames), seed))).astype(int)


class TestNoise:
    @given(n=st.integers(1, 6), fewer=st.integers(1, 6), frames=st.integers(1, 40), shorter=st.integers(1, 40))
    def test_less_is_the_beginning_of_more(self, system, n, fewer, frames, shorter):
        """24: of more draws, and of longer ones."""
        fewer, shorter = min(n, fewer), min(frames, shorter)
        z_a, z_m = system.appearances(n, 3), system.motions(n, 3, frames)
        assert (z_a.shape, z_m.shape) == ((n, 8), (n, frames - 1, 4))
        assert torch.equal(system.appearances(fewer, 3), z_a[:fewer])
        assert torch.equal(system.motions(fewer, 3, shorter), z_m[:fewer, : shorter - 1])

    def test_clips_are_as_long_as_in_training_unless_asked(self, system):
        assert system.motions(2, 0).shape == (2, 15, 4)

    def test_it_is_normal(self, system):
        for z in (system.appearances(1000, 0), system.motions(200, 0)):
            assert z.mean().abs() < 0.05
            assert z.std().item() == pytest.approx(1, abs=0.05)

    @given(seed=st.integers(0, 1000))
    def test_another_seed_is_another_noise(self, system, seed):
        """37: for appearance and for motion, which are drawn apart."""
        assert torch.equal(system.motions(2, seed), system.motions(2, seed))
        assert not torch.equal(system.motions(2, seed), system.motions(2, seed + 1))
        assert not torch.equal(system.appearances(2, seed), system.appearances(2, seed + 1))
        assert len(set(torch.cat([z.flatten() for z in (system.appearances(2, seed), system.motions(2, seed))]))) == 136

    def test_the_global_generator_is_left_alone(self, system):
        before = torch.get_rng_state()
        sampled(system, 1)
        system.basis("canonical")
        assert torch.equal(torch.get_rng_state(), before)


class TestLatents:
    def test_they_are_those_of_the_generator(self, system, codes):
        network, z_a, z_m = system.generator, system.appearances(3, 1), system.motions(3, 1)
        assert torch.equal(codes.w_0, network.appearance(z_a))
        assert torch.equal(codes.A, network.magnitudes(z_a, z_m))
        assert not codes.w_0.requires_grad

    @FEW
    @given(psi=st.floats(0, 1.5))
    def test_truncation_moves_appearance_towards_the_mean(self, system, codes, psi):
        """Section 7.11: mean + ψ (w_0 - mean); motion stays."""
        z = system.appearances(3, 1), system.motions(3, 1)
        mean, found = system.latents(*z, truncation=0.0).w_0, system.latents(*z, truncation=psi)
        torch.testing.assert_close(mean, mean[:1].expand(3, -1))
        torch.testing.assert_close(found.w_0, torch.lerp(mean, codes.w_0, psi), rtol=1e-4, atol=1e-5)
        assert torch.equal(found.A, codes.A)

    def test_the_mean_is_that_of_appearances(self, system):
        mean = system.latents(system.appearances(1, 0), system.motions(1, 0), truncation=0.0).w_0[0]
        torch.testing.assert_close(
            mean, system.generator.appearance(system.appearances(4000, 7)).mean(0), atol=0.1, rtol=0
        )

    def test_the_averaged_generator_draws(self):
        averaged = small()
        with torch.no_grad():
            for p in averaged.G.parameters():
                p.zero_()
        assert np.array_equal(sampled(averaged), sampled(small()))


class TestBases:
    @pytest.mark.parametrize("name", BASES)
    @pytest.mark.parametrize("method", ["svd", "qr"])
    def test_they_are_orthonormal(self, name, method):
        rows = small(motion_bank=method).basis(name)
        torch.testing.assert_close(rows @ rows.T, torch.eye(16), rtol=0, atol=1e-5)

    def test_the_dictionary_is_that_of_the_generator(self, system, codes):
        assert torch.equal(system.basis(), system.generator.directions())
        assert torch.equal(system.in_basis(codes.A), codes.A)

    @pytest.mark.parametrize("name", BASES)
    def test_coordinates_tell_the_steps(self, system, codes, name):
        """Steps are coordinates times basis, and coordinates are steps along it."""
        steps, found = codes.A @ system.basis(), system.in_basis(codes.A, name)
        torch.testing.assert_close(found @ system.basis(name), steps, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(found, steps @ system.basis(name).T, rtol=1e-4, atol=1e-5)

    def test_a_clip_is_the_same_in_either(self, system, codes):
        """10: by canonical directions the same codes and the same frames."""
        W = system.path(codes.w_0, codes.A)
        again = system.path(codes.w_0, system.in_basis(codes.A, "canonical"), "canonical")
        torch.testing.assert_close(again, W, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(system.generator.frames(again), system.generator.frames(W), rtol=1e-4, atol=1e-4)
        assert np.abs(drawn(system, again).astype(int) - drawn(system, W)).max() <= 1

    def test_canonical_directions_are_principal_axes(self, system):
        """Of the steps that clips take: uncorrelated along them, and by variance, the largest first."""
        coordinates = system.in_basis(system.sampled_magnitudes(), "canonical").flatten(0, 1)
        covariance = coordinates.T.cov().double()
        variances = covariance.diagonal()
        assert (variances.diff() <= 1e-6).all()
        assert (covariance - variances.diag()).abs().max() < 1e-3 * variances[0]
        raw = system.sampled_magnitudes().flatten(0, 1).var(0)
        assert variances[0] >= raw.max()
        assert variances.sum().item() == pytest.approx(raw.sum().item(), rel=1e-3)

    def test_canonical_directions_do_not_depend_on_the_dictionarys(self, system):
        """They belong to the motion: other directions with the same steps have the same axes, signs included."""
        R, turned = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(0)))[0], small()
        turned.sampled_magnitudes = lambda: system.sampled_magnitudes() @ R
        turned.G_average.network.bank.D.copy_(R.T @ system.basis())
        torch.testing.assert_close(turned.basis("canonical"), system.basis("canonical"), rtol=0, atol=1e-2)
        largest = system.basis("canonical").gather(1, system.basis("canonical").abs().argmax(1, keepdim=True))
        assert (largest > 0).all()

    @pytest.mark.parametrize(
        ("method", "name", "message"),
        [
            ("free", "canonical", r"^basis: canonical needs orthonormal directions \(motion_bank is free\)$"),
            ("none", "canonical", "^motion_bank: this generator was built with none"),
            ("none", "dictionary", "^motion_bank: this generator was built with none"),
        ],
    )
    def test_what_has_no_such_basis_is_refused(self, method, name, message):
        with pytest.raises(InputError, match=message):
            small(motion_bank=method).basis(name)


class TestPaths:
    @FEW
    @given(seed=st.integers(0, 100), steps=st.integers(0, 20), name=st.sampled_from(BASES))
    def test_coordinates_add_up_along_each_direction(self, system, seed, steps, name):
        """4 and 5: Eq. 5.4, in either basis."""
        w_0, coordinates = (
            torch.randn(2, *size, 16, generator=torch.Generator().manual_seed(seed)) for size in ((), (steps,))
        )
        W = system.path(w_0, coordinates, name)
        assert W.shape == (2, steps + 1, 16)
        assert torch.equal(W[:, 0], w_0)
        gone = (W[:, 1:] - w_0[:, None]) @ system.basis(name).T
        torch.testing.assert_close(gone, coordinates.cumsum(1), rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("name", BASES)
    def test_a_direction_can_be_taken_away_and_given_back(self, system, codes, name):
        """8 and 9: in either basis."""
        coordinates, is_k = system.in_basis(codes.A, name), torch.arange(16) == 3
        W, only, without = (system.path(codes.w_0, coordinates * part, name) for part in (torch.ones(16), is_k, ~is_k))
        torch.testing.assert_close(only + without - codes.w_0[:, None], W, rtol=1e-4, atol=1e-4)
        term = coordinates[:, :, 3].cumsum(1)[..., None] * system.basis(name)[3]
        torch.testing.assert_close(without[:, 1:] + term, W[:, 1:], rtol=1e-4, atol=1e-4)

    def test_without_a_bank_a_path_is_what_the_perceptron_gave(self):
        system = small(motion_bank="none")
        w_0, A = system.latents(system.appearances(2, 0), system.motions(2, 0))
        assert torch.equal(system.path(w_0, A), torch.cat([w_0[:, None], A], 1))


class TestDrawing:
    @pytest.mark.parametrize(("n", "t"), [(1, 1), (3, 16), (5, 16), (2, 65), (70, 1), (1, 130)])
    def test_clips_are_the_generators_frames(self, system, n, t):
        """However many are drawn at once."""
        W = torch.randn(n, t, 16, generator=torch.Generator().manual_seed(0))
        clips = drawn(system, W)
        assert (clips.dtype, clips.shape) == (np.uint8, (n, t, 8, 8, 3))
        expected = float_to_uint8(system.generator.frames(W).transpose(1, 2)).astype(int)
        assert np.abs(clips - expected).max() <= 1

    def test_few_frames_are_drawn_at_once(self, system):
        """Long clips and many take no more memory than short ones and few, and none is drawn before it is asked for."""
        sizes: list[int] = []
        hook = system.generator.G_S.register_forward_hook(lambda _, __, frames: sizes.append(len(frames)))
        clips = system.draw(torch.zeros(9, 16, 16))
        assert sizes == []
        next(clips)
        assert sizes == [64]
        list(clips)
        list(system.draw(torch.zeros(1, 200, 16)))
        hook.remove()
        assert sizes == [64, 64, 16, 64, 64, 64, 8]

    @pytest.mark.parametrize("channels", [1, 3])
    def test_without_motion_a_clip_stands_still(self, channels):
        """6: to the bit, also where the generator has noise maps, which are those of all clips."""
        system = small(noise=True, channels=channels)
        for name, p in system.generator.named_parameters():
            if name.endswith("noise_weight"):
                nn.init.constant_(p, 0.5)
        w_0 = system.latents(system.appearances(2, 0), system.motions(2, 0)).w_0
        clips = drawn(system, system.path(w_0[[0, 1, 0]], torch.zeros(3, 15, 16)))
        assert clips.shape[-1] == channels
        assert (clips == clips[:, :1]).all()
        assert np.array_equal(clips[0], clips[2])
        assert not np.array_equal(clips[0], clips[1])


class TestSampling:
    def test_clips_are_those_of_the_seed(self, system):
        """37."""
        first = sampled(system, seed=1)
        assert np.array_equal(first, sampled(small(), seed=1))
        assert not np.array_equal(first, sampled(system, seed=2))

    def test_a_clip_does_not_depend_on_those_drawn_with_it(self, system):
        """Up to rounding, a level."""
        many = sampled(system, 6)
        for n in (1, 3, 5):
            assert np.abs(sampled(system, n)[-1] - many[n - 1]).max() <= 1

    @pytest.mark.parametrize("frames", [1, 2, 15, 17, 32, 48])
    def test_clips_are_as_long_as_asked_and_begin_alike(self, system, frames):
        """24: what is longer than in training begins as that does, up to rounding."""
        clips, usual = sampled(system, frames=frames), sampled(system)
        assert clips.shape == (3, frames, 8, 8, 3)
        both = min(frames, 16)
        assert np.abs(clips[:, :both] - usual[:, :both]).max() <= 1

    def test_the_first_frame_is_the_appearances(self, system):
        """7: whatever the motion."""
        z_a = system.appearances(2, 0)
        firsts = [
            drawn(system, system.path(*system.latents(z_a, system.motions(2, seed))))[:, 0].astype(int)
            for seed in (1, 2)
        ]
        assert np.abs(firsts[0] - firsts[1]).max() <= 1

    def test_each_clip_is_as_long_as_its_row_asks(self, system):
        """Single frames too; what else rows hold does not matter."""
        clips = list(system.outputs(Conditions(3, [16, 1, 9], {"label": [0, 1, 2]}), seed=0))
        assert [len(clip) for clip in clips] == [16, 1, 9]
        for clip, whole in zip(clips, sampled(system), strict=True):
            assert (clip == whole[: len(clip)]).all()
        (frame,) = system.outputs(Conditions(1, 1))
        assert (frame.dtype, frame.shape) == (np.uint8, (1, 8, 8, 3))
