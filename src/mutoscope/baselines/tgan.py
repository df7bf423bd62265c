"""TGAN: one generator for time, which makes a latent code of every frame, and one for pictures; a WGAN.

M. Saito, E. Matsumoto, S. Saito, "Temporal Generative Adversarial Nets with Singular Value Clipping", ICCV 2017.
The temporal generator G_0 turns z_0 into z_1^t, one for every frame (section 3.1); the image generator G_1 draws a
frame from z_0 and z_1^t (Table 1). The discriminator is kept 1-Lipschitz by clipping the singular values of its layers
(section 4).

With a temporal pyramid for discriminator (`d_v: pyramid`) TGAN is no WGAN: the pyramid plays for its own logistic loss
with a gradient penalty, and no singular values are clipped.
"""

from itertools import pairwise
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.baselines.video_gan import VideoGAN, check_at_least, levels_of
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import BatchNorm1d, BatchNorm2d, BatchNorm3d, init_normal, normalising_parts
from mutoscope.systems.pyramid_discriminator import HOST_ARGUMENTS, PyramidDiscriminator

LATENTS = 0  # what random numbers are for
FRAMES = 16


class TemporalGenerator(nn.Module):
    """G_0: z_0 to 16 latent codes z_1^t, by deconvolution in time (1, 2, 4, 8, 16 steps)."""

    def __init__(self, dim_slow: int, dim_fast: int, width: float) -> None:
        super().__init__()
        widths = [round(w * width) for w in (512, 256, 128, 128)]
        layers: list[nn.Module] = [nn.ConvTranspose1d(dim_slow, widths[0], 1)]
        for c_in, c_out in zip(widths, [*widths[1:], dim_fast], strict=True):
            layers += [BatchNorm1d(c_in), nn.ReLU(inplace=True), nn.ConvTranspose1d(c_in, c_out, 4, 2, 1)]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z_slow: Float[Tensor, "n k0"]) -> Float[Tensor, "n k1 t"]:
        return self.layers(z_slow[..., None])


class ImageGenerator(nn.Module):
    """G_1: z_1^t, and z_0 unless `latents` is "fast", to a frame.

    Each latent has a linear layer of its own to 4 × 4 maps, which lie side by side in the first deconvolution.
    """

    def __init__(
        self, dim_slow: int, dim_fast: int, latents: Literal["both", "fast"], channels: int, size: int, width: float
    ) -> None:
        super().__init__()
        levels = levels_of(size)
        bottom, *widths = (round(w * width) for w in (256, 256, 128, 64, 32)[: levels + 1])
        self.from_fast = self.bottom_map(dim_fast, bottom)
        self.from_slow = self.bottom_map(dim_slow, bottom) if latents == "both" else None
        layers: list[nn.Module] = []
        for c_in, c_out in zip([bottom * (2 if latents == "both" else 1), *widths], widths, strict=False):
            layers += [nn.ConvTranspose2d(c_in, c_out, 4, 2, 1), BatchNorm2d(c_out), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], channels, 3, 1, 1), nn.Tanh())

    @staticmethod
    def bottom_map(dim: int, width: int) -> nn.Module:
        """A linear layer to `width` maps of 4 × 4."""
        return nn.Sequential(nn.Linear(dim, width * 16), BatchNorm1d(width * 16), nn.ReLU(inplace=True))

    def forward(self, z_slow: Float[Tensor, "n k0"], z_fast: Float[Tensor, "n k1 t"]) -> Float[Tensor, "n c t h w"]:
        n, _, t = z_fast.shape
        maps = self.from_fast(z_fast.movedim(2, 1).flatten(0, 1)).unflatten(1, (-1, 4, 4))
        if self.from_slow is not None:
            slow = self.from_slow(z_slow).unflatten(1, (-1, 4, 4)).repeat_interleave(t, 0)
            maps = torch.cat([maps, slow], 1)
        return self.layers(maps.contiguous(memory_format=torch.channels_last)).unflatten(0, (n, t)).movedim(1, 2)


class Discriminator(nn.Module):
    """D: a clip of 16 frames to a score, by convolution in space and time."""

    def __init__(self, channels: int, image_size: int, width: float) -> None:
        super().__init__()
        levels = levels_of(image_size)
        widths = [channels, *(round(64 * width * 2**level) for level in range(levels))]
        layers: list[nn.Module] = []
        for level, (c_in, c_out) in enumerate(pairwise(widths)):
            layers.append(nn.Conv3d(c_in, c_out, 4, 2, 1))
            layers += [BatchNorm3d(c_out)] if level else []
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.layers = nn.Sequential(*layers, nn.Conv3d(widths[-1], 1, (FRAMES >> levels, 4, 4)))

    def forward(self, x: Float[Tensor, "n c t h w"]) -> Float[Tensor, " n"]:
        return self.layers(x).flatten()

    @torch.no_grad()
    def clip_singular_values(self) -> None:
        """Makes no layer stretch anything by more than 1 (section 4.1, Table 2).

        Convolutions: the singular values of the weights as a matrix of outputs by inputs are cut at 1. Batch
        normalisation: |γ| is cut at the running standard deviation, by which it divides.
        """
        for layer in self.layers:
            if isinstance(layer, nn.Conv3d):
                matrix = layer.weight.flatten(1)
                u, sigma, v = torch.linalg.svd(matrix, full_matrices=False)
                layer.weight.copy_(((u * sigma.clamp(max=1)) @ v).view_as(layer.weight))
            elif isinstance(layer, BatchNorm3d):
                assert layer.running_var is not None
                deviation = (layer.running_var + layer.eps).sqrt()
                layer.weight.copy_(torch.minimum(torch.maximum(layer.weight, -deviation), deviation))


