"""MoCoGAN's training: G against D_I and D_V, from noise or from a picture.

S. Tulyakov, M.-Y. Liu, X. Yang, J. Kautz, "MoCoGAN: Decomposing Motion and Content for Video Generation", CVPR 2018.
"""

from collections.abc import Hashable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.baselines.video_gan import Clip, MakeOptimizer, ScoreLoss
from mutoscope.losses import PyramidLoss, bce
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import normalising_parts
from mutoscope.systems.base import Batch, Optimizers, System, step
from mutoscope.systems.draws import Draws, Random

LATENTS, FRAMES_SEEN = 0, 1
NOISE = {"D_I_real": 2, "D_I_fake": 3, "D_V_real": 4, "D_V_fake": 5, "G_frames": 6, "G_clips": 7}
"""What random numbers are for: codes, the frames that D_I sees, and noise on all that the discriminators see."""
Noise = dict[str, Tensor]
Labels = Int[Tensor, " n"] | None
Terms = tuple[Float[Tensor, ""], Float[Tensor, ""]]


@dataclass(frozen=True)
class ClipLoss:
    """What the 3-D D_V plays for: telling fake clips from real ones, and naming the actions of these (section 3.3).

    Both terms are given apart; without labels the second is 0. `optimizer` makes that of D_V.
    """

    optimizer: MakeOptimizer

    def penalises(self, iteration: int) -> bool:
        """Whether an iteration's loss has a penalty; see `PyramidLoss`."""
        return False

    def of_D(self, D_V: nn.Module, real: Clip, fake: Clip, labels: Labels, penalised: bool) -> Terms:
        """D_V's side, real and fake clips each normalised by their own batch statistics."""
        with normalising_parts(D_V, 2):
            scores, named = D_V(torch.cat([real, fake]))
        on_real, on_fake = scores.chunk(2)
        return bce(on_real, 1.0) + bce(on_fake, 0.0), category_loss(named[: len(real)], labels)

    def of_G(self, D_V: nn.Module, fake: Clip, labels: Labels) -> Terms:
        """G's side: that D_V takes its clips for real, and names their actions."""
        score, named = D_V(fake)
        return bce(score, 1.0), category_loss(named, labels)


class PyramidClipLoss:
    """The same of a temporal pyramid in the place of D_V, which names no actions."""

    def __init__(self, r1_gamma: float) -> None:
        self.scores = PyramidLoss(r1_gamma)
        self.penalises, self.optimizer = self.scores.penalises, self.scores.optimizer

    def of_D(self, D_V: nn.Module, real: Clip, fake: Clip, labels: Labels, penalised: bool) -> Terms:
        """The pyramid's side."""
        return self.scores.of_D(D_V, real, fake, penalised), real.new_zeros(())

    def of_G(self, D_V: nn.Module, fake: Clip, labels: Labels) -> Terms:
        """G's side."""
        return self.scores.of_G(D_V, fake), fake.new_zeros(())


def category_loss(logits: Float[Tensor, "n K"], labels: Labels) -> Float[Tensor, ""]:
    """Cross-entropy of the actions that D_V names (the bound on mutual information of section 3.3)."""
    return logits.new_zeros(()) if labels is None else F.cross_entropy(logits.float(), labels)


class MoCoGANTraining(System):
    """G against D_I and D_V (sections 3.2 and 3.3); a subclass has the networks and says what G draws from.

    Attributes:
        config: has `channels`, `frames`, `image_frames`, `d_noise`, `lr`, `betas` and `weight_decay`.
        loss_I: what D_I plays for.
        loss_V: what D_V plays for.
        lambda_rec: weight of the mean absolute error between G's clips and the real ones; 0 where they have no more in
            common than their actions.
    """

    G: nn.Module
    D_I: nn.Module
    D_V: nn.Module
    loss_I: ScoreLoss
    loss_V: ClipLoss | PyramidClipLoss

    @property
    def categories(self) -> int:
        """Number of actions, 0 for none."""
        raise NotImplementedError

    @property
    def lambda_rec(self) -> float:
        return 0.0

    def codes(self, n: int, draws: Draws) -> Noise:
        """What `fake_clips` draws from, beside real clips and labels."""
        raise NotImplementedError

    def fake_clips(self, real: Clip, labels: Labels, noise: Noise) -> Clip:
        """As many clips as there are real ones, with their labels; `real` itself is for methods that start from it."""
        raise NotImplementedError

    @property
    def kind(self) -> Hashable:
        return self.stage.name, self.loss_V.penalises(self.iteration)

    def adam(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimiser of all three networks, but of a pyramid, which has its own."""
        o = self.config
        return torch.optim.Adam(network.parameters(), o.lr, o.betas, weight_decay=o.weight_decay, fused=True)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        others = {"D_I": self.loss_I.optimizer(self.D_I), "D_V": self.loss_V.optimizer(self.D_V)}
        return {"G": self.adam(self.G), **others}

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
        real = uint8_to_float(batch["clip"]).movedim(1, 2)
        labels = batch["label"] if self.categories else None  # the fake clips are to show the same actions
        fake = self.fake_clips(real, labels, noise)  # one graph serves the steps of all three networks
        real_frames, fake_frames = (frames_at(clips, noise["times"]) for clips in (real, fake))

        def seen(x: Tensor, name: str) -> Tensor:
            return x + noise[name].reshape(x.shape) if name in noise else x

        with self.training_only(self.D_I):
            frames = seen(real_frames, "D_I_real"), seen(fake_frames.detach(), "D_I_fake")
            loss_D_I = self.loss_I.of_D(self.D_I, *frames, penalised=False)
            step(optimizers["D_I"], loss_D_I)
        with self.training_only(self.D_V):
            clips = seen(real, "D_V_real"), seen(fake.detach(), "D_V_fake")
            penalised = self.loss_V.penalises(self.iteration)
            loss_D_V, loss_named = self.loss_V.of_D(self.D_V, *clips, labels, penalised)
            step(optimizers["D_V"], loss_D_V + loss_named)
        with self.training_only(self.G):
            loss_frames = self.loss_I.of_G(self.D_I, seen(fake_frames, "G_frames"))
            loss_clips, loss_category = self.loss_V.of_G(self.D_V, seen(fake, "G_clips"), labels)
            loss_G = loss_frames + loss_clips
            loss = loss_G + loss_category
            if self.lambda_rec:
                loss_rec = F.l1_loss(fake.float(), real)
                loss = loss + self.lambda_rec * loss_rec
            step(optimizers["G"], loss)
        losses = {"loss_D_I": loss_D_I, "loss_D_V": loss_D_V, "loss_G": loss_G}
        if labels is not None:
            losses["loss_category"] = loss_category
        if self.lambda_rec:
            losses["loss_rec"] = loss_rec
        return {name: loss.detach() for name, loss in losses.items()}


def frames_at(clips: Clip, times: Int[Tensor, "n k"]) -> Float[Tensor, "m c h w"]:
    """The frames at these times of each clip, clip after clip."""
    clip = torch.arange(len(clips), device=clips.device).repeat_interleave(times.shape[1])
    return clips[clip, :, times.flatten()]
