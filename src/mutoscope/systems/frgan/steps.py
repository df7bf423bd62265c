"""The steps of the three stages: poses (Eq. 5), forecasts (Eqs. 9 to 14), refined clips (Eqs. 16 to 20)."""

from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.geometry.heatmaps import heatmaps
from mutoscope.losses import critic_loss, gradient_penalty, gram, gram_distance, ranking_loss
from mutoscope.losses.perceptual import FeatureLoss, boxes_around
from mutoscope.media.tensors import uint8_to_float
from mutoscope.nn import frames_of
from mutoscope.nn.vgg16 import vgg16_features
from mutoscope.systems.base import System
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
from mutoscope.systems.frgan.structures import Joints, Structure

# what random numbers are for (see System.generator_for)
GP_I, GP_V, FRAME_OF_CLIP = range(3)
NETWORKS = ("G_M", "D_I", "G_R", "D_V", "P", "C_2")
"""Those that train, in the order of their optimisers."""
POSE_CLIP_NORM = 25.0  # of the authors' predecessors: largest norm of the pose predictor's gradient


class Steps(System):
    """What training does in an iteration of each stage; `FRGAN` says which are its networks and when a stage begins."""

    structure: Structure
    observed: int
    horizon: int
    w_rec: float
    w_mask: float
    w_adv: float
    w_adv_R: float
    w_feat: float
    gp_weight: float
    gamma: float
    rank_cap: float
    gram_time: bool
    use_D_I: bool
    vgg16_file: str | None
    G_M: ForecastingNetwork
    D_I: FrameCritic
    G_R: RefiningNetwork | None
    D_V: ClipCritic | None
    P: PosePredictor | None
    C_2: PoseReader | None

    def optimizer_of(self, network: str) -> Any:
        """The optimiser of a network, by its name."""
        there = [name for name in NETWORKS if getattr(self, name) is not None]
        return self.optimizers()[there.index(network)]  # type: ignore[index]  # a list, for there are several

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
        refined: Refined,
        real: Float[Tensor, "b c t s s"],
        coarse: Float[Tensor, "b c t s s"],
        M: Float[Tensor, "b m t s s"],
    ) -> dict[str, Tensor]:
        """A step of G_R: near the truth, little changed, taken for real, and ranked nearer to real than to coarse."""
        assert self.G_R is not None
        assert self.D_V is not None
        with self.training_only(self.G_R):
            scores, of_refined = self.D_V(refined.clip, M)
            gen = -scores.mean()
            if self.use_D_I:
                gen = gen - self.D_I(frames_of(refined.clip), frames_of(M)).mean()
            losses = {
                "G_R_rec": self.w_rec * F.l1_loss(refined.clip.float(), real),
                "G_R_mask": self.w_mask * refined.mask.float().mean(),
                "G_R_gen": self.w_adv_R * gen,
            }
            if self.gamma:
                with torch.no_grad():
                    _, features = self.D_V(torch.cat([real, coarse]), M.repeat(2, 1, 1, 1, 1))
                of_real, of_coarse = zip(*(feature.chunk(2) for feature in features), strict=True)
                losses["G_R_rank"] = self.gamma * self.rank(of_real, tuple(of_refined), of_coarse).mean()
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
