"""The toy face is a face: its bases are orthonormal, it looks at the viewer, landmarks are where they belong."""

import numpy as np
import torch

from mutoscope.geometry.face_maps import triangle_normals
from mutoscope.geometry.toy_face import (
    EXPRESSION_FIELDS,
    IDENTITY_FIELDS,
    expression_coefficients,
    expression_fields,
    identity_coefficients,
    identity_fields,
    landmark_places,
    toy_face,
)

FACE = toy_face()
MEAN = FACE.mean.double().numpy()
LANDMARKS = FACE.landmarks(FACE.mean.unsqueeze(0))[0]


def test_it_has_the_size_it_says() -> None:
    assert FACE.mean.shape == (576, 3)
    assert FACE.triangles.shape == (1058, 3)
    assert (FACE.n_identity, FACE.n_expression) == (len(IDENTITY_FIELDS), len(EXPRESSION_FIELDS)) == (8, 6)


def test_bases_are_orthonormal() -> None:
    for basis in (FACE.identity_basis, FACE.expression_basis):
        columns = basis.flatten(0, 1)
        torch.testing.assert_close(columns.T @ columns, torch.eye(columns.shape[1]), atol=1e-5, rtol=0)


def test_strengths_of_the_fields_become_coefficients() -> None:
    strengths = np.random.default_rng(0).standard_normal((4, 6))
    moved = torch.einsum(
        "vxe,ne->nvx", FACE.expression_basis, torch.from_numpy(expression_coefficients(strengths)).float()
    )
    np.testing.assert_allclose(moved, np.einsum("nk,kvx->nvx", strengths, expression_fields(MEAN)), atol=1e-5)
    strengths = np.random.default_rng(1).standard_normal((4, 8))
    moved = torch.einsum("vxk,nk->nvx", FACE.identity_basis, torch.from_numpy(identity_coefficients(strengths)).float())
    np.testing.assert_allclose(moved, np.einsum("nk,kvx->nvx", strengths, identity_fields(MEAN)), atol=1e-5)


def test_deviations_are_those_of_the_coefficients_of_people() -> None:
    strengths = np.random.default_rng(0).standard_normal((20_000, 8))
    np.testing.assert_allclose(identity_coefficients(strengths).std(0), FACE.identity_deviations, rtol=0.03)


def test_all_triangles_face_the_viewer() -> None:
    normals = triangle_normals(FACE.mean.unsqueeze(0), FACE.triangles)
    assert (normals[..., 2] > 0).all()


def test_landmarks_are_where_they_are_meant_to_be() -> None:
    torch.testing.assert_close(FACE.landmark_weights.sum(-1), torch.ones(68))
    np.testing.assert_allclose(LANDMARKS[:, :2], landmark_places(), atol=1e-5)


def test_landmarks_are_mirror_images_in_dlibs_order() -> None:
    left = torch.tensor([0, 8, 17, 27, 31, 36, 37, 39, 41, 48, 59, 60, 61, 67])
    right = torch.tensor([16, 8, 26, 27, 35, 45, 44, 42, 46, 54, 55, 64, 63, 65])
    torch.testing.assert_close(LANDMARKS[left], LANDMARKS[right] * torch.tensor([-1, 1, 1]), atol=1e-5, rtol=0)
    assert (LANDMARKS[left, 0] <= LANDMARKS[right, 0]).all()


def opened(field: str) -> torch.Tensor:
    """How the landmarks move with an expression."""
    strengths = np.zeros((1, 6))
    strengths[0, EXPRESSION_FIELDS.index(field)] = 1
    moved = FACE.mesh(torch.zeros(1, 8), torch.from_numpy(expression_coefficients(strengths)).float())
    return FACE.landmarks(moved)[0] - LANDMARKS


def test_the_mouth_opens_between_its_corners() -> None:
    moved = opened("mouth open")
    assert (moved[[65, 66, 67, 57, 8], 1] < -0.2).all()
    assert (moved[[61, 62, 63, 48, 54, 60, 64, 30], 1] > -0.1).all()


def test_expressions_move_what_they_say() -> None:
    assert (opened("corners up")[[48, 54], 1] > 0.1).all()
    assert (opened("corners down")[[48, 54], 1] < -0.1).all()
    assert (opened("brows up")[[19, 24], 1] > 0.1).all()
    assert (opened("brows down")[[21, 22], 1] < -0.1).all()
    squeezed = opened("eye squeeze")
    assert (squeezed[[37, 38, 43, 44], 1] < squeezed[[41, 40, 47, 46], 1]).all()
