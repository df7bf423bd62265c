"""Brings frames of any shape, and the tracks of what they show, to one square size."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mutoscope.errors import InputError
from mutoscope.media.subjects import Box, central_square

Fit = Literal["crop", "pad", "stretch"]
"""How a frame becomes square."""

ClipFit = Literal["crop", "pad", "stretch", "body", "face"]
"""How all frames of a clip become square: as a single frame does, or cut to the person they show."""

FITS: tuple[str, ...] = get_args(Fit)
CLIP_FITS: tuple[str, ...] = get_args(ClipFit)
NEEDED_TRACK = {"body": "joints", "face": "landmarks"}
"""What has to be known of a clip to cut it to the person."""

BODY_MARGIN = 0.1  # of the longer side of a body, on every side
FACE_SIDE = 0.95 * 2**0.5  # of the square around the landmarks
FACE_RISE = 0.08  # of the height of the landmarks: how much higher than these the square lies


def centre_crop(frame: UInt8[np.ndarray, "h w c"], height: int, width: int) -> UInt8[np.ndarray, "_ _ c"]:
    """The central `height` x `width` pixels (or as many as there are), a view."""
    top = max(round((frame.shape[0] - height) / 2), 0)
    left = max(round((frame.shape[1] - width) / 2), 0)
    return frame[top : top + height, left : left + width]


def fit_frame(frame: UInt8[np.ndarray, "h w c"], size: int, fit: Fit) -> UInt8[np.ndarray, "{size} {size} c"]:
    """Resizes a frame to `size` x `size` pixels with an antialiased bilinear filter.

    Args:
        fit: "crop" keeps the central square, "pad" adds black bars, "stretch" ignores the aspect ratio.
    """
    height, width, channels = frame.shape
    if fit == "crop":
        frame = centre_crop(frame, min(height, width), min(height, width))
    elif fit == "pad":
        frame = _pad_to_square(frame)
    if frame.shape[:2] == (size, size):
        return frame
    image = Image.fromarray(frame[..., 0] if channels == 1 else frame)
    resized = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    return resized.reshape(size, size, channels)


def cut_out(frame: UInt8[np.ndarray, "h w c"], region: Box) -> UInt8[np.ndarray, "_ _ c"]:
    """The pixels of a region; where it leaves the frame, those of the frame's edge go on."""
    rows = np.arange(region.top, region.bottom).clip(0, frame.shape[0] - 1)
    columns = np.arange(region.left, region.right).clip(0, frame.shape[1] - 1)
    return frame[rows[:, None], columns]


def region_of_frame(shape: Sequence[int], fit: Fit) -> Box:
    """The part of a frame of this height and width that `fit_frame` shows; black bars lie outside the frame."""
    height, width = shape[:2]
    if fit == "crop":
        return central_square(shape)
    if fit == "stretch":
        return Box(0, 0, width, height)
    left, top = -(max(height - width, 0) // 2), -(max(width - height, 0) // 2)
    return Box(left, top, left + max(height, width), top + max(height, width))


def region_of_body(shape: Sequence[int], tracks: Mapping[str, np.ndarray], margin: int | None = None) -> Box:
    """The square around all places where a body is in the course of a clip, one for all its frames.

    It goes around the joints that are seen, or around the boxes of the person if there are some, and has the margin on
    every side. A square that leaves the frame is moved into it; one that is larger than the frame is cut off at the
    frame's borders, as in what was published, and is then no square.

    Args:
        shape: height and width of the frames.
        tracks: "joints" and "visible", or "boxes".
        margin: in pixels; None for a tenth of the longer side.

    Raises:
        InputError: no joint is seen in any frame.
    """
    if "boxes" in tracks:
        corners = tracks["boxes"].reshape(-1, 2, 2)
        low, high = corners[:, 0].min(axis=0), corners[:, 1].max(axis=0)
    else:
        seen = tracks["joints"][tracks["visible"] > 0]
        if not len(seen):
            raise InputError("shows no joint in any frame (expected a body)")
        low, high = seen.min(axis=0), seen.max(axis=0)
    side = float(max(high - low))
    side += 2 * (BODY_MARGIN * side if margin is None else margin)
    x, y = ((low + high) / 2).tolist()
    (left, right), (top, bottom) = _span(x, side, shape[1]), _span(y, side, shape[0])
    return Box(left, top, right, bottom)


def region_of_face(landmarks: np.ndarray) -> Box:
    """The square around a face from its chin to its forehead, one for all frames of a clip; it may leave the frame.

    Args:
        landmarks: "t 68 2"; those of the first frame decide.
    """
    low, high = landmarks[0].min(axis=0), landmarks[0].max(axis=0)
    side = max(round(float(max(high - low)) * FACE_SIDE), 1)
    (x, y), height = ((low + high) / 2).tolist(), float(high[1] - low[1])
    left, top = round(x - side / 2), round(y - FACE_RISE * height - side / 2)
    return Box(left, top, left + side, top + side)


def move_tracks(tracks: Mapping[str, np.ndarray], region: Box, size: int) -> dict[str, np.ndarray]:
    """Tracks in pixels of the frames that `region` of the original ones becomes.

    Finished maps are left as they are. A face's parameters end in scale, three of rotation and two of translation.

    Raises:
        InputError: there are face parameters, and the region is not square.
    """
    corner = np.array([region.left, region.top])
    scale = size / np.array([region.width, region.height])
    moved = dict(tracks)
    for name in moved.keys() & {"joints", "landmarks"}:
        moved[name] = (moved[name] - corner) * scale
    if "face" in moved:
        if region.width != region.height:
            raise InputError("has face parameters, which cannot be stretched (expected another fit)")
        face = moved["face"].copy()
        face[:, -6] *= scale[0]
        face[:, -2:] = (face[:, -2:] - corner) * scale
        moved["face"] = face
    return moved


def _span(middle: float, side: float, length: int) -> tuple[int, int]:
    """`side` pixels around the middle, moved into a length; all of it, where it is shorter."""
    pixels = min(max(round(side), 1), length)
    start = min(max(round(middle - pixels / 2), 0), length - pixels)
    return start, start + pixels


def _pad_to_square(frame: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "side side c"]:
    height, width, _ = frame.shape
    vertical, horizontal = max(width - height, 0), max(height - width, 0)
    bars = ((vertical // 2, vertical - vertical // 2), (horizontal // 2, horizontal - horizontal // 2), (0, 0))
    return np.pad(frame, bars)
