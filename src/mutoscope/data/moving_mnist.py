"""Moving MNIST: two handwritten digits that bounce inside 64x64 pixels for 20 frames.

Either the published test set (`mnist_test_seq.npy`, time first) or sequences rendered from MNIST's own digits, as in
N. Srivastava, E. Mansimov and R. Salakhutdinov, "Unsupervised learning of video representations using LSTMs", 2015.
"""

import gzip
import math
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from mutoscope.data.layouts import Entry, Frames, Layout, Listing, visible
from mutoscope.errors import InputError
from mutoscope.media.checks import reading

SEQUENCES, FRAMES, CANVAS, DIGITS = 10_000, 20, 64, 2
STEP = 0.1  # of the range of positions, per frame
TEST_SHARE = 0.1  # of the 10,000 sequences the last 1,000 are held out


class MovingMnistArray(Layout):
    """Grey sequences stacked in one uint8 `.npy`: `(20, n, 64, 64)` as published, or `(n, 20, 64, 64)`."""

    name = "Moving MNIST"
    looks_like = "a uint8 .npy of shape (20, n, 64, 64)"

    @staticmethod
    def matches(path: Path) -> bool:
        file = _array_file(path)
        try:
            return file is not None and _is_stack(np.load(file, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError, EOFError):
            return False

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        file = _array_file(path)
        assert file is not None  # see matches
        sequences = clip_first(np.load(file, mmap_mode="r", allow_pickle=False))
        entries = [
            Entry(f"{file.name}[{i}]", partial(_open_array, sequence), (file,)) for i, sequence in enumerate(sequences)
        ]
        return Listing(file.parent, entries, [])

    @staticmethod
    def held_out(paths: list[Path], subjects: list[str | None]) -> list[bool]:
        trained_on = len(paths) - max(round(len(paths) * TEST_SHARE), 1)
        return [number >= trained_on for number in range(len(paths))]


class MnistDigits(Layout):
    """MNIST's IDX files, plain or gzipped: 10,000 Moving MNIST sequences are rendered from their digits."""

    name = "Moving MNIST, rendered"
    looks_like = "MNIST's *-images-idx3-ubyte[.gz]"

    @staticmethod
    def matches(path: Path) -> bool:
        return _idx_file(path) is not None

    @staticmethod
    def listing(path: Path, seed: int) -> Listing:
        file = _idx_file(path)
        assert file is not None  # see matches
        digits = read_idx_images(file)
        entries = [
            Entry(f"{file.name}[{i}]", partial(_open_rendered, digits, seed, i), (file,)) for i in range(SEQUENCES)
        ]
        return Listing(file.parent, entries, [], recipe=f"moving mnist, seed {seed}")

    held_out = MovingMnistArray.held_out


def clip_first(array: UInt8[np.ndarray, "a b h w"]) -> UInt8[np.ndarray, "n t h w"]:
    """Puts the clip axis of a stack of grey sequences before time: time is the axis of 20, else the shorter one."""
    first, second = array.shape[:2]
    time_first = first == FRAMES or (second != FRAMES and first < second)
    return array.swapaxes(0, 1) if time_first else array


def read_idx_images(path: Path) -> UInt8[np.ndarray, "n h w"]:
    """Reads the images of an IDX file, gzipped or not.

    Raises:
        InputError: it is not an IDX file of 8-bit images, or is cut short.
    """
    with reading(path, "MNIST's idx3-ubyte"):
        content = path.read_bytes()
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    magic, count, height, width = np.frombuffer(content[:16].ljust(16, b"\0"), dtype=">u4").tolist()
    if magic != 0x803 or len(content) != 16 + count * height * width or count == 0:
        raise InputError(f"{path}: is not a whole IDX file of images (expected MNIST's idx3-ubyte)")
    return np.frombuffer(content, dtype=np.uint8, offset=16).reshape(count, height, width)


def render_sequence(
    digits: UInt8[np.ndarray, "n d d"], generator: np.random.Generator
) -> UInt8[np.ndarray, "20 64 64"]:
    """Two random digits that move straight, each at constant speed, bounce at the borders and overlap by maximum."""
    sequence = np.zeros((FRAMES, CANVAS, CANVAS), dtype=np.uint8)
    side = digits.shape[1]
    for _ in range(DIGITS):
        digit = digits[generator.integers(len(digits))]
        for frame, (top, left) in zip(sequence, bounce(CANVAS - side, generator), strict=True):
            window = frame[top : top + side, left : left + side]
            np.maximum(window, digit, out=window)
    return sequence


def bounce(limit: int, generator: np.random.Generator) -> Int[np.ndarray, "20 2"]:
    """Positions (top, left) in `[0, limit]`: a random start and direction, then steps of a tenth of the range."""
    position = generator.random(2)
    angle = generator.random() * 2 * math.pi
    velocity = STEP * np.array([math.sin(angle), math.cos(angle)])
    positions = np.empty((FRAMES, 2))
    for t in range(FRAMES):
        position = position + velocity
        velocity[(position <= 0) | (position >= 1)] *= -1
        position = position.clip(0, 1)
        positions[t] = position
    return (limit * positions).astype(np.int64)


def _array_file(path: Path) -> Path | None:
    if path.is_dir():
        path = path / "mnist_test_seq.npy"
    return path if path.suffix == ".npy" and path.is_file() else None


def _is_stack(array: np.ndarray) -> bool:
    """A 4-D uint8 array whose last axis is not one of colours."""
    return array.ndim == 4 and array.dtype == np.uint8 and array.shape[3] > 4 and 0 not in array.shape


def _idx_file(path: Path) -> Path | None:
    """The first of the IDX image files in a folder (MNIST's `t10k` sorts before its `train`), or the file itself."""
    files = visible(path) if path.is_dir() else [path]
    return next((file for file in files if "images-idx3-ubyte" in file.name.replace(".idx3", "-idx3")), None)


def _open_array(sequence: UInt8[np.ndarray, "t h w"], channels: int) -> tuple[Frames, float | None]:
    return (np.repeat(frame[..., None], channels, axis=2) for frame in sequence), None


def _open_rendered(digits: UInt8[np.ndarray, "n d d"], seed: int, i: int, channels: int) -> tuple[Frames, float | None]:
    return _open_array(render_sequence(digits, np.random.default_rng((seed, i))), channels)
