"""The choices of `frgan`, and what follows from them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from mutoscope.errors import InputError
from mutoscope.geometry.heatmaps import LIMBS, POINTS_PER_LIMB
from mutoscope.geometry.skeletons import SKELETONS
from mutoscope.systems.config import Betas, Colours, Config, LearningRate, Size, Steps, Weight
from mutoscope.systems.parameters import Range

if TYPE_CHECKING:
    from mutoscope.data.clips import Clips

Kind = Literal["joints", "limbs", "face", "maps"]
Space = Literal["camera", "object"]
Residual = Literal["mask", "diff", "none"]
Shortcut = Literal["3x3", "1x1"]
Widths = Literal["code", "table"]
PairSampling = Literal["random_jump", "first_frame"]
WindowSource = Literal["before", "first"]

SIGMA = 1 / 24
"""Width of a joint's heat map as a share of the frame; the paper's code has 8 pixels of a larger crop."""


@dataclass(frozen=True)
class FRGANConfig(Config):
    """Choices of `frgan`.

    Args:
        structure: What maps are drawn from: joints, points along limbs, a morphable face, or maps made elsewhere.
        skeleton: Which joints, in which order.
        sigma: Width of a joint in its map, as a share of the frame.
        face_model: A morphable face: toy, or a file (BFM 2009, 2017, 2019, 3DDFA, .npz).
        face_expressions: A file of expressions for it, where it has none of its own.
        normal_space: Normals turn with the head (camera, the paper) or not (object, the authors' code).
        map_channels: Channels of a map, where these were made elsewhere.
        image_size: Height and width of a frame in pixels: 4 to 7, doubled at least once, as 32, 64, 96 or 128.
        frames: K, frames of a window that is refined; best a power of 2.
        ch: Channels of the forecasting network's first maps; the paper has 64.
        max_ch: Most channels of its maps; the paper has 512.
        code: Size of the code that motion is added to, with the bottleneck fc.
        bottleneck: Motion is added to a code (fc, the authors' code) or to maps (spatial, the paper's table).
        dense: All earlier blocks of the decoder feed a later one (Table 8).
        skips: Which encoders' maps the decoder sees: of the picture and both structures, of the picture, or none.
        residual: What is drawn: a mask and what goes there (Eq. 7), a difference (Eq. 6), or the frame.
        shortcut: Kernel of the convolutions beside residual branches.
        widths: Channels of its maps as in the authors' code, or as printed in Table 1.
        init: First weights: N(0, 0.02²) (the authors' code), or so that signals keep their size (He et al. 2015), which
            narrow networks need.
        ch_R: Channels of the refining network's first maps; the paper has 128.
        max_ch_R: Most channels of its maps; the paper has 1024.
        skips_R: Which of its encoder's maps its decoder sees: the deep ones (the paper), all or none.
        fusion_R: How: added or laid beside.
        refine: With the refining network.
        use_D_I: The critic of frames judges refined ones too (Eq. 17).
        w_rec: Weight of the absolute difference from the true frames.
        w_mask: Weight of the mask's mean.
        w_adv: Weight of what the critics say.
        w_adv_R: The same of refined clips; null for the same weight.
        w_feat: Weight of how differently two networks see a forecast of a body and the true frame (Eq. 21); 0 leaves it
            out.
        vgg16: One of them: a file of VGG16's weights, in torchvision's layout. The other is trained with the poses.
        gp_weight: λ, weight of the gradient penalty.
        gamma: γ, weight of the ranking loss; 0 leaves it out.
        rank_cap: The clip critic stops raising the ranking loss there, for it could do so without end.
        gram_time: Gram matrices of channels alone, over time and place; else of channels at each time, over places.
        pair_sampling: Frames to forecast: any later one of any frame, or any frame of the first (the authors' code).
        max_jump: Most frames between them; null for the whole clip.
        window_source: A window is forecast from the frame before it, or from the clip's first; null for the former with
            joints and the latter else.
        joint_noise: Joints of observed poses, of windows and of clips that are measured are off by this many pixels, as
            an estimator's; those that forecasts and predictions learn from are not.
        coarse: What to refine instead of forecasts: a folder of clips that another method made, under the same names,
            or weights of another system.
        hidden: Units of the pose predictor; the paper's predecessors have 1024.
        observed: Frames whose poses it is shown.
        horizon: Frames whose poses it learns to predict.
        feedback: It is fed its own predictions, instead of zeros.
        pose_steps: Iterations of the first stage, in which it learns; with joints only.
        pose_batch: Examples in an iteration of that stage.
        forecast_steps: Iterations of the second stage; the rest refine.
        lr: Learning rate of Adam, for all but the pose predictor.
        lr_pose: Learning rate of RMSProp, for the pose predictor.
    """

    structure: Kind = "joints"
    skeleton: Literal["penn13", "openpose18", "body25", "h36m32"] = "penn13"
    sigma: Annotated[float, Range(0, 1, "(]")] = SIGMA
    face_model: str = "toy"
    face_expressions: str | None = None
    normal_space: Space = "camera"
    map_channels: Size = 3
    channels: Colours = 3
    image_size: Annotated[int, Range(8, 4096)] = 64
    frames: Size = 16
    ch: Size = 64
    max_ch: Size = 512
    code: Size = 128
    bottleneck: Literal["fc", "spatial"] = "fc"
    dense: bool = True
    skips: Literal["all", "image", "none"] = "all"
    residual: Residual = "mask"
    shortcut: Shortcut = "3x3"
    widths: Widths = "code"
    init: Literal["normal", "he"] = "normal"
    ch_R: Size = 128
    max_ch_R: Size = 1024
    skips_R: Literal["deep", "all", "none"] = "deep"
    fusion_R: Literal["add", "concat"] = "add"
    refine: bool = True
    use_D_I: bool = True
    w_rec: Weight = 3.0
    w_mask: Weight = 0.05
    w_adv: Weight = 1.0
    w_adv_R: Weight | None = None
    w_feat: Weight = 0.0
    vgg16: str | None = None
    gp_weight: Weight = 10.0
    gamma: Weight = 1.0
    rank_cap: Weight = 5.0
    gram_time: bool = False
    pair_sampling: PairSampling = "random_jump"
    max_jump: Size | None = None
    window_source: WindowSource | None = None
    joint_noise: Weight = 0.0
    coarse: str | None = None
    hidden: Size = 1024
    observed: Size = 10
    horizon: Size = 32
    feedback: bool = False
    pose_steps: Steps = 0
    pose_batch: Size = 256
    forecast_steps: Steps = 1000
    lr: LearningRate = 1e-4
    lr_pose: LearningRate = 1e-3
    betas: Betas = (0.0, 0.9)

    def check(self) -> None:
        if self.image_size % (1 << self.levels):
            raise InputError(f"image_size: {self.image_size} (expected 4 to 7, doubled at least once: 32, 64, 96, 128)")
        if self.structure == "limbs" and self.skeleton != "penn13":
            raise InputError(f"skeleton: {self.skeleton} has no limb maps (expected penn13)")
        if self.joint_noise and not self.of_body:
            raise InputError(f"joint_noise: {self.joint_noise} is for joints (expected 0)")
        if self.w_feat and not self.predicts:
            raise InputError(f"w_feat: {self.w_feat} is for joints, with pose_steps (expected 0)")

    def for_data(self, clips: "Clips") -> "FRGANConfig":
        if self.vgg16 and not Path(self.vgg16).is_file():
            raise InputError(f"vgg16: {self.vgg16} does not exist (expected VGG16's weights, as vgg16-397923af.pth)")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        return ("joints",) if self.of_body else ("landmarks",) if self.structure == "face" else ("maps",)

    @property
    def levels(self) -> int:
        """How often maps are halved: down to 4 to 7 pixels."""
        return self.image_size.bit_length() - 3

    @property
    def of_body(self) -> bool:
        """Whether structure is where joints are."""
        return self.structure in ("joints", "limbs")

    @property
    def joints(self) -> int:
        """The number of joints."""
        return len(SKELETONS[self.skeleton].joints)

    @property
    def C_M(self) -> int:
        """Channels of a motion map."""
        limbs = POINTS_PER_LIMB * len(LIMBS)
        return {"joints": self.joints, "limbs": limbs, "face": 3, "maps": self.map_channels}[self.structure]

    @property
    def predicts(self) -> bool:
        """Whether there is a pose predictor."""
        return self.of_body and self.pose_steps > 0

    @property
    def given(self) -> int:
        """Frames of a body that are observed before it is forecast; of anything else one."""
        return self.observed if self.of_body else 1

    @property
    def source(self) -> WindowSource:
        """Which frame a window is forecast from."""
        return self.window_source or ("before" if self.of_body else "first")

    @property
    def adversarial_R(self) -> float:
        """Weight of what the critics say of refined clips."""
        return self.w_adv if self.w_adv_R is None else self.w_adv_R
