"""Motion maps of faces: the normal of the surface at every pixel, drawn of morphable face parameters."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mutoscope.geometry.morphable_face import MorphableFace, project
from mutoscope.geometry.rasteriser import draw_flat, rasterise
from mutoscope.geometry.rotations import rotation_matrix

Space = Literal["camera", "object"]
TINY = 1e-20


def normal_maps(
    model: MorphableFace, parameters: Float[Tensor, "n p"], size: int, space: Space = "camera"
) -> Float[Tensor, "n 3 size size"]:
    """Draws the normals of faces, one for each triangle (flat shading).

    Args:
        model: whose parameters they are.
        parameters: in pixels of the maps.
        size: height and width of the maps in pixels.
        space: "camera": normals as the viewer sees the posed face. "object": normals of the face before it is turned,
            a code of the place on the surface, which is what the authors' released code draws.

    Returns:
        x to the right, y upwards, z towards the viewer: of length 1 on the face, exactly 0 elsewhere.
    """
    parts = model.split(parameters)
    vertices = model.mesh(parts.identity, parts.expression)
    posed = project(vertices, parts.scale, parts.rotation, parts.translation)
    raster = rasterise(posed, model.triangles, size)
    normals = triangle_normals(vertices, model.triangles)
    if space == "camera":
        normals = normals @ rotation_matrix(parts.rotation).transpose(-1, -2)
    return draw_flat(raster, normals)


def triangle_normals(vertices: Float[Tensor, "n v 3"], triangles: Int[Tensor, "f 3"]) -> Float[Tensor, "n f 3"]:
    """Unit vectors that stand on the triangles, towards who sees their corners anticlockwise; 0 without an area."""
    a, b, c = (vertices.index_select(1, corner) for corner in triangles.T)
    crossed = torch.linalg.cross(b - a, c - a)
    return crossed / crossed.norm(dim=-1, keepdim=True).clamp_min(TINY)


def vertex_normals(vertices: Float[Tensor, "n v 3"], triangles: Int[Tensor, "f 3"]) -> Float[Tensor, "n v 3"]:
    """Unit normals at the vertices: the mean of the triangles around, weighted by area (smooth shading)."""
    a, b, c = (vertices.index_select(1, corner) for corner in triangles.T)
    crossed = torch.linalg.cross(b - a, c - a)
    total = torch.zeros_like(vertices)
    for corner in triangles.T:
        total.index_add_(1, corner, crossed)
    return total / total.norm(dim=-1, keepdim=True).clamp_min(TINY)
