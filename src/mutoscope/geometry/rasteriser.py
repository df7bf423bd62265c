"""Which triangle of a mesh each pixel shows: a z-buffer for many meshes at once, in plain torch.

Every pixel whose centre lies in the bounding box of a triangle is a candidate. Candidates inside their triangle send
a number to their pixel that is larger the nearer they are, and the largest wins: the result does not depend on the
order in which they arrive, hence is the same in every run and on every device.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

CANDIDATES_AT_ONCE = {"cpu": 2**16, "cuda": 2**21}
"""What fits a processor's cache, and what keeps a GPU busy; a single triangle may have more."""
NOTHING = torch.iinfo(torch.int64).min
LOWER_HALF = 2**32 - 1


class Raster(NamedTuple):
    """What each pixel shows.

    Attributes:
        triangle: the index of the nearest triangle, -1 where there is none.
        barycentric: how far the pixel's centre is that triangle's first, second and third corner; they sum to 1, and
            are 0 where there is no triangle.
    """

    triangle: Int[Tensor, "n size size"]
    barycentric: Float[Tensor, "n size size 3"]


def rasterise(vertices: Float[Tensor, "n v 3"], triangles: Int[Tensor, "f 3"], size: int) -> Raster:
    """Finds the nearest triangle at the centre of every pixel, whichever side of it is seen.

    Of two triangles at equal depth (float32) the one with the lower index wins. An edge belongs to both triangles that
    share it, so that there are no gaps. Triangles without area, or with a corner that is not finite, are not seen.
    No gradient flows through.

    Args:
        vertices: x to the right and y downwards in pixels, z larger towards the viewer.
        triangles: the vertices of each corner.
        size: height and width of the picture in pixels.
    """
    vertices = vertices.detach().float()
    kept, first, count = _bounding_boxes(vertices, triangles, size)
    nearest = vertices.new_full((len(vertices) * size * size,), NOTHING, dtype=torch.int64)
    points = vertices.reshape(-1, 3).T.double().view(3, *vertices.shape[:2])
    for part in _parts(count[0] * count[1], CANDIDATES_AT_ONCE.get(vertices.device.type, 2**21)):
        pixels, keys = _candidates(points, triangles, kept[:, part], first[:, part], count[:, part], size)
        nearest.scatter_reduce_(0, pixels, keys, "amax")
    covered = (nearest != NOTHING).nonzero().squeeze(-1)
    winners = LOWER_HALF - (nearest[covered] & LOWER_HALF)
    frame, pixel = covered // size**2, covered % size**2
    weights, _ = _weights(_corners(points, triangles, frame, winners), pixel % size, pixel // size)
    triangle = torch.full_like(nearest, -1)
    triangle[covered] = winners
    barycentric = vertices.new_zeros(len(nearest), 3)
    barycentric[covered] = weights.float().T
    return Raster(triangle.view(-1, size, size), barycentric.view(-1, size, size, 3))


def interpolate(
    raster: Raster, triangles: Int[Tensor, "f 3"], attributes: Float[Tensor, "n v c"] | Float[Tensor, "v c"]
) -> Float[Tensor, "n c size size"]:
    """Values given at the vertices, at every pixel; 0 where there is no triangle. Gradients reach `attributes`."""
    corners = triangles[raster.triangle.clamp_min(0)]
    if attributes.ndim == 2:
        values = attributes[corners]
    else:
        values = attributes[torch.arange(len(attributes), device=corners.device).view(-1, 1, 1, 1), corners]
    return torch.einsum("nhwkc,nhwk->nchw", values, raster.barycentric.to(values.dtype))


def draw_flat(raster: Raster, colours: Float[Tensor, "n f c"]) -> Float[Tensor, "n c size size"]:
    """Values given for whole triangles, at every pixel; 0 where there is no triangle. Gradients reach `colours`."""
    count, size, _ = raster.triangle.shape
    chosen = raster.triangle.view(count, -1, 1).clamp_min(0).expand(-1, -1, colours.shape[-1])
    drawn = colours.gather(1, chosen).transpose(1, 2).reshape(count, -1, size, size)
    return torch.where((raster.triangle >= 0).unsqueeze(1), drawn, 0)


def _bounding_boxes(vertices: Tensor, triangles: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Frame and index (2 k) of triangles whose box holds pixel centres; first column, row (2 k); how many of both."""
    # a vertex that is not finite makes the box of its triangles NaN, which no pixel is in
    x, y, _ = torch.where(vertices.isfinite().all(-1), vertices.permute(2, 0, 1), torch.nan)
    low, high = [], []
    usable = torch.ones(len(vertices), len(triangles), dtype=torch.bool, device=vertices.device)
    for along in (x, y):
        a, b, c = (along.index_select(1, corner) for corner in triangles.T)
        low.append((torch.minimum(torch.minimum(a, b), c) - 0.5).ceil_().clamp_(0, size))
        high.append((torch.maximum(torch.maximum(a, b), c) - 0.5).floor_().clamp_(-1, size - 1))
        usable &= low[-1] <= high[-1]
    kept = usable.nonzero().T.contiguous()
    place = kept[0] * len(triangles) + kept[1]
    first, last = (torch.stack([side.take(place) for side in ends]).long() for ends in (low, high))
    return kept, first, last - first + 1


def _parts(counts: Tensor, most: int) -> Iterator[slice]:
    """Runs of triangles that together have at most so many candidates, or are single."""
    ends = counts.cumsum(0)
    start = done = 0
    while start < len(counts):
        stop = int(torch.searchsorted(ends, done + most, right=True))
        stop = max(stop, start + 1)
        yield slice(start, stop)
        start, done = stop, int(ends[stop - 1])


def _candidates(
    points: Tensor, triangles: Tensor, kept: Tensor, first: Tensor, count: Tensor, size: int
) -> tuple[Tensor, Tensor]:
    """The pixels (k) inside the triangles, and keys (k) that order them by depth, then by index."""
    counts = count[0] * count[1]
    owner = torch.repeat_interleave(counts)
    start, width, left, top = _taken(torch.stack([counts.cumsum(0) - counts, count[0], *first]), owner)
    place = torch.arange(len(owner), device=owner.device) - start
    row = place // width
    column = place - row * width + left
    row += top
    corners = _taken(_corners(points, triangles, *kept), owner)
    weights, inside = _weights(corners, column, row)
    depth = (weights[0] * corners[6] + weights[1] * corners[7] + weights[2] * corners[8]).float()
    frame, triangle = _taken(kept, owner)
    keys = (_ordered(depth) << 32) | (LOWER_HALF - triangle)
    return ((frame * size + row) * size + column)[inside], keys[inside]


def _corners(points: Tensor, triangles: Tensor, frame: Tensor, triangle: Tensor) -> Tensor:
    """Rows x, y and z of the three corners of each triangle (9 k), of points (3 n v).

    They are float64, in which products of differences of float32 numbers are all but exact: neighbours agree on which
    side of their edge a pixel is.
    """
    places = frame * points.shape[2] + _taken(triangles.T, triangle)
    return _taken(points.flatten(1), places.flatten()).view(9, -1)


def _taken(rows: Tensor, places: Tensor) -> Tensor:
    """`rows[:, places]`, several times as fast."""
    return rows.gather(1, places.expand(len(rows), -1))


def _weights(corners: Tensor, column: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
    """Barycentric coordinates (3 k) of pixel centres, and whether they are inside (k)."""
    ax, bx, cx, ay, by, cy = corners[:6]
    x, y = column + 0.5, row + 0.5
    parts = (
        (cx - bx) * (y - by) - (cy - by) * (x - bx),
        (ax - cx) * (y - cy) - (ay - cy) * (x - cx),
        (bx - ax) * (y - ay) - (by - ay) * (x - ax),
    )
    area = parts[0] + parts[1] + parts[2]
    one_side = (torch.minimum(torch.minimum(parts[0], parts[1]), parts[2]) >= 0) & (area > 0)
    other_side = (torch.maximum(torch.maximum(parts[0], parts[1]), parts[2]) <= 0) & (area < 0)
    return torch.stack(parts) / area, one_side | other_side


def _ordered(depth: Tensor) -> Tensor:
    """Float32 numbers as int64 numbers below 2³¹ in the same order."""
    bits = (depth + 0.0).view(torch.int32)  # -0 becomes 0
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).long()
