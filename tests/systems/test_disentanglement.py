"""What is measured of a grid of clips whose look and motion are known, for they are rendered."""

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch

from mutoscope.data import Clips, Origin, clips_from_arrays
from mutoscope.data.synthetic import make_clips
from mutoscope.data.synthetic.moving_sprites import draw_factors, render
from mutoscope.errors import InputError
from mutoscope.systems import disentanglement as module
from mutoscope.systems.disentanglement import colours_of_cells, disentanglement, flow_of_cells
from mutoscope.systems.g3an import G3AN, G3ANConfig

SPRITES = Origin("moving_sprites", {})
KEYS = {"appearance_of_look", "motion_of_motion", "look_of_real", "motion_of_real", "motion_by_motion_code"}


@pytest.fixture(autouse=True)
def small_grids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRID", 8)


@pytest.fixture(scope="module")
def sprites() -> list[np.ndarray]:
    """60 real clips of 16 frames."""
    return make_clips("moving_sprites", clips=60, seed=5).clips


@pytest.fixture(scope="module")
def clips(sprites) -> Clips:
    return clips_from_arrays(sprites, name="clips", origin=SPRITES)


def generator(
    look: Callable[[np.ndarray, np.ndarray], np.ndarray], motion: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Callable[[int, int, int], np.ndarray]:
    """A generator whose two codes (a, m) decide which look and which motion is seen."""

    def sample_grid(n_a: int, n_m: int, seed: int) -> np.ndarray:
        a, m = (codes.ravel() for codes in np.mgrid[:n_a, :n_m])
        appearances, motions = draw_factors(n_a * n_m, seed)
        chosen = (type(f)(*(v[i] for v in f)) for f, i in ((appearances, look(a, m)), (motions, motion(a, m))))
        return render(*chosen).reshape(n_a, n_m, 16, 32, 32, 3)

    return sample_grid


def appearance_code(a: np.ndarray, m: np.ndarray) -> np.ndarray:
    return a


def motion_code(a: np.ndarray, m: np.ndarray) -> np.ndarray:
    return m


def both_codes(a: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Another one for each pair."""
    return a * (m.max() + 1) + m


def neither_code(a: np.ndarray, m: np.ndarray) -> np.ndarray:
    return np.zeros_like(a)


class TestSprites:
    """30: shares of the variance of a perfect generator, and of ones that fail in a way of their own."""

    def test_codes_that_act_apart(self, clips):
        measured = disentanglement(generator(appearance_code, motion_code), clips, frames=16)
        assert measured.keys() == KEYS
        assert measured["appearance_of_look"] > 0.9
        assert measured["motion_of_motion"] > 0.9
        assert 0.4 < measured["look_of_real"] < 2
        assert 0.4 < measured["motion_of_real"] < 2
        assert measured["motion_by_motion_code"] > 0.9 * measured["motion_of_real"]

    def test_a_motion_code_that_is_ignored(self, clips):
        """Each subject moves in its own manner, whatever the code: the motion of a generator without G_T."""
        measured = disentanglement(generator(appearance_code, appearance_code), clips, frames=16)
        assert measured["appearance_of_look"] > 0.9
        assert measured["motion_of_motion"] < 0.02
        assert measured["motion_by_motion_code"] < 0.02
        assert measured["motion_of_real"] > 0.4

    def test_an_appearance_code_that_is_ignored(self, clips):
        """The motion code decides the look as well."""
        measured = disentanglement(generator(motion_code, motion_code), clips, frames=16)
        assert measured["appearance_of_look"] < 0.02
        assert measured["motion_of_motion"] > 0.9

    def test_codes_that_act_only_together(self, clips):
        """All is interaction: about 1 in 8 of the variance is left to either code, by chance."""
        measured = disentanglement(generator(both_codes, both_codes), clips, frames=16)
        assert measured["appearance_of_look"] < 0.25
        assert measured["motion_of_motion"] < 0.25
        assert measured["motion_of_real"] > 0.4

    def test_a_look_that_does_not_vary_has_no_share(self, clips):
        measured = disentanglement(generator(neither_code, motion_code), clips, frames=16)
        assert measured["appearance_of_look"] < 0.05
        assert measured["look_of_real"] < 0.01
        assert measured["motion_of_motion"] > 0.9

    def test_one_clip_for_all_codes(self, clips):
        """Collapsed: nothing varies, so that nothing is decided by anything."""
        measured = disentanglement(generator(neither_code, neither_code), clips, frames=16)
        assert measured == pytest.approx(dict.fromkeys(KEYS, 0))

    def test_the_grid_is_that_of_the_seed(self, clips):
        asked: list[tuple[int, ...]] = []

        def sample_grid(*arguments: int) -> np.ndarray:
            asked.append(arguments)
            return generator(neither_code, neither_code)(*arguments)

        disentanglement(sample_grid, clips, frames=16, seed=3)
        assert asked == [(module.GRID, module.GRID, 3)]


class TestOtherClips:
    """Colours and optical flow in cells, where nothing is known of where clips come from, whatever they are called."""

    def test_codes_that_act_apart_and_codes_that_do_not(self, sprites):
        unknown = clips_from_arrays(sprites, name="moving_sprites")
        apart = disentanglement(generator(appearance_code, motion_code), unknown, frames=16)
        swapped = disentanglement(generator(motion_code, appearance_code), unknown, frames=16)
        for measured in (apart, swapped):
            assert measured.keys() == KEYS
            assert all(math.isfinite(value) and value >= 0 for value in measured.values())
        assert apart["appearance_of_look"] > 0.9 > 0.1 > swapped["appearance_of_look"]
        assert apart["motion_of_motion"] > 2 * swapped["motion_of_motion"]

    def test_grey_sprites_are_measured_too(self, sprites):
        """Colours need three channels; trajectories do not."""
        grey = clips_from_arrays([clip[..., :1] for clip in sprites[:8]], name="clips", origin=SPRITES)
        sample_grid = generator(appearance_code, motion_code)
        measured = disentanglement(lambda *arguments: sample_grid(*arguments)[..., :1], grey, frames=16)
        assert all(math.isfinite(value) for value in measured.values())

    def test_colours_are_means_of_cells(self):
        """Row after row, over the clip, in [0, 1]."""
        clips = np.zeros((1, 2, 32, 32, 3), np.uint8)
        clips[0, 0, 8:16, 24:] = (255, 102, 0)
        colours = colours_of_cells(clips).reshape(4, 4, 3)
        assert colours[1, 3] == pytest.approx([0.5, 0.2, 0])
        assert not np.delete(colours.reshape(16, 3), 7, axis=0).any()

    def test_flows_are_means_of_cells_in_both_halves(self):
        """A texture that goes one pixel to the right, then one down."""
        noise = np.random.default_rng(0).random((20, 20), np.float32)
        texture = cv2.resize(noise, (80, 80), interpolation=cv2.INTER_CUBIC)
        frames = [np.roll(texture, (max(t - 4, 0), min(t, 4)), (0, 1))[8:72, 8:72] for t in range(9)]
        clip = (np.stack(frames)[..., None].clip(0, 1) * 255).astype(np.uint8)
        flows = flow_of_cells(clip[None]).reshape(2, 4, 4, 2)
        inner = flows[:, 1:3, 1:3].reshape(2, 4, 2)
        assert inner[0] == pytest.approx(np.tile([1, 0], (4, 1)), abs=0.15)
        assert inner[1] == pytest.approx(np.tile([0, 1], (4, 1)), abs=0.15)


class TestRealClips:
    def test_those_too_short_are_left_out_and_of_others_the_start_is_seen(self, sprites, clips):
        sample_grid = generator(appearance_code, motion_code)
        short = [np.full((5, 32, 32, 3), 77, np.uint8)] * 7
        longer = [np.concatenate([clip, clip[:3]]) for clip in sprites]
        mixed = clips_from_arrays([*short, *longer], name="clips", origin=SPRITES)
        assert disentanglement(sample_grid, mixed, frames=16) == disentanglement(sample_grid, clips, frames=16)

    @pytest.mark.parametrize("long_ones", [0, 1])
    def test_at_least_two_must_be_long_enough(self, sprites, long_ones):
        short = [clip[: 16 if i < long_ones else 15] for i, clip in enumerate(sprites[:6])]
        few = clips_from_arrays(short, name="few")
        message = rf"^few: {long_ones} of 6 clips have 16 frames \(expected at least 2\)$"
        with pytest.raises(InputError, match=message):
            disentanglement(generator(appearance_code, motion_code), few, frames=16)

    def test_no_more_than_are_needed_are_taken_evenly(self, sprites, monkeypatch):
        monkeypatch.setattr(module, "REAL_CLIPS", 3)
        sample_grid = generator(appearance_code, motion_code)
        some = clips_from_arrays([sprites[i] for i in (0, 3, 6)], name="clips", origin=SPRITES)
        nine = clips_from_arrays(sprites[:9], name="clips", origin=SPRITES)
        assert disentanglement(sample_grid, nine, frames=16) == disentanglement(sample_grid, some, frames=16)


def test_a_system_is_measured_untrained_as_it_is(clips):
    """30: on any weights; drawing leaves them alone."""
    system = G3AN.untrained(G3ANConfig(d_a=4, d_m=3, image_size=32, ch=8, ch_D=8, fsa_level=None)).eval()
    before = {name: value.clone() for name, value in system.state_dict().items()}
    measured = system.measure(clips, seed=3)
    assert measured.keys() == KEYS
    assert all(math.isfinite(value) for value in measured.values())
    assert all(torch.equal(before[name], value) for name, value in system.state_dict().items())
