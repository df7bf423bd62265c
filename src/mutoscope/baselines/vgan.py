"""VGAN: a moving foreground over a still background.

C. Vondrick, H. Pirsiavash, A. Torralba, "Generating Videos with Scene Dynamics", NeurIPS 2016. A 3-D network draws the
foreground f and a mask m, a 2-D network the background b, all from one z: G(z) = m(z) ⊙ f(z) + (1 − m(z)) ⊙ b(z)
(section 3.1).
"""

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.baselines.video_gan import Clip, ClipsConfig, ScoreLoss, VideoGAN, levels_of, pyramid_of, scaled
from mutoscope.errors import InputError
from mutoscope.losses import PyramidLoss
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import BatchNorm2d, BatchNorm3d, init_normal
from mutoscope.systems.base import Batch, Optimizers, step
from mutoscope.systems.config import Betas, LearningRate, Size, Weight
from mutoscope.systems.draws import Draws, Random
from mutoscope.systems.parameters import Range

LATENTS = 0  # what random numbers are for
Noise = dict[str, Tensor]


def deconvolutions(conv: Any, norm: Any, dim_z: int, widths: list[int], bottom: Any) -> list[nn.Module]:
    """From z to a map of the size `bottom`, doubled with every further width."""
    layers: list[nn.Module] = [conv(dim_z, widths[0], bottom, bias=False)]
    for c_in, c_out in pairwise(widths):
        layers += [norm(c_in), nn.ReLU(inplace=True), conv(c_in, c_out, 4, 2, 1, bias=False)]
    return [*layers, norm(widths[-1]), nn.ReLU(inplace=True)]


class Generator(nn.Module):
    """Two streams from one z, joined by a mask."""

    def __init__(self, dim_z: int, channels: int, image_size: int, frames: int, width: float) -> None:
        super().__init__()
        levels = levels_of(image_size)
        widths = scaled(width, *(32 << level for level in range(levels, 0, -1)))  # 512, 256, 128, 64 at 64 pixels
        self.foreground = nn.Sequential(
            *deconvolutions(nn.ConvTranspose3d, BatchNorm3d, dim_z, widths, (frames >> levels, 4, 4))
        )
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
    """D: a clip to a score (and what else `outputs` asks for), by convolution in space and time."""

    def __init__(self, channels: int, image_size: int, frames: int, width: float, outputs: int = 1) -> None:
        super().__init__()
        levels = levels_of(image_size)
        widths = [channels, *scaled(width, *(64 << level for level in range(levels)))]
        layers: list[nn.Module] = []
        for level, (c_in, c_out) in enumerate(pairwise(widths)):
            layers.append(nn.Conv3d(c_in, c_out, 4, 2, 1, bias=False))
            layers += [BatchNorm3d(c_out)] if level else []
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.layers = nn.Sequential(*layers, nn.Conv3d(widths[-1], outputs, (frames >> levels, 4, 4)))

    def forward(self, x: Clip) -> Float[Tensor, "n outputs"]:
        return self.layers(x).flatten(1)


@dataclass(frozen=True)
class VGANConfig(ClipsConfig):
    """Choices of VGAN.

    Args:
        dim_z: Size of the noise.
        image_size: Height and width of a frame in pixels: 16, 32 or 64.
        frames: Frames of a clip, a multiple of image_size / 4 (16 at 64 pixels); the paper's are 32.
        width: Multiplier of all hidden widths; 1 is the paper's.
        lambda_mask: Weight of the mean of the mask, which keeps the background in use (section 3.1).
        lr: Learning rate of both Adams.
        d_v: Video discriminator: the paper's in 3-D, or MintGAN's temporal pyramid of 2-D ones.
    """

    dim_z: Size = 100
    frames: Annotated[int, Range(1, 1024)] = 32
    lambda_mask: Weight = 0.1
    lr: LearningRate = 2e-4
    betas: Betas = (0.5, 0.999)

    def check(self) -> None:
        super().check()
        check_frames(self.frames, self.image_size)


class VGAN(VideoGAN):
    """VGAN."""

    name = "vgan"
    config_class = VGANConfig
    config: VGANConfig

    def __init__(self, config: VGANConfig) -> None:
        super().__init__(config)
        o = config
        self.G = Generator(o.dim_z, o.channels, o.image_size, o.frames, o.width)
        self.D: nn.Module
        self.loss_D: ScoreLoss | PyramidLoss
        if o.d_v == "pyramid":
            self.D, self.loss_D = pyramid_of(o), PyramidLoss(o.r1_gamma)
        else:
            self.D, self.loss_D = Discriminator(o.channels, o.image_size, o.frames, o.width), ScoreLoss(self.adam)
        init_normal(self, std=0.01)

    def adam(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimiser of both networks, but of a pyramid, which has its own."""
        return torch.optim.Adam(network.parameters(), self.config.lr, self.config.betas, fused=True)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"G": self.adam(self.G), "D": self.loss_D.optimizer(self.D)}

    @property
    def kind(self) -> Hashable:
        return self.stage.name, self.loss_D.penalises(self.iteration)

    def noise(self, n: int, random: Random) -> Noise:
        """z, Gaussian."""
        return {"z": random(LATENTS).normal(n, self.config.dim_z)}

    def training_step(self, batch: Batch, noise: Noise, optimizers: Optimizers) -> dict[str, Tensor]:
        real = uint8_to_float(batch["clip"]).movedim(1, 2)
        fake, mask = self.G(noise["z"])  # one graph serves both steps
        with self.training_only(self.D):
            loss_D = self.loss_D.of_D(self.D, real, fake.detach(), self.loss_D.penalises(self.iteration))
            step(optimizers["D"], loss_D)
        with self.training_only(self.G):
            loss_G = self.loss_D.of_G(self.D, fake)
            loss_mask = mask.float().abs().mean()
            step(optimizers["G"], loss_G + self.config.lambda_mask * loss_mask)
        return {"loss_D": loss_D.detach(), "loss_G": loss_G.detach(), "mask": loss_mask.detach()}

    def draw(self, n: int, frames: int, draws: Draws) -> Clip:
        return self.G(draws.normal(n, self.config.dim_z))[0][:, :, :frames]

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {"image_size": 64, "frames": 32, "batch_size": 64, "max_steps": 100_000},
        # half the width, 16 frames, a batch that two CPU cores can carry
        "tuned": {"image_size": 64, "frames": 16, "width": 0.5, "batch_size": 16, "max_steps": 3000},
        # minutes on two CPU cores
        "tiny": {"image_size": 32, "frames": 16, "width": 0.5, "batch_size": 16, "max_steps": 1500},
    }


def check_frames(frames: int, image_size: int) -> None:
    """Raises InputError where doubling does not lead to so many frames."""
    unit = 1 << levels_of(image_size)
    if frames % unit:
        raise InputError(f"frames: {frames} (expected a multiple of {unit} for frames of {image_size} pixels)")
