"""Video files in and out, frame by frame, with their rate, their orientation and their sound."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from jaxtyping import Float

from mutoscope.errors import InputError
from mutoscope.media.encoding import VIDEO_SUFFIXES, Rate, VideoWriter
from mutoscope.media.images import Frame
from mutoscope.media.libav import (
    average_rate,
    display_matrix,
    frame_pixels,
    opened_media,
    stated_duration,
    video_stream,
)
from mutoscope.media.sequences import write_frames, write_npy

__all__ = ["VIDEO_SUFFIXES", "VideoInfo", "VideoWriter", "decode_video", "probe", "write_frames", "write_video"]


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds, as it is shown: `width` and `height` are those after rotation.

    Attributes:
        frames: Number of frames, counted.
        fps: Frames per second, exact; the average where the rate varies, None where the file has no clock.
        width, height: Pixels.
        duration: Seconds, `frames / fps`.
        rotation: Degrees clockwise by which the stored pixels are turned for showing (0, 90, 180 or 270).
        audio: Whether there is sound.
        codec: libav's name of the video codec.
    """

    frames: int
    fps: Fraction | None
    width: int
    height: int
    duration: float | None
    rotation: int
    audio: bool
    codec: str


def probe(path: str | Path) -> VideoInfo:
    """Describes a video file; only its first frame is decoded, the others are counted.

    Raises:
        InputError: the file is missing, empty, not a video, or its first frame cannot be decoded.
    """
    path = Path(path)
    with opened_media(path) as container:
        stream = video_stream(container, path)
        first = next(container.decode(stream), None)
        if first is None:
            raise InputError(f"{path}: holds no readable frame (expected at least one)")
        a, b, _, _ = display_matrix(first)
    with opened_media(path) as container:
        stream = video_stream(container, path)
        fps = average_rate(stream)
        frames = sum(1 for packet in container.demux(stream) if packet.size and not packet.is_discard)
        return VideoInfo(
            frames=frames,
            fps=fps,
            width=stream.width if a else stream.height,
            height=stream.height if a else stream.width,
            duration=float(frames / fps) if fps else None,
            rotation=round(math.degrees(math.atan2(b, a))) % 360,
            audio=bool(container.streams.audio),
            codec=stream.codec_context.name,
        )


def decode_video(path: str | Path, channels: int = 3) -> Iterator[Frame]:
    """Yields the frames of a video file one by one, upright; all frames of a variable rate are kept.

    Frames before a place of damage are yielded; there an `InputError` is raised that counts them. So is one where the
    file ends before the duration that its header states. MPEG-1 states none: such a file just ends where it was cut.

    Raises:
        InputError: the file is missing, empty, not a video, damaged or cut short.
    """
    path = Path(path)
    count, end = 0, 0.0
    with opened_media(path) as container:
        stream = video_stream(container, path)
        duration = stated_duration(stream)
        period = 1 / float(average_rate(stream) or 1)
        try:
            for packet in container.demux(stream):
                for frame in packet.decode():
                    if packet.is_corrupt or frame.is_corrupt:
                        raise InputError(f"{path}: is damaged after {count} readable frames")
                    yield frame_pixels(frame, stream.width, stream.height, channels)
                    count += 1
                    lasts = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else period
                    end = max(end, (frame.time or 0.0) + lasts)
        except av.error.FFmpegError as error:
            raise InputError(f"{path}: is damaged after {count} readable frames ({error.strerror})") from error
        if count == 0:
            raise InputError(f"{path}: holds no readable frame (expected at least one)")
        if duration is not None and end < duration - 1.5 * period:
            raise InputError(f"{path}: is cut short after {count} readable frames ({end:.2f} s of {duration:.2f} s)")


def write_video(
    path: str | Path,
    frames: Iterable[Frame],
    fps: Rate,
    audio: Float[np.ndarray, "n"] | None = None,
) -> Path:
    """Writes frames as they come to a video file (see `VideoWriter`), to an `.npy` array, or to a folder of PNGs.

    Args:
        path: A path without a suffix is a folder; there and in `.npy` neither rate nor sound is kept.
        frames: Frames of one size.
        fps: Frames per second.
        audio: Sound in [-1, 1], 16 kHz mono.

    Raises:
        InputError: as `VideoWriter`, `write_npy` and `write_frames`.
    """
    path = Path(path)
    if not path.suffix:
        return write_frames(path, frames)
    if path.suffix.lower() == ".npy":
        return write_npy(path, frames)
    with VideoWriter(path, fps, audio) as writer:
        for frame in frames:
            writer.write(frame)
    return path
