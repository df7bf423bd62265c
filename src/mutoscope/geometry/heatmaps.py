"""Bodies as motion maps: a bump of height 1 at every joint, one joint to a channel, and back.

Joints are pixels of the maps, x before y; the centre of the first pixel is (0.5, 0.5).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mutoscope.geometry.skeletons import PENN13

SIGMAS_PER_SIDE = 24
"""A bump's standard deviation is this part of the maps' side, unless told otherwise."""

LIMBS = (
    ("head", "neck"), ("left shoulder", "right shoulder"),
    ("left shoulder", "left elbow"), ("right shoulder", "right elbow"),
    ("left elbow", "left wrist"), ("right elbow", "right wrist"),
    ("neck", "mid hip"), ("left hip", "right hip"),
    ("left hip", "left knee"), ("right hip", "right knee"),
    ("left knee", "left ankle"), ("right knee", "right ankle"),
)  # fmt: skip
"""What `limb_maps` draws, from where to where; neck and mid hip are the middles of shoulders and hips."""

POINTS_PER_LIMB = 4


def heatmaps(
    joints: Float[Tensor, "n k 2"], visible: Float[Tensor, "n k"], size: int, sigma: float | None = None
) -> Float[Tensor, "n k size size"]:
    """Gaussian bumps, 1 at the joint itself and so at most 1 in any pixel.

    Args:
        joints: In pixels of the maps; pixels of frames of another size must be scaled before.
        visible: Confidence; a joint at 0 has an empty map, as has one outside the picture or at NaN.
        size: Height and width of the maps.
        sigma: Standard deviation of the bumps in pixels; a 24th of the size by default.
    """
    inside = ((joints >= 0) & (joints < size)).all(dim=-1) & (visible > 0)
    centres = torch.arange(size, dtype=joints.dtype, device=joints.device) + 0.5
    away = (torch.where(inside[..., None], joints, 0)[..., None] - centres) / (sigma or size / SIGMAS_PER_SIDE)
    along_x, along_y = torch.exp(-away.square() / 2).unbind(dim=2)
    return (along_y * inside[..., None])[..., :, None] * along_x[..., None, :]


def limb_maps(
    joints: Float[Tensor, "n 13 2"], visible: Float[Tensor, "n 13"], size: int, sigma: float | None = None
) -> Float[Tensor, "n 48 size size"]:
    """Heat maps of four points along each of 12 limbs, its two ends and two between; limb by limb.

    Of a limb with one end that is seen only that end is drawn.

    Args:
        joints: In Penn Action's order (`PENN13`) and pixels of the maps.
        visible: Confidence, 0 where not seen.
        size: Height and width of the maps.
        sigma: Standard deviation of the bumps in pixels; a 24th of the size by default.
    """
    names = [*PENN13.joints, "neck", "mid hip"]
    pairs = [[names.index(f"{side} {place}") for side in ("left", "right")] for place in ("shoulder", "hip")]
    joints = torch.cat([joints, joints[:, pairs].mean(dim=2)], dim=1)
    visible = torch.cat([visible, visible[:, pairs].amin(dim=2)], dim=1)

    start, end = ([names.index(limb[side]) for limb in LIMBS] for side in (0, 1))
    share = torch.linspace(0, 1, POINTS_PER_LIMB, dtype=joints.dtype, device=joints.device)[:, None]
    points = torch.lerp(joints[:, start, None], joints[:, end, None], share)
    seen = torch.minimum(visible[:, start], visible[:, end])[..., None].repeat(1, 1, POINTS_PER_LIMB)
    # an unseen other end may be anywhere, even NaN
    points[:, :, 0], points[:, :, -1] = joints[:, start], joints[:, end]
    seen[..., 0], seen[..., -1] = visible[:, start], visible[:, end]
    return heatmaps(points.flatten(1, 2), seen.flatten(1, 2), size, sigma)


def joints_of(maps: Float[Tensor, "n k h w"]) -> tuple[Float[Tensor, "n k 2"], Float[Tensor, "n k"]]:
    """The centre (x, y) of the highest pixel of each map, and how high it is: 0 for an empty map."""
    peak, place = maps.flatten(2).max(dim=-1)
    columns = maps.shape[-1]
    joints = torch.stack([place % columns, place // columns], dim=-1).to(maps.dtype) + 0.5
    return joints, peak
