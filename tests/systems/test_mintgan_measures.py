"""What directions are found to do on the twins: on systems whose clips are known, and on an untrained one."""

import numpy as np
import pytest

from mutoscope.data import Origin, open_clips
from mutoscope.data.rendering import render
from mutoscope.data.synthetic import make_clips, readers_of
from mutoscope.systems.base import System
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.config import Config
from mutoscope.systems.mintgan import MintGAN, MintGANConfig, measures
from mutoscope.systems.twin_motion import Courses, courses, trajectory_features, trajectory_measures

SMALL = {"d_a": 8, "d_m": 4, "N": 16, "image_size": 32, "widths": [4, 4, 4, 4], "widths_D": [4, 4, 4, 4]}
READ = {name: readers_of(Origin(name, {})).motion for name in ("reach", "talk")}


class Playback(System):
    """Makes the clips it was given, over and over."""

    name = "playback"

    def __init__(self, clips: list[np.ndarray]) -> None:
        super().__init__(Config())
        self.clips = clips

    def outputs(self, conditions: Conditions, seed: int = 0):
        return (self.clips[i % len(self.clips)][:frames] for i, frames in enumerate(conditions.lengths))


@pytest.fixture(scope="module")
def real():
    return open_clips("reach", size=32, clips=60, seed=1)


class TestCourses:
    def test_are_those_that_clips_were_drawn_from(self):
        drawn = make_clips("reach", clips=20)
        read = courses(np.stack(drawn.clips), READ["reach"])
        assert read.found == 1
        np.testing.assert_allclose(read.states["x"], drawn.factors["x"], atol=0.5)
        np.testing.assert_allclose(read.states["y"], drawn.factors["y"], atol=0.5)

    def test_gaps_are_bridged_along_time(self):
        clips = np.stack(make_clips("reach", clips=4).clips)
        whole = courses(clips, READ["reach"]).states["x"]
        clips[:, 5] = 128
        bridged = courses(clips, READ["reach"])
        assert bridged.found == pytest.approx(15 / 16)
        np.testing.assert_allclose(bridged.states["x"][:, 5], (whole[:, 4] + whole[:, 6]) / 2, atol=1e-4)

    def test_clips_that_show_nothing_are_left_out(self):
        clips = np.stack(make_clips("talk", clips=4).clips)
        clips[2] = 0
        read = courses(clips, READ["talk"])
        assert read.followed.tolist() == [0, 1, 3]
        assert set(read.states) == {"x", "y", "mouth"}

    def test_features_are_values_and_differences(self):
        values = np.arange(6.0).reshape(2, 3) ** 2
        features = trajectory_features({"x": values, "y": -values})
        assert features.shape == (2, 2 * (3 + 2))
        np.testing.assert_allclose(features[:, 6:8], np.diff(values))


class TestTrajectoryMeasures:
    def test_the_same_clips_have_no_distance(self, real):
        measured = trajectory_measures(Playback([clip.frames for clip in real]), real)
        assert measured["ftd"] == pytest.approx(0, abs=1e-6)
        assert measured["found"] == 1
        assert 0 < measured["ftd_of_real"] < 50

    def test_still_clips_are_farther_than_other_real_ones(self, real):
        still = [np.repeat(clip.frames[:1], 16, axis=0) for clip in real]
        measured = trajectory_measures(Playback(still), real)
        assert measured["ftd"] > 2 * measured["ftd_of_real"]

    @pytest.mark.parametrize("shown", [0, 1])
    def test_clips_of_which_few_show_a_gripper_are_infinitely_far(self, real, shown):
        empty = np.zeros((16, 32, 32, 3), np.uint8)
        measured = trajectory_measures(Playback([*(real[i].frames for i in range(shown)), empty, empty]), real)
        assert measured["ftd"] == float("inf")
        assert measured["found"] == pytest.approx(shown / (shown + 2))

    def test_other_clips_are_not_read(self):
        other = open_clips("moving_sprites", size=32, clips=4)
        assert trajectory_measures(Playback([clip.frames for clip in other]), other) == {}

    def test_a_folder_of_the_users_own_is_not_read_whatever_its_name(self, tmp_path):
        """Nor taken for the twin by its looks: where clips come from is not guessed."""
        own = open_clips(render("talk", tmp_path / "talk", clips=4, size=32), size=32)
        assert own.name == "talk"
        assert trajectory_measures(Playback([clip.frames for clip in own]), own) == {}


