from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mutoscope.errors import InputError
from mutoscope.media.images import read_image, to_channels, write_image

pictures = st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3])).flatmap(
    lambda shape: arrays(np.uint8, shape)
)


@settings(max_examples=30, deadline=None)
@given(picture=pictures, suffix=st.sampled_from([".png", ".webp", ".bmp"]))
def test_lossless_formats_are_bit_exact(
    tmp_path_factory: pytest.TempPathFactory, picture: np.ndarray, suffix: str
) -> None:
    path = write_image(tmp_path_factory.mktemp("images") / f"picture{suffix}", picture)
    np.testing.assert_array_equal(read_image(path, channels=picture.shape[2]), picture)


def test_jpeg_is_close(tmp_path: Path, make_clip) -> None:
    picture = make_clip(1)[0]
    assert np.abs(read_image(write_image(tmp_path / "a.jpg", picture)).astype(int) - picture).max() <= 4


def test_grey_is_replicated_and_colour_becomes_luma(tmp_path: Path) -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    np.testing.assert_array_equal(read_image(write_image(tmp_path / "grey.png", grey)), grey.repeat(3, axis=2))
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    expected = np.asarray(PIL.Image.fromarray(colours).convert("L"))[..., None]
    np.testing.assert_array_equal(to_channels(colours, 1), expected)


def test_alpha_is_composited_over_black(tmp_path: Path) -> None:
    picture = np.array([[[200, 100, 50, 255], [200, 100, 50, 128], [200, 100, 50, 0]]], np.uint8)
    read = read_image(write_image(tmp_path / "alpha.png", picture))
    np.testing.assert_array_equal(read, [[[200, 100, 50], [100, 50, 25], [0, 0, 0]]])


def test_transparent_palette_colour_becomes_black(tmp_path: Path) -> None:
    image = PIL.Image.fromarray(np.array([[0, 1]], np.uint8), mode="P")
    image.putpalette([250, 10, 10, 10, 250, 10])
    image.save(tmp_path / "p.png", transparency=0)
    np.testing.assert_array_equal(read_image(tmp_path / "p.png"), [[[0, 0, 0], [10, 250, 10]]])


def test_sixteen_bits_are_scaled(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.array([[0, 257, 32896, 65535]], np.uint16)).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png", channels=1).ravel(), [0, 1, 128, 255])


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[:, 5] = (
        255  # the right edge, which a camera held upright stored sideways (orientation 6: a quarter clockwise)
    )
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.fromarray(picture).save(tmp_path / "phone.png", exif=exif)
    upright = read_image(tmp_path / "phone.png")
    assert upright.shape == (6, 4, 3)
    assert upright[5].min() == 255
    assert upright[:5].max() == 0


def test_an_unknown_suffix_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"picture\.xyz: .*\.png"):
        write_image(tmp_path / "picture.xyz", np.zeros((2, 2, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_channels_other_than_one_or_three_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="expected 1 or 3"):
        to_channels(np.zeros((2, 2, 3), np.uint8), 4)
