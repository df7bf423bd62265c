"""Small rendered datasets whose every factor is known, for checking what a system has learnt."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from mutoscope.data.synthetic.clips import SyntheticClips
from mutoscope.data.synthetic.morphable_faces import make_morphable_faces
from mutoscope.data.synthetic.moving_sprites import make_moving_sprites
from mutoscope.data.synthetic.reach import make_reach
from mutoscope.data.synthetic.shapes import make_shapes
from mutoscope.data.synthetic.sprites import make_sprites
from mutoscope.data.synthetic.stick_people import make_stick_people
from mutoscope.data.synthetic.talk import make_talk
from mutoscope.data.synthetic.toy_faces import make_faces, make_smiles
from mutoscope.errors import InputError

__all__ = ["NAMES", "SyntheticClips", "make_clips"]

_MAKERS: dict[str, Callable[..., SyntheticClips]] = {
    "sprites": make_sprites,
    "sprites_colour": partial(make_sprites, size_range=3.0, colour=True),
    "shapes": make_shapes,
    "moving_sprites": make_moving_sprites,
    "faces": make_faces,
    "smiles": make_smiles,
    "reach": make_reach,
    "reach_one_table": partial(make_reach, backgrounds=1),
    "talk": make_talk,
    "stick_people": make_stick_people,
    "morphable_faces": make_morphable_faces,
}
NAMES: tuple[str, ...] = tuple(_MAKERS)
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
    if name not in _MAKERS:
        raise InputError(f"{name}: no such synthetic set (expected one of {', '.join(NAMES)})")
    maker = _MAKERS[name]
    known = sorted(inspect.signature(maker).parameters.keys() - {"size", "channels", "seed", "max_clips"})
    for factor in factors.keys() - set(known):
        raise InputError(f"{name}: unknown argument {factor!r} (expected some of {', '.join(known)})")
    least = {"size": SMALLEST_SIZE, "seed": 0, "max_clips": 1, "clips": 1, "clips_per_type": 1, "frames": 1}
    least |= {"subjects": 1, "takes": 1}
    for argument, value in {"size": size, "seed": seed, "max_clips": max_clips, **factors}.items():
        if argument in least and value is not None and value < least[argument]:
            raise InputError(f"{name}: {argument} is {value} (expected at least {least[argument]})")
    if channels not in (1, 3):
        raise InputError(f"{name}: channels is {channels} (expected 1 or 3)")
    if size is not None:
        factors["size"] = size
    return maker(channels=channels, seed=seed, max_clips=max_clips, **factors)
