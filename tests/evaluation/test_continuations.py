"""Systems that go on from given frames: what they are given, what they are held against, and the rows beside them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data import Clips, clips_from_arrays
from mutoscope.errors import InputError
from mutoscope.evaluation import Evaluator
from mutoscope.evaluation.continuations import ContinuationsProtocol, draw_windows, pixels_of
from mutoscope.evaluation.metrics import METRICS
from mutoscope.evaluation.protocol import Plan
from mutoscope.evaluation.targets import Target
from mutoscope.metrics import psnr
from mutoscope.systems.base import System
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.config import Config
from mutoscope.systems.labels import Labels

FEW = {"frames": 11, "resamples": 0, "pairing": "start"}
ROWS = ("real vs real", "static copy", "shuffled frames")


@dataclass(frozen=True)
class AnimatorConfig(Config):
    """Choices of `animator`.

    Args:
        label_names: The labels that it takes.
        structure: It is told the numbers of the frames to come.
        image_size: Height and width of a frame.
        channels: Colour channels.
        frames: Frames of a clip.
    """

    label_names: list[str] | None = None
    structure: bool = False
    image_size: int = 16
    channels: int = 3
    frames: int = 20

    @property
    def columns(self) -> tuple[str, ...]:
        return ("face",) if self.structure else ("label",) if self.label_names else ()


class Animator(Labels, System):
    """Makes of each picture what it remembers of the real clips, or only repeats it; keeps what it was asked."""

    name: ClassVar[str] = "animator"
    protocol = "continuations"
    config_class = AnimatorConfig
    config: AnimatorConfig

    def __init__(self, remembered: Clips | None = None, label_names: Sequence[str] = ("falls", "rises")) -> None:
        super().__init__(AnimatorConfig(list(label_names)))
        self.remembered = remembered
        self.asked: list[tuple[Conditions, list[int] | None]] = []

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[np.ndarray]:
        told = self.labels_asked(conditions)
        self.asked.append((conditions, None if told is None else told.argmax(1).tolist()))
        for picture, frames in zip(conditions.pictures, conditions.lengths, strict=True):
            yield np.repeat(picture[None], frames, axis=0) if self.remembered is None else self._recall(picture, frames)

    def _recall(self, picture: np.ndarray, frames: int) -> np.ndarray:
        assert self.remembered is not None
        row = np.flatnonzero((self.remembered.pixels == picture).all(axis=(1, 2, 3)))[0]
        return self.remembered.pixels[row : row + frames]


def counting(lengths: Sequence[int], labels: Sequence[int | None] | None = None) -> Clips:
    """Clips in which every pixel of frame t of clip i is 20 i + t."""
    frames = [
        np.full((n, 2, 2, 1), 20 * i, np.uint8) + np.arange(n, dtype=np.uint8)[:, None, None, None]
        for i, n in enumerate(lengths)
    ]
    columns = {"label": labels} if labels else {}
    return clips_from_arrays(frames, name="counting", columns=columns, label_names=["a", "b"] if labels else [])


def windows_of(evaluator: Evaluator) -> Clips:
    """The true windows that systems go on from."""
    assert isinstance(evaluator.protocol, ContinuationsProtocol)
    return evaluator.protocol.windows


@pytest.fixture(scope="module")
def unlike(make_clips) -> Clips:
    """Real clips no two frames of which are equal: a counter stands in a corner of each."""
    clips = make_clips(24, seed=0)
    frames = [np.array(clips[i].frames) for i in range(len(clips))]
    for i, clip in enumerate(frames):
        clip[:, 0, 0, 0], clip[:, 0, 0, 1] = i, np.arange(len(clip))
    return clips_from_arrays(frames, name="unlike", columns=clips.columns, label_names=clips.label_names)


@pytest.fixture(scope="module")
def evaluator(unlike, training, features) -> Evaluator:
    return Evaluator(unlike, training=training, extractors=features, clips=60, **FEW)


@pytest.fixture(scope="module")
def references(evaluator):
    return evaluator.references()


def begins(windows: Clips) -> np.ndarray:
    """The first pixel of each window."""
    return pixels_of(windows)[:, 0, 0, 0, 0].astype(int)


class TestWindows:
    @given(starts=st.integers(1, 12), frames=st.integers(2, 4), step=st.integers(1, 2), seed=st.integers(0, 9))
    def test_each_clip_gives_its_share_of_distinct_starts(self, starts, frames, step, seed):
        lengths = [15, 3, 20]
        drawn = draw_windows(counting(lengths), Plan(1000, frames, step, seed, starts=starts))
        first = begins(drawn)
        steps = [step if n > (frames - 1) * step else 1 for n in lengths]
        possible = [max(n - (frames - 1) * apart, 0) for n, apart in zip(lengths, steps, strict=True)]
        assert Counter(first // 20) == Counter({i: min(starts, n) for i, n in enumerate(possible) if n})
        assert len(set(first)) == len(first)
        found = np.diff(pixels_of(drawn)[..., 0, 0, 0].astype(int), axis=1)
        assert all((row == steps[clip]).all() for row, clip in zip(found, first // 20, strict=True))

    def test_ten_of_every_clip_unless_told_otherwise_and_other_seeds_draw_others(self, unlike):
        drawn = [windows_of(Evaluator(unlike, extractors=[], seed=seed, **FEW)) for seed in (0, 0, 1)]
        assert all(len(windows) == 10 * len(unlike) for windows in drawn)
        assert set(Counter(begins(drawn[0]).tolist()).values()) == {10}
        assert np.array_equal(drawn[0].pixels, drawn[1].pixels)
        assert not np.array_equal(drawn[0].pixels, drawn[2].pixels)

    def test_a_clip_as_long_as_a_window_starts_once(self):
        assert len(draw_windows(counting([4, 4, 5]), Plan(1000, 4, 1, 0, starts=10))) == 1 + 1 + 2

    @given(count=st.integers(2, 60), seed=st.integers(0, 9))
    def test_fewer_pairs_are_spread_over_all_clips(self, count, seed):
        drawn = draw_windows(counting([20] * 6), Plan(count, 4, 1, seed, starts=10))
        assert len(drawn) == count
        of_clips = Counter((begins(drawn) // 20).tolist())
        assert max(of_clips.values()) - min(of_clips[i] for i in range(6)) <= 1

    def test_labels_are_those_of_the_clips(self):
        drawn = draw_windows(counting([9, 9, 9], labels=[1, 0, 1]), Plan(1000, 4, 1, 0, starts=3))
        assert np.array_equal(drawn.column("label"), np.array([1, 0, 1])[begins(drawn) // 20])
        assert not draw_windows(counting([9]), Plan(10, 4, 1, 0, starts=3)).has("label")

    def test_half_the_clips_have_all_labels_even_where_these_take_turns(self):
        drawn = draw_windows(counting([4] * 12, labels=[0, 1] * 6), Plan(6, 4, 1, 0, starts=10))
        assert set(drawn.column("label")) == {0, 1}
        assert len(set(begins(drawn))) == 6

    def test_where_not_all_clips_have_a_label_none_has(self):
        drawn = draw_windows(counting([9, 9], labels=[1, None]), Plan(2, 4, 1, 0, starts=1))
        assert not drawn.has("label")

    @given(starts=st.integers(1, 5), step=st.integers(1, 3), seed=st.integers(0, 9))
    def test_columns_are_those_of_the_frames_of_each_window(self, starts, step, seed):
        clips = counting([15, 9])
        numbers = [clips[i].frames[:, 0, 0].astype(np.float32) for i in range(2)]
        clips = replace(clips.with_columns({"face": numbers, "subject": ["ann", None]}), skeleton="penn13")
        drawn = draw_windows(clips, Plan(1000, 4, step, seed, starts=starts))
        assert drawn.skeleton == "penn13"
        assert np.array_equal(np.stack(drawn.column("face"))[..., 0], pixels_of(drawn)[..., 0, 0, 0])
        assert drawn.column("subject") == ["ann" if first < 20 else None for first in begins(drawn)]

    def test_too_short_clips_are_told(self):
        with pytest.raises(InputError, match=r"counting: the longest clip has 8 frames \(expected at least 9"):
            draw_windows(counting([8, 3]), Plan(4, 9, 2, 0, starts=10))


class Follower(Animator):
    """Makes of the structure of each frame, which is that frame's number in the real clips, the frame."""

    def __init__(self, remembered: Clips) -> None:
        super().__init__(remembered)
        self.config = AnimatorConfig(structure=True)

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[np.ndarray]:
        assert self.remembered is not None
        for seen, rows in zip(conditions.columns["frames"], conditions.columns["face"], strict=True):
            followed = self.remembered.pixels[rows[len(seen) :, 0].astype(int)]
            yield np.concatenate([seen, followed])


