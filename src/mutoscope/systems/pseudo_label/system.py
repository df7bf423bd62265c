"""The algorithm: losses of Eqs. 2-4, 6, 7 and the three readings of how they are scheduled."""

from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.losses import bce
from mutoscope.media.results import Sheet
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import WeightAverage, normalising_parts
from mutoscope.systems.base import System
from mutoscope.systems.pseudo_label.controls import PseudoLabelControls
from mutoscope.systems.pseudo_label.networks import Discriminator, Generator, Reading

# what random numbers are for (see System.generator_for)
CODES, NOISE_D, NOISE_G, NOISE_LABEL_D, NOISE_LABEL_C = range(5)


class Codes(NamedTuple):
    """One row of codes per frame to draw."""

    z: Float[Tensor, "n n_z"]
    d: Float[Tensor, "n n_d"]
    c: Float[Tensor, "n n_c"]
    k: Int[Tensor, " n"]


class PseudoLabel(PseudoLabelControls, System):
    """Animation from shuffled frames: an image GAN whose discriminator reads two pseudo-labels back.

    Args:
        n_z: Size of the noise.
        n_d: Number of values of the discrete pseudo-label (clips, or kinds of motion).
        n_c: Size of the continuous pseudo-label (phase of the motion).
        channels: Colour channels of a frame, 1 or 3.
        image_size: Height and width of a frame in pixels, a multiple of 8.
        width: Multiplier of all hidden widths; 1 is the paper's.
        score_dim: Realism scores of D; 1, or n_z for the paper's Table 2 to the letter.
        d_conv_bn: Which of D's convolutions are batch-normalised.
        z_distribution: N(0, 1), or U(0, 1) as in the authors' code.
        c_range: Lowest and highest value of the continuous pseudo-label in training.
        w_d: Weight of the discrete label loss (Eq. 6).
        w_c: Weight of the continuous label loss (Eq. 7).
        schedule: Label losses in one step of their own (joint), in two, discrete first (sequential), or added to those
            of D and G (merged, Eq. 9).
        d_batch: Real and fake frames through D as one batch, sharing its batch statistics (joint), or one after the
            other (separate, as the authors'), which lets batch normalisation hide from D whatever all fakes share.
        d_noise: Standard deviation of the Gaussian noise on all that D sees, in units of [-1, 1] pixels.
        d_noise_levels: The same noise for every frame (constant), or a level from U(0, d_noise) for each (uniform).
        lr_G: Learning rate of G.
        lr_D: Learning rate of D.
        lr_I: Learning rate of the label step (both networks).
        betas_G: Adam's decay rates for G.
        betas_D: Adam's decay rates for D.
        betas_I: Adam's decay rates for the label step.
        amsgrad: Use the AMSGrad variant of Adam.
        ema: Decay of the average of G's weights that draws the results; 0 draws with the last weights.
        compat_bug: Read D's score from column 1 as the authors' code does; for study only.
    """

    name = "pseudo_label"
    needs = ("frame",)

    def __init__(
        self,
        *,
        n_z: int = 100,
        n_d: int = 20,
        n_c: int = 10,
        channels: int = 3,
        image_size: int = 64,
        width: float = 1.0,
        score_dim: int = 1,
        d_conv_bn: Literal["last", "all", "none"] = "last",
        z_distribution: Literal["normal", "uniform"] = "normal",
        c_range: tuple[float, float] = (0.0, 1.0),
        w_d: float = 1.0,
        w_c: float = 1.0,
        schedule: Literal["joint", "sequential", "merged"] = "joint",
        d_batch: Literal["joint", "separate"] = "separate",
        d_noise: float = 0.0,
        d_noise_levels: Literal["constant", "uniform"] = "constant",
        lr_G: float = 1e-3,
        lr_D: float = 2e-4,
        lr_I: float = 1e-4,
        betas_G: tuple[float, float] = (0.5, 0.99),
        betas_D: tuple[float, float] = (0.5, 0.99),
        betas_I: tuple[float, float] = (0.6, 0.95),
        amsgrad: bool = True,
        ema: float = 0.0,
        compat_bug: bool = False,
    ) -> None:
        super().__init__()
        sizes = {"n_z": n_z, "n_d": n_d, "n_c": n_c, "channels": channels, "score_dim": score_dim}
        for argument, value in sizes.items():
            if value < 1:
                raise InputError(f"{argument}: {value} is less than 1")
        if not c_range[0] < c_range[1]:
            raise InputError(f"c_range: {tuple(c_range)} is empty (lowest value first)")
        if not 0 <= ema < 1:
            raise InputError(f"ema: {ema} is not in [0, 1)")
        self.n_z, self.n_d, self.n_c, self.score_dim = n_z, n_d, n_c, score_dim
        self.channels, self.image_size = channels, image_size
        self.z_distribution, (self.c_lo, self.c_hi) = z_distribution, c_range
        self.w_d, self.w_c, self.schedule, self.d_batch = w_d, w_c, schedule, d_batch
        self.d_noise, self.d_noise_levels = d_noise, d_noise_levels
        self.lr = {"G": lr_G, "D": lr_D, "I": lr_I}
        self.betas = {which: (b[0], b[1]) for which, b in (("G", betas_G), ("D", betas_D), ("I", betas_I))}
        self.amsgrad = amsgrad
        self.G = Generator(n_z=n_z, n_d=n_d, n_c=n_c, channels=channels, image_size=image_size, width=width)
        self.D = Discriminator(
            n_d=n_d,
            n_c=n_c,
            channels=channels,
            image_size=image_size,
            width=width,
            score_dim=score_dim,
            conv_bn=d_conv_bn,
            compat_bug=compat_bug,
        )
        self.to(memory_format=torch.channels_last)
        self.G_average = WeightAverage(self.G, ema) if ema else None

    @property
    def drawing_network(self) -> nn.Module:
        """The generator that results are drawn with: the averaged one where there is one."""
        return self.G_average.network if self.G_average is not None else self.G

    def averaged_networks(self) -> dict[str, str]:
        return {"G_average": "G"} if self.G_average is not None else {}

    def sample_sheet(self, clips: Clips) -> Sheet:
        return self.grid(columns=10)

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        from mutoscope.systems.pseudo_label.measures import measure

        return measure(self, clips, seed)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        def adam(which: str, *networks: nn.Module) -> torch.optim.Optimizer:
            weights = [p for network in networks for p in network.parameters()]
            return torch.optim.Adam(
                weights, lr=self.lr[which], betas=self.betas[which], amsgrad=self.amsgrad, fused=True
            )

        optimizers = [adam("G", self.G), adam("D", self.D)]
        return optimizers if self.schedule == "merged" else [*optimizers, adam("I", self.G, self.D)]

    def draw_codes(self, n: int, generator: torch.Generator) -> Codes:
        """z, d, c as in Table 1: noise, a uniform one-hot, a uniform vector, on the generator's device."""
        device = generator.device
        draw = torch.randn if self.z_distribution == "normal" else torch.rand
        z = draw(n, self.n_z, generator=generator, device=device)
        k = torch.randint(self.n_d, (n,), generator=generator, device=device)
        c = torch.rand(n, self.n_c, generator=generator, device=device) * (self.c_hi - self.c_lo) + self.c_lo
        return Codes(z, F.one_hot(k, self.n_d).float(), c, k)

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        opt_G, opt_D, *opt_I = self.optimizers()  # type: ignore[attr-defined]  # a list, for there are several
        x = uint8_to_float(batch["frame"]).contiguous(memory_format=torch.channels_last)
        codes = self.draw_codes(len(x) * self.world_size, self.generator_for(CODES))
        codes = Codes(*(self.share(code) for code in codes))

        fake = self.draw(codes)  # one graph serves both steps: D's weights are not in it
        self.losses = self.step_D(opt_D, x, fake.detach(), codes) | self.step_G(opt_G, x, fake, codes)
        if opt_I:
            self.losses |= self.step_labels(opt_I[0], x, codes)
        if self.G_average is not None:
            self.G_average.update(self.G)
        self.iteration += 1

    def step_D(self, optimizer: Any, x: Tensor, fake: Tensor, codes: Codes) -> dict[str, Tensor]:
        """Stage 1: D tells real (Eq. 3) from fake (Eq. 2); in the merged schedule it also reads the labels."""
        with self.training_only(self.D):
            real, fake_reading = self.read_both(x, fake, NOISE_D)
            loss_D = bce(real.score, 1.0) + bce(fake_reading.score, 0.0)
            loss, labels = self.with_labels(loss_D, fake_reading, codes)
            self.descend(optimizer, loss)
        return {"loss_D": loss_D.detach(), **labels}

    def step_G(self, optimizer: Any, x: Tensor, fake: Tensor, codes: Codes) -> dict[str, Tensor]:
        """Stage 2: G makes D call its frames real (Eq. 4)."""
        with self.training_only(self.G):
            reading = self.read_fake(x, fake, NOISE_G)
            loss_G = bce(reading.score, 1.0)
            loss, labels = self.with_labels(loss_G, reading, codes)
            self.descend(optimizer, loss)
        return {"loss_G": loss_G.detach(), **labels}

    def step_labels(self, optimizer: Any, x: Tensor, codes: Codes) -> dict[str, Tensor]:
        """The label step(s) of both networks (Eqs. 6, 7), each on a fresh forward pass."""
        if self.schedule == "joint":
            losses = self.label_losses(self.read_fake(x, self.draw(codes), NOISE_LABEL_D), codes)
            if self.w_d or self.w_c:
                self.descend(optimizer, self.w_d * losses["lambda_d"] + self.w_c * losses["lambda_c"])
            return {name: loss.detach() for name, loss in losses.items()}
        reported = {}
        for name, weight, noise in (("lambda_d", self.w_d, NOISE_LABEL_D), ("lambda_c", self.w_c, NOISE_LABEL_C)):
            loss = self.label_losses(self.read_fake(x, self.draw(codes), noise), codes)[name]
            if weight:
                self.descend(optimizer, weight * loss)
            reported[name] = loss.detach()
        return reported

    def label_losses(self, reading: Reading, codes: Codes) -> dict[str, Tensor]:
        """Eq. 6, cross-entropy of the discrete label, and Eq. 7, mean squared error of the continuous one."""
        return {
            "lambda_d": F.cross_entropy(reading.d.float(), codes.k),
            "lambda_c": F.mse_loss(reading.c.float(), codes.c),
        }

    def with_labels(self, loss: Tensor, reading: Reading, codes: Codes) -> tuple[Tensor, dict[str, Tensor]]:
        """In the merged schedule, `loss` with the label terms of Eq. 9 added, and those terms."""
        if self.schedule != "merged":
            return loss, {}
        labels = self.label_losses(reading, codes)
        total = loss + self.w_d * labels["lambda_d"] + self.w_c * labels["lambda_c"]
        return total, {name: term.detach() for name, term in labels.items()}

    def draw(self, codes: Codes) -> Float[Tensor, "n channels h w"]:
        """G on codes known to be well formed."""
        return self.G(z=codes.z, d=codes.d, c=codes.c, allow_soft_d=True)

    def read_both(self, x: Tensor, fake: Tensor, noise: int) -> tuple[Reading, Reading]:
        """What D reads from real and from fake frames."""
        with normalising_parts(self.D, 2 if self.d_batch == "separate" else 1):
            both = self.D(self.add_noise(torch.cat([x, fake]), noise))
        return Reading(*(o[: len(x)] for o in both)), Reading(*(o[len(x) :] for o in both))

    def read_fake(self, x: Tensor, fake: Tensor, noise: int) -> Reading:
        """What D reads from fake frames; in joint batches the real frames are there for D's batch statistics."""
        if self.d_batch == "joint":
            return self.read_both(x, fake, noise)[1]
        if not self.d_noise:
            return self.D(fake)
        return self.D(self.add_noise(torch.cat([x, fake]), noise)[len(x) :])

    def add_noise(self, both: Tensor, purpose: int) -> Tensor:
        """Gaussian noise on a batch of real, then fake frames; the same draws for any number of processes."""
        if not self.d_noise:
            return both
        generator = self.generator_for(10 + purpose)
        n = len(both) // 2 * self.world_size
        noise = torch.randn(n, 2, *both.shape[1:], generator=generator, device=both.device) * self.d_noise
        if self.d_noise_levels == "uniform":
            noise *= torch.rand(n, 2, 1, 1, 1, generator=generator, device=both.device)
        return both + self.share(noise).transpose(0, 1).flatten(0, 1)
