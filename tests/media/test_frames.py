from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mutoscope.errors import InputError
from mutoscope.media.frames import open_frames, read_clip
from mutoscope.media.images import write_image
from mutoscope.media.sequences import write_frames, write_npy, write_strip

clips = st.tuples(st.integers(2, 6), st.integers(1, 12), st.sampled_from([1, 3])).flatmap(
    lambda shape: arrays(np.uint8, (shape[0], shape[1], shape[1], shape[2]))
)


@settings(max_examples=15, deadline=None)
@given(clip=clips)
@pytest.mark.parametrize(
    ("write", "name", "kind"),
    [(write_frames, "folder", "folder"), (write_strip, "strip.png", "strip"), (write_npy, "clip.npy", "npy")],
)
def test_written_frames_are_read_back_bit_for_bit(
    tmp_path_factory, clip: np.ndarray, write, name: str, kind: str
) -> None:
    path = write(tmp_path_factory.mktemp("clips") / name, iter(clip))
    source = open_frames(path, channels=clip.shape[3])
    assert (source.kind, source.frame_count, source.fps) == (kind, len(clip), None)
    assert (source.height, source.width) == clip.shape[1:3]
    np.testing.assert_array_equal(read_clip(path, channels=clip.shape[3]), clip)


def test_a_source_can_be_iterated_again(tmp_path: Path, make_clip) -> None:
    source = open_frames(write_frames(tmp_path / "folder", make_clip(3)))
    np.testing.assert_array_equal(list(source), list(source))


def test_max_frames_reads_the_first_ones(tmp_path: Path, make_clip) -> None:
    path = write_npy(tmp_path / "clip.npy", make_clip(5))
    np.testing.assert_array_equal(read_clip(path, max_frames=2), make_clip(5)[:2])


def test_a_folder_is_read_in_natural_order_and_strangers_are_ignored(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        write_image(tmp_path / f"frame{number}.png", np.full((4, 4, 3), number, np.uint8))
    (tmp_path / "notes.txt").write_text("not a frame")
    (tmp_path / "._frame1.png").write_bytes(b"left by a file browser")
    assert [int(frame[0, 0, 0]) for frame in open_frames(tmp_path)] == [1, 9, 10]


def test_a_picture_that_is_not_a_strip_is_one_frame(tmp_path: Path) -> None:
    source = open_frames(write_image(tmp_path / "a.png", np.zeros((4, 7, 3), np.uint8)))
    assert (source.kind, source.frame_count, source.width) == ("image", 1, 7)
    assert len(list(source)) == 1


def test_an_array_without_channels_is_grey(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, (3, 5, 4), dtype=np.uint8)
    np.save(tmp_path / "grey.npy", array)
    np.testing.assert_array_equal(read_clip(tmp_path / "grey.npy"), array[..., None].repeat(3, axis=3))


@pytest.mark.parametrize("suffix", [".webp", ".png"])
def test_animated_pictures_keep_their_frames_and_rate(tmp_path: Path, make_clip, suffix: str) -> None:
    clip = make_clip(5, 16, 16)
    first, *rest = [PIL.Image.fromarray(frame) for frame in clip]
    first.save(tmp_path / f"a{suffix}", save_all=True, append_images=rest, duration=40, lossless=True)
    source = open_frames(tmp_path / f"a{suffix}")
    assert (source.kind, source.frame_count, source.fps) == ("animation", 5, 25.0)
    np.testing.assert_array_equal(list(source), clip)


def test_frames_of_another_size_are_named(tmp_path: Path) -> None:
    write_image(tmp_path / "0.png", np.zeros((4, 4, 3), np.uint8))
    write_image(tmp_path / "1.png", np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(InputError, match=r"1\.png: is 5×4 \(expected 4×4 as 0\.png\)"):
        read_clip(tmp_path)


def test_a_folder_of_other_files_is_never_replaced(tmp_path: Path, make_clip) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="holds other files"):
        write_frames(tmp_path, make_clip(2))
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_shorter_frames_replace_longer_ones(tmp_path: Path, make_clip) -> None:
    write_frames(tmp_path / "out", make_clip(5))
    write_frames(tmp_path / "out", make_clip(2))
    assert open_frames(tmp_path / "out").frame_count == 2


@pytest.mark.parametrize("write", [write_frames, write_strip, write_npy])
def test_no_frames_leave_nothing_behind(tmp_path: Path, write) -> None:
    with pytest.raises(InputError, match="no frames"):
        write(tmp_path / "clip.png", [])
    assert list(tmp_path.iterdir()) == []
