"""MoCoGAN: one content code a clip, a path of motion codes, frames drawn one by one from both.

S. Tulyakov, M.-Y. Liu, X. Yang, J. Kautz, "MoCoGAN: Decomposing Motion and Content for Video Generation", CVPR 2018.
A recurrent network R_M turns noise into motion codes (section 3.1); an image generator G_I draws each frame from the
clip's content code and the frame's motion code; D_I judges single frames, D_V clips (section 3.2); with categories, D_V
also names the action, and R_M is told it (section 3.3).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
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
    scaled,
    widths_of,
)
from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.losses import bce
from mutoscope.media.results import Sheet
from mutoscope.media.sheets import contact_sheet
from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.metrics.anova import variance_shares
from mutoscope.metrics.motion import flow
from mutoscope.nn import BatchNorm2d, BatchNorm3d, frames_at, init_normal, normalising_parts
from mutoscope.systems.base import Batch, Optimizers, System, step
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.config import Betas, Config, FrameStep, Size, Weight
from mutoscope.systems.control import Seed, Shown, control
from mutoscope.systems.disentanglement import disentanglement
from mutoscope.systems.draws import Draws, Random
from mutoscope.systems.labels import one_hot
from mutoscope.systems.parameters import Range

GRID = 8  # contents, and motions, that are measured
FRAMES_SEEN = 1
NOISE = {"D_I_real": 2, "D_I_fake": 3, "D_V_real": 4, "D_V_fake": 5, "G_frames": 6, "G_clips": 7}
"""What random numbers are for: the frames that D_I sees, and noise on all that the discriminators see."""


@dataclass(frozen=True)
class MoCoGANChoices(Config):
    """What MoCoGAN and `mocogan_picture` choose.

    Args:
        dim_motion: Size of the motion code z_M and of the noise that drives it.
        label_at: Where the label enters: the recurrent network (the paper) or every frame's code (its authors' code).
        image_frames: Frames of each clip that D_I sees in a step.
        d_noise: Standard deviation of Gaussian noise on all that the discriminators see, in units of [-1, 1] pixels.
        weight_decay: Weight decay of all networks but a pyramid.
    """

    dim_motion: Size = 10
    label_at: Literal["motion", "frame"] = "motion"
    image_frames: Size = 1
    d_noise: Weight = 0.0
    betas: Betas = (0.5, 0.999)
    weight_decay: Weight = 1e-5


@dataclass(frozen=True)
class MoCoGANConfig(ClipsConfig, MoCoGANChoices):
    """Choices of MoCoGAN, with or without categories.

    Args:
        dim_content: Size of the content code z_C.
        categories: Number of actions, the labels of the data; null for as many as it has, 0 to train without labels.
        frames: Frames of a clip in training; for the 3-D D_V at least 3 for each halving of the frame, and 4.
        d_v: Video discriminator: the paper's in 3-D, or MintGAN's temporal pyramid of 2-D ones, without categories.
    """

    dim_content: Size = 50
    categories: Annotated[int, Range(0, 65_536)] | None = 0
    frames: Size = 16
    frame_step: FrameStep = (2, 2)

    def check(self) -> None:
        if self.d_v == "3d":
            check_frames(self.frames, self.image_size)
        elif self.categories:
            number = self.categories
            raise InputError(f"d_v: pyramid takes no labels, and categories is {number} (expected 0, or d_v 3d)")
        super().check()

    @property
    def columns(self) -> tuple[str, ...]:
        return ("label",) if self.categories else ()

    def for_data(self, clips: Clips) -> "MoCoGANConfig":
        there = len(clips.label_names)
        if self.categories not in (None, 0, there):
            raise InputError(f"categories: {self.categories}, but {clips.name} has {there} labels")
        return replace(self, categories=there) if self.categories is None else self


class Generator(nn.Module):
    """R_M and G_I, of the config of MoCoGAN or `mocogan_picture`."""

    def __init__(self, config: Any, dim_content: int) -> None:
        super().__init__()
        o, K, widths = config, config.categories or 0, widths_of(config.image_size, config.width)[::-1]
        self.label_at, self.dim_motion = o.label_at, o.dim_motion
        at_motion, at_frame = (K, 0) if o.label_at == "motion" else (0, K)
        self.R_M = nn.GRU(o.dim_motion + at_motion, o.dim_motion, batch_first=True)
        self.G_I = nn.Sequential(
            *deconvolutions(nn.ConvTranspose2d, BatchNorm2d, dim_content + o.dim_motion + at_frame, widths, 4),
            nn.ConvTranspose2d(widths[-1], o.channels, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(
        self,
        content: Float[Tensor, "n d_C"],
        start: Float[Tensor, "n d_M"],
        noise: Float[Tensor, "n t d_M"],
        label: Float[Tensor, "n K"],
    ) -> Clip:
        """Clips in [-1, 1] of z_C, the first state of R_M, ε for every frame and a one-hot action (K = 0: none)."""
        n, t, _ = noise.shape
        every_frame = label[:, None].expand(n, t, -1)
        steps = torch.cat([noise, every_frame], 2) if self.label_at == "motion" else noise
        motion, _ = self.R_M(steps, start[None])
        parts = [content[:, None].expand(n, t, -1), motion]
        codes = torch.cat(parts if self.label_at == "motion" else [*parts, every_frame], 2)
        frames = self.G_I(codes.flatten(0, 1)[..., None, None].contiguous(memory_format=torch.channels_last))
        return frames.unflatten(0, (n, t)).movedim(1, 2)


class ImageDiscriminator(nn.Module):
    """D_I: one realism score for every patch of a frame."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        widths = [config.channels, *scaled(config.width, 64, 128, 256)]
        layers = convolutions(nn.Conv2d, BatchNorm2d, widths)
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 2, 1, bias=False))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n patches"]:
        return self.layers(x).flatten(1)