class TestFollowing:
    """Systems that are told the structure of each frame to come."""

    @pytest.fixture(scope="class")
    @classmethod
    def tracked(cls, unlike) -> Clips:
        rows = [np.arange(r.start, r.start + r.length, dtype=np.float32)[:, None] for r in unlike.records]
        return unlike.with_columns({"face": rows})

    def test_their_clips_show_the_label_that_the_structure_shows(self, tracked, unlike, features):
        figures = Evaluator(tracked, extractors=features, clips=40, **FEW).measure(Follower(unlike))
        assert figures["label_accuracy[directions]"].value == 1

    def test_what_follows_the_structure_exactly_is_found_perfect(self, unlike, tracked):
        figures = Evaluator(tracked, extractors=[], clips=20, **FEW).measure(Follower(unlike))
        assert figures["ssim"].value == pytest.approx(1)
        assert figures["psnr"].value == 100


class TestFigures:
    def test_the_truth_is_found_perfect(self, evaluator, unlike):
        figures = evaluator.measure(Animator(unlike))
        assert figures["ssim"].value == pytest.approx(1)
        assert figures["psnr"].value == 100
        for name in ("background_error", "temporal_difference", "fid[grid]", "fvd[directions]"):
            assert figures[name].value == pytest.approx(0, abs=1e-3)
        assert figures["label_accuracy[directions]"].value == 1
        assert figures["samples[clips]"].value == 60
        assert figures["samples[frames]"].value == 60 * 11

    def test_a_copy_of_the_picture_keeps_identity_and_shows_no_label(self, evaluator, references):
        """And it is the row called static copy."""
        figures = evaluator.measure(Animator())
        assert figures["acd_i[grid]"].value == figures["acd_c[grid]"].value == figures["flicker"].value == 0
        assert figures["label_accuracy[directions]"].value == pytest.approx(0.5, abs=0.15)
        assert references["static copy"] == figures

    def test_every_metric_can_be_computed(self, evaluator, unlike):
        figures = evaluator.measure(Animator(unlike))
        assert {name.split("[")[0] for name in figures} == {metric.name for metric in METRICS} | {"samples"}

    def test_no_window_is_searched(self, unlike, training, features, monkeypatch):
        monkeypatch.setattr("mutoscope.evaluation.samples.WindowSearch", None)
        evaluator = Evaluator(unlike, training=training, extractors=features, clips=40, **FEW)
        evaluator.measure(Animator())
        evaluator.references()

    def test_identity_is_the_distance_to_the_input_picture(self, evaluator, unlike, features):
        frames = features[0]
        truths = pixels_of(windows_of(evaluator))
        expected = [np.linalg.norm(frames(clip) - frames(clip[:1]), axis=1).mean() for clip in truths]
        assert evaluator.measure(Animator(unlike))["acd_i[grid]"].value == pytest.approx(np.mean(expected))

    def test_figures_are_the_same_each_time(self, unlike, training, features, evaluator):
        again = Evaluator(unlike, training=training, extractors=features, clips=60, **FEW)
        np.testing.assert_equal(again.measure(Animator()), evaluator.measure(Animator()))


