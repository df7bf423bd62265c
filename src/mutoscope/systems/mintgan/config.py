"""The choices of `mintgan`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.nn import widths_for
from mutoscope.nn.pyramid import speeds_of
from mutoscope.systems.config import Betas, Colours, Config, Ema, FrameStep, Size, Weight, check_frame_step
from mutoscope.systems.parameters import Range

Method = Literal["svd", "eigh", "qr", "orthogonal", "free"]
Order = Literal["asc", "desc"]
CodeSize = Annotated[int, Range(1, 8192)]
Widths = Annotated[list[int] | None, Range(1, 8192)]
Positive = Annotated[float, Range(0, ends="()")]


@dataclass(frozen=True)
class MintGANConfig(Config):
    """Choices of `mintgan`. What the thesis leaves open is StyleGAN2's (widths, R1, averaged weights), or said here.

    Args:
        d_a: Size of the appearance noise z_a, and of the GRU's state, which begins with it.
        d_m: Size of the motion noise z_m; there is one for every step from a frame to the next.
        N: Size of latent codes, and number of motion directions.
        image_size: Height and width of a frame in pixels: 8, 16, 32, ...
        frames: Frames of a clip in training.
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
    """

    d_a: CodeSize = 512
    d_m: CodeSize = 256
    N: CodeSize = 512
    channels: Colours = 3
    image_size: Annotated[int, Range(8, 4096)] = 64
    frames: Annotated[int, Range(2, 4096)] = 16
    frame_step: FrameStep = (1, 1)
    widths: Widths = None
    widths_D: Widths = None
    mlp_depth: Annotated[int, Range(1, 64)] = 8
    motion_bank: Literal["svd", "eigh", "qr", "orthogonal", "free", "none"] = "svd"
    order: Order = "asc"
    motion_out_act: Literal["lrelu", "none"] = "lrelu"
    mapping_lr: Positive = 0.01
    motion_gain: Positive = 1.0
    noise: bool = False
    d_v: Literal["pyramid", "3d"] = "pyramid"
    levels: Annotated[int, Range(0, 12)] = 4
    random_phase: bool = False
    use_D_I: bool = True
    image_frames: Size = 1
    lambda_V: Weight = 0.5
    r1_gamma: Weight = 10.0
    r1_every: Annotated[int, Range(1, 1_000_000)] = 16
    lr: Positive = 2e-3
    betas: Betas = (0.0, 0.99)
    ema: Ema = 0.999

    def check(self) -> None:
        widths_for(self.image_size, self.widths)
        widths_for(self.image_size, self.widths_D, "widths_D")
        check_frame_step(self.frame_step)
        if self.d_v == "pyramid":
            speeds_of(self.frames, self.levels)
            if not self.use_D_I and self.levels == 0:
                raise InputError("use_D_I: false leaves no discriminator (expected levels of 1 or more)")

    def for_data(self, clips: Clips) -> "MintGANConfig":
        if clips.lengths.max() < 2:
            raise InputError(f"{clips.name}: holds single frames only (expected clips)")
        return self
