"""Tracks are read beside clips, go through the same fit as the frames, and are cached with them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data import Clips, estimation, open_clips
from mutoscope.data.cache import Options, fingerprint
from mutoscope.data.estimation import fill_gaps
from mutoscope.data.fitting import cut_out, fit_frame, move_tracks, region_of_body, region_of_face, region_of_frame
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


def spot_tracks(joint: tuple[int, int] = (30, 20), joints: int = 13) -> dict[str, np.ndarray]:
    """The middle of the square as every joint and landmark, the last joint apart and not seen."""
    places = np.full((FRAMES, 68, 2), joint, np.float32)
    places[..., 0] += np.arange(FRAMES)[:, None]
    visible = np.ones((FRAMES, joints), np.float32)
    visible[:, -1] = 0
    face = np.zeros((FRAMES, 9), np.float32)
    face[:, -6] = 3
    face[:, -2:] = places[:, 0]
    return {"joints": places[:, :joints].copy(), "visible": visible, "landmarks": places, "face": face}


def write_set(folder: Path, tracks: dict[str, np.ndarray] | None = None, names: tuple[str, ...] = ("a", "b")) -> Path:
    """Clips of one class, as arrays, with a file of tracks each."""
    for name in names:
        (folder / "class").mkdir(parents=True, exist_ok=True)
        (folder / "structures" / "class").mkdir(parents=True, exist_ok=True)
        np.save(folder / "class" / f"{name}.npy", spot_clip())
        np.savez(folder / "structures" / "class" / f"{name}.npz", **(spot_tracks() if tracks is None else tracks))
    return folder


def brightest(frame: np.ndarray) -> np.ndarray:
    """x and y of the centre of what is bright, in pixels."""
    rows, columns = np.nonzero(frame[..., 0] > 127)
    return np.array([columns.mean(), rows.mean()]) + 0.5


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch", "face"])
@pytest.mark.parametrize("size", [16, 64])
def test_places_stay_on_what_they_mark(tmp_path: Path, fit: str, size: int) -> None:
    spread = {track: values for track, values in spot_tracks().items() if track != "face"}
    spread["landmarks"][:, 17:] += np.linspace(-12, 12, 51)[:, None]  # a face of some size
    clips = open_clips(write_set(tmp_path, spread), size=size, fit=fit, tracks=("joints", "landmarks"))
    assert list(clips.tracks) == ["joints", "visible", "landmarks"]
    assert clips.skeleton == "penn13"
    for number in range(2):
        for time, frame in enumerate(clips[number].frames):
            for track in ("joints", "landmarks"):
                np.testing.assert_allclose(clips.tracks[track][number][time, 0], brightest(frame), atol=1)


def test_a_body_is_cut_out_with_one_box_for_all_frames(tmp_path: Path) -> None:
    """A resting point of the background rests, and the body never leaves the frame."""
    tracks = spot_tracks()
    tracks["joints"][:, 1] -= (20, 8)
    tracks["joints"][:, 2] += (20, 8)
    clips = open_clips(write_set(tmp_path, tracks), size=32, fit="body")
    assert list(clips.tracks) == ["joints", "visible"]
    joints, visible = clips.tracks["joints"][0], clips.tracks["visible"][0]
    steps = np.diff(joints[:, 0], axis=0)
    np.testing.assert_allclose(steps, steps[:1].repeat(FRAMES - 1, axis=0), rtol=1e-4)
    assert (joints[visible > 0] >= 0).all()
    assert (joints[visible > 0] <= 32).all()
    for time, frame in enumerate(clips[0].frames):
        np.testing.assert_allclose(joints[time, 0], brightest(frame), atol=1)


def test_parameters_of_faces_keep_their_scale_and_place(tmp_path: Path) -> None:
    clips = open_clips(write_set(tmp_path), size=80, tracks=["face"])  # the central 40x40 pixels, twice as large
    np.testing.assert_allclose(clips.tracks["face"][0][:, -6], 6)
    np.testing.assert_allclose(clips.tracks["face"][0][0, -2:], [(30 - 12) * 2, 20 * 2])
    with pytest.raises(InputError, match=r"has face parameters, which cannot be stretched"):
        open_clips(tmp_path, size=32, fit="stretch", tracks=["face"])


def test_parameters_of_faces_stand_for_landmarks(tmp_path: Path) -> None:
    assert list(open_clips(write_set(tmp_path), size=16, tracks=["landmarks"]).tracks) == ["face"]


def test_clips_without_tracks_are_what_they_were(tmp_path: Path) -> None:
    """Neither the list of clips nor the key of the cache, and so no cache on disk, changes by files beside them."""
    plain = write_set(tmp_path / "plain")
    listing = detect_layout(plain).listing(plain, 0)
    assert [entry.path for entry in listing.entries] == ["class/a.npy", "class/b.npy"]
    options = Options(16, 3, "crop")
    assert fingerprint(listing, options, "x") == fingerprint(with_structures(listing), options, "x")
    wanted = Options(16, 3, "crop", ("joints",))
    assert fingerprint(with_structures(listing), wanted, "x") != fingerprint(with_structures(listing), options, "x")
    assert not open_clips(plain, size=16).tracks


def test_tracks_are_read_again_when_their_files_change(tmp_path: Path) -> None:
    first = open_clips(write_set(tmp_path), size=16, tracks=["joints"])
    moved = spot_tracks()
    moved["joints"] += 1
    second = open_clips(write_set(tmp_path, moved), size=16, tracks=["joints"])
    assert (second.tracks["joints"][0] > first.tracks["joints"][0]).all()


def test_joints_without_confidence_are_all_seen(tmp_path: Path) -> None:
    clips = open_clips(write_set(tmp_path, {"joints": spot_tracks()["joints"]}), size=16, tracks=["joints"])
    assert clips.tracks["visible"][0].tolist() == np.ones((FRAMES, 13)).tolist()


def test_joints_of_another_order_become_those_of_the_first_clip(tmp_path: Path) -> None:
    write_set(tmp_path)
    np.savez(tmp_path / "structures" / "class" / "b.npz", **spot_tracks(joints=18))
    clips = open_clips(tmp_path, size=16, tracks=["joints"])
    assert clips.skeleton == "penn13"
    assert {rows.shape for rows in clips.tracks["joints"]} == {(FRAMES, 13, 2)}
    np.testing.assert_allclose(clips.tracks["joints"][1][:, 1], clips.tracks["joints"][0][:, 1])


def test_maps_are_taken_as_they_are(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).random((FRAMES, 2, 16, 16), np.float32)
    clips = open_clips(write_set(tmp_path, {"maps": maps}), size=16, tracks=["maps"])
    np.testing.assert_array_equal(clips.tracks["maps"][1], maps)
    with pytest.raises(InputError, match=r"has maps of shape 4 x 2 x 16 x 16 \(expected 4 x c x 8 x 8, which are not"):
        open_clips(tmp_path, size=8, tracks=["maps"])


def other(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    return {**spot_tracks(), name: values}


@pytest.mark.parametrize(
    ("tracks", "reason"),
    [
        (other("joints", np.zeros((3, 13, 2))), r"has joints of shape 3 x 13 x 2 \(expected 4 x 13 x 2\)"),
        (other("joints", np.zeros((4, 13))), r"has joints of shape 4 x 13 \(expected"),
        (other("joints", np.full((4, 13, 2), np.nan)), r"has joints that are no numbers \(expected finite"),
        (other("visible", np.zeros((4, 12))), r"has visible of shape 4 x 12 \(expected 4 x 13\)"),
        (other("landmarks", np.zeros((4, 67, 2))), r"has landmarks of shape 4 x 67 x 2 \(expected 4 x 68 x 2\)"),
        (other("landmarks", np.array(["a"])), "is no readable file of arrays"),
        ({"face": np.zeros((4, 9))}, r"has no joints \(expected"),
    ],
)
def test_a_clip_with_bad_tracks_is_set_aside_by_name(
    tmp_path: Path, tracks: dict[str, np.ndarray], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimation, "CAN_BE_FOUND", ())
    write_set(tmp_path)
    np.savez(tmp_path / "structures" / "class" / "b.npz", **tracks)
    wanted = ("joints", "landmarks") if "landmarks" in tracks else ("joints",)
    good = {track: values for track, values in spot_tracks().items() if track != "face"}
    np.savez(tmp_path / "structures" / "class" / "a.npz", **good)
    clips = open_clips(tmp_path, size=16, tracks=wanted)
    assert len(clips) == len(clips.problems) == 1
    assert Path(clips.records[0].path).name == "a.npy"
    with pytest.raises(InputError, match=reason):
        open_clips(tmp_path, size=16, tracks=wanted, strict=True)


def test_a_damaged_file_of_tracks_is_named(tmp_path: Path) -> None:
    write_set(tmp_path, names=("a",))
    (tmp_path / "structures" / "class" / "a.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"structures/class/a\.npz: is no readable file of arrays"):
        open_clips(tmp_path, size=16, tracks=["joints"])


def test_what_lies_nowhere_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path, {"joints": spot_tracks()["joints"]})
    monkeypatch.setattr(estimation, "detector_installed", lambda: False)
    with pytest.raises(InputError, match=r"has no maps \(expected structures/<clip>.npz with an array maps"):
        open_clips(tmp_path, size=16, tracks=["maps"])
    with pytest.raises(InputError, match=r"2 of 2 clips have no landmarks .* mediapipe: pip install"):
        open_clips(tmp_path, size=16, fit="face")
    with pytest.raises(InputError, match=r"tracks limbs: are unknown \(expected some of joints"):
        open_clips(tmp_path, size=16, tracks=["limbs"])
    with pytest.raises(InputError, match=r"sprites: has no joints \(its tracks: none\)"):
        open_clips("sprites", size=16, max_clips=1, tracks=["joints"])


def test_synthetic_people_bring_their_joints() -> None:
    clips = open_clips("stick_people", size=16, max_clips=2, tracks=["joints"])
    assert clips.skeleton == "penn13"
    assert [len(rows) for rows in clips.tracks["joints"]] == clips.lengths.tolist()


class TestEstimation:
    """With a detector in place that finds what the test says."""

    @pytest.fixture
    def opened(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Clips]:
        def opened(found: list[bool], fit: str = "crop") -> Clips:
            def find(frames: object) -> tuple[np.ndarray, np.ndarray]:
                places = spot_tracks()["landmarks"]
                assert np.array_equal(list(frames), spot_clip()), "frames are searched as they are in the file"
                return places, np.array(found, np.float32)

            monkeypatch.setattr(estimation, "detector_installed", lambda: True)
            monkeypatch.setattr(estimation, "find_landmarks", find)
            np.save(tmp_path / "clip.npy", spot_clip())
            return open_clips(tmp_path, size=40, fit=fit, tracks=["landmarks"])

        return opened

    def test_what_does_not_lie_beside_a_clip_is_found(self, opened: Callable[..., Clips]) -> None:
        clips = opened([True, False, False, True])
        expected = spot_tracks()["landmarks"] - [12, 0]
        np.testing.assert_allclose(clips.tracks["landmarks"][0], expected, rtol=1e-5)

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
    @given(height=st.integers(8, 90), width=st.integers(8, 90), size=st.integers(8, 40), data=st.data())
    def test_moving_is_what_fitting_does_to_the_corners(self, height: int, width: int, size: int, data: st.DataObject):
        fit = data.draw(st.sampled_from(["crop", "pad", "stretch"]))
        region = region_of_frame((height, width), fit)
        corners = np.array([[[region.left, region.top], [region.right, region.bottom]]], np.float32)
        moved = move_tracks({"joints": corners}, region, size)["joints"]
        np.testing.assert_allclose(moved, [[[0, 0], [size, size]]], atol=1e-4)
        if fit == "crop":
            frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
            np.testing.assert_array_equal(
                fit_frame(cut_out(frame, region), size, "stretch"), fit_frame(frame, size, fit)
            )

    @given(st.data())
    def test_a_body_has_its_margin_where_there_is_room(self, data: st.DataObject) -> None:
        height, width = data.draw(st.integers(20, 100)), data.draw(st.integers(20, 100))
        places = st.tuples(st.floats(0, width), st.floats(0, height))
        joints = np.array(data.draw(st.lists(places, min_size=4, max_size=4))).reshape(2, 2, 2)
        margin = data.draw(st.integers(0, 20))
        box = region_of_body((height, width), {"joints": joints, "visible": np.ones((2, 2))}, margin)
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
        assert region_of_body((100, 100), {"joints": joints, "visible": visible}, 5) == Box(5, 0, 35, 30)
        boxes = np.array([[40.0, 40.0, 50.0, 60.0], [44.0, 40.0, 60.0, 60.0]])
        assert region_of_body((100, 100), {"joints": joints, "visible": visible, "boxes": boxes}, 5) == Box(
            35, 35, 65, 65
        )
        with pytest.raises(InputError, match="shows no joint"):
            region_of_body((100, 100), {"joints": joints, "visible": np.zeros((1, 3))})

    def test_a_face_is_cut_around_the_landmarks_of_the_first_frame(self) -> None:
        """Side 0.95 of the diagonal of the square around them, 0.08 of their height up; it may leave the frame."""
        landmarks = np.zeros((2, 68, 2))
        landmarks[0, :2] = [[0, 0], [100, 80]]
        landmarks[1] = 7
        box = region_of_face(landmarks)
        assert (box.width, box.height) == (134, 134)
        assert (box.left, box.top) == (-17, -33)

    def test_beyond_the_frame_its_edge_goes_on(self) -> None:
        frame = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
        cut = cut_out(frame, Box(-1, -2, 5, 4))
        np.testing.assert_array_equal(cut, np.pad(frame, ((2, 1), (1, 1), (0, 0)), mode="edge"))
