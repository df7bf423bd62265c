"""Extractors trained on the data at hand see what they should, are reproducible, and survive being saved."""

import json

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from mutoscope.errors import InputError
from mutoscope.metrics import (
    Classifier,
    Extractor,
    feature_statistics,
    frechet_distance,
    load_trained_extractor,
    train_clip_extractor,
    train_frame_extractor,
)
from mutoscope.metrics.extractors.views import PLAYS, augmented, nt_xent, play_order, retrieval_accuracy


def distance(extractor: Extractor, a: np.ndarray, b: np.ndarray) -> float:
    return frechet_distance(feature_statistics(a, extractor), feature_statistics(b, extractor))


def as_frames(clips: np.ndarray) -> np.ndarray:
    return clips[:, ::2].reshape(-1, *clips.shape[2:])


def test_labels_of_clips_never_seen_are_told(frame_extractor, clip_extractor, other_bars):
    for extractor, batch in ((frame_extractor, as_frames(other_bars)), (clip_extractor, other_bars)):
        probabilities = extractor.probabilities(batch)
        labels = np.arange(len(batch)) * len(other_bars) // len(batch) % 2
        assert isinstance(extractor, Classifier)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
        assert (probabilities.argmax(axis=1) == labels).mean() > 0.9
        assert extractor.training.accuracy > 0.9


def test_features_have_mean_0_and_variance_1_over_the_data_trained_on(frame_extractor, clip_extractor, bars):
    for extractor, batch in ((frame_extractor, as_frames(bars[0])), (clip_extractor, bars[0])):
        features = extractor(batch)
        assert features.shape == (len(batch), 64)
        np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-3)
        np.testing.assert_allclose(features.std(axis=0), 1, atol=1e-2)


def test_still_and_shuffled_clips_lie_further_from_real_ones_than_held_out_clips(clip_extractor, bars, other_bars):
    real = bars[0]
    still = np.repeat(other_bars[:, :1], other_bars.shape[1], axis=1)
    shuffled = other_bars[:, np.random.default_rng(0).permutation(other_bars.shape[1])]
    held_out = distance(clip_extractor, real, other_bars)
    assert distance(clip_extractor, real, still) > 5 * held_out
    assert distance(clip_extractor, real, shuffled) > 5 * held_out
    assert clip_extractor.training.play_accuracy > 2 / len(PLAYS)


def test_blurred_frames_lie_further_from_real_ones_than_held_out_frames(frame_extractor, bars, other_bars):
    real, held_out = as_frames(bars[0]), as_frames(other_bars)
    blurred = gaussian_filter(held_out.astype(np.float32), (0, 1.5, 1.5, 0)).astype(np.uint8)
    assert distance(frame_extractor, real, blurred) > 2 * distance(frame_extractor, real, held_out)


def test_without_labels_frames_and_clips_are_told_apart(bars, other_bars):
    clips = bars[0]
    frames = train_frame_extractor(as_frames(clips), None, None, dataset="bars", steps=60)
    motion = train_clip_extractor(list(clips), None, frames=8, dataset="bars", steps=60)
    for extractor in (frames, motion):
        assert extractor.classes == []
        assert extractor.training.accuracy > 10 / min(2 * extractor.training.held_out, 256)  # ten times chance
        with pytest.raises(InputError, match="no classes"):
            extractor.probabilities(as_frames(clips))
    still = np.repeat(other_bars[:, :1], other_bars.shape[1], axis=1)
    assert distance(motion, clips, still) > 5 * distance(motion, clips, other_bars)


def test_training_is_reproducible_and_leaves_the_global_generator_alone(bars):
    clips, labels = list(bars[0]), bars[1]
    before = torch.get_rng_state()
    options = {"frames": 8, "dataset": "bars", "classes": ["level", "upright"], "steps": 3}
    first, again = (train_clip_extractor(clips, labels, **options) for _ in range(2))
    other = train_clip_extractor(clips, labels, **options, seed=1)
    assert first.digest == again.digest != other.digest
    assert torch.equal(before, torch.get_rng_state())


def test_size_channels_and_length_are_brought_to_those_of_training(frame_extractor, clip_extractor):
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (2, 30, 40, 1), dtype=np.uint8)
    np.testing.assert_array_equal(frame_extractor(grey), frame_extractor(np.repeat(grey, 3, axis=-1)))
    clips = rng.integers(0, 256, (2, 12, 24, 24, 3), dtype=np.uint8)
    np.testing.assert_array_equal(clip_extractor(clips), clip_extractor(clips[:, 2:10]))


def test_a_batch_of_any_size_gives_the_same_features(clip_extractor, bars):
    whole = clip_extractor(bars[0])
    np.testing.assert_allclose(whole[:3], clip_extractor(bars[0][:3]), atol=1e-4)


