"""MoCoGAN: one content code a clip, a path of motion codes, frames drawn one by one from both.

S. Tulyakov, M.-Y. Liu, X. Yang, J. Kautz, "MoCoGAN: Decomposing Motion and Content for Video Generation", CVPR 2018.
A recurrent network R_M turns noise into motion codes (section 3.1); an image generator G_I draws each frame from the
clip's content code and the frame's motion code; D_I judges single frames, D_V clips (section 3.2); with categories, D_V
also names the action, and R_M is told it (section 3.3).
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.baselines.mocogan_training import LATENTS, MoCoGANTraining
from mutoscope.baselines.video_gan import VideoGAN, check_at_least, levels_of
from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.media.results import Sheet
from mutoscope.media.sheets import contact_sheet
from mutoscope.media.tensors import float_to_uint8
from mutoscope.metrics.anova import variance_shares
from mutoscope.metrics.motion import flow
from mutoscope.nn import BatchNorm2d, BatchNorm3d, init_normal
from mutoscope.systems.control import Range, Seed, control
from mutoscope.systems.disentanglement import disentanglement
from mutoscope.systems.pyramid_discriminator import HOST_ARGUMENTS, PyramidDiscriminator

GRID = 8  # contents, and motions, that are measured


class Generator(nn.Module):
    """R_M and G_I.

    Args:
        dim_content: size of z_C.
        dim_motion: size of ε and of z_M.
        categories: number of actions, 0 for none.
        label_at: the action enters R_M with ε, or every frame's code as in the authors' code.
        channels, image_size, width: of the frames, and multiplier of all widths.
    """

    def __init__(
        self,
        dim_content: int,
        dim_motion: int,
        categories: int,
        label_at: Literal["motion", "frame"],
        channels: int,
        image_size: int,
        width: float,
    ) -> None:
        super().__init__()
        self.label_at, self.dim_motion = label_at, dim_motion
        at_motion, at_frame = (categories, 0) if label_at == "motion" else (0, categories)
        self.R_M = nn.GRU(dim_motion + at_motion, dim_motion, batch_first=True)
        levels = levels_of(image_size)
        widths = [round(32 * width * 2**level) for level in range(levels, 0, -1)]  # 512, 256, 128, 64 at 64 pixels
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(dim_content + dim_motion + at_frame, widths[0], 4, 1, 0, bias=False)
        ]
        for c_in, c_out in pairwise(widths):
            layers += [BatchNorm2d(c_in), nn.ReLU(inplace=True), nn.ConvTranspose2d(c_in, c_out, 4, 2, 1, bias=False)]
        layers += [BatchNorm2d(widths[-1]), nn.ReLU(inplace=True)]
        layers += [nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1, bias=False), nn.Tanh()]
        self.G_I = nn.Sequential(*layers)

    def forward(
        self,
        content: Float[Tensor, "n d_C"],
        start: Float[Tensor, "n d_M"],
        noise: Float[Tensor, "n t d_M"],
        label: Float[Tensor, "n K"],
    ) -> Float[Tensor, "n c t h w"]:
        """Clips in [-1, 1] of z_C, the first state of R_M, ε for every frame and a one-hot action (K = 0: none)."""
        n, t, _ = noise.shape
        every_frame = label[:, None].expand(n, t, -1)
        steps = torch.cat([noise, every_frame], 2) if self.label_at == "motion" else noise
        motion, _ = self.R_M(steps, start[None])
        parts = [content[:, None].expand(n, t, -1), motion]
        codes = torch.cat(parts if self.label_at == "motion" else [*parts, every_frame], 2)
        frames = self.G_I(codes.flatten(0, 1)[..., None, None].contiguous(memory_format=torch.channels_last))
        return frames.unflatten(0, (n, t)).movedim(1, 2)


def discriminator_layers(conv: Any, norm: Any, widths: list[int], stride: Any, padding: Any) -> list[nn.Module]:
    """Strided convolutions, batch-normalised but for the first."""
    layers: list[nn.Module] = []
    for level, (c_in, c_out) in enumerate(pairwise(widths)):
        layers.append(conv(c_in, c_out, 4, stride, padding, bias=False))
        layers += [norm(c_out)] if level else []
        layers.append(nn.LeakyReLU(0.2, inplace=True))
    return layers


class ImageDiscriminator(nn.Module):
    """D_I: one realism score for every patch of a frame."""

    def __init__(self, channels: int, width: float) -> None:
        super().__init__()
        widths = [channels, *(round(w * width) for w in (64, 128, 256))]
        layers = discriminator_layers(nn.Conv2d, BatchNorm2d, widths, 2, 1)
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 2, 1, bias=False))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n patches"]:
        return self.layers(x).flatten(1)


class VideoDiscriminator(nn.Module):
    """D_V: realism scores of a clip, and with categories the logits of its action."""

    def __init__(self, channels: int, image_size: int, categories: int, width: float) -> None:
        super().__init__()
        levels = levels_of(image_size)
        widths = [channels, *(round(64 * width * 2**level) for level in range(levels))]
        layers = discriminator_layers(nn.Conv3d, BatchNorm3d, widths, (1, 2, 2), (0, 1, 1))
        self.layers = nn.Sequential(*layers, nn.Conv3d(widths[-1], 1 + categories, 4, 1, 0, bias=False))

    def forward(self, x: Float[Tensor, "n c t h w"]) -> tuple[Float[Tensor, "n windows"], Float[Tensor, "n K"]]:
        o = self.layers(x).flatten(2)
        return o[:, 0], o[:, 1:].mean(2)


class MoCoGAN(VideoGAN, MoCoGANTraining):
    """MoCoGAN, with or without categories.

    Args:
        dim_content: Size of the content code z_C.
        dim_motion: Size of the motion code z_M and of the noise that drives it.
        categories: Number of actions (labels of the data); 0 trains without labels.
        label_at: Where the action enters: the recurrent network (the paper) or every frame's code (its authors' code).
        channels: Colour channels of a frame, 1 or 3.
        image_size: Height and width of a frame in pixels: 16, 32 or 64.
        frames: Frames of a clip in training; for the 3-D D_V at least 3 for each halving of the frame, and 4.
        frame_step: Lowest and highest distance between them, in frames of the file.
        width: Multiplier of all hidden widths; 1 is the paper's.
        image_frames: Frames of each clip that D_I sees in a step.
        d_noise: Standard deviation of Gaussian noise on all that the discriminators see, in units of [-1, 1] pixels.
        lr: Learning rate of all three Adams.
        betas: Their decay rates.
        weight_decay: Their weight decay.
        d_v: Video discriminator: the paper's in 3-D, or MintGAN's temporal pyramid of 2-D ones, without categories.
        pyramid_levels: Speeds that the pyramid sees; level i takes every 2^i-th frame.
        pyramid_widths: Its channels at 4, 8, 16, ... pixels; null for MintGAN's.
        r1_gamma: Weight γ of the gradient penalty R1 on the pyramid.
    """

    name = "mocogan"
    later_arguments: ClassVar = {"d_v": "3d", **HOST_ARGUMENTS}

    def __init__(
        self,
        *,
        dim_content: int = 50,
        dim_motion: int = 10,
        categories: int = 0,
        label_at: Literal["motion", "frame"] = "motion",
        channels: int = 3,
        image_size: int = 64,
        frames: int = 16,
        frame_step: tuple[int, int] = (2, 2),
        width: float = 1.0,
        image_frames: int = 1,
        d_noise: float = 0.0,
        lr: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        weight_decay: float = 1e-5,
        d_v: Literal["3d", "pyramid"] = "3d",
        pyramid_levels: int = 4,
        pyramid_widths: list[int] | None = None,
        r1_gamma: float = 10.0,
    ) -> None:
        super().__init__()
        check_at_least(1, dim_content=dim_content, dim_motion=dim_motion, channels=channels, image_frames=image_frames)
        check_at_least(0, categories=categories, d_noise=d_noise)
        if d_v == "pyramid" and categories:
            raise InputError(f"d_v: pyramid takes no labels, and categories is {categories} (expected 0, or d_v 3d)")
        if d_v == "3d":
            check_frames(frames, image_size)
        self.dim_content, self.dim_motion, self.categories = dim_content, dim_motion, categories
        self.channels, self.image_size = channels, image_size
        self.frames, self.frame_step, self.image_frames = frames, (frame_step[0], frame_step[1]), image_frames
        self.d_noise = d_noise
        self.adam = {"lr": lr, "betas": (betas[0], betas[1]), "weight_decay": weight_decay}
        self.needs = ("clip", "label") if categories else ("clip",)
        self.G = Generator(dim_content, dim_motion, categories, label_at, channels, image_size, width)
        self.D_I = ImageDiscriminator(channels, width)
        self.D_V = (
            PyramidDiscriminator(channels, image_size, frames, pyramid_levels, pyramid_widths, r1_gamma)
            if d_v == "pyramid"
            else VideoDiscriminator(channels, image_size, categories, width)
        )
        init_normal(self)

    def check_clips(self, clips: Clips) -> None:
        if self.categories and self.categories != len(clips.label_names):
            raise InputError(f"categories: {self.categories}, but {clips.name} has {len(clips.label_names)} labels")

    def fake_clips(
        self, real: Float[Tensor, "n c t h w"], labels: Int[Tensor, " n"] | None
    ) -> Float[Tensor, "n c t h w"]:
        drawn = self.latents(len(real) * self.world_size, self.frames, self.generator_for(LATENTS))
        latents = [self.share(latent) for latent in drawn]
        if labels is not None:
            latents[3] = F.one_hot(labels, self.categories).float()
        return self.G(*latents)

    def latents(self, n: int, frames: int, generator: torch.Generator) -> list[Tensor]:
        """z_C, the first motion state, ε of every frame, and a random action: the arguments of `Generator`."""
        device = generator.device
        shapes = ((n, self.dim_content), (n, self.dim_motion), (n, frames, self.dim_motion))
        gaussian = [torch.randn(shape, generator=generator, device=device) for shape in shapes]
        action = torch.randint(max(self.categories, 1), (n,), generator=generator, device=device)
        return [*gaussian, F.one_hot(action, max(self.categories, 1)).float()[:, : self.categories]]

    def draw(self, n: int, frames: int, generator: torch.Generator) -> Float[Tensor, "n c t h w"]:
        return self.G(*self.latents(n, frames, generator))

    def sample_labelled_clips(
        self, n: int, *, frames: int, seed: int = 0
    ) -> Iterator[tuple[UInt8[np.ndarray, "t h w c"], int]] | None:
        return self.clips_of_actions(n, frames, seed) if self.categories else None

    def clips_of_actions(self, n: int, frames: int, seed: int) -> Iterator[tuple[UInt8[np.ndarray, "t h w c"], int]]:
        """Clips of all actions in turn, each with its number."""
        generator = torch.Generator(self.device).manual_seed(seed)
        for label in (i % self.categories for i in range(n)):
            content, start, noise, one_hot = self.latents(1, frames, generator)
            one_hot = F.one_hot(torch.tensor([label]), self.categories).to(one_hot)
            with torch.no_grad():
                (clip,) = float_to_uint8(self.G(content, start, noise, one_hot).movedim(2, 1))
            yield clip, label

    @torch.no_grad()
    def sample_grid(self, n_a: int, n_m: int, seed: int = 0) -> UInt8[np.ndarray, "a m t h w c"]:
        """Every one of `n_a` contents with every one of `n_m` motion paths (with categories, all of them in turn)."""
        generator = torch.Generator(self.device).manual_seed(seed)
        content, start, noise, label = self.latents(max(n_a, n_m), self.frames, generator)
        if self.categories:
            label = F.one_hot(torch.arange(len(label)) % self.categories, self.categories).to(label)
        rows = [self.G(who.expand(n_m, -1), start[:n_m], noise[:n_m], label[:n_m]) for who in content[:n_a]]
        return np.stack([float_to_uint8(row.movedim(2, 1)) for row in rows])

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        """Whether content and motion are apart: shares of the variance over a grid of contents and motions.

        `content_of_colour`: how much of the mean colour's variance the content code decides (1: all of it);
        `motion_of_flow`: how much of the mean optical flow's variance the motion path decides; and what
        `disentanglement` and, on the twins `reach` and `talk`, `trajectory_measures` give.
        """
        grid = self.sample_grid(GRID, GRID, seed)
        colours = grid.mean(axis=(2, 3, 4))
        flows = np.array([[flow(clip).mean(axis=(0, 1, 2)) for clip in row] for row in grid], np.float64)
        return {
            "content_of_colour": float(np.nanmean(variance_shares(colours).appearance)),
            "motion_of_flow": float(np.nanmean(variance_shares(flows).motion)),
            **disentanglement(self.sample_grid, clips, self.frames, seed),
            **super().measure(clips, seed),
        }

    @control
    def content_motion(
        self,
        *,
        contents: Annotated[int, Range(1, 16)] = 3,
        motions: Annotated[int, Range(1, 16)] = 3,
        columns: Annotated[int, Range(1, 64)] = 8,
        seed: Seed = 0,
    ) -> Sheet:
        """Every content code with every motion path, one pair a row: who it is, and what is done, chosen apart.

        Args:
            contents: How many content codes, seeds following each other.
            motions: How many motion paths (and actions, in turn, where there are categories).
            columns: Frames shown of each clip.
            seed: Seed of the codes.
        """
        clips = self.sample_grid(contents, motions, seed)
        rows = [f"content {i}, motion {j}" for i in range(contents) for j in range(motions)]
        clips = clips.reshape(-1, *clips.shape[2:])
        return Sheet(contact_sheet(list(clips), columns, rows), len(rows), min(columns, self.frames))

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        # the paper's networks; the batch of its authors' code
        "paper": {"image_frames": 3, "batch_size": 3, "max_steps": 100_000},
        # half the width and a batch that two CPU cores can carry
        "tuned": {"width": 0.5, "frame_step": [1, 2], "batch_size": 8, "max_steps": 3000},
        # minutes on two CPU cores
        "tiny": {"image_size": 32, "width": 0.5, "frame_step": [1, 2], "batch_size": 16, "max_steps": 1500},
    }


def check_frames(frames: int, image_size: int) -> None:
    """Raises InputError for clips shorter than D_V looks at."""
    shortest = 3 * levels_of(image_size) + 4
    if frames < shortest:
        raise InputError(f"frames: {frames} is too few for frames of {image_size} pixels (expected {shortest})")
