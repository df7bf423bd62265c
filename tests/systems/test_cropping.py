"""From a user's picture to what a system sees of it, and back."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.data.fitting import fit_frame
from mutoscope.errors import InputError
from mutoscope.media import subjects
from mutoscope.media.images import write_image
from mutoscope.media.subjects import Box
from mutoscope.media.video import write_video
from mutoscope.systems.cropping import Cutout, cut_out, cut_out_all, read_picture, read_video

SIZE = 16


def landscape(height: int = 60, width: int = 100) -> np.ndarray:
    """A smooth picture in which every place has its own colour."""
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * y / height, 255 * x / width, 127 + 100 * np.sin(x / 20)], axis=-1).astype(np.uint8)


@pytest.fixture
def detector(monkeypatch):
    """`detector(face=box, body=box)`: a detector that finds these; by default the test has none installed."""
    monkeypatch.setattr(subjects, "detector_installed", lambda: False)

    def install(**found: Box):
        monkeypatch.setattr(subjects, "detector_installed", lambda: True)
        monkeypatch.setattr(subjects, "find_subject", lambda picture, kind: found.get(kind))

    return install


class TestReading:
    @pytest.mark.parametrize("name", ["picture.png", "picture.jpg", "picture.webp", "picture.bmp"])
    @pytest.mark.parametrize("shape", [(30, 50), (30, 50, 1), (30, 50, 3)])
    def test_pictures_of_every_format_and_colour(self, tmp_path, name, shape):
        file = write_image(tmp_path / name, np.full(shape, 90, np.uint8))
        for channels in (1, 3):
            picture = read_picture(file, channels)
            assert picture.shape == (30, 50, channels)
            assert np.abs(picture.astype(int) - 90).max() <= 1

    def test_transparent_pixels_are_black(self, tmp_path):
        pixels = np.full((30, 50, 4), 200, np.uint8)
        pixels[:10, :, 3], pixels[10:, :, 3] = 0, 255
        for source in (write_image(tmp_path / "alpha.png", pixels), pixels):
            picture = read_picture(source, 3)
            assert (picture[:10] == 0).all()
            assert (picture[10:] == 200).all()

    def test_the_first_frame_of_what_has_several(self, tmp_path):
        clip = np.stack([np.full((32, 32, 3), 40 * i, np.uint8) for i in range(1, 5)])
        np.save(tmp_path / "clip.npy", clip)
        write_video(tmp_path / "clip.mp4", clip, 8)
        write_video(tmp_path / "clip.gif", clip, 8)
        write_video(tmp_path / "frames", clip, 8)
        for source in (clip, *(tmp_path / name for name in ("clip.npy", "clip.mp4", "clip.gif", "frames"))):
            assert np.abs(read_picture(source, 3).astype(int) - 40).max() <= 3
            assert len(list(read_video(source, 3))) == 4

    def test_a_wide_picture_is_a_strip_only_where_a_video_is_asked_for(self, tmp_path):
        file = write_image(tmp_path / "wide.png", landscape(30, 90))
        assert read_picture(file, 3).shape == (30, 90, 3)
        assert len(list(read_video(file, 3))) == 3

    @pytest.mark.parametrize(
        "array",
        [
            np.zeros((16, 16, 3)),
            np.full((16, 16, 3), np.nan),
            np.zeros((0, 16, 16, 3), np.uint8),
            np.zeros((16, 16, 5), np.uint8),
            np.zeros(16, np.uint8),
        ],
    )
    def test_arrays_of_another_kind_are_refused(self, array):
        with pytest.raises(InputError, match=r"picture: an array of .* \(expected uint8 h w"):
            read_picture(array, 3)

    def test_what_is_not_a_picture_is_told_by_name(self, tmp_path):
        np.save(tmp_path / "nan.npy", np.full((16, 16, 3), np.nan, np.float32))
        write_image(tmp_path / "small.png", np.zeros((20, 7, 3), np.uint8))
        (tmp_path / "text.png").write_text("not a picture")
        says = {
            "nan.npy": "holds float32 values .expected uint8",
            "small.png": "is 7×20 .expected at least 8×8 pixels",
            "text.png": "is not a picture",
            "none.png": "no such file",
        }
        for name, message in says.items():
            with pytest.raises(InputError, match=f"{name}: {message}"):
                read_picture(tmp_path / name, 3)


class TestCropping:
    @pytest.mark.parametrize(("crop", "fit"), [("centre", "crop"), ("auto", "crop"), ("none", "stretch")])
    def test_without_a_detector_pictures_are_fitted_as_in_training(self, detector, crop, fit):
        assert np.array_equal(cut_out(landscape(), crop, SIZE, 3).pixels, fit_frame(landscape(), SIZE, fit))

    @pytest.mark.parametrize("crop", ["face", "body"])
    def test_a_face_or_body_is_cut_out_with_a_margin(self, detector, crop):
        detector(**{crop: Box(40, 20, 60, 40)})
        box = cut_out(landscape(), crop, SIZE, 3).box
        assert box.width == box.height > 20
        assert (box.left + box.right, box.top + box.bottom) == (100, 60)

    @pytest.mark.parametrize("crop", ["face", "body"])
    def test_nobody_and_no_detector_are_told(self, monkeypatch, detector, crop):
        detector()
        expected = rf"picture: no {crop} found \(expected one; --crop centre takes the middle\)"
        with pytest.raises(InputError, match=expected):
            cut_out(landscape(), crop, SIZE, 3)
        monkeypatch.undo()
        monkeypatch.setattr(subjects, "detector_installed", lambda: False)
        with pytest.raises(InputError, match=r"needs a detector .*pip install mediapipe"):
            cut_out(landscape(), crop, SIZE, 3)

    @pytest.mark.parametrize(
        ("found", "what", "side"),
        [
            ({"face": Box(40, 20, 60, 40), "body": Box(30, 10, 70, 60)}, "a face that was found", 34),
            ({"face": Box(40, 20, 46, 26), "body": Box(30, 10, 70, 50)}, "a body that was found", 52),
            ({"face": Box(40, 20, 46, 26)}, "a face that was found", 10),
            ({"body": Box(30, 10, 70, 50)}, "a body that was found", 52),
            ({}, "the centre, as nobody was found", 60),
        ],
    )
    def test_auto_takes_a_face_or_a_body_or_the_centre_and_says_so(self, detector, capsys, found, what, side):
        """A face smaller than a frame of the system is left for the body."""
        detector(**found)
        assert cut_out(landscape(), "auto", SIZE, 3).box.width == side
        assert capsys.readouterr().err == f"picture: {side}×{side} pixels move: {what}\n"

    def test_auto_says_that_there_is_no_detector(self, detector, capsys):
        cut_out(landscape(), "auto", SIZE, 3)
        said = capsys.readouterr().err
        assert "the centre, as no detector is installed to find a face (pip install mediapipe==0.10.21)" in said
        assert said.count("\n") == 1

    def test_auto_leaves_pictures_of_the_right_size_alone(self, detector):
        detector(face=Box(2, 2, 6, 6))
        picture = landscape(SIZE, SIZE)
        assert np.array_equal(cut_out(picture, "auto", SIZE, 3).pixels, picture)


class TestFolders:
    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        """Three pictures of different sizes, and a file that is none."""
        for i, size in ((10, 20), (2, 30), (1, 40)):
            write_image(tmp_path / f"p{i}.png", np.full((size, size + 3, 3), 10 * i, np.uint8))
        (tmp_path / "notes.txt").write_text("not a picture")
        return tmp_path

    def test_pictures_of_any_sizes_come_in_natural_order(self, folder, detector):
        cutouts = cut_out_all(folder, "centre", SIZE, 3, most=64)
        assert [int(cutout.pixels[0, 0, 0]) for cutout in cutouts] == [10, 20, 100]
        assert len(cut_out_all(folder, "centre", SIZE, 3, most=2)) == 2

    def test_one_picture_and_arrays_do_as_well(self, folder):
        assert len(cut_out_all(folder / "p1.png", "centre", SIZE, 3, most=5)) == 1
        assert len(cut_out_all(np.zeros((3, 20, 20, 3), np.uint8), "centre", SIZE, 3, most=5)) == 3

    def test_one_line_says_what_was_chosen(self, folder, detector, capsys):
        detector()
        cut_out_all(folder, "auto", 20, 3, most=5)
        assert capsys.readouterr().err == "pictures: what moves is 3 × the centre, as nobody was found\n"

    def test_the_bad_picture_is_named(self, folder, detector, tmp_path):
        detector()
        with pytest.raises(InputError, match=r"p1.png: no face found"):
            cut_out_all(folder, "face", SIZE, 3, most=5)
        (folder / "p0.png").write_text("not a picture")
        with pytest.raises(InputError, match=r"p0.png: is not a picture"):
            cut_out_all(folder, "centre", SIZE, 3, most=5)
        (folder / "empty").mkdir()
        with pytest.raises(InputError, match="empty: holds no pictures"):
            cut_out_all(folder / "empty", "centre", SIZE, 3, most=5)


class TestPasting:
    @given(left=st.integers(0, 40), top=st.integers(0, 20), side=st.integers(8, 40), channels=st.sampled_from([1, 3]))
    def test_what_was_not_moved_comes_back(self, left, top, side, channels):
        """Outside the box exactly, inside up to what resizing loses, without a seam."""
        picture = landscape()[..., :channels]
        box = Box(left, top, left + side, top + side)
        cutout = Cutout(picture, box, "", SIZE)
        pasted = cutout.paste(cutout.pixels)
        assert pasted.shape == picture.shape
        outside = np.ones(picture.shape[:2], bool)
        outside[box.top : box.bottom, box.left : box.right] = False
        assert np.array_equal(pasted[outside], picture[outside])
        assert np.abs(pasted.astype(int) - picture).max() <= 12

    def test_another_frame_is_all_there_in_the_middle_and_fades_at_the_border(self):
        picture = np.zeros((80, 80, 3), np.uint8)
        pasted = Cutout(picture, Box(20, 20, 60, 60), "", SIZE).paste(np.full((SIZE, SIZE, 3), 200, np.uint8))
        line = pasted[40, :, 0].astype(int)
        assert (line[26:54] == 200).all()
        assert (line[:20] == 0).all()
        assert np.abs(np.diff(line)).max() < 70
        assert (np.diff(line[:40]) >= 0).all()

    def test_it_does_not_fade_where_the_picture_ends(self):
        picture = np.zeros((40, 70, 3), np.uint8)
        pasted = Cutout(picture, Box(0, 0, 40, 40), "", SIZE).paste(np.full((SIZE, SIZE, 3), 200, np.uint8))
        assert (pasted[:, :30] == 200).all()
        assert (pasted[:, 39] < 20).all()

    def test_a_squeezed_picture_is_stretched_again(self):
        cutout = cut_out(landscape(), "none", 32, 3)
        assert np.abs(cutout.paste(cutout.pixels).astype(int) - landscape()).max() <= 12


def test_of_videos_in_a_folder_the_first_frames_are_taken(tmp_path: Path) -> None:
    frames = np.stack([np.full((32, 32, 3), level, np.uint8) for level in (40, 200)])
    write_video(tmp_path / "clip.mp4", frames, 8)
    (cutout,) = cut_out_all(tmp_path, "centre", 32, 3, most=5)
    assert abs(int(cutout.pixels.mean()) - 40) <= 3


@pytest.mark.parametrize("read", [lambda: read_picture("", 3), lambda: cut_out_all("", "centre", 32, 3, most=1)])
def test_an_empty_name_is_not_the_current_folder(read) -> None:
    with pytest.raises(InputError, match=r"^picture: is empty"):
        read()
