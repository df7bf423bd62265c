"""The algorithm of section 5.2: D_I and the pyramid judge the same fake clips; logistic losses with R1 as StyleGAN2."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.losses import bce, logistic_D
from mutoscope.media.results import Sheet
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import ResidualDiscriminator, TemporalPyramid, WeightAverage, widths_for
from mutoscope.systems.base import System
from mutoscope.systems.mintgan.controls import MintGANControls
from mutoscope.systems.mintgan.discriminator_3d import VideoDiscriminator3d
from mutoscope.systems.mintgan.measures import motion_measures
from mutoscope.systems.mintgan.motion_bank import Method, Order
from mutoscope.systems.mintgan.networks import Generator

# what random numbers are for (see System.generator_for)
NOISE, NOISE_MAPS, REAL_FRAMES, FAKE_FRAMES, PHASES = range(5)


class MintGAN(MintGANControls, System):
    """MintGAN: clips from noise, along learned directions of motion.

    What the thesis leaves open is StyleGAN2's (widths, R1, averaged weights), or said beside the argument.

    Args:
        d_a: Size of the appearance noise z_a, and of the GRU's state, which begins with it.
        d_m: Size of the motion noise z_m; there is one for every step from a frame to the next.
        N: Size of latent codes, and number of motion directions.
        channels: Colour channels of a frame, 1 or 3.
        image_size: Height and width of a frame in pixels: 8, 16, 32, ...
        frames: Frames of a clip in training.
        frame_step: Lowest and highest distance between them, in frames of the file.
        widths: Channels of G_S at 4, 8, 16, ... pixels; 512, 512, 512, 512, 256, 128 if not given.
        widths_D: The same of every discriminator.
        mlp_depth: Layers of G_A and of G_M.
        motion_bank: What makes directions of M: svd or eigh (its right singular vectors), qr, orthogonal (matrix
            exponential), free (M itself, not orthogonal), or none (G_M gives latent codes itself).
        order: Whether directions begin with the smallest singular value (asc, as the thesis counts them) or the
            largest, when M is new; later on each direction keeps its number.
        motion_out_act: Whether G_M ends in a leaky ReLU; with none, its outputs could be rotated at will, and single
            directions would mean nothing.
        mapping_lr: How fast G_A and G_M learn, relative to the other networks.
        motion_gain: Factor of all magnitudes; below 1, an untrained generator moves little, and learns to move sooner.
        noise: Noise maps in G_S, the same in all frames of a clip; the thesis does not say.
        d_v: Judges of clips: the temporal pyramid, or one 3-D network.
        levels: Speeds of the pyramid; 0 for none.
        random_phase: Each speed starts at a random frame instead of the first.
        use_D_I: With the image discriminator.
        image_frames: Frames of each clip that D_I sees in a step; the thesis has 1.
        lambda_V: Weight λ of the pyramid in G's loss (Eq. 5.5).
        r1_gamma: Weight γ of R1, as StyleGAN2's by default.
        r1_every: R1 is added in every so many iterations, as many times stronger.
        lr: Learning rate of all networks.
        betas: Adam's decay rates.
        ema: Decay of the average of G's weights that draws the results; 0 draws with the last weights.
    """

    name = "mintgan"
    hold_last = True
    kept_in_full: ClassVar[tuple[str, ...]] = ("G.bank.D",)

    def __init__(
        self,
        *,
        d_a: int = 512,
        d_m: int = 256,
        N: int = 512,
        channels: int = 3,
        image_size: int = 64,
        frames: int = 16,
        frame_step: tuple[int, int] = (1, 1),
        widths: list[int] | None = None,
        widths_D: list[int] | None = None,
        mlp_depth: int = 8,
        motion_bank: Method | Literal["none"] = "svd",
        order: Order = "asc",
        motion_out_act: Literal["lrelu", "none"] = "lrelu",
        mapping_lr: float = 0.01,
        motion_gain: float = 1.0,
        noise: bool = False,
        d_v: Literal["pyramid", "3d"] = "pyramid",
        levels: int = 4,
        random_phase: bool = False,
        use_D_I: bool = True,
        image_frames: int = 1,
        lambda_V: float = 0.5,
        r1_gamma: float = 10.0,
        r1_every: int = 16,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.0, 0.99),
        ema: float = 0.999,
    ) -> None:
        super().__init__()
        sizes = {"d_a": d_a, "d_m": d_m, "N": N, "mlp_depth": mlp_depth}
        sizes |= {"image_frames": image_frames, "r1_every": r1_every}
        for argument, value in sizes.items():
            if value < 1:
                raise InputError(f"{argument}: {value} is less than 1")
        for argument, number in {"lambda_V": lambda_V, "r1_gamma": r1_gamma}.items():
            if not number >= 0:
                raise InputError(f"{argument}: {number} is less than 0")
        for argument, number in {"lr": lr, "mapping_lr": mapping_lr, "motion_gain": motion_gain}.items():
            if not number > 0:
                raise InputError(f"{argument}: {number} is not above 0")
        if channels not in (1, 3):
            raise InputError(f"channels: {channels} (expected 1 or 3)")
        if not all(0 <= beta < 1 for beta in betas):
            raise InputError(f"betas: {list(betas)} (expected two numbers from 0 to below 1)")
        if frames < 2:
            raise InputError(f"frames: {frames} is less than 2")
        if not 0 <= ema < 1:
            raise InputError(f"ema: {ema} is not in [0, 1)")
        if not use_D_I and d_v == "pyramid" and levels == 0:
            raise InputError("use_D_I: false leaves no discriminator (expected levels of 1 or more)")
        self.d_a, self.d_m, self.N = d_a, d_m, N
        self.channels, self.image_size = channels, image_size
        self.frames, self.frame_step = frames, (frame_step[0], frame_step[1])
        self.random_phase, self.image_frames, self.lambda_V = random_phase, image_frames, lambda_V
        self.r1_gamma, self.r1_every = r1_gamma, r1_every
        self.lr, self.betas = lr, (betas[0], betas[1])
        self.needs = ("clip",)
        self.G = Generator(
            image_size=image_size,
            channels=channels,
            d_a=d_a,
            d_m=d_m,
            N=N,
            widths=widths,
            mlp_depth=mlp_depth,
            motion_bank=motion_bank,
            order=order,
            motion_out_act=motion_out_act,
            mapping_lr=mapping_lr,
            motion_gain=motion_gain,
            noise=noise,
        )
        widths_D = widths_for(image_size, widths_D, "widths_D")
        self.D_I = ResidualDiscriminator(channels, image_size, widths_D) if use_D_I else None
        self.D_V: TemporalPyramid | VideoDiscriminator3d
        if d_v == "pyramid":
            self.D_V = TemporalPyramid(channels, image_size, frames, levels, widths_D)
        else:
            self.D_V = VideoDiscriminator3d(channels, image_size, widths_D)
        self.G_average = WeightAverage(self.G, ema) if ema else None
        self.average_is_settled = True

    @property
    def generator(self) -> Generator:
        """The generator that results are drawn with: the averaged one where there is one, its directions up to date."""
        if self.G_average is None:
            return self.G
        network = self.G_average.network
        assert isinstance(network, Generator)
        if network.bank is not None and not self.average_is_settled:
            # the averaged M has directions of its own, close to those of the M that it follows
            network.bank.settle()
            self.average_is_settled = True
        return network

    def averaged_networks(self) -> dict[str, str]:
        return {"G_average": "G"} if self.G_average is not None else {}

    def check_clips(self, clips: Clips) -> None:
        if clips.lengths.max() < 2:
            raise InputError(f"{clips.name}: holds single frames only (expected clips)")

    def discriminators(self) -> list[nn.Module]:
        """Those that there are."""
        return [network for network in (self.D_I, self.D_V) if network is not None]

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        # with R1 in only some iterations, all of them take a little less each (Karras et al. 2020, appendix B)
        share = self.r1_every / (self.r1_every + 1)
        betas_D = self.betas[0] ** share, self.betas[1] ** share
        weights_D = [p for network in self.discriminators() for p in network.parameters()]
        return [
            torch.optim.Adam(self.G.parameters(), self.lr, self.betas, fused=True),
            torch.optim.Adam(weights_D, self.lr * share, betas_D, fused=True),
        ]

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        opt_G, opt_D = self.optimizers()  # type: ignore[attr-defined]  # a list, for there are several
        real = uint8_to_float(batch["clip"]).transpose(1, 2)
        fake = self.fake_clips(len(real) * self.world_size)  # one graph serves the steps of all networks
        real_frames, fake_frames = self.random_frames(real, REAL_FRAMES), self.random_frames(fake, FAKE_FRAMES)
        gamma = self.r1_gamma * self.r1_every if self.iteration % self.r1_every == 0 else 0.0

        losses: dict[str, Tensor] = {}
        with self.training_only(*self.discriminators()):
            if self.D_I is not None:
                losses["loss_D_I"] = logistic_D(self.D_I, real_frames, fake_frames, gamma)
            for level, (D, real_view, fake_view) in enumerate(self.judged(real, fake)):
                losses[f"loss_D_V{level}"] = logistic_D(D, real_view, fake_view, gamma)
            self.descend(opt_D, torch.stack(list(losses.values())).sum())
        with self.training_only(self.G):
            losses["loss_G"] = self.loss_G(fake, fake_frames)
            self.descend(opt_G, losses["loss_G"])
        if self.G.bank is not None:
            self.G.bank.settle()
        if self.G_average is not None:
            self.G_average.update(self.G)
            self.average_is_settled = False
        self.losses = {name: loss.detach() for name, loss in losses.items()}
        self.iteration += 1

    def fake_clips(self, n: int) -> Float[Tensor, "b c t h w"]:
        """This process' share of n clips from this iteration's noise: z_a, z_m ~ N(0, I)."""
        generator = self.generator_for(NOISE)
        shapes = (n, self.d_a), (n, self.frames - 1, self.d_m)
        z_a, z_m = (self.share(torch.randn(shape, generator=generator, device=self.device)) for shape in shapes)
        maps = self.G.G_S.noise_maps(n, self.generator_for(NOISE_MAPS))
        return self.G(z_a, z_m, None if maps is None else [self.share(each) for each in maps])

    def judged(self, real: Tensor, fake: Tensor) -> Iterator[tuple[nn.Module, Tensor, Tensor]]:
        """Each judge of clips, with what it gets to see of real and of fake ones."""
        if isinstance(self.D_V, VideoDiscriminator3d):
            yield self.D_V, real, fake
            return
        starts = self.phases()
        yield from zip(self.D_V.discriminators, self.D_V.views(real, starts), self.D_V.views(fake, starts), strict=True)

    def phases(self) -> list[int]:
        """The frame that each speed starts with."""
        assert isinstance(self.D_V, TemporalPyramid)
        if not self.random_phase:
            return [0] * len(self.D_V.speeds)
        numbers = np.random.default_rng((self.seed, self.iteration, PHASES))
        return [int(numbers.integers(self.frames - (count - 1) * step)) for step, count in self.D_V.speeds]

    def loss_G(self, fake: Tensor, frames: Tensor) -> Float[Tensor, ""]:
        """What G plays for: all discriminators taking its frames and clips for real, those of clips by λ (Eq. 5.5)."""
        loss = fake.new_zeros((), dtype=torch.float32) if self.D_I is None else bce(self.D_I(frames), 1.0)
        for D, view, _ in self.judged(fake, fake):
            loss = loss + self.lambda_V * bce(D(view), 1.0)
        return loss

    def random_frames(self, clips: Float[Tensor, "b c t h w"], purpose: int) -> Float[Tensor, "n c h w"]:
        """`image_frames` frames of each clip, at random times of its own."""
        shape = (len(clips) * self.world_size, self.image_frames)
        times = torch.randint(clips.shape[2], shape, generator=self.generator_for(purpose), device=clips.device)
        clip = torch.arange(len(clips), device=clips.device).repeat_interleave(self.image_frames)
        return clips[clip, :, self.share(times).flatten()]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        self.average_is_settled = False

    def _save_pretrained(self, save_directory: Path, dtype: torch.dtype = torch.float32) -> None:
        _ = self.generator  # settles its directions
        super()._save_pretrained(save_directory, dtype)

    # What others ask of it.

    def sample_clips(self, n: int, *, frames: int, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        codes = self.latents(self.appearances(n, seed), self.motions(n, seed, frames))
        yield from self.draw(self.path(*codes))

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        return motion_measures(self, clips, seed)

    def sample_sheet(self, clips: Clips) -> Sheet:
        return self.sheet()
