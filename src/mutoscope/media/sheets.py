"""Many pictures in one: labelled grids, contact sheets of clips, clips side by side."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
from jaxtyping import Int, UInt8

from mutoscope.errors import InputError
from mutoscope.media.images import to_channels

AnyFrame = UInt8[np.ndarray, "_h _w _c"]
AnyClip = UInt8[np.ndarray, "_t _h _w _c"]
Canvas = UInt8[np.ndarray, "rows columns 3"]

BACKGROUND = (248, 248, 246)
INK = (45, 45, 48)
_LABEL_SIZES = (10, 16)  # smallest and largest text in pixels; between them an eighth of a cell
_MARGIN = 6


def grid(
    images: Sequence[AnyFrame],
    columns: int,
    *,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
    title: str | None = None,
    padding: int = 2,
    scale: int = 1,
) -> Canvas:
    """Lays pictures out row by row on a light ground.

    Args:
        images: Grey, RGB or RGBA pictures; smaller ones are centred in cells that fit the largest.
        columns: Pictures in a row; the last row may be shorter.
        row_labels: One text a row, drawn on the left.
        column_labels: One text a column, drawn above; turned by a quarter where they are wider than a cell.
        title: A heading.
        padding: Pixels between pictures.
        scale: Whole factor by which every picture is enlarged, pixels staying sharp.

    Returns:
        An RGB picture.

    Raises:
        ValueError: there are no pictures, or not one label a row or column.
    """
    if not images:
        raise ValueError("a grid needs at least one picture")
    rows = -(-len(images) // columns)
    _check_labels("row", row_labels, rows)
    _check_labels("column", column_labels, columns)
    cell_height = scale * max(image.shape[0] for image in images)
    cell_width = scale * max(image.shape[1] for image in images)
    font = _font(int(np.clip(cell_height // 8, *_LABEL_SIZES)))

    left = _labels_width(font, row_labels)
    turned = _text_width(font, column_labels) > cell_width
    header = _labels_width(font, column_labels) if turned else _labels_height(font, column_labels)
    heading = _font(int(font.size) + 3)
    top = (_labels_height(heading, [title]) + _MARGIN if title else 0) + header

    body_width = columns * (cell_width + padding) - padding
    width = max(left + body_width, _text_width(heading, [title]) if title else 0) + 2 * _MARGIN
    height = top + rows * (cell_height + padding) - padding + 2 * _MARGIN
    canvas = PIL.Image.new("RGB", (width, height), BACKGROUND)
    draw = PIL.ImageDraw.Draw(canvas)

    x_of = [_MARGIN + left + column * (cell_width + padding) for column in range(columns)]
    y_of = [_MARGIN + top + row * (cell_height + padding) for row in range(rows)]
    if title:
        draw.text((_MARGIN, _MARGIN), title, INK, heading)
    for y, label in zip(y_of, row_labels or (), strict=False):
        draw.text((_MARGIN + left - _MARGIN, y + cell_height / 2), label, INK, font, anchor="rm")
    for x, label in zip(x_of, column_labels or (), strict=False):
        _draw_column_label(canvas, label, font, x + cell_width // 2, y_of[0] - _MARGIN // 2, turned)
    pixels = np.array(canvas)
    for index, image in enumerate(images):
        enlarged = to_channels(image, 3).repeat(scale, axis=0).repeat(scale, axis=1)
        y = y_of[index // columns] + (cell_height - enlarged.shape[0]) // 2
        x = x_of[index % columns] + (cell_width - enlarged.shape[1]) // 2
        pixels[y : y + enlarged.shape[0], x : x + enlarged.shape[1]] = enlarged
    return pixels


def contact_sheet(clips: Sequence[AnyClip], frames_per_clip: int = 8, labels: Sequence[str] | None = None) -> Canvas:
    """Shows each clip as a row of frames taken at even intervals, the first and the last among them.

    A clip shorter than `frames_per_clip` shows each of its frames once.

    Raises:
        ValueError: there are no clips, or not one label a clip.
    """
    cells: list[np.ndarray] = []
    for clip in clips:
        shown = min(frames_per_clip, len(clip))
        cells.extend(clip[times_shown(len(clip), shown)])
        blank = np.full((*clip.shape[1:3], 3), BACKGROUND, np.uint8)
        cells.extend([blank] * (frames_per_clip - shown))
    return grid(cells, frames_per_clip, row_labels=labels)


def side_by_side(clips: Sequence[Iterable[AnyFrame]], labels: Sequence[str]) -> Iterator[Canvas]:
    """Plays clips next to each other under their labels; one that ends early rests on its last frame.

    Raises:
        ValueError: there is not one label a clip.
        InputError: a clip has no frames.
    """
    _check_labels("clip", labels, len(clips))
    shown: list[np.ndarray] = []
    for frames in zip_longest(*clips):
        shown = [last if frame is None else frame for frame, last in zip_longest(frames, shown)]
        for frame, label in zip(shown, labels, strict=True):
            if frame is None:
                raise InputError(f"{label}: has no frames to show (expected at least one)")
        yield grid(shown, len(clips), column_labels=labels, padding=_MARGIN)


def times_shown(length: int, shown: int) -> Int[np.ndarray, " shown"]:
    """`shown` of `length` times at even intervals, from the first to the last; some repeated where there are fewer."""
    return np.linspace(0, length - 1, shown).round().astype(int)


def in_a_strip(clip: UInt8[np.ndarray, "t h w c"], shown: int) -> UInt8[np.ndarray, "h w_all c"]:
    """Frames of a clip in one picture, from left to right."""
    return np.concatenate(clip[times_shown(len(clip), shown)], axis=1)


def tiled(
    clips: Sequence[UInt8[np.ndarray, "t h w c"]], columns: int, scale: int = 1
) -> UInt8[np.ndarray, "t h_all w_all 3"]:
    """Clips playing beside and below each other without a gap, in RGB, pixels enlarged; left-over places are black."""
    t, h, w, _ = clips[0].shape
    columns = min(columns, len(clips))
    rows = -(-len(clips) // columns)
    wall = np.zeros((t, rows * h, columns * w, 3), np.uint8)
    for i, clip in enumerate(clips):
        y, x = i // columns * h, i % columns * w
        wall[:, y : y + h, x : x + w] = clip
    return wall.repeat(scale, axis=1).repeat(scale, axis=2)


@lru_cache
def _font(size: int) -> PIL.ImageFont.FreeTypeFont:
    """DejaVu Sans as it comes with matplotlib: unlike Pillow's own font it has λ, × and →, and plots use it too."""
    import matplotlib

    return PIL.ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def _text_width(font: PIL.ImageFont.FreeTypeFont, texts: Sequence[str] | None) -> int:
    return max((int(np.ceil(font.getlength(text))) for text in texts or ()), default=0)


