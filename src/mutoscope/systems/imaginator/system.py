"""The algorithm of section 3.3, corrected: two discriminators, wrong labels as negatives, and reconstruction."""

from collections.abc import Iterator, Sequence
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
from mutoscope.systems.imaginator.controls import ImaGINatorControls
from mutoscope.systems.imaginator.networks import (
    Conv,
    Generator,
    LabelMode,
    VideoDiscriminator,
    levels_of,
)
from mutoscope.systems.picture_measures import first_pictures, picture_measures

# what random numbers are for (see System.generator_for)
NOISE, WRONG_LABELS, REAL_FRAMES, FAKE_FRAMES = range(4)
IMAGE_SIZES = (32, 64, 128)
SHEET_PICTURES = 4


class ImaGINator(ImaGINatorControls, System):
    """ImaGINator: a picture, a label and noise to a clip.

    Args:
        label_names: Names of the labels in their order; null takes those of the data, [] trains without labels.
        d_z: Size of the noise z.
        d_p: Size of the code p of the picture.
        channels: Colour channels of a frame, 1 or 3.
        image_size: Height and width of a frame in pixels, 32, 64 or 128.
        frames: Frames of a clip, a power of 2 from 4 to half the image size; null for half the image size.
        frame_step: Lowest and highest distance between them, in frames of the file.
        ch: Channels of the encoder's first map and the decoder's last; the thesis has 64.
        ch_D: Channels of the discriminators' first layers; the thesis has 64.
        conv: Blocks of the decoder: time then space, or both at once (Table 3.7).
        match_params: As many weights as the other kind of block has (Table 3.12).
        st_fusion: Fuse the encoder's maps into the decoder (Table 3.8).
        label_fusion: Fuse the label there as well.
        noise: With noise (Table 3.8).
        bottleneck_norm: Normalise the code of the picture; needs a batch of two or more.
        deconv_init: How transposed convolutions start: as all others, or as PyTorch has it (the authors' code).
        use_D_I: With the image discriminator (Table 3.7).
        label_mode: How D_V uses labels: beside its first features (concat), or naming them itself (ac; Table 3.7).
        wrong_labels: With concat: also show D_V real clips under wrong labels, as fake ones of half the weight.
        image_frames: Frames of each clip that D_I sees in a step; the thesis has 16.
        loss: What G learns from: the discriminators (adv), the true clip (rec), or both (Tables 3.9 to 3.11).
        lambda_rec: Weight of the absolute difference from the true clip.
        rec_reduction: That difference is summed over a clip (the thesis) or averaged (the authors' code).
        order: Which step comes first, the discriminators' (the thesis) or the generator's (the authors' code).
        lr_G: Learning rate of G.
        lr_D: Learning rate of both discriminators.
        betas: Adam's decay rates.
        ema: Decay of the average of G's weights that draws the results; 0 draws with the last weights.
    """

    name = "imaginator"
    starts_from = "picture"
    hold_last = True

    def __init__(
        self,
        *,
        label_names: list[str] | None = None,
        d_z: int = 512,
        d_p: int = 100,
        channels: int = 3,
        image_size: int = 64,
        frames: int | None = None,
        frame_step: tuple[int, int] = (2, 2),
        ch: int = 64,
        ch_D: int = 64,
        conv: Conv = "1p2d",
        match_params: bool = False,
        st_fusion: bool = True,
        label_fusion: bool = True,
        noise: bool = True,
        bottleneck_norm: bool = False,
        deconv_init: Literal["normal", "default"] = "normal",
        use_D_I: bool = True,
        label_mode: LabelMode = "concat",
        wrong_labels: bool = True,
        image_frames: int = 16,
        loss: Literal["adv", "rec", "both"] = "both",
        lambda_rec: float = 1e-3,
        rec_reduction: Literal["sum", "mean"] = "sum",
        order: Literal["D first", "G first"] = "D first",
        lr_G: float = 2e-4,
        lr_D: float = 5e-5,
        betas: tuple[float, float] = (0.5, 0.999),
        ema: float = 0.0,
    ) -> None:
        super().__init__()
        sizes = {"d_z": d_z, "d_p": d_p, "ch": ch, "ch_D": ch_D, "image_frames": image_frames}
        for argument, value in sizes.items():
            if value < 1:
                raise InputError(f"{argument}: {value} is less than 1")
        if channels not in (1, 3):
            raise InputError(f"channels: {channels} (expected 1 or 3)")
        if image_size not in IMAGE_SIZES:
            raise InputError(f"image_size: {image_size} (expected one of {', '.join(map(str, IMAGE_SIZES))})")
        frames = image_size // 2 if frames is None else frames
        allowed = [4 << n for n in range(levels_of(image_size))]
        if frames not in allowed:
            raise InputError(f"frames: {frames} (expected one of {', '.join(map(str, allowed))})")
        if image_frames > frames:
            raise InputError(f"image_frames: {image_frames}, but a clip has {frames} frames")
        if not 0 <= ema < 1:
            raise InputError(f"ema: {ema} is not in [0, 1)")
        if lambda_rec < 0:
            raise InputError(f"lambda_rec: {lambda_rec} is less than 0")
        self.label_names, self.labels_of_data = list(label_names or []), label_names is None
        self.channels, self.image_size = channels, image_size
        self.frames, self.frame_step = frames, (frame_step[0], frame_step[1])
        self.d_z, self.noise, self.label_mode = d_z, noise, label_mode
        self.wrong_labels = wrong_labels and label_mode == "concat" and len(self.label_names) > 1
        self.image_frames, self.loss, self.order = image_frames, loss, order
        clip_size = channels * frames * image_size**2
        self.rec_weight_mean = lambda_rec * (clip_size if rec_reduction == "sum" else 1)
        self.lr_G, self.lr_D, self.betas = lr_G, lr_D, (betas[0], betas[1])
        self.needs = ("clip", "label") if self.label_names else ("clip",)
        categories = len(self.label_names)
        self.G = Generator(
            channels=channels,
            image_size=image_size,
            frames=frames,
            ch=ch,
            d_p=d_p,
            d_z=d_z,
            categories=categories,
            conv=conv,
            match_params=match_params,
            st_fusion=st_fusion,
            label_fusion=label_fusion,
            noise=noise,
            bottleneck_norm=bottleneck_norm,
            deconv_init=deconv_init,
        )
        self.D_V = VideoDiscriminator(
            channels=channels,
            image_size=image_size,
            frames=frames,
            ch=ch_D,
            categories=categories,
            label_mode=label_mode,
        )
        self.D_I = ImageDiscriminator(channels, image_size, ch_D) if use_D_I else None
        self.G_average = WeightAverage(self.G, ema) if ema else None
        self.folded_copy = FoldedCopy()

    @property
    def generator(self) -> nn.Module:
        """The generator that results are drawn with, (image, z, y) to clips: the averaged one where there is one."""
        return self.G_average.network if self.G_average is not None else self.G

    def averaged_networks(self) -> dict[str, str]:
        return {"G_average": "G"} if self.G_average is not None else {}

    def check_clips(self, clips: Clips) -> None:
        if clips.lengths.max() < 2:
            raise InputError(f"{clips.name}: holds single frames only (expected clips)")
        self.check_labels(clips)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        rates = [(self.G, self.lr_G), (self.D_V, self.lr_D)]
        if self.D_I is not None:
            rates.append((self.D_I, self.lr_D))
        return [torch.optim.Adam(network.parameters(), lr, self.betas, fused=True) for network, lr in rates]

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        real = uint8_to_float(batch["clip"]).transpose(1, 2)
        y = F.one_hot(batch["label"], len(self.label_names)).float() if self.label_names else None
        fake = self.G(real[:, :, 0], self.draw_noise(len(real)), y)  # one graph serves the steps of all networks
        losses = {"rec": F.l1_loss(fake.float(), real)}
        if self.loss == "rec":
            self.step_G(losses["rec"], {})
        elif self.order == "D first":
            losses |= self.step_D(real, fake.detach(), y)
            losses |= self.step_G(losses["rec"], self.adversarial_losses(fake, y))
        else:
            losses |= self.step_G(losses["rec"], self.adversarial_losses(fake, y))
            losses |= self.step_D(real, fake.detach(), y)
        if self.G_average is not None:
            self.G_average.update(self.G)
        self.losses = {f"loss_{name}": loss.detach() for name, loss in losses.items()}
        self.iteration += 1

    def step_D(self, real: Tensor, fake: Tensor, y: Tensor | None) -> dict[str, Tensor]:
        """A step of both discriminators."""
        _, opt_D_V, *opt_D_I = self.optimizers()  # type: ignore[attr-defined]  # a list, for there are several
        with self.training_only(self.D_V):
            losses = self.losses_D_V(real, fake, y)
            self.descend(opt_D_V, torch.stack(list(losses.values())).sum())
        if self.D_I is not None:
            with self.training_only(self.D_I):
                losses_D_I = self.losses_D_I(real, fake)
                self.descend(opt_D_I[0], torch.stack(list(losses_D_I.values())).sum())
            losses |= losses_D_I
        return losses

    def step_G(self, rec: Tensor, adversarial: dict[str, Tensor]) -> dict[str, Tensor]:
        """A step of G, on what `loss` says."""
        opt_G = self.optimizers()[0]  # type: ignore[index]
        parts = list(adversarial.values())
        if self.loss != "adv":
            parts.append(self.rec_weight_mean * rec)
        self.descend(opt_G, torch.stack(parts).sum())
        return adversarial

    def losses_D_V(self, real: Tensor, fake: Tensor, y: Tensor | None) -> dict[str, Float[Tensor, ""]]:
        """L_V for D_V: real clips are real; fake ones, and real ones under wrong labels, are fake (Algorithm 1)."""
        clips, labels = [real.to(fake.dtype), fake], [y, y]
        if y is not None and self.wrong_labels:
            clips, labels = [*clips, clips[0]], [*labels, self.other_labels(y)]
        said = self.D_V(torch.cat(clips), None if y is None else torch.cat(labels))  # type: ignore[arg-type]
        on_real, *on_fake = said.score.chunk(len(clips))
        losses = {"D_V_real": bce(on_real, 1.0)}
        for name, score in zip(("D_V_fake", "D_V_wrong"), on_fake, strict=False):
            losses[name] = bce(score, 0.0) / len(on_fake)
        if y is not None and said.label is not None:
            losses["D_V_label"] = F.cross_entropy(said.label[: len(real)].float(), y)
        return losses

    def losses_D_I(self, real: Tensor, fake: Tensor) -> dict[str, Float[Tensor, ""]]:
        """L_I for D_I, which sees no labels."""
        assert self.D_I is not None
        frames = self.random_frames(real.to(fake.dtype), REAL_FRAMES), self.random_frames(fake, FAKE_FRAMES)
        on_real, on_fake = self.D_I(torch.cat(frames)).chunk(2)
        return {"D_I_real": bce(on_real, 1.0), "D_I_fake": bce(on_fake, 0.0)}

    def adversarial_losses(self, fake: Tensor, y: Tensor | None) -> dict[str, Float[Tensor, ""]]:
        """What G plays for: its clips and frames being taken for real (non-saturating), and their labels seen."""
        with self.training_only(self.G):
            said = self.D_V(fake, y)
            losses = {"G_V": bce(said.score, 1.0)}
            if self.D_I is not None:
                losses["G_I"] = bce(self.D_I(self.random_frames(fake, FAKE_FRAMES)), 1.0)
            if y is not None and said.label is not None:
                losses["G_label"] = F.cross_entropy(said.label.float(), y)
        return losses

    def draw_noise(self, n: int) -> Float[Tensor, "n d_z"] | None:
        """z of this iteration, N(0, I), for this process' part of the batch; None for systems without noise."""
        if not self.noise:
            return None
        shape = (n * self.world_size, self.d_z)
        return self.share(torch.randn(shape, generator=self.generator_for(NOISE), device=self.device))

    def random_frames(self, clips: Float[Tensor, "b c t h w"], purpose: int) -> Float[Tensor, "n c h w"]:
        """`image_frames` frames of each clip, at distinct random times of its own."""
        times = self.share(self.random_times(len(clips) * self.world_size, purpose)).flatten()
        clip = torch.arange(len(clips), device=clips.device).repeat_interleave(self.image_frames)
        return clips.transpose(1, 2)[clip, times]

    def random_times(self, n: int, purpose: int) -> Int[Tensor, "n k"]:
        """The times of these frames."""
        order = torch.rand((n, self.frames), generator=self.generator_for(purpose), device=self.device)
        return order.argsort(dim=1)[:, : self.image_frames]

    def other_labels(self, y: Float[Tensor, "b K"]) -> Float[Tensor, "b K"]:
        """For each label, one of the others at random."""
        categories = y.shape[1]
        shape = (len(y) * self.world_size,)
        shift = torch.randint(1, categories, shape, generator=self.generator_for(WRONG_LABELS), device=y.device)
        return F.one_hot((y.argmax(1) + self.share(shift)) % categories, categories).to(y)

    # What others ask of it.

    def animate_pictures(
        self, pictures: UInt8[np.ndarray, "n h w c"], labels: Sequence[int] | None, *, frames: int, seed: int = 0
    ) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        if frames > self.frames:
            raise InputError(f"frames: {frames} is more than this {self.name} draws (expected at most {self.frames})")
        y = self.labels_in_turn(len(pictures)) if labels is None else self.numbered(labels)
        for clip in self.draw(pictures, self.noises(len(pictures), seed), y):
            yield clip[:frames]

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        return picture_measures(self.animate_pictures, clips, self.frames, self.label_names, seed)

    def sample_sheet(self, clips: Clips) -> Sheet:
        return self.sheet_of(first_pictures(clips, SHEET_PICTURES))
