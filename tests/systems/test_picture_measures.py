"""What is said of clips drawn from a picture, for generators whose clips are known to the grey level."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from mutoscope.data import Clips, clips_from_arrays
from mutoscope.errors import InputError
from mutoscope.systems.base import System
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.config import Config
from mutoscope.systems.picture_measures import (
    NOISES,
    PICTURES,
    check_pictures,
    continued,
    first_pictures,
    picture_measures,
)

FRAMES = 4
NAMES = ["still", "brighter", "brightest"]


def ramp(first: int, rise: int, frames: int = FRAMES) -> np.ndarray:
    """A clip of one grey that rises evenly, by `rise` in all."""
    greys = np.linspace(first, first + rise, frames).astype(np.uint8)
    return np.broadcast_to(greys[:, None, None, None], (frames, 4, 4, 3))


def clips_rising(rises: Sequence[int], label_names: Sequence[str] = (), **columns: Sequence[Any]) -> Clips:
    clips = [ramp(10 + i, rise) for i, rise in enumerate(rises)]
    return clips_from_arrays(clips, name="ramps", columns=columns, label_names=label_names)


class Rising(System):
    """Clip i begins `offset` above its picture and rises by `rise(i, label)`."""

    name = "rising"

    def __init__(self, rise: Callable[[int, int | None], float], offset: int = 0) -> None:
        super().__init__(Config())
        self.rise, self.offset = rise, offset
        self.seen: list[tuple[int, int | None, int, int]] = []

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[np.ndarray]:
        labels = conditions.columns.get("label", [None] * conditions.count)
        for i, (picture, label) in enumerate(zip(conditions.pictures, labels, strict=True)):
            grey = int(picture[0, 0, 0])
            self.seen.append((grey, label, conditions.longest, seed))
            yield ramp(grey + self.offset, self.rise(i, label), conditions.longest)


STILL = Rising(lambda i, label: 0)


def measured(system: Rising, clips: Clips, names: list[str] = NAMES) -> dict[str, float]:
    return picture_measures(system, clips, FRAMES, names, seed=3)


class TestGenerated:
    def test_a_static_copy(self):
        """It keeps its picture, and nothing else does anything."""
        measures = measured(STILL, clips_rising([6, 9]))
        nothing = dict.fromkeys(("picture_kept", "apex", "apex_by_noise", "moved_by_label"), 0.0)
        assert {name: measures[name] for name in nothing} == nothing

    def test_how_far_the_first_frame_is_from_the_picture(self):
        measures = measured(Rising(lambda i, label: 30, offset=7), clips_rising([6, 9]))
        assert measures["picture_kept"] == 7
        assert measures["apex"] == 30

    def test_labels(self):
        """Ramps to 0, 30 and 60: half of it on average over a clip, 30 · 4/3 · 1/2 between two of the labels."""
        measures = measured(Rising(lambda i, label: 30 * label), clips_rising([6, 9, 12]))
        assert measures["moved_by_label"] == 20
        assert measures["apex"] == 30
        assert measures["apex_by_noise"] == 0

    def test_noise(self):
        """Of clips that differ by their number alone, under the same picture and label."""
        measures = measured(Rising(lambda i, label: 10 * (i % NOISES)), clips_rising([6, 9]))
        assert measures["apex_by_noise"] == pytest.approx(10 * np.std(range(NOISES)))
        assert measures["apex"] == pytest.approx(10 * np.mean(range(NOISES)))

    def test_every_picture_has_the_same_label_under_all_its_noises(self):
        system = Rising(lambda i, label: 0)
        measured(system, clips_rising([6, 9, 12, 15]))
        for_noise = system.seen[: 4 * NOISES]
        greys_and_labels = [(10, 0), (11, 1), (12, 2), (13, 0)]
        assert for_noise == [(*both, FRAMES, 3) for both in greys_and_labels for _ in range(NOISES)]
        assert system.seen[4 * NOISES :] == [(10 + i, label, FRAMES, 3) for label in range(3) for i in range(4)]

    @pytest.mark.parametrize("names", [[], ["smile"]])
    def test_where_there_are_no_two_labels_nothing_is_said_of_them(self, names):
        system = Rising(lambda i, label: 5)
        measures = measured(system, clips_rising([6, 9]), names)
        assert "moved_by_label" not in measures
        assert {label for _, label, _, _ in system.seen} == ({0} if names else {None})


class TestReal:
    def test_how_far_real_clips_move(self):
        assert measured(STILL, clips_rising([6, 9, 30]))["apex_real"] == 15

    def test_the_largest_distance_counts_wherever_it_is(self):
        """A clip that comes back, and one that goes the other way."""
        back, away = (np.full((FRAMES, 4, 4, 3), 100, np.uint8) for _ in range(2))
        back[2], away[1] = 140, 80
        measures = measured(STILL, clips_from_arrays([back, away], name="both"))
        assert measures["apex_real"] == 30

    def test_frames_past_those_that_are_drawn_do_not_count(self):
        long = np.concatenate([ramp(0, 6), ramp(200, 0)])
        measures = measured(STILL, clips_from_arrays([long], name="long"))
        assert measures["apex_real"] == 6

    def test_takes_are_of_one_subject_and_label(self):
        """Two pairs, which differ by 4 and by 8 either way, and one take alone."""
        clips = clips_rising(
            [10, 18, 20, 36, 99],
            label=[0, 0, 1, 1, 1],
            label_names=NAMES[:2],
            subject=["a", "a", "a", "a", "b"],
        )
        measures = measured(STILL, clips)
        assert measures["apex_by_take"] == 6
        assert measures["noise_of_takes"] == 0

    def test_the_noise_is_compared_with_takes(self):
        """Half as far: apexes of 10 ± 4 over takes, 2 or 6 over noises."""
        clips = clips_rising([6, 14], label=[0, 0], label_names=NAMES[:1], subject=["a", "a"])
        measures = measured(Rising(lambda i, label: 2 + 4 * (i % 2)), clips)
        assert (measures["apex_by_take"], measures["apex_by_noise"], measures["noise_of_takes"]) == (4, 2, 0.5)

    def test_takes_that_are_all_the_same_are_compared_with_nothing(self):
        measures = measured(Rising(lambda i, label: i % 2), clips_rising([6, 6], subject=["a", "a"]))
        assert measures["apex_by_take"] == 0
        assert "noise_of_takes" not in measures

    def test_of_single_takes_there_is_no_spread(self):
        clips = clips_rising([10, 18], subject=["a", "b"])
        assert not {"apex_by_take", "noise_of_takes"} & set(measured(STILL, clips))


@pytest.mark.parametrize(("clips", "expected"), [(3, [0, 1, 2]), (16, list(range(16))), (32, list(range(0, 32, 2)))])
def test_pictures_are_first_frames_at_even_distances(clips, expected):
    pictures = first_pictures(clips_rising([50] * clips), PICTURES)
    assert (pictures[:, 0, 0, 0] - 10).tolist() == expected


class TestGoingOn:
    """What all systems that go on from pictures share."""

    GIVEN = Conditions(2, [4, 3], {"frames": [ramp(0, 20, 3), ramp(100, 0, 1)]})

    def test_what_is_given_comes_first_and_rows_are_as_long_as_asked(self):
        first, second = continued(self.GIVEN, [ramp(20, 6), ramp(100, 6)])
        assert first[:, 0, 0, 0].tolist() == [0, 10, 20, 22]
        assert second[:, 0, 0, 0].tolist() == [100, 102, 104]

    def test_longer_clips_than_a_system_draws_are_refused(self):
        check_pictures(STILL, self.GIVEN)
        check_pictures(STILL, self.GIVEN, 3)
        with pytest.raises(InputError, match=r"^frames: 3 is more than this rising draws \(expected at most 2\)$"):
            check_pictures(STILL, self.GIVEN, 2)

    def test_noise_alone_is_refused(self):
        with pytest.raises(InputError, match=r"^rising: goes on from pictures, it draws none"):
            check_pictures(STILL, Conditions(2, 4))