def _labels_width(font: PIL.ImageFont.FreeTypeFont, texts: Sequence[str] | None) -> int:
    return _text_width(font, texts) + _MARGIN if texts else 0


def _labels_height(font: PIL.ImageFont.FreeTypeFont, texts: Sequence[str] | None) -> int:
    return sum(font.getmetrics()) + _MARGIN // 2 if texts else 0


def _draw_column_label(
    canvas: PIL.Image.Image, text: str, font: PIL.ImageFont.FreeTypeFont, x: int, bottom: int, turned: bool
) -> None:
    """Draws a text centred on column `x` that ends above row `bottom`, read upwards if it is turned."""
    if not turned:
        PIL.ImageDraw.Draw(canvas).text((x, bottom), text, INK, font, anchor="md")
        return
    label = PIL.Image.new("RGB", (_text_width(font, [text]), sum(font.getmetrics())), BACKGROUND)
    PIL.ImageDraw.Draw(label).text((0, 0), text, INK, font)
    label = label.transpose(PIL.Image.Transpose.ROTATE_90)
    canvas.paste(label, (x - label.width // 2, bottom - label.height))


def _check_labels(name: str, labels: Sequence[str] | None, expected: int) -> None:
    if labels is not None and len(labels) != expected:
        raise ValueError(f"there are {len(labels)} {name} labels (expected {expected})")