class TestReferences:
    def test_all_rows_tell_labels_and_identity_of_the_same_windows(self, references):
        real, still, shuffled = (references[row] for row in ROWS)
        assert real["label_accuracy[directions]"].value == 1
        assert still["label_accuracy[directions]"].value == pytest.approx(0.5, abs=0.15)
        assert real["acd_i[grid]"].value > 0
        assert shuffled["acd_c[grid]"].value == pytest.approx(real["acd_c[grid]"].value)

    def test_the_copy_is_held_against_the_true_clips(self, evaluator, references):
        truths = pixels_of(windows_of(evaluator))
        expected = [psnr(np.repeat(truth[:1], len(truth), axis=0), truth, data_range=255.0).mean() for truth in truths]
        assert references["static copy"]["psnr"].value == pytest.approx(np.mean(expected))
        assert "psnr" not in references["real vs real"]  # real clips of others have no true clip

    def test_the_copy_does_not_move_and_the_shuffled_clip_moves_wrongly(self, references):
        real, still, shuffled = (references[row] for row in ROWS)
        for row in (still, shuffled):
            assert row["fvd[directions]"].value > 10 * max(real["fvd[directions]"].value, 1e-3)
        assert shuffled["fid[grid]"].value == pytest.approx(0, abs=1e-3)  # its frames are the reference's own
        assert still["moving"].value < 0.01 < real["moving"].value

    def test_without_training_clips_halves_are_compared(self, unlike, features):
        evaluator = Evaluator(unlike, extractors=features, metrics=["fid", "acd_i", "flicker"], clips=70, **FEW)
        rows = evaluator.references()
        assert rows["real vs real"]["fid[grid]"].value > rows["shuffled frames"]["fid[grid]"].value
        assert rows["static copy"] == evaluator.measure(Animator())

    def test_distances_to_training_are_measured_from_as_many_starts(self, evaluator, training, features):
        system = Animator()
        to_training = Evaluator(training, extractors=features, metrics=["fid", "fvd"], clips=60, **FEW)
        sample = evaluator.distances_to_training(system)
        assert sample.keys() == {"fid[grid] to seen clips", "fvd[directions] to seen clips"}
        assert len(to_training.protocol.reference.clips) == 60


