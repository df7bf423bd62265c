"""A morphable face that needs no file: 576 vertices, 1058 triangles, 8 ways to look, 6 ways to move.

A grid of 24 rows and 24 columns is laid over half a head. One unit is half the width of the face at the eyes, the
origin lies between the eyes and the mouth at the depth of the ears. Two rows meet at the line between the lips: where
the mouth opens, the strip between them is the inside of the mouth.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from mutoscope.geometry.morphable_face import MorphableFace

ROWS = (
    1.27, 1.15, 1.02, 0.90, 0.80, 0.71, 0.62, 0.53, 0.44, 0.35, 0.26, 0.15,
    0.03, -0.10, -0.22, -0.33, -0.43, -0.53, -0.649, -0.651, -0.77, -0.93, -1.10, -1.27,
)  # fmt: skip
"""How high the rows of the grid lie, from the forehead to the chin."""
COLUMNS = 24
LIPS = ROWS.index(-0.649), ROWS.index(-0.651)
"""The rows at the lower edge of the upper lip and at the upper edge of the lower one."""
MOUTH = -0.65
MOUTH_HALF_WIDTH = 0.39
EYE = (0.45, 0.35)
BROW = (0.45, 0.66)

IDENTITY_FIELDS = ("width", "length", "jaw", "nose", "brow", "eye distance", "lips", "cheeks")
EXPRESSION_FIELDS = ("mouth open", "corners up", "corners down", "brows up", "brows down", "eye squeeze")
USUAL_EXPRESSION = 0.5
"""Root mean square of how far an expression's field goes, 1 being its full strength."""

Points = Float[np.ndarray, "n 2"]
Field = Float[np.ndarray, "n 3"]


class _Bases(NamedTuple):
    """The mean face, and bases with their mixings: a field is the basis times a column of the mixing."""

    mean: Field
    identity: np.ndarray
    identity_mixing: np.ndarray
    expression: np.ndarray
    expression_mixing: np.ndarray


@cache
def toy_face() -> MorphableFace:
    """The model. Its bases are orthonormal; `expression_coefficients` tells what its coefficients mean."""
    bases = _bases()
    corners, weights = _between(landmark_places())
    return MorphableFace(
        mean=_tensor(bases.mean),
        identity_basis=_tensor(bases.identity),
        expression_basis=_tensor(bases.expression),
        identity_deviations=_tensor(np.linalg.norm(bases.identity_mixing, axis=1)),
        expression_deviations=_tensor(USUAL_EXPRESSION * np.linalg.norm(bases.expression_mixing, axis=1)),
        triangles=torch.from_numpy(_triangles()),
        landmark_corners=torch.from_numpy(corners),
        landmark_weights=_tensor(weights),
    )


def identity_coefficients(strengths: Float[np.ndarray, "... 8"]) -> Float[np.ndarray, "... 8"]:
    """Coefficients α from how strong each of `IDENTITY_FIELDS` is; among people each has mean 0 and deviation 1."""
    return strengths @ _bases().identity_mixing.T


def expression_coefficients(strengths: Float[np.ndarray, "... 6"]) -> Float[np.ndarray, "... 6"]:
    """Coefficients β from how strong each of `EXPRESSION_FIELDS` is, 0 at rest, 1 in full."""
    return strengths @ _bases().expression_mixing.T


def grid() -> Float[np.ndarray, "24 24 2"]:
    """x and y of the vertices, row by row from the forehead down, columns from the left of the picture."""
    y = np.array(ROWS)[:, None]
    share = np.linspace(-1, 1, COLUMNS)
    return np.stack(np.broadcast_arrays(half_width(y) * share, y), axis=-1)


def half_width(y: np.ndarray) -> np.ndarray:
    """Half the width of the face at a height: widest at the eyes, a rounded chin."""
    beyond = np.abs(y - 0.32) / np.where(y > 0.32, 1.12, 1.62)
    return 1.02 * np.clip(1 - beyond**2.3, 0, 1) ** (1 / 2.2) + 0.04


