from pathlib import Path

import numpy as np
import pytest

from mutoscope.errors import InputError
from mutoscope.media.images import read_image
from mutoscope.media.plots import line_plot
from mutoscope.media.sheets import BACKGROUND, contact_sheet, grid, side_by_side


def _cells(count: int, size: int = 8) -> list[np.ndarray]:
    """Flat pictures, each of a grey of its own."""
    return [np.full((size, size, 3), 10 + index, np.uint8) for index in range(count)]


def _greys(sheet: np.ndarray) -> list[int]:
    """The greys of the cells, in reading order."""
    seen = dict.fromkeys(int(r) for r, g, b in sheet.reshape(-1, 3) if r == g == b and 10 <= r < 40)
    return list(seen)


def test_pictures_lie_row_by_row_on_a_light_ground() -> None:
    sheet = grid(_cells(6), columns=3)
    assert _greys(sheet) == [10, 11, 12, 13, 14, 15]
    np.testing.assert_array_equal(sheet[0, 0], BACKGROUND)
    assert sheet.shape[1] > sheet.shape[0]


def test_scale_enlarges_every_pixel() -> None:
    small, large = grid(_cells(1, size=3), 1), grid(_cells(1, size=3), 1, scale=4)
    assert (large == 10).all(axis=2).sum() == 16 * (small == 10).all(axis=2).sum() == 16 * 9


@pytest.mark.parametrize("label", ["jump", "a label much wider than a cell", "λ_rec → 0.5×"])
def test_labels_do_not_cover_pictures(label: str) -> None:
    sheet = grid(_cells(4), 2, row_labels=["a", label], column_labels=[label, "b"], title="All of it")
    for grey in (10, 11, 12, 13):
        assert (sheet == grey).all(axis=2).sum() == 64
    assert sheet.size > grid(_cells(4), 2).size


def test_pictures_of_several_sizes_and_channels_share_a_grid() -> None:
    sheet = grid([np.full((4, 9, 1), 10, np.uint8), np.full((8, 2, 3), 11, np.uint8)], 2)
    assert (sheet == 10).all(axis=2).sum() == 36
    assert (sheet == 11).all(axis=2).sum() == 16


def test_a_missing_label_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"1 row labels \(expected 2"):
        grid(_cells(4), 2, row_labels=["only one"])
    with pytest.raises(ValueError, match="at least one picture"):
        grid([], 2)


def test_a_contact_sheet_shows_first_and_last_frames() -> None:
    long, short = np.stack(_cells(9)), np.stack(_cells(30)[27:])
    assert _greys(contact_sheet([long], frames_per_clip=3)) == [10, 14, 18]
    assert _greys(contact_sheet([long, short], frames_per_clip=5, labels=["long", "short"])) == [
        10,
        12,
        14,
        16,
        18,
        37,
        38,
        39,
    ]


def test_side_by_side_streams_and_rests_on_the_last_frame() -> None:
    drawn = list(side_by_side([iter(_cells(3)), iter(_cells(12)[10:])], ["ours", "real"]))
    assert [_greys(frame) for frame in drawn] == [[10, 20], [11, 21], [12, 21]]
    assert len({frame.shape for frame in drawn}) == 1


def test_side_by_side_names_the_clip_without_frames() -> None:
    with pytest.raises(InputError, match="real: has no frames"):
        list(side_by_side([_cells(2), []], ["ours", "real"]))


def test_a_plot_is_a_picture_and_the_file_is_the_same(tmp_path: Path) -> None:
    x = np.arange(20)
    series = {"ours": (x, x**2, x**2 - 9, x**2 + 9), "theirs": ([0, 10], [5.0, 300.0])}
    picture = line_plot(tmp_path / "a.png", series, title="Error", xlabel="iteration", ylabel="loss")
    assert picture.shape == (600, 960, 3)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture)
    empty = line_plot(None, {}, title="Error", xlabel="iteration", ylabel="loss")
    assert (picture != empty).any(axis=2).sum() > 1000
