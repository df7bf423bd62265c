"""Rotations as matrices and as axis times angle, which parameters are stored in."""

import torch
from jaxtyping import Float
from torch import Tensor

SMALL = 1e-8


def rotation_matrix(rotation: Float[Tensor, "... 3"]) -> Float[Tensor, "... 3 3"]:
    """The matrix that turns about the direction of `rotation` by its length in radians, anticlockwise seen from its
    tip (Rodrigues' formula)."""
    angle = rotation.square().sum(-1, keepdim=True).add(SMALL**2).sqrt()
    x, y, z = (rotation / angle).unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    angle = angle.unsqueeze(-1)
    return torch.eye(3).to(cross) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)


def axis_angle(matrix: Float[Tensor, "... 3 3"]) -> Float[Tensor, "... 3"]:
    """The inverse of `rotation_matrix` for angles below 180 degrees, at which the axis cannot be told."""
    skew = matrix - matrix.transpose(-1, -2)
    axis = torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], dim=-1) / 2
    sine = axis.norm(dim=-1, keepdim=True)
    cosine = (matrix.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True) - 1) / 2
    return axis * (torch.atan2(sine, cosine) / sine.clamp_min(SMALL))


def nearest_rotation(rows: Float[Tensor, "... 2 3"]) -> Float[Tensor, "... 3 3"]:
    """The rotation whose first two rows are nearest to two given rows of any common length."""
    left, _, right = torch.linalg.svd(rows, full_matrices=False)
    first, second = (left @ right).unbind(-2)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-2)