class TestFactors:
    def test_are_zero_for_what_stands_still(self):
        still = {"x": np.full((3, 16), 7.0), "y": np.full((3, 16), 5.0), "mouth": np.full((3, 16), 9.0)}
        for factors in measures.FACTORS.values():
            assert all(strength(still) == 0 for strength in factors.values())

    def test_tell_swinging_from_steady_motion(self):
        t = np.arange(17.0)
        swing, steady = 5 * np.sin(t * np.pi / 4), 0.3 * t
        states = {"x": swing[None], "y": steady[None]}
        assert measures.sideways(states) == pytest.approx(np.diff(swing).std())
        assert measures.downwards(states) == pytest.approx(0.3)

    @pytest.mark.parametrize(("sign", "expected"), [(1, 1), (-1, -1)])
    def test_correlation_knows_the_sign(self, sign, expected):
        course = np.sin(np.arange(16.0))
        rows = np.stack([sign * course * 3 + 2, sign * course + 5])
        assert measures._mean_correlation(rows, course) == pytest.approx(expected)

    def test_correlation_of_what_stands_still_is_0(self):
        assert measures._mean_correlation(np.ones((2, 16)), np.sin(np.arange(16.0))) == 0


@pytest.fixture(scope="module")
def system():
    return MintGAN.untrained(MintGANConfig(**SMALL, levels=2)).eval()


def test_flow_finds_what_stands_still_without_a_direction():
    """The same clips at rest lose all flow to the right and left, the same clips as they are lose none."""
    whole = np.stack(make_clips("reach", clips=6).clips)
    still = np.repeat(whole[:, :1], 16, axis=1)
    removed = measures.flow_removed_by_each(whole, [still, whole])
    assert removed.shape == (2, 4)
    assert removed[0, 1] > 0
    assert removed[0, 2] > 0
    np.testing.assert_array_equal(removed[1], 0)


class TestOfASystem:
    def test_shares_of_variance_lie_between_even_and_one(self, system):
        for basis in ("dictionary", "canonical"):
            assert 1 / 16 <= measures.concentration(system, basis) <= 1
        assert measures.concentration(system, "canonical") >= measures.concentration(system, "dictionary") - 1e-6

    def test_without_a_motion_bank_directions_are_not_measured(self):
        system = MintGAN.untrained(MintGANConfig(**SMALL, levels=1, motion_bank="none")).eval()
        other = open_clips("moving_sprites", size=32, clips=4)
        assert system.measure(other) == {}

    def test_on_other_clips_only_the_variance_is_told(self, system):
        other = open_clips("moving_sprites", size=32, clips=4)
        assert set(system.measure(other)) == {"variance_share", "variance_share / mean"}

    def test_a_direction_that_does_everything_is_found(self, system, monkeypatch):
        """x is read as the course along the strongest direction, y as that along the second, whatever is drawn."""
        coordinates = system.latents(system.appearances(4, 0), system.motions(4, 0)).A
        strongest = coordinates.flatten(0, 1).std(0).argsort(descending=True)[:2].tolist()
        paths = []

        def drawn(W):
            paths.append(((W - W[:, :1]) @ system.basis().T)[..., strongest].double().numpy())
            return iter(np.full((4, 16, 32, 32, 3), len(paths) - 1, np.uint8))

        def read(clips, reader):
            x, y = np.moveaxis(paths[int(clips.flat[0])], -1, 0)
            return Courses({"x": x, "y": y}, 1.0, np.arange(4))

        monkeypatch.setattr(system, "draw", drawn)
        monkeypatch.setattr(measures, "courses", read)
        monkeypatch.setattr(measures, "CLIPS", 4)
        found = measures.attribution(system, "reach", READ["reach"], "dictionary")
        assert found["dictionary: sideways removed"] == pytest.approx(1)
        assert found["dictionary: sideways removed, downwards too"] == pytest.approx(0, abs=1e-5)
        assert found["dictionary: downwards removed"] == pytest.approx(1)
        assert found["dictionary: x follows a sine"] == pytest.approx(1, abs=1e-5)
        assert found["dictionary: y moves too"] == pytest.approx(0, abs=1e-5)
