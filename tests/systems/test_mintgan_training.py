"""The algorithm of section 5.2, step by step. Numbers are those of the acceptance list."""

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.data.synthetic import make_clips
from mutoscope.losses import r1
from mutoscope.nn import time_to_channels
from mutoscope.systems.mintgan import MintGAN
from mutoscope.systems.mintgan.system import FAKE_FRAMES, REAL_FRAMES

SMALL = {
    **{"d_a": 8, "d_m": 4, "N": 16, "image_size": 8, "frames": 8, "levels": 3},
    **{"widths": [8, 8], "widths_D": [8, 8], "mlp_depth": 3},
}
LN2 = math.log(2)


def untrained(kind: type[MintGAN], **arguments: Any) -> MintGAN:
    """A system of this class, always from the same first weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(**(SMALL | arguments))


def small(**arguments: Any) -> MintGAN:
    return untrained(MintGAN, **arguments)


@pytest.fixture(scope="module")
def clips() -> Tensor:
    """Four clips of moving sprites, uint8 `n t h w c`, as training gets them."""
    made = make_clips("moving_sprites", size=8, max_clips=4, frames=32)
    return torch.from_numpy(np.stack(made.clips))


@pytest.fixture(scope="module")
def real(clips: Tensor) -> Tensor:
    """Eight frames of them as networks get them, `n c t h w`."""
    return clips[:, :8].permute(0, 4, 1, 2, 3).float() / 127.5 - 1


@pytest.fixture
def steps(fit: Callable[..., None], clips: Tensor) -> Callable[..., dict[str, Tensor]]:
    """`steps(system)`: a step under a trainer, or more of them on the same clips; gives the last losses."""

    def run(system: MintGAN, count: int = 1) -> dict[str, Tensor]:
        example = {"clip": clips[:, : system.frames, ..., : system.channels]}
        fit(system, clips, count, body=lambda _: MintGAN.training_step(system, example, 0))
        return system.losses

    return run


def weights_of(system: MintGAN) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in system.named_parameters()}


def networks_that(system: MintGAN, holds: Callable[[str, Tensor], bool]) -> set[str]:
    """The networks with a weight for which this holds."""
    return {name.split(".")[0] for name, weight in system.named_parameters() if holds(name, weight)}


class Half(MintGAN):
    """One process of two, without a trainer: its steps leave gradients in the place of changed weights."""

    world_size = 2
    rank = 0

    def share(self, draws: Tensor) -> Tensor:
        return draws.chunk(self.world_size)[self.rank]

    def optimizers(self) -> tuple[None, None]:
        return None, None

    def descend(self, optimizer: None, loss: Tensor) -> None:
        loss.backward(retain_graph=True)


class Whole(Half):
    """The same as the only process."""

    world_size = 1


class TestSteps:
    @pytest.mark.parametrize("noise", [False, True])
    def test_a_step_changes_every_trainable_tensor(self, steps, noise):
        """22: M and the scalars of noise among them."""
        system = small(noise=noise)
        before = weights_of(system)
        steps(system)
        still = {name for name, weight in system.named_parameters() if torch.equal(weight, before[name])}
        assert "G.bank.M" in before
        assert still == set()

    def test_each_loss_trains_its_own_networks(self, steps):
        """12: all discriminators first, then G on the same clips; no gradient is left in another network."""
        system, events = small(), []
        descend = system.descend

        def watched(optimizer: Any, loss: Tensor) -> None:
            before = weights_of(system)
            slopes = {name: weight.grad for name, weight in system.named_parameters()}
            descend(optimizer, loss)
            moved = networks_that(system, lambda name, weight: not torch.equal(weight, before[name]))
            sloped = networks_that(system, lambda name, weight: weight.grad is not slopes[name])
            events.append((moved, sloped))

        system.descend = watched
        steps(system, 2)
        assert events == [({"D_I", "D_V"}, {"D_I", "D_V"}), ({"G"}, {"G"})] * 2

    def test_gradients_of_g_reach_all_its_parts(self, steps):
        """12: G_A, GRU, G_M, M and G_S."""
        system = small()
        steps(system)
        for name, weight in system.G.named_parameters():
            assert weight.grad.abs().sum() > 0, name

    def test_each_discriminator_plays_its_own_game(self, real):
        """12: the loss of one leaves the others without gradient."""
        system = small()
        losses = [(D, 1) for D in system.D_V.discriminators]
        for level, (D, _) in enumerate(losses):
            D(system.D_V.views(real)[level]).sum().backward()
            pulled = [other for other, _ in losses if any(p.grad is not None for p in other.parameters())]
            assert pulled == [D]
            D.zero_grad()

    def test_losses_are_those_of_the_equations(self, steps, clips):
        """Section 5.2.4 by hand and by a plain Adam: also after a step, and in one without penalty."""
        trained = small(r1_every=2, r1_gamma=3.0, lambda_V=0.7)
        by_hand = copy.deepcopy(trained)
        optimizers = by_hand.configure_optimizers()
        expected = [step_by_hand(by_hand, clips, *optimizers) for _ in range(3)]
        measured = []
        trained.on_train_batch_end = lambda *_: measured.append({k: float(v) for k, v in trained.losses.items()})
        steps(trained, 3)
        assert list(trained.losses) == ["loss_D_I", "loss_D_V0", "loss_D_V1", "loss_D_V2", "loss_G"]
        for found, values in zip(measured, expected, strict=True):
            assert found == pytest.approx(values, rel=1e-3, abs=1e-4)
        assert trained.iteration == 3  # of steps, however many optimisers there are

    def test_logits_of_zero_cost_what_a_coin_does(self, steps):
        """19: 2 ln 2 for each discriminator; ln 2 for G, and λ = 0.5 times that for each speed."""
        system = small()
        for D in (system.D_I, *system.D_V.discriminators):
            nn.init.zeros_(D.head[-1].weight)
            D.head[-1].weight.requires_grad_(False)
            D.head[-1].bias.requires_grad_(False)
        losses = {name: value.item() for name, value in steps(system).items()}
        coin = dict.fromkeys(("loss_D_I", "loss_D_V0", "loss_D_V1", "loss_D_V2"), 2 * LN2)
        assert losses == pytest.approx(coin | {"loss_G": (1 + 3 * 0.5) * LN2})

    @pytest.mark.parametrize("lambda_V", [0.0, 0.5, 2.0])
    def test_lambda_weighs_judges_of_clips_alone(self, real, lambda_V):
        """19: Eq. 5.5."""
        system, frames = small(lambda_V=lambda_V), real[:, :, 3]
        with torch.no_grad():
            of_frames = F.softplus(-system.D_I(frames)).mean()
            of_clips = sum(F.softplus(-score).mean() for score in system.D_V(real))
            torch.testing.assert_close(system.loss_G(real, frames), of_frames + lambda_V * of_clips)

    @pytest.mark.parametrize("every", [1, 3])
    def test_the_penalty_is_lazy(self, clips, real, every):
        """20: every so many iterations, as many times γ / 2 · R1, of each discriminator on its view of real clips."""
        for iteration in range(4):
            paying, free = (untrained(Whole, r1_gamma=gamma, r1_every=every) for gamma in (3.0, 0.0))
            for system in (paying, free):
                system.iteration = iteration
                frames = system.random_frames(real, REAL_FRAMES)
                system.training_step({"clip": clips[:, :8]}, 0)
            slopes = []
            for D, view in zip((free.D_I, *free.D_V.discriminators), (frames, *free.D_V.views(real)), strict=True):
                seen = view.clone().requires_grad_()
                slopes.append(r1(D(seen), seen).item())
            found = [(paying.losses[name] - free.losses[name]).item() for name in list(free.losses)[:-1]]
            expected = [3.0 * every / 2 * slope if iteration % every == 0 else 0.0 for slope in slopes]
            assert found == pytest.approx(expected, rel=1e-3, abs=1e-5)

    def test_adam_is_corrected_for_the_lazy_penalty(self):
        """17 gradients in 16 steps (Karras et al. 2020, appendix B)."""
        (of_G,), (of_D,) = (optimizer.param_groups for optimizer in small().configure_optimizers())
        assert (of_G["lr"], of_G["betas"]) == (2e-3, (0.0, 0.99))
        assert of_D["lr"] == pytest.approx(2e-3 * 16 / 17)
        assert of_D["betas"] == pytest.approx((0.0, 0.99 ** (16 / 17)))
        assert len(of_G["params"]) + len(of_D["params"]) == sum(p.requires_grad for p in small().parameters())

    def test_all_take_the_same_fake_clips(self, steps):
        """G draws once a step."""
        system, drawn, seen = small(), [], []
        system.G.G_S.register_forward_hook(lambda *_: drawn.append(1))
        system.D_V.discriminators[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
        steps(system)
        of_real, fake_for_D, fake_for_G = seen
        assert len(drawn) == 1
        assert torch.equal(fake_for_D, fake_for_G)
        assert not torch.equal(of_real, fake_for_D)

    def test_directions_are_up_to_date_after_a_step(self, steps):
        """14: those of M as it is now, each going on as the one before."""
        system = small(lr=0.05)
        for _ in range(3):
            before = system.G.directions().detach().clone()
            steps(system)
            D, M = system.G.directions().detach(), system.G.bank.M.detach()
            assert ((before @ D.T).diagonal() >= 0).all()
            assert not torch.equal(D, before)
            G = (M @ D.T).T @ (M @ D.T)
            assert (G - G.diagonal().diag()).abs().max() < 1e-3

    def test_an_average_follows(self, steps):
        """22: M included; after the second step it differs from what it follows, and its directions are its own."""
        system = small(ema=0.75)
        before = weights_of(system)
        steps(system)
        assert system.generator is system.G_average.network
        for name, weight in system.G.named_parameters():
            expected = before[f"G.{name}"].lerp(weight.detach(), 0.25)
            torch.testing.assert_close(system.G_average.network.get_parameter(name), expected)
        steps(system)
        average = system.generator
        for name, weight in system.G.named_parameters():
            assert not torch.equal(average.get_parameter(name), weight), name
        D, M = average.directions(), average.bank.M
        assert (D @ D.T - torch.eye(16)).abs().max() < 1e-5
        assert ((D @ system.G.directions().T).diagonal() > 0.5).all()
        turned = (M @ D.T).T @ (M @ D.T)
        assert (turned - turned.diagonal().diag()).abs().max() < 1e-3

    def test_without_an_average_the_last_weights_draw(self, steps):
        system = small(ema=0.0)
        steps(system)
        assert system.generator is system.G
        assert system.averaged_networks() == {}

    def test_in_mixed_precision_codes_and_losses_stay_full(self, fit, clips):
        """38: a step under autocast."""
        system, example = small(), {"clip": clips[:, :8]}

        def step(_: Any) -> None:
            with torch.autocast("cpu", torch.bfloat16):
                MintGAN.training_step(system, example, 0)

        before, (z_a, z_m) = weights_of(system), (torch.ones(1, 8), torch.ones(1, 3, 4))
        with torch.autocast("cpu", torch.bfloat16):
            assert system.G.codes(system.G.appearance(z_a), system.G.magnitudes(z_a, z_m)).dtype == torch.float32
        fit(system, clips, 2, body=step)
        D = system.G.directions()
        assert all(loss.isfinite() and loss.dtype == torch.float32 for loss in system.losses.values())
        assert (D @ D.T - torch.eye(16)).abs().max() < 1e-5
        assert all(not torch.equal(weight, before[name]) for name, weight in system.named_parameters())


def step_by_hand(system: MintGAN, clips: Tensor, opt_G: Any, opt_D: Any) -> dict[str, float]:
    """A step of the algorithm, written out."""
    real = clips[:, :8].permute(0, 4, 1, 2, 3).float() / 127.5 - 1
    fake = system.fake_clips(len(clips))
    views = {"D_I": (system.D_I, system.random_frames(real, REAL_FRAMES), system.random_frames(fake, FAKE_FRAMES))}
    for level, D in enumerate(system.D_V.discriminators):
        views[f"D_V{level}"] = D, time_to_channels(real, 2**level), time_to_channels(fake, 2**level)
    losses = {}
    for name, (D, on_real, on_fake) in views.items():
        seen = on_real.clone().requires_grad_()
        score = D(seen)
        loss = -torch.sigmoid(score).log().mean() - (1 - torch.sigmoid(D(on_fake.detach()))).log().mean()
        if system.iteration % 2 == 0:
            (slope,) = torch.autograd.grad(score.sum(), seen, create_graph=True)
            loss = loss + 2 * 3.0 / 2 * slope.square().sum((1, 2, 3)).mean()
        losses[f"loss_{name}"] = loss
    opt_D.zero_grad()
    sum(losses.values()).backward()
    opt_D.step()
    of_G = {name: -torch.sigmoid(D(on_fake)).log().mean() for name, (D, _, on_fake) in views.items()}
    losses["loss_G"] = of_G["D_I"] + 0.7 * sum(loss for name, loss in of_G.items() if name != "D_I")
    opt_G.zero_grad()
    losses["loss_G"].backward()
    opt_G.step()
    system.G.bank.settle()
    system.iteration += 1
    return {name: loss.item() for name, loss in losses.items()}


VARIANTS = [
    *({"motion_bank": method} for method in ("eigh", "qr", "orthogonal", "free", "none")),
    *({"levels": levels} for levels in (0, 1, 2)),
    *({"frames": frames, "levels": levels} for frames, levels in ((8, 1), (16, 4), (32, 4), (5, 2))),
    {"d_v": "3d"},
    {"use_D_I": False},
    {"d_v": "3d", "use_D_I": False, "levels": 0},
    {"random_phase": True, "frames": 16, "image_frames": 3},
    {"noise": True, "ema": 0.0},
    {"motion_out_act": "none", "order": "desc", "mapping_lr": 0.1, "motion_gain": 0.1},
    {"channels": 1},
    {"r1_gamma": 0.0},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: " ".join(f"{k}={v}" for k, v in variant.items()))
def test_every_variant_takes_a_step(steps, variant):
    """16 and 36: losses are finite, every tensor moves, and clips can be drawn."""
    system = small(**variant)
    before = weights_of(system)
    losses = steps(system, 2)
    assert all(loss.isfinite() for loss in losses.values())
    judges = {"loss_D_I"} if variant.get("use_D_I", True) else set()
    judges |= {"loss_D_V0"} if "d_v" in variant else {f"loss_D_V{i}" for i in range(variant.get("levels", 3))}
    assert losses.keys() == judges | {"loss_G"}
    assert {name for name, weight in system.named_parameters() if torch.equal(weight, before[name])} == set()
    (clip,) = system.sample_clips(1, frames=system.frames)
    assert clip.shape == (system.frames, 8, 8, system.channels)


class TestDraws:
    """What a step draws is a function of seed, iteration and purpose."""

    def test_d_i_sees_one_frame_of_each_clip_at_a_random_time(self):
        """21: uniform, for every clip its own, apart for real and fake ones, the same for the same seed."""
        system, numbered = small(frames=16), torch.arange(16.0)[:, None, None].expand(2000, 3, 16, 2, 2)
        frames = system.random_frames(numbered, REAL_FRAMES)
        assert frames.shape == (2000, 3, 2, 2)
        times = frames[:, 0, 0, 0]
        counts = times.long().bincount(minlength=16)
        assert counts.sum() == 2000
        assert ((counts - 125) ** 2 / 125).sum() < 37.7  # chi-squared, 15 degrees of freedom: one in a thousand
        assert torch.equal(frames, small(frames=16).random_frames(numbered, REAL_FRAMES))
        assert not torch.equal(frames, system.random_frames(numbered, FAKE_FRAMES))
        system.iteration = 1
        assert not torch.equal(frames, system.random_frames(numbered, REAL_FRAMES))

    @pytest.mark.parametrize("count", [1, 3])
    def test_frames_come_clip_by_clip(self, count):
        """21: so many of each clip."""
        clips = (100 * torch.arange(5.0)[:, None] + torch.arange(8.0))[:, None, :, None, None].expand(5, 3, 8, 2, 2)
        frames = small(image_frames=count).random_frames(clips, REAL_FRAMES)
        assert frames.shape == (5 * count, 3, 2, 2)
        assert (frames[:, 0, 0, 0] // 100).tolist() == [i for i in range(5) for _ in range(count)]

    def test_clips_are_those_of_the_seed(self):
        """37: of seed and iteration."""
        system = small()
        clips = system.fake_clips(3)
        assert clips.shape == (3, 3, 8, 8, 8)
        assert torch.equal(clips, small().fake_clips(3))
        for name in ("seed", "iteration"):
            other = small()
            setattr(other, name, 1)
            assert not torch.equal(clips, other.fake_clips(3))

    def test_steps_are_those_of_the_seed(self, steps):
        """37: bit for bit."""
        systems = [small(noise=True, random_phase=True) for _ in range(2)]
        for system in systems:
            steps(system, 2)
        first, second = (system.state_dict() for system in systems)
        assert all(torch.equal(first[key], second[key]) for key in first)

    def test_speeds_start_with_the_first_frame_unless_asked(self):
        assert small(frames=16, levels=4).phases() == [0, 0, 0, 0]

    @pytest.mark.parametrize(("frames", "last"), [(16, [0, 1, 3, 7]), (19, [0, 0, 2, 2])])
    def test_a_random_phase_is_any_that_keeps_the_number_of_frames(self, frames, last):
        """Section 4.5: 0 to 2^i - 1, or fewer where the step does not divide the clip; others in other iterations."""
        system, found = small(frames=frames, levels=4, random_phase=True), []
        for system.iteration in range(100):
            found.append(system.phases())
        assert [sorted(set(starts)) for starts in zip(*found, strict=True)] == [list(range(n + 1)) for n in last]

    def test_real_and_fake_clips_start_alike(self):
        system = small(frames=16, levels=4, random_phase=True)
        clips = torch.arange(16.0)[:, None, None].expand(2, 3, 16, 8, 8)
        system.iteration = next(i for i in range(100) if min(_phases(system, i)[1:]) > 0)
        for _, on_real, on_fake in system.judged(clips, clips):
            assert torch.equal(on_real, on_fake)
        assert [on_real[0, 0, 0, 0].item() for _, on_real, _ in system.judged(clips, clips)] == system.phases()


def _phases(system: MintGAN, iteration: int) -> list[int]:
    system.iteration = iteration
    return system.phases()


@pytest.mark.parametrize(
    "variant", [{}, {"noise": True, "random_phase": True, "image_frames": 2}, {"d_v": "3d"}], ids=str
)
def test_two_processes_step_as_one(clips, variant):
    """Half of the same global batch each, four clips: their gradients' mean is that of the whole."""
    batch, gradients = clips[[0, 1, 2, 3, 3, 1, 0, 2], :8], []
    for kind, rank, part in ((Whole, 0, slice(None)), (Half, 0, slice(4)), (Half, 1, slice(4, None))):
        system = untrained(kind, **variant)
        system.rank = rank
        system.training_step({"clip": batch[part]}, 0)
        gradients.append({name: p.grad for name, p in system.named_parameters() if p.grad is not None})
    whole, *halves = gradients
    assert len(whole) == sum(p.requires_grad for p in system.parameters())
    for name, expected in whole.items():
        found = (halves[0][name] + halves[1][name]) / 2
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
    assert any(not torch.allclose(halves[0][name], halves[1][name]) for name in whole)
