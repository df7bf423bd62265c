"""Landmarks and joints come in pixels of the frames as they are; the networks are tried where they are installed."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from mutoscope.errors import InputError
from mutoscope.geometry.skeletons import SKELETONS
from mutoscope.media.frames import read_clip
from mutoscope.media.landmarks import find_joints, find_landmarks
from mutoscope.media.subjects import detector_installed

HEIGHT, WIDTH, SPOT = 40, 64, 4


def spot(x: int = 24, y: int = 16, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A black frame with a white square, its middle at (x, y)."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[y - SPOT : y + SPOT, x - SPOT : x + SPOT] = 255
    return frame


@pytest.fixture
def detector(monkeypatch):
    """`detector(visibility)`: puts networks in place that find everything at the middle of what is white.

    They do so in pictures whose height is in `heights`, if it is given; returns the shapes of those they were shown.
    """

    def install(visibility=0.9, heights=None):
        shown = []

        class Network:
            def __init__(self, **options):
                assert options["static_image_mode"], "frames are searched one by one"

            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

            def process(self, pixels):
                shown.append(pixels.shape)
                rows, columns = np.nonzero(pixels[..., 0] > 127)
                if not len(rows) or (heights and pixels.shape[0] not in heights):
                    return SimpleNamespace(multi_face_landmarks=None, pose_landmarks=None)
                x, y = (columns.mean() + 0.5) / pixels.shape[1], (rows.mean() + 0.5) / pixels.shape[0]
                point = SimpleNamespace(x=x, y=y, visibility=visibility)
                mesh, pose = ([SimpleNamespace(landmark=[point] * count)] for count in (478, 33))
                return SimpleNamespace(multi_face_landmarks=mesh, pose_landmarks=pose[0])

        names = ("mediapipe", "mediapipe.python", "mediapipe.python.solutions")
        modules = {name: ModuleType(name) for name in names}
        for short, class_name in (("face_mesh", "FaceMesh"), ("pose", "Pose"), ("face_detection", "FaceDetection")):
            module = ModuleType(f"{names[2]}.{short}")
            setattr(module, class_name, Network)
            setattr(modules[names[2]], short, module)
            modules[module.__name__] = module
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        return shown

    return install


@pytest.mark.parametrize(("height", "width"), [(40, 64), (64, 64), (300, 400), (256, 256)])
@pytest.mark.parametrize("find", [find_landmarks, find_joints])
def test_places_are_in_pixels_of_frames_of_any_size(detector, find, height, width):
    detector()
    places, seen = find([spot(24, 16, height, width), spot(30, 20, height, width)])
    assert places.shape == ((2, 68, 2) if find is find_landmarks else (2, 18, 2))
    assert (seen > 0).all()
    np.testing.assert_allclose(places[0], np.full_like(places[0], (24, 16)), atol=0.3)
    np.testing.assert_allclose(places[1], np.full_like(places[1], (30, 20)), atol=0.3)


def test_small_frames_are_enlarged_and_shown_with_a_border(detector):
    shown = detector()
    find_joints([spot()])
    assert shown == [(420, 672, 3)], "seven times as large, and a quarter more on every side"


def test_large_frames_get_a_border_where_nothing_is_found_without(detector):
    shown = detector(heights=[450])
    places, _ = find_joints([spot(100, 60, 300, 400)])
    assert shown == [(300, 400, 3), (450, 600, 3)]
    np.testing.assert_allclose(places[0], np.full((18, 2), (100, 60)), atol=0.3)


@pytest.mark.parametrize("find", [find_landmarks, find_joints])
def test_frames_without_anybody_are_told(detector, find):
    detector()
    _, seen = find([spot(), np.zeros((HEIGHT, WIDTH, 3), np.uint8)])
    assert seen.any(axis=-1).tolist() == ([True, False] if seen.ndim == 2 else True)
    assert (seen[1] == 0).all()
    assert [len(values) for values in find([])] == [0, 0]


def test_joints_that_are_rather_not_seen_make_no_body(detector):
    detector(visibility=0.4)
    _, visible = find_joints([spot()])
    assert (visible == 0).all()


def test_the_absence_of_a_detector_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    monkeypatch.delitem(sys.modules, "mediapipe.python.solutions", raising=False)
    for find, wanted in ((find_landmarks, "landmarks"), (find_joints, "joints")):
        with pytest.raises(InputError, match=rf"finding {wanted} needs a detector .*pip install mediapipe==0.10.21"):
            find([spot()])


def test_people_in_real_videos(real_data, capfd):
    """Where it is installed: eyes above a mouth, a head above feet; nothing is logged."""
    if not detector_installed():
        pytest.skip("mediapipe is not installed")
    portrait, standing = (
        read_clip(real_data / "human_videos" / f) for f in ("vox/mona_lisa.png", "taichi/subject1.png")
    )
    landmarks, found = find_landmarks(portrait)
    assert found.tolist() == [1]
    assert landmarks[0, 36:48, 1].max() < landmarks[0, 48:, 1].min()
    assert landmarks[0, 36, 0] < landmarks[0, 45, 0]
    joints, visible = find_joints(standing)
    order = SKELETONS["openpose18"].joints
    nose, ankle = (order.index(name) for name in ("nose", "left ankle"))
    assert visible[0, [nose, ankle]].min() > 0.5
    assert joints[0, ankle, 1] - joints[0, nose, 1] > 150
    assert capfd.readouterr().err == ""
