import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data import Clips, ClipWindows, FrameBag, as_they_come, clips_from_arrays
from mutoscope.data.windows import VIRTUAL_EPOCH
from mutoscope.errors import InputError


def times(windows: ClipWindows, index: int) -> np.ndarray:
    """The time of each frame of a window, which its right edge shows."""
    return windows[index]["clip"][:, 0, -1, 0].numpy().astype(int)


def one_clip(length: int) -> Clips:
    """A clip whose frames are as bright as their number, of 255 frames at most."""
    pixels = np.arange(length, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    return clips_from_arrays([pixels], name="one")


@st.composite
def steps(draw: st.DrawFn) -> tuple[int, int]:
    """Lowest and highest distance between frames."""
    low = draw(st.integers(1, 4))
    return low, draw(st.integers(low, 6))


def test_a_window_is_a_stretch_of_one_clip(numbered: Clips) -> None:
    windows = ClipWindows(numbered, 4, columns=["label"])
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


@pytest.mark.parametrize(
    ("length", "expected"), [(16, {1}), (30, {1}), (31, {1, 2}), (46, {1, 2, 3}), (90, {1, 2, 3, 4})]
)
def test_random_steps_are_those_for_which_the_clip_is_long_enough(length: int, expected: set[int]) -> None:
    windows = ClipWindows(one_clip(length), 16, step=(1, 4))
    seen = [times(windows, index) for index in range(100)]
    assert {int(window[1] - window[0]) for window in seen} == expected


@given(length=st.integers(1, 200), frames=st.integers(1, 32), step=steps(), index=st.integers(0, VIRTUAL_EPOCH - 1))
def test_a_window_lies_in_its_clip_and_has_one_step(
    length: int, frames: int, step: tuple[int, int], index: int
) -> None:
    """The step is within its bounds where the clip is long enough; else the largest that fits; else the clip rests."""
    window = times(ClipWindows(one_clip(length), frames, step=step, hold_last=True), index)
    assert len(window) == frames
    assert 0 <= window[0] <= window[-1] <= length - 1
    if frames == 1:
        return
    largest = (length - 1) // (frames - 1)
    if largest >= 1:
        (taken,) = set(np.diff(window))
        assert min(step[0], largest) <= taken <= min(step[1], largest)
    else:
        np.testing.assert_array_equal(window, np.minimum(np.arange(frames), length - 1))


@given(length=st.integers(1, 200), frames=st.integers(1, 32), step=steps(), index=st.integers(0, VIRTUAL_EPOCH - 1))
def test_accepting_short_clips_changes_no_other_window(
    length: int, frames: int, step: tuple[int, int], index: int
) -> None:
    clips = one_clip(length)
    if length > step[0] * (frames - 1):
        strict, lenient = (ClipWindows(clips, frames, step=step, hold_last=held) for held in (False, True))
        np.testing.assert_array_equal(times(strict, index), times(lenient, index))
    else:
        with pytest.raises(InputError, match=f"has {length} frames"):
            ClipWindows(clips, frames, step=step)


@pytest.mark.parametrize(("length", "step", "starts"), [(63, 2, 1), (64, 2, 2), (62, 1, 31), (32, 1, 1), (40, 1, 9)])
def test_32_frames_two_apart_come_closer_in_clips_of_less_than_63(length: int, step: int, starts: int) -> None:
    """The rule of the published face sets: step = min(2, (n - 1) // 31)."""
    windows = ClipWindows(one_clip(length), 32, step=(2, 2), hold_last=True)
    seen = [times(windows, index) for index in range(400)]
    assert {int(window[1] - window[0]) for window in seen} == {step}
    assert {int(window[0]) for window in seen} == set(range(starts))


def test_clips_shorter_than_steps_of_one_rest_on_their_last_frame() -> None:
    window = times(ClipWindows(one_clip(3), 5, step=(2, 2), hold_last=True), 0)
    assert window.tolist() == [0, 1, 2, 2, 2]


def test_a_window_depends_on_the_seed_and_the_index_only(numbered: Clips) -> None:
    first, again = (ClipWindows(numbered.with_mirrored(), 2, seed=1) for _ in range(2))
    assert all(torch.equal(first[i]["clip"], again[i]["clip"]) for i in (5, 1, 400))
    other = ClipWindows(numbered, 2, seed=2)
    assert any(not np.array_equal(times(first, i), times(other, i)) for i in range(20))


def test_an_epoch_holds_every_clip_equally_often(numbered: Clips) -> None:
    assert len(ClipWindows(numbered, 4)) % len(numbered) == 0


def test_clip_i_plus_n_is_the_mirror_image_of_clip_i() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 4, 8, 8, 3), dtype=np.uint8)
    windows = ClipWindows(clips_from_arrays(frames, name="noise").with_mirrored(), 4)
    for index in range(12):
        mirrored = index % 4 >= 2
        expected = frames[index % 2, :, :, ::-1] if mirrored else frames[index % 2]
        np.testing.assert_array_equal(windows[index]["clip"], expected)


def test_a_clip_shorter_than_the_window_is_named(numbered: Clips) -> None:
    with pytest.raises(InputError, match=r"numbered\[0\]: has 5 frames \(expected at least 6 .* 1 of 3 clips"):
        ClipWindows(numbered, 6)
    with pytest.raises(InputError, match=r"has 5 frames \(expected at least 7"):
        ClipWindows(numbered, 4, step=(2, 2))


@pytest.mark.parametrize(("frames", "step"), [(0, (1, 1)), (2, (0, 1)), (2, (3, 2))])
def test_windows_that_make_no_sense_are_refused(numbered: Clips, frames: int, step: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="is not a window"):
        ClipWindows(numbered, frames, step=step)


def test_columns_are_checked_before_training(numbered: Clips) -> None:
    assert set(ClipWindows(numbered, 2)[0]) == {"clip"}
    with pytest.raises(InputError, match=r"numbered: has no age, joints \(its columns: label\)"):
        ClipWindows(numbered, 2, columns=["label", "age", "joints"])
    some = numbered.with_columns({"age": [None, 3.0, None]})
    with pytest.raises(InputError, match=r"2 of 3 clips have no age .*the first without: numbered\[0\]"):
        FrameBag(some, ["age"])
    with pytest.raises(InputError, match=r"column subject: is text"):
        ClipWindows(numbered.with_columns({"subject": ["a", "b", "c"]}), 2, columns=["subject"])


def test_a_data_loader_takes_batches_as_they_come(numbered: Clips) -> None:
    windows = ClipWindows(numbered, 4, columns=["label"])
    batch = next(iter(torch.utils.data.DataLoader(windows, batch_size=3, collate_fn=as_they_come)))
    assert batch["clip"].shape == (3, 4, 16, 16, 3)
    assert batch["label"].dtype == torch.int64
    assert batch["label"].tolist() == [0, 1, 0]
