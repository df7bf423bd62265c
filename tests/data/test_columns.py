"""Columns follow their clips: through subsets, pickling, windows, mirrors, and changes of size."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data import COLUMNS, Clips, ClipWindows, Column, FrameBag, clips_from_arrays, open_clips, split
from mutoscope.data.columns import MIRRORED_LANDMARKS, as_array, mirror, move, per_frame
from mutoscope.data.fitting import FITS, move_of_frame
from mutoscope.errors import InputError

SIZE, LENGTHS = 16, (5, 7, 9)
PER_CLIP = {"subject": ["x", None, "y"], "age": [3.0, None, 40.5], "captions": [["a", "b"], ["c"], None]}


def bright_spots(skeleton: str | None = "penn13", joints: int = 13) -> Clips:
    """Black clips whose one bright pixel is joint 0, landmark 0 and the mask; `visible` tells clip and frame."""
    generator = np.random.default_rng(0)
    frames, columns = [], {"joints": [], "visible": [], "landmarks": [], "mask": []}
    for number, length in enumerate(LENGTHS):
        places = generator.integers(0, SIZE, (length, 68, 2))
        clip = np.zeros((length, SIZE, SIZE, 3), np.uint8)
        clip[np.arange(length), places[:, 0, 1], places[:, 0, 0]] = 255
        frames.append(clip)
        columns["joints"].append(places[:, :joints] + 0.5)
        columns["landmarks"].append(places + 0.5)
        columns["mask"].append(clip[..., 0] / 255)
        seen = number + np.arange(length)[:, None] / 10
        columns["visible"].append(np.repeat(seen, joints, axis=1))
    return clips_from_arrays(
        frames,
        name="spots",
        columns={"label": [0, 1, 0], **PER_CLIP, **columns},
        label_names=["a", "b"],
        skeleton=skeleton,
    )


def equal(values: object, others: object) -> bool:
    return np.array_equal(values, others) if isinstance(values, np.ndarray) else values == others


def test_subsets_labels_splits_and_pickles_keep_the_columns_of_their_clips() -> None:
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
        assert [int(rows[0, 0]) for rows in kept.columns["visible"]] == numbers
        assert [len(rows) for rows in kept.columns["joints"]] == kept.lengths.tolist()
        assert all(rows.dtype == np.float32 for name in per_frame() for rows in kept.columns.get(name, []))
        for name, values in PER_CLIP.items():
            assert kept.column(name) == [values[number] for number in numbers]


def test_a_clip_has_its_values_and_a_set_says_what_it_has() -> None:
    clips = bright_spots()
    assert (clips[0].label, clips[0].subject, clips[0].columns["age"]) == (0, "x", 3.0)
    assert clips[1].subject is None
    assert clips.column("camera") == [None] * 3
    assert [name for name in COLUMNS if clips.has(name)] == ["label", "joints", "visible", "landmarks", "mask"]


def test_what_does_not_fit_the_clips_is_refused() -> None:
    clips = bright_spots()
    with pytest.raises(InputError, match=r"spots\[1\]: has 5 rows of face \(expected 7\)"):
        clips.with_columns({"face": [np.zeros((5, 60))] * 3})
    with pytest.raises(InputError, match=r"spots: has 3 clips, its camera 2 \(expected as many\)"):
        clips.with_columns({"camera": [1, 2]})
    with pytest.raises(InputError, match=r"columns shoe size: are unknown \(expected some of label, "):
        clips.with_columns({"shoe size": [1, 2, 3]})


def test_added_columns_replace_those_of_their_names_in_a_new_set() -> None:
    clips = bright_spots()
    added = clips.with_columns({"age": [1.0, 2.0, 3.0], "camera": [1, 1, 2]})
    assert (added.column("age"), added.column("camera")) == ([1, 2, 3], [1, 1, 2])
    assert (clips.column("age"), clips.has("camera")) == (PER_CLIP["age"], False)
    assert added.pixels is clips.pixels


def test_windows_carry_the_rows_of_their_frames() -> None:
    windows = ClipWindows(bright_spots(), 3, step=(1, 2), columns=("joints", "visible", "mask"))
    for index in range(30):
        example = windows[index]
        assert list(example) == ["clip", "joints", "visible", "mask"]
        assert example["joints"].shape == (3, 13, 2)
        assert int(example["visible"][0, 0]) == index % 3
        np.testing.assert_array_equal(example["clip"][..., 0] == 255, example["mask"] == 1)
        for frame, (x, y) in zip(example["clip"], example["joints"][:, 0], strict=True):
            assert frame[int(y), int(x), 0] == 255


def test_mirrored_clips_mirror_places_and_swap_left_and_right() -> None:
    clips = bright_spots()
    both = clips.with_mirrored()
    assert len(both) == 6
    assert both.pixels is clips.pixels
    for i in range(3):
        own, mirrored = clips[i], both[i + 3]
        assert (mirrored.path, mirrored.label, mirrored.subject) == (own.path, own.label, own.subject)
        assert np.shares_memory(mirrored.frames, own.frames)
        np.testing.assert_array_equal(mirrored.frames, own.frames[:, :, ::-1])
        np.testing.assert_array_equal(mirrored.frames[..., 0] == 255, mirrored.columns["mask"] == 1)
        head = mirrored.columns["joints"][:, 0]  # in the middle of the body, so it stays number 0
        assert all(frame[int(y), int(x), 0] == 255 for frame, (x, y) in zip(mirrored.frames, head, strict=True))
        np.testing.assert_array_equal(mirrored.columns["joints"][:, 2, 1], own.columns["joints"][:, 1, 1])


@pytest.mark.parametrize("skeleton", ["penn13", "openpose18", "body25"])
@given(width=st.integers(8, 50), seed=st.integers(0, 99))
def test_mirroring_twice_gives_every_column_back(skeleton: str, width: int, seed: int) -> None:
    joints = {"penn13": 13, "openpose18": 18, "body25": 25}[skeleton]
    lengths = {"k": joints, "h": 9, "w": width}
    generator = np.random.default_rng(seed)
    columns: dict[str, object] = {"label": 1, "subject": "x", "age": None, "camera": 2, "captions": ["left", "right"]}
    for name in per_frame():
        if COLUMNS[name].mirror is not None:
            shape = [lengths.get(length, length) for length in COLUMNS[name].shape]
            columns[name] = generator.integers(0, 8 * width, (3, *shape)) / np.float32(8)
    once = mirror(columns, width, skeleton)
    twice = mirror(once, width, skeleton)
    assert all(equal(twice[name], values) for name, values in columns.items())
    assert not any(equal(once[name], columns[name]) for name in ("joints", "visible", "landmarks", "mask"))


def test_the_same_landmarks_lie_in_the_middle_as_in_dlibs_order() -> None:
    middles = np.flatnonzero(np.array(MIRRORED_LANDMARKS) == np.arange(68))
    np.testing.assert_array_equal(middles, [8, 27, 28, 29, 30, 33, 51, 57, 62, 66])


@pytest.mark.parametrize("column", ["face", "maps"])
def test_what_cannot_be_mirrored_is_said_before_training(column: str) -> None:
    clips = clips_from_arrays([np.zeros((3, 8, 8, 3), np.uint8)], name="a", columns={column: [np.zeros((3, 4))]})
    with pytest.raises(InputError, match=f"a: its {column} cannot be mirrored"):
        clips.with_mirrored()


def test_joints_without_a_skeleton_cannot_be_mirrored() -> None:
    with pytest.raises(InputError, match=r"which joints are left and right \(expected a skeleton"):
        bright_spots(skeleton=None).with_mirrored()


@given(
    own=st.tuples(st.integers(20, 60), st.integers(20, 60)),
    size=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    fit=st.sampled_from(FITS),
    place=st.tuples(st.floats(0.3, 0.7), st.floats(0.3, 0.7)),
)
def test_moving_columns_agrees_with_moving_marked_pixels(
    own: tuple[int, int], size: tuple[int, int], fit: str, place: tuple[float, float]
) -> None:
    """A bright block, its middle as a joint, and its pixels as a mask, brought to any height and width."""
    height, width = own
    top, left = int(place[0] * height), int(place[1] * width)
    frame = np.zeros((height, width, 3), np.uint8)
    frame[top : top + 4, left : left + 4] = 255
    by = move_of_frame(own, size, fit)
    moved = move({"joints": np.array([[[left + 2, top + 2]]]), "mask": frame[None, ..., 0] / np.float32(255)}, by)
    pixels = by.frame(frame)
    assert pixels.shape == (*size, 3)
    np.testing.assert_allclose(moved["mask"][0], pixels[..., 0] / 255, atol=0.01)
    x, y = moved["joints"][0, 0]
    reach = 2 * by.scale.max()
    if reach <= x <= size[1] - reach and reach <= y <= size[0] - reach:  # all of the block is seen
        light = pixels[..., 0].astype(float)
        centre = [(light.sum(axis) * (np.arange(light.shape[1 - axis]) + 0.5)).sum() / light.sum() for axis in (0, 1)]
        np.testing.assert_allclose(centre, [x, y], atol=1.5)


class TestANewKindOfData:
    """A row in the table and a file of arrays are all that it takes."""

    @pytest.fixture(autouse=True)
    def row(self, monkeypatch: pytest.MonkeyPatch) -> None:
        row = Column(
            "where eyes look, x and y of a unit vector",
            shape=("eyes", 2),
            check=lambda gaze: None if (abs(gaze) <= 1).all() else "parts of unit vectors",
            mirror=lambda gaze, *_: gaze * np.float32([-1, 1]),
            move=lambda gaze, by: gaze * by.scale,
        )
        monkeypatch.setitem(COLUMNS, "gaze", row)

    def write(self, folder: Path, gaze: np.ndarray) -> Path:
        (folder / "structures").mkdir()
        np.save(folder / "a.npy", np.random.default_rng(0).integers(0, 256, (5, 40, 20, 3), dtype=np.uint8))
        np.savez(folder / "structures" / "a.npz", gaze=gaze)
        return folder

    def test_it_is_opened_fitted_mirrored_windowed_and_cached(self, tmp_path: Path) -> None:
        gaze = np.linspace(-1, 1, 20).reshape(5, 2, 2)
        folder = self.write(tmp_path, gaze)
        for _ in range(2):  # decoded, then from the cache
            clips = open_clips(folder, size=(20, 20), columns=["gaze"])
            np.testing.assert_allclose(clips.columns["gaze"][0], gaze, rtol=1e-6)
        fitted = open_clips(folder, size=(10, 20), fit="stretch", columns=["gaze"])
        np.testing.assert_allclose(fitted.columns["gaze"][0], gaze * [1, 0.25], rtol=1e-6)
        mirrored = clips.with_mirrored()
        np.testing.assert_array_equal(mirrored.columns["gaze"][1], clips.columns["gaze"][0] * np.float32([-1, 1]))
        window = ClipWindows(mirrored, 5, columns=["gaze"])[1]
        np.testing.assert_array_equal(window["gaze"], mirrored.columns["gaze"][1])
        np.testing.assert_array_equal(FrameBag(mirrored, ["gaze"])[7]["gaze"], mirrored.columns["gaze"][1][2])

    @pytest.mark.parametrize(
        ("gaze", "reason"),
        [
            (np.zeros((5, 2)), r"a\.npy: has gaze of shape 5 x 2 \(expected 5 x 2 x 2\)"),
            (np.full((5, 2, 2), 7.0), r"has gaze that cannot be used \(expected parts of unit vectors\)"),
        ],
    )
    def test_it_is_checked(self, tmp_path: Path, gaze: np.ndarray, reason: str) -> None:
        with pytest.raises(InputError, match=reason):
            open_clips(self.write(tmp_path, gaze), size=16, columns=["gaze"])


def test_text_is_no_tensor() -> None:
    with pytest.raises(InputError, match=r"column captions: is text"):
        as_array("captions", ["a"])


def test_one_array_of_all_clips_is_taken_as_it_is(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 4, 8, 6, 1), dtype=np.uint8)
    np.save(tmp_path / "frames.npy", frames)
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="r")
    clips = clips_from_arrays(mapped, name="drawn", columns={"camera": [0, 1, 2]})
    assert np.shares_memory(clips.pixels, mapped)
    assert (len(clips), clips.height, clips.width, clips.channels) == (3, 8, 6, 1)
    assert all(np.array_equal(clips[i].frames, frames[i]) for i in range(3))
