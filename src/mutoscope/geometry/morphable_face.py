"""Morphable faces: a mean mesh, directions in which people differ, directions in which faces move.

Mesh space is that of the published models: x to the right as the viewer sees it, y upwards, z towards the viewer.
Pictures have y downwards, so that projection turns y over. A frame's face is one flat vector of parameters,

    [identity K | expression E | scale | rotation 3 | translation 2],

where the scale is in pixels per unit of mesh space, the rotation an axis times an angle in radians, and the
translation where the mesh's origin is seen, in pixels.
"""

from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mutoscope.geometry.rotations import rotation_matrix

LANDMARKS = 68
POSE = 6
"""Parameters of the pose: scale, rotation, translation."""


class FaceParameters(NamedTuple):
    """What a flat vector of parameters says; any leading axes."""

    identity: Float[Tensor, "... k"]
    expression: Float[Tensor, "... e"]
    scale: Float[Tensor, "... 1"]
    rotation: Float[Tensor, "... 3"]
    translation: Float[Tensor, "... 2"]

    def flat(self) -> Float[Tensor, "... p"]:
        """The flat vector."""
        return torch.cat(self, dim=-1)


@dataclass(frozen=True)
class MorphableFace:
    """A linear model of faces, S = mean + identity basis · α + expression basis · β (Eq. 1).

    Attributes:
        mean: the mean face.
        identity_basis: how a vertex moves with each coefficient α.
        expression_basis: the same with β.
        identity_deviations: standard deviations of α among people.
        expression_deviations: standard deviations of β.
        triangles: anticlockwise seen from outside, so that normals point outwards.
        landmark_corners: for each of dlib's 68 landmarks the three vertices it lies between.
        landmark_weights: how near it is to each; they sum to 1.
    """

    mean: Float[Tensor, "v 3"]
    identity_basis: Float[Tensor, "v 3 k"]
    expression_basis: Float[Tensor, "v 3 e"]
    identity_deviations: Float[Tensor, " k"]
    expression_deviations: Float[Tensor, " e"]
    triangles: Int[Tensor, "f 3"]
    landmark_corners: Int[Tensor, "68 3"]
    landmark_weights: Float[Tensor, "68 3"]

    @property
    def n_identity(self) -> int:
        """K, the number of identity coefficients."""
        return self.identity_basis.shape[-1]

    @property
    def n_expression(self) -> int:
        """E, the number of expression coefficients."""
        return self.expression_basis.shape[-1]

    @property
    def n_parameters(self) -> int:
        """How many numbers describe a frame."""
        return self.n_identity + self.n_expression + POSE

    def to(self, device: torch.device | str) -> "MorphableFace":
        """The same model on another device."""
        return MorphableFace(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})

    def split(self, parameters: Float[Tensor, "... p"]) -> FaceParameters:
        """The parts of flat vectors of parameters.

        Raises:
            ValueError: they have another length than this model's.
        """
        sizes = [self.n_identity, self.n_expression, 1, 3, 2]
        if parameters.shape[-1] != sum(sizes):
            raise ValueError(f"{parameters.shape[-1]} face parameters (this model has {sum(sizes)})")
        return FaceParameters(*parameters.split(sizes, dim=-1))

    def mesh(self, identity: Float[Tensor, "n k"], expression: Float[Tensor, "n e"]) -> Float[Tensor, "n v 3"]:
        """Meshes, not posed (Eq. 1)."""
        offsets = identity @ self.identity_basis.flatten(0, 1).T + expression @ self.expression_basis.flatten(0, 1).T
        return self.mean + offsets.unflatten(-1, (-1, 3))

    def landmarks(self, vertices: Float[Tensor, "n v 3"]) -> Float[Tensor, "n 68 3"]:
        """Where the landmarks of meshes are, in the meshes' space."""
        return torch.einsum("nlcx,lc->nlx", vertices[:, self.landmark_corners], self.landmark_weights)

    def landmark_model(self) -> "MorphableFace":
        """A model whose vertices are the landmarks only, without triangles: what fitting needs."""
        parts = {
            name: torch.einsum("lc...,lc->l...", getattr(self, name)[self.landmark_corners], self.landmark_weights)
            for name in ("mean", "identity_basis", "expression_basis")
        }
        places = torch.arange(LANDMARKS, device=self.mean.device).unsqueeze(-1).expand(-1, 3)
        weights = torch.full_like(self.landmark_weights, 1 / 3)
        none = self.triangles[:0]
        return replace(self, **parts, triangles=none, landmark_corners=places, landmark_weights=weights)

    def posed(self, parameters: Float[Tensor, "n p"]) -> Float[Tensor, "n v 3"]:
        """The meshes of parameters in the picture: x and y in pixels, y downwards, z in pixels towards the viewer."""
        parts = self.split(parameters)
        return project(self.mesh(parts.identity, parts.expression), parts.scale, parts.rotation, parts.translation)


def project(
    vertices: Float[Tensor, "n v 3"],
    scale: Float[Tensor, "n 1"],
    rotation: Float[Tensor, "n 3"],
    translation: Float[Tensor, "n 2"],
) -> Float[Tensor, "n v 3"]:
    """Scaled orthographic projection (Eq. 2): F = scale · (x, -y) of R S, + translation; the third value is depth."""
    turned = vertices @ rotation_matrix(rotation).transpose(-1, -2)
    flipped = turned * turned.new_tensor([1.0, -1.0, 1.0])
    return scale.unsqueeze(-1) * flipped + torch.nn.functional.pad(translation, (0, 1)).unsqueeze(1)
