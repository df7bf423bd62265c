from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data import Clips, FrameBag, TrainingBatches, as_they_come, clips_from_arrays, open_clips


def test_training_sees_frames_and_nothing_else(numbered: Clips) -> None:
    bag = FrameBag(numbered)
    assert len(bag) == numbered.total_frames == 21
    assert set(bag[0]) == set(bag.__getitems__([0, 1])) == {"frame"}
    public = {name for name in vars(bag) if not name.startswith("_")}
    assert not public, "clip and time must not be reachable by a public attribute"


def test_hidden_says_which_clip_and_time_each_frame_is(numbered: Clips) -> None:
    bag = FrameBag(numbered)
    clip, time = bag.hidden()
    frames = bag.__getitems__(np.arange(len(bag)))["frame"].numpy()
    np.testing.assert_array_equal(frames[:, 0, 0, 0], clip)
    np.testing.assert_array_equal(frames[:, 0, -1, 0], time)


@given(indices=st.lists(st.integers(0, 41), min_size=1))
def test_a_batch_is_its_frames_in_order(indices: list[int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (21, 8, 8, 3), dtype=np.uint8)
    bag = FrameBag(clips_from_arrays([pixels[:10], pixels[10:]], name="noise").with_mirrored())
    expected = torch.stack([bag[i]["frame"] for i in indices])
    assert torch.equal(bag.__getitems__(indices)["frame"], expected)


def test_mirrored_clips_add_the_mirror_image_of_every_frame(numbered: Clips) -> None:
    bag = FrameBag(numbered.with_mirrored())
    frames = bag.__getitems__(np.arange(len(bag)))["frame"]
    assert len(bag) == 42
    assert torch.equal(frames[21:], frames[:21].flip(2))
    clip, time = bag.hidden()
    np.testing.assert_array_equal(clip[21:], clip[:21] + 3)
    np.testing.assert_array_equal(time[21:], time[:21])


def test_columns_come_with_each_frame(numbered: Clips) -> None:
    rows = [np.arange(length)[:, None] + [0.0, 100.0] for length in numbered.lengths]
    bag = FrameBag(numbered.with_columns({"face": rows, "camera": [5, 6, 7]}), ("label", "face", "camera"))
    batch = bag.__getitems__([0, 4, 5, 20])
    assert batch["label"].dtype == torch.int64
    assert batch["label"].tolist() == [0, 0, 1, 0]
    assert batch["camera"].tolist() == [5, 5, 6, 7]
    assert batch["face"].tolist() == [[0, 100], [4, 104], [0, 100], [8, 108]]
    assert {name: value.tolist() for name, value in bag[20].items() if name != "frame"} == {
        "label": 0, "face": [8, 108], "camera": 7,
    }  # fmt: skip


def test_a_data_loader_takes_batches_as_they_come(numbered: Clips) -> None:
    bag = FrameBag(numbered, ["label"])
    batch = next(iter(torch.utils.data.DataLoader(bag, batch_size=6, collate_fn=as_they_come)))
    assert {name: values.shape for name, values in batch.items()} == {"frame": (6, 16, 16, 3), "label": (6,)}


def test_a_batch_does_not_write_into_the_clips(numbered: Clips) -> None:
    before = numbered.pixels.copy()
    FrameBag(numbered).__getitems__([0, 1])["frame"].zero_()
    np.testing.assert_array_equal(numbered.pixels, before)


def test_a_bag_of_a_subset_holds_the_frames_of_the_subset(numbered: Clips) -> None:
    bag = FrameBag(numbered.subset([2, 0]))
    clip, _ = bag.hidden()
    shown = bag.__getitems__(np.arange(len(bag)))["frame"][:, 0, 0, 0].numpy()
    np.testing.assert_array_equal(shown, np.array([2, 0])[clip])


def test_iterating_ends(numbered: Clips) -> None:
    bag = FrameBag(numbered)
    with pytest.raises(IndexError):
        bag[len(bag)]


def test_the_order_of_files_does_not_change_the_frames_of_an_epoch(
    tmp_path: Path, write_strip: Callable[..., Path]
) -> None:
    names = ["a.png", "b.png", "c.png", "d.png"]
    for clip, (ordered, permuted) in enumerate(zip(names, ["c.png", "d.png", "b.png", "a.png"], strict=True)):
        write_strip(tmp_path / "ordered" / ordered, clip)
        write_strip(tmp_path / "permuted" / permuted, clip)
    epochs = []
    for folder in ("ordered", "permuted"):
        bag = FrameBag(open_clips(tmp_path / folder, size=16))
        batches = TrainingBatches(len(bag), 4)
        frames = [frame for i in range(4) for frame in bag.__getitems__(batches.indices(i))["frame"].numpy()]
        epochs.append(Counter(frame.tobytes() for frame in frames))
    assert epochs[0] == epochs[1]
    assert epochs[0].total() == 16
