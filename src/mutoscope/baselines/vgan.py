"""VGAN: a moving foreground over a still background.

C. Vondrick, H. Pirsiavash, A. Torralba, "Generating Videos with Scene Dynamics", NeurIPS 2016. A 3-D network draws the
foreground f and a mask m, a 2-D network the background b, all from one z: G(z) = m(z) ⊙ f(z) + (1 − m(z)) ⊙ b(z)
(section 3.1).
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.baselines.video_gan import (
    LATENTS,
    Actions,
    Clip,
    ClipLoss,
    ClipsConfig,
    Noise,
    PyramidClipLoss,
    VideoGAN,
    convolutions,
    deconvolutions,
    levels_of,
    pyramid_of,
    widths_of,
)
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import BatchNorm2d, BatchNorm3d, init_normal
from mutoscope.systems.base import Batch, Optimizers, System, step
from mutoscope.systems.config import Betas, Size, Weight, check_multiple
from mutoscope.systems.draws import Draws, Random
from mutoscope.systems.parameters import Range


class Generator(nn.Module):
    """Two streams from one z, joined by a mask."""

    def __init__(self, dim_z: int, channels: int, image_size: int, frames: int, width: float) -> None:
        super().__init__()
        widths, bottom = widths_of(image_size, width)[::-1], (frames >> levels_of(image_size), 4, 4)
        self.foreground = nn.Sequential(*deconvolutions(nn.ConvTranspose3d, BatchNorm3d, dim_z, widths, bottom))
        self.colour = nn.ConvTranspose3d(widths[-1], channels, 4, 2, 1)
        self.mask = nn.ConvTranspose3d(widths[-1], 1, 4, 2, 1)
        self.background = nn.Sequential(
            *deconvolutions(nn.ConvTranspose2d, BatchNorm2d, dim_z, widths, 4),
            nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, z: Float[Tensor, "n k"]) -> tuple[Clip, Float[Tensor, "n 1 t h w"]]:
        """Clips in [-1, 1], and their masks in [0, 1] (1: foreground)."""
        foreground = self.foreground(z[..., None, None, None])
        f, m = self.colour(foreground).tanh(), self.mask(foreground).sigmoid()
        b = self.background(z[..., None, None])[:, :, None]
        return m * f + (1 - m) * b, m


class Discriminator(nn.Module):
    """D: a clip to a score, and to the logits of its label if it is to name one, by convolution in space and time."""

    def __init__(self, channels: int, image_size: int, frames: int, width: float, categories: int = 0) -> None:
        super().__init__()
        widths, bottom = [channels, *widths_of(image_size, width)], (frames >> levels_of(image_size), 4, 4)
        layers = convolutions(nn.Conv3d, BatchNorm3d, widths)
        self.layers = nn.Sequential(*layers, nn.Conv3d(widths[-1], 1 + categories, bottom))

    def forward(self, x: Clip) -> tuple[Float[Tensor, " n"], Float[Tensor, "n K"]]:
        o = self.layers(x).flatten(1)
        return o[:, 0], o[:, 1:]


@dataclass(frozen=True)
class VGANConfig(ClipsConfig):
    """Choices of VGAN.

    Args:
        dim_z: Size of the noise.
        frames: Frames of a clip, a multiple of image_size / 4 (16 at 64 pixels); the paper's are 32.
        lambda_mask: Weight of the mean of the mask, which keeps the background in use (section 3.1).
    """

    categories: ClassVar[int] = 0
    dim_z: Size = 100
    frames: Annotated[int, Range(1, 1024)] = 32
    lambda_mask: Weight = 0.1
    betas: Betas = (0.5, 0.999)

    def check(self) -> None:
        super().check()
        check_multiple("frames", self.frames, self.image_size // 4, f"for frames of {self.image_size} pixels")


class VGANTraining(System):
    """G against D; a subclass has the networks and says what G draws from.

    Attributes:
        config: has `categories`, `lambda_rec`, `lambda_mask`, `lr` and `betas`.
        loss_D: what D plays for.
    """

    G: nn.Module
    D: nn.Module
    loss_D: ClipLoss | PyramidClipLoss

    def codes(self, n: int, draws: Draws) -> Noise:
        """What `fake_clips` draws from, beside real clips and labels."""
        raise NotImplementedError

    def fake_clips(self, real: Clip, labels: Actions, noise: Noise) -> tuple[Clip, Float[Tensor, "n 1 t h w"]]:
        """As many clips as there are real ones, with their labels, and their masks."""
        raise NotImplementedError

    def adam(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimiser of both networks, but of a pyramid, which has its own."""
        return torch.optim.Adam(network.parameters(), self.config.lr, self.config.betas, fused=True)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"G": self.adam(self.G), "D": self.loss_D.optimizer(self.D)}

    def noise(self, n: int, random: Random) -> Noise:
        return self.codes(n, random(LATENTS))

    def training_step(self, batch: Batch, noise: Noise, optimizers: Optimizers) -> dict[str, Tensor]:
        o, real = self.config, uint8_to_float(batch["clip"]).movedim(1, 2)
        labels = batch["label"] if o.categories else None
        fake, mask = self.fake_clips(real, labels, noise)  # one graph serves both steps
        with self.training_only(self.D):
            penalised = self.loss_D.penalises(self.iteration)
            loss_D, loss_named = self.loss_D.of_D(self.D, real, fake.detach(), labels, penalised)
            step(optimizers["D"], loss_D + loss_named)
        losses = {"loss_D": loss_D}
        with self.training_only(self.G):
            losses["loss_G"], loss_label = self.loss_D.of_G(self.D, fake, labels)
            loss = losses["loss_G"] + loss_label
            if o.lambda_rec:
                losses["loss_rec"] = F.l1_loss(fake.float(), real)
                loss = loss + o.lambda_rec * losses["loss_rec"]
            losses["mask"] = mask.float().mean()
            step(optimizers["G"], loss + o.lambda_mask * losses["mask"])
        if labels is not None:
            losses["loss_label"] = loss_label
        return {name: loss.detach() for name, loss in losses.items()}


class VGAN(VideoGAN, VGANTraining):
    """VGAN."""

    name = "vgan"
    config_class = VGANConfig
    config: VGANConfig

    def __init__(self, config: VGANConfig) -> None:
        super().__init__(config)
        o, size = config, (config.channels, config.image_size, config.frames, config.width)
        self.G = Generator(o.dim_z, *size)
        if o.d_v == "pyramid":
            self.D, self.loss_D = pyramid_of(o), PyramidClipLoss(o.r1_gamma)
        else:
            self.D, self.loss_D = Discriminator(*size), ClipLoss(self.adam)
        init_normal(self, std=0.01)

    def codes(self, n: int, draws: Draws) -> Noise:
        """z, Gaussian."""
        return {"z": draws.normal(n, self.config.dim_z)}

    def fake_clips(self, real: Clip, labels: Actions, noise: Noise) -> tuple[Clip, Float[Tensor, "n 1 t h w"]]:
        return self.G(noise["z"])

    def draw(self, n: int, frames: int, draws: Draws) -> Clip:
        return self.G(**self.codes(n, draws))[0][:, :, :frames]

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {"image_size": 64, "frames": 32, "batch_size": 64, "max_steps": 100_000},
        # half the width, 16 frames, a batch that two CPU cores can carry
        "tuned": {"image_size": 64, "frames": 16, "width": 0.5, "batch_size": 16, "max_steps": 3000},
        # minutes on two CPU cores
        "tiny": {"image_size": 32, "frames": 16, "width": 0.5, "batch_size": 16, "max_steps": 1500},
    }
