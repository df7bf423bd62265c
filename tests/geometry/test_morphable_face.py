"""Faces are linear in their coefficients, and a posed face is where its scale, rotation and translation say."""

import math

import pytest
import torch
from torch import Tensor

from mutoscope.geometry.morphable_face import project
from mutoscope.geometry.rotations import axis_angle, nearest_rotation, rotation_matrix
from mutoscope.geometry.toy_face import toy_face

FACE = toy_face()


def coefficients(count: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, FACE.n_identity, generator=generator), torch.randn(
        count, FACE.n_expression, generator=generator
    )


def test_no_coefficients_give_the_mean_face() -> None:
    mesh = FACE.mesh(torch.zeros(2, FACE.n_identity), torch.zeros(2, FACE.n_expression))
    torch.testing.assert_close(mesh, FACE.mean.expand(2, -1, -1))


def test_meshes_are_linear_in_both_kinds_of_coefficients() -> None:
    (a, b), (c, d) = coefficients(3, 0), coefficients(3, 1)
    together = FACE.mesh(a + 2 * c, b + 2 * d) - FACE.mean
    torch.testing.assert_close(together, FACE.mesh(a, b) - FACE.mean + 2 * (FACE.mesh(c, d) - FACE.mean))


def test_expressions_move_everybody_alike() -> None:
    (a, b), (c, d) = coefficients(3, 0), coefficients(3, 1)
    moved = torch.einsum("vxe,ne->nvx", FACE.expression_basis, d - b)
    for identity in (a, c):
        torch.testing.assert_close(FACE.mesh(identity, d) - FACE.mesh(identity, b), moved, atol=1e-5, rtol=0)


def test_parameters_are_split_and_joined_again() -> None:
    parameters = torch.arange(2.0 * FACE.n_parameters).view(2, -1)
    parts = FACE.split(parameters)
    torch.testing.assert_close(parts.flat(), parameters)
    torch.testing.assert_close(parts.scale[0], torch.tensor([14.0]))
    with pytest.raises(ValueError, match=r"19 face parameters \(this model has 20\)"):
        FACE.split(parameters[:, 1:])


def test_projection_scales_turns_y_over_and_shifts() -> None:
    point = torch.tensor([[[1.0, 2.0, 3.0]]])
    seen = project(point, torch.tensor([[10.0]]), torch.zeros(1, 3), torch.tensor([[50.0, 60.0]]))
    torch.testing.assert_close(seen, torch.tensor([[[60.0, 40.0, 30.0]]]))


def test_a_quarter_turn_about_the_upright_axis_brings_the_nose_to_the_right() -> None:
    nose = torch.tensor([[[0.0, 0.0, 1.0]]])
    seen = project(nose, torch.ones(1, 1), torch.tensor([[0.0, math.pi / 2, 0.0]]), torch.zeros(1, 2))
    torch.testing.assert_close(seen, torch.tensor([[[1.0, 0.0, 0.0]]]), atol=1e-6, rtol=0)


def test_the_landmark_model_is_where_the_landmarks_are() -> None:
    generator = torch.Generator().manual_seed(2)
    parameters = torch.randn(4, FACE.n_parameters, generator=generator)
    torch.testing.assert_close(FACE.landmark_model().posed(parameters), FACE.landmarks(FACE.posed(parameters)))


def test_rotations_survive_the_way_to_matrices_and_back() -> None:
    generator = torch.Generator().manual_seed(3)
    rotation = torch.randn(50, 3, generator=generator, dtype=torch.float64)
    rotation = torch.cat([rotation * (3 / rotation.norm(dim=-1, keepdim=True)).clamp(max=1), torch.zeros(1, 3)])
    matrix = rotation_matrix(rotation)
    torch.testing.assert_close(matrix @ matrix.transpose(-1, -2), torch.eye(3).double().expand(51, -1, -1))
    torch.testing.assert_close(axis_angle(matrix), rotation)
    torch.testing.assert_close(nearest_rotation(7 * matrix[:, :2]), matrix)


def test_no_rotation_has_a_gradient() -> None:
    rotation = torch.zeros(1, 3, requires_grad=True)
    rotation_matrix(rotation)[0, 0, 1].backward()
    assert rotation.grad is not None
    torch.testing.assert_close(rotation.grad, torch.tensor([[0.0, 0.0, -1.0]]))
