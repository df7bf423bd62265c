"""Brings frames of any shape to one height and width: which part of them is seen, and how it gets there."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image

from mutoscope.errors import InputError
from mutoscope.media.subjects import Box

Fit = Literal["crop", "pad", "stretch"]
"""How a frame gets another aspect ratio."""

ClipFit = Literal["crop", "pad", "stretch", "body", "face"]
"""How all frames of a clip get it: as a single frame does, or cut to the person they show."""

Size: TypeAlias = int | tuple[int, int]
"""The side of a square, or height and width, in pixels."""

FITS: tuple[str, ...] = get_args(Fit)
CLIP_FITS: tuple[str, ...] = get_args(ClipFit)
NEEDED_COLUMN = {"body": "joints", "face": "landmarks"}
"""What has to be known of a clip to cut it to the person."""

BODY_MARGIN = 0.1  # of the longer side of a body, on every side
FACE_SIDE = 0.95 * 2**0.5  # of the square around the landmarks
FACE_RISE = 0.08  # of the height of the landmarks: how much higher than these the square lies


class Move(NamedTuple):
    """A region of frames that is resized to a height and a width.

    Attributes:
        region: of the original frames, in pixels; it may leave them.
        height, width: what it is resized to.
        bars: whether there is black where the region leaves the frame; else the frame's edge goes on.
    """

    region: Box
    height: int
    width: int
    bars: bool = False

    @property
    def corner(self) -> Int[np.ndarray, "2"]:
        """x and y of the region's upper left corner, in pixels of the original frames."""
        return np.array([self.region.left, self.region.top])

    @property
    def scale(self) -> Float[np.ndarray, "2"]:
        """By how much lengths along x and along y grow."""
        return np.array([self.width, self.height]) / np.array([self.region.width, self.region.height])

    @property
    def keeps_shapes(self) -> bool:
        """Whether both grow alike, as far as whole pixels allow."""
        difference = self.region.width * self.height - self.region.height * self.width
        return abs(difference) < max(self.height, self.width)

    def frame(self, frame: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "{self.height} {self.width} c"]:
        """The region of a frame, resized with an antialiased bilinear filter."""
        part = cut_out(frame, self.region, bars=self.bars)
        if part.shape[:2] == (self.height, self.width):
            return part
        image = Image.fromarray(part[..., 0] if part.shape[2] == 1 else part)
        resized = np.asarray(image.resize((self.width, self.height), Image.Resampling.BILINEAR))
        return resized.reshape(self.height, self.width, part.shape[2])


def height_and_width(size: Size) -> tuple[int, int]:
    """Both sides."""
    return (size, size) if isinstance(size, int) else size


def fit_frame(frame: UInt8[np.ndarray, "h w c"], size: Size, fit: Fit) -> UInt8[np.ndarray, "_ _ c"]:
    """A frame in another size; `fit` is as for `move_of_frame`."""
    return move_of_frame(frame.shape, size, fit).frame(frame)


def centre_crop(frame: UInt8[np.ndarray, "h w c"], height: int, width: int) -> UInt8[np.ndarray, "_ _ c"]:
    """The central `height` x `width` pixels (or as many as there are), a view."""
    return _middle(frame.shape, min(height, frame.shape[0]), min(width, frame.shape[1])).of(frame)


def cut_out(frame: np.ndarray, region: Box, *, bars: bool = False) -> np.ndarray:
    """The pixels of a region of a frame ("h w" or "h w c").

    Args:
        bars: whether there are zeros where the region leaves the frame; else the pixels of the frame's edge go on.
    """
    height, width = frame.shape[:2]
    beyond = [(-region.top, region.bottom - height), (-region.left, region.right - width)]
    if all(side <= 0 for sides in beyond for side in sides):
        return frame[region.top : region.bottom, region.left : region.right]
    if bars:
        padded = np.pad(
            frame, [(max(before, 0), max(after, 0)) for before, after in beyond] + [(0, 0)] * (frame.ndim - 2)
        )
        return padded[max(region.top, 0) :, max(region.left, 0) :][: region.height, : region.width]
    rows = np.arange(region.top, region.bottom).clip(0, height - 1)
    columns = np.arange(region.left, region.right).clip(0, width - 1)
    return frame[rows[:, None], columns]


