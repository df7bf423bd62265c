import gc
import struct
import weakref
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutoscope.errors import InputError
from mutoscope.media.audio import read_audio
from mutoscope.media.frames import open_frames, read_clip
from mutoscope.media.video import probe, write_video

VIDEO_SUFFIXES = [".mp4", ".mov", ".webm", ".mpg"]
NTSC = Fraction(30000, 1001)


@settings(max_examples=12, deadline=None)
@given(frames=st.integers(1, 40), height=st.integers(1, 50), width=st.integers(1, 50), fps=st.sampled_from([25, NTSC]))
@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_as_many_frames_come_back_at_the_same_rate(
    tmp_path_factory, make_clip, suffix: str, frames: int, height: int, width: int, fps: Fraction
) -> None:
    clip = make_clip(frames, height, width)
    path = write_video(tmp_path_factory.mktemp("videos") / f"clip{suffix}", clip, fps)
    info = probe(path)
    assert (info.frames, info.fps) == (frames, fps)
    read = read_clip(path)
    assert read.shape[1:3] == (info.height, info.width)
    if suffix in (".mp4", ".mov"):  # H.264 adds a column or row to odd sizes
        assert (info.height, info.width) == (height + height % 2, width + width % 2)
    else:
        assert (info.height, info.width) == (height, width)
    assert len(read) == frames
    assert np.abs(read[:, :height, :width].astype(int) - clip).mean() < 12


@settings(max_examples=25, deadline=None)
@given(frames=st.integers(1, 40), height=st.integers(1, 30), width=st.integers(1, 30), fps=st.integers(1, 50))
def test_a_gif_keeps_frames_size_and_rate(tmp_path_factory, make_clip, frames, height, width, fps) -> None:
    clip = make_clip(frames, height, width)
    source = open_frames(write_video(tmp_path_factory.mktemp("gifs") / "clip.gif", clip, fps))
    assert (source.kind, source.frame_count, source.height, source.width) == ("animation", frames, height, width)
    assert frames / source.fps == pytest.approx(frames / fps, abs=0.011)  # about a hundredth of a second
    assert len(list(source)) == frames


def test_a_gif_of_few_colours_keeps_them_even_where_nothing_moves(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (200, 3), dtype=np.uint8)
    picture = colours[np.arange(400).reshape(20, 20) % 200]
    clip = np.stack([picture, picture, picture[::-1], picture])
    assert np.abs(read_clip(write_video(tmp_path / "a.gif", clip, 8)).astype(int) - clip).max() <= 1


@pytest.mark.parametrize("fps", [8, 12.5, 23.976, 29.97, 60, 1 / 3])
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_any_rate_is_kept(tmp_path: Path, make_clip, suffix: str, fps: float) -> None:
    path = write_video(tmp_path / f"a{suffix}", make_clip(9, 16, 16), fps)
    assert open_frames(path).fps == pytest.approx(fps, rel=1e-4)
    assert probe(path).duration == pytest.approx(9 / fps, rel=1e-4)


def test_colours_survive(tmp_path: Path) -> None:
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128], [250, 200, 160]], np.uint8)
    clip = np.broadcast_to(colours[None, None].repeat(16, axis=2), (4, 720, 80, 3))  # high definition, flat stripes
    for suffix in VIDEO_SUFFIXES:
        read = read_clip(write_video(tmp_path / f"a{suffix}", clip, 25))
        assert np.abs(read.astype(int) - clip)[:, :, 8::16].max() <= 6, suffix


def test_grey_frames_and_alpha_are_written(tmp_path: Path) -> None:
    write_video(tmp_path / "grey.mp4", np.full((3, 16, 16, 1), 90, np.uint8), 8)
    assert np.abs(read_clip(tmp_path / "grey.mp4").astype(int) - 90).max() <= 2
    write_video(tmp_path / "alpha.mp4", np.full((3, 16, 16, 4), 128, np.uint8), 8)
    assert np.abs(read_clip(tmp_path / "alpha.mp4", channels=1).astype(int) - 64).max() <= 2


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_sound_is_kept_and_stays_in_time(tmp_path: Path, make_clip, suffix: str) -> None:
    time = np.arange(32_000) / 16_000
    beep = np.where((time > 0.9) & (time < 1.1), 0.5 * np.sin(2 * np.pi * 440 * time), 0).astype(np.float32)
    path = write_video(tmp_path / f"a{suffix}", make_clip(50, 16, 16), 25, audio=beep)
    assert probe(path).audio
    assert probe(path).frames == 50
    heard = read_audio(path)
    assert len(heard) == pytest.approx(len(beep), abs=4000)
    loud = np.flatnonzero(np.abs(heard) > 0.25) / 16_000
    assert loud.min() == pytest.approx(0.9, abs=0.06)
    assert loud.max() == pytest.approx(1.1, abs=0.06)
    assert np.abs(heard).max() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("matrix", "rotation", "turn"),
    [
        ((0, 1, -1, 0), 90, lambda frame: np.rot90(frame, -1)),
        ((-1, 0, 0, -1), 180, lambda frame: np.rot90(frame, 2)),
        ((0, -1, 1, 0), 270, lambda frame: np.rot90(frame, 1)),
        ((-1, 0, 0, 1), None, np.fliplr),
    ],
)
def test_a_phone_video_is_turned_upright(tmp_path: Path, matrix, rotation, turn) -> None:
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[:16, :24] = 255  # top left
    path = write_video(tmp_path / "phone.mp4", [picture] * 3, 10)
    _set_display_matrix(path, matrix)
    info, source, expected = probe(path), open_frames(path), turn(picture)
    assert rotation is None or info.rotation == rotation
    assert (info.height, info.width) == (source.height, source.width) == expected.shape[:2]
    assert np.abs(read_clip(path)[0].astype(int) - expected).mean() < 8


