"""Columns per frame are read beside clips, go through the same fit as the frames, and are cached with them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data import Clips, estimation, open_clips
from mutoscope.data.cache import Options, fingerprint
from mutoscope.data.columns import move
from mutoscope.data.estimation import fill_gaps
from mutoscope.data.fitting import cut_out, fit_frame, move_of_frame, move_to_body, move_to_face
from mutoscope.data.open import detect_layout
from mutoscope.data.structure_files import with_structures
from mutoscope.errors import InputError
from mutoscope.media.subjects import Box

FRAMES = 4


def spot_clip(height: int = 40, width: int = 64, joint: tuple[int, int] = (30, 20)) -> np.ndarray:
    """A black clip with a bright square of 6x6 pixels that moves one pixel to the right in each frame."""
    clip = np.zeros((FRAMES, height, width, 3), np.uint8)
    for time in range(FRAMES):
        x, y = joint[0] + time, joint[1]
        clip[time, y - 3 : y + 3, x - 3 : x + 3] = 255
    return clip


def spot_columns(joint: tuple[int, int] = (30, 20), joints: int = 13) -> dict[str, np.ndarray]:
    """The middle of the square as every joint and landmark, the last joint apart and not seen."""
    places = np.full((FRAMES, 68, 2), joint, np.float32)
    places[..., 0] += np.arange(FRAMES)[:, None]
    visible = np.ones((FRAMES, joints), np.float32)
    visible[:, -1] = 0
    face = np.zeros((FRAMES, 9), np.float32)
    face[:, -6] = 3
    face[:, -2:] = places[:, 0]
    return {"joints": places[:, :joints].copy(), "visible": visible, "landmarks": places, "face": face}


def write_set(folder: Path, columns: dict[str, np.ndarray] | None = None, names: tuple[str, ...] = ("a", "b")) -> Path:
    """Clips of one class, as arrays, with a file of columns each."""
    for name in names:
        (folder / "class").mkdir(parents=True, exist_ok=True)
        (folder / "structures" / "class").mkdir(parents=True, exist_ok=True)
        np.save(folder / "class" / f"{name}.npy", spot_clip())
        np.savez(folder / "structures" / "class" / f"{name}.npz", **(spot_columns() if columns is None else columns))
    return folder


def brightest(frame: np.ndarray) -> np.ndarray:
    """x and y of the centre of what is bright, in pixels."""
    rows, columns = np.nonzero(frame[..., 0] > 127)
    return np.array([columns.mean(), rows.mean()]) + 0.5


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch", "face"])
@pytest.mark.parametrize("size", [16, 64])
def test_places_stay_on_what_they_mark(tmp_path: Path, fit: str, size: int) -> None:
    spread = {name: values for name, values in spot_columns().items() if name != "face"}
    spread["landmarks"][:, 17:] += np.linspace(-12, 12, 51)[:, None]  # a face of some size
    clips = open_clips(write_set(tmp_path, spread), size=size, fit=fit, columns=("joints", "landmarks"))
    assert list(clips.columns) == ["label", "joints", "visible", "landmarks"]
    assert clips.skeleton == "penn13"
    for number in range(2):
        for time, frame in enumerate(clips[number].frames):
            for name in ("joints", "landmarks"):
                np.testing.assert_allclose(clips.columns[name][number][time, 0], brightest(frame), atol=1)


def test_a_body_is_cut_out_with_one_box_for_all_frames(tmp_path: Path) -> None:
    """A resting point of the background rests, and the body never leaves the frame."""
    columns = spot_columns()
    columns["joints"][:, 1] -= (20, 8)
    columns["joints"][:, 2] += (20, 8)
    clips = open_clips(write_set(tmp_path, columns), size=32, fit="body")
    assert list(clips.columns) == ["label", "joints", "visible"]
    joints, visible = clips.columns["joints"][0], clips.columns["visible"][0]
    steps = np.diff(joints[:, 0], axis=0)
    np.testing.assert_allclose(steps, steps[:1].repeat(FRAMES - 1, axis=0), rtol=1e-4)
    assert (joints[visible > 0] >= 0).all()
    assert (joints[visible > 0] <= 32).all()
    for time, frame in enumerate(clips[0].frames):
        np.testing.assert_allclose(joints[time, 0], brightest(frame), atol=1)


def test_parameters_of_faces_keep_their_scale_and_place(tmp_path: Path) -> None:
    clips = open_clips(write_set(tmp_path), size=80, columns=["face"])  # the central 40x40 pixels, twice as large
    np.testing.assert_allclose(clips.columns["face"][0][:, -6], 6)
    np.testing.assert_allclose(clips.columns["face"][0][0, -2:], [(30 - 12) * 2, 20 * 2])
    with pytest.raises(InputError, match=r"has face parameters, which cannot be stretched"):
        open_clips(tmp_path, size=32, fit="stretch", columns=["face"])


def test_parameters_of_faces_stand_for_landmarks(tmp_path: Path) -> None:
    assert list(open_clips(write_set(tmp_path), size=16, columns=["landmarks"]).columns) == ["label", "face"]


def test_clips_without_columns_are_what_they_were(tmp_path: Path) -> None:
    """Neither the list of clips nor the key of the cache, and so no cache on disk, changes by files beside them."""
    plain = write_set(tmp_path / "plain")
    listing = detect_layout(plain).listing(plain, 0)
    assert [entry.path for entry in listing.entries] == ["class/a.npy", "class/b.npy"]
    options = Options((16, 16), 3, "crop")
    assert fingerprint(listing, options, "x") == fingerprint(with_structures(listing), options, "x")
    wanted = Options((16, 16), 3, "crop", ("joints",))
    assert fingerprint(with_structures(listing), wanted, "x") != fingerprint(with_structures(listing), options, "x")
    assert list(open_clips(plain, size=16).columns) == ["label"]


def test_columns_are_read_again_when_their_files_change(tmp_path: Path) -> None:
    first = open_clips(write_set(tmp_path), size=16, columns=["joints"])
    moved = spot_columns()
    moved["joints"] += 1
    second = open_clips(write_set(tmp_path, moved), size=16, columns=["joints"])
    assert (second.columns["joints"][0] > first.columns["joints"][0]).all()


def test_joints_without_confidence_are_all_seen(tmp_path: Path) -> None:
    clips = open_clips(write_set(tmp_path, {"joints": spot_columns()["joints"]}), size=16, columns=["joints"])
    assert clips.columns["visible"][0].tolist() == np.ones((FRAMES, 13)).tolist()


def test_joints_of_another_order_become_those_of_the_first_clip(tmp_path: Path) -> None:
    write_set(tmp_path)
    np.savez(tmp_path / "structures" / "class" / "b.npz", **spot_columns(joints=18))
    clips = open_clips(tmp_path, size=16, columns=["joints"])
    assert clips.skeleton == "penn13"
    assert {rows.shape for rows in clips.columns["joints"]} == {(FRAMES, 13, 2)}
    np.testing.assert_allclose(clips.columns["joints"][1][:, 1], clips.columns["joints"][0][:, 1])


def test_maps_are_taken_as_they_are(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).random((FRAMES, 2, 16, 16), np.float32)
    clips = open_clips(write_set(tmp_path, {"maps": maps}), size=16, columns=["maps"])
    np.testing.assert_array_equal(clips.columns["maps"][1], maps)
    with pytest.raises(InputError, match=r"has maps of shape 4 x 2 x 16 x 16 \(expected 4 x 2 x 8 x 8, which are not"):
        open_clips(tmp_path, size=8, columns=["maps"])


def other(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    return {**spot_columns(), name: values}


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (other("joints", np.zeros((3, 13, 2))), r"has joints of shape 3 x 13 x 2 \(expected 4 x 13 x 2\)"),
        (other("joints", np.zeros((4, 13))), r"has joints of shape 4 x 13 \(expected"),
        (other("joints", np.full((4, 13, 2), np.nan)), r"has joints that are no numbers \(expected finite"),
        (other("visible", np.zeros((4, 12))), r"has visible of shape 4 x 12 \(expected 4 x 13\)"),
        (other("landmarks", np.zeros((4, 67, 2))), r"has landmarks of shape 4 x 67 x 2 \(expected 4 x 68 x 2\)"),
        (other("landmarks", np.array(["a"])), "cannot be read: could not convert"),
        ({"face": np.zeros((4, 9))}, r"has no joints \(expected"),
    ],
)
def test_a_clip_with_bad_columns_is_set_aside_by_name(
    tmp_path: Path, columns: dict[str, np.ndarray], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimation, "CAN_BE_FOUND", ())
    write_set(tmp_path)
    np.savez(tmp_path / "structures" / "class" / "b.npz", **columns)
    wanted = ("joints", "landmarks") if "landmarks" in columns else ("joints",)
    good = {name: values for name, values in spot_columns().items() if name != "face"}
    np.savez(tmp_path / "structures" / "class" / "a.npz", **good)
    clips = open_clips(tmp_path, size=16, columns=wanted)
    assert len(clips) == len(clips.problems) == 1
    assert Path(clips.records[0].path).name == "a.npy"
    with pytest.raises(InputError, match=reason):
        open_clips(tmp_path, size=16, columns=wanted, strict=True)


@pytest.mark.parametrize(
    ("fit", "columns", "reason"),
    [
        ("face", {"landmarks": np.zeros(4)}, r"has landmarks of shape 4 \(expected 4 x 68 x 2\)"),
        ("face", {"landmarks": np.zeros(())}, r"has landmarks of shape  \(expected 1 x 68 x 2\)"),
        ("body", {"joints": np.zeros((4, 13, 2)), "visible": np.ones((3, 13))}, r"has visible of shape 3 x 13"),
        ("body", {"joints": np.full((4, 13, 2), np.nan)}, "has joints that are no numbers"),
    ],
)
def test_columns_that_a_cut_rests_on_are_checked_before_it(
    tmp_path: Path, fit: str, columns: dict[str, np.ndarray], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        open_clips(write_set(tmp_path, columns, names=("a",)), size=16, fit=fit)


def test_a_damaged_file_of_columns_is_named(tmp_path: Path) -> None:
    write_set(tmp_path, names=("a",))
    (tmp_path / "structures" / "class" / "a.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"structures/class/a\.npz: cannot be read"):
        open_clips(tmp_path, size=16, columns=["joints"])


def test_what_lies_nowhere_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path, {"joints": spot_columns()["joints"]})
    monkeypatch.setattr(estimation, "detector_installed", lambda: False)
    with pytest.raises(InputError, match=r"has no maps \(expected structures/<clip>.npz with an array maps"):
        open_clips(tmp_path, size=16, columns=["maps"])
    with pytest.raises(InputError, match=r"2 of 2 clips have no landmarks .* mediapipe: pip install"):
        open_clips(tmp_path, size=16, fit="face")
    with pytest.raises(InputError, match=r"columns limbs: are unknown \(expected some of label, subject"):
        open_clips(tmp_path, size=16, columns=["limbs"])
    with pytest.raises(InputError, match=r"sprites: has no joints \(its columns: label\)"):
        open_clips("sprites", size=16, max_clips=1, columns=["joints"])


def test_synthetic_people_bring_their_joints() -> None:
    clips = open_clips("stick_people", size=16, max_clips=2, columns=["joints"])
    assert clips.skeleton == "penn13"
    assert [len(rows) for rows in clips.columns["joints"]] == clips.lengths.tolist()


class TestEstimation:
    """With a detector in place that finds what the test says."""

    @pytest.fixture
    def opened(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Clips]:
        def opened(found: list[bool], fit: str = "crop") -> Clips:
            def find(frames: object) -> tuple[np.ndarray, np.ndarray]:
                places = spot_columns()["landmarks"]
                assert np.array_equal(list(frames), spot_clip()), "frames are searched as they are in the file"
                return places, np.array(found, np.float32)

            monkeypatch.setattr(estimation, "detector_installed", lambda: True)
            monkeypatch.setattr(estimation, "find_landmarks", find)
            np.save(tmp_path / "clip.npy", spot_clip())
            return open_clips(tmp_path, size=40, fit=fit, columns=["landmarks"])

        return opened

    def test_what_does_not_lie_beside_a_clip_is_found(self, opened: Callable[..., Clips]) -> None:
        clips = opened([True, False, False, True])
        expected = spot_columns()["landmarks"] - [12, 0]
        np.testing.assert_allclose(clips.columns["landmarks"][0], expected, rtol=1e-5)

    def test_a_clip_that_mostly_shows_nobody_is_set_aside(self, opened: Callable[..., Clips]) -> None:
        with pytest.raises(InputError, match=r"clip\.npy: shows a face in 1 of 4 frames \(expected at least half\)"):
            opened([True, False, False, False])

    @given(found=st.lists(st.booleans(), min_size=1, max_size=12).filter(any))
    def test_gaps_are_filled_between_neighbours(self, found: list[bool]) -> None:
        times = np.arange(len(found), dtype=np.float32)
        seen = np.array(found)
        points = np.where(seen[:, None, None], times[:, None, None], -1).repeat(2, axis=2)
        filled, visible = fill_gaps(points, seen[:, None].astype(np.float32), seen)
        first, last = times[seen][[0, -1]]
        np.testing.assert_allclose(filled[:, 0, 0], times.clip(first, last), rtol=1e-5)
        assert (visible == 1).all()


class TestRegions:
    @given(
        own=st.tuples(st.integers(8, 90), st.integers(8, 90)),
        size=st.tuples(st.integers(8, 40), st.integers(8, 40)),
        fit=st.sampled_from(["crop", "pad", "stretch"]),
    )
    def test_moving_is_what_fitting_does_to_the_corners(
        self, own: tuple[int, int], size: tuple[int, int], fit: str
    ) -> None:
        by = move_of_frame(own, size, fit)
        corners = np.array([[[by.region.left, by.region.top], [by.region.right, by.region.bottom]]], np.float32)
        moved = move({"joints": corners}, by)["joints"]
        np.testing.assert_allclose(moved, [[[0, 0], [size[1], size[0]]]], atol=1e-4)
        if fit != "stretch":
            assert by.keeps_shapes
        if fit == "crop":
            frame = np.random.default_rng(0).integers(0, 256, (*own, 3), np.uint8)
            np.testing.assert_array_equal(
                fit_frame(cut_out(frame, by.region), size, "stretch"), fit_frame(frame, size, fit)
            )

    @given(st.data())
    def test_a_body_has_its_margin_where_there_is_room(self, data: st.DataObject) -> None:
        height, width = data.draw(st.integers(20, 100)), data.draw(st.integers(20, 100))
        places = st.tuples(st.floats(0, width), st.floats(0, height))
        joints = np.array(data.draw(st.lists(places, min_size=4, max_size=4))).reshape(2, 2, 2)
        margin = data.draw(st.integers(0, 20))
        box = move_to_body((height, width), {"joints": joints, "visible": np.ones((2, 2))}, 32, margin).region
        assert 0 <= box.left <= box.right <= width
        assert 0 <= box.top <= box.bottom <= height
        wanted = max(np.ptp(joints[..., 0]), np.ptp(joints[..., 1])) + 2 * margin
        assert abs(box.width - min(wanted, width)) <= 1
        assert abs(box.height - min(wanted, height)) <= 1
        for place in joints.reshape(-1, 2):
            assert box.left - 1 <= place[0] <= box.right + 1
            assert box.top - 1 <= place[1] <= box.bottom + 1

    def test_labelled_boxes_come_before_joints_and_unseen_joints_do_not_count(self) -> None:
        joints, visible = np.array([[[10.0, 10.0], [30.0, 20.0], [90.0, 90.0]]]), np.array([[1.0, 1.0, 0.0]])
        known = {"joints": joints, "visible": visible}
        assert move_to_body((100, 100), known, 32, 5).region == Box(5, 0, 35, 30)
        boxes = np.array([[40.0, 40.0, 50.0, 60.0], [44.0, 40.0, 60.0, 60.0]])
        assert move_to_body((100, 100), {**known, "boxes": boxes}, 32, 5).region == Box(35, 35, 65, 65)
        with pytest.raises(InputError, match="shows no joint"):
            move_to_body((100, 100), {"joints": joints, "visible": np.zeros((1, 3))}, 32)

    def test_a_face_is_cut_around_the_landmarks_of_the_first_frame(self) -> None:
        """Side 0.95 of the diagonal of the square around them, 0.08 of their height up; it may leave the frame."""
        landmarks = np.zeros((2, 68, 2))
        landmarks[0, :2] = [[0, 0], [100, 80]]
        landmarks[1] = 7
        box = move_to_face(landmarks, 32).region
        assert (box.width, box.height) == (134, 134)
        assert (box.left, box.top) == (-17, -33)
        assert move_to_face(landmarks, (64, 32)).region == Box(-17, -100, 117, 168)

    def test_a_body_has_its_margin_in_a_picture_twice_as_high_as_wide(self) -> None:
        joints = np.array([[[40.0, 40.0], [60.0, 50.0]]])
        by = move_to_body((100, 100), {"joints": joints, "visible": np.ones((1, 2))}, (64, 32), 5)
        assert by.region == Box(35, 15, 65, 75)

    def test_beyond_the_frame_its_edge_goes_on(self) -> None:
        frame = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
        cut = cut_out(frame, Box(-1, -2, 5, 4))
        np.testing.assert_array_equal(cut, np.pad(frame, ((2, 1), (1, 1), (0, 0)), mode="edge"))
