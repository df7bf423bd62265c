"""The choices of `imaginator`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.systems.config import Betas, Colours, Ema, FrameStep, LearningRate, Size, Weight, check_frame_step
from mutoscope.systems.labels import LabelledConfig
from mutoscope.systems.parameters import Range


@dataclass(frozen=True)
class ImaGINatorConfig(LabelledConfig):
    """Choices of `imaginator`.

    Args:
        d_z: Size of the noise z.
        d_p: Size of the code p of the picture.
        image_size: Height and width of a frame in pixels, 32, 64 or 128.
        frames: Frames of a clip, a power of 2 from 4 to half the image size; null for half the image size.
        ch: Channels of the encoder's first map and the decoder's last; they double at each, up to eight times.
        ch_D: Channels of the discriminators' first layers; they double likewise.
        conv: Blocks of the decoder: time then space, or both at once (Table 3.7).
        match_params: As many weights as the other kind of block has (Table 3.12): 3-D blocks get wider maps, (1+2)D
            ones the widths between their two convolutions that equal 3-D blocks.
        st_fusion: Fuse the encoder's maps into the decoder (Table 3.8).
        label_fusion: Fuse the label there as well; without, it enters at the code alone.
        noise: With noise (Table 3.8).
        bottleneck_norm: Normalise the code of the picture; needs a batch of two or more.
        deconv_init: How transposed convolutions start: from N(0, 0.02²) as all others, or as PyTorch has it, which is
            what the authors' code comes to.
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
    """

    d_z: Size = 512
    d_p: Size = 100
    channels: Colours = 3
    image_size: Literal[32, 64, 128] = 64
    frames: Annotated[int, Range(4, 64)] | None = None
    frame_step: FrameStep = (2, 2)
    ch: Annotated[int, Range(1, 4096)] = 64
    ch_D: Annotated[int, Range(1, 4096)] = 64
    conv: Literal["1p2d", "3d"] = "1p2d"
    match_params: bool = False
    st_fusion: bool = True
    label_fusion: bool = True
    noise: bool = True
    bottleneck_norm: bool = False
    deconv_init: Literal["normal", "default"] = "normal"
    use_D_I: bool = True
    label_mode: Literal["concat", "ac"] = "concat"
    wrong_labels: bool = True
    image_frames: Size = 16
    loss: Literal["adv", "rec", "both"] = "both"
    lambda_rec: Weight = 1e-3
    rec_reduction: Literal["sum", "mean"] = "sum"
    order: Literal["D first", "G first"] = "D first"
    lr_G: LearningRate = 2e-4
    lr_D: LearningRate = 5e-5
    betas: Betas = (0.5, 0.999)
    ema: Ema = 0.0

    def check(self) -> None:
        allowed = [4 << n for n in range(self.image_size.bit_length() - 3)]
        if self.length not in allowed:
            raise InputError(f"frames: {self.length} (expected one of {', '.join(map(str, allowed))})")
        if self.image_frames > self.length:
            raise InputError(f"image_frames: {self.image_frames}, but a clip has {self.length} frames")
        check_frame_step(self.frame_step)

    def for_data(self, clips: Clips) -> "ImaGINatorConfig":
        if clips.lengths.max() < 2:
            raise InputError(f"{clips.name}: holds single frames only (expected clips)")
        return super().for_data(clips)

    @property
    def length(self) -> int:
        """Frames of a clip."""
        return self.image_size // 2 if self.frames is None else self.frames

    @property
    def shows_wrong_labels(self) -> bool:
        """Whether D_V sees real clips under wrong labels; there must be two labels for that."""
        return self.wrong_labels and self.label_mode == "concat" and self.categories > 1

    @property
    def rec_weight_mean(self) -> float:
        """Weight of the *mean* absolute difference from the true clip."""
        clip_size = self.channels * self.length * self.image_size**2
        return self.lambda_rec * (clip_size if self.rec_reduction == "sum" else 1)
