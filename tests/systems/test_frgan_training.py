"""How FRGAN learns, stage by stage (sections 5 and 6). Numbers are those of the acceptance list."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mutoscope.data import Clips, clips_from_arrays, open_clips
from mutoscope.data.mug import FORECAST_SUBJECTS, REFINE_SUBJECTS, TEST_SUBJECTS
from mutoscope.geometry.heatmaps import heatmaps
from mutoscope.media.tensors import uint8_to_float
from mutoscope.systems.draws import Random
from mutoscope.systems.frgan import FRGAN, FRGANConfig
from mutoscope.systems.frgan.examples import ForecastPairs, RefineWindows, stage_groups
from mutoscope.systems.frgan.structures import Joints
from mutoscope.systems.frgan.system import STAGES, one_frame, pose_loss
from mutoscope.systems.loading import load
from mutoscope.training import train
from mutoscope.training.options import presets, resolve

Batches = dict[str, dict[str, Tensor]]

FRGAN_ROWS = Joints(FRGANConfig())
NO_OPTIMIZERS = dict.fromkeys(("G_M", "D_I", "G_R", "D_V"), torch.optim.SGD([torch.zeros(1)]))
TRAINED = {"pose": {"P"}, "forecast": {"D_I", "G_M"}, "refine": {"D_I", "D_V", "G_R"}}
"""The networks that each stage trains."""


@pytest.fixture(scope="module")
def people() -> Clips:
    """Six motions of each of two stick people, 24 frames of 16 pixels."""
    return open_clips("stick_people", size=16, max_clips=12, frames=24)


@pytest.fixture(scope="module")
def grey_people() -> Clips:
    return open_clips("stick_people", size=16, channels=1, max_clips=12, frames=24)


def batches_of(system: FRGAN, clips: Clips, n: int = 3) -> Batches:
    """For each stage of training on these clips the first n examples together."""
    there = [stage for stage in system.stages if stage.steps != 0]
    return {stage.name: system.examples(clips, stage).__getitems__(range(n)) for stage in there}


def begin(system: FRGAN, stage: str) -> None:
    """Goes to the first iteration of a stage."""
    system.iteration = sum(before.steps for before in takewhile(lambda s: s.name != stage, system.stages))
    assert system.stage.name == stage


@pytest.fixture(scope="module")
def train_in(fit: Callable[..., dict[str, float]]) -> Callable[..., dict[str, float]]:
    """`train_in(system, stage, batch, count=1)`: training steps of a stage; gives the last losses."""

    def run(system: FRGAN, stage: str, batch: dict[str, Tensor], count: int = 1) -> dict[str, float]:
        begin(system, stage)
        return fit(system, batch, count)

    return run


@pytest.fixture
def without_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses are computed, and no optimiser steps."""
    monkeypatch.setattr("mutoscope.systems.frgan.system.step", lambda optimizer, loss, clip_norm=None: None)


def noise_of(system: FRGAN, stage: str, n: int = 3, later: int = 0) -> dict[str, Tensor]:
    """What is drawn in an iteration of a stage."""
    begin(system, stage)
    return system.noise(n, Random(0, system.iteration + later))


def slopes(loss: Tensor, network: torch.nn.Module) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(network.parameters()), retain_graph=True, materialize_grads=True))