def depth(points: Points) -> Float[np.ndarray, "n"]:
    """z of the mean face over x and y."""
    x, y = points.T
    side = np.abs(x)
    middle = np.interp(y, [-1.27, -1.05, -0.65, -0.3, 0.3, 0.7, 1.27], [0.86, 1.0, 1.02, 1.0, 0.98, 1.02, 0.75])
    z = 0.84 * middle * np.clip(1 - (side / 1.09) ** 2.5, 0, 1) ** 0.6
    ridge = np.interp(y, [-0.36, -0.29, -0.2, 0.28, 0.45], [0.0, 0.2, 0.42, 0.06, 0.0])
    z = z + ridge * np.exp(-((side / np.interp(y, [-0.3, 0.3], [0.15, 0.1])) ** 2))
    z = z + 0.12 * _bump(side, y, (0.18, -0.27), (0.08, 0.07))  # the sides of the nose
    z = z - 0.14 * _bump(side, y, (0.42, 0.38), (0.2, 0.12)) + 0.06 * _bump(side, y, EYE, (0.13, 0.08))
    z = z + 0.05 * _bump(side, y, BROW, (0.3, 0.07)) + 0.05 * _bump(side, y, (0.55, -0.05), (0.2, 0.2))
    z = z + 0.09 * _bump(x, y, (0, -0.58), (0.24, 0.06)) + 0.08 * _bump(x, y, (0, -0.73), (0.22, 0.07))
    return z + 0.1 * _bump(x, y, (0, -1.08), (0.22, 0.12))


def identity_fields(mean: Field) -> Float[np.ndarray, "8 n 3"]:
    """How far each vertex is moved by one deviation of each of `IDENTITY_FIELDS`."""
    x, y, _ = mean.T
    side, sign, none = np.abs(x), np.sign(x), np.zeros_like(x)
    eyes = _bump(side, y, EYE, (0.25, 0.2))
    nose = _bump(x, y, (0, -0.12), (0.2, 0.22))
    lips = _bump(x, y, (0, MOUTH), (0.35, 0.14))
    brows = _bump(side, y, BROW, (0.35, 0.12))
    cheeks = _bump(side, y, (0.65, -0.2), (0.25, 0.3))
    lower = 1 / (1 + np.exp((y + 0.6) / 0.15))
    return np.stack(
        [
            np.stack([0.07 * x, none, none], axis=-1),
            np.stack([none, 0.06 * y - 0.04 * lower, none], axis=-1),
            np.stack([0.12 * x * lower, none, 0.04 * lower], axis=-1),
            np.stack([0.25 * x * nose, -0.05 * nose, 0.13 * nose], axis=-1),
            np.stack([none, 0.05 * brows, 0.05 * brows], axis=-1),
            np.stack([0.05 * sign * eyes, none, none], axis=-1),
            np.stack([0.14 * x * lips, 0.3 * (y - MOUTH) * lips, 0.04 * lips], axis=-1),
            np.stack([0.06 * sign * cheeks, none, 0.09 * cheeks], axis=-1),
        ]
    )


def expression_fields(mean: Field) -> Float[np.ndarray, "6 n 3"]:
    """How far each vertex is moved by the full strength of each of `EXPRESSION_FIELDS`."""
    x, y, _ = mean.T
    side, sign, none = np.abs(x), np.sign(x), np.zeros_like(x)
    below = y < MOUTH
    dropped = np.where(below, np.clip(1 - (side / (MOUTH_HALF_WIDTH + 0.9 * (MOUTH - y))) ** 2, 0, 1), 0)
    raised = np.where(below, 0, _bump(x, y, (0, MOUTH), (0.2, 0.08)))
    corners = _bump(side, y, (MOUTH_HALF_WIDTH, MOUTH), (0.17, 0.16))
    frown = _bump(side, y, (MOUTH_HALF_WIDTH + 0.03, MOUTH - 0.06), (0.2, 0.2))
    pout = _bump(x, y, (0, MOUTH), (0.2, 0.2))
    cheeks = _bump(side, y, (0.55, -0.15), (0.22, 0.22))
    brows = _bump(side, y, (0.45, 0.68), (0.34, 0.14))
    inner = _bump(side, y, (0.2, 0.62), (0.2, 0.13))
    eyes = _bump(side, y, EYE, (0.22, 0.13))
    return np.stack(
        [
            np.stack([none, -0.36 * dropped + 0.04 * raised, -0.06 * dropped], axis=-1),
            np.stack([0.09 * sign * corners, 0.17 * corners + 0.06 * cheeks, -0.04 * corners + 0.06 * cheeks], axis=-1),
            np.stack([0.03 * sign * frown, -0.16 * frown + 0.05 * pout, none], axis=-1),
            np.stack([none, 0.15 * brows, none], axis=-1),
            np.stack([-0.05 * sign * inner, -0.15 * inner, 0.03 * inner], axis=-1),
            np.stack([none, -0.75 * (y - EYE[1] + 0.03) * eyes, none], axis=-1),
        ]
    )


