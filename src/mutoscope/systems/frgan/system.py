"""FRGAN: its arguments and networks, and the stages of its training, each on clips of its own (sections 5 and 6)."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.media.results import Sheet
from mutoscope.nn import init_he
from mutoscope.systems.base import Stage
from mutoscope.systems.frgan.coarse import coarse_clips
from mutoscope.systems.frgan.controls import FRGANControls
from mutoscope.systems.frgan.examples import (
    ForecastPairs,
    PairSampling,
    PoseSequences,
    RefineWindows,
    WindowSource,
    stage_groups,
)
from mutoscope.systems.frgan.measures import frgan_measures
from mutoscope.systems.frgan.networks import ClipCritic, ForecastingNetwork, FrameCritic, PosePredictor, RefiningNetwork
from mutoscope.systems.frgan.pose_reader import PoseReader
from mutoscope.systems.frgan.steps import Steps
from mutoscope.systems.frgan.structures import SIGMA, Joints, Kind, Structure, structure_of

STAGES = ("pose", "forecast", "refine")

LOSSES = {
    "pose": ("pose", "C_2"),
    "forecast": ("D_I", "D_I_gp", "G_M_rec", "G_M_mask", "G_M_gen", "G_M_feat"),
    "refine": ("D_I", "D_I_gp", "D_V", "D_V_gp", "D_V_rank", "G_R_rec", "G_R_mask", "G_R_gen", "G_R_rank"),
}


class FRGAN(FRGANControls, Steps):
    """FRGAN: a picture, its structure and that of frames to come, to a clip.

    Args:
        structure: What maps are drawn from: joints, points along limbs, a morphable face, or maps made elsewhere.
        skeleton: Which joints, in which order.
        sigma: Width of a joint in its map, as a share of the frame.
        face_model: A morphable face: toy, or a file (BFM 2009, 2017, 2019, 3DDFA, .npz).
        face_expressions: A file of expressions for it, where it has none of its own.
        normal_space: Normals turn with the head (camera, the paper) or not (object, the authors' code).
        map_channels: Channels of a map, where these were made elsewhere.
        channels: Colour channels of a frame, 1 or 3.
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
        betas: Adam's decay rates.
    """

    name = "frgan"
    starts_from = "structure"
    needs = ("clip",)
    hold_last = True
    later_arguments: ClassVar[dict[str, Any]] = {"w_adv_R": None}

    def __init__(
        self,
        *,
        structure: Kind = "joints",
        skeleton: Literal["penn13", "openpose18", "body25", "h36m32"] = "penn13",
        sigma: float = SIGMA,
        face_model: str = "toy",
        face_expressions: str | None = None,
        normal_space: Literal["camera", "object"] = "camera",
        map_channels: int = 3,
        channels: int = 3,
        image_size: int = 64,
        frames: int = 16,
        ch: int = 64,
        max_ch: int = 512,
        code: int = 128,
        bottleneck: Literal["fc", "spatial"] = "fc",
        dense: bool = True,
        skips: Literal["all", "image", "none"] = "all",
        residual: Literal["mask", "diff", "none"] = "mask",
        shortcut: Literal["3x3", "1x1"] = "3x3",
        widths: Literal["code", "table"] = "code",
        init: Literal["normal", "he"] = "normal",
        ch_R: int = 128,
        max_ch_R: int = 1024,
        skips_R: Literal["deep", "all", "none"] = "deep",
        fusion_R: Literal["add", "concat"] = "add",
        refine: bool = True,
        use_D_I: bool = True,
        w_rec: float = 3.0,
        w_mask: float = 0.05,
        w_adv: float = 1.0,
        w_adv_R: float | None = None,
        w_feat: float = 0.0,
        vgg16: str | None = None,
        gp_weight: float = 10.0,
        gamma: float = 1.0,
        rank_cap: float = 5.0,
        gram_time: bool = False,
        pair_sampling: PairSampling = "random_jump",
        max_jump: int | None = None,
        window_source: WindowSource | None = None,
        joint_noise: float = 0.0,
        coarse: str | None = None,
        hidden: int = 1024,
        observed: int = 10,
        horizon: int = 32,
        feedback: bool = False,
        pose_steps: int = 0,
        pose_batch: int = 256,
        forecast_steps: int = 1000,
        lr: float = 1e-4,
        lr_pose: float = 1e-3,
        betas: tuple[float, float] = (0.0, 0.9),
    ) -> None:
        super().__init__()
        least_one = {"frames": frames, "ch": ch, "max_ch": max_ch, "code": code, "ch_R": ch_R, "max_ch_R": max_ch_R}
        least_one |= {"hidden": hidden, "observed": observed, "horizon": horizon, "pose_batch": pose_batch}
        least_one |= {"map_channels": map_channels} | ({"max_jump": max_jump} if max_jump is not None else {})
        least_none = {"w_rec": w_rec, "w_mask": w_mask, "w_adv": w_adv, "gp_weight": gp_weight, "gamma": gamma}
        least_none |= {
            "w_adv_R": w_adv if w_adv_R is None else w_adv_R,
            "w_feat": w_feat,
            "rank_cap": rank_cap,
            "joint_noise": joint_noise,
            "lr": lr,
            "lr_pose": lr_pose,
        }
        least_none |= {"pose_steps": pose_steps, "forecast_steps": forecast_steps}
        for values, least in ((least_one, 1), (least_none, 0)):
            for argument, value in values.items():
                if not least <= value < float("inf"):
                    raise InputError(f"{argument}: {value} (expected a number, at least {least})")
        if channels not in (1, 3):
            raise InputError(f"channels: {channels} (expected 1 or 3)")
        if not 0 < sigma <= 1:
            raise InputError(f"sigma: {sigma} (expected a share of the frame, more than 0 and at most 1)")
        if not all(0 <= beta < 1 for beta in betas):
            raise InputError(f"betas: {betas} (expected two numbers from 0 to below 1)")
        self.structure: Structure = structure_of(
            structure,
            skeleton=skeleton,
            sigma=sigma,
            face_model=face_model,
            face_expressions=face_expressions,
            normal_space=normal_space,
            map_channels=map_channels,
            image_size=image_size,
        )
        self.wants_tracks = self.structure.wants
        self.channels, self.image_size, self.frames = channels, image_size, frames
        self.w_rec, self.w_mask, self.w_adv, self.gp_weight = w_rec, w_mask, w_adv, gp_weight
        self.w_adv_R = least_none["w_adv_R"]
        self.gamma, self.rank_cap, self.gram_time, self.use_D_I = gamma, rank_cap, gram_time, use_D_I
        self.residual = residual
        self.pair_sampling, self.max_jump, self.joint_noise = pair_sampling, max_jump, joint_noise
        of_body = isinstance(self.structure, Joints)
        self.window_source: WindowSource = window_source or ("before" if of_body else "first")
        self.coarse_source = coarse
        self.observed, self.horizon = observed, horizon
        self.pose_steps = pose_steps if of_body else 0
        self.pose_batch, self.forecast_steps = pose_batch, 0 if coarse else forecast_steps
        self.lr, self.lr_pose, self.betas = lr, lr_pose, (betas[0], betas[1])

        maps: dict[str, Any] = {
            "channels": channels,
            "map_channels": self.structure.channels,
            "image_size": image_size,
        }
        self.G_M = ForecastingNetwork(
            **maps,
            ch=ch,
            max_ch=max_ch,
            code=code,
            bottleneck=bottleneck,
            dense=dense,
            skips=skips,
            residual=residual,
            shortcut=shortcut,
            widths=widths,
        )
        self.D_I = FrameCritic(**maps, ch=ch, max_ch=max_ch)
        self.G_R = self.D_V = None
        if refine:
            self.G_R = RefiningNetwork(**maps, frames=frames, ch=ch_R, max_ch=max_ch_R, skips=skips_R, fusion=fusion_R)
            self.D_V = ClipCritic(**maps, frames=frames, ch=ch_R, max_ch=max_ch_R)
        if init == "he":
            for network in (self.G_M, self.D_I, self.G_R, self.D_V):
                if network is not None:
                    init_he(network)
        self.P = None
        if isinstance(self.structure, Joints) and self.pose_steps:
            self.P = PosePredictor(joints=self.structure.count, hidden=hidden, feedback=feedback)
        self.C_2 = None
        if joint_noise and not of_body:
            raise InputError(f"joint_noise: {joint_noise} is for joints (expected 0)")
        if w_feat and not self.pose_steps:
            raise InputError(f"w_feat: {w_feat} is for joints, with pose_steps (expected 0)")
        if w_feat and isinstance(self.structure, Joints):
            self.C_2 = PoseReader(channels=channels, joints=self.structure.count)
        self.w_feat, self.vgg16_file = w_feat, vgg16
        self.register_buffer("trained", torch.zeros(len(STAGES), dtype=torch.int64))
        """Iterations of each stage so far: what has not been trained is not used."""

    # Training.

    @property
    def stage(self) -> Literal["pose", "forecast", "refine"]:
        """What the present iteration trains."""
        if self.iteration < self.pose_steps:
            return "pose"
        refining = self.G_R is not None and self.iteration >= self.pose_steps + self.forecast_steps
        return "refine" if refining else "forecast"

    def stages(self, clips: Clips, *, seed: int, flip: bool) -> list[Stage]:
        first, second = stage_groups(clips, seed)
        both: dict[str, Any] = {"seed": seed, "flip": flip}
        found = []
        if self.P is not None:
            length = self.observed + self.horizon
            poses = PoseSequences(first, self.structure, length, self.observed, **both, noise=self.joint_noise)
            found.append(Stage(0, poses, self.pose_batch))
        if self.forecast_steps or self.G_R is None:
            pairs = ForecastPairs(first, self.structure, self.pair_sampling, self.max_jump, **both)
            found.append(Stage(self.pose_steps, pairs))
        if self.G_R is not None:
            windows = self.refine_windows(second, **both)
            found.append(Stage(self.pose_steps + self.forecast_steps, windows))
        return found

    def refine_windows(self, clips: Clips, *, seed: int, flip: bool) -> RefineWindows:
        """What the last stage learns from."""
        coarse = coarse_clips(self.coarse_source, clips, self.given) if self.coarse_source else None
        earliest = self.given if self.coarse_source else 1
        return RefineWindows(
            clips,
            self.structure,
            self.frames,
            self.window_source,
            coarse,
            earliest,
            seed=seed,
            flip=flip,
            noise=self.joint_noise,
        )

    def loss_names(self) -> tuple[str, ...]:
        return tuple(f"loss_{name}" for name in dict.fromkeys(name for stage in STAGES for name in LOSSES[stage]))

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        networks = [network for network in (self.G_M, self.D_I, self.G_R, self.D_V) if network is not None]
        optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Adam(network.parameters(), self.lr, self.betas, fused=True) for network in networks
        ]
        if self.P is not None:
            optimizers.append(torch.optim.RMSprop(self.P.parameters(), self.lr_pose))
        if self.C_2 is not None:
            optimizers.append(torch.optim.Adam(self.C_2.parameters(), self.lr_pose, fused=True))
        return optimizers

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        stage = self.stage
        self.G_M.train(stage == "forecast")  # as it is at test, it makes what is to be refined
        losses = {"pose": self.step_pose, "forecast": self.step_forecast, "refine": self.step_refine}[stage](batch)
        self.losses = {f"loss_{name}": loss.detach() for name, loss in losses.items()}
        self.trained[STAGES.index(stage)] += 1
        self.iteration += 1

    # What others ask of it.

    def follow_clips(self, clips: Clips, given: int = 1) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        short = [record for record in clips.records if record.length <= given]
        if short:
            raise InputError(f"{short[0].path}: has {short[0].length} frames (expected more than {given})")
        coarse = coarse_clips(self.coarse_source, clips, given) if self.coarse_source else None
        for i, rows in enumerate(self.structure.rows_of_all(clips, noise=self.joint_noise)):
            frames = clips[i].frames
            if coarse is not None:
                followed = self.refined_clip(coarse[i][given:], rows[given:])
            else:
                followed = np.stack([*self.clip(frames[given - 1], rows[given - 1], rows[given:])])
            yield np.concatenate([frames[:given], followed])

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        return frgan_measures(self, clips)

    def sample_sheet(self, clips: Clips) -> Sheet:
        return self.sheet_of_clips(clips)
