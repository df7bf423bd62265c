"""How differently two networks see a true and a made picture of a person (Zhao et al. 2020, Eq. 21)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

BOX_SIZE = 224
MARGIN = 0.2
"""Room around the joints on every side, as a share of how far they spread: head and hands reach beyond them."""


@dataclass(frozen=True)
class FeatureLoss:
    """Mean squared differences of the activations of one or two networks, which must be frozen, weighed and added.

    Attributes:
        C_1: from pictures of the person alone, 224 × 224, to activations: VGG16's last convolution; None leaves it out.
        C_2: from whole frames to activations: the last hidden layer of a network that finds joints; None leaves it out.
        weight: of each of the two.
    """

    C_1: Callable[[Tensor], Tensor] | None
    C_2: Callable[[Tensor], Tensor] | None
    weight: float = 0.5

    def __call__(
        self, real: Float[Tensor, "n c h w"], fake: Float[Tensor, "n c h w"], boxes: Float[Tensor, "n 4"]
    ) -> Float[Tensor, ""]:
        """The loss of made pictures. Gradients reach these alone.

        Args:
            real, fake: in [-1, 1].
            boxes: where the person is, as `boxes_around` finds it.
        """
        real, fake = real.detach().float(), fake.float()
        loss = fake.new_zeros(())
        if self.C_1 is not None:
            crops = (crop_to_boxes(images, boxes, BOX_SIZE) for images in (real, fake))
            loss = loss + self.weight * squared_difference(self.C_1, *crops)
        if self.C_2 is not None:
            loss = loss + self.weight * squared_difference(self.C_2, real, fake)
        return loss


def squared_difference(
    network: Callable[[Tensor], Tensor], real: Float[Tensor, "n c h w"], fake: Float[Tensor, "n c h w"]
) -> Float[Tensor, ""]:
    """The mean squared difference of a network's activations; only those of `fake` record gradients."""
    with torch.no_grad():
        target = network(real)
    return F.mse_loss(network(fake).float(), target.float())


def boxes_around(
    joints: Float[Tensor, "n k 2"], visible: Float[Tensor, "n k"], size: int, margin: float = MARGIN
) -> Float[Tensor, "n 4"]:
    """The square around the joints that are seen: left, top, right, bottom in pixels; without any, the whole frame.

    Args:
        joints: in pixels of frames of `size` × `size`.
        visible: confidence, 0 where not seen.
        size: squares lie within such a frame.
        margin: what is added on every side, as a share of the longer extent of the joints.
    """
    seen = (visible > 0)[..., None]
    low = torch.where(seen, joints, torch.inf).amin(1)
    high = torch.where(seen, joints, -torch.inf).amax(1)
    side = ((high - low).amax(1, keepdim=True) * (1 + 2 * margin)).clamp(1, size)
    centre = torch.maximum(torch.minimum((low + high) / 2, size - side / 2), side / 2)
    boxes = torch.cat([centre - side / 2, centre + side / 2], 1)
    whole = size * (torch.arange(4, device=boxes.device) // 2).to(boxes)
    return torch.where(seen.any(1), boxes, whole)


def crop_to_boxes(
    images: Float[Tensor, "n c h w"], boxes: Float[Tensor, "n 4"], size: int
) -> Float[Tensor, "n c size size"]:
    """What lies in a box of each picture, resized to `size` × `size` (bilinear); differentiable in the pictures.

    Args:
        boxes: left, top, right, bottom in pixels; beyond the picture its edge goes on.
    """
    height, width = images.shape[2:]
    left, top, right, bottom = boxes.unbind(1)
    none = torch.zeros_like(left)
    along_x = torch.stack([(right - left) / width, none, (left + right) / width - 1], 1)
    along_y = torch.stack([none, (bottom - top) / height, (top + bottom) / height - 1], 1)
    shape = [len(images), images.shape[1], size, size]
    grid = F.affine_grid(torch.stack([along_x, along_y], 1).to(images), shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
