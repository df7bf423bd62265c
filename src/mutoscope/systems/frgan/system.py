"""The algorithm of sections 5 and 6: predict poses, forecast frames, then refine clips, each on clips of its own."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.geometry.heatmaps import heatmaps
from mutoscope.losses import critic_loss, gradient_penalty, gram, gram_distance, ranking_loss
from mutoscope.losses.perceptual import FeatureLoss, boxes_around
from mutoscope.media.results import Sheet
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import frames_of, init_he
from mutoscope.nn.vgg16 import vgg16_features
from mutoscope.systems.base import Stage, System
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
from mutoscope.systems.frgan.generation import pixels_to_coordinates
from mutoscope.systems.frgan.measures import frgan_measures
from mutoscope.systems.frgan.networks import ClipCritic, ForecastingNetwork, FrameCritic, PosePredictor, RefiningNetwork
from mutoscope.systems.frgan.pose_reader import PoseReader
from mutoscope.systems.frgan.structures import SIGMA, Joints, Kind, Structure, structure_of

# what random numbers are for (see System.generator_for)
GP_I, GP_V, FRAME_OF_CLIP, NOISE_OF_JOINTS = range(4)
STAGES = ("pose", "forecast", "refine")
POSE_CLIP_NORM = 25.0  # of the authors' predecessors: largest norm of the pose predictor's gradient

LOSSES = {
    "pose": ("pose", "C_2"),
    "forecast": ("D_I", "D_I_gp", "G_M_rec", "G_M_mask", "G_M_gen", "G_M_feat"),
    "refine": ("D_I", "D_I_gp", "D_V", "D_V_gp", "D_V_rank", "G_R_rec", "G_R_mask", "G_R_gen", "G_R_rank"),
}


class FRGAN(FRGANControls, System):
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
        joint_noise: Joints of a window, and of clips that are measured, are off by this many pixels, as an estimator's.
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
        least_none |= {"w_feat": w_feat, "rank_cap": rank_cap, "joint_noise": joint_noise, "lr": lr, "lr_pose": lr_pose}
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
            poses = PoseSequences(first, self.structure, self.observed + self.horizon, **both)
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
            clips, self.structure, self.frames, self.window_source, coarse, earliest, seed=seed, flip=flip
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

    def optimizer_of(self, network: str) -> Any:
        """The optimiser of a network, by its name."""
        there = [name for name in ("G_M", "D_I", "G_R", "D_V", "P", "C_2") if getattr(self, name) is not None]
        return self.optimizers()[there.index(network)]  # type: ignore[index]  # a list, for there are several

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        stage = self.stage
        self.G_M.train(stage == "forecast")  # as it is at test, it makes what is to be refined
        losses = {"pose": self.step_pose, "forecast": self.step_forecast, "refine": self.step_refine}[stage](batch)
        self.losses = {f"loss_{name}": loss.detach() for name, loss in losses.items()}
        self.trained[STAGES.index(stage)] += 1
        self.iteration += 1

    def step_pose(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """A step of P on what follows the observed poses (Eq. 5), and of C_2, if there is one, on single frames."""
        assert self.P is not None
        joints, visible = self.joints.split(batch["rows"])
        poses = pixels_to_coordinates(joints, self.image_size)
        predicted = self.P(poses[:, : self.observed], self.horizon)
        loss = pose_loss(predicted, poses[:, self.observed :], visible[:, self.observed :] > 0)
        optimizer = self.optimizer_of("P")
        optimizer.zero_grad()
        self.manual_backward(loss)
        nn.utils.clip_grad_norm_(self.P.parameters(), POSE_CLIP_NORM)
        optimizer.step()
        return {"pose": loss} | self.step_C_2(batch)

    def step_C_2(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """A step of the network that reads poses from frames, whose features the forecasts are to share (Eq. 21)."""
        if self.C_2 is None:
            return {}
        with self.training_only(self.C_2):
            read = self.C_2(uint8_to_float(batch["frame"])).heatmaps.float()
            joints, visible = self.joints.split(batch["row"])
            loss = F.mse_loss(read, heatmaps(joints, visible, self.image_size, self.joints.sigma * self.image_size))
            self.descend(self.optimizer_of("C_2"), loss)
        return {"C_2": loss}

    def step_forecast(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """A step of D_I (Eqs. 13, 14), and one of G_M (Eq. 9) on the same forecast."""
        source, target = uint8_to_float(batch["frame"]), uint8_to_float(batch["target"])
        M_t, M_k = self.maps(batch["row"]), self.maps(batch["target_row"])
        forecast = self.G_M(source, M_t, M_k)
        losses = self.step_D_I(target, forecast.image.detach(), M_k)
        with self.training_only(self.G_M):
            parts = {
                "G_M_rec": self.w_rec * F.l1_loss(forecast.image.float(), target),
                "G_M_mask": self.w_mask * mean_of_mask(forecast.mask, target),
                "G_M_gen": -self.w_adv * self.D_I(forecast.image, M_k).mean(),
            }
            if self.w_feat:
                joints, visible = self.joints.split(batch["target_row"])
                boxes = boxes_around(joints, visible, self.image_size)
                parts["G_M_feat"] = self.w_feat * self.feature_loss(target, forecast.image, boxes)
            self.descend(self.optimizer_of("G_M"), torch.stack(list(parts.values())).sum())
        return losses | parts

    @property
    def joints(self) -> Joints:
        """The structure, where it is that of a body."""
        assert isinstance(self.structure, Joints)
        return self.structure

    @cached_property
    def feature_loss(self) -> FeatureLoss:
        """Eq. 21. VGG16 is no part of the system: neither trained nor saved with it."""
        assert self.C_2 is not None
        C_1 = vgg16_features(self.vgg16_file).to(self.device) if self.vgg16_file else None
        return FeatureLoss(C_1, self.C_2.features)

    def step_refine(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """A step of both critics (Eqs. 13, 19), and one of G_R (Eq. 16) on the same clips; G_M is left as it is."""
        assert self.G_R is not None
        assert self.D_V is not None
        real, rows = uint8_to_float(batch["clip"]).transpose(1, 2), batch["rows"]
        if self.joint_noise:
            rows = self.with_noise(rows)
        M = self.maps(rows.flatten(0, 1)).unflatten(0, rows.shape[:2]).transpose(1, 2)
        with torch.no_grad():
            coarse = self.coarse_of(batch, M)
        refined = self.G_R(coarse, M)
        losses: dict[str, Tensor] = {}
        if self.use_D_I:
            losses |= self.step_D_I(*(self.one_frame(clip) for clip in (real, refined.clip.detach(), M)))
        losses |= self.step_D_V(real, refined.clip.detach(), coarse, M)
        losses |= self.step_G_R(refined, real, coarse, M)
        return losses

    def with_noise(self, rows: Float[Tensor, "b t p"]) -> Float[Tensor, "b t p"]:
        """Structure as a careless estimator would give it."""
        of_all = rows.repeat(self.world_size, 1, 1)
        return self.share(self.structure.noisy(of_all, self.joint_noise, self.generator_for(NOISE_OF_JOINTS)))

    def coarse_of(self, batch: dict[str, Tensor], M: Float[Tensor, "b m t s s"]) -> Float[Tensor, "b c t s s"]:
        """What is to be refined: forecasts of every frame from one source, or what another method made."""
        if "coarse" in batch:
            return uint8_to_float(batch["coarse"]).transpose(1, 2)
        encoded = self.G_M.encode_source(uint8_to_float(batch["frame"]), self.maps(batch["row"]))
        return self.G_M.forecast_clip(encoded, M).image.float()

    def step_D_I(
        self, real: Float[Tensor, "b c s s"], fake: Float[Tensor, "b c s s"], M: Float[Tensor, "b m s s"]
    ) -> dict[str, Tensor]:
        """A step of the critic of frames, on frames with their maps."""
        with self.training_only(self.D_I):
            on_real, on_fake = self.D_I(torch.cat([real, fake.to(real)]), torch.cat([M, M])).chunk(2)
            losses = {
                "D_I": critic_loss(on_real, on_fake),
                "D_I_gp": self.gp_weight * self.penalty(self.D_I, real, fake, M, GP_I),
            }
            self.descend(self.optimizer_of("D_I"), torch.stack(list(losses.values())).sum())
        return losses

    def step_D_V(
        self,
        real: Float[Tensor, "b c t s s"],
        refined: Float[Tensor, "b c t s s"],
        coarse: Float[Tensor, "b c t s s"],
        M: Float[Tensor, "b m t s s"],
    ) -> dict[str, Tensor]:
        """A step of the critic of clips, which also wants refined clips to be ranked worse (Eqs. 19, 20)."""
        assert self.D_V is not None
        with self.training_only(self.D_V):
            clips = [real, refined.to(real), *([coarse] if self.gamma else [])]
            scores, features = self.D_V(torch.cat(clips), M.repeat(len(clips), 1, 1, 1, 1))
            on_real, on_fake, *_ = scores.chunk(len(clips))
            losses = {
                "D_V": critic_loss(on_real, on_fake),
                "D_V_gp": self.gp_weight
                * self.penalty(lambda clip, maps: self.D_V(clip, maps)[0], real, refined, M, GP_V),
            }
            if self.gamma:
                rank = self.rank(*zip(*(feature.chunk(3) for feature in features), strict=True))
                losses["D_V_rank"] = -self.gamma * rank.clamp(max=self.rank_cap).mean()
            self.descend(self.optimizer_of("D_V"), torch.stack(list(losses.values())).sum())
        return losses

    def step_G_R(
        self,
        refined: Any,
        real: Float[Tensor, "b c t s s"],
        coarse: Float[Tensor, "b c t s s"],
        M: Float[Tensor, "b m t s s"],
    ) -> dict[str, Tensor]:
        """A step of G_R: near the truth, little changed, taken for real, and ranked nearer to real than to coarse."""
        assert self.G_R is not None
        assert self.D_V is not None
        with self.training_only(self.G_R):
            clips = [refined.clip.to(real), *([real, coarse] if self.gamma else [])]
            scores, features = self.D_V(torch.cat(clips), M.repeat(len(clips), 1, 1, 1, 1))
            gen = -scores[: len(real)].mean()
            if self.use_D_I:
                gen = gen - self.D_I(frames_of(clips[0]), frames_of(M)).mean()
            losses = {
                "G_R_rec": self.w_rec * F.l1_loss(refined.clip.float(), real),
                "G_R_mask": self.w_mask * refined.mask.float().mean(),
                "G_R_gen": self.w_adv * gen,
            }
            if self.gamma:
                of_refined, of_real, of_coarse = zip(*(feature.chunk(3) for feature in features), strict=True)
                losses["G_R_rank"] = self.gamma * self.rank(of_real, of_refined, of_coarse).mean()
            self.descend(self.optimizer_of("G_R"), torch.stack(list(losses.values())).sum())
        return losses

    def rank(
        self, of_real: tuple[Tensor, ...], of_refined: tuple[Tensor, ...], of_coarse: tuple[Tensor, ...]
    ) -> Float[Tensor, "b"]:
        """The ranking loss of each clip (Eq. 18), from the critic's features of the three."""
        grams = [[gram(layer, self.gram_time) for layer in layers] for layers in (of_real, of_refined, of_coarse)]
        return ranking_loss(gram_distance(grams[1], grams[0]), gram_distance(grams[1], grams[2]))

    def penalty(self, critic: Any, real: Tensor, fake: Tensor, M: Tensor, purpose: int) -> Float[Tensor, ""]:
        """The gradient penalty (Eqs. 14, 20)."""
        share = self.share(
            torch.rand(len(real) * self.world_size, generator=self.generator_for(purpose), device=real.device)
        )
        return gradient_penalty(critic, real, fake, M, share)

    def one_frame(self, clip: Float[Tensor, "b c t s s"]) -> Float[Tensor, "b c s s"]:
        """One frame of each clip, at a time that is random for each and the same for all who ask in an iteration."""
        shape = (len(clip) * self.world_size,)
        generator = self.generator_for(FRAME_OF_CLIP)
        times = self.share(torch.randint(self.frames, shape, generator=generator, device=clip.device))
        return clip.transpose(1, 2)[torch.arange(len(clip), device=clip.device), times]

    def maps(self, rows: Float[Tensor, "n p"]) -> Float[Tensor, "n m s s"]:
        """The motion maps of rows of structure."""
        return self.structure.maps(rows, self.image_size)

    # What others ask of it.

    def follow_clips(self, clips: Clips, given: int = 1) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        short = [record for record in clips.records if record.length <= given]
        if short:
            raise InputError(f"{short[0].path}: has {short[0].length} frames (expected more than {given})")
        coarse = coarse_clips(self.coarse_source, clips, given) if self.coarse_source else None
        for i, rows in enumerate(self.structure.rows_of_all(clips)):
            frames = clips[i].frames
            if coarse is not None:
                followed = self.refined_clip(coarse[i][given:], rows[given:])
            else:
                followed = np.stack([*self.clip(frames[given - 1], rows[given - 1], rows[given:])])
            yield np.concatenate([frames[:given], followed])

    def measure(self, clips: Clips, seed: int = 0) -> dict[str, float]:
        return frgan_measures(self, clips, seed)

    def sample_sheet(self, clips: Clips) -> Sheet:
        return self.sheet_of_clips(clips)


def pose_loss(
    predicted: Float[Tensor, "b n p"], true: Float[Tensor, "b n p"], seen: Bool[Tensor, "b n k"]
) -> Float[Tensor, ""]:
    """Squared distance of predicted joints from true ones, mean over those that are seen (Eq. 5).

    Args:
        predicted, true: coordinates in [-1, 1], all x before all y.
        seen: which joints are seen.
    """
    squared = (predicted.float() - true).square().unflatten(-1, (2, -1)).sum(-2)
    return (squared * seen).sum() / seen.sum().clamp(min=1)


def mean_of_mask(mask: Tensor | None, like: Tensor) -> Float[Tensor, ""]:
    """The mean of a mask; 0 where there is none."""
    return like.new_zeros(()) if mask is None else mask.float().mean()
