"""The image discriminator that several systems share."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.nn.init import init_normal
from mutoscope.nn.spectral_norm import SNConv2d, settle_spectral_norms


def discriminator_widths(image_size: int, ch: int) -> list[int]:
    """Channels after each convolution that halves the picture, down to 4 × 4."""
    return [ch * min(8, 2**n) for n in range(image_size.bit_length() - 3)]


class ImageDiscriminator(nn.Module):
    """D_I: how real single frames look, one raw score each.

    Strided convolutions under spectral normalisation down to 4 × 4, then one over that (Tables 3.2 and 4.2 of Y. Wang,
    "Learning to Generate Human Videos", 2021).

    Args:
        channels, image_size: of the frames.
        ch: channels after the first layer; they double at each, up to eight times.
    """

    def __init__(self, channels: int = 3, image_size: int = 64, ch: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_in = channels
        for n_out in discriminator_widths(image_size, ch):
            layers += [SNConv2d(n_in, n_out, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
            n_in = n_out
        self.layers = nn.Sequential(*layers, SNConv2d(n_in, 1, 4))
        init_normal(self)
        settle_spectral_norms(self)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """Judges frames in [-1, 1]."""
        return self.layers(x.contiguous(memory_format=torch.channels_last)).flatten()
