"""VGAN that starts from a picture and a label instead of from noise alone.

ImaGINator's tables compare with such a VGAN (Wang et al. 2020; thesis, Tables 3.4 to 3.6) without describing it. Here
the code of the picture (ImaGINator's encoder), the label and noise take the place of z, and the clip is also to be like
the real one. Both streams and the mask stay. D names the label, as MoCoGAN's does: one more output for each, by which
labels matter from the first step; shown labels instead, D would have to find out first which clips go with them.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.baselines.picture_gan import PictureConfig, PictureGAN, Pictures
from mutoscope.baselines.vgan import Discriminator, Generator, VGANTraining
from mutoscope.baselines.video_gan import Clip, ClipLoss, scaled
from mutoscope.nn import init_normal
from mutoscope.systems.config import Size, Weight, check_multiple
from mutoscope.systems.imaginator.networks import Encoder


class PictureGenerator(nn.Module):
    """VGAN's two streams, from the code of a picture, a label and noise."""

    def __init__(self, encoder: Encoder, streams: Generator) -> None:
        super().__init__()
        self.encoder, self.streams = encoder, streams

    def forward(
        self, picture: Pictures, z: Float[Tensor, "n d_z"], y: Float[Tensor, "n K"]
    ) -> tuple[Clip, Float[Tensor, "n 1 t h w"]]:
        """Clips in [-1, 1], and their masks in [0, 1] (1: foreground)."""
        code = self.encoder(picture)[-1].flatten(1)
        return self.streams(torch.cat([code, y.to(code), z.to(code)], 1))


@dataclass(frozen=True)
class PictureVGANConfig(PictureConfig):
    """Choices of `vgan_picture`.

    Args:
        dim_z: Size of the noise.
        frames: Frames of a clip, a multiple of image_size / 4 (16 at 64 pixels).
        lambda_mask: Weight of the mean of the mask, which keeps the background in use.
    """

    dim_z: Size = 100
    lambda_mask: Weight = 0.1

    def check(self) -> None:
        super().check()
        check_multiple("frames", self.frames, self.image_size // 4, f"for frames of {self.image_size} pixels")


class PictureVGAN(PictureGAN, VGANTraining):
    """VGAN from a picture and a label."""

    name = "vgan_picture"
    config_class = PictureVGANConfig
    config: PictureVGANConfig

    def __init__(self, config: PictureVGANConfig) -> None:
        super().__init__(config)
        o, size = config, (config.channels, config.image_size)
        self.G = PictureGenerator(
            Encoder(*size, scaled(o.width, 64)[0], o.dim_picture),
            Generator(o.dim_picture + o.categories + o.dim_z, *size, o.frames, o.width),
        )
        self.D, self.loss_D = Discriminator(*size, o.frames, o.width, o.categories), ClipLoss(self.adam)
        init_normal(self.G.streams, std=0.01)
        init_normal(self.D, std=0.01)
        init_normal(self.G.encoder)

    @property
    def d_z(self) -> int:
        return self.config.dim_z

    def clips_from(self, pictures: Pictures, z: Float[Tensor, "n d_z"], y: Float[Tensor, "n K"]) -> Clip:
        return self.G(pictures, z, y)[0]
