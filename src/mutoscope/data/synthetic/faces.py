"""Toy faces: drawn, labelled part by part and marked with 68 landmarks, all from one geometry.

    people = draw_identities(4, seed=0)
    pictures = render(people, Expression(smile=1.0), size=64)
    points = landmarks(people, Expression(smile=1.0), size=64)

Lengths in `Identity` and `Expression` are shares of the picture's side: a larger picture shows the same scene.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from mutoscope.data.synthetic import sdf
from mutoscope.data.synthetic.clips import FRAMES_AT_ONCE, to_frames
from mutoscope.data.synthetic.face_anatomy import Face, build_faces, childhood, landmarks_of, old_age
from mutoscope.data.synthetic.face_geometry import Part, unstack
from mutoscope.data.synthetic.face_parameters import NEUTRAL, YOUNG_ADULT, Expression, Identity, Value, draw_identities

__all__ = [
    "NEUTRAL",
    "REGIONS",
    "YOUNG_ADULT",
    "Expression",
    "Identity",
    "draw_identities",
    "landmarks",
    "masks",
    "render",
]

REGIONS = ("background", "clothes", "hair", "skin", "brows", "eyes", "nose", "lips", "mouth")
"""What the numbers in `masks` mean; "mouth" is its inside."""

GREY, UMBER, LIP_RED = np.array([0.82, 0.82, 0.84]), np.array([0.45, 0.1, 0.08]), np.array([0.72, 0.12, 0.18])
BLUSH, GOLD, LASHES = np.array([0.95, 0.35, 0.35]), np.array([0.95, 0.78, 0.2]), np.array([0.1, 0.07, 0.08])
EYE_WHITE, MOUTH_DARK, TONGUE = np.array([0.98, 0.98, 0.96]), np.array([0.28, 0.05, 0.08]), np.array([0.85, 0.35, 0.38])


class Layer(NamedTuple):
    """A part with its look: a colour for all frames or each, how strongly it covers (0 to 1), where it is cut off."""

    part: Part
    colour: np.ndarray
    region: str | None = None
    strength: Value = 1.0
    within: Part | None = None
    without: Part | None = None


def render(
    identity: Identity,
    expression: Expression = NEUTRAL,
    age: Value = YOUNG_ADULT,
    *,
    size: int = 32,
    channels: int = 3,
) -> UInt8[np.ndarray, "n h w c"]:
    """Pictures of faces; one identity, one expression or one age serves for all pictures.

    Args:
        identity: who is seen, one row per picture or a single one.
        expression: what they do.
        age: from 0 (child) over 0.3 (young adult) to 1 (old).
        size: height and width in pixels; features are at least about a pixel thick from 32 on.
        channels: 3 (RGB) or 1.

    Raises:
        ValueError: identities, expressions and ages are neither as many as each other nor one.
    """
    chunks = []
    for who, does, years in _chunks(identity, expression, age, size):
        canvas = _background(who, size)
        for layer in _layers(build_faces(who, does, years), who, years):
            _paint(canvas, layer, size)
        chunks.append(to_frames(canvas, channels))
    return np.concatenate(chunks)


def masks(
    identity: Identity, expression: Expression = NEUTRAL, age: Value = YOUNG_ADULT, *, size: int = 32
) -> UInt8[np.ndarray, "n h w"]:
    """Which part each pixel of `render`'s pictures shows, as indices into `REGIONS`."""
    chunks = []
    for who, does, years in _chunks(identity, expression, age, size):
        labels = torch.zeros(len(years), size, size, dtype=torch.uint8)
        for layer in _layers(build_faces(who, does, years), who, years):
            if layer.region is not None:
                rows, columns, cover = _cover(layer, size)
                labels[:, rows, columns][cover >= 0.5] = REGIONS.index(layer.region)
        chunks.append(labels.numpy())
    return np.concatenate(chunks)


def landmarks(
    identity: Identity, expression: Expression = NEUTRAL, age: Value = YOUNG_ADULT, *, size: int = 32
) -> Float32[np.ndarray, "n 68 2"]:
    """The 68 landmarks of `render`'s pictures, in pixels, x before y, in the order of iBUG 300-W (and dlib).

    Jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, lips 48-67, from the picture's left to its right. They lie on the
    very edges that are drawn, seen or hidden.
    """
    chunks = [landmarks_of(build_faces(*chunk)) * size for chunk in _chunks(identity, expression, age, size)]
    return np.concatenate(chunks).astype(np.float32)


