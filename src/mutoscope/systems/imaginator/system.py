"""The algorithm of section 3.3, corrected: two discriminators, wrong labels as negatives, and reconstruction."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.data.clips import Clips
from mutoscope.data.windows import ClipWindows
from mutoscope.losses import bce
from mutoscope.media.results import Sheet
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import FoldedCopy, ImageDiscriminator, WeightAverage, frames_at
from mutoscope.systems.base import Batch, Optimizers, Stage, System, step
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.draws import Random
from mutoscope.systems.imaginator.config import ImaGINatorConfig
from mutoscope.systems.imaginator.controls import ImaGINatorControls
from mutoscope.systems.imaginator.networks import Generator, VideoDiscriminator
from mutoscope.systems.labels import one_hot
from mutoscope.systems.picture_measures import check_pictures, continued, first_pictures, picture_measures

NOISE, WRONG_LABELS, REAL_FRAMES, FAKE_FRAMES = range(4)
"""What random numbers are for."""
SHEET_PICTURES = 4
Noise = dict[str, Tensor]


class ImaGINator(ImaGINatorControls, System):
    """ImaGINator: a picture, a label and noise to a clip."""

    name = "imaginator"
    config_class = ImaGINatorConfig
    config: ImaGINatorConfig
    protocol = "continuations"

    def __init__(self, config: ImaGINatorConfig) -> None:
        super().__init__(config)
        self.G = Generator(config)
        self.D_V = VideoDiscriminator(config)
        self.D_I = ImageDiscriminator(config.channels, config.image_size, config.ch_D) if config.use_D_I else None
        self.G_average = WeightAverage(self.G, config.ema) if config.ema else None
        self.folded_copy = FoldedCopy()

    @property
    def generator(self) -> nn.Module:
        """The generator that results are drawn with, (image, z, y) to clips: the averaged one where there is one."""
        return self.G_average.network if self.G_average is not None else self.G

    def averaged_networks(self) -> dict[str, str]:
        return {"G_average": "G"} if self.G_average is not None else {}

    def examples(self, clips: Clips, stage: Stage) -> ClipWindows:
        o = self.config
        return ClipWindows(clips, o.length, step=o.frame_step, hold_last=True, columns=o.columns, seed=self.seed)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        o = self.config
        rates = {"G": o.lr_G, "D_V": o.lr_D} | ({"D_I": o.lr_D} if o.use_D_I else {})
        return {
            name: torch.optim.Adam(getattr(self, name).parameters(), lr, o.betas, fused=True)
            for name, lr in rates.items()
        }

    def noise(self, n: int, random: Random) -> Noise:
        """`z`, N(0, I); `shift`, how far the wrong label is from each label; times of the frames that D_I sees.

        `real_times` and `fake_times`, of shape "n image_frames", are distinct times of each clip.
        """
        o = self.config
        noise = {"z": random(NOISE).normal(n, o.d_z)} if o.noise else {}
        if o.loss == "rec":
            return noise
        if o.shows_wrong_labels:
            noise["shift"] = random(WRONG_LABELS).integers(1, o.categories, n)
        for name, purpose in (("real_times", REAL_FRAMES), ("fake_times", FAKE_FRAMES)) if o.use_D_I else ():
            noise[name] = random(purpose).uniform(n, o.length).argsort(dim=1)[:, : o.image_frames]
        return noise

    def training_step(self, batch: Batch, noise: Noise, optimizers: Optimizers) -> dict[str, Tensor]:
        o = self.config
        real = uint8_to_float(batch["clip"]).transpose(1, 2)
        y = one_hot(batch["label"], o.categories) if o.categories else None
        fake = self.G(real[:, :, 0], noise.get("z"), y)  # one graph serves the steps of all networks
        losses = {"rec": F.l1_loss(fake.float(), real)}
        if o.loss == "rec":
            self.step_G(optimizers, losses["rec"], {})
        elif o.order == "D first":
            losses |= self.step_D(optimizers, real, fake.detach(), y, noise)
            losses |= self.step_G(optimizers, losses["rec"], self.adversarial_losses(fake, y, noise))
        else:
            losses |= self.step_G(optimizers, losses["rec"], self.adversarial_losses(fake, y, noise))
            losses |= self.step_D(optimizers, real, fake.detach(), y, noise)
        if self.G_average is not None:
            self.G_average.update(self.G)
        return {f"loss_{name}": loss.detach() for name, loss in losses.items()}

    def step_D(
        self, optimizers: Optimizers, real: Tensor, fake: Tensor, y: Tensor | None, noise: Noise
    ) -> dict[str, Tensor]:
        """A step of both discriminators."""
        with self.training_only(self.D_V):
            losses = self.losses_D_V(real, fake, y, noise)
            step(optimizers["D_V"], torch.stack(list(losses.values())).sum())
        if self.D_I is not None:
            with self.training_only(self.D_I):
                losses_D_I = self.losses_D_I(real, fake, noise)
                step(optimizers["D_I"], torch.stack(list(losses_D_I.values())).sum())
            losses |= losses_D_I
        return losses

    def step_G(self, optimizers: Optimizers, rec: Tensor, adversarial: dict[str, Tensor]) -> dict[str, Tensor]:
        """A step of G, on what `loss` says."""
        parts = list(adversarial.values())
        if self.config.loss != "adv":
            parts.append(self.config.rec_weight_mean * rec)
        step(optimizers["G"], torch.stack(parts).sum())
        return adversarial

    def losses_D_V(self, real: Tensor, fake: Tensor, y: Tensor | None, noise: Noise) -> dict[str, Float[Tensor, ""]]:
        """L_V for D_V: real clips are real; fake ones, and real ones under wrong labels, are fake (Algorithm 1)."""
        real = real.to(fake.dtype)
        clips, labels = [real, fake], [] if y is None else [y, y]
        if y is not None and "shift" in noise:
            categories = self.config.categories
            clips.append(real)
            labels.append(one_hot((y.argmax(1) + noise["shift"]) % categories, categories))
        said = self.D_V(torch.cat(clips), torch.cat(labels) if labels else None)
        on_real, *on_fake = said.score.chunk(len(clips))
        losses = {"D_V_real": bce(on_real, 1.0)}
        for name, score in zip(("D_V_fake", "D_V_wrong"), on_fake, strict=False):
            losses[name] = bce(score, 0.0) / len(on_fake)
        if y is not None and said.label is not None:
            losses["D_V_label"] = F.cross_entropy(said.label[: len(real)].float(), y)
        return losses

    def losses_D_I(self, real: Tensor, fake: Tensor, noise: Noise) -> dict[str, Float[Tensor, ""]]:
        """L_I for D_I, which sees no labels."""
        assert self.D_I is not None
        frames = frames_at(real.to(fake.dtype), noise["real_times"]), frames_at(fake, noise["fake_times"])
        on_real, on_fake = self.D_I(torch.cat(frames)).chunk(2)
        return {"D_I_real": bce(on_real, 1.0), "D_I_fake": bce(on_fake, 0.0)}

    def adversarial_losses(self, fake: Tensor, y: Tensor | None, noise: Noise) -> dict[str, Float[Tensor, ""]]:
        """What G plays for: its clips and frames being taken for real (non-saturating), and their labels seen."""
        with self.training_only(self.G):
            said = self.D_V(fake, y)
            losses = {"G_V": bce(said.score, 1.0)}
            if self.D_I is not None:
                losses["G_I"] = bce(self.D_I(frames_at(fake, noise["fake_times"])), 1.0)
            if y is not None and said.label is not None:
                losses["G_label"] = F.cross_entropy(said.label.float(), y)
        return losses

    # What others ask of it.

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        check_pictures(self, conditions, self.config.length)
        clips = self.draw(conditions.pictures, self.noises(conditions.count, seed), self.labels_asked(conditions))
        return continued(conditions, clips)

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        return picture_measures(self, clips, self.config.length, self.label_names, seed)

    def sample_sheet(self, clips: Clips) -> Sheet:
        return self.sheet_of(first_pictures(clips, SHEET_PICTURES))
