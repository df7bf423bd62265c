"""Tracks follow their frames: through subsets, pickling, windows and mirrors."""

import pickle

import numpy as np
import pytest
import torch

from mutoscope.data import Clips, ClipWindows, clips_from_arrays, split
from mutoscope.data.tracks import MIRRORED_LANDMARKS
from mutoscope.errors import InputError

SIZE, LENGTHS = 16, (5, 7, 9)


def bright_spots(skeleton: str | None = "penn13", joints: int = 13) -> Clips:
    """Black clips in which joint and landmark 0 are the only bright pixel; `visible` tells clip and frame."""
    generator = np.random.default_rng(0)
    frames, tracks = [], {"joints": [], "visible": [], "landmarks": []}
    for number, length in enumerate(LENGTHS):
        places = generator.integers(0, SIZE, (length, 68, 2))
        clip = np.zeros((length, SIZE, SIZE, 3), np.uint8)
        clip[np.arange(length), places[:, 0, 1], places[:, 0, 0]] = 255
        frames.append(clip)
        tracks["joints"].append(places[:, :joints] + 0.5)
        tracks["landmarks"].append(places + 0.5)
        seen = number + np.arange(length)[:, None] / 10
        tracks["visible"].append(np.repeat(seen, joints, axis=1))
    return clips_from_arrays(
        frames, name="spots", labels=[0, 1, 0], label_names=["a", "b"], tracks=tracks, skeleton=skeleton
    )


def test_subsets_labels_splits_and_pickles_keep_the_tracks_of_their_clips() -> None:
    clips = bright_spots()
    train, rest = split(clips, held_out=[1])
    for kept, numbers in [
        (clips.subset([2, 0]), [2, 0]),
        (clips.with_labels(["b"]), [1]),
        (train, [0, 2]),
        (rest, [1]),
        (pickle.loads(pickle.dumps(clips)), [0, 1, 2]),
    ]:
        assert kept.skeleton == "penn13"
        assert [int(rows[0, 0]) for rows in kept.tracks["visible"]] == numbers
        assert [len(rows) for rows in kept.tracks["joints"]] == kept.lengths.tolist()
        assert all(rows.dtype == np.float32 for values in kept.tracks.values() for rows in values)


def test_a_track_is_as_long_as_its_clip() -> None:
    frames = [np.zeros((3, SIZE, SIZE, 3), np.uint8)]
    with pytest.raises(InputError, match=r"a\[0\]: has 2 rows of face \(expected 3\)"):
        clips_from_arrays(frames, name="a", tracks={"face": [np.zeros((2, 60))]})


def test_windows_carry_the_rows_of_their_frames() -> None:
    windows = ClipWindows(bright_spots(), 3, step=(1, 2))
    assert windows.keys == ("clip", "path", "label", "joints", "visible", "landmarks")
    for index in range(30):
        example = windows[index]
        assert example["joints"].shape == (3, 13, 2)
        assert int(example["visible"][0, 0]) == index % 3
        for frame, (x, y) in zip(example["clip"], example["joints"][:, 0], strict=True):
            assert frame[int(y), int(x), 0] == 255


def test_mirrored_windows_mirror_places_and_swap_left_and_right() -> None:
    clips = bright_spots()
    windows = ClipWindows(clips, 5, flip=True)
    for index in range(3, 6):
        example = windows[index]
        mirrored = torch.stack([SIZE - example["landmarks"][..., 0], example["landmarks"][..., 1]], dim=-1)
        restored = mirrored[:, list(MIRRORED_LANDMARKS)].numpy()
        assert any(np.array_equal(restored[0], rows) for rows in clips.tracks["landmarks"][index - 3])
        head = example["joints"][:, 0]  # in the middle of the body, so it stays number 0
        for frame, (x, y) in zip(example["clip"], head, strict=True):
            assert frame[int(y), int(x), 0] == 255
        left, right = (clips.tracks["joints"][index - 3][:, joint, 1] for joint in (1, 2))
        assert set(example["joints"][:, 2, 1].tolist()) <= set(left.tolist())
        assert set(example["joints"][:, 1, 1].tolist()) <= set(right.tolist())


def test_mirroring_landmarks_twice_gives_them_back() -> None:
    order = np.array(MIRRORED_LANDMARKS)
    np.testing.assert_array_equal(order[order], np.arange(68))
    np.testing.assert_array_equal(np.flatnonzero(order == np.arange(68)), [8, 27, 28, 29, 30, 33, 51, 57, 62, 66])


@pytest.mark.parametrize("track", ["face", "maps"])
def test_what_cannot_be_mirrored_is_said_before_training(track: str) -> None:
    clips = clips_from_arrays([np.zeros((3, 8, 8, 3), np.uint8)], name="a", tracks={track: [np.zeros((3, 4))]})
    ClipWindows(clips, 2)
    with pytest.raises(InputError, match=f"a: its {track} cannot be mirrored"):
        ClipWindows(clips, 2, flip=True)


def test_joints_without_a_skeleton_cannot_be_mirrored() -> None:
    with pytest.raises(InputError, match=r"which joints are left and right \(expected a skeleton"):
        ClipWindows(bright_spots(skeleton=None), 2, flip=True)
