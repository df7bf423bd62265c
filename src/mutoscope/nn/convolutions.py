"""Convolutions that are something simpler for some inputs."""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

FEW_POSITIONS = 128
"""Up to so many positions in a batch, a product of matrices is faster (measured with 3,072 channels on a CPU)."""


class ConvTranspose2d(nn.ConvTranspose2d):
    """`torch.nn.ConvTranspose2d` that multiplies maps of few positions by its weights as a matrix.

    Such maps come before the largest kernels of a generator: few rows meet many weights there. Those of a single pixel
    are multiplied in the precision that the weights are stored in, for reading these once is the least that can be
    done.
    """

    def forward(  # type: ignore[override]  # takes no `output_size`
        self, x: Float[Tensor, "n c h w"]
    ) -> Float[Tensor, "n c_out h_out w_out"]:
        plain = self.groups == 1 and self.dilation == (1, 1) and self.output_padding == (0, 0)
        if not plain or x.numel() // x.shape[1] > FEW_POSITIONS:
            return super().forward(x)
        single = x.shape[2:] == (1, 1) and self.padding == (0, 0)
        with torch.autocast(x.device.type, enabled=torch.is_autocast_enabled(x.device.type) and not single):
            rows = x.movedim(1, 3).flatten(0, 2)
            taps = torch.mm(rows.to(self.weight.dtype) if single else rows, self.weight.flatten(1))
        maps = taps.view(len(x), *self.weight.shape[1:]) if single else self._laid_out(taps, x)
        return maps if self.bias is None else maps + self.bias.to(maps.dtype)[:, None, None]

    def _laid_out(self, taps: Float[Tensor, "nhw c_out_k"], x: Tensor) -> Float[Tensor, "n c_out h_out w_out"]:
        """What every position contributes, added up in its place."""
        padding = cast(tuple[int, ...], self.padding)
        axes = zip(x.shape[2:], self.stride, padding, self.kernel_size, strict=True)
        size = tuple((n - 1) * stride - 2 * pad + kernel for n, stride, pad, kernel in axes)
        columns = taps.unflatten(0, (len(x), -1)).transpose(1, 2)
        return F.fold(columns, size, self.kernel_size, padding=padding, stride=self.stride)