def test_the_protocol_says_how_pairs_came_about(evaluator):
    protocol = evaluator.table
    assert protocol["pairing"] == "the clip that begins with the input picture"
    assert protocol["starts of a clip"].startswith("at most 10")
    assert protocol["real windows"] == 60
    assert "matched clips" not in protocol


def test_a_system_that_starts_from_a_picture_is_measured_so_and_over_all_its_frames(unlike, make_system):
    target = Target(Animator(), unlike, None)
    drawing = replace(target, source=make_system())
    assert (target.pairing, target.frames) == ("start", 20)
    assert (drawing.pairing, drawing.frames) == ("match", 16)
    assert replace(target, source=unlike).pairing == "match"


class TestLabels:
    def test_they_are_given_in_the_numbers_of_the_system(self, evaluator, unlike):
        """Which may know them in another order."""
        system = Animator(unlike, label_names=["rises", "stays", "falls"])
        assert evaluator.measure(system)["label_accuracy[directions]"].value == 1
        given = windows_of(evaluator).column("label")
        assert system.asked[0][1] == [{0: 2, 1: 0}[label] for label in given]

    def test_a_system_without_labels_is_given_none(self, evaluator, unlike):
        system = Animator(unlike, label_names=[])
        assert "label_accuracy[directions]" not in evaluator.measure(system)
        assert system.asked[0][1] is None

    def test_without_labels_all_take_their_turn(self, unlike, features):
        system = Animator(unlike)
        bare = clips_from_arrays([unlike[i].frames for i in range(len(unlike))], name="bare")
        figures = Evaluator(bare, extractors=features, metrics=["flicker", "identity"], **FEW).measure(system)
        assert system.asked[0][1][:3] == [0, 1, 0]
        assert "label_accuracy[directions]" not in figures

    def test_one_the_system_does_not_know_is_refused(self, evaluator):
        with pytest.raises(InputError, match=r"trained without the label rises \(it knows falls\)"):
            evaluator.measure(Animator(label_names=["falls"]))


class TestRefusals:
    def test_what_starts_from_something_else(self, evaluator, unlike, make_system, features):
        with pytest.raises(InputError, match=r"squares draws clips from noise \(expected match\)"):
            evaluator.measure(make_system())
        matching = Evaluator(unlike, extractors=features, metrics=["psnr"], frames=8, clips=4)
        with pytest.raises(InputError, match=r"animator goes on from given frames \(expected start\)"):
            matching.measure(Animator())

    def test_clips_of_unknown_origin(self, evaluator, unlike):
        with pytest.raises(InputError, match="pictures to start from are unknown"):
            evaluator.measure(unlike)

    def test_no_starts(self, unlike):
        with pytest.raises(InputError, match="starts: 0 is too few"):
            Evaluator(unlike, extractors=[], starts=0, **FEW)


class TestShortClips:
    def test_frames_are_as_far_apart_as_fits(self) -> None:
        """Of 7 frames, 4 fit 2 apart; of 5 they fit 1 apart, and of 3 not at all."""
        lengths = (7, 5, 3)
        frames = [np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8) for n in lengths]
        windows = draw_windows(clips_from_arrays(frames, name="short"), Plan(10, 4, 2, 0, starts=10))
        shown = sorted(clip[:, 0, 0, 0].tolist() for clip in pixels_of(windows))
        assert shown == [[0, 1, 2, 3], [0, 2, 4, 6], [1, 2, 3, 4]]
