"""Normal maps are unit normals on the face and exactly 0 elsewhere; turning the head turns only those of the camera."""

import pytest
import torch
from torch import Tensor

from mutoscope.geometry.face_maps import Space, normal_maps, triangle_normals, vertex_normals
from mutoscope.geometry.toy_face import toy_face

FACE = toy_face()


def parameters(count: int = 3, turn: float = 0.0, size: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    pose = torch.tensor([0.35 * size, 0.0, turn, 0.0, size / 2, size / 2])
    coefficients = [
        torch.randn(count, len(deviations), generator=generator) * deviations
        for deviations in (FACE.identity_deviations, FACE.expression_deviations / 2)
    ]
    return torch.cat([*coefficients, pose.expand(count, -1)], dim=-1)


@pytest.mark.parametrize("space", ["camera", "object"])
@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_unit_normals_inside_and_nothing_outside(space: Space, turn: float) -> None:
    maps = normal_maps(FACE, parameters(turn=turn), 32, space)
    assert maps.shape == (3, 3, 32, 32)
    length = maps.norm(dim=1)
    inside = length > 0
    torch.testing.assert_close(length[inside], torch.ones_like(length[inside]))
    assert 0.3 < inside.float().mean() < 0.8
    assert (maps[:, :, 0] == 0).all()


def test_both_spaces_agree_on_a_face_seen_from_the_front_and_differ_by_the_turn_else() -> None:
    straight = parameters()
    torch.testing.assert_close(normal_maps(FACE, straight, 32, "object"), normal_maps(FACE, straight, 32, "camera"))
    turned = parameters(turn=0.5)
    seen, own = (normal_maps(FACE, turned, 32, space) for space in ("camera", "object"))
    cosine, sine = torch.tensor(0.5).cos(), torch.tensor(0.5).sin()
    torch.testing.assert_close(seen[:, 0], cosine * own[:, 0] + sine * own[:, 2])
    torch.testing.assert_close(seen[:, 1], own[:, 1])


def test_the_camera_sees_only_what_faces_it_and_the_left_side_faces_left() -> None:
    maps = normal_maps(FACE, parameters(), 32)
    inside = maps.abs().sum(1) > 0
    assert (maps[:, 2][inside] > 0).float().mean() > 0.99
    assert maps[:, 0, :, :12].sum() < 0 < maps[:, 0, :, 20:].sum()


def test_a_face_moves_with_its_translation() -> None:
    here = parameters(1)
    there = here + torch.nn.functional.pad(torch.tensor([2.0, -3.0]), (FACE.n_parameters - 2, 0))
    moved = normal_maps(FACE, here, 32).roll((-3, 2), dims=(2, 3))
    assert (normal_maps(FACE, there, 32) != moved).float().mean() < 0.03  # a row of pixel centres may lie on an edge


def test_a_batch_is_its_frames() -> None:
    many = parameters(3)
    one_by_one = torch.cat([normal_maps(FACE, frame.unsqueeze(0), 24) for frame in many])
    torch.testing.assert_close(normal_maps(FACE, many, 24), one_by_one, atol=1e-4, rtol=0)


def test_the_normals_of_a_plane_are_the_planes_own() -> None:
    plane = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]])
    triangles = torch.tensor([[0, 1, 2], [1, 3, 2]])
    towards = torch.tensor([0.0, 0.0, 1.0])
    torch.testing.assert_close(triangle_normals(plane, triangles), towards.expand(1, 2, 3))
    torch.testing.assert_close(vertex_normals(plane, triangles), towards.expand(1, 4, 3))
    torch.testing.assert_close(triangle_normals(plane, triangles.flip(1)), -towards.expand(1, 2, 3))