class VideoDiscriminator(nn.Module):
    """D_V: realism scores of a clip, and with categories the logits of its action."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        widths = [config.channels, *widths_of(config.image_size, config.width)]
        layers = convolutions(nn.Conv3d, BatchNorm3d, widths, (1, 2, 2), (0, 1, 1))
        self.layers = nn.Sequential(*layers, nn.Conv3d(widths[-1], 1 + (config.categories or 0), 4, bias=False))

    def forward(self, x: Clip) -> tuple[Float[Tensor, "n windows"], Float[Tensor, "n K"]]:
        o = self.layers(x).flatten(2)
        return o[:, 0], o[:, 1:].mean(2)


class MoCoGANTraining(System):
    """G against D_I and D_V (sections 3.2 and 3.3); a subclass has the networks and says what G draws from.

    Attributes:
        config: has `MoCoGANChoices`, `categories`, `channels`, `frames`, `lambda_rec` and `lr`.
        loss_D: what D_V plays for.
    """

    G: nn.Module
    D_I: nn.Module
    D_V: nn.Module
    loss_D: ClipLoss | PyramidClipLoss

    @property
    def categories(self) -> int:
        """Number of actions, 0 for none."""
        return self.config.categories or 0

    def codes(self, n: int, draws: Draws) -> Noise:
        """What `fake_clips` draws from, beside real clips and labels."""
        raise NotImplementedError

    def fake_clips(self, real: Clip, labels: Actions, noise: Noise) -> Clip:
        """As many clips as there are real ones, with their labels; `real` itself is for methods that start from it."""
        raise NotImplementedError

    def adam(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimiser of all three networks, but of a pyramid, which has its own."""
        o = self.config
        return torch.optim.Adam(network.parameters(), o.lr, o.betas, weight_decay=o.weight_decay, fused=True)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"G": self.adam(self.G), "D_I": self.adam(self.D_I), "D_V": self.loss_D.optimizer(self.D_V)}

    def noise(self, n: int, random: Random) -> Noise:
        """Codes, the times of the frames that D_I sees of each clip, and Gaussian noise on all that D_I and D_V see."""
        o = self.config
        frames, clips = (o.image_frames, o.channels, *o.size), (o.channels, o.frames, *o.size)
        noise = self.codes(n, random(LATENTS))
        noise["times"] = random(FRAMES_SEEN).integers(0, o.frames, n, o.image_frames)
        for name, purpose in NOISE.items() if o.d_noise else ():
            shape = clips if name in ("D_V_real", "D_V_fake", "G_clips") else frames
            noise[name] = o.d_noise * random(purpose).normal(n, *shape)
        return noise

    def training_step(self, batch: Batch, noise: Noise, optimizers: Optimizers) -> dict[str, Tensor]:
        o, real = self.config, uint8_to_float(batch["clip"]).movedim(1, 2)
        labels = batch["label"] if self.categories else None  # the fake clips are to show the same actions
        fake = self.fake_clips(real, labels, noise)  # one graph serves the steps of all three networks
        real_frames, fake_frames = (frames_at(clips, noise["times"]) for clips in (real, fake))

        def seen(x: Tensor, name: str) -> Tensor:
            return x + noise[name].reshape(x.shape) if name in noise else x

        with self.training_only(self.D_I):
            frames = seen(real_frames, "D_I_real"), seen(fake_frames.detach(), "D_I_fake")
            with normalising_parts(self.D_I, 2):
                on_real, on_fake = self.D_I(torch.cat(frames)).chunk(2)
            loss_D_I = bce(on_real, 1.0) + bce(on_fake, 0.0)
            step(optimizers["D_I"], loss_D_I)
        with self.training_only(self.D_V):
            clips = seen(real, "D_V_real"), seen(fake.detach(), "D_V_fake")
            penalised = self.loss_D.penalises(self.iteration)
            loss_D_V, loss_named = self.loss_D.of_D(self.D_V, *clips, labels, penalised)
            step(optimizers["D_V"], loss_D_V + loss_named)
        with self.training_only(self.G):
            loss_frames = bce(self.D_I(seen(fake_frames, "G_frames")), 1.0)
            loss_clips, loss_category = self.loss_D.of_G(self.D_V, seen(fake, "G_clips"), labels)
            loss_G = loss_frames + loss_clips
            loss = loss_G + loss_category
            if o.lambda_rec:
                loss_rec = F.l1_loss(fake.float(), real)
                loss = loss + o.lambda_rec * loss_rec
            step(optimizers["G"], loss)
        losses = {"loss_D_I": loss_D_I, "loss_D_V": loss_D_V, "loss_G": loss_G}
        if labels is not None:
            losses["loss_category"] = loss_category
        if o.lambda_rec:
            losses["loss_rec"] = loss_rec
        return {name: loss.detach() for name, loss in losses.items()}


