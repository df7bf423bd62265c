"""The one way to get frames from anything: video, animation, folder of pictures, strip, `.npy` array or picture."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
import PIL.Image
import PIL.ImageSequence
from jaxtyping import UInt8

from mutoscope.errors import InputError
from mutoscope.media.checks import check_size, existing_file, reading
from mutoscope.media.images import IMAGE_SUFFIXES, Frame, opened_image, read_image, to_channels, upright_pixels

Kind = Literal["video", "animation", "folder", "strip", "npy", "image"]

_DEFAULT_DELAY = 100  # milliseconds: what browsers show a frame for that states no time


@dataclass(frozen=True)
class FrameSource:
    """Frames that are read when they are asked for; iterating again starts again.

    Iterating raises `InputError` at the place where a file turns out to be damaged.

    Attributes:
        path: The file or folder.
        kind: What it is.
        fps: Frames per second, None where the source has no clock.
        height, width: Size of every frame in pixels, as shown (after rotation).
        frame_count: Number of frames; for a video what its header states, None where that is silent.
    """

    path: Path
    kind: Kind
    fps: float | None
    height: int
    width: int
    frame_count: int | None
    _read: Callable[[], Iterator[Frame]] = field(repr=False, compare=False)

    def __iter__(self) -> Iterator[Frame]:
        return self._read()


def open_frames(path: str | Path, channels: int = 3) -> FrameSource:
    """Opens whatever holds frames; what it is, is found out from the file.

    Args:
        path: A video file, a GIF, animated PNG or WebP, a folder of pictures (one clip, in natural order), a horizontal
            strip (a picture whose width is a multiple, two or more, of its height), a uint8 `.npy` array (`t h w` or
            `t h w c`), or a single picture.
        channels: 3 for RGB or 1 for luma; grey is replicated, alpha composited over black.

    Raises:
        InputError: nothing is there, or it holds no frames, is damaged, or is of another kind.
    """
    path = Path(path)
    if path.is_dir():
        return _open_folder(path, channels)
    existing_file(path)
    if path.suffix.lower() == ".npy":
        return _open_npy(path, channels)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return _open_picture(path, channels)
    return _open_video(path, channels)


def read_clip(path: str | Path, channels: int = 3, max_frames: int | None = None) -> UInt8[np.ndarray, "t h w c"]:
    """Reads all frames, or the first `max_frames`, into one array; `path` and `channels` as for `open_frames`.

    Raises:
        InputError: as `open_frames`, and where the frames turn out to be damaged.
    """
    return np.stack(list(islice(open_frames(path, channels), max_frames)))


def natural_order(path: Path) -> list[str | int]:
    """Sorting key that puts `frame10` after `frame9`."""
    return [int(part) if part.isdigit() else part.lower() for part in re.split(r"(\d+)", path.name)]


def _open_folder(folder: Path, channels: int) -> FrameSource:
    with reading(folder, "a folder of pictures"):
        pictures = sorted(filter(is_picture, folder.iterdir()), key=natural_order)
    if not pictures:
        raise InputError(f"{folder}: holds no pictures (expected a folder of frames such as 000000.png, 000001.png, …)")
    height, width, _ = read_image(pictures[0], channels).shape

    def read() -> Iterator[Frame]:
        for picture in pictures:
            frame = read_image(picture, channels)
            if frame.shape[:2] != (height, width):
                size = f"{frame.shape[1]}×{frame.shape[0]}"
                raise InputError(f"{picture}: is {size} (expected {width}×{height} as {pictures[0].name})")
            yield frame

    return FrameSource(folder, "folder", None, height, width, len(pictures), read)


def is_picture(path: Path) -> bool:
    """Whether `path` is a file with the suffix of a picture; hidden files, which some systems strew about, are not."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def _open_npy(path: Path, channels: int) -> FrameSource:
    with reading(path, "a uint8 array of shape t h w or t h w c"):
        # mapped into memory: numpy then compares the size that the header claims with that of the file
        array = np.lib.format.open_memmap(path, mode="r")
    if array.dtype != np.uint8:
        raise InputError(f"{path}: holds {array.dtype} values (expected uint8, 0 to 255)")
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] not in (1, 3, 4)):
        raise InputError(f"{path}: has shape {array.shape} (expected t h w, or t h w c with 1, 3 or 4 channels)")
    count, height, width = array.shape[:3]
    if count == 0:
        raise InputError(f"{path}: holds no frames (its shape is {array.shape})")
    check_size(path, width, height)
    return FrameSource(
        path, "npy", None, height, width, count, lambda: (to_channels(np.asarray(frame), channels) for frame in array)
    )


def _open_picture(path: Path, channels: int) -> FrameSource:
    with opened_image(path) as image:
        if image.format == "GIF" or getattr(image, "is_animated", False):
            return _open_animation(path, image, channels)
    pixels = read_image(path, channels)
    height, width, _ = pixels.shape
    tiles = width // height
    if tiles < 2 or width % height:
        return FrameSource(path, "image", None, height, width, 1, lambda: iter([pixels]))
    return FrameSource(path, "strip", None, height, height, tiles, lambda: iter(np.split(pixels, tiles, axis=1)))


def _open_animation(path: Path, image: PIL.Image.Image, channels: int) -> FrameSource:
    delays = []
    for frame in PIL.ImageSequence.Iterator(image):
        frame.load()  # only then does Pillow know how long a WebP frame lasts
        delays.append(frame.info.get("duration") or _DEFAULT_DELAY)
    fps = _likely_rate(len(delays), sum(delays))

    def read() -> Iterator[Frame]:
        with opened_image(path) as opened:
            for frame in PIL.ImageSequence.Iterator(opened):
                yield upright_pixels(frame, channels)

    return FrameSource(path, "animation", fps, image.height, image.width, len(delays), read)


def _likely_rate(frames: int, milliseconds: int | float) -> float:
    """Frames per second: the nearest whole number where that explains the duration, given in hundredths of a second."""
    rate = 1000 * frames / milliseconds
    whole = max(1, round(rate))
    return float(whole) if round(100 * frames / whole) * 10 == round(milliseconds) else rate


def _open_video(path: Path, channels: int) -> FrameSource:
    from mutoscope.media.libav import average_rate, display_matrix, opened_media, video_stream
    from mutoscope.media.video import decode_video

    with opened_media(path) as container:
        stream = video_stream(container, path)
        first = next(container.decode(stream), None)
        if first is None:
            raise InputError(f"{path}: holds no readable frame (expected at least one)")
        rate, count = average_rate(stream), stream.frames or None
        height, width = stream.height, stream.width
        if display_matrix(first)[0] == 0:
            height, width = width, height
    return FrameSource(
        path, "video", float(rate) if rate else None, height, width, count, lambda: decode_video(path, channels)
    )
