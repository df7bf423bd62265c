"""Writing video files: one codec per suffix, frames encoded as they come."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.container
import av.error
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from jaxtyping import Float, UInt8

from mutoscope.errors import InputError
from mutoscope.files import replacing
from mutoscope.media.audio import SAMPLE_RATE
from mutoscope.media.images import to_channels
from mutoscope.media.palette import Palettes

Rate = int | float | Fraction


@dataclass(frozen=True)
class Format:
    """How files of one suffix are encoded.

    Attributes:
        video, audio: libav's names of the encoders; a format without sound has None.
        audio_rate: Sampling rate of the encoded sound in Hz.
        options: Settings of the video encoder.
        even: Whether width and height must be even.
        container: Settings of the file format.
    """

    video: str
    audio: str | None
    audio_rate: int = SAMPLE_RATE
    options: dict[str, str] = field(default_factory=dict)
    even: bool = False
    container: dict[str, str] = field(default_factory=dict)


_H264 = Format(
    "libx264",
    "aac",
    options={"crf": "17", "preset": "medium", "mbtree": "0"},  # mbtree gives other bytes each time
    even=True,
    container={"movflags": "+faststart"},  # a browser starts to play before it has the whole file
)
_VP9 = {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"}
FORMATS = {
    ".mp4": _H264,
    ".mov": _H264,
    ".webm": Format("libvpx-vp9", "libopus", audio_rate=48_000, options=_VP9),
    ".mpg": Format("mpeg1video", "mp2", audio_rate=44_100, options={"qmin": "2", "qmax": "5", "b": "8000000"}),
    ".gif": Format("gif", None),
}
VIDEO_SUFFIXES = tuple(FORMATS)

_MPEG1_RATES = tuple(Fraction(r) for r in (24, 25, 30, 50, 60)) + tuple(
    Fraction(r, 1001) for r in (24000, 30000, 60000)
)
_GIF_TICK = Fraction(1, 100)
_GIF_MAX_RATE = 50  # viewers show a frame of 0.01 s for 0.1 s


class VideoWriter:
    """Writes frames to a video file one at a time; memory does not grow with the length.

    As many frames are stored as are written, at `fps`. What the formats cannot do:

    - H.264 (`.mp4`, `.mov`) stores even sizes only: an odd width or height gains one column or row, a copy of the last,
      which is still there on reading. The other formats keep odd sizes.
    - GIF counts time in hundredths of a second: each frame is shown from the hundredth nearest to its time (8 frames a
      second alternate 0.12 s and 0.13 s), at most 50 a second. It has no sound: `audio` is left out. Every frame has a
      palette of its own; up to 255 colours are kept to within one level.
    - MPEG-1 (`.mpg`) knows only the broadcast rates from 23.976 to 60.

    The file appears at `path` when the block ends without an exception; otherwise nothing is left behind.

    Args:
        path: Where to write; the suffix (`.mp4`, `.mov`, `.webm`, `.mpg`, `.gif`) chooses the format.
        fps: Frames per second; a float is taken as the nearest fraction with a denominator up to 1001.
        audio: Sound in [-1, 1], 16 kHz mono, stored whole even if it is longer than the pictures.

    Raises:
        InputError: the suffix or the rate cannot be written, no frame was written, the frames differ in size, or the
            file cannot be written.
    """

    def __init__(self, path: str | Path, fps: Rate, audio: Float[np.ndarray, "n"] | None = None) -> None:
        self.path = Path(path)
        suffix = self.path.suffix.lower()
        if suffix not in FORMATS:
            raise InputError(f"{path}: not a video format that can be written (expected {', '.join(FORMATS)})")
        self.format = FORMATS[suffix]
        self.fps = checked_rate(self.path, fps)
        self._samples = audio if self.format.audio else None
        self._pictures: _Pictures | None = None
        self._sound: _Sound | None = None

    def __enter__(self) -> "VideoWriter":
        with ExitStack() as stack:
            stack.enter_context(_encoding_errors(self.path))
            temporary = stack.enter_context(replacing(self.path))
            options = {"fflags": "+bitexact"} | self.format.container  # bitexact: the same frames give the same bytes
            self._container = stack.enter_context(av.open(str(temporary.absolute()), "w", options=options))
            stack.push(self._finish)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *raised: Any) -> bool | None:
        return self._stack.__exit__(*raised)

    def write(self, frame: UInt8[np.ndarray, "h w c"]) -> None:
        """Appends one grey, RGB or RGBA (over black) frame.

        Raises:
            InputError: its size differs from that of the first frame, or the encoder refuses the size.
        """
        with _encoding_errors(self.path):
            if self._pictures is None:
                self._pictures = _Pictures(self._container, self.format, frame.shape[0], frame.shape[1], self.fps)
                if self._samples is not None:
                    self._sound = _Sound(self._container, self.format, self._samples)
            if frame.shape[:2] != self._pictures.size:
                size = "{1}×{0}".format(*frame.shape)
                expected = "{1}×{0} as the first".format(*self._pictures.size)
                raise InputError(f"{self.path}: frame {self._pictures.count} is {size} (expected {expected})")
            self._pictures.encode(to_channels(frame, 3))
            if self._sound is not None:
                self._sound.encode(until=round(self._pictures.count / self.fps * SAMPLE_RATE))

    def _finish(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        if self._pictures is None:
            raise InputError(f"{self.path}: there are no frames to write (expected at least one)")
        self._pictures.finish()
        if self._sound is not None:
            self._sound.finish()


class _Pictures:
    """The video stream of a file: pads, stamps, converts and encodes one RGB frame after another."""

    def __init__(
        self, container: av.container.OutputContainer, format: Format, height: int, width: int, fps: Fraction
    ) -> None:
        self.size = height, width
        self.count = 0
        self._container = container
        self._fps = fps
        odd_rows, odd_columns = (height % 2, width % 2) if format.even else (0, 0)
        self._margin = ((0, odd_rows), (0, odd_columns), (0, 0))
        self._palettes = Palettes(height, width, _GIF_TICK) if format.video == "gif" else None
        self._time_base = _GIF_TICK if self._palettes else 1 / fps

        stream = container.add_stream(format.video, rate=1 / self._time_base, options=format.options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = width + odd_columns, height + odd_rows
        stream.codec_context.time_base = self._time_base
        stream.pix_fmt = "pal8" if self._palettes else "yuv420p"
        if not self._palettes:
            stream.codec_context.colorspace = Colorspace.smpte170m
            stream.codec_context.color_range = ColorRange.MPEG
        self._stream = stream

    def encode(self, pixels: UInt8[np.ndarray, "_ _ 3"]) -> None:
        frame = av.VideoFrame.from_ndarray(np.pad(pixels, self._margin, mode="edge"), format="rgb24")
        frame.time_base = self._time_base
        frame.pts = self._time(self.count)
        if self._palettes:
            self._mux(*self._palettes.applied(frame))
        else:
            self._mux(frame.reformat(format="yuv420p", dst_colorspace="ITU601"))
        self.count += 1

    def finish(self) -> None:
        if self._palettes:
            self._mux(*self._palettes.applied(None))
        self._mux(None)

    def _time(self, index: int) -> int:
        return round(index / self._fps / self._time_base)

    def _mux(self, *frames: av.VideoFrame | None) -> None:
        for frame in frames:
            for packet in self._stream.encode(frame):
                if self._palettes and packet.pts is not None:  # says how long a GIF shows its last frame
                    index = round(packet.pts * self._time_base * self._fps)
                    packet.duration = self._time(index + 1) - packet.pts
                self._container.mux(packet)


class _Sound:
    """The sound stream of a file: encoded up to where the pictures are, so that the muxer need not hold those back."""

    def __init__(
        self, container: av.container.OutputContainer, format: Format, samples: Float[np.ndarray, "n"]
    ) -> None:
        assert format.audio is not None
        stream = container.add_stream(format.audio, rate=format.audio_rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        self._stream = stream
        self._container = container
        self._samples = samples
        self._sent = 0

    def encode(self, until: int) -> None:
        """Encodes the samples up to number `until`."""
        chunk = np.ascontiguousarray(self._samples[self._sent : until], dtype=np.float32)
        if chunk.size:
            frame = av.AudioFrame.from_ndarray(chunk[None], format="fltp", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            frame.pts, frame.time_base = self._sent, Fraction(1, SAMPLE_RATE)
            self._container.mux(self._stream.encode(frame))
            self._sent += chunk.size

    def finish(self) -> None:
        self.encode(until=len(self._samples))
        self._container.mux(self._stream.encode(None))


def checked_rate(path: Path, fps: Rate) -> Fraction:
    """The frame rate as an exact fraction.

    Raises:
        InputError: it is not a positive number, or the format named by the suffix of `path` does not have it.
    """
    suffix = path.suffix.lower()
    if not 0 < fps < 10_000:  # false for NaN too
        raise InputError(f"{path}: cannot be written at {fps} frames per second (expected a positive number)")
    rate = Fraction(fps).limit_denominator(1001)
    if suffix == ".mpg" and rate not in _MPEG1_RATES:
        known = ", ".join(f"{float(r):.5g}" for r in sorted(_MPEG1_RATES))
        raise InputError(f"{path}: MPEG-1 has no {fps:g} frames per second (expected one of {known})")
    if suffix == ".gif" and rate > _GIF_MAX_RATE:
        raise InputError(f"{path}: a GIF cannot show {fps:g} frames per second (expected at most {_GIF_MAX_RATE})")
    return rate


@contextmanager
def _encoding_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except av.error.FFmpegError as error:
        raise InputError(f"{path}: cannot be encoded ({error.strerror})") from error
