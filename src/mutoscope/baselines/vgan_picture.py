"""VGAN that starts from a picture and a label instead of from noise alone.

ImaGINator's tables compare with such a VGAN (Wang et al. 2020; thesis, Tables 3.4 to 3.6) without describing it. Here
the code of the picture (ImaGINator's encoder), the label and noise take the place of z, and the clip is also to be like
the real one. Both streams and the mask stay. D names the label, as MoCoGAN's does: one more output for each, by which
labels matter from the first step; shown labels instead, D would have to find out first which clips go with them.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.baselines.picture_gan import PictureConfig, PictureGAN
from mutoscope.baselines.vgan import LATENTS, Discriminator, Generator, check_frames
from mutoscope.baselines.video_gan import scaled
from mutoscope.losses import bce
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import init_normal, normalising_parts
from mutoscope.systems.base import Batch, Optimizers, step
from mutoscope.systems.config import Size, Weight
from mutoscope.systems.draws import Random
from mutoscope.systems.imaginator.networks import Encoder


class PictureGenerator(nn.Module):
    """VGAN's two streams, from the code of a picture, a label and noise."""

    def __init__(self, encoder: Encoder, streams: Generator) -> None:
        super().__init__()
        self.encoder, self.streams = encoder, streams

    def forward(
        self, picture: Float[Tensor, "n c h w"], z: Float[Tensor, "n d_z"], y: Float[Tensor, "n K"]
    ) -> tuple[Float[Tensor, "n c t h w"], Float[Tensor, "n 1 t h w"]]:
        """Clips in [-1, 1], and their masks in [0, 1] (1: foreground)."""
        code = self.encoder(picture)[-1].flatten(1)
        return self.streams(torch.cat([code, y.to(code), z.to(code)], 1))


@dataclass(frozen=True)
class PictureVGANConfig(PictureConfig):
    """Choices of `vgan_picture`.

    Args:
        dim_picture: Size of the code of the picture.
        dim_z: Size of the noise.
        image_size: Height and width of a frame in pixels: 16, 32 or 64.
        frames: Frames of a clip, a multiple of image_size / 4 (16 at 64 pixels).
        width: Multiplier of all hidden widths; 1 is the papers'.
        lambda_rec: Weight of the mean absolute error between generated and real clips, in units of [-1, 1] pixels.
        lambda_mask: Weight of the mean of the mask, which keeps the background in use.
        lr: Learning rate of both Adams.
    """

    dim_picture: Size = 100
    dim_z: Size = 100
    lambda_mask: Weight = 0.1

    def check(self) -> None:
        super().check()
        check_frames(self.frames, self.image_size)


class PictureVGAN(PictureGAN):
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
        self.D = Discriminator(*size, o.frames, o.width, outputs=1 + o.categories)
        init_normal(self.G.streams, std=0.01)
        init_normal(self.D, std=0.01)
        init_normal(self.G.encoder)

    @property
    def d_z(self) -> int:
        return self.config.dim_z

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        o = self.config
        networks = {"G": self.G, "D": self.D}
        return {name: torch.optim.Adam(net.parameters(), o.lr, o.betas, fused=True) for name, net in networks.items()}

    def noise(self, n: int, random: Random) -> dict[str, Tensor]:
        return self.codes(n, random(LATENTS))

    def training_step(self, batch: Batch, noise: dict[str, Tensor], optimizers: Optimizers) -> dict[str, Tensor]:
        o = self.config
        real = uint8_to_float(batch["clip"]).movedim(1, 2)
        labels = batch["label"] if o.categories else None
        fake, mask = self.G(*self.inputs(real, labels, noise))  # one graph serves both steps

        with self.training_only(self.D):
            with normalising_parts(self.D, 2):
                on_real, on_fake = self.D(torch.cat([real, fake.detach()])).chunk(2)
            loss_D = bce(on_real[:, 0], 1.0) + bce(on_fake[:, 0], 0.0)
            step(optimizers["D"], loss_D + label_loss(on_real, labels))
        with self.training_only(self.G):
            said = self.D(fake)
            loss_G = bce(said[:, 0], 1.0)
            loss_label, loss_rec = label_loss(said, labels), F.l1_loss(fake.float(), real)
            loss_mask = mask.float().mean()
            step(optimizers["G"], loss_G + loss_label + o.lambda_rec * loss_rec + o.lambda_mask * loss_mask)
        losses = {"loss_D": loss_D, "loss_G": loss_G, "loss_rec": loss_rec, "mask": loss_mask}
        if labels is not None:
            losses["loss_label"] = loss_label
        return {name: loss.detach() for name, loss in losses.items()}

    def clips_from(
        self, pictures: Float[Tensor, "n c h w"], z: Float[Tensor, "n d_z"], y: Float[Tensor, "n K"]
    ) -> Float[Tensor, "n c t h w"]:
        return self.G(pictures, z, y)[0]

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        # full width; batch and length are ImaGINator's
        "paper": {"image_size": 64, "frames": 32, "batch_size": 64, "max_steps": 55_000},
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


def label_loss(said: Float[Tensor, "n o"], labels: Tensor | None) -> Float[Tensor, ""]:
    """Cross-entropy of the labels that D names behind its score; 0 without labels."""
    return said.new_zeros(()) if labels is None else F.cross_entropy(said[:, 1:].float(), labels)
