"""Inception score and label accuracy: closed forms, torchmetrics, scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix
from torchmetrics.image.inception import InceptionScore as TorchmetricsInceptionScore

from mutoscope.errors import InputError
from mutoscope.metrics import class_accuracies, confusion_matrix, inception_score, label_accuracy


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def probabilities(seed: int, count: int = 60, classes: int = 5) -> np.ndarray:
    return softmax(np.random.default_rng(seed).normal(0, 2, (count, classes)))


@given(seed=st.integers(0, 1000), splits=st.integers(1, 10))
def test_constant_predictions_score_one(seed, splits):
    mean, std = inception_score(np.repeat(probabilities(seed, 1), 60, axis=0), splits)
    assert mean == pytest.approx(1)
    assert std == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("classes", [2, 6])
def test_sure_and_even_predictions_score_the_number_of_classes(classes):
    sure = np.tile(np.eye(classes), (20, 1))
    mean, std = inception_score(sure, splits=4)
    assert mean == pytest.approx(classes)
    assert std == pytest.approx(0, abs=1e-9)


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore` will save", "ignore:std")
def test_equals_torchmetrics_on_one_split():
    logits = np.random.default_rng(0).normal(0, 2, (60, 5))
    metric = TorchmetricsInceptionScore(feature=torch.nn.Identity(), splits=1)
    metric.update(torch.from_numpy(logits))
    expected, _ = metric.compute()
    assert inception_score(softmax(logits), splits=1).mean == pytest.approx(expected.item())


@given(seed=st.integers(0, 1000))
def test_between_one_and_the_number_of_classes(seed):
    mean, _ = inception_score(probabilities(seed), splits=3)
    assert 1 <= mean <= 5


def test_splits_are_scored_each_by_itself():
    whole = probabilities(0)
    parts = [inception_score(part, splits=1).mean for part in np.split(whole, 3)]
    score = inception_score(whole, splits=3)
    assert score.mean == pytest.approx(np.mean(parts))
    assert score.std == pytest.approx(np.std(parts))


def test_accuracy_and_confusion_agree_with_scikit_learn():
    predicted, labels = probabilities(0), np.random.default_rng(1).integers(5, size=60)
    classes = predicted.argmax(axis=1)
    assert label_accuracy(predicted, labels) == pytest.approx(accuracy_score(labels, classes))
    np.testing.assert_array_equal(confusion_matrix(predicted, labels), sklearn_confusion_matrix(labels, classes))


def test_accuracies_of_classes_and_nan_for_one_without_samples():
    predicted = np.eye(3)[[0, 0, 1, 0]]
    labels = np.array([0, 0, 1, 1])
    np.testing.assert_array_equal(confusion_matrix(predicted, labels), [[2, 0, 0], [1, 1, 0], [0, 0, 0]])
    np.testing.assert_allclose(class_accuracies(predicted, labels), [1, 0.5, np.nan])
    assert label_accuracy(predicted, labels) == 0.75


def test_what_is_no_probability_or_no_class_is_refused():
    with pytest.raises(InputError, match="softmax"):
        inception_score(np.random.default_rng(0).normal(size=(20, 5)))
    with pytest.raises(InputError, match="softmax"):
        inception_score(np.full((20, 5), np.nan))
    with pytest.raises(InputError, match="no samples"):
        label_accuracy(np.zeros((0, 5)), np.zeros(0, int))
    with pytest.raises(InputError, match="3 samples in 10 splits"):
        inception_score(probabilities(0, 3))
    with pytest.raises(InputError, match="0 to 4"):
        label_accuracy(probabilities(0, 2), np.array([0, 5]))
