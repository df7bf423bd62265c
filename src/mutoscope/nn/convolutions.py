"""Convolutions that are something simpler for some inputs."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ConvTranspose2d(nn.ConvTranspose2d):
    """`torch.nn.ConvTranspose2d` that multiplies maps of one pixel by its weights as a matrix.

    Such maps come before the largest kernels of a generator. Few rows meet many weights there, so that reading these
    once, in the precision they are stored in, is the least that can be done.
    """

    def forward(  # type: ignore[override]  # takes no `output_size`
        self, x: Float[Tensor, "n c h w"]
    ) -> Float[Tensor, "n c_out h_out w_out"]:
        plain = self.groups == 1 and self.dilation == (1, 1) and {*self.padding, *self.output_padding} == {0}
        if x.shape[2:] != (1, 1) or not plain:
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            maps = torch.mm(x.flatten(1).to(self.weight.dtype), self.weight.flatten(1))
            maps = maps.view(len(x), *self.weight.shape[1:])
            return maps if self.bias is None else maps + self.bias[:, None, None]
