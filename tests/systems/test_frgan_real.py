"""Real pictures and videos become structure without a hand touching anything; the networks here are untrained."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mutoscope.geometry.face_fitting import fit_landmarks, landmark_error
from mutoscope.geometry.toy_face import EXPRESSION_FIELDS, expression_coefficients, toy_face
from mutoscope.media.frames import read_clip
from mutoscope.media.images import read_image
from mutoscope.media.landmarks import find_landmarks
from mutoscope.media.subjects import detector_installed
from mutoscope.systems.frgan import FRGAN, FRGANConfig

SIZE = 32
OPENPOSE = "openpose/images/001_001"
DLIB = "face_landmarks/images/ZzTpJYDc62E_4_ZzTpJYDc62E_4"
MONA, TALKING = "human_videos/vox/mona_lisa.png", "grid/lbax4n.mpg"
STANDING, TAICHI = "human_videos/taichi/subject1.png", "human_videos/taichi/driving1.mp4"
needs_detector = pytest.mark.skipif(not detector_installed(), reason="mediapipe is not installed")


def untrained(structure: str) -> FRGAN:
    """A narrow system that may forecast."""
    narrow = {"image_size": SIZE, "frames": 4, "ch": 4, "max_ch": 8, "code": 8, "observed": 2, "hidden": 8}
    system = FRGAN(FRGANConfig.from_dict({"structure": structure, "refine": False, **narrow}))
    system.trained[1] = True
    return system.eval()


@pytest.fixture(scope="module")
def bodies() -> FRGAN:
    return untrained("joints")


@pytest.fixture(scope="module")
def faces() -> FRGAN:
    return untrained("face")


@pytest.mark.parametrize("region", ["subject", "none"])
def test_openposes_joints_lie_on_the_body(real_data: Path, bodies: FRGAN, region: str) -> None:
    scene = bodies.scene(real_data / OPENPOSE, None, region)  # type: ignore[arg-type]
    joints, seen = bodies.structure.split(torch.from_numpy(scene.rows))  # type: ignore[attr-defined]
    assert scene.frames.shape == (5, SIZE, SIZE, 3)
    assert bool((seen > 0).all())
    assert bool(((joints >= 0) & (joints <= SIZE)).all())
    names = bodies.structure.skeleton.joints  # type: ignore[attr-defined]
    head, ankle = joints[:, names.index("head")], joints[:, names.index("left ankle")]
    assert bool((head[:, 1] < ankle[:, 1]).all())
    assert bodies.layers(video=real_data / OPENPOSE, region=region).columns == 5  # type: ignore[arg-type]


def test_dlibs_landmarks_become_a_face_that_fills_the_frame(real_data: Path, faces: FRGAN) -> None:
    scene = faces.scene(real_data / DLIB, None, "auto")
    maps = faces.maps_of(scene.rows)
    on_face = (maps != 0).any(1).flatten(1).float().mean(1)
    assert bool((on_face > 0.3).all() and (on_face < 0.9).all())
    assert faces.layers(video=real_data / DLIB).columns == 5


def test_a_whole_picture_has_its_own_size_when_the_face_is_pasted_into_it(real_data: Path, faces: FRGAN) -> None:
    first = sorted((real_data / DLIB).glob("*.jpg"))[0]
    frames = list(faces.drive(video=real_data / DLIB, frames=2, paste=True).frames)
    assert frames[0].shape == read_image(first, 3).shape


@needs_detector
def test_found_landmarks_are_fitted_to_a_fiftieth_of_the_faces_width(real_data: Path) -> None:
    for name, frames in ((MONA, 1), (TALKING, 8)):
        landmarks, seen = find_landmarks(read_clip(real_data / name, max_frames=frames))
        assert seen.all()
        points = torch.from_numpy(landmarks)
        width = float(np.ptp(landmarks[:, :17, 0], axis=1).mean())
        assert float(landmark_error(toy_face(), fit_landmarks(toy_face(), points), points).max()) < 0.025 * width


@needs_detector
def test_a_painting_takes_the_mouth_of_who_talks_and_keeps_her_own_face(real_data: Path, faces: FRGAN) -> None:
    picture = faces.scene_of_picture(real_data / MONA, None, "auto")
    talking = faces.scene(real_data / TALKING, None, "auto", most=32)
    rows = faces.structure.transferred(picture.row, talking.rows, "absolute", head_motion=False)
    model = toy_face()
    target, leader, made = (model.split(torch.from_numpy(x)) for x in (picture.rows, talking.rows, rows))
    torch.testing.assert_close(made.identity, target.identity.expand_as(made.identity))
    torch.testing.assert_close(made.rotation, target.rotation.expand_as(made.rotation))
    opened = expression_coefficients(np.eye(len(EXPRESSION_FIELDS))[EXPRESSION_FIELDS.index("mouth open")])
    direction = torch.from_numpy(opened).float()
    assert float((made.expression @ direction).std()) == pytest.approx(float((leader.expression @ direction).std()))
    assert float((made.expression @ direction).std()) > 0.05


@needs_detector
def test_a_persons_poses_are_moved_onto_the_body_of_another(real_data: Path, bodies: FRGAN) -> None:
    picture = bodies.scene_of_picture(real_data / STANDING, None, "auto")
    driver = bodies.scene(real_data / TAICHI, None, "auto", most=3)
    rows = bodies.structure.transferred(picture.row, driver.rows, "absolute", head_motion=False)
    split = bodies.structure.split  # type: ignore[attr-defined]
    (here, seen), (made, also_seen) = (split(torch.from_numpy(x)[0]) for x in (picture.rows, rows))
    both = (seen > 0) & (also_seen > 0)
    assert int(both.sum()) > 6
    torch.testing.assert_close(made[both].mean(0), here[both].mean(0), atol=0.05, rtol=0)
    assert float((made - here)[both].norm(dim=-1).max()) < SIZE / 6  # both stand upright
