"""The algorithm of section 5.2: D_I and the pyramid judge the same fake clips; logistic losses with R1 as StyleGAN2."""

from collections.abc import Hashable, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mutoscope.data.clips import Clips
from mutoscope.data.windows import ClipWindows
from mutoscope.losses import LogisticLoss
from mutoscope.media.results import Sheet
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import ResidualDiscriminator, TemporalPyramid, WeightAverage, frames_at, widths_for
from mutoscope.nn.pyramid import speeds_of
from mutoscope.systems.base import Batch, Optimizers, Stage, System, step
from mutoscope.systems.draws import Random
from mutoscope.systems.mintgan.config import MintGANConfig
from mutoscope.systems.mintgan.controls import MintGANControls
from mutoscope.systems.mintgan.discriminator_3d import VideoDiscriminator3d
from mutoscope.systems.mintgan.networks import Generator

# what random numbers are for
NOISE, NOISE_MAPS, REAL_FRAMES, FAKE_FRAMES, PHASES = range(5)
MAP = "map_"
Noise = dict[str, Tensor]


class Judged(NamedTuple):
    """What a discriminator gets to see.

    Attributes:
        name: of the discriminator; levels of the pyramid have their number.
        D: itself.
        real, fake: single frames, or clips as it takes them.
        weight: of its judgement in G's loss (Eq. 5.5).
    """

    name: str
    D: nn.Module
    real: Tensor
    fake: Tensor
    weight: float


class MintGAN(MintGANControls, System):
    """MintGAN: clips from noise, along learned directions of motion."""

    name = "mintgan"
    config_class = MintGANConfig
    config: MintGANConfig
    kept_in_full: ClassVar[tuple[str, ...]] = ("G.bank.D",)

    def __init__(self, config: MintGANConfig) -> None:
        super().__init__(config)
        o, widths = config, widths_for(config.image_size, config.widths_D)
        self.G = Generator(o)
        self.D_I = ResidualDiscriminator(o.channels, o.image_size, widths) if o.use_D_I else None
        self.D_V: TemporalPyramid | VideoDiscriminator3d
        if o.d_v == "pyramid":
            self.D_V = TemporalPyramid(o.channels, o.image_size, o.frames, o.levels, widths)
        else:
            self.D_V = VideoDiscriminator3d(o.channels, o.image_size, widths)
        self.loss = LogisticLoss(o.r1_gamma, o.r1_every)
        self.G_average = WeightAverage(self.G, o.ema) if o.ema else None
        self.average_is_settled = True
        self.register_state_dict_pre_hook(_settle_average)  # what is stored can be drawn with as it is

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

    @property
    def discriminators(self) -> list[nn.Module]:
        """Those that there are."""
        return [network for network in (self.D_I, self.D_V) if network is not None]

    @property
    def kind(self) -> Hashable:
        return self.stage.name, self.loss.penalises(self.iteration)

    def examples(self, clips: Clips, stage: Stage) -> ClipWindows:
        o = self.config
        return ClipWindows(clips, o.frames, step=o.frame_step, hold_last=True, seed=self.seed)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        lr, betas = self.config.lr, self.config.betas
        return {
            "G": torch.optim.Adam(self.G.parameters(), lr, betas, fused=True),
            "D": self.loss.optimizer(*self.discriminators, lr=lr, betas=betas),
        }

    def noise(self, n: int, random: Random) -> Noise:
        """z_a, z_m ~ N(0, I), noise maps where G_S takes any, the times of frames that D_I sees, and phases."""
        o, draws = self.config, random(NOISE)
        noise = {"z_a": draws.normal(n, o.d_a), "z_m": draws.normal(n, o.frames - 1, o.d_m)}
        for i, noise_map in enumerate(self.G.G_S.noise_maps(n, random(NOISE_MAPS))):
            noise[f"{MAP}{i}"] = noise_map
        for name, purpose in (("real_times", REAL_FRAMES), ("fake_times", FAKE_FRAMES)) if o.use_D_I else ():
            noise[name] = random(purpose).integers(0, o.frames, n, o.image_frames)
        if o.random_phase and o.d_v == "pyramid":
            noise["starts"] = self.phases(random)
        return noise

    def phases(self, random: Random) -> Int[Tensor, " levels"]:
        """The frame that each speed of the pyramid starts with, the same on all processes."""
        o, numbers = self.config, np.random.default_rng((random.seed, random.iteration, PHASES))
        starts = [numbers.integers(o.frames - (count - 1) * step) for step, count in speeds_of(o.frames, o.levels)]
        return torch.tensor(starts, dtype=torch.int64, device=random.device)

    def training_step(self, batch: Batch, noise: Noise, optimizers: Optimizers) -> dict[str, Tensor]:
        real = uint8_to_float(batch["clip"]).transpose(1, 2)
        fake = self.G(noise["z_a"], noise["z_m"], [noise[name] for name in noise if name.startswith(MAP)])
        judged = self.judged(real, fake, noise)  # one graph of the fake clips serves the steps of all networks
        penalised = self.loss.penalises(self.iteration)
        with self.training_only(*self.discriminators):
            losses = {f"loss_{seen.name}": self.loss.of_D(seen.D, seen.real, seen.fake, penalised) for seen in judged}
            step(optimizers["D"], torch.stack(list(losses.values())).sum())
        with self.training_only(self.G):
            losses["loss_G"] = self.loss_G(judged)
            step(optimizers["G"], losses["loss_G"])
        return {name: loss.detach() for name, loss in losses.items()}

    def after_step(self) -> None:
        if self.G.bank is not None:
            self.G.bank.settle()
        if self.G_average is not None:
            self.G_average.update(self.G)
            self.average_is_settled = False

    def judged(self, real: Float[Tensor, "b c t h w"], fake: Float[Tensor, "b c t h w"], noise: Noise) -> list[Judged]:
        """What each discriminator gets to see of real and of fake clips."""
        starts, judged = noise.get("starts"), []
        if self.D_I is not None:
            frames = (frames_at(real, noise["real_times"]), frames_at(fake, noise["fake_times"]))
            judged.append(Judged("D_I", self.D_I, *frames, 1.0))
        views = zip(self.D_V.discriminators, self.D_V.views(real, starts), self.D_V.views(fake, starts), strict=True)
        return judged + [Judged(f"D_V{i}", *seen, self.config.lambda_V) for i, seen in enumerate(views)]

    def loss_G(self, judged: Sequence[Judged]) -> Float[Tensor, ""]:
        """What G plays for: all discriminators taking its frames and clips for real, those of clips by λ (Eq. 5.5)."""
        return torch.stack([seen.weight * self.loss.of_G(seen.D, seen.fake) for seen in judged]).sum()

    # What others ask of it.

    def sample_sheet(self, clips: Clips) -> Sheet:
        return self.sheet()


def _settle_average(system: MintGAN, prefix: str, keep_vars: bool) -> None:
    """Brings the directions of the averaged M up to date."""
    _ = system.generator
