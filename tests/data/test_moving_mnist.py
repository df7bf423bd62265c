import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data import FrameBag, detect_layout, open_clips, split
from mutoscope.data.moving_mnist import (
    MnistDigits,
    MovingMnistArray,
    bounce,
    clip_first,
    read_idx_images,
    render_sequence,
)
from mutoscope.errors import InputError


def write_idx(path: Path, digits: np.ndarray) -> Path:
    content = np.array([0x803, *digits.shape], ">u4").tobytes() + digits.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.fixture
def digits() -> np.ndarray:
    """Three digits: full squares of brightness 100, 150 and 200."""
    return np.stack([np.full((28, 28), value, np.uint8) for value in (100, 150, 200)])


def test_the_published_array_is_read_time_first(tmp_path: Path) -> None:
    array = np.zeros((20, 30, 64, 64), np.uint8)
    array[:] = np.arange(20)[:, None, None, None] + 20 * (np.arange(30) % 8)[None, :, None, None]
    np.save(tmp_path / "mnist_test_seq.npy", array)
    assert detect_layout(tmp_path) is MovingMnistArray
    clips = open_clips(tmp_path, channels=1)
    assert len(FrameBag(clips)) == 600
    np.testing.assert_array_equal(clips[3].frames[..., 0], array[:, 3])
    train, test = split(clips, by="published")
    assert (len(train), len(test)) == (27, 3)
    np.testing.assert_array_equal(test[2].frames[..., 0], array[:, 29])


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((20, 3), (3, 20)), ((3, 20), (3, 20)), ((20, 20), (20, 20)), ((8, 100), (100, 8)), ((100, 8), (100, 8))],
)
def test_which_axis_is_time(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert clip_first(np.zeros((*shape, 8, 8), np.uint8)).shape[:2] == expected


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_digits_stay_inside_and_move_a_tenth_of_the_range(seed: int, limit: int) -> None:
    positions = bounce(limit, np.random.default_rng(seed))
    assert positions.min() >= 0
    assert positions.max() <= limit
    assert np.abs(np.diff(positions, axis=0)).max() <= 0.1 * limit + 1


def test_between_bounces_the_speed_is_constant() -> None:
    positions = bounce(10_000, np.random.default_rng(4))
    inside = ((positions > 0) & (positions < 10_000)).all(axis=1)
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)[inside[1:] & inside[:-1]]
    np.testing.assert_allclose(steps, 1000, atol=2)


def test_digits_overlap_by_maximum(digits: np.ndarray) -> None:
    for seed in range(20):
        sequence = render_sequence(digits, np.random.default_rng(seed))
        assert sequence.shape == (20, 64, 64)
        for frame in sequence:
            brightest = frame.max()
            assert (frame == brightest).sum() >= 28 * 28, "the brighter digit must be whole"
            assert set(np.unique(frame)) <= {0, 100, 150, 200}


@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte", "train-images.idx3-ubyte"])
def test_digits_are_rendered_from_mnist_as_it_is_published(tmp_path: Path, digits: np.ndarray, name: str) -> None:
    path = write_idx(tmp_path / name, digits)
    np.testing.assert_array_equal(read_idx_images(path), digits)
    assert detect_layout(tmp_path) is MnistDigits
    clips = open_clips(tmp_path, channels=1, max_clips=3)
    assert clips.lengths.tolist() == [20, 20, 20]
    again = open_clips(path, channels=1, max_clips=3)
    np.testing.assert_array_equal(clips.pixels, again.pixels)
    assert not np.array_equal(clips.pixels, open_clips(tmp_path, channels=1, max_clips=3, seed=1).pixels)


def test_a_damaged_idx_file_is_one_line(tmp_path: Path, digits: np.ndarray) -> None:
    path = write_idx(tmp_path / "t10k-images-idx3-ubyte", digits)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="is not a whole IDX file"):
        open_clips(tmp_path)
    path.write_bytes(b"\x1f\x8b broken")
    with pytest.raises(InputError, match="cannot be read"):
        open_clips(tmp_path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="is not a whole IDX file"):
        open_clips(tmp_path)


def test_real_digits(real_data: Path) -> None:
    clips = open_clips(real_data / "mnist", channels=1, max_clips=50)
    assert clips.total_frames == 1000
    lit = (clips.pixels > 127).mean()
    assert 0.02 < lit < 0.08, "two digits light a few percent of the canvas"
