"""Between uint8 pixels on disk and float tensors in [-1, 1] on a device."""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor


def float_to_uint8(images: Float[Tensor, "*b c h w"]) -> UInt8[np.ndarray, "*b h w c"]:
    """Maps [-1, 1] to 0…255, `(x + 1) · 127.5` rounded; what lies outside is clipped. Channels move to the end."""
    levels = ((images.detach().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return levels.movedim(-3, -1).contiguous().cpu().numpy()


def uint8_to_float(
    images: UInt8[Tensor, "*b h w c"] | UInt8[np.ndarray, "*b h w c"], device: torch.device | str | None = None
) -> Float[Tensor, "*b c h w"]:
    """Maps 0…255 to float32 in [-1, 1], the inverse of `float_to_uint8`; the cast happens on `device`."""
    if isinstance(images, np.ndarray):
        images = torch.from_numpy(images if images.flags.writeable else images.copy())
    return images.to(device).movedim(-1, -3).to(torch.float32, memory_format=torch.contiguous_format) / 127.5 - 1
