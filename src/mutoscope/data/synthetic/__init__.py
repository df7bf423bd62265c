"""Small rendered datasets whose every factor is known, for checking what a system has learnt."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from mutoscope.data.clips import Origin
from mutoscope.data.synthetic.clips import SyntheticClips
from mutoscope.data.synthetic.morphable_faces import make_morphable_faces
from mutoscope.data.synthetic.moving_sprite_descriptors import appearance_descriptors, motion_descriptors
from mutoscope.data.synthetic.moving_sprites import make_moving_sprites
from mutoscope.data.synthetic.reach import make_reach
from mutoscope.data.synthetic.reach_readout import read_reach
from mutoscope.data.synthetic.shapes import make_shapes
from mutoscope.data.synthetic.sprites import make_sprites
from mutoscope.data.synthetic.stick_people import make_stick_people
from mutoscope.data.synthetic.talk import make_talk
from mutoscope.data.synthetic.talk_readout import read_talk
from mutoscope.data.synthetic.toy_faces import make_faces
from mutoscope.errors import InputError

__all__ = ["NAMES", "Readers", "SyntheticClips", "make_clips", "readers_of"]

Batch = UInt8[np.ndarray, "n t h w c"]


class Readers(NamedTuple):
    """What can be read off frames of a set's clips, real or generated; None where nothing can.

    Attributes:
        motion: how things move: for each quantity its values over time ("n t", in pixels or square pixels, NaN where
            not found), and whether there was something to read in each frame ("n t", bool).
        look: what clips look like: descriptors "n d".
        motion_descriptors: how clips move: descriptors "n d".
    """

    motion: Callable[[Batch], tuple[dict[str, np.ndarray], np.ndarray]] | None = None
    look: Callable[[Batch], np.ndarray] | None = None
    motion_descriptors: Callable[[Batch], np.ndarray] | None = None


class _Set(NamedTuple):
    make: Callable[..., SyntheticClips]
    readers: Readers = Readers()
    size: int = 32


def _gripper(clips: Batch) -> tuple[dict[str, np.ndarray], np.ndarray]:
    state = read_reach(clips)
    return {"x": state.x, "y": state.y}, state.found


def _head_and_mouth(clips: Batch) -> tuple[dict[str, np.ndarray], np.ndarray]:
    state = read_talk(clips)
    return {"x": state.x, "y": state.y, "mouth": state.mouth_area}, state.found


_SETS: dict[str, _Set] = {
    "sprites": _Set(make_sprites),
    "sprites_colour": _Set(partial(make_sprites, size_range=3.0, colour=True)),
    "shapes": _Set(make_shapes, size=64),
    "moving_sprites": _Set(
        make_moving_sprites, Readers(look=appearance_descriptors, motion_descriptors=motion_descriptors)
    ),
    "faces": _Set(make_faces),
    "smiles": _Set(partial(make_faces, motions=1)),
    "reach": _Set(make_reach, Readers(motion=_gripper)),
    "reach_one_table": _Set(partial(make_reach, backgrounds=1), Readers(motion=_gripper)),
    "talk": _Set(make_talk, Readers(motion=_head_and_mouth)),
    "stick_people": _Set(make_stick_people),
    "morphable_faces": _Set(make_morphable_faces),
}
NAMES: tuple[str, ...] = tuple(_SETS)
SMALLEST_SIZE = 8


def make_clips(
    name: str,
    *,
    size: int | None = None,
    channels: int = 3,
    seed: int = 0,
    max_clips: int | None = None,
    **factors: Any,
) -> SyntheticClips:
    """Renders the clips of a synthetic set.

    The same arguments give the same bytes, and a larger set begins with the clips of a smaller one.

    Args:
        name: one of `NAMES`: "sprites", "sprites_colour" (strong colour and size differences), "shapes",
            "moving_sprites", "faces", "smiles", "reach", "reach_one_table" (the same table in all clips), "talk",
            "stick_people" (with their joints) or "morphable_faces" (with their face parameters).
        size: height and width of a frame in pixels, at least 8; None for the set's own (64 for shapes, 32 for others).
        channels: 3 (RGB) or 1.
        seed: what differs from clip to clip, at least 0; another seed gives held-out clips.
        max_clips: at most so many clips.
        factors: further arguments of the set's `make_...` function, such as `frames`.

    Raises:
        InputError: for an unknown name or factor (the known ones are listed) or a value out of range.
    """
    if name not in _SETS:
        raise InputError(f"{name}: no such synthetic set (expected one of {', '.join(NAMES)})")
    chosen = _SETS[name]
    known = sorted(inspect.signature(chosen.make).parameters.keys() - {"size", "channels", "seed", "max_clips"})
    for factor in factors.keys() - set(known):
        raise InputError(f"{name}: unknown argument {factor!r} (expected some of {', '.join(known)})")
    least = {"size": SMALLEST_SIZE, "seed": 0, "max_clips": 1, "clips": 1, "clips_per_type": 1, "frames": 1}
    least |= {"subjects": 1, "takes": 1}
    for argument, value in {"size": size, "seed": seed, "max_clips": max_clips, **factors}.items():
        if argument in least and value is not None and value < least[argument]:
            raise InputError(f"{name}: {argument} is {value} (expected at least {least[argument]})")
    if channels not in (1, 3):
        raise InputError(f"{name}: channels is {channels} (expected 1 or 3)")
    return chosen.make(size=size or chosen.size, channels=channels, seed=seed, max_clips=max_clips, **factors)


def readers_of(origin: Origin | None) -> Readers:
    """The readers of the set that clips come from; of files all are None."""
    return Readers() if origin is None else _SETS[origin.name].readers