class TGAN(VideoGAN):
    """TGAN with singular-value clipping; clips have 16 frames.

    Args:
        dim_slow: Size of z_0, one a clip.
        dim_fast: Size of z_1, one a frame.
        latents: What draws a frame: z_0 and z_1 (the paper), or z_1 alone.
        channels: Colour channels of a frame, 1 or 3.
        image_size: Height and width of a frame in pixels: 16, 32 or 64.
        frame_step: Lowest and highest distance between the frames of a clip in training, in frames of the file.
        width: Multiplier of all hidden widths; 1 is the paper's.
        clip_every: Iterations between two clippings of the critic's singular values.
        lr: Learning rate of both RMSprops.
        d_v: Video discriminator: the paper's critic in 3-D, or MintGAN's temporal pyramid of 2-D ones.
        pyramid_levels: Speeds that the pyramid sees; level i takes every 2^i-th frame.
        pyramid_widths: Its channels at 4, 8, 16, ... pixels; null for MintGAN's.
        r1_gamma: Weight γ of the gradient penalty R1 on the pyramid.
    """

    name = "tgan"
    later_arguments: ClassVar = {"d_v": "3d", **HOST_ARGUMENTS}
    frames = FRAMES
    longest = FRAMES

    def __init__(
        self,
        *,
        dim_slow: int = 100,
        dim_fast: int = 100,
        latents: Literal["both", "fast"] = "both",
        channels: int = 3,
        image_size: int = 64,
        frame_step: tuple[int, int] = (1, 1),
        width: float = 1.0,
        clip_every: int = 5,
        lr: float = 5e-5,
        d_v: Literal["3d", "pyramid"] = "3d",
        pyramid_levels: int = 4,
        pyramid_widths: list[int] | None = None,
        r1_gamma: float = 10.0,
    ) -> None:
        super().__init__()
        check_at_least(1, dim_slow=dim_slow, dim_fast=dim_fast, channels=channels, clip_every=clip_every)
        self.dim_slow, self.clip_every, self.lr = dim_slow, clip_every, lr
        self.channels, self.image_size, self.frame_step = channels, image_size, (frame_step[0], frame_step[1])
        self.G_0 = TemporalGenerator(dim_slow, dim_fast, width)
        self.G_1 = ImageGenerator(dim_slow, dim_fast, latents, channels, image_size, width)
        self.D: Discriminator | PyramidDiscriminator = (
            PyramidDiscriminator(channels, image_size, FRAMES, pyramid_levels, pyramid_widths, r1_gamma)
            if d_v == "pyramid"
            else Discriminator(channels, image_size, width)
        )
        init_normal(self)
        if isinstance(self.D, Discriminator):
            self.D.clip_singular_values()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        opt_G = torch.optim.RMSprop([*self.G_0.parameters(), *self.G_1.parameters()], lr=self.lr)
        if isinstance(self.D, PyramidDiscriminator):
            return [opt_G, self.D.optimizer()]
        return [opt_G, torch.optim.RMSprop(self.D.parameters(), lr=self.lr)]

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        opt_G, opt_D = self.optimizers()  # type: ignore[attr-defined]  # a list, for there are several
        real = uint8_to_float(batch["clip"]).movedim(1, 2)
        z_slow = self.share(self.latents(len(real) * self.world_size, self.generator_for(LATENTS)))
        fake = self.G_1(z_slow, self.G_0(z_slow))  # one graph serves both steps

        if isinstance(self.D, Discriminator) and self.iteration % self.clip_every == 0:
            self.D.clip_singular_values()
        with self.training_only(self.D):
            loss_D = self.loss_D(real, fake.detach())
            self.descend(opt_D, loss_D)
        with self.training_only(self.G_0, self.G_1):
            loss_G = self.loss_G(fake)
            self.descend(opt_G, loss_G)
        self.losses = {"loss_D": loss_D.detach(), "loss_G": loss_G.detach()}
        self.iteration += 1

    def loss_D(self, real: Float[Tensor, "n c t h w"], fake: Float[Tensor, "n c t h w"]) -> Float[Tensor, ""]:
        """The critic's side of Eq. 3, real and fake clips each normalised by their own batch statistics."""
        if isinstance(self.D, PyramidDiscriminator):
            return self.D.loss_D(real, fake, self.iteration)
        with normalising_parts(self.D, 2):
            real_score, fake_score = self.D(torch.cat([real, fake])).float().chunk(2)
        return fake_score.mean() - real_score.mean()

    def loss_G(self, fake: Float[Tensor, "n c t h w"]) -> Float[Tensor, ""]:
        """The generators' side of Eq. 3."""
        return self.D.loss_G(fake) if isinstance(self.D, PyramidDiscriminator) else -self.D(fake).float().mean()

    def latents(self, n: int, generator: torch.Generator) -> Float[Tensor, "n k0"]:
        """z_0, uniform in [-1, 1]."""
        return torch.rand(n, self.dim_slow, generator=generator, device=generator.device) * 2 - 1

    def draw(self, n: int, frames: int, generator: torch.Generator) -> Float[Tensor, "n c t h w"]:
        z_slow = self.latents(n, generator)
        return self.G_1(z_slow, self.G_0(z_slow))[:, :, :frames]

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        # the paper's networks and optimiser, for Moving MNIST
        "paper": {"image_size": 64, "batch_size": 32, "max_steps": 100_000},
        # half the width and a higher rate, for hours instead of days
        "tuned": {"image_size": 64, "width": 0.5, "lr": 2e-4, "batch_size": 16, "max_steps": 3000},
        # minutes on two CPU cores
        "tiny": {"image_size": 32, "width": 0.5, "lr": 2e-4, "batch_size": 16, "max_steps": 1500},
    }
