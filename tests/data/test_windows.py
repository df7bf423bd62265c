import numpy as np
import pytest
import torch

from mutoscope.data import Clips, ClipWindows, check_keys, clips_from_arrays
from mutoscope.errors import InputError


def times(windows: ClipWindows, index: int) -> np.ndarray:
    """The time of each frame of a window, which its right edge shows."""
    return windows[index]["clip"][:, 0, -1, 0].numpy().astype(int)


def test_a_window_is_a_stretch_of_one_clip(numbered: Clips) -> None:
    windows = ClipWindows(numbered, 4)
    for index in range(60):
        example = windows[index]
        assert example["clip"].shape == (4, 16, 16, 3)
        assert set(example["clip"][:, 0, 0, 0].tolist()) == {index % 3}
        assert example["label"] == index % 3 % 2
        assert set(np.diff(times(windows, index))) == {1}


def test_every_start_and_step_that_fits_occurs(numbered: Clips) -> None:
    windows = ClipWindows(numbered.subset([1]), 3, step=(1, 3))
    seen = {tuple(times(windows, index)) for index in range(300)}
    assert seen == {(s, s + d, s + 2 * d) for d in (1, 2, 3) for s in range(7 - 2 * d)}


@pytest.mark.parametrize(("length", "steps"), [(16, {1}), (30, {1}), (31, {1, 2}), (46, {1, 2, 3}), (90, {1, 2, 3, 4})])
def test_random_steps_are_those_for_which_the_clip_is_long_enough(length: int, steps: set[int]) -> None:
    pixels = np.arange(length, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    windows = ClipWindows(clips_from_arrays([pixels], name="one"), 16, step=(1, 4))
    seen = [times(windows, index) for index in range(100)]
    assert all(len(set(np.diff(window))) == 1 for window in seen)
    assert {int(window[1] - window[0]) for window in seen} == steps
    assert 0 <= min(window[0] for window in seen) <= max(window[-1] for window in seen) <= length - 1


def test_a_window_depends_on_the_seed_and_the_index_only(numbered: Clips) -> None:
    first, again = ClipWindows(numbered, 2, flip=True, seed=1), ClipWindows(numbered, 2, flip=True, seed=1)
    assert all(torch.equal(first[i]["clip"], again[i]["clip"]) for i in (5, 1, 400))
    other = ClipWindows(numbered, 2, seed=2)
    assert any(not np.array_equal(times(first, i), times(other, i)) for i in range(20))


def test_an_epoch_holds_every_clip_equally_often(numbered: Clips) -> None:
    assert len(ClipWindows(numbered, 4)) % len(numbered) == 0


def test_flip_mirrors_about_half_of_the_windows_whole(numbered: Clips) -> None:
    windows = ClipWindows(numbered.subset([2]), 9, flip=True)
    mirrored = 0
    for index in range(200):
        clip = windows[index]["clip"].numpy()
        plain = np.array_equal(clip, numbered[2].frames)
        assert plain or np.array_equal(clip[:, :, ::-1], numbered[2].frames)
        mirrored += not plain
    assert 60 < mirrored < 140


def test_a_clip_shorter_than_the_window_is_named(numbered: Clips) -> None:
    with pytest.raises(InputError, match=r"numbered\[0\]: has 5 frames \(expected at least 6 .* 1 of 3 clips"):
        ClipWindows(numbered, 6)
    with pytest.raises(InputError, match=r"has 5 frames \(expected at least 7"):
        ClipWindows(numbered, 4, step=(2, 2))


@pytest.mark.parametrize(("frames", "step"), [(0, (1, 1)), (2, (0, 1)), (2, (3, 2))])
def test_windows_that_make_no_sense_are_refused(numbered: Clips, frames: int, step: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="is not a window"):
        ClipWindows(numbered, frames, step=step)


def test_missing_keys_are_all_named_before_training(numbered: Clips) -> None:
    windows = ClipWindows(clips_from_arrays([numbered.pixels], name="plain"), 2)
    assert set(windows[0]) == set(windows.keys) == {"clip", "path"}
    check_keys(windows, ["clip"])
    with pytest.raises(InputError, match=r"ClipWindows: lacks label, audio \(its examples have clip, path\)"):
        check_keys(windows, ["clip", "label", "audio"])


def test_the_batches_of_a_data_loader_need_no_special_collation(numbered: Clips) -> None:
    batch = next(iter(torch.utils.data.DataLoader(ClipWindows(numbered, 4), batch_size=3)))
    assert batch["clip"].shape == (3, 4, 16, 16, 3)
    assert batch["label"].tolist() == [0, 1, 0]