def _set_display_matrix(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Rewrites the matrix in the track header, as a phone does that was held upright."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    data[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def test_the_same_frames_give_the_same_bytes(tmp_path: Path, make_clip) -> None:
    for suffix in [*VIDEO_SUFFIXES, ".gif"]:
        first, second = (write_video(tmp_path / f"{n}{suffix}", make_clip(), 25).read_bytes() for n in "ab")
        assert first == second, suffix


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif", ".npy", ""])
def test_writing_streams(tmp_path: Path, suffix: str) -> None:
    assert _most_alive(lambda frames: write_video(tmp_path / f"long{suffix}", frames, 25)) < 8


def test_reading_streams(tmp_path: Path, make_clip) -> None:
    path = write_video(tmp_path / "a.mp4", make_clip(100, 32, 32), 25)
    alive: list[weakref.ref] = []
    most = 0
    for frame in open_frames(path):
        alive.append(weakref.ref(frame))
        most = max(most, sum(reference() is not None for reference in alive))
    assert len(alive) == 100
    assert most <= 3


def _most_alive(consume) -> int:
    """How many of 150 generated frames were alive at the same time while `consume` went through them."""
    alive: list[weakref.ref] = []
    most = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal most
        for number in range(150):
            frame = np.full((16, 16, 3), number, np.uint8)
            alive.append(weakref.ref(frame))
            yield frame
            del frame
            gc.collect(0)
            most = max(most, sum(reference() is not None for reference in alive))

    consume(frames())
    assert len(alive) == 150
    return most


@pytest.mark.parametrize("suffix", [*VIDEO_SUFFIXES, ".gif"])
def test_a_failure_on_the_way_leaves_nothing_behind(tmp_path: Path, make_clip, suffix: str) -> None:
    def frames() -> Iterator[np.ndarray]:
        yield from make_clip(3)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_video(tmp_path / f"a{suffix}", frames(), 25)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "frames", "fps", "message"),
    [
        ("a.mkv", [(4, 4)], 8, r"not a video format .*\.mp4"),
        ("a.mp4", [], 8, "no frames"),
        ("a.gif", [], 8, "no frames"),
        ("a.mp4", [(4, 4), (4, 6)], 8, r"frame 1 is 6×4 \(expected 4×4 as the first\)"),
        ("a.npy", [(4, 4), (4, 6)], 8, "frame 1"),
        ("a.mp4", [(4, 4)], 0, "expected a positive number"),
        ("a.mp4", [(4, 4)], float("nan"), "expected a positive number"),
        ("a.mpg", [(4, 4)], 8, "MPEG-1 has no 8 frames per second"),
        ("a.gif", [(4, 4)], 60, "at most 50"),
        ("a.mpg", [(2, 5000)], 25, "cannot be encoded"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_line(tmp_path: Path, name, frames, fps, message) -> None:
    with pytest.raises(InputError, match=message) as caught:
        write_video(tmp_path / name, (np.zeros((*size, 3), np.uint8) for size in frames), fps)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_variable_rate_keeps_all_frames_and_gives_the_average(tmp_path: Path, make_clip) -> None:
    times = [0, 1, 2, 10, 11, 30, 31, 32, 40, 49]  # tenths of a second
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"bf": "0"})  # as phones do, no reordering
        stream.width, stream.height = 32, 32
        for time, pixels in zip(times, make_clip(10, 32, 32), strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert len(read_clip(tmp_path / "a.mp4")) == probe(tmp_path / "a.mp4").frames == 10
    assert open_frames(tmp_path / "a.mp4").fps == pytest.approx(
        2, rel=0.2
    )  # how long the last frame lasts is the muxer's guess
