"""TGAN: one generator for time, which makes a latent code of every frame, and one for pictures; a WGAN.

M. Saito, E. Matsumoto, S. Saito, "Temporal Generative Adversarial Nets with Singular Value Clipping", ICCV 2017.
The temporal generator G_0 turns z_0 into z_1^t, one for every frame (section 3.1); the image generator G_1 draws a
frame from z_0 and z_1^t (Table 1). The discriminator is kept 1-Lipschitz by clipping the singular values of its layers
(section 4).

With a temporal pyramid for discriminator (`d_v: pyramid`) TGAN is no WGAN: the pyramid plays for its own logistic loss
with a gradient penalty, and no singular values are clipped.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.baselines.video_gan import (
    LATENTS,
    Clip,
    ClipsConfig,
    Noise,
    VideoGAN,
    convolutions,
    levels_of,
    pyramid_of,
    scaled,
    widths_of,
)
from mutoscope.losses import PyramidLoss
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import BatchNorm1d, BatchNorm2d, BatchNorm3d, init_normal, normalising_parts
from mutoscope.systems.base import Batch, Optimizers, step
from mutoscope.systems.config import LearningRate, Size
from mutoscope.systems.draws import Draws, Random


@dataclass(frozen=True)
class TGANConfig(ClipsConfig):
    """Choices of TGAN with singular-value clipping; clips have 16 frames.

    Args:
        dim_slow: Size of z_0, one a clip.
        dim_fast: Size of z_1, one a frame.
        latents: What draws a frame: z_0 and z_1 (the paper), or z_1 alone.
        clip_every: Iterations between two clippings of the critic's singular values.
    """

    frames: ClassVar[int] = 16
    dim_slow: Size = 100
    dim_fast: Size = 100
    latents: Literal["both", "fast"] = "both"
    clip_every: Size = 5
    lr: LearningRate = 5e-5


class TemporalGenerator(nn.Module):
    """G_0: z_0 to 16 latent codes z_1^t, by deconvolution in time (1, 2, 4, 8, 16 steps)."""

    def __init__(self, config: TGANConfig) -> None:
        super().__init__()
        widths = scaled(config.width, 512, 256, 128, 128)
        layers: list[nn.Module] = [nn.ConvTranspose1d(config.dim_slow, widths[0], 1)]
        for c_in, c_out in zip(widths, [*widths[1:], config.dim_fast], strict=True):
            layers += [BatchNorm1d(c_in), nn.ReLU(inplace=True), nn.ConvTranspose1d(c_in, c_out, 4, 2, 1)]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z_slow: Float[Tensor, "n k0"]) -> Float[Tensor, "n k1 t"]:
        return self.layers(z_slow[..., None])


class ImageGenerator(nn.Module):
    """G_1: z_1^t, and z_0 unless `latents` is "fast", to a frame.

    Each latent has a linear layer of its own to 4 × 4 maps, which lie side by side in the first deconvolution.
    """

    def __init__(self, config: TGANConfig) -> None:
        super().__init__()
        both = config.latents == "both"
        bottom, *widths = scaled(config.width, *(256, 256, 128, 64, 32)[: levels_of(config.image_size) + 1])
        self.from_fast = self.bottom_map(config.dim_fast, bottom)
        self.from_slow = self.bottom_map(config.dim_slow, bottom) if both else None
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise([bottom * (1 + both), *widths]):
            layers += [nn.ConvTranspose2d(c_in, c_out, 4, 2, 1), BatchNorm2d(c_out), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], config.channels, 3, 1, 1), nn.Tanh())

    @staticmethod
    def bottom_map(dim: int, width: int) -> nn.Module:
        """A linear layer to `width` maps of 4 × 4."""
        return nn.Sequential(nn.Linear(dim, width * 16), BatchNorm1d(width * 16), nn.ReLU(inplace=True))

    def forward(self, z_slow: Float[Tensor, "n k0"], z_fast: Float[Tensor, "n k1 t"]) -> Clip:
        n, _, t = z_fast.shape
        maps = self.from_fast(z_fast.movedim(2, 1).flatten(0, 1)).unflatten(1, (-1, 4, 4))
        if self.from_slow is not None:
            slow = self.from_slow(z_slow).unflatten(1, (-1, 4, 4)).repeat_interleave(t, 0)
            maps = torch.cat([maps, slow], 1)
        return self.layers(maps.contiguous(memory_format=torch.channels_last)).unflatten(0, (n, t)).movedim(1, 2)


class Discriminator(nn.Module):
    """D: a clip of 16 frames to a score, by convolution in space and time."""

    def __init__(self, config: TGANConfig) -> None:
        super().__init__()
        widths = [config.channels, *widths_of(config.image_size, config.width)]
        layers = convolutions(nn.Conv3d, BatchNorm3d, widths, bias=True)
        bottom = config.frames >> levels_of(config.image_size)
        self.layers = nn.Sequential(*layers, nn.Conv3d(widths[-1], 1, (bottom, 4, 4)))

    def forward(self, x: Clip) -> Float[Tensor, " n"]:
        return self.layers(x).flatten()


@torch.no_grad()
def clip_singular_values(D: nn.Module) -> None:
    """Makes no layer of a critic stretch anything by more than 1 (section 4.1, Table 2).

    Convolutions: the singular values of the weights as a matrix of outputs by inputs are cut at 1. Batch normalisation:
    |γ| is cut at the running standard deviation, by which it divides.
    """
    for layer in D.modules():
        if isinstance(layer, nn.Conv3d):
            u, sigma, v = torch.linalg.svd(layer.weight.flatten(1), full_matrices=False)
            layer.weight.copy_(((u * sigma.clamp(max=1)) @ v).view_as(layer.weight))
        elif isinstance(layer, BatchNorm3d):
            assert layer.running_var is not None
            deviation = (layer.running_var + layer.eps).sqrt()
            layer.weight.copy_(torch.minimum(torch.maximum(layer.weight, -deviation), deviation))


@dataclass(frozen=True)
class CriticLoss:
    """The game of Eq. 3; `optimizer` makes the critic's own."""

    optimizer: Callable[[nn.Module], torch.optim.Optimizer]

    def penalises(self, iteration: int) -> bool:
        """Whether an iteration's loss has a penalty; see `PyramidLoss`."""
        return False

    def of_D(self, D: nn.Module, real: Clip, fake: Clip, penalised: bool) -> Float[Tensor, ""]:
        """The critic's side, real and fake clips each normalised by their own batch statistics."""
        with normalising_parts(D, 2):
            real_score, fake_score = D(torch.cat([real, fake])).float().chunk(2)
        return fake_score.mean() - real_score.mean()

    def of_G(self, D: nn.Module, fake: Clip) -> Float[Tensor, ""]:
        """The generators' side."""
        return -D(fake).float().mean()


