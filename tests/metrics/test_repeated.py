"""Scores of several draws: their closed forms, and how far they lie apart."""

import numpy as np
import pytest

from mutoscope.errors import InputError
from mutoscope.metrics import clip_statistics, feature_statistics, repeated_scores

CLASSES = 4


class FirstPixel:
    """Features of a clip: its first pixel; its class is the red of it, or all alike where red is 255."""

    name, kind = "first-pixel", "clip"
    classes = tuple("abcd")

    def __call__(self, clips: np.ndarray, /) -> np.ndarray:
        return clips[:, 0, 0, 0].astype(float)

    def probabilities(self, clips: np.ndarray, /) -> np.ndarray:
        red = clips[:, 0, 0, 0, 0]
        sure = np.eye(CLASSES)[red % CLASSES]
        return np.where((red == 255)[:, None], 1 / CLASSES, sure)


def clips_of(red: np.ndarray, blue: int = 0) -> np.ndarray:
    clips = np.zeros((len(red), 2, 2, 2, 3), np.uint8)
    clips[..., 0] = red[:, None, None, None]
    clips[..., 2] = blue
    return clips


def test_clips_one_after_the_other_have_the_statistics_of_all_at_once():
    clips = clips_of(np.random.default_rng(0).integers(0, 200, 150))
    streamed, whole = clip_statistics(iter(clips), FirstPixel()), feature_statistics(clips, FirstPixel())
    for one, other in zip(streamed.compute(), whole.compute(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_every_class_as_often_scores_their_number_and_equal_clips_are_at_distance_0():
    clips = clips_of(np.arange(40) % CLASSES)
    scores = repeated_scores(lambda seed: clips, clip_statistics(clips, FirstPixel()), FirstPixel(), repeats=3)
    assert scores.inception_score == pytest.approx((CLASSES, 0))
    assert scores.frechet_distance == pytest.approx((0, 0), abs=1e-6)


def test_predictions_that_tell_nothing_score_one():
    clips = clips_of(np.full(12, 255))
    scores = repeated_scores(lambda seed: clips, clip_statistics(clips, FirstPixel()), FirstPixel(), repeats=2)
    assert scores.inception_score == pytest.approx((1, 0))


def test_each_draw_has_its_own_seed_and_the_spread_is_theirs():
    red = np.arange(40) % CLASSES
    real = clip_statistics(clips_of(red), FirstPixel())
    scores = repeated_scores(lambda seed: clips_of(red, blue=seed), real, FirstPixel(), repeats=3)
    distances = [0, 1, 4]  # of means alone: blue is 0, then 1, then 2
    assert scores.frechet_distance == pytest.approx((np.mean(distances), np.std(distances)), abs=1e-6)


def test_the_published_protocol_draws_ten_times():
    seeds = []
    clips = clips_of(np.arange(4))
    repeated_scores(lambda seed: seeds.append(seed) or clips, clip_statistics(clips, FirstPixel()), FirstPixel())
    assert seeds == list(range(10))


def test_no_draws_and_no_clips_are_refused():
    clips = clips_of(np.arange(4))
    with pytest.raises(InputError, match="repeats 0"):
        repeated_scores(lambda seed: clips, clip_statistics(clips, FirstPixel()), FirstPixel(), repeats=0)
    with pytest.raises(InputError, match="draw 0: gave no clips"):
        repeated_scores(lambda seed: [], clip_statistics(clips, FirstPixel()), FirstPixel())
