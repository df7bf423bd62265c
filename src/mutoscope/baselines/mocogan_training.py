"""MoCoGAN's training: G against D_I and D_V, from noise or from a picture.

S. Tulyakov, M.-Y. Liu, X. Yang, J. Kautz, "MoCoGAN: Decomposing Motion and Content for Video Generation", CVPR 2018.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.losses import bce
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import normalising_parts
from mutoscope.systems.base import System
from mutoscope.systems.pyramid_discriminator import PyramidDiscriminator

# what random numbers are for: codes, the frames that D_I sees, and the noise on all that the discriminators see
LATENTS, FRAMES_SEEN, D_I_REAL, D_I_FAKE, D_V_REAL, D_V_FAKE, G_FRAMES, G_CLIPS = range(8)


class MoCoGANTraining(System):
    """G against D_I and D_V (sections 3.2 and 3.3); a subclass has the networks and says what G draws from.

    Attributes:
        categories: number of actions, 0 for none.
        image_frames: frames of each clip that D_I sees in a step.
        d_noise: standard deviation of noise on all that the discriminators see.
        lambda_rec: weight of the mean absolute error between G's clips and the real ones; 0 where they have no more in
            common than their actions.
        adam: arguments of all three Adams, but a pyramid's, which has its own.
    """

    G: nn.Module
    D_I: nn.Module
    D_V: nn.Module
    categories: int
    image_frames: int
    d_noise: float
    lambda_rec: float = 0.0
    adam: dict[str, Any]

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        networks = (self.G, self.D_I, self.D_V)
        return [
            net.optimizer()
            if isinstance(net, PyramidDiscriminator)
            else torch.optim.Adam(net.parameters(), fused=True, **self.adam)
            for net in networks
        ]

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        opt_G, opt_D_I, opt_D_V = self.optimizers()  # type: ignore[attr-defined]  # a list, for there are several
        real = uint8_to_float(batch["clip"]).movedim(1, 2)
        labels = batch["label"] if self.categories else None  # the fake clips are to show the same actions
        fake = self.fake_clips(real, labels)  # one graph serves the steps of all three networks

        seen = self.share(self.frames_seen(len(real) * self.world_size)).flatten()
        real_frames, fake_frames = (self.frames_at(clips, seen) for clips in (real, fake))
        with self.training_only(self.D_I):
            scores = self.judge(self.D_I, real_frames, fake_frames.detach(), D_I_REAL, D_I_FAKE)
            loss_D_I = bce(scores[0], 1.0) + bce(scores[1], 0.0)
            self.descend(opt_D_I, loss_D_I)
        with self.training_only(self.D_V):
            loss_D_V, loss_named = self.losses_D_V(real, fake.detach(), labels)
            self.descend(opt_D_V, loss_D_V + loss_named)
        with self.training_only(self.G):
            frame_score = self.D_I(self.add_noise(fake_frames, G_FRAMES))
            loss_clips, loss_category = self.losses_of_clips(fake, labels)
            loss_G = bce(frame_score, 1.0) + loss_clips
            loss = loss_G + loss_category
            if self.lambda_rec:
                loss_rec = F.l1_loss(fake.float(), real)
                loss = loss + self.lambda_rec * loss_rec
            self.descend(opt_G, loss)
        losses = {"loss_D_I": loss_D_I, "loss_D_V": loss_D_V, "loss_G": loss_G}
        if labels is not None:
            losses["loss_category"] = loss_category
        if self.lambda_rec:
            losses["loss_rec"] = loss_rec
        self.losses = {name: loss.detach() for name, loss in losses.items()}
        self.iteration += 1

    def fake_clips(
        self, real: Float[Tensor, "n c t h w"], labels: Int[Tensor, " n"] | None
    ) -> Float[Tensor, "n c t h w"]:
        """As many clips as there are real ones, with their labels; `real` itself is for methods that start from it."""
        raise NotImplementedError

    def losses_D_V(
        self, real: Float[Tensor, "n c t h w"], fake: Float[Tensor, "n c t h w"], labels: Int[Tensor, " n"] | None
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """What D_V plays for: telling fake clips from real ones, and naming the actions of these."""
        if isinstance(self.D_V, PyramidDiscriminator):
            seen = self.add_noise(real, D_V_REAL), self.add_noise(fake, D_V_FAKE)
            return self.D_V.loss_D(*seen, self.iteration), real.new_zeros(())
        (real_score, named), (fake_score, _) = self.judge(self.D_V, real, fake, D_V_REAL, D_V_FAKE)
        return bce(real_score, 1.0) + bce(fake_score, 0.0), self.category_loss(named, labels)

    def losses_of_clips(
        self, fake: Float[Tensor, "n c t h w"], labels: Int[Tensor, " n"] | None
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """What G plays for against D_V: that it takes the clips for real, and names their actions."""
        seen = self.add_noise(fake, G_CLIPS)
        if isinstance(self.D_V, PyramidDiscriminator):
            return self.D_V.loss_G(seen), seen.new_zeros(())
        score, named = self.D_V(seen)
        return bce(score, 1.0), self.category_loss(named, labels)

    def category_loss(self, logits: Tensor, labels: Tensor | None) -> Float[Tensor, ""]:
        """Cross-entropy of the actions that D_V names (the bound on mutual information of section 3.3)."""
        return logits.new_zeros(()) if labels is None else F.cross_entropy(logits.float(), labels)

    def judge(self, discriminator: nn.Module, real: Tensor, fake: Tensor, noise_real: int, noise_fake: int) -> Any:
        """What a discriminator says of real and of fake, each normalised by its own batch statistics."""
        with normalising_parts(discriminator, 2):
            said = discriminator(torch.cat([self.add_noise(real, noise_real), self.add_noise(fake, noise_fake)]))
        if isinstance(said, Tensor):
            return said.chunk(2)
        return tuple(zip(*(part.chunk(2) for part in said), strict=True))

    def add_noise(self, x: Tensor, purpose: int) -> Tensor:
        """Gaussian noise of deviation `d_noise`, the same draws for any number of processes."""
        if not self.d_noise:
            return x
        shape = (len(x) * self.world_size, *x.shape[1:])
        noise = torch.randn(shape, generator=self.generator_for(purpose), device=x.device)
        return x + self.d_noise * self.share(noise)

    def frames_seen(self, n: int) -> Int[Tensor, "n k"]:
        """The times of the frames that D_I sees of each clip."""
        generator = self.generator_for(FRAMES_SEEN)
        return torch.randint(self.frames, (n, self.image_frames), generator=generator, device=self.device)

    def frames_at(self, clips: Float[Tensor, "n c t h w"], times: Int[Tensor, " m"]) -> Float[Tensor, "m c h w"]:
        """`image_frames` frames of each clip."""
        clip = torch.arange(len(clips), device=clips.device).repeat_interleave(self.image_frames)
        return clips[clip, :, times]
