"""MoCoGAN that starts from a picture and a label.

ImaGINator's tables compare with such a MoCoGAN (Wang et al. 2020; thesis, Tables 3.4 to 3.6) without describing it.
Here the code of the picture (ImaGINator's encoder) takes the place of the content code z_C, R_M is told the label at
each step as MoCoGAN's own is, and the clip is also to be like the real one. The frame generator, both discriminators
and their losses stay.
"""

from typing import Any, ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.baselines.mocogan import Generator, ImageDiscriminator, VideoDiscriminator, check_frames
from mutoscope.baselines.mocogan_training import MoCoGANTraining
from mutoscope.baselines.picture_gan import PictureGAN
from mutoscope.baselines.video_gan import check_at_least
from mutoscope.nn import init_normal
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


class PictureMoCoGAN(PictureGAN, MoCoGANTraining):
    """MoCoGAN from a picture and a label.

    Args:
        dim_picture: Size of the code of the picture, the content code.
        dim_motion: Size of the motion code z_M and of the noise that drives it.
        label_names: Names of the labels in their order; null takes those of the data, [] trains without labels.
        label_at: Where the label enters: the recurrent network or every frame's code.
        channels: Colour channels of a frame, 1 or 3.
        image_size: Height and width of a frame in pixels: 16, 32 or 64.
        frames: Frames of a clip, at least 3 for each halving of the frame, and 4.
        frame_step: Lowest and highest distance between them in training, in frames of the file.
        width: Multiplier of all hidden widths; 1 is the papers'.
        image_frames: Frames of each clip that D_I sees in a step.
        d_noise: Standard deviation of Gaussian noise on all that the discriminators see, in units of [-1, 1] pixels.
        lambda_rec: Weight of the mean absolute error between generated and real clips, in units of [-1, 1] pixels.
        lr: Learning rate of all three Adams.
        betas: Their decay rates.
        weight_decay: Their weight decay.
    """

    name = "mocogan_picture"

    def __init__(
        self,
        *,
        dim_picture: int = 100,
        dim_motion: int = 10,
        label_names: list[str] | None = None,
        label_at: Literal["motion", "frame"] = "motion",
        channels: int = 3,
        image_size: int = 64,
        frames: int = 32,
        frame_step: tuple[int, int] = (2, 2),
        width: float = 1.0,
        image_frames: int = 1,
        d_noise: float = 0.0,
        lambda_rec: float = 100.0,
        lr: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        weight_decay: float = 1e-5,
    ) -> None:
        super().__init__(
            label_names=label_names,
            channels=channels,
            image_size=image_size,
            frames=frames,
            frame_step=frame_step,
            lambda_rec=lambda_rec,
        )
        check_at_least(1, dim_picture=dim_picture, dim_motion=dim_motion, image_frames=image_frames)
        check_at_least(0, d_noise=d_noise)
        check_frames(frames, image_size)
        self.categories = categories = len(self.label_names)
        self.d_z = dim_motion * (1 + frames)
        self.image_frames, self.d_noise = image_frames, d_noise
        self.adam = {"lr": lr, "betas": (betas[0], betas[1]), "weight_decay": weight_decay}
        self.G = PictureGenerator(
            Encoder(channels, image_size, round(64 * width), dim_picture),
            Generator(dim_picture, dim_motion, categories, label_at, channels, image_size, width),
        )
        self.D_I = ImageDiscriminator(channels, width)
        self.D_V = VideoDiscriminator(channels, image_size, categories, width)
        init_normal(self)

    def fake_clips(self, real: Float[Tensor, "n c t h w"], labels: Tensor | None) -> Float[Tensor, "n c t h w"]:
        return self.G(*self.inputs(real, labels))

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
