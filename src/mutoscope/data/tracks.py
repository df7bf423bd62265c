"""Tracks: what is known of every frame besides its pixels, such as where joints and landmarks are.

Each is a float32 array per clip, time first, in pixels of the frames (x before y, to the right and down; pixel (row i,
column j) covers [j, j + 1) x [i, i + 1)):

joints     t k 2     of the body, in the order of a skeleton of `geometry.skeletons`
visible    t k       how surely each joint is seen, 0 to 1; at 0 its place means nothing
landmarks  t 68 2    of the face, in dlib's order
face       t p       parameters of a morphable face
maps       t c s s   motion maps made elsewhere
"""

from collections.abc import Mapping

import numpy as np

from mutoscope.errors import InputError
from mutoscope.geometry.skeletons import SKELETONS, convert

TRACKS = ("joints", "visible", "landmarks", "face", "maps")
LANDMARKS = 68

_MIDDLES = ((27, 28, 29, 30), (33,), (51,), (57,), (62,), (66,), (8,))
_PAIRS = (
    *((i, 16 - i) for i in range(8)),  # jaw
    *((17 + i, 26 - i) for i in range(5)),  # brows
    *((31, 35), (32, 34)),  # nostrils
    *((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)),  # eyes
    *((48, 54), (49, 53), (50, 52), (59, 55), (58, 56)),  # lips, outside
    *((60, 64), (61, 63), (67, 65)),  # and inside
)


def _mirrored_landmarks() -> tuple[int, ...]:
    other = {i: i for group in _MIDDLES for i in group}
    for left, right in _PAIRS:
        other |= {left: right, right: left}
    return tuple(other[i] for i in range(LANDMARKS))


MIRRORED_LANDMARKS = _mirrored_landmarks()
"""The landmark of a mirrored face that each landmark comes from."""

_SKELETON_OF = {len(skeleton.joints): name for name, skeleton in SKELETONS.items()}


def skeleton_of(joints: int) -> str | None:
    """The name of the skeleton with so many joints; None where there is none."""
    return _SKELETON_OF.get(joints)


def check_tracks(tracks: Mapping[str, np.ndarray], frames: int, size: int) -> None:
    """Checks the tracks of a clip, which may come from anywhere.

    Args:
        frames: how many frames the clip has.
        size: height and width in pixels that its frames are brought to.

    Raises:
        InputError: a track has another shape than it must have, or values that are no numbers.
    """
    joints = tracks["joints"].shape[1:2] if "joints" in tracks and tracks["joints"].ndim > 1 else ("k",)
    shapes = {
        "joints": (frames, *joints, 2),
        "visible": (frames, *joints),
        "landmarks": (frames, LANDMARKS, 2),
        "face": (frames, "p"),
        "maps": (frames, "c", size, size),
        "boxes": (frames, 4),
    }
    for name, values in tracks.items():
        expected = shapes[name]
        fits = len(values.shape) == len(expected) and all(
            isinstance(want, str) or have == want for have, want in zip(values.shape, expected, strict=True)
        )
        if not fits:
            shown = " x ".join(map(str, values.shape))
            hint = ", which are not resized" if name == "maps" else ""
            raise InputError(f"has {name} of shape {shown} (expected {' x '.join(map(str, expected))}{hint})")
        if not np.isfinite(values).all():
            raise InputError(f"has {name} that are no numbers (expected finite values)")


def in_skeleton(tracks: Mapping[str, np.ndarray], joints: int) -> dict[str, np.ndarray]:
    """The tracks of a clip with another number of joints: those of the skeleton that has so many.

    Raises:
        InputError: no skeleton has as many joints as these tracks, or as are wanted.
    """
    own = tracks["joints"].shape[1]
    if own == joints:
        return dict(tracks)
    source, target = skeleton_of(own), skeleton_of(joints)
    if source is None or target is None:
        raise InputError(f"has {own} joints (expected {joints} as in the clips before)")
    placed, visible = convert(tracks["joints"], tracks["visible"], SKELETONS[source], SKELETONS[target])
    return {**tracks, "joints": placed.astype(np.float32), "visible": visible.astype(np.float32)}


def check_can_mirror(name: str, tracks: Mapping[str, object], skeleton: str | None) -> None:
    """Checks that tracks can be mirrored left to right.

    Raises:
        InputError: they have parameters of faces or finished maps, or joints of which left and right are unknown.
    """
    if fixed := [track for track in ("face", "maps") if track in tracks]:
        raise InputError(f"{name}: its {' and '.join(fixed)} cannot be mirrored (expected flip to be off)")
    if "joints" in tracks and skeleton is None:
        raise InputError(f"{name}: does not say which joints are left and right (expected a skeleton, or flip off)")


def mirror_tracks(tracks: Mapping[str, np.ndarray], size: int, skeleton: str | None) -> dict[str, np.ndarray]:
    """Tracks of a clip that is mirrored left to right: what was a left joint is then a right one.

    Args:
        tracks: such as pass `check_can_mirror`.
        size: width of the frames in pixels.
        skeleton: the order of the joints.
    """
    order = {"landmarks": list(MIRRORED_LANDMARKS)}
    if skeleton is not None:
        order["joints"] = order["visible"] = list(SKELETONS[skeleton].mirrored)
    mirrored = {name: values[:, order[name]] for name, values in tracks.items()}
    for name in mirrored.keys() & {"joints", "landmarks"}:
        mirrored[name][..., 0] = size - mirrored[name][..., 0]
    return mirrored
