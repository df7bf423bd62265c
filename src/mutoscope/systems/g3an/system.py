"""The algorithm of section 4.3: two discriminators, the same fake clip for all, no loss but the adversarial."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.losses import bce
from mutoscope.media.results import Sheet
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import FoldedCopy, ImageDiscriminator, WeightAverage
from mutoscope.systems.base import System
from mutoscope.systems.disentanglement import disentanglement
from mutoscope.systems.g3an.controls import G3ANControls
from mutoscope.systems.g3an.measures import label_measures
from mutoscope.systems.g3an.networks import (
    FRAMES_PER_NOISE,
    SHORTEST,
    Conv,
    Generator,
    VideoDiscriminator,
    noise_length,
)
from mutoscope.systems.pyramid_discriminator import HOST_ARGUMENTS, PyramidDiscriminator
from mutoscope.systems.twin_motion import trajectory_measures

# what random numbers are for (see System.generator_for)
NOISE, REAL_FRAMES, FAKE_FRAMES, WRONG_LABELS = range(4)
# … and, for the noise on what discriminators see, whose step it is and which clips or frames
D_V_REAL, D_V_FAKE, D_V_WRONG, D_I_REAL, D_I_FAKE, G_CLIPS, G_FRAMES = range(4, 11)
LEVELS = {32: 4, 64: 5, 128: 6}


class G3AN(G3ANControls, System):
    """G³AN: clips from an appearance noise and a motion noise, through three streams.

    Args:
        d_a: Size of the appearance noise z_a.
        d_m: Size of the motion noise z_m.
        label_names: Names of the labels of the data, in their order, to train with labels; none to train without.
        channels: Colour channels of a frame, 1 or 3.
        image_size: Height and width of a frame in pixels, 32, 64 or 128.
        frames: Frames of a clip in training: 16, 20, 24, ...
        frame_step: Lowest and highest distance between them, in frames of the file.
        ch: Channels of the generator's last level; the thesis has 64.
        ch_D: Channels of the discriminators' first layers; the thesis has 64.
        use_S: With the spatial stream (Table 4.3).
        use_T: With the temporal stream (Table 4.3).
        fsa_level: The G³ module that attention follows, counted from 0 (Table 4.5); null for no attention.
        conv: Convolutions of the main stream: time then space, space then time, or both at once (Table 4.4).
        match_params: Widen the factorised ones to as many weights as the others (Table 4.4).
        d_v: Convolutions of D_V: 3-D (the thesis), spatial ones followed by temporal ones (the authors' code), or
            MintGAN's temporal pyramid of 2-D ones, which takes no labels.
        pyramid_levels: Speeds that the pyramid sees; level i takes every 2^i-th frame.
        pyramid_widths: Its channels at 4, 8, 16, ... pixels; null for MintGAN's.
        r1_gamma: Weight γ of the gradient penalty R1 on the pyramid.
        label_mode: How D_V uses labels: beside its first features (concat), or naming them itself (ac).
        wrong_labels: With concat: also show D_V real clips under wrong labels, as fake ones of half the weight.
        image_frames: Frames of each clip that D_I sees in a step; the thesis has 1.
        d_noise: Standard deviation of Gaussian noise on all that the discriminators see, in units of [-1, 1] pixels.
        lr_G: Learning rate of G.
        lr_D: Learning rate of both discriminators.
        betas: Adam's decay rates.
        ema: Decay of the average of G's weights that draws the results; 0 draws with the last weights.
        legacy_attention: Scramble what attention adds, as the authors' code does; for weights trained with it.
    """

    name = "g3an"
    later_arguments = HOST_ARGUMENTS
    hold_last = True

    def __init__(
        self,
        *,
        d_a: int = 128,
        d_m: int = 10,
        label_names: list[str] | None = None,
        channels: int = 3,
        image_size: int = 64,
        frames: int = 16,
        frame_step: tuple[int, int] = (1, 4),
        ch: int = 64,
        ch_D: int = 64,
        use_S: bool = True,
        use_T: bool = True,
        fsa_level: int | None = 3,
        conv: Conv = "1p2d",
        match_params: bool = False,
        d_v: Literal["3d", "2p1d", "pyramid"] = "3d",
        pyramid_levels: int = 4,
        pyramid_widths: list[int] | None = None,
        r1_gamma: float = 10.0,
        label_mode: Literal["concat", "ac"] = "concat",
        wrong_labels: bool = False,
        image_frames: int = 1,
        d_noise: float = 0.0,
        lr_G: float = 2e-4,
        lr_D: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        ema: float = 0.0,
        legacy_attention: bool = False,
    ) -> None:
        super().__init__()
        for argument, value in {
            "d_a": d_a,
            "d_m": d_m,
            "channels": channels,
            "ch": ch,
            "ch_D": ch_D,
            "image_frames": image_frames,
        }.items():
            if value < 1:
                raise InputError(f"{argument}: {value} is less than 1")
        if image_size not in LEVELS:
            raise InputError(f"image_size: {image_size} (expected one of {', '.join(map(str, LEVELS))})")
        levels = LEVELS[image_size]
        if fsa_level is not None and not 0 <= fsa_level < levels:
            raise InputError(f"fsa_level: {fsa_level} is not a G³ module (expected 0 to {levels - 1}, or null)")
        if frames < SHORTEST or frames % FRAMES_PER_NOISE:
            raise InputError(f"frames: {frames} (expected 16, 20, 24, ...)")
        if label_names and not use_T:
            raise InputError("label_names: enter by the temporal stream, which use_T false takes away")
        if wrong_labels and len(label_names or []) < 2:
            raise InputError("wrong_labels: need at least two label_names to be taken from")
        if d_v == "pyramid" and label_names:
            raise InputError(f"d_v: pyramid takes no labels, and label_names has {len(label_names)} (expected none)")
        if not 0 <= ema < 1:
            raise InputError(f"ema: {ema} is not in [0, 1)")
        if d_noise < 0:
            raise InputError(f"d_noise: {d_noise} is less than 0")
        self.d_a, self.d_m, self.label_names = d_a, d_m, list(label_names or [])
        self.channels, self.image_size = channels, image_size
        self.frames, self.frame_step = frames, (frame_step[0], frame_step[1])
        self.label_mode, self.wrong_labels = label_mode, wrong_labels
        self.image_frames, self.d_noise = image_frames, d_noise
        self.lr_G, self.lr_D, self.betas = lr_G, lr_D, (betas[0], betas[1])
        self.needs = ("clip", "label") if self.label_names else ("clip",)
        categories = len(self.label_names)
        self.G = Generator(
            d_a=d_a,
            d_m=d_m,
            categories=categories,
            channels=channels,
            levels=levels,
            ch=ch,
            use_S=use_S,
            use_T=use_T,
            fsa_level=fsa_level,
            conv=conv,
            match_params=match_params,
            legacy_attention=legacy_attention,
        )
        self.D_V = (
            PyramidDiscriminator(channels, image_size, frames, pyramid_levels, pyramid_widths, r1_gamma)
            if d_v == "pyramid"
            else VideoDiscriminator(channels, image_size, ch_D, d_v, categories, label_mode)
        )
        self.D_I = ImageDiscriminator(channels, image_size, ch_D)
        self.G_average = WeightAverage(self.G, ema) if ema else None
        self.folded_copy = FoldedCopy()

    @property
    def generator(self) -> nn.Module:
        """The generator that results are drawn with, (z_a, z_m, y) to clips: the averaged one where there is one."""
        return self.G_average.network if self.G_average is not None else self.G

    def averaged_networks(self) -> dict[str, str]:
        return {"G_average": "G"} if self.G_average is not None else {}

    def check_clips(self, clips: Clips) -> None:
        if clips.lengths.max() < 2:
            raise InputError(f"{clips.name}: holds single frames only (expected clips)")
        self.check_labels(clips)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        rates = ((self.G, self.lr_G), (self.D_V, self.lr_D), (self.D_I, self.lr_D))
        return [
            network.optimizer()
            if isinstance(network, PyramidDiscriminator)
            else torch.optim.Adam(network.parameters(), lr, self.betas, fused=True)
            for network, lr in rates
        ]

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        opt_G, opt_D_V, opt_D_I = self.optimizers()  # type: ignore[attr-defined]  # a list, for there are several
        real = uint8_to_float(batch["clip"]).transpose(1, 2)
        y = F.one_hot(batch["label"], len(self.label_names)).float() if self.label_names else None
        z_a, z_m = (self.share(z) for z in self.draw_noise(len(real) * self.world_size))
        fake = self.G(z_a, z_m, y)  # one graph serves the steps of all three networks

        with self.training_only(self.D_V):
            loss_D_V = self.loss_D_V(real, fake.detach(), y)
            self.descend(opt_D_V, loss_D_V)
        real_frames, fake_frames = self.random_frames(real, REAL_FRAMES), self.random_frames(fake, FAKE_FRAMES)
        with self.training_only(self.D_I):
            loss_D_I = self.loss_D_I(real_frames, fake_frames.detach())
            self.descend(opt_D_I, loss_D_I)
        with self.training_only(self.G):
            loss_G = self.loss_G(fake, fake_frames, y)
            self.descend(opt_G, loss_G)
        if self.G_average is not None:
            self.G_average.update(self.G)
        losses = {"loss_D_V": loss_D_V, "loss_D_I": loss_D_I, "loss_G": loss_G}
        self.losses = {name: loss.detach() for name, loss in losses.items()}
        self.iteration += 1

    def loss_D_V(self, real: Tensor, fake: Tensor, y: Tensor | None) -> Float[Tensor, ""]:
        """L_V of Eq. 4.6 for D_V: real clips are real, fake ones fake; with labels, as `label_mode` says."""
        if isinstance(self.D_V, PyramidDiscriminator):
            return self.D_V.loss_D(self.with_noise(real, D_V_REAL), self.with_noise(fake, D_V_FAKE), self.iteration)
        clips, labels = [real, fake], None
        if y is not None and self.label_mode == "concat":
            labels = [y, y]
            if self.wrong_labels:
                clips, labels = [*clips, real], [*labels, self.other_labels(y)]
        purposes = (D_V_REAL, D_V_FAKE, D_V_WRONG)
        seen = [self.with_noise(clip.to(fake.dtype), purpose) for clip, purpose in zip(clips, purposes, strict=False)]
        said = self.D_V(torch.cat(seen), None if labels is None else torch.cat(labels))
        on_real, *on_fake = said.score.chunk(len(clips))
        loss = bce(on_real, 1.0) + sum(bce(score, 0.0) for score in on_fake) / len(on_fake)
        if y is not None and said.label is not None:
            loss = loss + F.cross_entropy(said.label[: len(real)].float(), y)
        return loss

    def loss_D_I(self, real: Tensor, fake: Tensor) -> Float[Tensor, ""]:
        """L_I of Eq. 4.5 for D_I."""
        seen = self.with_noise(real.to(fake.dtype), D_I_REAL), self.with_noise(fake, D_I_FAKE)
        on_real, on_fake = self.D_I(torch.cat(seen)).chunk(2)
        return bce(on_real, 1.0) + bce(on_fake, 0.0)

    def loss_G(self, fake: Tensor, frames: Tensor, y: Tensor | None) -> Float[Tensor, ""]:
        """What G plays for: both discriminators taking its clips and frames for real (non-saturating)."""
        seen = self.with_noise(fake, G_CLIPS)
        if isinstance(self.D_V, PyramidDiscriminator):
            on_clips, named = self.D_V.loss_G(seen), None
        else:
            said = self.D_V(seen, y if self.label_mode == "concat" else None)
            on_clips, named = bce(said.score, 1.0), said.label
        loss = on_clips + bce(self.D_I(self.with_noise(frames, G_FRAMES)), 1.0)
        if y is not None and named is not None:
            loss = loss + F.cross_entropy(named.float(), y)
        return loss

    def draw_noise(self, n: int) -> tuple[Float[Tensor, "n d_a"], Float[Tensor, "n d_m tau"]]:
        """z_a and z_m of this iteration, N(0, I)."""
        generator = self.generator_for(NOISE)
        shapes = (n, self.d_a), (n, self.d_m, noise_length(self.frames))
        z_a, z_m = (torch.randn(shape, generator=generator, device=self.device) for shape in shapes)
        return z_a, z_m

    def random_frames(self, clips: Float[Tensor, "b c t h w"], purpose: int) -> Float[Tensor, "n c h w"]:
        """`image_frames` frames of each clip, at random times of its own."""
        times = self.share(self.random_times(len(clips) * self.world_size, clips.shape[2], purpose)).flatten()
        clip = torch.arange(len(clips), device=clips.device).repeat_interleave(self.image_frames)
        return clips[clip, :, times]

    def random_times(self, n: int, frames: int, purpose: int) -> Int[Tensor, "n k"]:
        """The times of these frames."""
        generator = self.generator_for(purpose)
        return torch.randint(frames, (n, self.image_frames), generator=generator, device=self.device)

    def other_labels(self, y: Float[Tensor, "b K"]) -> Float[Tensor, "b K"]:
        """For each label, one of the others at random."""
        categories = y.shape[1]
        shape = (len(y) * self.world_size,)
        shift = torch.randint(1, categories, shape, generator=self.generator_for(WRONG_LABELS), device=y.device)
        return F.one_hot((y.argmax(1) + self.share(shift)) % categories, categories).to(y)

    def with_noise(self, x: Float[Tensor, "b ..."], purpose: int) -> Float[Tensor, "b ..."]:
        """x with Gaussian noise of deviation `d_noise`, the same draws for any number of processes."""
        if not self.d_noise:
            return x
        shape = (len(x) * self.world_size, *x.shape[1:])
        noise = torch.randn(shape, generator=self.generator_for(purpose), device=x.device)
        return x + self.d_noise * self.share(noise)

    # What others ask of it.

    def sample_clips(self, n: int, *, frames: int, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        yield from self.draw(self.appearances(n, seed), self.motions(n, seed, frames), self.labels_in_turn(n), frames)

    def sample_labelled_clips(
        self, n: int, *, frames: int, seed: int = 0
    ) -> Iterator[tuple[UInt8[np.ndarray, "t h w c"], int]] | None:
        if not self.label_names:
            return None
        clips = self.sample_clips(n, frames=frames, seed=seed)
        return ((clip, i % len(self.label_names)) for i, clip in enumerate(clips))

    def sample_grid(self, n_a: int, n_m: int, seed: int = 0) -> UInt8[np.ndarray, "a m t h w c"]:
        """Every one of `n_a` appearances with every one of `n_m` motions (with labels, all of them in turn)."""
        return self.draw_every(self.appearances(n_a, seed), self.motions(n_m, seed), self.labels_in_turn(n_m))

    def sample_labels(self, n_a: int, seed: int = 0) -> UInt8[np.ndarray, "a k t h w c"]:
        """Every one of `n_a` appearances, each with a motion noise of its own, under every label."""
        k = len(self.label_names)
        z_a, z_m = (z.repeat_interleave(k, 0) for z in (self.appearances(n_a, seed), self.motions(n_a, seed)))
        clips = np.stack(list(self.draw(z_a, z_m, self.labels_in_turn(n_a * k))))
        return clips.reshape(n_a, k, *clips.shape[1:])

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        measures = disentanglement(self.sample_grid, clips, self.frames, seed) | trajectory_measures(self, clips, seed)
        if self.label_names:
            measures |= label_measures(self.sample_labels, self.label_names, clips, seed)
        return measures

    def sample_sheet(self, clips: Clips) -> Sheet:
        return self.grid()