def landmark_places() -> Float[np.ndarray, "68 2"]:
    """x and y of dlib's 68 landmarks on the mean face."""
    heights = np.array([0.32, 0.04, -0.23, -0.50, -0.74, -0.95, -1.12, -1.23])
    edge = np.interp(heights, ROWS[::-1], half_width(np.array(ROWS[::-1])))
    jaw = np.column_stack([-edge, heights])
    brow = np.array([[-0.80, 0.60], [-0.67, 0.71], [-0.51, 0.74], [-0.35, 0.71], [-0.20, 0.64]])
    bridge = np.array([[0, 0.36], [0, 0.19], [0, 0.01], [0, -0.17]])
    nostrils = np.array([[-0.17, -0.27], [-0.09, -0.31], [0, -0.33]])
    eye = np.array([[-0.61, 0.34], [-0.51, 0.40], [-0.39, 0.40], [-0.29, 0.33], [-0.40, 0.30], [-0.51, 0.30]])
    upper = np.array([[-MOUTH_HALF_WIDTH, MOUTH], [-0.25, -0.57], [-0.10, -0.53], [0, -0.55]])
    lower = np.array([[0.25, -0.76], [0.11, -0.80], [0, -0.81]])
    inner_upper = np.array([[-0.33, MOUTH], [-0.12, ROWS[LIPS[0]]], [0, ROWS[LIPS[0]]]])
    inner_lower = np.array([[0.12, ROWS[LIPS[1]]], [0, ROWS[LIPS[1]]]])
    chin = np.array([[0, ROWS[-1]]])
    lips = [_to_the_other_side(line) for line in (upper, lower, inner_upper, inner_lower)]
    parts = [_to_the_other_side(np.vstack([jaw, chin])), brow, _mirrored(brow), bridge, _to_the_other_side(nostrils)]
    return np.vstack([*parts, eye, np.roll(_mirrored(eye), -2, axis=0), *lips])


def _to_the_other_side(line: Points) -> Float[np.ndarray, "m 2"]:
    """A line that ends on the face's middle, continued as its mirror image."""
    return np.vstack([line, _mirrored(line[:-1])])


def _mirrored(line: Points) -> Points:
    """The mirror image of a line, from its end to its beginning."""
    return line[::-1] * [-1, 1]


def _bump(x: np.ndarray, y: np.ndarray, centre: tuple[float, float], spread: tuple[float, float]) -> np.ndarray:
    """A Gaussian of height 1."""
    return np.exp(-(((x - centre[0]) / spread[0]) ** 2 + ((y - centre[1]) / spread[1]) ** 2) / 2)


@cache
def _bases() -> _Bases:
    flat = grid().reshape(-1, 2)
    mean = np.column_stack([flat, depth(flat)])
    return _Bases(mean, *_orthonormal(identity_fields(mean)), *_orthonormal(expression_fields(mean)))


def _orthonormal(fields: Float[np.ndarray, "k n 3"]) -> tuple[Float[np.ndarray, "n 3 k"], Float[np.ndarray, "k k"]]:
    """The fields made orthonormal one after the other, and the mixing that brings them back."""
    basis, mixing = np.linalg.qr(fields.reshape(len(fields), -1).T)
    signs = np.sign(np.diag(mixing))
    return (basis * signs).reshape(*fields.shape[1:], -1), mixing * signs[:, None]


def _triangles() -> Int64[np.ndarray, "f 3"]:
    """Two triangles for each cell of the grid; the right half is cut as the mirror image of the left."""
    places = np.arange(len(ROWS) * COLUMNS).reshape(len(ROWS), COLUMNS)
    a, b, c, d = places[:-1, :-1], places[1:, :-1], places[:-1, 1:], places[1:, 1:]
    left = np.stack([np.stack([a, b, c], axis=-1), np.stack([c, b, d], axis=-1)], axis=2)
    right = np.stack([np.stack([a, b, d], axis=-1), np.stack([a, d, c], axis=-1)], axis=2)
    half = COLUMNS // 2
    return np.concatenate([left[:, :half], right[:, half:]], axis=1).reshape(-1, 3)


def _between(points: Points) -> tuple[Int64[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """The triangle that each point of the mean face lies in, or next to, and its barycentric coordinates there."""
    triangles, flat = _triangles(), grid().reshape(-1, 2)
    corners = np.concatenate([flat[triangles], np.ones((len(triangles), 3, 1))], axis=-1).transpose(0, 2, 1)
    weights = np.linalg.solve(corners, np.column_stack([points, np.ones(len(points))]).T)
    best = weights.min(axis=1).argmax(axis=0)
    chosen = weights[best, :, np.arange(len(points))].clip(0)
    return triangles[best], chosen / chosen.sum(axis=1, keepdims=True)


def _tensor(array: np.ndarray) -> Float[Tensor, "..."]:
    return torch.from_numpy(array).float()
