"""Signed distances are distances, and what is drawn with them has the area it should have."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mutoscope.data.synthetic import sdf

SIZE = 32
L_SHAPE = torch.tensor([[-9.0, -9.0], [0.0, -9.0], [0.0, 1.0], [9.0, 1.0], [9.0, 9.0], [-9.0, 9.0]])
SHAPES = {
    "circle": lambda points: sdf.circle(points, 7.0),
    "box": lambda points: sdf.box(points, 9.0, 4.0),
    "turned box": lambda points: sdf.box(sdf.rotate(points, 0.5), 9.0, 4.0),
    "triangle": lambda points: sdf.triangle(points, 14.0),
    "ellipse": lambda points: sdf.ellipse(points, 10.0, 4.0),
    "tall ellipse": lambda points: sdf.ellipse(points, 3.0, 9.0),
    "capsule": lambda points: sdf.capsule(points, torch.tensor([-6.0, 2.0]), torch.tensor([5.0, -3.0]), 2.5),
    "concave polygon": lambda points: sdf.polygon(points, L_SHAPE),
    "union": lambda points: sdf.union(sdf.circle(points, 5.0), sdf.box(points, 9.0, 2.0)),
}
EXACT = ("circle", "box", "turned box", "triangle", "ellipse", "tall ellipse", "capsule", "concave polygon")
each_shape = pytest.mark.parametrize("shape", SHAPES)
positions = st.floats(14.0, 18.0)


def centred(size: int = SIZE) -> sdf.Points:
    return sdf.translate(sdf.grid(size, size), size / 2, size / 2)


def area(distance: Tensor) -> float:
    return sdf.coverage(distance).sum().item()


@each_shape
def test_distances_are_1_lipschitz(shape):
    distance = SHAPES[shape](centred())
    assert distance.shape == (SIZE, SIZE)
    assert distance.diff(dim=0).abs().max() <= 1 + 1e-3
    assert distance.diff(dim=1).abs().max() <= 1 + 1e-3
    assert (distance[1:, 1:] - distance[:-1, :-1]).abs().max() <= math.sqrt(2) + 1e-3


@pytest.mark.parametrize("shape", EXACT)
def test_distance_is_that_to_the_nearest_edge(shape):
    """Against the edge found by brute force on a grid sixteen times finer."""
    fine = centred(SIZE * 16)
    fine = sdf.Points(fine.x / 16, fine.y / 16)
    edge_rows, edge_columns = torch.nonzero(SHAPES[shape](fine).abs() < 0.08, as_tuple=True)
    edge = torch.stack([fine.x[0, edge_columns], fine.y[edge_rows, 0]], dim=-1)
    coarse = centred()
    pixels = torch.stack(torch.broadcast_tensors(coarse.x, coarse.y), dim=-1).reshape(-1, 2)
    nearest = torch.cdist(pixels, edge).min(dim=1).values.reshape(SIZE, SIZE)
    assert (SHAPES[shape](coarse).abs() - nearest).abs().max() < 0.12


@given(half_width=st.floats(2, 12), aspect=st.floats(1, 4), angle=st.floats(0, 2 * math.pi), push=st.floats(-0.9, 9))
def test_ellipse_distance_is_exact_along_its_normals(half_width, aspect, angle, push):
    half_height = half_width / aspect
    push *= half_height**2 / half_width if push < 0 else 1  # no farther inwards than the smallest radius of curvature
    normal = torch.tensor([math.cos(angle) / half_width, math.sin(angle) / half_height])
    normal /= normal.norm()
    x = half_width * math.cos(angle) + push * normal[0]
    y = half_height * math.sin(angle) + push * normal[1]
    distance = sdf.ellipse(sdf.Points(x[None, None], y[None, None]), half_width, half_height)
    assert distance.item() == pytest.approx(push, abs=0.02)


def test_round_ellipse_is_a_circle():
    torch.testing.assert_close(sdf.ellipse(centred(), 6.0, 6.0), sdf.circle(centred(), 6.0), atol=1e-4, rtol=0)


def test_rectangular_polygon_is_a_box_in_either_direction():
    corners = torch.tensor([[-9.0, -4.0], [9.0, -4.0], [9.0, 4.0], [-9.0, 4.0]])
    for vertices in (corners, corners.flip(0)):
        torch.testing.assert_close(sdf.polygon(centred(), vertices), sdf.box(centred(), 9.0, 4.0))


def test_polygon_edge_through_pixel_centres_leaves_no_holes():
    """Vertices level with rows of pixel centres must not be counted twice or missed."""
    diamond = torch.tensor([[0.0, -7.5], [7.5, 0.5], [0.0, 7.5], [-7.5, 0.5]])
    inside = sdf.polygon(centred(), diamond) < 0
    runs = inside.int().diff(dim=1, prepend=torch.zeros(SIZE, 1), append=torch.zeros(SIZE, 1)).abs().sum(dim=1)
    assert set(runs.tolist()) <= {0.0, 2.0}


@given(radius=st.floats(2, 10), x=positions, y=positions)
def test_circle_covers_its_area(radius, x, y):
    points = sdf.translate(sdf.grid(SIZE, SIZE), x, y)
    assert area(sdf.circle(points, radius)) == pytest.approx(math.pi * radius**2, rel=0.02, abs=0.65)


@given(half_width=st.floats(1, 9), half_height=st.floats(1, 9), x=positions, y=positions, angle=st.floats(0, math.pi))
def test_turned_box_covers_its_area(half_width, half_height, x, y, angle):
    """Each corner may count for up to a quarter of a pixel too much, a slanted edge for a sixteenth of its length."""
    points = sdf.rotate(sdf.translate(sdf.grid(SIZE, SIZE), x, y), angle)
    off = 1.05 + 4 * (half_width + half_height) / 16
    assert area(sdf.box(points, half_width, half_height)) == pytest.approx(4 * half_width * half_height, abs=off)


@given(side=st.floats(6, 20), x=positions, y=positions)
def test_triangle_covers_its_area(side, x, y):
    points = sdf.translate(sdf.grid(SIZE, SIZE), x, y)
    assert area(sdf.triangle(points, side)) == pytest.approx(math.sqrt(3) / 4 * side**2, rel=0.03, abs=1.0)


@given(half_width=st.floats(4, 10), half_height=st.floats(4, 10), x=positions, y=positions)
def test_ellipse_covers_its_area(half_width, half_height, x, y):
    points = sdf.translate(sdf.grid(SIZE, SIZE), x, y)
    expected = math.pi * half_width * half_height
    assert area(sdf.ellipse(points, half_width, half_height)) == pytest.approx(expected, rel=0.02, abs=0.4)


@each_shape
@settings(max_examples=10)
@given(x=st.integers(-6, 6), y=st.integers(-6, 6))
def test_moving_by_whole_pixels_moves_the_picture(shape, x, y):
    still = sdf.coverage(SHAPES[shape](centred(64)))
    moved = sdf.coverage(SHAPES[shape](sdf.translate(centred(64), x, y)))
    torch.testing.assert_close(moved, still.roll((y, x), dims=(0, 1)), atol=1e-4, rtol=0)


def test_rotation_goes_from_right_to_down():
    points = sdf.rotate(centred(), math.pi / 2)
    torch.testing.assert_close(sdf.box(points, 9.0, 4.0), sdf.box(centred(), 4.0, 9.0), atol=1e-4, rtol=0)
    beside = sdf.translate(points, 8.0, 0.0)  # an origin 8 to the right, in a frame that was then turned
    row, column = divmod(sdf.circle(beside, 1.0).argmin().item(), SIZE)
    assert row > SIZE / 2 + 6
    assert abs(column - SIZE / 2) <= 1


def test_a_batch_is_its_frames_one_by_one():
    x, y, angle = torch.tensor([10.0, 16.3, 20.0]), torch.tensor([12.0, 16.0, 18.7]), torch.tensor([0.0, 0.4, 2.0])
    half, vertices = torch.tensor([3.0, 4.0, 5.0]), L_SHAPE * torch.tensor([0.5, 0.8, 1.0])[:, None, None]
    end = torch.stack([half, -half], dim=-1)

    def draw(x, y, angle, half, vertices, end):
        points = sdf.rotate(sdf.translate(sdf.grid(SIZE, SIZE), x, y), angle)
        limb = sdf.capsule(points, torch.zeros(2), end, half / 4)
        body = sdf.union(sdf.polygon(points, vertices), sdf.ellipse(points, half, 6.0))
        return sdf.union(limb, body, sdf.triangle(points, 2 * half), sdf.box(points, half, 2.0))

    batch = draw(x, y, angle, half, vertices, end)
    assert batch.shape == (3, SIZE, SIZE)
    for i, frame in enumerate(batch):
        torch.testing.assert_close(draw(x[i], y[i], angle[i], half[i], vertices[i], end[i]), frame)


def test_grow_moves_the_edge():
    torch.testing.assert_close(sdf.grow(sdf.circle(centred(), 5.0), 2.0), sdf.circle(centred(), 7.0))


def test_paint_mixes_colours_by_coverage():
    canvas = torch.full((3, 1, 3), 0.2)
    cover = torch.tensor([[[0.0, 0.5, 1.0]], [[1.0, 0.0, 0.0]]])
    colour = torch.tensor([[1.0, 0.6, 0.2], [0.0, 0.0, 0.0]])
    painted = sdf.paint(canvas, cover, colour)
    assert painted.shape == (2, 3, 1, 3)
    torch.testing.assert_close(painted[0, :, 0], torch.tensor([[0.2, 0.6, 1.0], [0.2, 0.4, 0.6], [0.2, 0.2, 0.2]]))
    torch.testing.assert_close(painted[1, :, 0], torch.tensor([[0.0, 0.2, 0.2]] * 3))
    assert (canvas == 0.2).all()
