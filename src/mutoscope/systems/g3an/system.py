"""The algorithm of section 4.3: two discriminators, the same fake clip for all, no loss but the adversarial."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.data.clips import Clips
from mutoscope.data.examples import Examples
from mutoscope.data.windows import ClipWindows
from mutoscope.losses import PyramidLoss, bce
from mutoscope.media.results import Sheet
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import FoldedCopy, ImageDiscriminator, TemporalPyramid, WeightAverage, frames_at
from mutoscope.systems.base import Batch, Optimizers, Stage, System, step
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.draws import Random
from mutoscope.systems.g3an.config import G3ANConfig
from mutoscope.systems.g3an.controls import G3ANControls
from mutoscope.systems.g3an.networks import Generator, VideoDiscriminator, noise_length
from mutoscope.systems.labels import one_hot

Noise = dict[str, Tensor]
Loss = Float[Tensor, ""]
OneHot = Float[Tensor, "b K"] | None

# what random numbers are for
NOISE, REAL_FRAMES, FAKE_FRAMES, WRONG_LABELS = range(4)
ON_CLIPS = {"real_clips_D": 4, "fake_clips_D": 5, "wrong_clips_D": 6, "fake_clips_G": 9}
ON_FRAMES = {"real_frames_D": 7, "fake_frames_D": 8, "fake_frames_G": 10}
"""… and, for the noise on what discriminators see, which clips or frames and whose step it is."""


@dataclass(frozen=True)
class ClipLoss:
    """L_V of Eq. 4.6, what a `VideoDiscriminator` plays for, trained by Adam; where it names labels, also that."""

    lr: float
    betas: tuple[float, float]

    def penalises(self, iteration: int) -> bool:
        """Whether a penalty is part of this iteration's loss: never."""
        return False

    def of_D(self, D_V: nn.Module, real: Tensor, fake: Tensor, y: OneHot, noise: Noise, penalised: bool) -> Loss:
        """Real clips are real, fake ones fake, and as fake are real ones under wrong labels, where these were drawn."""
        clips, labels = [real, fake], None if y is None else torch.cat([y, y])
        if y is not None and "other" in noise:
            clips, labels = [*clips, real], torch.cat([y, y, other_labels(y, noise["other"])])
        seen = [with_noise(clip.to(fake.dtype), noise, name) for clip, name in zip(clips, ON_CLIPS, strict=False)]
        said = D_V(torch.cat(seen), labels)
        on_real, *on_fake = said.score.chunk(len(clips))
        loss = bce(on_real, 1.0) + sum(bce(score, 0.0) for score in on_fake) / len(on_fake)
        if y is None or said.label is None:
            return loss
        return loss + F.cross_entropy(said.label[: len(real)].float(), y)

    def of_G(self, D_V: nn.Module, fake: Tensor, y: OneHot, noise: Noise) -> Loss:
        """Fake clips are taken for real (non-saturating), and for their label."""
        said = D_V(with_noise(fake, noise, "fake_clips_G"), y)
        loss = bce(said.score, 1.0)
        if y is None or said.label is None:
            return loss
        return loss + F.cross_entropy(said.label.float(), y)

    def optimizer(self, D_V: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.Adam(D_V.parameters(), self.lr, self.betas, fused=True)


@dataclass(frozen=True)
class PyramidClipLoss:
    """The same for a `TemporalPyramid`, which takes no labels, and is trained as in chapter 5."""

    plain: PyramidLoss

    def penalises(self, iteration: int) -> bool:
        return self.plain.penalises(iteration)

    def of_D(self, D_V: nn.Module, real: Tensor, fake: Tensor, y: OneHot, noise: Noise, penalised: bool) -> Loss:
        seen = with_noise(real, noise, "real_clips_D"), with_noise(fake, noise, "fake_clips_D")
        return self.plain.of_D(D_V, *seen, penalised)

    def of_G(self, D_V: nn.Module, fake: Tensor, y: OneHot, noise: Noise) -> Loss:
        return self.plain.of_G(D_V, with_noise(fake, noise, "fake_clips_G"))

    def optimizer(self, D_V: nn.Module) -> torch.optim.Optimizer:
        return self.plain.optimizer(D_V)


class G3AN(G3ANControls, System):
    """G³AN: clips from an appearance noise and a motion noise, through three streams."""

    name = "g3an"
    config_class = G3ANConfig
    config: G3ANConfig

    def __init__(self, config: G3ANConfig) -> None:
        super().__init__(config)
        o = config
        self.G = Generator(o)
        self.D_V: nn.Module
        self.loss_V: ClipLoss | PyramidClipLoss
        if o.d_v == "pyramid":
            self.D_V = TemporalPyramid(o.channels, o.image_size, o.frames, o.pyramid_levels, o.pyramid_widths)
            self.loss_V = PyramidClipLoss(PyramidLoss(o.r1_gamma))
        else:
            self.D_V, self.loss_V = VideoDiscriminator(o), ClipLoss(o.lr_D, o.betas)
        self.D_I = ImageDiscriminator(o.channels, o.image_size, o.ch_D)
        self.G_average = WeightAverage(self.G, o.ema) if o.ema else None
        self.folded_copy = FoldedCopy()

    @property
    def generator(self) -> nn.Module:
        """The generator that results are drawn with, (z_a, z_m, y) to clips: the averaged one where there is one."""
        return self.G_average.network if self.G_average is not None else self.G

    def averaged_networks(self) -> dict[str, str]:
        return {"G_average": "G"} if self.G_average is not None else {}

    @property
    def kind(self) -> tuple[str, bool]:
        return self.stage.name, self.loss_V.penalises(self.iteration)

    def examples(self, clips: Clips, stage: Stage) -> Examples:
        o = self.config
        return ClipWindows(clips, o.frames, step=o.frame_step, hold_last=True, columns=o.columns, seed=self.seed)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        def adam(network: nn.Module, lr: float) -> torch.optim.Optimizer:
            return torch.optim.Adam(network.parameters(), lr, self.config.betas, fused=True)

        o = self.config
        return {"G": adam(self.G, o.lr_G), "D_V": self.loss_V.optimizer(self.D_V), "D_I": adam(self.D_I, o.lr_D)}

    def noise(self, n: int, random: Random) -> Noise:
        """z_a and z_m, N(0, I); the times "n k" of the frames that D_I sees; and, where they are used:

        `other`, how far along the list of labels is the wrong one; noise of deviation `d_noise`, by the names in
        `ON_CLIPS` and `ON_FRAMES`.
        """
        o, codes = self.config, random(NOISE)
        noise = {
            "z_a": codes.normal(n, o.d_a),
            "z_m": codes.normal(n, o.d_m, noise_length(o.frames)),
            "real_times": random(REAL_FRAMES).integers(0, o.frames, n, o.image_frames),
            "fake_times": random(FAKE_FRAMES).integers(0, o.frames, n, o.image_frames),
        }
        if o.shows_wrong_labels:
            noise["other"] = random(WRONG_LABELS).integers(1, o.categories, n)
        if o.d_noise:
            for name, purpose in ON_CLIPS.items():
                if o.shows_wrong_labels or name != "wrong_clips_D":
                    noise[name] = random(purpose).normal(n, o.channels, o.frames, *o.size) * o.d_noise
            for name, purpose in ON_FRAMES.items():
                noise[name] = random(purpose).normal(n * o.image_frames, o.channels, *o.size) * o.d_noise
        return noise

    def training_step(self, batch: Batch, noise: Noise, optimizers: Optimizers) -> dict[str, Tensor]:
        real = uint8_to_float(batch["clip"]).transpose(1, 2)
        y = one_hot(batch["label"], self.config.categories) if self.config.categories else None
        fake = self.G(noise["z_a"], noise["z_m"], y)  # one graph serves the steps of all three networks

        with self.training_only(self.D_V):
            loss_D_V = self.loss_D_V(real, fake.detach(), y, noise)
            step(optimizers["D_V"], loss_D_V)
        real_frames, fake_frames = frames_at(real, noise["real_times"]), frames_at(fake, noise["fake_times"])
        with self.training_only(self.D_I):
            loss_D_I = self.loss_D_I(real_frames, fake_frames.detach(), noise)
            step(optimizers["D_I"], loss_D_I)
        with self.training_only(self.G):
            loss_G = self.loss_G(fake, fake_frames, y, noise)
            step(optimizers["G"], loss_G)
        if self.G_average is not None:
            self.G_average.update(self.G)
        return {"loss_D_V": loss_D_V.detach(), "loss_D_I": loss_D_I.detach(), "loss_G": loss_G.detach()}

    def loss_D_V(self, real: Tensor, fake: Tensor, y: OneHot, noise: Noise) -> Loss:
        """L_V of Eq. 4.6 for D_V; with labels, as `label_mode` says."""
        return self.loss_V.of_D(self.D_V, real, fake, y, noise, self.loss_V.penalises(self.iteration))

    def loss_D_I(self, real: Tensor, fake: Tensor, noise: Noise) -> Loss:
        """L_I of Eq. 4.5 for D_I."""
        seen = with_noise(real.to(fake.dtype), noise, "real_frames_D"), with_noise(fake, noise, "fake_frames_D")
        on_real, on_fake = self.D_I(torch.cat(seen)).chunk(2)
        return bce(on_real, 1.0) + bce(on_fake, 0.0)

    def loss_G(self, fake: Tensor, frames: Tensor, y: OneHot, noise: Noise) -> Loss:
        """What G plays for: both discriminators taking its clips and frames for real (non-saturating)."""
        on_frames = self.D_I(with_noise(frames, noise, "fake_frames_G"))
        return self.loss_V.of_G(self.D_V, fake, y, noise) + bce(on_frames, 1.0)

    # What others ask of it.

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        n, frames = conditions.count, conditions.longest
        y = self.labels_asked(conditions)
        clips = self.draw(self.appearances(n, seed), self.motions(n, seed, frames), y, frames)
        for clip, length in zip(clips, conditions.lengths, strict=True):
            yield clip[:length]

    def sample_sheet(self, clips: Clips) -> Sheet:
        return self.grid()


def with_noise(x: Float[Tensor, "b ..."], noise: Noise, name: str) -> Float[Tensor, "b ..."]:
    """What a discriminator sees of x: with the noise of this name, where there is some."""
    return x + noise[name] if name in noise else x


def other_labels(y: Float[Tensor, "b K"], shift: Int[Tensor, " b"]) -> Float[Tensor, "b K"]:
    """For each label, the one so many places on, of K in a ring."""
    categories = y.shape[1]
    return one_hot((y.argmax(1) + shift) % categories, categories)
