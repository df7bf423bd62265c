"""Columns: what is known of clips besides their pixels, and what becomes of it when pixels are changed.

`COLUMNS` says it all. A new kind of data is a new row there and a reader: whatever checks, mirrors, moves or windows
clips goes through the table. Columns per frame are float32 arrays, time first; places are x before y, in pixels of the
frames, to the right and down: pixel (row i, column j) covers [j, j + 1) x [i, i + 1).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from mutoscope.data.fitting import Move, cut_out
from mutoscope.errors import InputError
from mutoscope.geometry.skeletons import SKELETONS, convert

LANDMARKS = 68

MIRRORED_LANDMARKS = (
    *range(16, -1, -1),  # jaw
    *range(26, 16, -1),  # brows
    *range(27, 31),  # bridge of the nose
    *range(35, 30, -1),  # nostrils
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),  # eyes
    *(*range(54, 47, -1), *range(59, 54, -1)),  # lips, outside
    *(*range(64, 59, -1), 67, 66, 65),  # and inside
)
"""The landmark of a mirrored face that each landmark comes from."""

_SKELETON_OF = {len(skeleton.joints): name for name, skeleton in SKELETONS.items()}


def _kept(values: Any, *_: object) -> Any:
    return values


def _rows(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    return values[times]


def _mirrored_places(places: np.ndarray, width: int, order: Sequence[int]) -> np.ndarray:
    mirrored = places[:, list(order)]
    mirrored[..., 0] = width - mirrored[..., 0]
    return mirrored


def _moved_places(places: np.ndarray, move: Move) -> np.ndarray:
    return (places - move.corner) * move.scale


def _moved_face(face: np.ndarray, move: Move) -> np.ndarray:
    """Parameters that end in scale, three of rotation and two of translation."""
    if not move.keeps_shapes:
        raise InputError("has face parameters, which cannot be stretched (expected another fit)")
    moved = face.copy()
    moved[:, -6] *= move.scale[0]
    moved[:, -2:] = _moved_places(moved[:, -2:], move)
    return moved


def _moved_mask(mask: np.ndarray, move: Move) -> np.ndarray:
    def moved(frame: np.ndarray) -> np.ndarray:
        image = Image.fromarray(np.ascontiguousarray(cut_out(frame, move.region, bars=move.bars), np.float32))
        return np.asarray(image.resize((move.width, move.height), Image.Resampling.BILINEAR)).clip(0, 1)

    return np.stack([moved(frame) for frame in mask])


def _between_0_and_1(values: np.ndarray) -> str | None:
    return None if ((values >= 0) & (values <= 1)).all() else "values from 0 to 1"


def _number(text: str) -> float:
    if not abs(number := float(text)) <= float(np.finfo(np.float32).max):  # nor is it for NaN
        raise ValueError(text)
    return number


def _whole_number(text: str) -> int:
    if not np.iinfo(np.int64).min <= (number := int(text)) <= np.iinfo(np.int64).max:
        raise ValueError(text)
    return number


def _sentences(text: str) -> list[str]:
    sentences = [sentence.strip() for sentence in text.split("|") if sentence.strip()]
    if not sentences:
        raise ValueError(text)
    return sentences


@dataclass(frozen=True)
class Column:
    """What is true of all columns of a name. A column per clip has `read`, a column per frame has not.

    Attributes:
        units: what its values are.
        dtype: of its tensors; None for what is text.
        shape: of a frame's values: numbers, or letters, which stand for the same number in all columns of a clip. `h`
            and `w` are the height and the width of the file's own frames, `H` and `W` those they are brought to.
        read: gives the value of a clip from a cell of a table; raises ValueError.
        expected: what such a cell holds.
        check: says what was expected of values that cannot be used, and None of others, where not all can be.
        mirror: gives the values of a clip that is mirrored left to right; also takes the frames' width, and for each
            joint the number of that on the other side. None where that cannot be had.
        needs_skeleton: whether mirroring has to know these numbers.
        move: gives the values of a clip of whose frames a region is cut out and resized; raises InputError.
        window: gives the values at some times ("k", int).
        beside: columns that are kept with it.
        implies: columns that need not be there where it is, for it says more.
        hint: what else to say of a wrong shape.
    """

    units: str
    dtype: type[np.generic] | None = np.float32
    shape: tuple[int | str, ...] = ()
    read: Callable[[str], Any] | None = None
    expected: str = ""
    check: Callable[[Any], str | None] | None = None
    mirror: Callable[[Any, int, Sequence[int]], Any] | None = _kept
    needs_skeleton: bool = False
    move: Callable[[Any, Move], Any] = _kept
    window: Callable[[Any, np.ndarray], Any] = _rows
    beside: tuple[str, ...] = ()
    implies: tuple[str, ...] = ()
    hint: str = ""

    @property
    def per_frame(self) -> bool:
        """Whether it has values for each frame, not one for the clip."""
        return self.read is None


COLUMNS: dict[str, Column] = {
    "label": Column("number of a name in `label_names`", np.int64, read=str, expected="a name", window=_kept),
    "subject": Column("who is seen", None, read=str, expected="a name", window=_kept),
    "age": Column("of who is seen, in years", read=_number, expected="a number of years", window=_kept),
    "camera": Column("number of the camera", np.int64, read=_whole_number, expected="a whole number", window=_kept),
    "captions": Column(
        "sentences that say what is seen", None, read=_sentences, expected="sentences, with | between", window=_kept
    ),
    "joints": Column(
        "places of the body's joints, in the order of a skeleton of `geometry.skeletons`, in pixels",
        shape=("k", 2),
        mirror=_mirrored_places,
        needs_skeleton=True,
        move=_moved_places,
        beside=("visible",),
    ),
    "visible": Column(
        "how surely each joint is seen, 0 to 1; at 0 its place means nothing",
        shape=("k",),
        mirror=lambda visible, _, order: visible[:, list(order)],
        needs_skeleton=True,
        beside=("joints",),
    ),
    "landmarks": Column(
        "places on the face, in dlib's order, in pixels",
        shape=(LANDMARKS, 2),
        mirror=lambda places, width, _: _mirrored_places(places, width, MIRRORED_LANDMARKS),
        move=_moved_places,
    ),
    "face": Column(
        "parameters of a morphable face, in pixels",
        shape=("p",),
        mirror=None,
        move=_moved_face,
        implies=("landmarks",),
    ),
    "maps": Column(
        "motion maps made elsewhere, for frames as they are brought to a size",
        shape=("c", "H", "W"),
        mirror=None,
        hint=", which are not resized",
    ),
    "mask": Column(
        "how much of each pixel belongs to what is seen in front, 0 to 1",
        shape=("h", "w"),
        check=_between_0_and_1,
        mirror=lambda mask, *_: mask[:, :, ::-1],
        move=_moved_mask,
    ),
}


def per_frame() -> tuple[str, ...]:
    """The names of the columns per frame."""
    return tuple(name for name, column in COLUMNS.items() if column.per_frame)


def known(names: Iterable[str]) -> tuple[str, ...]:
    """These names.

    Raises:
        InputError: `COLUMNS` does not have them all.
    """
    names = tuple(names)
    if unknown := [name for name in names if name not in COLUMNS]:
        raise InputError(f"columns {', '.join(unknown)}: are unknown (expected some of {', '.join(COLUMNS)})")
    return names


def as_array(name: str, values: Any) -> np.ndarray:
    """A clip's values of a column as numbers of the column's type.

    Raises:
        InputError: the column is text.
    """
    if COLUMNS[name].dtype is None:
        raise InputError(f"column {name}: is text (expected a column of numbers to learn from)")
    return np.asarray(values, COLUMNS[name].dtype)


def check_values(columns: Mapping[str, np.ndarray], frames: int, own: tuple[int, int], size: tuple[int, int]) -> None:
    """Checks a clip's columns per frame, which may come from anywhere.

    Args:
        frames: how many frames the clip has.
        own: height and width of the file's frames, in pixels.
        size: height and width that they are brought to.

    Raises:
        InputError: a column has another shape than it must have, or values that cannot be used.
    """
    lengths: dict[int | str, int] = dict(zip("hwHW", (*own, *size), strict=True))
    for name, values in columns.items():
        column = COLUMNS[name]
        for letter, length in zip(column.shape, values.shape[1:], strict=False):
            if isinstance(letter, str):
                lengths.setdefault(letter, length)
        expected = (frames, *(lengths.get(length, length) for length in column.shape))
        if values.shape != expected:
            shown = " x ".join(map(str, values.shape))
            raise InputError(f"has {name} of shape {shown} (expected {' x '.join(map(str, expected))}{column.hint})")
        if not np.isfinite(values).all():
            raise InputError(f"has {name} that are no numbers (expected finite values)")
        if column.check and (wanted := column.check(values)):
            raise InputError(f"has {name} that cannot be used (expected {wanted})")


def check_can_mirror(name: str, columns: Iterable[str], skeleton: str | None) -> None:
    """Checks that the columns of a set can be mirrored left to right.

    Raises:
        InputError: they have parameters of faces or finished maps, or joints of which left and right are unknown.
    """
    columns = list(columns)
    if fixed := [column for column in columns if COLUMNS[column].mirror is None]:
        raise InputError(f"{name}: its {' and '.join(fixed)} cannot be mirrored (expected flip to be off)")
    if skeleton is None and any(COLUMNS[column].needs_skeleton for column in columns):
        raise InputError(f"{name}: does not say which joints are left and right (expected a skeleton, or flip off)")


def mirror(columns: Mapping[str, Any], width: int, skeleton: str | None) -> dict[str, Any]:
    """The columns of a clip that is mirrored left to right: what was a left joint is then a right one.

    Args:
        columns: such as pass `check_can_mirror`; a value that is None stays so.
        width: of the frames, in pixels.
        skeleton: the order of the joints.
    """
    order = SKELETONS[skeleton].mirrored if skeleton else ()
    mirrored = {}
    for name, values in columns.items():
        by = COLUMNS[name].mirror
        assert by is not None  # see check_can_mirror
        mirrored[name] = None if values is None else by(values, width, order)
    return mirrored


def move(columns: Mapping[str, Any], by: Move) -> dict[str, Any]:
    """The columns of a clip whose frames are moved.

    Raises:
        InputError: one of them cannot be moved so.
    """
    return {name: COLUMNS[name].move(values, by) for name, values in columns.items()}


def window(columns: Mapping[str, Any], times: np.ndarray) -> dict[str, Any]:
    """The columns of a clip at some of its times ("k", int)."""
    return {name: COLUMNS[name].window(values, times) for name, values in columns.items()}


def skeleton_of(joints: int) -> str | None:
    """The name of the skeleton with so many joints; None where there is none."""
    return _SKELETON_OF.get(joints)


def in_skeleton(columns: Mapping[str, np.ndarray], joints: int) -> dict[str, np.ndarray]:
    """The columns of a clip with another number of joints: those of the skeleton that has so many.

    Raises:
        InputError: no skeleton has as many joints as these, or as are wanted.
    """
    own = columns["joints"].shape[1]
    if own == joints:
        return dict(columns)
    source, target = skeleton_of(own), skeleton_of(joints)
    if source is None or target is None:
        raise InputError(f"has {own} joints (expected {joints} as in the clips before)")
    placed, visible = convert(columns["joints"], columns["visible"], SKELETONS[source], SKELETONS[target])
    return {**columns, "joints": placed.astype(np.float32), "visible": visible.astype(np.float32)}
