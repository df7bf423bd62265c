"""Squares around what a detector finds. The detector itself is tried where it is installed, on real pictures."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data.fitting import fit_frame
from mutoscope.errors import InputError
from mutoscope.media.frames import read_clip
from mutoscope.media.subjects import Box, central_square, detector_installed, find_subject, square

HEIGHT, WIDTH = 60, 100
PICTURE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


def face(score: float, left: float, top: float, width: float, height: float) -> SimpleNamespace:
    """A face as the detector reports it, in shares of the picture."""
    box = SimpleNamespace(xmin=left, ymin=top, width=width, height=height)
    return SimpleNamespace(score=[score], location_data=SimpleNamespace(relative_bounding_box=box))


def body(**joints: tuple[float, float]) -> SimpleNamespace:
    """A pose in which only these joints (`j11` is a shoulder, `j23` a hip) are seen."""
    landmarks = [SimpleNamespace(x=0.0, y=0.0, visibility=0.1) for _ in range(33)]
    for name, (x, y) in joints.items():
        landmarks[int(name[1:])] = SimpleNamespace(x=x, y=y, visibility=0.9)
    return SimpleNamespace(landmark=landmarks)


@pytest.fixture
def detector(monkeypatch):
    """`detector(near=[faces], far=[faces], pose=body)`: puts a detector in place that finds these in any picture."""

    def install(near=(), far=(), pose=None):
        class Found:
            def __init__(self, model_selection=None, **_):
                self.faces = {None: (), 0: near, 1: far}[model_selection]

            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

            def process(self, pixels):
                assert pixels.shape == (HEIGHT, WIDTH, 3)
                return SimpleNamespace(detections=list(self.faces) or None, pose_landmarks=pose)

        names = ("mediapipe", "mediapipe.python", "mediapipe.python.solutions")
        modules = {name: ModuleType(name) for name in names}
        for short, class_name in (("face_detection", "FaceDetection"), ("pose", "Pose")):
            module = ModuleType(f"{names[2]}.{short}")
            setattr(module, class_name, Found)
            setattr(modules[names[2]], short, module)
            modules[module.__name__] = module
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)

    return install


class TestDetector:
    def test_the_most_certain_face_of_both_models_is_taken_in_pixels(self, detector):
        detector(
            near=[face(0.6, 0.0, 0.0, 0.1, 0.1)], far=[face(0.7, 0.5, 0.5, 0.1, 0.1), face(0.9, 0.2, 0.1, 0.3, 0.5)]
        )
        assert find_subject(PICTURE, "face") == Box(20, 6, 51, 37)

    def test_faces_are_cut_off_at_the_edges(self, detector):
        detector(near=[face(0.9, -0.1, 0.8, 0.5, 0.5)])
        assert find_subject(PICTURE, "face") == Box(0, 48, 41, HEIGHT)
        detector(near=[face(0.9, 1.2, 0.2, 0.3, 0.3)])
        assert find_subject(PICTURE, "face") is None

    def test_bodies_span_the_joints_seen(self, detector):
        detector(pose=body(j0=(0.5, 0.1), j11=(0.6, 0.3), j24=(0.4, 0.6), j27=(0.45, 0.95)))
        assert find_subject(PICTURE, "body") == Box(40, 6, 61, 58)

    @pytest.mark.parametrize("seen", [{"j11": (0.5, 0.5)}, {"j23": (0.5, 0.5)}, {"j11": (0.5, 0.5), "j23": (0.5, 1.4)}])
    def test_a_body_has_a_shoulder_and_a_hip_in_the_picture(self, detector, seen):
        detector(pose=body(**seen))
        assert find_subject(PICTURE, "body") is None

    @pytest.mark.parametrize("kind", ["face", "body"])
    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_nobody_is_none_in_pictures_of_any_kind(self, detector, kind, channels):
        detector()
        assert find_subject(np.zeros((HEIGHT, WIDTH, channels), np.uint8), kind) is None

    def test_its_absence_is_told_with_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "mediapipe", None)
        monkeypatch.delitem(sys.modules, "mediapipe.python.solutions", raising=False)
        assert not detector_installed()
        with pytest.raises(InputError, match=r"finding a face needs a detector .*pip install mediapipe==0.10.21"):
            find_subject(PICTURE, "face")

    def test_people_in_real_pictures(self, real_data, capfd):
        """Where it is installed: a portrait has a face in its middle, a street a standing body; nothing is logged."""
        if not detector_installed():
            pytest.skip("mediapipe is not installed")
        videos = real_data / "human_videos"
        portrait, standing = (read_clip(videos / f)[0] for f in ("vox/mona_lisa.png", "taichi/subject1.png"))
        found = find_subject(portrait, "face")
        assert found is not None
        assert 100 < found.width < 200
        assert found.left < 128 < found.right
        assert find_subject(np.full_like(portrait, 128), "face") is None
        found = find_subject(standing, "body")
        assert found is not None
        assert found.height > 2 * found.width
        assert capfd.readouterr().err == ""


class TestSquares:
    @given(st.data())
    def test_they_lie_in_the_picture_and_hold_what_fits(self, data):
        """Unless the picture is too small, the whole box with its margin is inside, and in the middle but at edges."""
        height, width = data.draw(st.tuples(st.integers(8, 200), st.integers(8, 200)))
        left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
        box = Box(left, top, data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height)))
        around = square(box, data.draw(st.floats(0, 1)), (height, width, 3))
        assert around.width == around.height
        assert 0 <= around.left < around.right <= width
        assert 0 <= around.top < around.bottom <= height
        if max(box.width, box.height) <= min(height, width):
            assert around.left <= box.left < box.right <= around.right
            assert around.top <= box.top < box.bottom <= around.bottom

    @pytest.mark.parametrize(
        ("box", "margin", "expected"),
        [
            (Box(40, 20, 60, 30), 0.0, Box(40, 15, 60, 35)),
            (Box(40, 20, 60, 30), 0.5, Box(30, 5, 70, 45)),
            (Box(0, 0, 20, 20), 0.5, Box(0, 0, 40, 40)),
            (Box(90, 50, 100, 60), 0.5, Box(80, 40, 100, 60)),
            (Box(0, 0, 100, 60), 0.5, Box(20, 0, 80, 60)),
        ],
    )
    def test_they_are_moved_and_shrunk_at_the_edges(self, box, margin, expected):
        assert square(box, margin, (HEIGHT, WIDTH)) == expected

    @given(height=st.integers(1, 99), width=st.integers(1, 99))
    def test_the_central_one_is_what_training_crops(self, height, width):
        frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        cropped = central_square(frame.shape).of(frame)
        assert np.array_equal(fit_frame(cropped, 8, "stretch"), fit_frame(frame, 8, "crop"))
