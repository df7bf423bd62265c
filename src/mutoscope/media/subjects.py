"""Finds a face or a body in a picture, and the square to cut out around it."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from mutoscope.errors import InputError
from mutoscope.media.images import to_channels

Subject = Literal["face", "body"]

INSTALL = "pip install mediapipe==0.10.21"
"""Later releases no longer carry the models, nor the interface that is used here."""

_SEEN = 0.5  # least certainty of a face, and of a joint
SHOULDERS, HIPS = (11, 12), (23, 24)  # numbers of these joints in mediapipe's poses


@dataclass(frozen=True)
class Box:
    """Pixels of a picture: rows `top` to `bottom` and columns `left` to `right`, the last of each not included."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def of(self, picture: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "_ _ c"]:
        """These pixels of a picture, a view."""
        return picture[self.top : self.bottom, self.left : self.right]


def detector_installed() -> bool:
    """Whether `find_subject` can be asked: mediapipe is there, in a release that it works with."""
    try:
        with quiet():
            from mediapipe.python.solutions import face_detection, pose  # noqa: F401
    except ImportError:
        return False
    return True


def check_detector(wanted: str) -> None:
    """Raises InputError where no detector is installed that could find what is wanted."""
    if not detector_installed():
        raise InputError(f"finding {wanted} needs a detector (expected mediapipe: {INSTALL})")


def find_subject(picture: UInt8[np.ndarray, "h w c"], kind: Subject) -> Box | None:
    """The face or the body that is seen most certainly in a grey, RGB or RGBA picture of any size.

    A face goes from the brows to the chin. A body spans the joints that are seen; a shoulder and a hip must be.

    Returns:
        The smallest box around it, cut off at the picture's edges; None where there is nobody.

    Raises:
        InputError: no detector is installed.
    """
    check_detector(f"a {kind}")
    pixels = to_channels(picture, 3)
    with quiet():
        corners = _face(pixels) if kind == "face" else _body(pixels)
    if corners is None:
        return None
    height, width, _ = pixels.shape
    left, top = (max(0, int(share * size)) for share, size in zip(corners[:2], (width, height), strict=True))
    right, bottom = (min(size, int(share * size) + 1) for share, size in zip(corners[2:], (width, height), strict=True))
    return Box(left, top, right, bottom) if left < right and top < bottom else None


def square(box: Box, margin: float, shape: Sequence[int]) -> Box:
    """The square around a box, moved and, if need be, shrunk to lie in the picture.

    Args:
        box: What it is to contain.
        margin: What it has more on every side, as a share of the box's longer side.
        shape: The picture's height and width in pixels; what follows is ignored.
    """
    height, width = shape[:2]
    side = max(1, min(round(max(box.width, box.height) * (1 + 2 * margin)), height, width))
    left = min(max((box.left + box.right - side) // 2, 0), width - side)
    top = min(max((box.top + box.bottom - side) // 2, 0), height - side)
    return Box(left, top, left + side, top + side)


def central_square(shape: Sequence[int]) -> Box:
    """The largest square in the middle of a picture of this height and width, as `fit_frame` crops it."""
    height, width = shape[:2]
    side = min(height, width)
    left, top = round((width - side) / 2), round((height - side) / 2)
    return Box(left, top, left + side, top + side)


def _face(pixels: UInt8[np.ndarray, "h w 3"]) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom as shares of the picture, by the model for far and the one for near faces."""
    from mediapipe.python.solutions.face_detection import FaceDetection

    found: list[Any] = []
    for model in (1, 0):
        with FaceDetection(min_detection_confidence=_SEEN, model_selection=model) as detector:
            found += detector.process(pixels).detections or []
    if not found:
        return None
    box = max(found, key=lambda face: face.score[0]).location_data.relative_bounding_box
    return box.xmin, box.ymin, box.xmin + box.width, box.ymin + box.height


def _body(pixels: UInt8[np.ndarray, "h w 3"]) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom as shares of the picture."""
    from mediapipe.python.solutions.pose import Pose

    with Pose(static_image_mode=True, min_detection_confidence=_SEEN) as detector:
        pose = detector.process(pixels).pose_landmarks
    if pose is None:
        return None
    seen = {
        number: (joint.x, joint.y)
        for number, joint in enumerate(pose.landmark)
        if joint.visibility > _SEEN and 0 <= joint.x <= 1 and 0 <= joint.y <= 1
    }
    if not all(any(joint in seen for joint in pair) for pair in (SHOULDERS, HIPS)):
        return None
    (left, top), (right, bottom) = np.min([*seen.values()], axis=0), np.max([*seen.values()], axis=0)
    return float(left), float(top), float(right), float(bottom)


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, nothing reaches the error stream: mediapipe's native code logs there and cannot be asked not to."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
