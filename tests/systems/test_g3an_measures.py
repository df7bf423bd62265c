"""What is said of labels, on rendered clips whose look and motion are known."""

import numpy as np
import pytest

from mutoscope.data import Clips, Origin, clips_from_arrays
from mutoscope.data.synthetic import make_clips
from mutoscope.data.synthetic.moving_sprites import MOTIONS, draw_factors, render
from mutoscope.systems.g3an.measures import label_measures

LABELS = list(MOTIONS)


def real(of_files: bool = False) -> Clips:
    """The same clips, rendered or from files; what they are called says nothing of it."""
    origin = None if of_files else Origin("moving_sprites", {})
    return clips_from_arrays(make_clips("moving_sprites", clips=8).clips, name="moving_sprites", origin=origin)


def labelled(motion_of_label: list[int], hue_of_label: list[float] | None = None) -> np.ndarray:
    """Looks that show motion `motion_of_label[k]` under label k, or also a hue of each label."""
    n_a, k = 16, len(motion_of_label)
    looks, motions = draw_factors(n_a, 0)
    looks = type(looks)(*(values.repeat(k) for values in looks))
    motions = type(motions)(*(values.repeat(k) for values in motions))
    motions = motions._replace(motion=np.tile(motion_of_label, n_a))
    if hue_of_label is not None:
        looks = looks._replace(hue=np.tile(np.float32(hue_of_label), n_a))
    return render(looks, motions).reshape(n_a, k, 16, 32, 32, 3)


def test_labels_that_decide_the_motion_alone_are_as_good_as_can_be():
    measures = label_measures(labelled([0, 1, 2, 3]), LABELS, real())
    assert measures["label_shown"] > 0.95
    assert measures["look_by_label"] < 0.05


def test_labels_that_change_the_motion_to_another_are_not_shown():
    measures = label_measures(labelled([3, 2, 1, 0]), LABELS, real())
    assert measures["label_shown"] < 0.05


def test_labels_that_change_nothing_are_shown_by_chance():
    measures = label_measures(labelled([2, 2, 2, 2]), LABELS, real())
    assert measures["label_shown"] == pytest.approx(0.25, abs=0.03)


def test_labels_that_change_the_look_are_found_out():
    by_hue = labelled([0, 1, 2, 3], hue_of_label=[0.0, 0.3, 0.55, 0.8])
    measures = label_measures(by_hue, LABELS, real())
    assert measures["look_by_label"] > 0.3


def test_on_clips_of_files_only_looks_are_compared():
    assert set(label_measures(labelled([0, 1, 2, 3]), LABELS, real(of_files=True))) == {"look_by_label"}
