"""The choices of `g3an`."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.nn import widths_for
from mutoscope.nn.pyramid import speeds_of
from mutoscope.systems.config import (
    Betas,
    Colours,
    Ema,
    FrameStep,
    LabelNames,
    LearningRate,
    PyramidGamma,
    PyramidLevels,
    PyramidWidths,
    Size,
    Weight,
    check_frame_step,
    check_multiple,
)
from mutoscope.systems.labels import LabelledConfig
from mutoscope.systems.parameters import Range

Conv = Literal["1p2d", "2p1d", "3d"]
Width = Annotated[int, Range(1, 1024)]

SHORTEST = 16  # frames of a clip from motion noise of length 1
FRAMES_PER_NOISE = 4  # how many each further position adds


@dataclass(frozen=True)
class G3ANConfig(LabelledConfig):
    """Choices of `g3an`.

    Args:
        d_a: Size of the appearance noise z_a.
        d_m: Size of the motion noise z_m.
        image_size: Height and width of a frame in pixels, 32, 64 or 128.
        frames: Frames of a clip in training: 16, 20, 24, ...
        ch: Channels of the generator's last level, those before have up to eight times as many; the thesis has 64.
        ch_D: Channels of the discriminators' first layers; the thesis has 64.
        use_S: With the spatial stream (Table 4.3).
        use_T: With the temporal stream (Table 4.3).
        fsa_level: The G³ module that attention follows, counted from 0 (Table 4.5); null for no attention.
        conv: Convolutions of the main stream: time then space, space then time, or both at once (Table 4.4).
        match_params: Widen the factorised ones to as many weights as the others (Table 4.4).
        d_v: Convolutions of D_V: 3-D (the thesis), spatial ones followed by temporal ones (the authors' code), or
            MintGAN's temporal pyramid of 2-D ones, which takes no labels.
        label_mode: How D_V uses labels: beside its first features (concat), or naming them itself (ac).
        wrong_labels: With concat: also show D_V real clips under wrong labels, as fake ones of half the weight.
        image_frames: Frames of each clip that D_I sees in a step; the thesis has 1.
        d_noise: Standard deviation of Gaussian noise on all that the discriminators see, in units of [-1, 1] pixels.
        lr_G: Learning rate of G.
        lr_D: Learning rate of both discriminators.
        legacy_attention: Scramble what attention adds, as the authors' code does; for weights trained with it.
    """

    d_a: Size = 128
    d_m: Size = 10
    label_names: LabelNames = field(default_factory=list)
    channels: Colours = 3
    image_size: Literal[32, 64, 128] = 64
    frames: Annotated[int, Range(SHORTEST, 1024)] = 16
    frame_step: FrameStep = (1, 4)
    ch: Width = 64
    ch_D: Width = 64
    use_S: bool = True
    use_T: bool = True
    fsa_level: Annotated[int | None, Range(0, 5)] = 3
    conv: Conv = "1p2d"
    match_params: bool = False
    d_v: Literal["3d", "2p1d", "pyramid"] = "3d"
    pyramid_levels: PyramidLevels = 4
    pyramid_widths: PyramidWidths = None
    r1_gamma: PyramidGamma = 10.0
    label_mode: Literal["concat", "ac"] = "concat"
    wrong_labels: bool = False
    image_frames: Size = 1
    d_noise: Weight = 0.0
    lr_G: LearningRate = 2e-4
    lr_D: LearningRate = 2e-4
    betas: Betas = (0.5, 0.999)
    ema: Ema = 0.0
    legacy_attention: bool = False

    def check(self) -> None:
        check_multiple("frames", self.frames, FRAMES_PER_NOISE, "16, 20, 24, ...")
        check_frame_step(self.frame_step)
        if self.fsa_level is not None:
            if self.fsa_level >= self.levels:
                expected = f"0 to {self.levels - 1}, or null"
                raise InputError(f"fsa_level: {self.fsa_level} is not a G³ module (expected {expected})")
            fused = self.widths[self.fsa_level] * (2 if self.use_S else 1)
            if fused % 8:  # attention compares an eighth of its channels
                raise InputError(f"ch: {self.ch} makes {fused} channels for attention (expected a multiple of 8)")
        if self.label_names and not self.use_T:
            raise InputError("label_names: enter by the temporal stream, which use_T false takes away")
        if self.wrong_labels and self.label_names is not None and self.categories < 2:
            raise InputError("wrong_labels: need at least two label_names to be taken from")
        if self.d_v == "pyramid":
            widths_for(self.image_size, self.pyramid_widths, "pyramid_widths")
            speeds_of(self.frames, self.pyramid_levels)
            if self.label_names:
                raise InputError(f"d_v: pyramid takes no labels, and label_names has {self.categories} (expected none)")

    def for_data(self, clips: Clips) -> "G3ANConfig":
        if clips.lengths.max() < 2:
            raise InputError(f"{clips.name}: holds single frames only (expected clips)")
        return super().for_data(clips)

    @property
    def shows_wrong_labels(self) -> bool:
        """Whether D_V is also shown real clips under wrong labels."""
        return self.wrong_labels and self.label_mode == "concat" and self.categories > 1

    @property
    def levels(self) -> int:
        """Number of G³ modules: the first draws 4 × 4 pixels, each further one doubles them."""
        return self.image_size.bit_length() - 2

    @property
    def widths(self) -> list[int]:
        """Channels of each stream after every G³ module."""
        return [self.ch * min(8, 2 ** (self.levels - 1 - n)) for n in range(self.levels)]
