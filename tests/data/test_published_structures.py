"""Penn Action, Human3.6M, BU-4DFE, and results of OpenPose and dlib, are read as they are published."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from mutoscope.data import detect_layout, open_clips, split
from mutoscope.data.bu4dfe import Bu4dfe
from mutoscope.data.human36m import Human36m
from mutoscope.data.mug import FORECAST_SUBJECTS, REFINE_SUBJECTS, TEST_SUBJECTS, Mug, frgan_group
from mutoscope.data.penn_action import ACTIONS, PAPER_ACTIONS, PennAction
from mutoscope.data.structure_files import ImagesAndStructures
from mutoscope.errors import InputError
from mutoscope.media.images import write_image
from mutoscope.media.video import write_video

FRAMES, HEIGHT, WIDTH = 3, 48, 64


def write_pictures(folder: Path, names: str = "{:06}", frames: int = FRAMES) -> Path:
    for time in range(1, frames + 1):
        write_image(folder / f"{names.format(time)}.jpg", np.full((HEIGHT, WIDTH, 3), 40 * time, np.uint8))
    return folder


def labels(action: str = "golf_swing", train: int = 1, frames: int = FRAMES, **other: Any) -> dict[str, Any]:
    """What a file of labels of Penn Action holds: joints in a square of 21 pixels, counted from 1."""
    x = np.tile(np.linspace(20, 40, 13), (frames, 1))
    visibility = np.ones((frames, 13))
    visibility[0, 5] = 0
    bbox = np.tile([15.0, 10.0, 44.0, 39.0], (frames, 1))
    return {
        "action": action,
        "x": x,
        "y": x - 5,
        "visibility": visibility,
        "bbox": bbox,
        "nframes": frames,
        "dimensions": [HEIGHT, WIDTH, frames],
        "train": train,
    } | other


def write_penn(root: Path, number: int = 1, **other: Any) -> Path:
    write_pictures(root / "frames" / f"{number:04}")
    (root / "labels").mkdir(exist_ok=True)
    savemat(root / "labels" / f"{number:04}.mat", labels(**other))
    return root


class TestPennAction:
    def test_actions_are_labels_and_each_clip_a_subject(self, tmp_path: Path) -> None:
        for number, (action, train) in enumerate([("squat", 1), ("golf_swing", -1), ("tennis_serve", 1)], start=1):
            write_penn(tmp_path, number, action=action, train=train)
        assert detect_layout(tmp_path) is PennAction
        clips = open_clips(tmp_path, size=16, columns=["joints"])
        assert clips.skeleton == "penn13"
        assert clips.lengths.tolist() == [FRAMES] * 3
        assert clips.column("subject") == ["0001", "0002", "0003"]
        assert [clips.label_names[label] for label in clips.column("label")] == ["squat", "golf_swing", "tennis_serve"]
        assert len(clips.with_labels(PAPER_ACTIONS)) == 2
        train, test = split(clips, by="published")
        assert test.column("subject") == ["0002"]
        assert len(train) == 2

    def test_eight_of_fifteen_actions_are_the_papers(self) -> None:
        assert (len(ACTIONS), len(PAPER_ACTIONS)) == (15, 8)
        assert set(PAPER_ACTIONS) < set(ACTIONS)

    def test_joints_move_with_the_crop_around_the_labelled_box(self, tmp_path: Path) -> None:
        """The box of 30x30 pixels and five more on every side: from (9, 4) to (49, 44)."""
        clips = open_clips(write_penn(tmp_path), size=80, fit="body")
        expected = (np.linspace(20, 40, 13) - 0.5 - 9) * 2
        np.testing.assert_allclose(
            clips.columns["joints"][0], np.stack([expected] * 2, 1)[None].repeat(3, 0), rtol=1e-5
        )
        assert clips.columns["visible"][0][:, 5].tolist() == [0, 1, 1]

    def test_a_plain_crop_needs_no_labels_but_the_action(self, tmp_path: Path) -> None:
        assert list(open_clips(write_penn(tmp_path), size=16).columns) == ["label", "subject"]

    @pytest.mark.parametrize(
        ("other", "reason"),
        [
            ({"action": "chess"}, r"0002\.mat: tells of 'chess' \(expected one of baseball_pitch"),
            ({"x": np.zeros((FRAMES, 12))}, r"0002\.mat: has x of shape 3 x 12 \(expected 3 x 13\)"),
            ({"bbox": np.zeros((2, 4))}, r"0002\.mat: has bbox of shape 2 x 4"),
            ({"y": np.full((FRAMES, 13), np.nan)}, "frames/0002: has joints that are no numbers"),
            ({"frames": 4}, r"frames/0002: has joints of shape 4 x 13 x 2 \(expected 3 x 13 x 2\)"),
            ({"visibility": []}, r"0002\.mat: lacks visibility \(expected action, x, y"),
        ],
    )
    def test_a_clip_with_bad_labels_is_set_aside(self, tmp_path: Path, other: dict[str, Any], reason: str) -> None:
        write_penn(write_penn(tmp_path), 2, **other)
        clips = open_clips(tmp_path, size=16, columns=["joints"])
        assert len(clips) == len(clips.problems) == 1
        with pytest.raises(InputError, match=reason):
            open_clips(tmp_path, size=16, columns=["joints"], strict=True)

    @pytest.mark.parametrize("content", [b"", b"no labels", b"MATLAB 5.0" * 40])
    def test_a_damaged_file_of_labels_is_named(self, tmp_path: Path, content: bytes) -> None:
        write_penn(tmp_path)
        (tmp_path / "labels" / "0001.mat").write_bytes(content)
        with pytest.raises(InputError, match=r"0001\.mat: cannot be read"):
            open_clips(tmp_path, size=16)


class TestHuman36m:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        """Two scenes of three people, ten frames each."""
        for person, scene in [("S1", "Directions 1"), ("S9", "WalkingDog"), ("S11", "_ALL"), ("S11", "Photo 2")]:
            name = f"{scene}.54138969"
            write_video(tmp_path / person / "Videos" / f"{name}.mp4", np.zeros((10, 48, 64, 3), np.uint8), fps=50)
        return tmp_path

    def test_scenes_are_labels_and_people_are_held_out(self, root: Path) -> None:
        assert detect_layout(root) is Human36m
        clips = open_clips(root, size=16)
        told = set(zip(clips.column("subject"), [clips.label_names[i] for i in clips.column("label")], strict=True))
        assert told == {("S1", "Directions"), ("S9", "WalkDog"), ("S11", "Photo")}
        assert clips.lengths.tolist() == [3, 3, 3], "every fourth of ten frames"
        assert {record.fps for record in clips.records} == {12.5}
        train, test = split(clips, by="published")
        assert train.column("subject") == ["S1"]
        assert set(test.column("subject")) == {"S9", "S11"}

    def test_joints_are_read_every_fourth_frame_too(self, root: Path) -> None:
        cdfwrite = pytest.importorskip("cdflib.cdfwrite")
        poses = np.arange(10, dtype=np.float32)[None, :, None] + np.linspace(10, 40, 64, dtype=np.float32)
        for video in root.glob("S*/Videos/*.mp4"):
            file = video.parent.parent / "MyPoseFeatures" / "D2_Positions" / f"{video.stem}.cdf"
            file.parent.mkdir(parents=True, exist_ok=True)
            with cdfwrite.CDF(file) as cdf:
                spec = {"Variable": "Pose", "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": [10, 64]}
                cdf.write_var(spec, var_data=poses)
        clips = open_clips(root, size=48, columns=["joints"])
        assert clips.skeleton == "h36m32"
        np.testing.assert_allclose(clips.columns["joints"][0].reshape(3, 64)[:, 1], poses[0, ::4, 1], rtol=1e-5)
        assert (clips.columns["visible"][0] == 1).all()
        whole = open_clips(root, size=48, fit="body")  # with twenty pixels on every side the body fills the frame
        np.testing.assert_allclose(whole.columns["joints"][0][..., 0], poses[0, ::4, ::2] * 48 / 64, rtol=1e-5)

    def test_a_damaged_file_of_poses_is_named(self, root: Path) -> None:
        pytest.importorskip("cdflib")
        file = root / "S1" / "MyPoseFeatures" / "D2_Positions" / "Directions 1.54138969.cdf"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"no poses")
        with pytest.raises(InputError, match=r"Directions 1\.54138969\.cdf: cannot be read"):
            open_clips(root, size=16, columns=["joints"], max_clips=1)


class TestBu4dfe:
    def test_expressions_are_labels_and_people_subjects(self, tmp_path: Path) -> None:
        for clip in ("F001/Angry", "F001/Surprise", "M012/Happy"):
            write_pictures(tmp_path / clip, "{:03}")
            (tmp_path / clip / "001.wrl").write_text("a scan")
        (tmp_path / "M013" / "Sad").mkdir(parents=True)
        assert detect_layout(tmp_path) is Bu4dfe
        clips = open_clips(tmp_path, size=16)
        told = list(zip(clips.column("subject"), [clips.label_names[i] for i in clips.column("label")], strict=True))
        assert told == [("F001", "Angry"), ("F001", "Surprise"), ("M012", "Happy")]
        assert clips.lengths.tolist() == [FRAMES] * 3


def person(joints: int = 25, height: float = 30) -> dict[str, Any]:
    """A person as OpenPose writes it, whose last joint is not seen."""
    triples = np.ones((joints, 3))
    triples[:, :2] = np.linspace(5, 5 + height, joints)[:, None]
    triples[-1] = 0
    return {"pose_keypoints_2d": triples.ravel().tolist()}


def write_json(folder: Path, content: Any, names: str = "{:06}", frames: int = FRAMES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for time in range(1, frames + 1):
        (folder / f"{names.format(time)}.json").write_text(json.dumps(content))


class TestOpenPoseAndDlib:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        write_pictures(tmp_path / "images" / "a")
        write_json(tmp_path / "poses-openpose" / "a", {"people": [person(height=10), person(), person(height=20)]})
        write_json(tmp_path / "landmarks-dlib68" / "a", [[i, 20 + i % 8] for i in range(68)])
        return tmp_path

    def test_the_largest_person_and_the_face_are_read(self, root: Path) -> None:
        assert detect_layout(root) is ImagesAndStructures
        clips = open_clips(root, size=48, columns=["joints", "landmarks"])
        assert clips.skeleton == "body25"
        assert clips.columns["joints"][0].shape == (FRAMES, 25, 2)
        np.testing.assert_allclose(clips.columns["joints"][0][0, 0], [5.5 - 8, 5.5])
        np.testing.assert_allclose(clips.columns["landmarks"][0][0, 9], [9.5 - 8, 21.5])
        assert clips.columns["visible"][0][:, -1].tolist() == [0] * FRAMES
        assert clips.label_names == []

    def test_files_may_be_named_as_openpose_does(self, root: Path) -> None:
        for file in (root / "poses-openpose" / "a").iterdir():
            file.rename(file.with_name(f"{file.stem}_keypoints.json"))
        assert open_clips(root, size=16, columns=["joints"]).skeleton == "body25"

    def test_eighteen_joints_are_those_of_coco(self, root: Path) -> None:
        write_json(root / "poses-openpose" / "a", {"people": [person(joints=18)]})
        assert open_clips(root, size=16, columns=["joints"]).skeleton == "openpose18"

    def test_frames_without_people_show_no_joints(self, root: Path) -> None:
        (root / "poses-openpose" / "a" / "000002.json").write_text('{"people": []}')
        visible = open_clips(root, size=16, columns=["joints"]).columns["visible"][0]
        assert visible.any(axis=1).tolist() == [True, False, True]

    def test_files_of_a_video_are_taken_in_order(self, tmp_path: Path) -> None:
        write_video(tmp_path / "images" / "walk" / "v.mp4", np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8), fps=10)
        write_json(tmp_path / "poses-openpose" / "walk" / "v", {"people": [person()]}, "v_{:012}_keypoints")
        clips = open_clips(tmp_path, size=16, columns=["joints"])
        assert clips.label_names == ["walk"]
        assert clips.columns["joints"][0].shape == (FRAMES, 25, 2)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ({"people": [person(joints=17)]}, r"000001\.json: has a person of 17 joints \(expected 18 or 25\)"),
            ({"people": []}, r"poses-openpose/a: has nobody in any frame \(expected people\)"),
            ({}, r"000001\.json: is no file of keypoints"),
            ([1, 2], r"000001\.json: is no file of keypoints"),
            ({"people": [{"pose_keypoints_2d": [1, 2]}]}, r"000001\.json: has keypoints that are no rows of 3"),
            (
                {"people": [{"pose_keypoints_2d": [float("nan")] * 75}]},
                r"000001\.json: has keypoints that are no numbers",
            ),
        ],
    )
    def test_bad_poses_are_one_line(self, root: Path, content: Any, reason: str) -> None:
        write_json(root / "poses-openpose" / "a", content)
        with pytest.raises(InputError, match=reason) as caught:
            open_clips(root, size=16, columns=["joints"])
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ([[1, 2]] * 67, r"000001\.json: has 67 landmarks \(expected 68\)"),
            ([["a", 2]] * 68, r"000001\.json: is no file of keypoints"),
            ([[None, 2]] * 68, r"000001\.json: is no file of keypoints"),
            ([1] * 68, r"000001\.json: is no file of keypoints"),
        ],
    )
    def test_bad_landmarks_are_one_line(self, root: Path, content: Any, reason: str) -> None:
        write_json(root / "landmarks-dlib68" / "a", content)
        with pytest.raises(InputError, match=reason):
            open_clips(root, size=16, columns=["landmarks"])

    def test_a_frame_without_a_file_is_named(self, root: Path) -> None:
        (root / "landmarks-dlib68" / "a" / "000002.json").unlink()
        with pytest.raises(InputError, match=r"landmarks-dlib68/a: has no 000002\.json \(expected one for each frame"):
            open_clips(root, size=16, columns=["landmarks"])

    def test_the_published_samples(self, real_data: Path) -> None:
        body = open_clips(real_data / "openpose", size=64, fit="body")
        assert body.skeleton == "body25"
        seen = body.columns["joints"][0][body.columns["visible"][0] > 0]
        assert ((seen >= 0) & (seen <= 64)).all()
        assert np.ptp(seen[:, 1]) > 40, "the body fills the frame"
        face = open_clips(real_data / "face_landmarks", size=64, fit="face")
        assert ((face.columns["landmarks"][0] > 2) & (face.columns["landmarks"][0] < 62)).all()


class TestMug:
    def test_landmarks_may_lie_beside_the_takes(self, tmp_path: Path) -> None:
        write_pictures(tmp_path / "001" / "anger" / "take000", "img_{:04}")
        write_json(tmp_path / "landmarks-dlib68" / "001" / "anger" / "take000", [[1, 2]] * 68, "img_{:04}")
        assert detect_layout(tmp_path) is Mug
        clips = open_clips(tmp_path, size=48, columns=["landmarks"])
        assert len(clips) == 1
        np.testing.assert_allclose(clips.columns["landmarks"][0][0, 0], [1.5 - 8, 2.5])

    def test_the_published_groups_are_disjoint(self) -> None:
        groups = [names.split() for names in (FORECAST_SUBJECTS, REFINE_SUBJECTS, TEST_SUBJECTS)]
        assert [len(group) for group in groups] == [19, 19, 12]
        assert len({name for group in groups for name in group}) == 50
        assert [frgan_group(name) for name in ("001", "006", "028", "002")] == ["forecast", "refine", "test", None]


def test_layouts_of_people_leave_other_folders_alone(tmp_path: Path, write_frames: Callable[..., Path]) -> None:
    for clip in ("frames/0001", "labels/0001", "images/a", "S1/Videos/a", "F001/Anger", "F1/Angry"):
        write_frames(tmp_path / clip)
    for layout in (PennAction, Human36m, Bu4dfe, ImagesAndStructures):
        assert not layout.matches(tmp_path)
