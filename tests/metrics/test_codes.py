"""Code metrics on planted answers: perfect, useless and half-way codes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from mutoscope.errors import InputError
from mutoscope.metrics import (
    continuity,
    controllability,
    effect_sizes,
    kendall,
    nmi,
    order_recovery,
    order_recovery_per_group,
    phase_by_pca,
    saturation,
    visible_motion,
)
from mutoscope.metrics.codes import rank_correlations

seeds = st.integers(0, 10_000)


def moving_square(positions: np.ndarray, size: int = 32) -> np.ndarray:
    """One white 8 × 8 square, a frame for each column it stands at."""
    frames = np.zeros((len(positions), size, size, 3), np.uint8)
    for frame, column in zip(frames, positions, strict=True):
        frame[12:20, column : column + 8] = 255
    return frames


def planted_render(effect_of_d: float, effects_of_c: list[float]):
    """Grey images whose level is a known linear function of the codes."""

    def render(z_index, d, c):
        level = 0.01 * z_index + effect_of_d * d + c @ torch.tensor(effects_of_c)
        return level[:, None, None, None].expand(-1, 3, 4, 4)

    return render


class TestLabels:
    def test_nmi_is_one_for_renamed_labels_and_zero_for_one_label(self):
        true = np.arange(60) % 4
        assert nmi((true + 2) % 4 * 7, true) == pytest.approx(1)
        assert nmi(np.zeros(60, int), true) == pytest.approx(0)

    @given(seed=seeds)
    def test_nmi_is_symmetric_and_blind_to_the_order_of_frames(self, seed):
        rng = np.random.default_rng(seed)
        a, b, order = rng.integers(4, size=40), rng.integers(3, size=40), rng.permutation(40)
        assert nmi(a, b) == pytest.approx(nmi(b, a))
        assert nmi(a[order], b[order]) == pytest.approx(nmi(a, b))


class TestOrder:
    @given(seed=seeds)
    def test_rank_correlations_are_scipy_s(self, seed):
        rng = np.random.default_rng(seed)
        codes, order = rng.integers(0, 6, (20, 3)).astype(float), rng.normal(size=20)
        expected = [spearmanr(column, order).statistic for column in codes.T]
        np.testing.assert_allclose(rank_correlations(codes, order), expected, atol=1e-12)

    def test_a_code_that_sorts_each_group_recovers_the_order_in_either_direction(self):
        order, groups = np.tile(np.arange(10.0), 3), np.repeat([4, 7, 9], 10)
        noise = np.random.default_rng(0).normal(size=30)
        codes = np.stack([noise, np.where(groups == 7, -order, np.exp(order)), np.zeros(30)], axis=1)
        assert order_recovery(codes, order, groups) == pytest.approx(1)

    def test_the_best_code_may_differ_between_groups(self):
        order, groups = np.tile(np.arange(10.0), 2), np.repeat([0, 1], 10)
        codes = np.stack([np.where(groups == 0, order, 0), np.where(groups == 1, order, 0)], axis=1)
        assert order_recovery_per_group(codes, order, groups) == pytest.approx({0: 1, 1: 1})

    def test_constant_and_random_codes_recover_little(self):
        order, groups = np.tile(np.arange(200.0), 4), np.repeat(np.arange(4), 200)
        assert order_recovery(np.ones((800, 2)), order, groups) == 0
        assert order_recovery(np.random.default_rng(0).normal(size=(800, 2)), order, groups) < 0.2

    @given(seed=seeds)
    def test_order_recovery_is_blind_to_how_frames_are_listed(self, seed):
        rng = np.random.default_rng(seed)
        codes, order, groups = rng.normal(size=(30, 2)), rng.normal(size=30), np.arange(30) % 3
        shuffle = rng.permutation(30)
        again = order_recovery(codes[shuffle], order[shuffle], groups[shuffle])
        assert again == pytest.approx(order_recovery(codes, order, groups))

    def test_groups_of_two_frames_have_no_order(self):
        codes, order = np.arange(5.0)[:, None], np.array([0.0, 1.0, 2.0, 1.0, 0.0])
        assert list(order_recovery_per_group(codes, order, np.array([0, 0, 0, 1, 1]))) == [0]
        with pytest.raises(InputError, match="no group has 3 frames"):
            order_recovery(codes[:2], order[:2], np.array([0, 0]))

    def test_kendall_counts_discordant_pairs(self):
        assert kendall(np.array([1, 2, 3, 4]), np.array([1, 2, 4, 3])) == pytest.approx((5 - 1) / 6)
        assert kendall(np.zeros(4), np.arange(4)) == 0


class TestControl:
    def test_a_code_that_moves_the_phase_half_way_is_found_and_its_range_measured(self):
        phases = np.full((3, 2, 10), 0.3)
        phases[:, 1] = np.linspace(0.75, 0.25, 10)
        result = controllability(phases)
        assert result.correlation == pytest.approx(1)
        assert result.coverage == pytest.approx(0.5)
        assert controllability(phases, phase_range=2.0).coverage == pytest.approx(0.25)

    def test_clips_that_stand_still_or_vanish_lower_the_mean(self):
        phases = np.zeros((4, 1, 10))
        phases[:2] = np.linspace(0, 1, 10)
        phases[1, 0, 5] = np.nan
        assert controllability(phases) == pytest.approx((0.25, 0.25))

    def test_planted_effect_sizes_are_measured(self):
        effects = effect_sizes(planted_render(0.4, [0.1, 0.0, 0.3]), n_d=2, n_c=3, low=-1.0, high=1.0)
        assert effects.d == pytest.approx(0.4**2)
        np.testing.assert_allclose(effects.c, [0.2**2, 0, 0.6**2], atol=1e-6)

    def test_effect_of_d_always_compares_two_different_codes(self):
        seen = []

        def render(z_index, d, c):
            seen.append(d)
            return torch.zeros(len(d), 1, 2, 2)

        effect_sizes(render, n_d=3, n_c=0, low=0.0, high=1.0, samples=200)
        first, second = seen
        assert (first != second).all()
        assert set(second.tolist()) == {0, 1, 2}
        assert effect_sizes(planted_render(1.0, []), n_d=1, n_c=0, low=0.0, high=1.0).d == 0

    def test_effect_sizes_depend_on_the_seed_alone(self):
        def render(z_index, d, c):
            return (c.sum(1) * d)[:, None, None, None].tanh()

        first, again, other = (effect_sizes(render, 3, 2, 0.0, 1.0, seed=seed) for seed in (0, 0, 1))
        assert first.d == again.d != other.d

    def test_saturation_falls_to_nothing_for_a_bounded_picture_and_grows_for_a_linear_one(self):
        def bounded(z_index, d, c):
            return planted_render(0.1, [1.0, -1.0])(z_index, d, c).tanh()

        amplitudes = [0.5, 2.0, 10.0, 20.0]
        changes = saturation(bounded, n_d=2, n_c=2, amplitudes=amplitudes)
        assert (np.diff(changes) <= 0).all()
        assert changes[-1] < 1e-6
        linear = saturation(planted_render(0.0, [0.1, 0.1]), n_d=2, n_c=2, amplitudes=amplitudes)
        np.testing.assert_allclose(linear, 0.1 * np.array(amplitudes), rtol=1e-5)


class TestMotion:
    @given(t=st.integers(3, 40))
    def test_even_motion_along_a_line_has_the_closed_form(self, t):
        path = np.linspace([0.0, 0.0], [3.0, 4.0], t)
        assert continuity(path) == pytest.approx(3 / (t + 1))

    def test_a_shuffled_sweep_is_not_continuous_and_a_still_one_is_undefined(self):
        shuffled = np.random.default_rng(0).permutation(np.linspace(0.0, 1.0, 200))
        assert continuity(shuffled) == pytest.approx(1, abs=0.15)
        assert np.isnan(continuity(np.zeros((5, 2))))

    def test_visible_motion_of_real_ends_equals_their_share_of_the_mean_difference(self):
        real = moving_square(np.array([0, 8, 16]))  # all pairs differ equally
        assert visible_motion(real, [real]) == pytest.approx(1)
        assert visible_motion(real[[0, 0, 0]], [real]) == 0

    def test_visible_motion_averages_over_all_pairs_within_clips(self):
        rng = np.random.default_rng(0)
        clips = [rng.integers(0, 256, (t, 8, 8, 3), dtype=np.uint8) for t in (1, 3, 4)]
        low_passed = [clip.reshape(len(clip), 2, 4, 2, 4, 3).mean(axis=(2, 4)) for clip in clips[1:]]
        of_pairs = [
            np.mean([np.square(clip[i] - clip[j]).mean() for i in range(len(clip)) for j in range(i)])
            for clip in low_passed
        ]
        change = np.square(low_passed[0][0] - low_passed[0][-1]).mean()
        assert visible_motion(clips[1], clips) == pytest.approx(change / np.mean(of_pairs))

    def test_texture_too_fine_to_see_is_no_motion(self):
        checkers = np.indices((32, 32)).sum(axis=0) % 2
        texture = np.stack([checkers, 1 - checkers])[..., None].repeat(3, axis=3).astype(np.uint8) * 255
        assert visible_motion(texture, [moving_square(np.array([0, 8, 16]))]) == 0

    def test_visible_motion_needs_something_that_moves(self):
        still = moving_square(np.zeros(3, int))
        with pytest.raises(InputError, match="no real clip moves"):
            visible_motion(still, [still, still[:1]])

    def test_phase_by_pca_follows_a_wave_where_time_does_not(self):
        positions = np.round(10 + 6 * np.sin(np.linspace(0, 4 * np.pi, 41))).astype(int)
        phase = phase_by_pca(moving_square(positions))
        columns = phase[:, None]
        assert abs(rank_correlations(columns, positions)[0]) > 0.95
        assert abs(rank_correlations(columns, np.arange(41))[0]) < 0.5

    def test_phase_by_pca_rises_from_first_to_last_frame_and_is_zero_for_a_still_clip(self):
        clip = moving_square(np.arange(0, 20, 2))
        forward, backward = phase_by_pca(clip), phase_by_pca(clip[::-1])
        assert forward[-1] > forward[0]
        assert backward[-1] > backward[0]
        np.testing.assert_allclose(phase_by_pca(clip[[0, 0, 0]]), 0)