def test_what_does_not_fit_is_refused_in_one_line(frame_extractor, clip_extractor, bars):
    clips, labels = bars
    refusals = {
        "clips have 7 frames .expected at least 8": lambda: clip_extractor(clips[:, :7]),
        "array of 4 axes .expected clips": lambda: clip_extractor(clips[0]),
        "array of 5 axes .expected frames": lambda: frame_extractor(clips),
        "5 channels": lambda: frame_extractor(np.zeros((1, 8, 8, 5), np.uint8)),
        "clip 0 has 20 frames .expected at least 32": lambda: train_clip_extractor(
            list(clips), None, frames=32, dataset="bars"
        ),
        "1 clip .expected at least 2": lambda: train_clip_extractor(list(clips[:1]), None, frames=8, dataset="bars"),
        "labels from 0 to 1 for 1 classes": lambda: train_clip_extractor(
            list(clips), labels, frames=8, dataset="bars", classes=["bar"]
        ),
        "3 labels for 60 examples": lambda: train_clip_extractor(
            list(clips), labels[:3], frames=8, dataset="bars", classes=["a", "b"]
        ),
        "2 classes without labels": lambda: train_clip_extractor(
            list(clips), None, frames=8, dataset="bars", classes=["a", "b"]
        ),
    }
    for message, attempt in refusals.items():
        with pytest.raises(InputError, match=message):
            attempt()


def test_a_saved_extractor_comes_back_the_same_with_a_card(frame_extractor, clip_extractor, bars, tmp_path):
    for extractor, batch in ((frame_extractor, as_frames(bars[0])[:4]), (clip_extractor, bars[0][:4])):
        loaded = load_trained_extractor(extractor.save(tmp_path / extractor.kind))
        assert (loaded.name, loaded.kind, loaded.classes) == (extractor.name, extractor.kind, extractor.classes)
        assert (loaded.training, loaded.digest) == (extractor.training, extractor.digest)
        np.testing.assert_array_equal(loaded(batch), extractor(batch))
        np.testing.assert_array_equal(loaded.probabilities(batch), extractor.probabilities(batch))
        card = (tmp_path / extractor.kind / "README.md").read_text()
        assert extractor.digest in card
        assert f"{extractor.training.accuracy:.1%}" in card
    assert frame_extractor.name == "resnet64-bars"
    assert clip_extractor.name == "r2plus1d64-bars"


def test_damaged_and_foreign_files_are_refused(frame_extractor, clip_extractor, tmp_path):
    folder = frame_extractor.save(tmp_path / "saved")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(InputError, match="SHA-256 differs"):
        load_trained_extractor(folder)
    (folder / "model.safetensors").write_bytes(weights[:100])
    with pytest.raises(InputError, match="not a readable safetensors file"):
        load_trained_extractor(folder)
    other = clip_extractor.save(tmp_path / "other")
    (folder / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(InputError, match="not the weights of resnet64-bars"):
        load_trained_extractor(folder)
    (folder / "config.json").write_text(json.dumps({"kind": "frame"}))
    with pytest.raises(InputError, match="not the config"):
        load_trained_extractor(folder)


@pytest.mark.parametrize("frames", [8, 9])
def test_each_way_of_playing_shows_frames_of_the_window_in_its_order(frames):
    orders = {play: play_order(index, frames, np.random.default_rng(0)) for index, play in enumerate(PLAYS)}
    assert orders["forward"].tolist() == list(range(frames))
    assert orders["backward"].tolist() == list(range(frames))[::-1]
    assert sorted(orders["shuffled"]) == list(range(frames))
    assert len(set(orders["frozen"])) == 1
    assert set(np.diff(orders["slow"])) == {0, 1}
    assert all(order.min() >= 0 and order.max() < frames for order in orders.values())


def test_augmentation_is_one_draw_for_all_frames_of_a_clip():
    images = torch.rand(4, 1, 3, 16, 16).repeat(1, 5, 1, 1, 1)
    views = augmented(images, torch.Generator().manual_seed(0))
    torch.testing.assert_close(views, views[:, :1].expand_as(views))
    assert (views - images).abs().mean() > 0.01


def test_contrast_is_least_for_partners_that_agree_and_others_that_do_not():
    a = torch.eye(8)
    assert nt_xent(a, a) < nt_xent(a, a.roll(1, 0))
    assert retrieval_accuracy(a, a) == 1
    assert retrieval_accuracy(a, a.roll(1, 0)) == 0
    # all alike: a uniform choice among the 2 n - 1 others
    torch.testing.assert_close(nt_xent(torch.ones(8, 4), torch.ones(8, 4)), torch.tensor(15.0).log())
