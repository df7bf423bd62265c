"""From the picture that a user has to what a system gets to see of it, and back."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import PIL.Image
from jaxtyping import Float32, UInt8

from mutoscope.data.fitting import fit_frame
from mutoscope.errors import InputError
from mutoscope.media import subjects
from mutoscope.media.frames import is_picture, natural_order, open_frames
from mutoscope.media.images import as_pillow, read_image, to_channels
from mutoscope.media.subjects import Box, Subject, central_square, square
from mutoscope.media.video import VIDEO_SUFFIXES
from mutoscope.systems.inputs import Frames

Crop = Annotated[
    Literal["auto", "face", "body", "centre", "none"],
    "What moves: the face, the body, the centre, all of it (none), or what of these is found (auto).",
]
Picture = UInt8[np.ndarray, "h w c"]

MARGINS: dict[Subject, float] = {"face": 0.35, "body": 0.15}
"""What is cut out around a subject beside itself, on every side, as a share of its longer side."""
FADE = 1 / 8
"""How far what is pasted back fades into the picture, as a share of its own sides."""
SMALLEST = 8


@dataclass(frozen=True, eq=False)
class Cutout:
    """What a system gets to see of a picture.

    Attributes:
        picture: the whole, uint8.
        box: what is cut out of it.
        what: what that is and why, in words.
        size: height and width of a frame of the system, in pixels.
    """

    picture: Picture
    box: Box
    what: str
    size: int

    @property
    def pixels(self) -> UInt8[np.ndarray, "size size c"]:
        """What is cut out, at the system's size."""
        return self.same_of(self.picture)

    def same_of(self, picture: Picture) -> UInt8[np.ndarray, "size size c"]:
        """The same part of another picture of the same shape."""
        return fit_frame(self.box.of(picture), self.size, "stretch")

    def paste(self, frame: UInt8[np.ndarray, "size size c"]) -> Picture:
        """The whole picture with a frame in the place of what was cut out; inside the picture its border fades.

        What of a box lies outside the picture is left out.
        """
        height, width, channels = self.picture.shape
        enlarged = as_pillow(frame).resize((self.box.width, self.box.height), PIL.Image.Resampling.LANCZOS)
        drawn = np.asarray(enlarged).reshape(self.box.height, self.box.width, channels)
        inside = Box(
            max(self.box.left, 0), max(self.box.top, 0), min(self.box.right, width), min(self.box.bottom, height)
        )
        seen = (
            slice(inside.top - self.box.top, inside.bottom - self.box.top),
            slice(inside.left - self.box.left, inside.right - self.box.left),
        )
        pasted = self.picture.copy()
        part = inside.of(pasted)
        there = part.astype(np.float32)
        mixed = there + self._share[seen] * (drawn[seen] - there)
        part[:] = mixed.round().astype(np.uint8)
        return pasted

    @cached_property
    def _share(self) -> Float32[np.ndarray, "h w 1"]:
        """What the frame's part is in each pixel; where the box ends with the picture there is nothing to fade into."""
        height, width, _ = self.picture.shape
        rows = _fading(self.box.height, self.box.top > 0, self.box.bottom < height)
        columns = _fading(self.box.width, self.box.left > 0, self.box.right < width)
        return (rows[:, None] * columns)[..., None]


def cut_out(source: Frames, crop: Crop, size: int, channels: int) -> Cutout:
    """What of a picture a system gets to see; for "auto" a line on the error stream says what was chosen.

    Args:
        source: As for `read_picture`.
        crop: The square around a "face" or "body" that is found, the "centre", or all of the picture, squeezed into a
            square ("none"). "auto" takes a picture of the right size as it is; of another the face, or the body
            where there is no face or its square is smaller than a frame, or the centre where nobody is
            found or no detector installed.
        size: Height and width of a frame of the system, in pixels.
        channels: 3 for RGB, 1 for grey.

    Raises:
        InputError: there is no such picture, it is too small, nobody was found in it, or no detector is installed.
    """
    cutout = _cut("picture", read_picture(source, channels), crop, size)
    if crop == "auto":
        print(f"picture: {cutout.box.width}×{cutout.box.height} pixels move: {cutout.what}", file=sys.stderr)
    return cutout


def cut_out_all(source: Frames, crop: Crop, size: int, channels: int, most: int) -> list[Cutout]:
    """The same for `most` pictures at most, of any sizes: those in a folder, or in an array `n h w c`; or a single one.

    Of videos in the folder the first frames are taken.

    Raises:
        InputError: as `cut_out`; a picture in a folder is named.
    """
    cutouts = [_cut(name, picture, crop, size) for name, picture in islice(_pictures(source, channels), most)]
    if crop == "auto":
        chosen = "; ".join(f"{count} × {what}" for what, count in Counter(cutout.what for cutout in cutouts).items())
        print(f"pictures: what moves is {chosen}", file=sys.stderr)
    return cutouts


