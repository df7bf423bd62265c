"""Finds the landmarks of a face and the joints of a body in every frame of a clip.

Mediapipe's face mesh and pose network look at each frame by itself. Results are in pixels of the frames, x before y,
however small these are: they are enlarged for the networks, which often miss people who fill a frame and are shown
these with a border.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from mutoscope.geometry.skeletons import SKELETONS, convert
from mutoscope.media.images import to_channels
from mutoscope.media.subjects import HIPS, SHOULDERS, check_detector, quiet

Frames = Iterable[UInt8[np.ndarray, "h w c"]]

SMALLEST_SIDE = 256  # pixels of a frame, for the networks
BORDER = 0.25  # of a frame's height or width, on every side of it
SEEN = 0.5  # least certainty of a face, a body and a joint

# the vertex of the face mesh at each of dlib's landmarks
_JAW = (162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389)
_BROWS = (71, 63, 105, 66, 107, 336, 296, 334, 293, 301)
_NOSE = (168, 197, 5, 4, 75, 97, 2, 326, 305)
_EYES = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87)
_VERTICES = _JAW + _BROWS + _NOSE + _EYES + _LIPS


def find_landmarks(frames: Frames) -> tuple[Float32[np.ndarray, "t 68 2"], Float32[np.ndarray, " t"]]:
    """The 68 landmarks, in dlib's order, of the face in each frame, and 1 where there is one, 0 where there is none.

    Raises:
        InputError: no detector is installed.
    """
    check_detector("landmarks")
    from mediapipe.python.solutions.face_mesh import FaceMesh

    with quiet(), FaceMesh(static_image_mode=True, max_num_faces=1, min_detection_confidence=SEEN) as network:
        found = [_in_pixels(frame, lambda pixels: _mesh(network, pixels)) for frame in frames]
    points = [np.zeros((68, 2)) if mesh is None else mesh[list(_VERTICES), :2] for mesh in found]
    seen = [mesh is not None for mesh in found]
    return np.array(points, np.float32).reshape(-1, 68, 2), np.array(seen, np.float32)


def find_joints(frames: Frames) -> tuple[Float32[np.ndarray, "t 18 2"], Float32[np.ndarray, "t 18"]]:
    """The joints of the body in each frame, in OpenPose's order of 18, and how surely each is seen, 0 to 1.

    A joint that is rather not seen than seen counts 0, as do all joints of a frame without a body: one of which a
    shoulder and a hip are seen.

    Raises:
        InputError: no detector is installed.
    """
    check_detector("joints")
    from mediapipe.python.solutions.pose import Pose

    with quiet(), Pose(static_image_mode=True, min_detection_confidence=SEEN) as network:
        found = [_in_pixels(frame, lambda pixels: _pose(network, pixels)) for frame in frames]
    poses = np.array([np.zeros((33, 3)) if pose is None else pose for pose in found], np.float32).reshape(-1, 33, 3)
    visible = np.where(poses[..., 2] >= SEEN, poses[..., 2], 0).clip(0, 1)
    joints, visible = convert(poses[..., :2], visible, SKELETONS["mediapipe33"], SKELETONS["openpose18"])
    return joints.astype(np.float32), visible.astype(np.float32)


def _in_pixels(frame: UInt8[np.ndarray, "h w c"], find: Callable[[np.ndarray], np.ndarray | None]) -> np.ndarray | None:
    """What is found in a frame, with x and y, which come first, in its pixels instead of as shares of what was seen."""
    pixels = to_channels(frame, 3)
    height, width, _ = pixels.shape
    times = -(-SMALLEST_SIDE // min(height, width))
    if times > 1:
        enlarged = Image.fromarray(pixels).resize((width * times, height * times), Image.Resampling.BICUBIC)
        pixels = np.asarray(enlarged)
    # small pictures are mostly cut to the person; a border in others makes the person smaller than need be
    for share in (BORDER, 0) if times > 1 else (0, BORDER):
        borders = [round(share * side) for side in pixels.shape[:2]]
        surrounded = np.pad(pixels, [(border, border) for border in borders] + [(0, 0)], mode="edge")
        points = find(np.ascontiguousarray(surrounded))
        if points is not None:
            points[:, :2] = (points[:, :2] * surrounded.shape[1::-1] - borders[::-1]) / times
            return points
    return None


def _mesh(network: Any, pixels: np.ndarray) -> np.ndarray | None:
    faces = network.process(pixels).multi_face_landmarks
    return np.array([(point.x, point.y) for point in faces[0].landmark]) if faces else None


def _pose(network: Any, pixels: np.ndarray) -> np.ndarray | None:
    pose = network.process(pixels).pose_landmarks
    joints = np.array([(joint.x, joint.y, joint.visibility) for joint in pose.landmark] if pose else np.zeros((33, 3)))
    is_body = all((joints[list(pair), 2] >= SEEN).any() for pair in (SHOULDERS, HIPS))
    return joints if is_body else None
