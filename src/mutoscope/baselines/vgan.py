"""VGAN: a moving foreground over a still background.

C. Vondrick, H. Pirsiavash, A. Torralba, "Generating Videos with Scene Dynamics", NeurIPS 2016. A 3-D network draws the
foreground f and a mask m, a 2-D network the background b, all from one z: G(z) = m(z) ⊙ f(z) + (1 − m(z)) ⊙ b(z)
(section 3.1).
"""

from itertools import pairwise
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.baselines.video_gan import VideoGAN, check_at_least, levels_of
from mutoscope.errors import InputError
from mutoscope.losses import bce
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import BatchNorm2d, BatchNorm3d, init_normal, normalising_parts
from mutoscope.systems.pyramid_discriminator import HOST_ARGUMENTS, PyramidDiscriminator

LATENTS = 0  # what random numbers are for


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
        widths = [round(32 * width * 2**level) for level in range(levels, 0, -1)]  # 512, 256, 128, 64 at 64 pixels
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

    def forward(self, z: Float[Tensor, "n k"]) -> tuple[Float[Tensor, "n c t h w"], Float[Tensor, "n 1 t h w"]]:
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
        widths = [channels, *(round(64 * width * 2**level) for level in range(levels))]
        layers: list[nn.Module] = []
        for level, (c_in, c_out) in enumerate(pairwise(widths)):
            layers.append(nn.Conv3d(c_in, c_out, 4, 2, 1, bias=False))
            layers += [BatchNorm3d(c_out)] if level else []
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.layers = nn.Sequential(*layers, nn.Conv3d(widths[-1], outputs, (frames >> levels, 4, 4)))

    def forward(self, x: Float[Tensor, "n c t h w"]) -> Float[Tensor, "n outputs"]:
        return self.layers(x).flatten(1)


class VGAN(VideoGAN):
    """VGAN.

    Args:
        dim_z: Size of the noise.
        channels: Colour channels of a frame, 1 or 3.
        image_size: Height and width of a frame in pixels: 16, 32 or 64.
        frames: Frames of a clip, a multiple of image_size / 4 (16 at 64 pixels); the paper's are 32.
        frame_step: Lowest and highest distance between them in training, in frames of the file.
        width: Multiplier of all hidden widths; 1 is the paper's.
        lambda_mask: Weight of the mean of the mask, which keeps the background in use (section 3.1).
        lr: Learning rate of both Adams.
        betas: Their decay rates.
        d_v: Video discriminator: the paper's in 3-D, or MintGAN's temporal pyramid of 2-D ones.
        pyramid_levels: Speeds that the pyramid sees; level i takes every 2^i-th frame.
        pyramid_widths: Its channels at 4, 8, 16, ... pixels; null for MintGAN's.
        r1_gamma: Weight γ of the gradient penalty R1 on the pyramid.
    """

    name = "vgan"
    later_arguments: ClassVar = {"d_v": "3d", **HOST_ARGUMENTS}

    def __init__(
        self,
        *,
        dim_z: int = 100,
        channels: int = 3,
        image_size: int = 64,
        frames: int = 32,
        frame_step: tuple[int, int] = (1, 1),
        width: float = 1.0,
        lambda_mask: float = 0.1,
        lr: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        d_v: Literal["3d", "pyramid"] = "3d",
        pyramid_levels: int = 4,
        pyramid_widths: list[int] | None = None,
        r1_gamma: float = 10.0,
    ) -> None:
        super().__init__()
        check_at_least(1, dim_z=dim_z, channels=channels, frames=frames)
        check_frames(frames, image_size)
        self.dim_z, self.lambda_mask, self.frames, self.longest = dim_z, lambda_mask, frames, frames
        self.channels, self.image_size, self.frame_step = channels, image_size, (frame_step[0], frame_step[1])
        self.adam: dict[str, Any] = {"lr": lr, "betas": (betas[0], betas[1])}
        self.G = Generator(dim_z, channels, image_size, frames, width)
        self.D: Discriminator | PyramidDiscriminator = (
            PyramidDiscriminator(channels, image_size, frames, pyramid_levels, pyramid_widths, r1_gamma)
            if d_v == "pyramid"
            else Discriminator(channels, image_size, frames, width)
        )
        init_normal(self, std=0.01)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        opt_G = torch.optim.Adam(self.G.parameters(), fused=True, **self.adam)
        if isinstance(self.D, PyramidDiscriminator):
            return [opt_G, self.D.optimizer()]
        return [opt_G, torch.optim.Adam(self.D.parameters(), fused=True, **self.adam)]

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        opt_G, opt_D = self.optimizers()  # type: ignore[attr-defined]  # a list, for there are several
        real = uint8_to_float(batch["clip"]).movedim(1, 2)
        z = self.share(self.latents(len(real) * self.world_size, self.generator_for(LATENTS)))
        fake, mask = self.G(z)  # one graph serves both steps

        with self.training_only(self.D):
            loss_D = self.loss_D(real, fake.detach())
            self.descend(opt_D, loss_D)
        with self.training_only(self.G):
            loss_G = self.loss_G(fake)
            loss_mask = mask.float().abs().mean()
            self.descend(opt_G, loss_G + self.lambda_mask * loss_mask)
        self.losses = {"loss_D": loss_D.detach(), "loss_G": loss_G.detach(), "mask": loss_mask.detach()}
        self.iteration += 1

    def loss_D(self, real: Float[Tensor, "n c t h w"], fake: Float[Tensor, "n c t h w"]) -> Float[Tensor, ""]:
        """D: real clips are real, fake ones fake; each normalised by its own batch statistics."""
        if isinstance(self.D, PyramidDiscriminator):
            return self.D.loss_D(real, fake, self.iteration)
        with normalising_parts(self.D, 2):
            real_score, fake_score = self.D(torch.cat([real, fake])).chunk(2)
        return bce(real_score, 1.0) + bce(fake_score, 0.0)

    def loss_G(self, fake: Float[Tensor, "n c t h w"]) -> Float[Tensor, ""]:
        """G: D takes its clips for real (non-saturating)."""
        return self.D.loss_G(fake) if isinstance(self.D, PyramidDiscriminator) else bce(self.D(fake), 1.0)

    def latents(self, n: int, generator: torch.Generator) -> Float[Tensor, "n k"]:
        """z, Gaussian."""
        return torch.randn(n, self.dim_z, generator=generator, device=generator.device)

    def draw(self, n: int, frames: int, generator: torch.Generator) -> Float[Tensor, "n c t h w"]:
        return self.G(self.latents(n, generator))[0][:, :, :frames]

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