def read_picture(source: Frames, channels: int) -> Picture:
    """One picture at its full resolution: the first frame of whatever has several.

    A picture file is taken whole, also if its shape is that of a strip.

    Raises:
        InputError: nothing readable there, an array that is not uint8 `h w`, `h w c` or `t h w c`, or less than 8 × 8
            pixels.
    """
    return next(read_video(source, channels, whole=True))


def read_video(source: Frames, channels: int, whole: bool = False) -> Iterator[Picture]:
    """Frames at their full resolution, read when they are asked for; with `whole` a picture file is never a strip.

    Raises:
        InputError: as `read_picture`.
    """
    if isinstance(source, np.ndarray):
        frames, name = _of_array(source), "picture"
    elif not os.fspath(source):
        raise InputError("picture: is empty (expected the name of a file)")
    else:
        opened, name = open_frames(Path(source), channels), os.fspath(source)
        frames = iter([read_image(name, channels)] if whole and opened.kind == "strip" else opened)
    for frame in frames:
        height, width = frame.shape[:2]
        if min(height, width) < SMALLEST:
            raise InputError(f"{name}: is {width}×{height} (expected at least {SMALLEST}×{SMALLEST} pixels)")
        yield to_channels(frame, channels)


def _pictures(source: Frames, channels: int) -> Iterator[tuple[str, Picture]]:
    """Pictures and what to call them."""
    if isinstance(source, np.ndarray):
        yield from ((f"picture {i}", frame) for i, frame in enumerate(read_video(source, channels)))
    elif os.fspath(source) and Path(source).is_dir():
        shown = (file for file in Path(source).iterdir() if is_picture(file) or file.suffix.lower() in VIDEO_SUFFIXES)
        files = sorted(shown, key=natural_order)
        if not files:
            raise InputError(f"{source}: holds no pictures (expected a folder of pictures, or of videos that begin so)")
        yield from ((str(file), read_picture(file, channels)) for file in files)
    else:
        yield os.fspath(source), read_picture(source, channels)


def _of_array(array: np.ndarray) -> Iterator[np.ndarray]:
    """The frames of an array `h w`, `h w c` or `t h w c`."""
    is_one = array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (1, 3, 4))
    is_several = array.ndim == 4 and array.shape[-1] in (1, 3, 4) and len(array) > 0
    if array.dtype != np.uint8 or not (is_one or is_several):
        expected = "expected uint8 h w, h w c or t h w c with 1, 3 or 4 channels, and at least one frame"
        raise InputError(f"picture: an array of {array.dtype} {array.shape} ({expected})")
    return iter([array] if is_one else array)


def _cut(name: str, picture: Picture, crop: Crop, size: int) -> Cutout:
    """Cuts out what `crop` asks for."""
    if crop == "auto":
        return Cutout(picture, *_chosen(picture, size), size=size)
    if crop == "none":
        return Cutout(picture, Box(0, 0, picture.shape[1], picture.shape[0]), "all of it", size)
    if crop == "centre":
        return Cutout(picture, central_square(picture.shape), "the centre", size)
    found = _around(picture, crop)
    if found is None:
        raise InputError(f"{name}: no {crop} found (expected one; --crop centre takes the middle)")
    return Cutout(picture, found, f"a {crop}", size)


def _chosen(picture: Picture, size: int) -> tuple[Box, str]:
    """What "auto" cuts out, and what that is."""
    centre = central_square(picture.shape)
    if picture.shape[:2] == (size, size):
        return centre, "all of it, as it has the right size"
    if not subjects.detector_installed():
        return centre, f"the centre, as no detector is installed to find a face ({subjects.INSTALL})"
    face = _around(picture, "face")
    if face is not None and face.width >= size:
        return face, "a face that was found"
    body = _around(picture, "body")
    if body is not None:
        return body, "a body that was found"
    return (face, "a face that was found") if face is not None else (centre, "the centre, as nobody was found")


def _around(picture: Picture, subject: Subject) -> Box | None:
    """The square around a face or body, margin included; None where there is none."""
    found = subjects.find_subject(picture, subject)
    return None if found is None else square(found, MARGINS[subject], picture.shape)


def _fading(length: int, at_start: bool, at_end: bool) -> Float32[np.ndarray, " length"]:
    """1 inside; at ends that fade, smoothly from 0 over `FADE` of the length."""
    share = np.ones(length, np.float32)
    rise = np.clip((np.arange(length, dtype=np.float32) + 0.5) / (length * FADE), 0, 1)
    rise = rise**2 * (3 - 2 * rise)
    if at_start:
        share = np.minimum(share, rise)
    return np.minimum(share, rise[::-1]) if at_end else share
