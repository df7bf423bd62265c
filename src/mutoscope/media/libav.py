"""Opening video and sound files with libav, safely, and seeing their frames as they were meant to be seen."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.container
import av.stream
import av.video.frame
import numpy as np
from av.sidedata.sidedata import SideData, Type
from jaxtyping import UInt8

from mutoscope.errors import InputError
from mutoscope.media.checks import check_size, existing_file, reading
from mutoscope.media.images import to_channels

EXPECTED = "a video or sound file such as MP4, WebM, MOV, MPEG, AVI or WAV"

# Playlists and scripts (HLS, concat, …) would open other files, and plain text would be drawn as terminal art.
_SAFE_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpeg,mpegvideo,mpegts,avi,flv,asf,ogg,gif,h264,hevc,m4v,ivf,obu,wav,w64,"
    "mp3,aac,flac,aiff,au,caf"
)
_OPTIONS = {"format_whitelist": _SAFE_FORMATS, "protocol_whitelist": "file"}


@contextmanager
def opened_media(path: str | Path) -> Iterator[av.container.InputContainer]:
    """Opens a local video or sound file; what libav raises inside the block becomes an `InputError`."""
    path = existing_file(path)
    with (
        reading(path, EXPECTED),
        av.open(str(path.absolute()), options=_OPTIONS, metadata_errors="replace") as container,
    ):
        yield container


def video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The first moving-picture stream (cover art does not count), its claimed size checked.

    Raises:
        InputError: there is none, or its header claims more than `MAX_PIXELS`.
    """
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            if stream.codec_context is None:
                raise InputError(
                    f"{path}: holds video in a codec that cannot be decoded (expected H.264, VP9, MPEG, …)"
                )
            check_size(path, stream.width, stream.height)
            stream.thread_type = "AUTO"
            return stream
    raise InputError(f"{path}: holds no video (expected a file with a video stream)")


def average_rate(stream: av.VideoStream) -> Fraction | None:
    """Frames per second as an exact fraction; the average if the rate varies, None if the file does not say."""
    rate = stream.average_rate or stream.codec_context.framerate or stream.guessed_rate
    return Fraction(rate) if rate else None


def stated_duration(stream: av.VideoStream) -> float | None:
    """Seconds that the header promises for this stream alone, None where it is silent."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    clock = stream.metadata.get("DURATION", "").split(":")  # Matroska and WebM: 00:00:02.040000000
    return int(clock[0]) * 3600 + int(clock[1]) * 60 + float(clock[2]) if len(clock) == 3 else None


def frame_pixels(frame: av.VideoFrame, width: int, height: int, channels: int) -> UInt8[np.ndarray, "h w c"]:
    """Decoded pixels at the size that the stream states, alpha over black, turned as the display matrix says."""
    has_alpha = any(component.is_alpha for component in frame.format.components)
    pixels = to_channels(
        frame.to_ndarray(format="rgba" if has_alpha else "rgb24", width=width, height=height), channels
    )
    a, b, c, d = display_matrix(frame)
    if a == 0:
        pixels = pixels.swapaxes(0, 1)
    horizontal, vertical = (a or c), (b or d)
    return np.ascontiguousarray(pixels[::vertical, ::horizontal])


def display_matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """The signs (a, b, c, d) of the linear map (x, y) → (a·x + c·y, b·x + d·y) from stored to shown pixels.

    A map that is not a multiple of a quarter turn, with or without mirroring, is ignored: (1, 0, 0, 1).
    """
    for data in cast(Iterable[SideData], frame.side_data):
        if data.type == Type.DISPLAYMATRIX:
            a, b, _, c, d, *_ = np.frombuffer(bytes(data), np.int32, 9).tolist()
            signs = tuple(int(np.sign(value)) for value in (a, b, c, d))
            if signs.count(0) == 2 and abs(signs[0] * signs[3] - signs[1] * signs[2]) == 1:
                return signs  # type: ignore[return-value]
    return 1, 0, 0, 1
