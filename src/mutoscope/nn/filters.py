"""Resampling by the binomial filter 1, 3, 3, 1 along each axis, with zeros around the picture.

The filter of Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", 2020, as convolutions that every
backend has. A depthwise convolution of channels-last maps was the fastest form on CPUs, by far.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def blur(x: Float[Tensor, "n c h w"], padding: int, gain: float = 1.0) -> Float[Tensor, "n c h_out w_out"]:
    """Low-pass filtered maps, `2 · padding - 3` pixels larger; a constant map keeps its value times `gain`."""
    return F.conv2d(x, _kernel(x, gain), padding=padding, groups=x.shape[1])


def downsample(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h_out w_out"]:
    """Maps of half the size: low-pass filtered, then every other pixel.

    The filter runs on all pixels: the strided convolution's gradient in bfloat16 costs twenty times as much.
    """
    return blur(x, 1)[:, :, ::2, ::2]


def upsample(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h_out w_out"]:
    """Maps of twice the size: zeros between the pixels, then low-pass filtered."""
    return F.conv_transpose2d(x, _kernel(x, 4.0), stride=2, padding=1, groups=x.shape[1])


def _kernel(x: Tensor, gain: float) -> Float[Tensor, "c 1 4 4"]:
    place = torch.arange(4, dtype=x.dtype, device=x.device)
    taps = (1 + place * (3 - place)) / 8  # 1, 3, 3, 1; a list of numbers would be copied from the host in every step
    return (gain * taps[:, None] * taps).expand(x.shape[1], 1, -1, -1)
