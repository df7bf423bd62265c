"""The algorithm: poses (Eq. 5), forecasts (Eqs. 9 to 14), refined clips (Eqs. 16 to 20), each on clips of its own."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from torch.nn import functional as F

from mutoscope.data.clips import Clips
from mutoscope.data.examples import Examples
from mutoscope.errors import InputError
from mutoscope.geometry.heatmaps import heatmaps
from mutoscope.losses import critic_loss, gradient_penalty, gram, gram_distance, ranking_loss
from mutoscope.losses.perceptual import FeatureLoss, boxes_around
from mutoscope.media.results import Sheet
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import frames_of, init_he
from mutoscope.nn.vgg16 import vgg16_features
from mutoscope.systems.base import Batch, Optimizers, Stage, System, step
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.draws import Random
from mutoscope.systems.frgan.coarse import coarse_clips
from mutoscope.systems.frgan.config import FRGANConfig
from mutoscope.systems.frgan.controls import FRGANControls
from mutoscope.systems.frgan.examples import ForecastPairs, PoseSequences, RefineWindows, stage_groups
from mutoscope.systems.frgan.generation import pixels_to_coordinates
from mutoscope.systems.frgan.networks import (
    ClipCritic,
    ForecastingNetwork,
    FrameCritic,
    PosePredictor,
    Refined,
    RefiningNetwork,
)
from mutoscope.systems.frgan.pose_reader import PoseReader
from mutoscope.systems.frgan.structures import Joints, Structure, structure_of

# what random numbers are for
GP_I, GP_V, FRAME_OF_CLIP = range(3)
POSE_CLIP_NORM = 25.0  # of the authors' predecessors: largest norm of the pose predictor's gradient
LOSSES = {
    "pose": ("pose", "C_2"),
    "forecast": ("D_I", "D_I_gp", "G_M_rec", "G_M_mask", "G_M_gen", "G_M_feat"),
    "refine": ("D_I", "D_I_gp", "D_V", "D_V_gp", "D_V_rank", "G_R_rec", "G_R_mask", "G_R_gen", "G_R_rank"),
}
"""What each stage reports, with `loss_` before."""
STAGES = tuple(LOSSES)
MAPS = {"row": "map", "target_row": "target_map", "rows": "maps"}
"""The motion maps drawn of each row of structure in a batch."""
Noise = dict[str, Tensor]
Losses = dict[str, Tensor]


class FRGAN(FRGANControls, System):
    """FRGAN: a picture, its structure and that of frames to come, to a clip."""

    name = "frgan"
    config_class = FRGANConfig
    config: FRGANConfig
    protocol = "continuations"

    def __init__(self, config: FRGANConfig) -> None:
        super().__init__(config)
        self.structure: Structure = structure_of(config)
        self.G_M = ForecastingNetwork(config)
        self.D_I = FrameCritic(config)
        self.G_R = RefiningNetwork(config) if config.refine else None
        self.D_V = ClipCritic(config) if config.refine else None
        if config.init == "he":
            for network in self.children():
                init_he(network)
        self.P = PosePredictor(config) if config.predicts else None
        self.C_2 = PoseReader(config) if config.w_feat else None
        self.register_buffer("trained", torch.zeros(len(STAGES), dtype=torch.int64))
        """Iterations of each stage so far: what has not been trained is not used."""

    # Training.

    @property
    def stages(self) -> tuple[Stage, ...]:
        o = self.config
        forecast_steps = None if not o.refine else 0 if o.coarse else o.forecast_steps
        stages = Stage("pose", o.pose_steps if o.predicts else 0, o.pose_batch), Stage("forecast", forecast_steps)
        return (*stages, Stage("refine")) if o.refine else stages

    def examples(self, clips: Clips, stage: Stage) -> Examples:
        first, second = stage_groups(clips, self.seed)
        if stage.name == "refine":
            return RefineWindows(second, self.structure, self.seed)
        return {"pose": PoseSequences, "forecast": ForecastPairs}[stage.name](first, self.structure, self.seed)

    def loss_names(self) -> tuple[str, ...]:
        return tuple(f"loss_{name}" for name in dict.fromkeys(name for stage in STAGES for name in LOSSES[stage]))

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        o = self.config
        found: dict[str, torch.optim.Optimizer] = {}
        for name, network in self.named_children():
            if name == "P":
                found[name] = torch.optim.RMSprop(network.parameters(), o.lr_pose)
            elif name == "C_2":
                found[name] = torch.optim.Adam(network.parameters(), o.lr_pose, fused=True)
            else:
                found[name] = torch.optim.Adam(network.parameters(), o.lr, o.betas, fused=True)
        return found

    def noise(self, n: int, random: Random) -> Noise:
        """Shares of real ones in what gradients are penalised at, and the time of a frame of each clip."""
        if self.stage.name == "pose":
            return {}
        noise = {"share_I": random(GP_I).uniform(n)}
        if self.stage.name == "forecast":
            return noise
        times = random(FRAME_OF_CLIP).integers(0, self.config.frames, n)
        return {**noise, "share_V": random(GP_V).uniform(n), "time": times}

    def training_step(self, batch: Batch, noise: Noise, optimizers: Optimizers) -> Losses:
        stage = self.stage.name
        self.G_M.train(stage == "forecast")  # as it is at test, it makes what is to be refined
        run = {"pose": self.step_pose, "forecast": self.step_forecast, "refine": self.step_refine}[stage]
        losses = run(optimizers, batch, noise)
        self.trained[STAGES.index(stage)] += 1
        return {f"loss_{name}": loss.detach() for name, loss in losses.items()}

    def prepare(self, batch: Batch) -> Batch:
        """A batch with motion maps of its rows of structure, in float32; those of faces cannot be drawn in a step."""
        maps = {}
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            for name, rows in [(name, batch[name]) for name in MAPS if name in batch]:
                drawn = self.maps(rows.flatten(0, -2)).unflatten(0, rows.shape[:-1])
                maps[MAPS[name]] = drawn.transpose(1, 2) if rows.ndim == 3 else drawn
        return {**batch, **maps}

    def step_pose(self, optimizers: Optimizers, batch: Batch, noise: Noise) -> Losses:
        """A step of P on what follows the observed poses (Eq. 5), and of C_2, if there is one, on single frames."""
        assert self.P is not None
        o = self.config
        joints, visible = self.joints.split(batch["poses"])
        poses = pixels_to_coordinates(joints, o.image_size)
        predicted = self.P(poses[:, : o.observed], o.horizon)
        loss = pose_loss(predicted, poses[:, o.observed :], visible[:, o.observed :] > 0)
        step(optimizers["P"], loss, clip_norm=POSE_CLIP_NORM)
        return {"pose": loss} | self.step_C_2(optimizers, batch)

    def step_C_2(self, optimizers: Optimizers, batch: Batch) -> Losses:
        """A step of the network that reads poses from frames, whose features the forecasts are to share (Eq. 21)."""
        if self.C_2 is None:
            return {}
        size, sigma = self.config.image_size, self.config.sigma * self.config.image_size
        with self.training_only(self.C_2):
            read = self.C_2(uint8_to_float(batch["frame"])).heatmaps.float()
            loss = F.mse_loss(read, heatmaps(*self.joints.split(batch["pose"]), size, sigma))
            step(optimizers["C_2"], loss)
        return {"C_2": loss}

    def step_forecast(self, optimizers: Optimizers, batch: Batch, noise: Noise) -> Losses:
        """A step of D_I (Eqs. 13, 14), and one of G_M (Eq. 9) on the same forecast."""
        o = self.config
        source, target = uint8_to_float(batch["frame"]), uint8_to_float(batch["target"])
        M_t, M_k = batch["map"], batch["target_map"]
        forecast = self.G_M(source, M_t, M_k)
        losses = self.step_D_I(optimizers, target, forecast.image.detach(), M_k, noise)
        with self.training_only(self.G_M):
            parts = {
                "G_M_rec": o.w_rec * F.l1_loss(forecast.image.float(), target),
                "G_M_mask": o.w_mask * mean_of_mask(forecast.mask, target),
                "G_M_gen": -o.w_adv * self.D_I(forecast.image, M_k).mean(),
            }
            if o.w_feat:
                boxes = boxes_around(*self.joints.split(batch["target_row"]), o.image_size)
                parts["G_M_feat"] = o.w_feat * self.feature_loss(target, forecast.image, boxes)
            step(optimizers["G_M"], total(parts))
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
        file = self.config.vgg16
        return FeatureLoss(vgg16_features(file).to(self.device) if file else None, self.C_2.features)

    def step_refine(self, optimizers: Optimizers, batch: Batch, noise: Noise) -> Losses:
        """A step of both critics (Eqs. 13, 19), and one of G_R (Eq. 16) on the same clips; G_M is left as it is."""
        assert self.G_R is not None
        real, M = uint8_to_float(batch["clip"]).transpose(1, 2), batch["maps"]
        with torch.no_grad():
            coarse = self.coarse_of(batch)
        refined = self.G_R(coarse, M)
        losses: Losses = {}
        if self.config.use_D_I:
            one, fake, its_map = (one_frame(clip, noise["time"]) for clip in (real, refined.clip.detach(), M))
            losses |= self.step_D_I(optimizers, one, fake, its_map, noise)
        losses |= self.step_D_V(optimizers, real, refined.clip.detach(), coarse, M, noise)
        return losses | self.step_G_R(optimizers, refined, real, coarse, M)

    def coarse_of(self, batch: Batch) -> Float[Tensor, "b c t s s"]:
        """What is to be refined: forecasts of every frame from one source, or what another method made."""
        if "coarse" in batch:
            return uint8_to_float(batch["coarse"]).transpose(1, 2)
        encoded = self.G_M.encode_source(uint8_to_float(batch["frame"]), batch["map"])
        return self.G_M.forecast_clip(encoded, batch["maps"]).image.float()

    def step_D_I(
        self,
        optimizers: Optimizers,
        real: Float[Tensor, "b c s s"],
        fake: Float[Tensor, "b c s s"],
        M: Float[Tensor, "b m s s"],
        noise: Noise,
    ) -> Losses:
        """A step of the critic of frames, on frames with their maps."""
        with self.training_only(self.D_I):
            on_real, on_fake = self.D_I(torch.cat([real, fake.to(real)]), torch.cat([M, M])).chunk(2)
            losses = {
                "D_I": critic_loss(on_real, on_fake),
                "D_I_gp": self.config.gp_weight * gradient_penalty(self.D_I, real, fake, M, noise["share_I"]),
            }
            step(optimizers["D_I"], total(losses))
        return losses

    def step_D_V(
        self,
        optimizers: Optimizers,
        real: Float[Tensor, "b c t s s"],
        refined: Float[Tensor, "b c t s s"],
        coarse: Float[Tensor, "b c t s s"],
        M: Float[Tensor, "b m t s s"],
        noise: Noise,
    ) -> Losses:
        """A step of the critic of clips, which also wants refined clips to be ranked worse (Eqs. 19, 20)."""
        assert self.D_V is not None
        o, score = self.config, self.D_V.scores
        with self.training_only(self.D_V):
            clips = [real, refined.to(real), *([coarse] if o.gamma else [])]
            scores, features = self.D_V(torch.cat(clips), M.repeat(len(clips), 1, 1, 1, 1))
            on_real, on_fake, *_ = scores.chunk(len(clips))
            losses = {
                "D_V": critic_loss(on_real, on_fake),
                "D_V_gp": o.gp_weight * gradient_penalty(score, real, refined, M, noise["share_V"]),
            }
            if o.gamma:
                rank = self.rank(*zip(*(feature.chunk(3) for feature in features), strict=True))
                losses["D_V_rank"] = -o.gamma * rank.clamp(max=o.rank_cap).mean()
            step(optimizers["D_V"], total(losses))
        return losses

    def step_G_R(
        self,
        optimizers: Optimizers,
        refined: Refined,
        real: Float[Tensor, "b c t s s"],
        coarse: Float[Tensor, "b c t s s"],
        M: Float[Tensor, "b m t s s"],
    ) -> Losses:
        """A step of G_R: near the truth, little changed, taken for real, and ranked nearer to real than to coarse."""
        assert self.G_R is not None
        assert self.D_V is not None
        o = self.config
        with self.training_only(self.G_R):
            scores, of_refined = self.D_V(refined.clip, M)
            gen = -scores.mean()
            if o.use_D_I:
                gen = gen - self.D_I(frames_of(refined.clip), frames_of(M)).mean()
            losses = {
                "G_R_rec": o.w_rec * F.l1_loss(refined.clip.float(), real),
                "G_R_mask": o.w_mask * refined.mask.float().mean(),
                "G_R_gen": o.adversarial_R * gen,
            }
            if o.gamma:
                with torch.no_grad():
                    _, features = self.D_V(torch.cat([real, coarse]), M.repeat(2, 1, 1, 1, 1))
                of_real, of_coarse = zip(*(feature.chunk(2) for feature in features), strict=True)
                losses["G_R_rank"] = o.gamma * self.rank(of_real, tuple(of_refined), of_coarse).mean()
            step(optimizers["G_R"], total(losses))
        return losses

    def rank(
        self, of_real: tuple[Tensor, ...], of_refined: tuple[Tensor, ...], of_coarse: tuple[Tensor, ...]
    ) -> Float[Tensor, "b"]:
        """The ranking loss of each clip (Eq. 18), from the critic's features of the three."""
        time = self.config.gram_time
        real, refined, coarse = ([gram(x, time) for x in layers] for layers in (of_real, of_refined, of_coarse))
        return ranking_loss(gram_distance(refined, real), gram_distance(refined, coarse))

    def maps(self, rows: Float[Tensor, "n p"]) -> Float[Tensor, "n m s s"]:
        """The motion maps of rows of structure."""
        return self.structure.maps(rows, self.config.image_size)

    # What others ask of it.

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        """The frames that are given, then what follows the last of them by the structure of all (no noise is drawn)."""
        seen, columns, lengths = conditions.columns.get("frames"), dict(conditions.columns), conditions.lengths
        if seen is None:
            raise InputError("frgan: starts from frames (expected some, and the structure of all to come)")
        paths = columns.setdefault("path", [f"row {i}" for i in range(conditions.count)])
        for path, given, length in zip(paths, seen, lengths, strict=True):
            if length <= len(given):
                raise InputError(f"{path}: has {length} frames (expected more than {len(given)})")
        coarse = coarse_clips(self.config.coarse, conditions) if self.config.coarse else None
        all_rows = self.structure.rows_of_each(columns, paths, conditions.skeleton, self.config.joint_noise)
        for i, (given, rows, length) in enumerate(zip(seen, all_rows, lengths, strict=True)):
            if len(rows) < length:
                raise InputError(f"{paths[i]}: has structure of {len(rows)} frames (expected {length})")
            to_come = rows[len(given) : length]
            if coarse is not None:
                followed = self.refined_clip(coarse[i][len(given) :], to_come)
            else:
                followed = np.stack([*self.clip(given[-1], rows[len(given) - 1], to_come)])
            yield np.concatenate([given, followed])

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


def one_frame(clip: Float[Tensor, "b c t s s"], time: Int[Tensor, " b"]) -> Float[Tensor, "b c s s"]:
    """One frame of each clip."""
    return clip.transpose(1, 2)[torch.arange(len(clip), device=clip.device), time]


def mean_of_mask(mask: Tensor | None, like: Tensor) -> Float[Tensor, ""]:
    """The mean of a mask; 0 where there is none."""
    return like.new_zeros(()) if mask is None else mask.float().mean()


def total(losses: Losses) -> Float[Tensor, ""]:
    """Their sum."""
    return torch.stack(list(losses.values())).sum()
