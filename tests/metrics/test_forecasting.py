"""Forecasts against numpy by hand: which frames count, and clips grouped by how much they move."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.errors import InputError
from mutoscope.metrics.forecasting import forecast_measures, motion, motion_deciles, mse

SIZE = 8


def noise(frames: int, seed: int = 0) -> np.ndarray:
    """A clip of noise without the darkest and brightest values, so that errors can be added."""
    return np.random.default_rng(seed).integers(40, 216, (frames, SIZE, SIZE, 3), dtype=np.uint8)


def off_by(clip: np.ndarray, errors: list[int]) -> np.ndarray:
    """The clip with another error in every frame, in grey levels."""
    return (clip.astype(int) + np.array(errors)[:, None, None, None]).astype(np.uint8)


def psnr_of(error: float) -> float:
    return 20 * np.log10(255 / error)


def sliding(speed: int, frames: int = 6) -> np.ndarray:
    """A bright square, two pixels wide, that goes so many pixels a frame."""
    clip = np.zeros((frames, SIZE, 64, 1), np.uint8)
    for time in range(frames):
        clip[time, 2:4, speed * time : speed * time + 2] = 255
    return clip


class TestErrors:
    def test_mse_is_that_of_values_from_0_to_1(self):
        made, real = noise(3, 0), noise(3, 1)
        by_hand = [np.mean((a / 255 - b / 255) ** 2) for a, b in zip(made, real, strict=True)]
        assert mse(made, real) == pytest.approx(by_hand)
        assert mse(np.zeros_like(real), np.full_like(real, 255)) == pytest.approx([1, 1, 1])
        assert mse(real, real).tolist() == [0, 0, 0]

    def test_next_and_last_are_the_first_and_last_frames_foretold(self):
        """Table 6: PSNR-Next is of the first frame after those given; PSNR-120 of all 120 in the mean."""
        errors = [*range(1, 21)] * 6
        assert len(errors) == 120
        real = noise(120)
        measures = forecast_measures([off_by(real, errors)], [real])
        assert measures["psnr_next"] == pytest.approx(psnr_of(1))
        assert measures["psnr_last"] == pytest.approx(psnr_of(20))
        assert measures["psnr"] == pytest.approx(np.mean([psnr_of(error) for error in errors]))
        assert measures["mse"] == pytest.approx(np.mean([(error / 255) ** 2 for error in errors]))

    def test_every_clip_counts_alike_however_long_it_is(self):
        real = [noise(2, 0), noise(8, 1)]
        measures = forecast_measures([off_by(real[0], [4] * 2), off_by(real[1], [16] * 8)], real)
        assert measures["psnr"] == pytest.approx((psnr_of(4) + psnr_of(16)) / 2)
        assert measures["mse"] == pytest.approx(((4 / 255) ** 2 + (16 / 255) ** 2) / 2)

    def test_flicker_is_change_that_the_real_clip_does_not_have(self):
        real = noise(5)
        steady, flickering = [off_by(real, errors) for errors in ([6] * 5, [0, 6, 0, 6, 0])]
        assert forecast_measures([steady], [real])["flicker"] == 0
        assert forecast_measures([flickering], [real])["flicker"] == pytest.approx(6)

    def test_the_background_is_where_nothing_moves(self):
        real = sliding(1)
        made = real.copy()
        made[:, -1] = 10  # a row of eight where nothing moves; rows 2 and 3 move in columns 0 to 6
        still = SIZE * 64 - 2 * 7
        assert forecast_measures([made], [real])["background"] == pytest.approx(10 * 64 / still)
        assert "background" not in forecast_measures([noise(4, 1)], [noise(4, 2)])

    def test_single_frames_have_no_motion(self):
        measures = forecast_measures([noise(1, i) for i in range(10)], [noise(1, i + 10) for i in range(10)])
        assert measures.keys() == {"mse", "psnr", "psnr_next", "psnr_last", "psnr_drop"}
        assert measures["psnr"] == measures["psnr_next"] == measures["psnr_last"]

    @pytest.mark.parametrize(("made", "real"), [(0, 0), (1, 2)])
    def test_every_real_clip_needs_one_foretold(self, made: int, real: int):
        with pytest.raises(InputError, match=rf"forecasts: {made} clips for {real} real ones"):
            forecast_measures([noise(2)] * made, [noise(2)] * real)


class TestMotion:
    def test_it_is_the_mean_norm_of_the_change_from_frame_to_frame(self):
        clip = noise(4) / 255
        by_hand = np.mean([np.linalg.norm(after - before) for before, after in pairwise(clip)])
        assert motion(noise(4)) == pytest.approx(by_hand)
        assert motion(np.repeat(noise(1), 3, axis=0)) == 0

    def test_faster_squares_move_more(self):
        assert motion(sliding(0)) < motion(sliding(1)) < motion(sliding(2))

    def test_one_frame_does_not_say(self):
        with pytest.raises(InputError, match=r"motion: the clip has 1 frames"):
            motion(noise(1))


class TestDeciles:
    @given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
    def test_ten_groups_of_nearly_equal_size_in_order_of_motion(self, amounts: list[float]):
        groups = motion_deciles(amounts)
        sizes = [len(group) for group in groups]
        assert len(groups) == 10
        assert max(sizes) - min(sizes) <= 1
        order = np.concatenate(groups)
        assert sorted(order) == list(range(len(amounts)))
        assert all(amounts[a] <= amounts[b] for a, b in pairwise(order))

    def test_clips_that_move_alike_keep_their_order(self):
        assert np.concatenate(motion_deciles([1.0] * 25)).tolist() == list(range(25))

    def test_still_and_moving_clips_are_measured_apart(self):
        """Fig. 9, its ends: the five tenths that move least and the tenth that moves most."""
        amounts = [1, 9, 0, 3, 2, 8, 5, 4, 7, 6]
        real = [off_by(np.full((6, SIZE, SIZE, 3), 100, np.uint8), [0, amount] * 3) for amount in amounts]
        made = [off_by(clip, [1 + amount] * 6) for clip, amount in zip(real, amounts, strict=True)]
        measures = forecast_measures(made, real)
        assert measures["psnr_moving"] == pytest.approx(psnr_of(10))
        assert measures["psnr_still"] == pytest.approx(np.mean([psnr_of(error) for error in (1, 2, 3, 4, 5)]))

    def test_fewer_than_ten_clips_are_not_grouped(self):
        real = [sliding(speed) for speed in range(9)]
        assert not {"psnr_still", "psnr_moving"} & forecast_measures(real, real).keys()
