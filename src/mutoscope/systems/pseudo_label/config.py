"""The choices of `pseudo_label`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mutoscope.errors import InputError
from mutoscope.systems.config import (
    Betas,
    Colours,
    Config,
    Ema,
    LearningRate,
    Multiplier,
    Size,
    Weight,
    check_multiple,
)
from mutoscope.systems.parameters import Range


@dataclass(frozen=True)
class PseudoLabelConfig(Config):
    """Choices of `pseudo_label`.

    Args:
        n_z: Size of the noise.
        n_d: Number of values of the discrete pseudo-label (clips, or kinds of motion).
        n_c: Size of the continuous pseudo-label (phase of the motion).
        image_size: Height and width of a frame in pixels, a multiple of 8.
        width: Multiplier of all hidden widths; 1 is the paper's.
        score_dim: Realism scores of D: one (Eq. 8), or n_z for the paper's Table 2 to the letter.
        d_conv_bn: Which of D's convolutions are batch-normalised: the last (the paper), all (a later release) or none.
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
        compat_bug: Read D's score from column 1, which belongs to d, as the authors' code does; for study only.
    """

    n_z: Size = 100
    n_d: Size = 20
    n_c: Size = 10
    channels: Colours = 3
    image_size: Annotated[int, Range(8, 4096)] = 64
    width: Multiplier = 1.0
    score_dim: Size = 1
    d_conv_bn: Literal["last", "all", "none"] = "last"
    z_distribution: Literal["normal", "uniform"] = "normal"
    c_range: Annotated[tuple[float, float], Range(-1e6, 1e6)] = (0.0, 1.0)
    w_d: Weight = 1.0
    w_c: Weight = 1.0
    schedule: Literal["joint", "sequential", "merged"] = "joint"
    d_batch: Literal["joint", "separate"] = "separate"
    d_noise: Weight = 0.0
    d_noise_levels: Literal["constant", "uniform"] = "constant"
    lr_G: LearningRate = 1e-3
    lr_D: LearningRate = 2e-4
    lr_I: LearningRate = 1e-4
    betas_G: Betas = (0.5, 0.99)
    betas_D: Betas = (0.5, 0.99)
    betas_I: Betas = (0.6, 0.95)
    amsgrad: bool = True
    ema: Ema = 0.0
    compat_bug: bool = False

    def check(self) -> None:
        check_multiple("image_size", self.image_size, 8, "three stages halve and double it")
        if not self.c_range[0] < self.c_range[1]:
            raise InputError(f"c_range: {self.c_range} is empty (lowest value first)")

    def scaled(self, *widths: int) -> list[int]:
        """The paper's widths times the multiplier."""
        return [max(1, round(width * self.width)) for width in widths]