def _chunks(
    identity: Identity, expression: Expression, age: Value, size: int
) -> Iterator[tuple[Identity, Expression, np.ndarray]]:
    """All parameters as arrays of one value per picture, float64, a few pictures at a time."""
    scalars = [np.asarray(value, np.float64) for value in (*expression, age)]
    (count,) = np.broadcast_shapes(identity.face_width.shape, *(value.shape for value in scalars), (1,))
    *does, years = (np.broadcast_to(value, count) for value in scalars)
    who = Identity(*(np.broadcast_to(value, (count, *value.shape[1:])).astype(np.float64) for value in identity))
    step = max(FRAMES_AT_ONCE * 32**2 // size**2, 1)
    for start in range(0, count, step):
        chosen = slice(start, start + step)
        yield who.at(chosen), Expression(*(value[chosen] for value in does)), years[chosen]


def _background(who: Identity, size: int) -> Tensor:
    share = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    top, bottom = (colour[:, :, None, None] for colour in (who.background_top, who.background_bottom))
    column = torch.from_numpy((top + (bottom - top) * share).astype(np.float32))
    return column.expand(-1, -1, -1, size).contiguous()


def _layers(face: Face, who: Identity, age: np.ndarray) -> Iterator[Layer]:
    """What is painted over what."""
    old = old_age(age)
    hair = _mix(who.hair, GREY, old[:, None])
    line = _mix(0.68 * who.skin, UMBER, 0.2)
    yield Layer(face.back_hair, 0.8 * hair, "hair")
    yield Layer(face.neck, 0.82 * who.skin, "skin")
    yield Layer(face.shirt, who.shirt, "clothes")
    for ear, ring in zip(unstack(face.ears), unstack(face.earrings), strict=True):
        yield Layer(ear, 0.88 * who.skin, "skin")
        yield Layer(ring, GOLD, strength=who.earrings)
    yield Layer(face.head, line, "skin")
    yield Layer(face.head.grown(-0.014), who.skin)
    for cheek in unstack(face.cheeks):
        yield Layer(cheek, _mix(who.skin, BLUSH, 0.45), strength=0.4 + 0.6 * childhood(age) - 0.4 * old)
    for spot in unstack(face.freckles):
        yield Layer(spot, 0.6 * who.skin, strength=who.freckles)
    for wrinkle in unstack(face.wrinkles):
        yield Layer(wrinkle, line, strength=old)
    yield Layer(face.hair, hair, "hair", without=face.forehead)
    yield Layer(face.bridge, 0.87 * who.skin)
    yield Layer(face.nose, 0.78 * who.skin, "nose")
    for eye, iris in zip(unstack(face.eyes), unstack(face.irises), strict=True):
        yield Layer(eye.grown(0.012), LASHES)
        yield Layer(eye, EYE_WHITE, "eyes")
        yield Layer(iris, who.iris, within=eye)
        yield Layer(iris.scaled(0.5), LASHES, within=eye)
        yield Layer(iris.moved(0.0, -0.5 * iris.above).scaled(0.28), EYE_WHITE, within=eye)
    for brow in unstack(face.brows):
        yield Layer(brow, 0.6 * hair, "brows")
    inside = face.mouth_inside
    yield Layer(face.mouth, _mix(0.9 * who.skin, LIP_RED, 0.75), "lips")
    yield Layer(inside, MOUTH_DARK, "mouth")
    tongue = inside._replace(half_width=0.7 * inside.half_width, above=0.4 * inside.below, below=0.4 * inside.below)
    yield Layer(tongue.moved(0.0, 0.9 * inside.below), TONGUE, within=inside)
    yield Layer(inside._replace(below=0.1 * inside.below), EYE_WHITE, within=inside)


def _mix(colour: np.ndarray, other: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    return colour + share * (other - colour)


def _paint(canvas: Tensor, layer: Layer, size: int) -> None:
    if not np.any(layer.strength):
        return
    rows, columns, cover = _cover(layer, size)
    colour = _vector(layer.colour)[..., None, None].expand(len(canvas), 3, 1, 1)
    canvas[:, :, rows, columns].lerp_(colour, cover.unsqueeze(1))


def _cover(layer: Layer, size: int) -> tuple[slice, slice, Tensor]:
    """The share of each pixel that the layer covers, in the rows and columns where it lies in any of the pictures."""
    rows, columns, grid = _window(layer.part, size)
    cover = _coverage(layer.part, grid, size)
    if layer.within is not None:
        cover = cover * _coverage(layer.within, grid, size)
    if layer.without is not None:
        cover = cover * (1 - _coverage(layer.without, grid, size))
    if not isinstance(layer.strength, float):
        cover = cover * _pixels(layer.strength, 1)
    return rows, columns, cover


def _window(part: Part, size: int) -> tuple[slice, slice, sdf.Points]:
    reach = np.hypot(part.half_width, np.maximum(part.above, part.below) + np.abs(part.bend)) * size + 2
    limits = []
    for middle in (part.x * size, part.y * size):
        start, stop = (middle - reach).min(), (middle + reach).max()
        limits.append(slice(*np.clip([int(start), int(stop) + 1], 0, size).tolist()))
    columns, rows = limits
    grid = sdf.grid(size, size)
    return rows, columns, sdf.Points(grid.x[:, columns], grid.y[rows])


def _coverage(part: Part, grid: sdf.Points, size: int) -> Tensor:
    """Anti-aliased cover; a part thinner than a pixel is drawn one pixel thick, but fainter."""
    half_width, above, below, bend = (
        _pixels(value, size) for value in (part.half_width, part.above, part.below, part.bend)
    )
    flat, narrow = (1 - above - below).clamp(0, 1), (1 - 2 * half_width).clamp(0, 1)
    half_width, above, below = half_width + narrow / 2, above + flat / 2, below + flat / 2
    points = sdf.translate(grid, _vector(part.x * size), _vector(part.y * size))
    points = sdf.rotate(points, _vector(part.angle))
    across = points.x / half_width
    along = across.clamp(-1.3, 1.3)
    down = points.y - bend * (0.5 - along.square())
    height = torch.where(down < 0, above, below)
    down = down / height
    # distance to the level line of r = 1 to first order, (r - 1) / |grad r|; too short past the ends of a bent line
    radius = (across.square() + down.square() + 1e-6).sqrt()
    slope_across = (across + 2 * bend * down * along / height) / half_width
    slope = (slope_across.square() + (down / height).square() + 1e-12).sqrt()
    distance = torch.maximum(radius * (radius - 1) / slope, points.x.abs() - half_width)
    return sdf.coverage(distance) * ((1 - flat) * (1 - narrow))


def _vector(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def _pixels(values: np.ndarray, size: int) -> Tensor:
    return _vector(values * size)[:, None, None]