def move_of_frame(shape: Sequence[int], size: Size, fit: Fit) -> Move:
    """What brings frames of this height and width to a size.

    Args:
        shape: height and width in pixels; what follows is ignored.
        fit: "crop" keeps the largest central part of the size's aspect ratio, "pad" adds black bars to that ratio,
            "stretch" ignores it.
    """
    (height, width), (new_height, new_width) = shape[:2], height_and_width(size)
    along_width, along_height = round(height * new_width / new_height), round(width * new_height / new_width)
    if fit == "crop":
        region = _middle(shape, max(min(height, along_height), 1), max(min(width, along_width), 1))
    elif fit == "stretch":
        region = Box(0, 0, width, height)
    else:
        bar_height, bar_width = max(along_height - height, 0), max(along_width - width, 0)
        left, top = -(bar_width // 2), -(bar_height // 2)
        region = Box(left, top, left + width + bar_width, top + height + bar_height)
    return Move(region, new_height, new_width, bars=fit == "pad")


def move_to_body(
    shape: Sequence[int], columns: Mapping[str, np.ndarray], size: Size, margin: int | None = None
) -> Move:
    """What brings frames to all places where a body is in the course of a clip, one part for all its frames.

    The part goes around the joints that are seen, or around the boxes of the person if there are some, has the margin
    on every side, and grows to the aspect ratio of the size. A part that leaves the frame is moved into it; one that is
    larger than the frame is cut off at the frame's borders, as in what was published, and has then another ratio.

    Args:
        shape: height and width of the frames.
        columns: "joints" and "visible", or "boxes".
        margin: in pixels; None for a tenth of the longer side.

    Raises:
        InputError: no joint is seen in any frame.
    """
    if "boxes" in columns:
        corners = columns["boxes"].reshape(-1, 2, 2)
        low, high = corners[:, 0].min(axis=0), corners[:, 1].max(axis=0)
    else:
        seen = columns["joints"][columns["visible"] > 0]
        if not len(seen):
            raise InputError("shows no joint in any frame (expected a body)")
        low, high = seen.min(axis=0), seen.max(axis=0)
    along_x, along_y = (high - low).tolist()
    around = 2 * (BODY_MARGIN * max(along_x, along_y) if margin is None else margin)
    along_x, along_y = along_x + around, along_y + around
    height, width = height_and_width(size)
    x, y = ((low + high) / 2).tolist()
    left, right = _span(x, max(along_x, along_y * (width / height)), shape[1])
    top, bottom = _span(y, max(along_y, along_x * (height / width)), shape[0])
    return Move(Box(left, top, right, bottom), height, width)


def move_to_face(landmarks: Float[np.ndarray, "t 68 2"], size: Size) -> Move:
    """What brings frames to a face from its chin to its forehead, one part for all frames of a clip.

    The part is the square around the face, grown along one side to the aspect ratio of the size. It may leave the
    frame. The landmarks of the first frame decide.
    """
    low, high = landmarks[0].min(axis=0), landmarks[0].max(axis=0)
    side = max(round(float(max(high - low)) * FACE_SIDE), 1)
    new_height, new_width = height_and_width(size)
    shorter = min(new_height, new_width)
    height, width = round(side * new_height / shorter), round(side * new_width / shorter)
    (x, y), rise = ((low + high) / 2).tolist(), FACE_RISE * float(high[1] - low[1])
    left, top = round(x - width / 2), round(y - rise - height / 2)
    return Move(Box(left, top, left + width, top + height), new_height, new_width)


def _middle(shape: Sequence[int], height: int, width: int) -> Box:
    left, top = round((shape[1] - width) / 2), round((shape[0] - height) / 2)
    return Box(left, top, left + width, top + height)


def _span(middle: float, side: float, length: int) -> tuple[int, int]:
    """`side` pixels around the middle, moved into a length; all of it, where it is shorter."""
    pixels = min(max(round(side), 1), length)
    start = min(max(round(middle - pixels / 2), 0), length - pixels)
    return start, start + pixels
