"""People whose faces are toy morphable faces: how they look, and pictures of them with any face parameters.

All that is drawn of a person is fixed but the face parameters. Hence the true video of a person with the expressions of
another can be rendered.
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from mutoscope.data.synthetic.clips import to_frames
from mutoscope.geometry.face_maps import vertex_normals
from mutoscope.geometry.morphable_face import project
from mutoscope.geometry.rasteriser import interpolate, rasterise
from mutoscope.geometry.rotations import rotation_matrix
from mutoscope.geometry.toy_face import (
    COLUMNS,
    EYE,
    IDENTITY_FIELDS,
    LIPS,
    MOUTH,
    MOUTH_HALF_WIDTH,
    ROWS,
    grid,
    identity_coefficients,
    toy_face,
)

SAMPLES = 2
"""Points per pixel along each axis, averaged."""
TEXELS = 7
"""Of the texture, along each side of a cell of the face's grid."""
MOST_UNUSUAL = 1.6
"""Identity fields are not stronger than this, either way."""
SOFT = 0.03
"""Width of the edges of what is painted, in units of the face."""

_SKINS = np.array([[0.96, 0.80, 0.70], [0.88, 0.68, 0.53], [0.72, 0.50, 0.36], [0.46, 0.30, 0.21]])
_HAIRS = np.array([[0.08, 0.06, 0.05], [0.25, 0.14, 0.08], [0.45, 0.28, 0.14], [0.75, 0.60, 0.35], [0.55, 0.52, 0.50]])
_IRISES = np.array([[0.25, 0.14, 0.07], [0.20, 0.40, 0.60], [0.25, 0.42, 0.25], [0.35, 0.35, 0.38]])
_INSIDE = np.array([0.16, 0.04, 0.05])


class Person(NamedTuple):
    """All that is drawn of a person but the face parameters; colours are RGB in [0, 1].

    Attributes:
        identity: the coefficients α of the toy face.
        texture: the colours of the face, along the rows and columns of its grid.
        light: where the light comes from: x to the right, y upwards, z towards the viewer; of length 1.
        ambient: brightness in the shade.
        hair: its colour.
        neck: its colour.
        background: coarse and fine noise, to be enlarged to any picture and added.
    """

    identity: Float32[np.ndarray, "8"]
    texture: Float[Tensor, "3 rows columns"]
    light: Float[Tensor, "3"]
    ambient: float
    hair: Float[Tensor, "3"]
    neck: Float[Tensor, "3"]
    background: list[Tensor]


def draw_person(seed: int, number: int) -> Person:
    """A person of a seed, the same however many there are."""
    random = np.random.default_rng([seed, 0, number])
    strengths = random.standard_normal(len(IDENTITY_FIELDS)).clip(-MOST_UNUSUAL, MOST_UNUSUAL)
    skin = _mixed(_SKINS, random) * random.uniform(0.93, 1.05, 3)
    hair = _mixed(_HAIRS, random) * random.uniform(0.85, 1.15)
    light = np.array([random.uniform(-0.7, 0.7), random.uniform(0.1, 0.7), 1.0])
    return Person(
        identity=identity_coefficients(strengths).astype(np.float32),
        texture=_tensor(_painted(skin, hair, random)).movedim(-1, 0),
        light=_tensor(light / np.linalg.norm(light)),
        ambient=random.uniform(0.4, 0.55),
        hair=_tensor(hair),
        neck=_tensor(0.6 * skin),
        background=[
            _tensor(random.uniform(0.2, 0.7, (1, 3, 1, 1)) + 0.07 * random.standard_normal((1, 3, 4, 4))),
            _tensor(0.08 * random.standard_normal((1, 1, 5, 5)) + np.zeros((1, 3, 1, 1))),
            _tensor(0.04 * random.standard_normal((1, 3, 14, 14))),
        ],
    )


def render_person(
    person: Person, parameters: Float32[np.ndarray, "t p"], size: int, channels: int = 3
) -> UInt8[np.ndarray, "t size size channels"]:
    """Pictures of a person with face parameters in pixels of the pictures.

    The face is whose identity the parameters give; colours, light, hair and background are the person's.
    """
    model, fine = toy_face(), SAMPLES * size
    parts = model.split(torch.from_numpy(parameters))
    vertices = model.mesh(parts.identity, parts.expression)
    posed = SAMPLES * project(vertices, parts.scale, parts.rotation, parts.translation)
    raster = rasterise(posed, model.triangles, fine)
    normals = vertex_normals(vertices, model.triangles) @ rotation_matrix(parts.rotation).transpose(-1, -2)
    brightness = person.ambient + (1.15 - person.ambient) * (normals @ person.light).clamp_min(0)
    places = _texture_places().expand(len(vertices), -1, -1)
    drawn = interpolate(raster, model.triangles, torch.cat([places, brightness.unsqueeze(-1)], dim=-1))
    looked_up = drawn[:, :2].movedim(1, -1).reshape(1, -1, fine, 2)
    face = F.grid_sample(person.texture.unsqueeze(0), looked_up, align_corners=True, padding_mode="border")
    face = face.view(3, -1, fine, fine).movedim(0, 1) * drawn[:, 2:]
    canvas = torch.where((raster.triangle >= 0).unsqueeze(1), face, _behind(person, parameters, fine))
    return to_frames(F.avg_pool2d(canvas, SAMPLES).clamp(0, 1), channels)