class MoCoGAN(VideoGAN, MoCoGANTraining):
    """MoCoGAN, with or without categories."""

    name = "mocogan"
    config_class = MoCoGANConfig
    config: MoCoGANConfig
    endless = True

    def __init__(self, config: MoCoGANConfig) -> None:
        super().__init__(config)
        self.G, self.D_I = Generator(config, config.dim_content), ImageDiscriminator(config)
        if config.d_v == "pyramid":
            self.D_V, self.loss_D = pyramid_of(config), PyramidClipLoss(config.r1_gamma)
        else:
            self.D_V, self.loss_D = VideoDiscriminator(config), ClipLoss(self.adam)
        init_normal(self)

    def codes(self, n: int, draws: Draws, frames: int | None = None) -> Noise:
        """z_C, the first motion state, and ε of every frame."""
        o = self.config
        content, start = draws.normal(n, o.dim_content), draws.normal(n, o.dim_motion)
        return {"content": content, "start": start, "epsilon": draws.normal(n, frames or o.frames, o.dim_motion)}

    def actions(self, n: int, draws: Draws) -> Float[Tensor, "n K"]:
        """Random actions."""
        return one_hot(draws.integers(0, max(self.categories, 1), n), self.categories)

    def fake_clips(self, real: Clip, labels: Actions, noise: Noise) -> Clip:
        action = real.new_zeros(len(real), 0) if labels is None else one_hot(labels, self.categories)
        return self.G(noise["content"], noise["start"], noise["epsilon"], action)

    def draw(self, n: int, frames: int, draws: Draws) -> Clip:
        return self.G(*self.codes(n, draws, frames).values(), self.actions(n, draws))

    @torch.no_grad()
    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        """Clips from noise; under labels, which are numbers of actions, where these are given and taken."""
        labels = conditions.columns.get("label")
        if labels is None or None in labels or not self.categories:
            yield from super().outputs(conditions, seed)
            return
        draws = Draws(torch.Generator(self.device).manual_seed(seed))
        for label, frames in zip(labels, conditions.lengths, strict=True):
            if not 0 <= label < self.categories:
                raise InputError(f"label: {label} is unknown (expected a number from 0 to {self.categories - 1})")
            codes = self.codes(1, draws, frames)
            self.actions(1, draws)  # passed over: the codes that follow are those of a clip without a label
            action = one_hot(torch.tensor([label], device=self.device), self.categories)
            yield from float_to_uint8(self.G(*codes.values(), action).movedim(2, 1))

    @torch.no_grad()
    def sample_grid(self, n_a: int, n_m: int, seed: int = 0) -> UInt8[np.ndarray, "a m t h w c"]:
        """Every one of `n_a` contents with every one of `n_m` motion paths (with categories, all of them in turn)."""
        draws = Draws(torch.Generator(self.device).manual_seed(seed))
        content, start, epsilon = self.codes(max(n_a, n_m), draws).values()
        action = one_hot(torch.arange(n_m, device=self.device) % max(self.categories, 1), self.categories)
        rows = [self.G(who.expand(n_m, -1), start[:n_m], epsilon[:n_m], action) for who in content[:n_a]]
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
            **disentanglement(self.sample_grid, clips, self.config.frames, seed),
            **super().measure(clips, seed),
        }

    @control
    def content_motion(
        self,
        *,
        contents: Annotated[int, Range(1, 16)] = 3,
        motions: Annotated[int, Range(1, 16)] = 3,
        columns: Shown = 8,
        seed: Seed = 0,
    ) -> Sheet:
        """Every content code with every motion path, one pair a row: who it is, and what is done, chosen apart.

        Args:
            contents: How many content codes, seeds following each other.
            motions: How many motion paths (and actions, in turn, where there are categories).
        """
        clips = self.sample_grid(contents, motions, seed)
        rows = [f"content {i}, motion {j}" for i in range(contents) for j in range(motions)]
        clips = clips.reshape(-1, *clips.shape[2:])
        return Sheet(contact_sheet(list(clips), columns, rows), len(rows), min(columns, self.config.frames))

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
