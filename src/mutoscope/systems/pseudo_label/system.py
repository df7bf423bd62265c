"""The algorithm: losses of Eqs. 2-4, 6, 7 and the three readings of how they are scheduled."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.data.clips import Clips
from mutoscope.losses import bce
from mutoscope.media.results import Sheet
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import WeightAverage, normalising_parts
from mutoscope.systems.base import Batch, Optimizers, System, step
from mutoscope.systems.draws import Random
from mutoscope.systems.labels import one_hot
from mutoscope.systems.pseudo_label.config import PseudoLabelConfig
from mutoscope.systems.pseudo_label.controls import PseudoLabelControls
from mutoscope.systems.pseudo_label.networks import Discriminator, Generator, Reading

CODES = 0
NOISE = {"noise_D": 11, "noise_G": 12, "noise_label_d": 13, "noise_label_c": 14}
"""What random numbers are for: codes, and noise on the frames that D sees in each of its passes."""
PASSES = {"joint": 3, "sequential": 4, "merged": 2}
"""So many of these passes a schedule has."""
Noise = dict[str, Tensor]


class PseudoLabel(PseudoLabelControls, System):
    """Animation from shuffled frames: an image GAN whose discriminator reads two pseudo-labels back."""

    name = "pseudo_label"
    config_class = PseudoLabelConfig
    config: PseudoLabelConfig

    def __init__(self, config: PseudoLabelConfig) -> None:
        super().__init__(config)
        self.G = Generator(config)
        self.D = Discriminator(config)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs do not know it
        self.G_average = WeightAverage(self.G, config.ema) if config.ema else None

    @property
    def drawing_network(self) -> nn.Module:
        """The generator that results are drawn with: the averaged one where there is one."""
        return self.G_average.network if self.G_average is not None else self.G

    def averaged_networks(self) -> dict[str, str]:
        return {"G_average": "G"} if self.G_average is not None else {}

    def sample_sheet(self, clips: Clips) -> Sheet:
        return self.grid(columns=10)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        o = self.config

        def adam(lr: float, betas: tuple[float, float], *networks: nn.Module) -> torch.optim.Optimizer:
            weights = [p for network in networks for p in network.parameters()]
            return torch.optim.Adam(weights, lr, betas, amsgrad=o.amsgrad, fused=True)

        found = {"G": adam(o.lr_G, o.betas_G, self.G), "D": adam(o.lr_D, o.betas_D, self.D)}
        return found if o.schedule == "merged" else {**found, "I": adam(o.lr_I, o.betas_I, self.G, self.D)}

    def noise(self, n: int, random: Random) -> Noise:
        """Codes as in Table 1, and Gaussian noise on real and fake frames for every pass through D.

        `z` noise, `d` a uniform one-hot, `k` its number, `c` a uniform vector; `noise_…` of shape "n 2 c h w".
        """
        o, codes = self.config, random(CODES)
        z = codes.normal(n, o.n_z) if o.z_distribution == "normal" else codes.uniform(n, o.n_z)
        k = codes.integers(0, o.n_d, n)
        c = codes.uniform(n, o.n_c) * (o.c_range[1] - o.c_range[0]) + o.c_range[0]
        noise = {"z": z, "d": one_hot(k, o.n_d), "k": k, "c": c}
        for name, purpose in list(NOISE.items())[: PASSES[o.schedule]] if o.d_noise else ():
            draws = random(purpose)
            noise[name] = draws.normal(n, 2, o.channels, *o.size) * o.d_noise
            if o.d_noise_levels == "uniform":
                noise[name] *= draws.uniform(n, 2, 1, 1, 1)
        return noise

    def training_step(self, batch: Batch, noise: Noise, optimizers: Optimizers) -> dict[str, Tensor]:
        x = uint8_to_float(batch["frame"]).contiguous(memory_format=torch.channels_last)
        fake = self.draw(noise)  # one graph serves both steps: D's weights are not in it
        losses = self.step_D(optimizers, x, fake.detach(), noise) | self.step_G(optimizers, x, fake, noise)
        if self.config.schedule != "merged":
            losses |= self.step_labels(optimizers, x, noise)
        if self.G_average is not None:
            self.G_average.update(self.G)
        return losses

    def step_D(self, optimizers: Optimizers, x: Tensor, fake: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Stage 1: D tells real (Eq. 3) from fake (Eq. 2); in the merged schedule it also reads the labels."""
        with self.training_only(self.D):
            real, fake_reading = self.read_both(x, fake, noise.get("noise_D"))
            loss_D = bce(real.score, 1.0) + bce(fake_reading.score, 0.0)
            loss, labels = self.with_labels(loss_D, fake_reading, noise)
            step(optimizers["D"], loss)
        return {"loss_D": loss_D.detach(), **labels}

    def step_G(self, optimizers: Optimizers, x: Tensor, fake: Tensor, noise: Noise) -> dict[str, Tensor]:
        """Stage 2: G makes D call its frames real (Eq. 4)."""
        with self.training_only(self.G):
            reading = self.read_fake(x, fake, noise.get("noise_G"))
            loss_G = bce(reading.score, 1.0)
            loss, labels = self.with_labels(loss_G, reading, noise)
            step(optimizers["G"], loss)
        return {"loss_G": loss_G.detach(), **labels}

    def step_labels(self, optimizers: Optimizers, x: Tensor, noise: Noise) -> dict[str, Tensor]:
        """The label step(s) of both networks (Eqs. 6, 7), each on a fresh forward pass."""
        o = self.config
        if o.schedule == "joint":
            losses = self.label_losses(self.read_fake(x, self.draw(noise), noise.get("noise_label_d")), noise)
            if o.w_d or o.w_c:
                step(optimizers["I"], o.w_d * losses["lambda_d"] + o.w_c * losses["lambda_c"])
            return {name: loss.detach() for name, loss in losses.items()}
        reported = {}
        for name, weight, on_frames in (("lambda_d", o.w_d, "noise_label_d"), ("lambda_c", o.w_c, "noise_label_c")):
            loss = self.label_losses(self.read_fake(x, self.draw(noise), noise.get(on_frames)), noise)[name]
            if weight:
                step(optimizers["I"], weight * loss)
            reported[name] = loss.detach()
        return reported

    def label_losses(self, reading: Reading, codes: Noise) -> dict[str, Tensor]:
        """Eq. 6, cross-entropy of the discrete label, and Eq. 7, mean squared error of the continuous one."""
        return {
            "lambda_d": F.cross_entropy(reading.d.float(), codes["k"]),
            "lambda_c": F.mse_loss(reading.c.float(), codes["c"]),
        }

    def with_labels(self, loss: Tensor, reading: Reading, codes: Noise) -> tuple[Tensor, dict[str, Tensor]]:
        """In the merged schedule, `loss` with the label terms of Eq. 9 added, and those terms."""
        if self.config.schedule != "merged":
            return loss, {}
        labels = self.label_losses(reading, codes)
        total = loss + self.config.w_d * labels["lambda_d"] + self.config.w_c * labels["lambda_c"]
        return total, {name: term.detach() for name, term in labels.items()}

    def draw(self, codes: Noise) -> Float[Tensor, "n channels h w"]:
        """G on codes known to be well formed."""
        return self.G(z=codes["z"], d=codes["d"], c=codes["c"], allow_soft_d=True)

    def read_both(self, x: Tensor, fake: Tensor, noise: Tensor | None) -> tuple[Reading, Reading]:
        """What D reads from real and from fake frames, each with its own noise."""
        both = torch.cat([x, fake])
        if noise is not None:
            both = both + noise.transpose(0, 1).flatten(0, 1)
        with normalising_parts(self.D, 2 if self.config.d_batch == "separate" else 1):
            readings = self.D(both)
        return Reading(*(o[: len(x)] for o in readings)), Reading(*(o[len(x) :] for o in readings))

    def read_fake(self, x: Tensor, fake: Tensor, noise: Tensor | None) -> Reading:
        """What D reads from fake frames; in joint batches the real frames are there for D's batch statistics."""
        if self.config.d_batch == "joint":
            return self.read_both(x, fake, noise)[1]
        return self.D(fake if noise is None else fake + noise[:, 1])
