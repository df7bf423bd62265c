"""MoCoGAN that starts from a picture and a label.

ImaGINator's tables compare with such a MoCoGAN (Wang et al. 2020; thesis, Tables 3.4 to 3.6) without describing it.
Here the code of the picture (ImaGINator's encoder) takes the place of the content code z_C, R_M is told the label at
each step as MoCoGAN's own is, and the clip is also to be like the real one. The frame generator, both discriminators
and their losses stay.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.baselines.mocogan import (
    Generator,
    ImageDiscriminator,
    MoCoGANChoices,
    MoCoGANTraining,
    VideoDiscriminator,
    check_frames,
)
from mutoscope.baselines.picture_gan import PictureConfig, PictureGAN, Pictures
from mutoscope.baselines.video_gan import Clip, ClipLoss, scaled
from mutoscope.nn import init_normal
from mutoscope.systems.imaginator.networks import Encoder


class PictureGenerator(nn.Module):
    """R_M and G_I, with the code of a picture for content."""

    def __init__(self, encoder: Encoder, frames: Generator) -> None:
        super().__init__()
        self.encoder, self.frames = encoder, frames

    def forward(self, picture: Pictures, z: Float[Tensor, "n d_z"], y: Float[Tensor, "n K"]) -> Clip:
        """Clips in [-1, 1]; z holds the first state of R_M, then ε of every frame."""
        content = self.encoder(picture)[-1].flatten(1)
        draws = z.unflatten(1, (-1, self.frames.dim_motion))
        return self.frames(content, draws[:, 0], draws[:, 1:], y)


@dataclass(frozen=True)
class PictureMoCoGANConfig(PictureConfig, MoCoGANChoices):
    """Choices of `mocogan_picture`.

    Args:
        frames: Frames of a clip, at least 3 for each halving of the frame, and 4.
    """

    def check(self) -> None:
        super().check()
        check_frames(self.frames, self.image_size)


class PictureMoCoGAN(PictureGAN, MoCoGANTraining):
    """MoCoGAN from a picture and a label."""

    name = "mocogan_picture"
    config_class = PictureMoCoGANConfig
    config: PictureMoCoGANConfig

    def __init__(self, config: PictureMoCoGANConfig) -> None:
        super().__init__(config)
        encoder = Encoder(config.channels, config.image_size, scaled(config.width, 64)[0], config.dim_picture)
        self.G = PictureGenerator(encoder, Generator(config, config.dim_picture))
        self.D_I, self.D_V = ImageDiscriminator(config), VideoDiscriminator(config)
        self.loss_D = ClipLoss(self.adam)
        init_normal(self)

    @property
    def d_z(self) -> int:
        return self.config.dim_motion * (1 + self.config.frames)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        **PictureGAN.presets,
        "paper": {**PictureGAN.presets["paper"], "image_frames": 3},
    }