def _behind(person: Person, parameters: Float32[np.ndarray, "t p"], fine: int) -> Float[Tensor, "t 3 fine fine"]:
    """The background, and before it hair and neck, which follow the head's pose."""
    noise = [F.interpolate(part, (fine, fine), mode="bicubic", align_corners=False) for part in person.background]
    canvas = torch.stack(noise).sum(0).clamp(0, 1).expand(len(parameters), -1, -1, -1)
    parts = toy_face().split(torch.from_numpy(parameters))
    anchors = torch.tensor([[[0.0, -1.25, 0.1], [0.0, 0.42, 0.1]]]).expand(len(parameters), -1, -1)
    anchors = SAMPLES * project(anchors, parts.scale, parts.rotation, parts.translation)[..., :2]
    centres = torch.arange(fine) + 0.5
    for anchor, colour, radii in (
        (anchors[:, 0], person.neck, (0.55, 0.9)),
        (anchors[:, 1], person.hair, (1.2, 1.12)),
    ):
        reach = SAMPLES * parts.scale.unsqueeze(-1) * torch.tensor(radii)
        across = ((centres - anchor[:, :1]) / reach[..., 0]).square()
        down = ((centres - anchor[:, 1:]) / reach[..., 1]).square()
        inside = across[:, None, None, :] + down[:, None, :, None] < 1
        canvas = torch.where(inside, colour.view(3, 1, 1), canvas)
    return canvas


def _texture_places() -> Float[Tensor, "v 2"]:
    """Where in the texture the vertices of the face are, from -1 to 1, across and down."""
    down, across = torch.meshgrid(torch.linspace(-1, 1, len(ROWS)), torch.linspace(-1, 1, COLUMNS), indexing="ij")
    return torch.stack([across, down], dim=-1).reshape(-1, 2)


def _painted(skin: np.ndarray, hair: np.ndarray, random: np.random.Generator) -> Float[np.ndarray, "rows columns 3"]:
    """The colours of a face at every texel."""
    rows, columns = TEXELS * (len(ROWS) - 1) + 1, TEXELS * (COLUMNS - 1) + 1
    places = F.interpolate(
        torch.from_numpy(grid()).movedim(-1, 0).unsqueeze(0), (rows, columns), mode="bilinear", align_corners=True
    )
    x, y = places[0].numpy()
    side = np.abs(x)
    redder, darker = skin * [1.0, 0.78, 0.76], 0.72 * skin
    lips = skin * [0.92, random.uniform(0.45, 0.68), random.uniform(0.5, 0.7)]
    iris, brow_height, thickness = _mixed(_IRISES, random), random.uniform(0.64, 0.69), random.uniform(0.03, 0.06)
    hairline = random.uniform(0.95, 1.2)
    eye = _soft(1 - ((side - EYE[0]) / 0.18) ** 2 - ((y - EYE[1]) / 0.075) ** 2, 0.3)
    lid = _soft(1 - ((side - EYE[0]) / 0.21) ** 2 - ((y - EYE[1] - 0.02) / 0.105) ** 2, 0.3)
    from_pupil = np.hypot(side - EYE[0], y - EYE[1])
    brow = 0.08 * (1 - ((side - 0.48) / 0.3) ** 2) + brow_height - y
    upper_edge = 0.115 - 0.45 * side**2 / MOUTH_HALF_WIDTH + 0.02 * np.sin(np.clip(side / 0.12, 0, 1) * np.pi)
    lower_edge = 0.15 * (1 - (side / MOUTH_HALF_WIDTH) ** 2)
    row = np.arange(rows)[:, None] / TEXELS
    colours = np.broadcast_to(skin, (*x.shape, 3))
    for mask, colour in (
        (0.35 * np.exp(-(((side - 0.55) / 0.22) ** 2) - ((y + 0.15) / 0.2) ** 2), redder),
        (0.6 * _soft(0.05 - np.hypot((side - 0.1) * 0.8, (y + 0.305) * 1.4), SOFT), 0.35 * skin),
        (_soft(np.minimum(upper_edge - (y - MOUTH), y - MOUTH + 0.01), SOFT), lips),
        (_soft(np.minimum(lower_edge - (MOUTH - y), MOUTH - y + 0.01), SOFT), 1.08 * lips),
        (0.5 * _soft(0.012 - np.maximum(np.abs(y - MOUTH), side - MOUTH_HALF_WIDTH), SOFT), 0.4 * lips),
        (((row > LIPS[0] + 0.1) & (row < LIPS[1] - 0.1) & (side < 0.95 * MOUTH_HALF_WIDTH)) * 1.0, _INSIDE),
        (0.8 * lid, darker),
        (eye, np.array([0.93, 0.92, 0.90])),
        (eye * _soft(0.085 - from_pupil, SOFT), iris),
        (eye * _soft(0.035 - from_pupil, SOFT), 0.2 * iris),
        (_soft(np.minimum(thickness - np.abs(brow), 0.31 - np.abs(side - 0.48)), SOFT), 0.8 * hair),
        (_soft(y + 0.25 * side**2 - hairline, SOFT), hair),
    ):
        colours = colours + mask[..., None] * (colour - colours)
    return colours


def _soft(inside: np.ndarray, width: float) -> np.ndarray:
    """0 well outside, 1 well inside, one half where `inside` is 0."""
    return np.clip(inside / width + 0.5, 0, 1)


def _mixed(colours: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A colour between two neighbours of a list."""
    place = random.uniform(0, len(colours) - 1)
    first = int(place)
    return colours[first] + (place - first) * (colours[first + 1] - colours[first])


def _tensor(array: np.ndarray) -> Float[Tensor, "..."]:
    return torch.from_numpy(np.asarray(array, dtype=np.float32))
