"""The z-buffer agrees bit for bit with a plain loop over triangles, whatever it is given."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mutoscope.geometry import rasteriser
from mutoscope.geometry.rasteriser import draw_flat, interpolate, rasterise


def by_loop(vertices: np.ndarray, triangles: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The index of the nearest triangle and its weights for one mesh, triangle by triangle, pixel by pixel."""
    nearest = np.full((size, size), -np.inf, np.float32)
    index, weights = np.full((size, size), -1), np.zeros((size, size, 3), np.float32)
    for number, corners in enumerate(vertices[triangles].astype(float)):
        if not np.isfinite(corners).all():
            continue
        (ax, ay, _), (bx, by, _), (cx, cy, _) = corners
        for row, column in np.ndindex(size, size):
            x, y = column + 0.5, row + 0.5
            parts = np.array(
                [
                    (cx - bx) * (y - by) - (cy - by) * (x - bx),
                    (ax - cx) * (y - cy) - (ay - cy) * (x - cx),
                    (bx - ax) * (y - ay) - (by - ay) * (x - ax),
                ]
            )
            area = parts[0] + parts[1] + parts[2]
            if area == 0 or not ((parts >= 0).all() or (parts <= 0).all()):
                continue
            shares = parts / area
            depth = np.float32(shares[0] * corners[0, 2] + shares[1] * corners[1, 2] + shares[2] * corners[2, 2])
            if depth > nearest[row, column]:
                nearest[row, column], index[row, column], weights[row, column] = depth, number, shares
    return index, weights


def assert_as_by_loop(vertices: Tensor, triangles: Tensor, size: int) -> None:
    raster = rasterise(vertices, triangles, size)
    for number, mesh in enumerate(vertices):
        index, weights = by_loop(mesh.numpy(), triangles.numpy(), size)
        np.testing.assert_array_equal(raster.triangle[number], index)
        np.testing.assert_array_equal(raster.barycentric[number], weights)


def square(low: float, high: float, depth: float = 0.0) -> Tensor:
    return torch.tensor([[low, low, depth], [high, low, depth], [low, high, depth], [high, high, depth]])


TWO = torch.tensor([[0, 2, 1], [1, 2, 3]])


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 7), spread=st.sampled_from([0.3, 3.0, 30.0]))
def test_agrees_with_a_loop(seed: int, size: int, spread: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    vertices = torch.randn(2, 9, 3, generator=generator) * spread + size / 2
    triangles = torch.randint(9, (12, 3), generator=generator)  # some without area
    assert_as_by_loop(vertices, triangles, size)


@given(seed=st.integers(0, 2**32 - 1))
def test_agrees_where_all_falls_together(seed: int) -> None:
    """Corners on pixel centres, few depths, negative zero among them: shared edges, equal depths, no area."""
    generator = torch.Generator().manual_seed(seed)
    vertices = torch.randint(-1, 6, (1, 10, 3), generator=generator) / 2
    vertices[..., 2] = vertices[..., 2].round() * -0.0
    assert_as_by_loop(vertices, torch.randint(10, (16, 3), generator=generator), 3)


def test_a_square_covers_each_pixel_once_and_has_no_gap() -> None:
    raster = rasterise(square(1, 5)[None], TWO, 6)
    expected = torch.zeros(6, 6, dtype=torch.bool)
    expected[1:5, 1:5] = True
    torch.testing.assert_close(raster.triangle[0] >= 0, expected)
    torch.testing.assert_close(raster.barycentric[0].sum(-1), expected.float())


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_the_nearer_triangle_wins(order: list[int]) -> None:
    vertices = torch.cat([square(0, 4, depth=-2.0), square(0, 4, depth=1.5)])
    triangles = torch.cat([TWO[:1], TWO[:1] + 4])[order]
    drawn = rasterise(vertices[None], triangles, 4).triangle
    assert set(drawn.unique().tolist()) == {-1, order.index(1)}


def test_at_equal_depth_the_lower_index_wins() -> None:
    assert set(rasterise(square(0, 4)[None], TWO[[0, 0, 0]], 4).triangle.unique().tolist()) == {-1, 0}


def test_both_sides_are_seen() -> None:
    front = rasterise(square(0, 4)[None], TWO, 4).triangle
    torch.testing.assert_close(rasterise(square(0, 4)[None], TWO.flip(1), 4).triangle, front)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_what_is_not_finite_is_not_seen(value: float, axis: int) -> None:
    vertices = square(0, 4)
    vertices[3, axis] = value
    raster = rasterise(vertices[None], TWO, 4)
    assert set(raster.triangle.unique().tolist()) == {-1, 0}
    assert raster.barycentric.isfinite().all()


@pytest.mark.parametrize("far", [-1e30, -50.0, 50.0, 1e30])
def test_what_is_outside_the_picture_is_not_seen(far: float) -> None:
    assert (rasterise(square(far, far + 4)[None], TWO, 4).triangle == -1).all()


def test_a_huge_triangle_covers_all() -> None:
    corners = torch.tensor([[[-1e6, -1e6, 0], [3e6, -1e6, 0], [-1e6, 3e6, 0]]])
    assert (rasterise(corners, torch.tensor([[0, 1, 2]]), 5).triangle == 0).all()


def test_no_meshes_and_no_triangles() -> None:
    assert rasterise(torch.zeros(0, 4, 3), TWO, 4).triangle.shape == (0, 4, 4)
    assert (rasterise(torch.zeros(1, 4, 3), TWO[:0], 4).triangle == -1).all()


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    vertices, triangles = (
        torch.rand(3, 30, 3, generator=generator) * 16,
        torch.randint(30, (50, 3), generator=generator),
    )
    whole = rasterise(vertices, triangles, 16)
    monkeypatch.setitem(rasteriser.CANDIDATES_AT_ONCE, "cpu", 100)
    for one, other in zip(whole, rasterise(vertices, triangles, 16), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_interpolation_is_exact_for_what_is_linear_and_differentiable() -> None:
    vertices = square(0.2, 5.8)[None].requires_grad_()
    raster = rasterise(vertices, TWO, 6)
    drawn = interpolate(raster, TWO, vertices)
    inside = raster.triangle[0] >= 0
    rows, columns = inside.nonzero().T
    torch.testing.assert_close(drawn[0, :2, inside], torch.stack([columns, rows]) + 0.5)
    drawn.sum().backward()
    assert vertices.grad is not None
    torch.testing.assert_close(vertices.grad.sum(), 3.0 * inside.sum())


def test_outside_is_zero() -> None:
    raster = rasterise(square(1, 3)[None], TWO, 4)
    outside = raster.triangle[0] < 0
    assert (interpolate(raster, TWO, torch.ones(4, 2))[0, :, outside] == 0).all()
    flat = draw_flat(raster, torch.tensor([[[1.0], [2.0]]]))[0, 0]
    torch.testing.assert_close(flat, raster.triangle[0] + 1.0)
