"""MoCoGAN that starts from a picture and a label.

ImaGINator's tables compare with such a MoCoGAN (Wang et al. 2020; thesis, Tables 3.4 to 3.6) without describing it.
Here the code of the picture (ImaGINator's encoder) takes the place of the content code z_C, R_M is told the label at
each step as MoCoGAN's own is, and the clip is also to be like the real one. The frame generator, both discriminators
and their losses stay.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from jaxtyping import Float, Int
from torch import Tensor, nn

from mutoscope.baselines.mocogan import Generator, ImageDiscriminator, VideoDiscriminator, check_frames
from mutoscope.baselines.mocogan_training import ClipLoss, MoCoGANTraining
from mutoscope.baselines.picture_gan import PictureConfig, PictureGAN
from mutoscope.baselines.video_gan import ScoreLoss, scaled
from mutoscope.nn import init_normal
from mutoscope.systems.config import Size, Weight
from mutoscope.systems.imaginator.networks import Encoder


class PictureGenerator(nn.Module):
    """R_M and G_I, with the code of a picture for content."""

    def __init__(self, encoder: Encoder, frames: Generator) -> None:
        super().__init__()
        self.encoder, self.frames = encoder, frames

    def forward(
        self, picture: Float[Tensor, "n c h w"], z: Float[Tensor, "n d_z"], y: Float[Tensor, "n K"]
    ) -> Float[Tensor, "n c t h w"]:
        """Clips in [-1, 1]; z holds the first state of R_M, then ε of every frame."""
        content = self.encoder(picture)[-1].flatten(1)
        draws = z.unflatten(1, (-1, self.frames.dim_motion))
        return self.frames(content, draws[:, 0], draws[:, 1:], y)


@dataclass(frozen=True)
class PictureMoCoGANConfig(PictureConfig):
    """Choices of `mocogan_picture`.

    Args:
        dim_picture: Size of the code of the picture, the content code.
        dim_motion: Size of the motion code z_M and of the noise that drives it.
        label_at: Where the label enters: the recurrent network or every frame's code.
        image_size: Height and width of a frame in pixels: 16, 32 or 64.
        frames: Frames of a clip, at least 3 for each halving of the frame, and 4.
        width: Multiplier of all hidden widths; 1 is the papers'.
        image_frames: Frames of each clip that D_I sees in a step.
        d_noise: Standard deviation of Gaussian noise on all that the discriminators see, in units of [-1, 1] pixels.
        lambda_rec: Weight of the mean absolute error between generated and real clips, in units of [-1, 1] pixels.
        lr: Learning rate of all three Adams.
        weight_decay: Their weight decay.
    """

    dim_picture: Size = 100
    dim_motion: Size = 10
    label_at: Literal["motion", "frame"] = "motion"
    image_frames: Size = 1
    d_noise: Weight = 0.0
    weight_decay: Weight = 1e-5

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
        o, K = config, config.categories
        self.G = PictureGenerator(
            Encoder(o.channels, o.image_size, scaled(o.width, 64)[0], o.dim_picture),
            Generator(o.dim_picture, o.dim_motion, K, o.label_at, o.channels, o.image_size, o.width),
        )
        self.D_I, self.loss_I = ImageDiscriminator(o.channels, o.width), ScoreLoss(self.adam)
        self.D_V, self.loss_V = VideoDiscriminator(o.channels, o.image_size, K, o.width), ClipLoss(self.adam)
        init_normal(self)

    @property
    def d_z(self) -> int:
        return self.config.dim_motion * (1 + self.config.frames)

    @property
    def categories(self) -> int:
        return self.config.categories

    @property
    def lambda_rec(self) -> float:
        return self.config.lambda_rec

    def fake_clips(
        self, real: Float[Tensor, "n c t h w"], labels: Int[Tensor, " n"] | None, noise: dict[str, Tensor]
    ) -> Float[Tensor, "n c t h w"]:
        return self.G(*self.inputs(real, labels, noise))

    def clips_from(
        self, pictures: Float[Tensor, "n c h w"], z: Float[Tensor, "n d_z"], y: Float[Tensor, "n K"]
    ) -> Float[Tensor, "n c t h w"]:
        return self.G(pictures, z, y)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        # full width; batch and length are ImaGINator's
        "paper": {"image_size": 64, "frames": 32, "image_frames": 3, "batch_size": 64, "max_steps": 55_000},
        # half the width, for two CPU cores
        "tuned": {"image_size": 64, "frames": 32, "width": 0.5, "batch_size": 16, "max_steps": 3000},
        # minutes on two CPU cores
        "tiny": {
            "image_size": 32,
            "frames": 16,
            "frame_step": [1, 1],
            "width": 0.5,
            "batch_size": 16,
            "max_steps": 1500,
        },
    }