class TGAN(VideoGAN):
    """TGAN with singular-value clipping."""

    name = "tgan"
    config_class = TGANConfig
    config: TGANConfig

    def __init__(self, config: TGANConfig) -> None:
        super().__init__(config)
        self.G_0 = TemporalGenerator(config)
        self.G_1 = ImageGenerator(config)
        self.D: nn.Module
        if config.d_v == "pyramid":
            self.D, self.loss_D = pyramid_of(config), PyramidLoss(config.r1_gamma)
        else:
            self.D, self.loss_D = Discriminator(config), CriticLoss(self.rmsprop)
        init_normal(self)
        if config.d_v == "3d":
            clip_singular_values(self.D)

    def rmsprop(self, *networks: nn.Module) -> torch.optim.Optimizer:
        """The optimiser of all networks, but of a pyramid, which has its own."""
        return torch.optim.RMSprop([p for network in networks for p in network.parameters()], lr=self.config.lr)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"G": self.rmsprop(self.G_0, self.G_1), "D": self.loss_D.optimizer(self.D)}

    def latents(self, n: int, draws: Draws) -> Float[Tensor, "n k0"]:
        """z_0, uniform in [-1, 1]."""
        return draws.uniform(n, self.config.dim_slow) * 2 - 1

    def noise(self, n: int, random: Random) -> Noise:
        """z_0."""
        return {"z_slow": self.latents(n, random(LATENTS))}

    def training_step(self, batch: Batch, noise: Noise, optimizers: Optimizers) -> dict[str, Tensor]:
        real = uint8_to_float(batch["clip"]).movedim(1, 2)
        fake = self.G_1(noise["z_slow"], self.G_0(noise["z_slow"]))  # one graph serves both steps
        with self.training_only(self.D):
            loss_D = self.loss_D.of_D(self.D, real, fake.detach(), self.loss_D.penalises(self.iteration))
            step(optimizers["D"], loss_D)
        with self.training_only(self.G_0, self.G_1):
            loss_G = self.loss_D.of_G(self.D, fake)
            step(optimizers["G"], loss_G)
        return {"loss_D": loss_D.detach(), "loss_G": loss_G.detach()}

    def after_step(self) -> None:
        """Every `clip_every`-th iteration begins with a critic that is clipped, as the first does."""
        if self.config.d_v == "3d" and (self.iteration + 1) % self.config.clip_every == 0:
            clip_singular_values(self.D)

    def draw(self, n: int, frames: int, draws: Draws) -> Clip:
        z_slow = self.latents(n, draws)
        return self.G_1(z_slow, self.G_0(z_slow))[:, :, :frames]

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        # the paper's networks and optimiser, for Moving MNIST
        "paper": {"image_size": 64, "batch_size": 32, "max_steps": 100_000},
        # half the width and a higher rate, for hours instead of days
        "tuned": {"image_size": 64, "width": 0.5, "lr": 2e-4, "batch_size": 16, "max_steps": 3000},
        # minutes on two CPU cores
        "tiny": {"image_size": 32, "width": 0.5, "lr": 2e-4, "batch_size": 16, "max_steps": 1500},
    }