def refining(system: FRGAN, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Real clips, their motion maps, and forecasts of them."""
    batch = system.prepare(batch)
    system.G_M.eval()
    with torch.no_grad():
        return uint8_to_float(batch["clip"]).transpose(1, 2), batch["maps"], system.coarse_of(batch)


VARIANTS: list[dict[str, Any]] = [
    {},
    {"residual": "diff", "skips": "image"},
    {"residual": "none", "skips": "none"},
    {"bottleneck": "spatial", "dense": False},
    {"shortcut": "1x1", "widths": "table"},
    {"init": "normal", "gram_time": True},
    *({"image_size": 32, "skips_R": skips} for skips in ("deep", "all", "none")),
    {"image_size": 24, "fusion_R": "concat", "skips_R": "all"},
    {"frames": 1, "gamma": 0.0},
    {"frames": 3, "use_D_I": False},
    {"w_adv": 0.0, "gp_weight": 0.0},
    {"refine": False, "feedback": True},
    {"pose_steps": 0},
    {"forecast_steps": 0},
    {"structure": "limbs", "joint_noise": 1.0},
    {"skeleton": "openpose18", "max_jump": 2},
    {"window_source": "first", "pair_sampling": "first_frame"},
    {"w_feat": 1.0},
    {"channels": 1},
]


class TestSteps:
    @pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: " ".join(f"{k}={v}" for k, v in variant.items()))
    def test_every_variant_takes_a_step_of_every_stage(
        self, small_frgan, train_in, people, grey_people, variant: dict[str, Any]
    ):
        """10: losses are finite; the networks of the stage learn, and no other."""
        system = small_frgan(**variant)
        clips = grey_people if system.config.channels == 1 else people
        if system.config.image_size != clips.height:
            clips = open_clips("stick_people", size=system.config.image_size, max_clips=12, frames=24)
        batches = batches_of(system, clips)
        absent = {"pose": "pose_steps", "forecast": "forecast_steps", "refine": "refine"}
        assert set(batches) == {stage for stage in STAGES if variant.get(absent[stage], True)}
        for stage, batch in batches.items():
            before = {name: weight.detach().clone() for name, weight in system.named_parameters()}
            losses = train_in(system, stage, batch)
            assert np.isfinite(list(losses.values())).all()
            assert set(losses) <= set(system.loss_names())
            moved = {name.split(".")[0] for name, w in system.named_parameters() if not torch.equal(w, before[name])}
            expected = TRAINED[stage] | ({"C_2"} if stage == "pose" and variant.get("w_feat") else set())
            expected -= {"D_I"} if stage == "refine" and variant.get("use_D_I") is False else set()
            assert moved == expected

    def test_losses_bear_the_names_that_were_announced(self, small_frgan, train_in, people):
        system = small_frgan(w_feat=1.0)
        seen = [name for stage, batch in batches_of(system, people).items() for name in train_in(system, stage, batch)]
        assert set(seen) == set(system.loss_names())

    def test_each_loss_trains_its_own_network(self, small_frgan, train_in, people, monkeypatch):
        """9: no gradient is left in another network, as in that which draws while its critic learns."""
        system, events = small_frgan(), []

        def watched(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
            for weight in system.parameters():
                weight.grad = None
            loss.backward()
            events.append({name.split(".")[0] for name, w in system.named_parameters() if w.grad is not None})
            optimizer.step()

        monkeypatch.setattr("mutoscope.systems.frgan.system.step", watched)
        batches = batches_of(system, people)
        for stage in ("forecast", "refine"):
            train_in(system, stage, batches[stage])
        assert events == [{"D_I"}, {"G_M"}, {"D_I"}, {"D_V"}, {"G_R"}]

    def test_maps_of_faces_are_drawn_once_and_as_they_are_at_test(self, small_frgan):
        """In float32, whatever the networks compute in."""
        system = small_frgan(structure="face", pose_steps=0)
        clips = open_clips("morphable_faces", size=16, max_clips=12)
        batch = batches_of(system, clips)["refine"]
        with torch.autocast("cpu", torch.bfloat16):
            prepared = system.prepare(batch)
        assert prepared["maps"].shape == (3, 3, 4, 16, 16)
        assert torch.equal(prepared["maps"][1].transpose(0, 1), system.maps_of(batch["rows"][1].numpy()))

    def test_kinds_of_steps_are_the_stages(self, small_frgan):
        system, kinds = small_frgan(), []
        for system.iteration in range(8):
            kinds.append(system.kind)
        assert kinds == ["pose"] * 2 + ["forecast"] * 3 + ["refine"] * 3

    def test_gradients_reach_all_parts_of_the_forecasting_network(self, small_frgan, train_in, people):
        """9: encoders of picture and structure, the decoder and what it draws."""
        system = small_frgan()
        train_in(system, "forecast", batches_of(system, people)["forecast"], 2)
        matrices = {name: w.grad for name, w in system.G_M.named_parameters() if w.ndim > 1}
        assert all(grad is not None and grad.abs().max() > 0 for grad in matrices.values())

    @pytest.mark.parametrize("critic", ["D_I", "D_V"])
    def test_critics_learn_to_tell_real_from_fake(self, small_frgan, people, critic):
        """14: real frames and clips score higher than grey ones."""
        system = small_frgan(gamma=0.0, lr=3e-3)
        optimizers, noise = system.optimizers(), noise_of(system, "refine")
        real, M, _ = refining(system, batches_of(system, people)["refine"])
        clips = {"D_I": (real[:, :, 0], 0 * real[:, :, 0], M[:, :, 0]), "D_V": (real, 0 * real, 0 * real, M)}[critic]
        losses = [getattr(system, f"step_{critic}")(optimizers, *clips, noise)[critic].item() for _ in range(12)]
        assert losses[-1] < min(0, losses[0])  # fake minus real

    @pytest.mark.parametrize(
        ("skips", "fed"), [("deep", [False, False, True, True]), ("all", [True] * 4), ("none", [False] * 4)]
    )
    def test_the_refining_decoder_is_fed_by_the_levels_asked_for(self, small_frgan, skips, fed):
        """17: of E0 to E3, besides what the deepest gives through the bottleneck."""
        G_R = small_frgan(image_size=64, frames=16, skips_R=skips).G_R.eval()
        clip, maps = torch.zeros(1, 3, 16, 64, 64), torch.zeros(1, 13, 16, 64, 64)
        leaves = [torch.rand_like(level).requires_grad_() for level in G_R.encoder(clip, maps)]
        G_R.encoder.forward = lambda clip, maps: leaves
        G_R.squeeze.register_forward_hook(lambda module, inputs, out: out.detach())
        content = G_R(clip, maps).content
        grads = torch.autograd.grad(content.sum(), leaves, materialize_grads=True)
        assert [bool(grad.any()) for grad in grads] == fed

    def test_half_precision_gives_finite_losses_and_whole_weights(self, run_frgan, tmp_path):
        run = run_frgan(tmp_path / "run", precision="bf16", w_feat=1.0)
        system = load(run)
        assert {weight.dtype for weight in system.parameters()} == {torch.float32}
        assert system.trained.tolist() == [2, 3, 3]


class TestPoses:
    """25."""

    def test_the_loss_is_the_squared_distance_of_the_joints_that_are_seen(self):
        """Two joints at two times: x of both, then y of both."""
        true = torch.zeros(1, 2, 4)
        predicted = torch.tensor([[[0.3, 0.9, 0.4, 0.9], [0.0, 0.6, 0.1, 0.8]]])
        seen = torch.tensor([[[True, False], [True, True]]])
        expected = (0.25 + 0.01 + 1.0) / 3  # the second joint of the first time is not seen
        assert float(pose_loss(predicted, true, seen)) == pytest.approx(expected)

    def test_where_nothing_is_seen_it_is_0_and_not_nan(self):
        predicted = torch.rand(2, 3, 26).requires_grad_()
        loss = pose_loss(predicted, torch.rand(2, 3, 26), torch.zeros(2, 3, 13, dtype=torch.bool))
        loss.backward()
        assert loss == 0
        assert not predicted.grad.any()

    def test_places_of_joints_to_come_that_are_not_seen_do_not_count(self, small_frgan, train_in, people):
        batch = batches_of(small_frgan(), people)["pose"]
        rows = batch["poses"].clone()
        rows[:, :, 26 + 4] = 0  # how surely joint 4 is seen
        losses = []
        for place in (0.0, 1000.0):
            rows[:, 3:, 8:10] = place
            losses.append(train_in(small_frgan(), "pose", batch | {"poses": rows.clone()})["loss_pose"])
        assert losses[0] == losses[1]

    def test_it_is_shown_the_first_poses_and_asked_for_the_next(self, small_frgan, train_in, people):
        system = small_frgan(observed=4, horizon=5)
        batch = batches_of(system, people)["pose"]
        assert batch["poses"].shape == (3, 9, 39)
        asked = []
        system.P.register_forward_pre_hook(lambda _, inputs: asked.append(inputs))
        train_in(system, "pose", batch)
        ((observed, steps),) = asked
        x = batch["poses"][:, :4, 0:26:2]
        torch.testing.assert_close(observed[..., :13], 2 * x / 16 - 1)
        assert (observed.shape, steps) == ((3, 4, 26), 5)


class TestForecasting:
    @pytest.mark.parametrize(("w_rec", "w_mask", "opens"), [(1.0, 1.0, False), (3.0, 0.05, True)])
    def test_the_mask_is_driven_shut_by_equal_weights_and_kept_open_by_those_of_the_authors(
        self, small_frgan, w_rec, w_mask, opens
    ):
        """39: without a critic, on one pair of frames in which a square moves by less than the mask costs."""
        pixels = np.full((2, 16, 16, 3), 60, np.uint8)
        pixels[0, 2:6, 2:6] = pixels[1, 9:13, 9:13] = 130
        places = np.array([4, 11], np.float32)[:, None, None].repeat(13, 1).repeat(2, 2)
        columns = {"joints": [places] * 2, "visible": [np.ones((2, 13))] * 2}
        clips = clips_from_arrays([pixels] * 2, name="pair", columns=columns)
        system = small_frgan(w_rec=w_rec, w_mask=w_mask, w_adv=0.0, refine=False, pose_steps=0, lr=1e-2)
        batch = system.prepare(batches_of(system, clips, 2)["forecast"])
        optimizers = system.optimizers()
        system.step_D_I = lambda *_: {}
        for _ in range(30):
            system.step_forecast(optimizers, batch, {})
        with torch.no_grad():
            mask = system.G_M(uint8_to_float(batch["frame"]), batch["map"], batch["target_map"]).mask[0, 0]
        moving = torch.from_numpy((pixels[0] != pixels[1])[..., 0])
        assert mask[~moving].mean() < 0.2
        assert (mask[moving].mean() > 0.5) == opens
        assert opens or mask.mean() < 0.05

    @torch.no_grad()
    def test_no_frame_depends_on_the_structure_of_another(self, frgan_run, people):
        """34."""
        system = load(frgan_run)
        rows = system.structure.rows_of_all(people)[0]
        picture, others = people[0].frames[0], rows.copy()
        others[:7] += 2
        others[8:] = 0
        one, other = (torch.cat([x["image"] for x in system.forecasts(picture, rows[0], r)]) for r in (rows, others))
        torch.testing.assert_close(one[7], other[7])
        assert not torch.allclose(one[6], other[6], atol=1e-3)


class TestRefining:
    @pytest.fixture(scope="class")
    @classmethod
    def batch(cls, small_frgan, people) -> dict[str, Tensor]:
        return batches_of(small_frgan(), people)["refine"]

    def test_the_forecasting_network_stays_as_it_is(self, small_frgan, train_in, batch):
        """22: weights, running statistics, no gradients, in the mode that it has at test."""
        system = small_frgan()
        before = {name: value.clone() for name, value in system.G_M.state_dict().items()}
        modes = []
        system.G_M.register_forward_hook(lambda module, *_: modes.append(module.training))
        system.G_M.f_D.register_forward_hook(lambda module, *_: modes.append(module.training))
        train_in(system, "refine", batch, 2)
        assert all(torch.equal(before[name], value) for name, value in system.G_M.state_dict().items())
        assert all(weight.grad is None for weight in system.G_M.parameters())
        assert modes
        assert not any(modes)

    @pytest.mark.usefixtures("without_steps")
    def test_the_critic_of_frames_sees_one_random_frame_of_each_clip_with_its_own_map(self, small_frgan, batch):
        """23: of real and refined clips the same one."""
        system, seen = small_frgan(frames=4), []
        real, M, _ = refining(system, batch)
        system.D_I.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
        times = set()
        for iteration in range(6):
            seen.clear()
            noise = noise_of(system, "refine", later=iteration)
            system.step_refine(NO_OPTIMIZERS, system.prepare(batch), noise)
            (images, maps), *_ = seen
            assert len(images) == len(maps) == 6
            for clip, t in enumerate(noise["time"].tolist()):
                assert torch.equal(images[clip], real[clip, :, t])
                assert torch.equal(maps[clip], M[clip, :, t])
                assert torch.equal(maps[3 + clip], M[clip, :, t])
                assert not torch.equal(images[3 + clip], real[clip, :, t])
                times.add((clip, t))
        assert len(times) > 6  # of twelve, others in other iterations

    @pytest.mark.usefixtures("without_steps")
    def test_a_step_on_the_rank_alone_makes_it_fall_for_the_generator_and_rise_for_the_critic(self, small_frgan, batch):
        """21."""
        system = small_frgan(use_D_I=False)
        noise = noise_of(system, "refine")
        real, M, coarse = refining(system, batch)

        def rank_for_G_R() -> Tensor:
            return system.step_G_R(NO_OPTIMIZERS, system.G_R(coarse, M), real, coarse, M)["G_R_rank"]

        def rank_for_D_V() -> Tensor:
            refined = system.G_R(coarse, M).clip.detach()
            return -system.step_D_V(NO_OPTIMIZERS, real, refined, coarse, M, noise)["D_V_rank"]

        for network, rank, sign in ((system.G_R, rank_for_G_R, -1), (system.D_V, rank_for_D_V, 1)):
            before = rank()
            gradient = slopes(before, network)
            size = torch.stack([slope.norm() for slope in gradient]).norm()
            with torch.no_grad():
                for weight, slope in zip(network.parameters(), gradient, strict=True):
                    weight += sign * 1e-2 * slope / size
            assert sign * (rank() - before) > 0

    @pytest.mark.usefixtures("without_steps")
    def test_past_its_cap_the_rank_moves_the_critic_no_more(self, small_frgan, batch):
        """21: but still the generator."""
        system = small_frgan(use_D_I=False, rank_cap=0.1)
        real, M, coarse = refining(system, batch)
        refined = system.G_R(coarse, M)
        of_critic = refined.clip.detach(), coarse, M, noise_of(system, "refine")
        of_D_V = system.step_D_V(NO_OPTIMIZERS, real, *of_critic)["D_V_rank"]
        assert of_D_V.item() == pytest.approx(-0.1)
        assert not any(slope.any() for slope in slopes(of_D_V, system.D_V))
        of_G_R = system.step_G_R(NO_OPTIMIZERS, refined, real, coarse, M)["G_R_rank"]
        assert of_G_R > 0.1
        assert any(slope.any() for slope in slopes(of_G_R, system.G_R))

    @pytest.mark.usefixtures("without_steps")
    def test_real_and_coarse_clips_are_constants(self, small_frgan, batch):
        """21."""
        system = small_frgan()
        *_, coarse = refining(system, batch)
        assert not coarse.requires_grad
        losses = system.step_refine(NO_OPTIMIZERS, system.prepare(batch), noise_of(system, "refine"))
        assert losses["G_R_rank"].requires_grad
        assert all(p.grad is None for p in system.parameters())

    def test_careless_joints_are_those_of_observed_poses_and_of_windows(self, small_frgan, people):
        """Not those that poses are to be foretold to, nor those of pairs; and always off by the same."""
        exact, careless, again = (batches_of(small_frgan(joint_noise=noise), people) for noise in (0.0, 2.0, 2.0))
        for stage, name, part in (("pose", "poses", slice(3)), ("refine", "rows", slice(None))):
            (joints, seen), (off, seen_too) = (FRGAN_ROWS.split(b[stage][name][:, part]) for b in (exact, careless))
            assert 1 < (off - joints).std() < 3
            assert torch.equal(seen, seen_too)
            assert torch.equal(careless[stage][name], again[stage][name])
        assert torch.equal(careless["pose"]["poses"][:, 3:], exact["pose"]["poses"][:, 3:])
        assert torch.equal(careless["refine"]["clip"], exact["refine"]["clip"])
        assert all(torch.equal(careless["forecast"][key], value) for key, value in exact["forecast"].items())


class TestDraws:
    def test_the_number_of_processes_changes_nothing(self, small_frgan):
        """Two with half of a batch each draw what one draws for all of it."""
        system = small_frgan()
        whole = noise_of(system, "refine", 4)
        halves = [system.noise(2, Random(0, system.iteration, rank=rank, world=2)) for rank in range(2)]
        assert set(whole) == {"share_I", "share_V", "time"}
        for name, one in whole.items():
            assert torch.equal(torch.cat([half[name] for half in halves]), one)

    def test_a_frame_of_each_clip_is_the_one_drawn(self):
        clip = torch.arange(12.0).view(3, 1, 4, 1, 1)
        assert one_frame(clip, torch.tensor([2, 0, 3])).flatten().tolist() == [2, 4, 11]

    @pytest.mark.usefixtures("without_steps")
    def test_two_half_batches_are_one(self, small_frgan, people):
        """What critics learn from is a mean over examples: halves weigh as much as each other."""
        system = small_frgan(gp_weight=0.0, use_D_I=False).eval()
        real, M, coarse = refining(system, batches_of(system, people, n=4)["refine"])
        refined, noise = system.G_R(coarse, M), noise_of(system, "refine", 4)

        def losses(part: slice) -> dict[str, Tensor]:
            clips = [clip[part] for clip in (real, refined.clip, coarse, M)]
            own = type(refined)(*(x[part] for x in refined))
            of_G_R = system.step_G_R(NO_OPTIMIZERS, own, clips[0], clips[2], clips[3])
            return system.step_D_V(NO_OPTIMIZERS, *clips, {"share_V": noise["share_V"][part]}) | of_G_R

        whole, *halves = (losses(part) for part in (slice(None), slice(2), slice(2, None)))
        for name, loss in whole.items():
            torch.testing.assert_close(sum(half[name] for half in halves) / 2, loss, msg=lambda m, n=name: f"{n}: {m}")


def numbered(lengths: Sequence[int], subjects: Sequence[str | None] | None = None, layout: str = "arrays") -> Clips:
    """Clips of one pixel whose first channel is the clip's number and second the time; so are their joints."""
    frames, joints = [], []
    for clip, length in enumerate(lengths):
        pixels = np.zeros((length, 8, 8, 3), np.uint8)
        pixels[..., 0], pixels[..., 1] = clip, np.arange(length)[:, None, None]
        frames.append(pixels)
        joints.append(np.stack([pixels[:, 0, 0, :2]] * 13, axis=1).astype(np.float32))
    columns = {"joints": joints, "visible": [np.ones(j.shape[:2], np.float32) for j in joints]}
    columns |= {} if subjects is None else {"subject": subjects}
    return clips_from_arrays(frames, name="numbered", columns=columns, skeleton="penn13", layout=layout)


def rows(**choices: Any) -> Joints:
    """The structure of bodies, and how examples of it are drawn."""
    return Joints(FRGANConfig(**choices))


class TestPairs:
    """30."""

    @given(length=st.integers(2, 6), max_jump=st.none() | st.integers(1, 7), seed=st.integers(0, 9))
    def test_targets_come_later_in_the_same_clip_with_their_own_structure(self, length, max_jump, seed):
        pairs = ForecastPairs(numbered([length, 6]), rows(max_jump=max_jump), seed)
        for i in range(40):
            example = {name: value.numpy() for name, value in pairs[i].items()}
            (clip, t), (same, later) = example["frame"][0, 0, :2].tolist(), example["target"][0, 0, :2].tolist()
            assert clip == same == i % 2
            assert 1 <= later - t <= (max_jump or 6)
            assert later < (length, 6)[clip]
            assert example["row"][:2].tolist() == [clip, t]
            assert example["target_row"][:2].tolist() == [clip, later]

    @pytest.mark.parametrize("max_jump", [None, 3])
    def test_all_jumps_are_reachable(self, max_jump):
        pairs = ForecastPairs(numbered([6]), rows(max_jump=max_jump))
        drawn = {(int(e["frame"][0, 0, 1]), int(e["target"][0, 0, 1])) for e in (pairs[i] for i in range(400))}
        assert drawn == {(t, later) for t in range(6) for later in range(t + 1, 6) if later - t <= (max_jump or 6)}

    def test_from_the_first_frame_all_are_drawn_itself_too(self):
        pairs = ForecastPairs(numbered([5]), rows(pair_sampling="first_frame"))
        drawn = {(int(e["frame"][0, 0, 1]), int(e["target"][0, 0, 1])) for e in (pairs[i] for i in range(100))}
        assert drawn == {(0, later) for later in range(5)}

    def test_mirrored_examples_have_mirrored_structure(self, people):
        """A joint stays over the pixels that show it, and left becomes right."""
        pairs = ForecastPairs(people.with_mirrored(), FRGAN_ROWS)
        rng = np.random.default_rng((0, 12))
        t, k = pairs.times(24, rng)
        example, true = pairs[12], people.column("joints")[0][t + k]
        assert np.array_equal(example["target"].numpy(), people[0].frames[t + k][:, ::-1])
        joints, _ = FRGAN_ROWS.split(example["target_row"])
        left, right = (FRGAN_ROWS.skeleton.joints.index(f"{side} wrist") for side in ("left", "right"))
        assert joints[left, 0] == pytest.approx(16 - true[right, 0], abs=1e-5)
        assert joints[left, 1] == pytest.approx(true[right, 1], abs=1e-5)


class TestWindows:
    @given(
        length=st.integers(2, 12), frames=st.integers(1, 8), source=st.sampled_from(["before", "first"]),
        seed=st.integers(0, 9),
    )  # fmt: skip
    def test_windows_follow_the_frame_that_they_are_forecast_from(self, length, frames, source, seed):
        """Frames in a row; a short clip rests on its last."""
        windows = RefineWindows(numbered([length]), rows(frames=frames, window_source=source), seed)
        for i in range(10):
            example = windows[i]
            times, start = example["clip"][:, 0, 0, 1].tolist(), int(example["clip"][0, 0, 0, 1])
            assert start >= 1
            assert times == [min(start + i, length - 1) for i in range(frames)]
            assert example["frame"][0, 0, 1] == (start - 1 if source == "before" else 0)
            assert example["rows"][:, 1].tolist() == times
            assert example["row"][1] == example["frame"][0, 0, 1]

    def test_clips_of_another_method_are_cut_alike_after_what_it_was_given(self, tmp_path):
        """And mirrored with the real ones."""
        clips, size = numbered([12]), {"frames": 4, "observed": 3, "coarse": str(tmp_path)}
        np.save(tmp_path / "numbered[0].npy", np.asarray(clips[0].frames) + np.uint8(100))
        windows = RefineWindows(clips.with_mirrored(), rows(**size, image_size=8))
        examples = [windows[i] for i in range(80)]
        assert all(torch.equal(e["coarse"], e["clip"] + 100) for e in examples)
        assert {int(e["clip"][0, 0, 0, 1]) for e in examples} == set(range(3, 9))

    def test_systems_that_went_on_from_frames_are_refined(self, frgan_run, small_frgan, people):
        """Mirror images are those of what was made of the clips."""
        pixels = people.pixels.copy()
        pixels[:, :, :8] = 200  # so that a frame differs from its mirror image
        clips = replace(people, pixels=pixels).with_mirrored()
        windows = RefineWindows(clips, small_frgan(coarse=str(frgan_run), pose_steps=0).structure)
        assert all(len(made) == 24 for made in windows.coarse)
        for made, mirrored in zip(windows.coarse[:12], windows.coarse[12:], strict=True):
            assert np.array_equal(made, mirrored[:, :, ::-1])


class TestGroups:
    """29."""

    @given(
        people=st.lists(st.sampled_from("abcdef"), min_size=2, max_size=12).filter(lambda who: len(set(who)) > 1),
        seed=st.integers(0, 99),
    )
    def test_no_person_is_in_both_and_nobody_is_left_out(self, people, seed):
        first, second = stage_groups(numbered([2] * len(people), people), seed)
        who = [set(group.column("subject")) for group in (first, second)]
        assert not who[0] & who[1]
        assert who[0] | who[1] == set(people)
        assert 0 <= len(who[0]) - len(who[1]) <= 1

    @given(count=st.integers(2, 9), seed=st.integers(0, 99))
    def test_where_nobody_is_named_no_clip_is_in_both(self, count, seed):
        groups = stage_groups(numbered([2] * count), seed)
        paths = [{record.path for record in group.records} for group in groups]
        assert not paths[0] & paths[1]
        assert len(paths[0] | paths[1]) == count

    @given(count=st.integers(2, 9), seed=st.integers(0, 99))
    def test_mirror_images_change_nothing_and_are_where_their_clips_are(self, count, seed):
        plain = stage_groups(numbered([2] * count), seed)
        both = stage_groups(numbered([2] * count).with_mirrored(), seed)
        for alone, mirrored in zip(plain, both, strict=True):
            names = [record.path for record in alone.records]
            assert [record.path for record in mirrored.records] == names * 2
            assert [record.mirrored for record in mirrored.records] == [False] * len(names) + [True] * len(names)

    def test_of_mug_they_are_what_was_published(self):
        names = f"{TEST_SUBJECTS} {REFINE_SUBJECTS} {FORECAST_SUBJECTS}".split()
        first, second = stage_groups(numbered([2] * len(names), names, layout="MUG"), 0)
        assert first.column("subject") == FORECAST_SUBJECTS.split()
        assert second.column("subject") == REFINE_SUBJECTS.split()

    def test_people_of_mug_of_one_group_only_are_shared_out(self):
        first, second = stage_groups(numbered([2] * 4, FORECAST_SUBJECTS.split()[:4], layout="MUG"), 0)
        assert len(first) == len(second) == 2

    def test_stages_learn_from_their_own_group(self, small_frgan, people):
        system = small_frgan()
        who = [set(system.examples(people, stage).clips.column("subject")) for stage in system.stages]
        assert who[0] == who[1]
        assert not who[1] & who[2]


class TestRuns:
    def test_resumed_in_every_stage_it_is_the_same_run(self, frgan_run, run_frgan, tmp_path):
        """36: interrupted in every stage; losses, weights, optimisers."""
        for stop in (1, 4, 7, 8):
            parts = run_frgan(tmp_path / "run", max_steps=stop, resume=stop > 1)
        assert losses_of(parts) == losses_of(frgan_run)
        assert len(losses_of(parts)) == 8
        one, other = (torch.load(r / "checkpoints" / "00000008.ckpt", weights_only=True) for r in (parts, frgan_run))
        assert all(torch.equal(one["state_dict"][key], value) for key, value in other["state_dict"].items())
        assert len(one["optimizer_states"]) == 5
        for name, optimizer in other["optimizer_states"].items():
            torch.testing.assert_close(one["optimizer_states"][name]["state"], optimizer["state"], rtol=0, atol=0)

    def test_what_was_trained_is_known_after_loading(self, frgan_run, frgan_face_run):
        bodies, faces = load(frgan_run), load(frgan_face_run)
        assert bodies.trained.tolist() == [2, 3, 3]
        assert (bodies.can_predict, bodies.can_forecast, bodies.can_refine) == (True, True, True)
        assert (faces.can_predict, faces.can_forecast, faces.can_refine) == (False, True, True)

    @pytest.mark.parametrize(("name", "stages"), [("tiny", [1, 1, 1]), ("tiny_face", [0, 1, 2])])
    def test_the_tiny_presets_train(self, tmp_path, name, stages):
        options = {"pose_steps": 1, "forecast_steps": 1, "max_steps": 3, "pose_batch": 2, "accelerator": "cpu"}
        out = tmp_path / "run"
        train("frgan", preset=name, out=out, quiet=True, max_clips=18, held_out=0.3, batch_size=2, **options)
        system = load(out)
        assert system.trained.tolist() == stages
        assert (system.config.image_size, system.config.frames) == (32, 8)
        assert (out / "samples" / "00000003.png").is_file()

    @pytest.mark.parametrize("name", list(presets("frgan")))
    def test_every_preset_describes_a_system(self, name):
        """With all its options known; only the widths are reduced."""
        narrow = {"ch": 1, "max_ch": 2, "ch_R": 1, "max_ch_R": 2, "hidden": 2, "code": 2}
        _, config = resolve("frgan", presets("frgan")[name])
        system = FRGAN(replace(config, **narrow))
        assert (system.G_R is None) == (name == "release")
        assert (system.P is None) == (system.config.columns == ("landmarks",))

    def test_the_defaults_are_those_of_the_paper(self):
        """Of what the presets of faces and bodies share."""
        faces, bodies = presets("frgan")["paper"], presets("frgan")["paper_body"]
        assert {
            name for name in ("ch", "max_ch", "code", "ch_R", "max_ch_R", "lr") if faces[name] != bodies[name]
        } == set()
        with torch.device("meta"):
            system = FRGAN(config := FRGANConfig())
        assert sum(p.numel() for p in system.G_M.parameters()) == 70_332_356
        assert (config.w_rec, config.w_mask, config.gp_weight, config.rank_cap) == (3, 0.05, 10, 5)

    def test_maps_that_were_made_elsewhere_train_and_draw(self, run_frgan, bodies, tmp_path):
        """From a folder with a file of maps beside each clip."""
        folder = with_maps(bodies, tmp_path / "maps")
        options = {"structure": "maps", "map_channels": 13, "pose_steps": 0, "joint_noise": 0.0, "max_clips": None}
        system = load(run_frgan(tmp_path / "run", data=str(folder), **options))
        clip = next((folder / "clips").rglob("*.npy"))
        assert len(system.drive(video=clip).frames) == 48


def losses_of(run: Path) -> list[list[str]]:
    with (run / "metrics.csv").open(newline="") as file:
        return [[value for name, value in row.items() if name.startswith("loss_")] for row in csv.DictReader(file)]


def with_maps(source: Path, out: Path) -> Path:
    """The clips of a folder with heat maps of their joints instead of the joints."""
    for clip in sorted(source.rglob("*.npy")):
        name = clip.relative_to(source)
        joints = np.load((source / "structures" / name).with_suffix(".npz"))
        maps = heatmaps(torch.from_numpy(joints["joints"]), torch.from_numpy(joints["visible"]), 16, 1.0)
        for path in (out / "clips" / name, out / "structures" / "clips" / name):
            path.parent.mkdir(parents=True, exist_ok=True)
        np.save(out / "clips" / name, np.load(clip))
        np.savez((out / "structures" / "clips" / name).with_suffix(".npz"), maps=maps.numpy())
    return out
