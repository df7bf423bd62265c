"""The geometry of toy faces: one kind of shape for all parts, and heads that carry them as they turn.

A head is a sphere stretched to the ellipse of the face. Its parts are fixed to the sphere: when the head turns they
move and are foreshortened as there, without perspective; then the head is rolled and shifted in the picture's plane.
All lengths are shares of the picture's side, x to the right and y downwards from its upper left corner.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mutoscope.data.synthetic.face_parameters import Value

Values = Float[np.ndarray, "..."]

FORESHORTENING = (0.3, 1.2)
"""Least and largest factor by which a turn changes the width or height of a part."""


class Part(NamedTuple):
    """An ellipse about a bent middle line; arrays of one value per frame, `n`, or of pairs (left, right), `2 n`.

    Attributes:
        x: of the middle.
        y: of the middle.
        half_width: along the middle line.
        above: from the middle line to the upper edge.
        below: from the middle line to the lower edge.
        bend: how far the ends of the middle line lie above its middle.
        angle: clockwise, radians.
    """

    x: Values
    y: Values
    half_width: Values
    above: Values
    below: Values
    bend: Values
    angle: Values

    def edge(self, angles: Float[np.ndarray, "... k"]) -> Float[np.ndarray, "... k 2"]:
        """Points (x, y) on the edge, at angles of the ellipse from its right end over its lowest point (radians)."""
        sine = np.sin(angles)
        x = self.half_width[..., None] * np.cos(angles)
        y = sine * np.where(sine < 0, self.above[..., None], self.below[..., None])
        y = y + self.bend[..., None] * (0.5 - np.cos(angles) ** 2)
        cos, sin = np.cos(self.angle)[..., None], np.sin(self.angle)[..., None]
        return np.stack([self.x[..., None] + cos * x - sin * y, self.y[..., None] + sin * x + cos * y], axis=-1)

    def moved(self, right: Value, down: Value) -> "Part":
        """The part moved along its own axes."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return self._replace(x=self.x + cos * right - sin * down, y=self.y + sin * right + cos * down)

    def grown(self, by: float) -> "Part":
        """The part with its edge moved outwards."""
        return self._replace(half_width=self.half_width + by, above=self.above + by, below=self.below + by)

    def scaled(self, by: float) -> "Part":
        """The part made larger or smaller about its middle."""
        sizes = {name: by * getattr(self, name) for name in ("half_width", "above", "below", "bend")}
        return self._replace(**sizes)


class Head(NamedTuple):
    """A stretched sphere in a pose, one value per frame: middle, half-width and half-height, and turns in radians."""

    x: Float[np.ndarray, "n"]
    y: Float[np.ndarray, "n"]
    half_width: Float[np.ndarray, "n"]
    half_height: Float[np.ndarray, "n"]
    yaw: Float[np.ndarray, "n"]
    pitch: Float[np.ndarray, "n"]
    roll: Float[np.ndarray, "n"]

    def point(self, across: Value, down: Value, lift: Value = 0.0) -> tuple[Values, Values]:
        """Where (across, down) on the sphere's front comes to lie, in the picture.

        Args:
            across: from -1 (left end of the head) to 1 (right end).
            down: from -1 (its top) to 1 (chin).
            lift: height above the sphere, in radii.
        """
        depth = _depth(across, down) + lift
        turned = across * np.cos(self.yaw) + depth * np.sin(self.yaw)
        depth = depth * np.cos(self.yaw) - across * np.sin(self.yaw)
        return self.flat_point(turned, down * np.cos(self.pitch) + depth * np.sin(self.pitch))

    def flat_point(self, across: Value, down: Value) -> tuple[Values, Values]:
        """Where a point of the head's plane comes to lie in the picture: rolled and shifted, but not turned."""
        x, y = across * self.half_width, down * self.half_height
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        return self.x + cos * x - sin * y, self.y + sin * x + cos * y

    def part(
        self,
        across: Value,
        down: Value,
        half_width: Value,
        above: Value,
        below: Value | None = None,
        *,
        bend: Value = 0.0,
        tilt: Value = 0.0,
        lift: float = 0.0,
    ) -> Part:
        """A part fixed to the sphere at (across, down), foreshortened as it is there; `below` is `above` if None."""
        depth = _depth(across, down)
        narrow = np.clip(np.cos(self.yaw) - across / depth * np.sin(self.yaw), *FORESHORTENING)
        low = np.clip(np.cos(self.pitch) - down / depth * np.sin(self.pitch), *FORESHORTENING)
        x, y = self.point(across, down, lift)
        below = above if below is None else below
        return part(x, y, half_width * narrow, above * low, below * low, bend=bend * low, angle=self.roll + tilt)

    def flat_part(self, across: Value, down: Value, half_width: Value, above: Value, below: Value) -> Part:
        """A part of the head's outline, which no turn foreshortens."""
        x, y = self.flat_point(across, down)
        return part(x, y, half_width, above, below, angle=self.roll)


def part(
    x: Value, y: Value, half_width: Value, above: Value, below: Value, *, bend: Value = 0.0, angle: Value = 0.0
) -> Part:
    """A part whose measures are brought to one shape."""
    return Part(*np.broadcast_arrays(x, y, half_width, above, below, bend, angle))


def line(start: Float[np.ndarray, "... 2"], end: Float[np.ndarray, "... 2"], width: float) -> Part:
    """A thin part from one point to another."""
    x, y = np.moveaxis((start + end) / 2, -1, 0)
    right, down = np.moveaxis(end - start, -1, 0)
    return part(x, y, np.hypot(right, down) / 2, width / 2, width / 2, angle=np.arctan2(down, right))


def stack(parts: list[Part]) -> Part:
    """Parts as rows of one."""
    return Part(*(np.stack(values) for values in zip(*parts, strict=True)))


def unstack(parts: Part) -> list[Part]:
    """The rows of a part."""
    return [Part(*values) for values in zip(*parts, strict=True)]


def _depth(across: Value, down: Value) -> Values:
    """Of the unit sphere's front; at its rim a little more than none, so that slopes stay finite."""
    return np.sqrt(np.maximum(1 - np.square(across) - np.square(down), 0.04))
