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
from mutoscope.nn import frames_at, time_to_channels
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.draws import Random
from mutoscope.systems.mintgan import MintGAN, MintGANConfig
from mutoscope.systems.mintgan import system as algorithm

SMALL = {
    **{"d_a": 8, "d_m": 4, "N": 16, "image_size": 8, "frames": 8, "levels": 3},
    **{"widths": [8, 8], "widths_D": [8, 8], "mlp_depth": 3},
}
LN2 = math.log(2)


def small(**choices: Any) -> MintGAN:
    """An untrained system, always from the same first weights."""
    return MintGAN.untrained(MintGANConfig(**(SMALL | choices)))


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
def steps(fit: Callable[..., dict[str, float]], clips: Tensor) -> Callable[..., dict[str, float]]:
    """`steps(system)`: a step, or more of them on the same clips; gives the last losses."""

    def run(system: MintGAN, count: int = 1) -> dict[str, float]:
        return fit(system, {"clip": clips[:, : system.config.frames, ..., : system.config.channels]}, count)

    return run


def weights_of(system: MintGAN) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in system.named_parameters()}


def networks_that(system: MintGAN, holds: Callable[[str, Tensor], bool]) -> set[str]:
    """The networks with a weight for which this holds."""
    return {name.split(".")[0] for name, weight in system.named_parameters() if holds(name, weight)}


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

    def test_each_loss_trains_its_own_networks(self, steps, monkeypatch):
        """12: all discriminators first, then G on the same clips; no gradient is left in another network."""
        system, events, step = small(), [], algorithm.step

        def watched(optimizer: Any, loss: Tensor) -> None:
            before = weights_of(system)
            slopes = {name: weight.grad for name, weight in system.named_parameters()}
            step(optimizer, loss)
            moved = networks_that(system, lambda name, weight: not torch.equal(weight, before[name]))
            sloped = networks_that(system, lambda name, weight: weight.grad is not slopes[name])
            events.append((moved, sloped))

        monkeypatch.setattr(algorithm, "step", watched)
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

    def test_losses_are_those_of_the_equations(self, clips):
        """Section 5.2.4 by hand and by a plain Adam: also after a step, and in one without penalty."""
        trained = small(r1_every=2, r1_gamma=3.0, lambda_V=0.7)
        by_hand = copy.deepcopy(trained)
        own, theirs = trained.optimizers(), by_hand.optimizers()
        for iteration in range(3):
            trained.iteration = iteration
            noise = trained.noise(4, Random(0, iteration))
            found = trained.training_step({"clip": clips[:, :8]}, noise, own)
            trained.after_step()
            expected = step_by_hand(by_hand, clips, noise, iteration, **theirs)
            assert list(found) == ["loss_D_I", "loss_D_V0", "loss_D_V1", "loss_D_V2", "loss_G"]
            assert {k: float(v) for k, v in found.items()} == pytest.approx(expected, rel=1e-3, abs=1e-4)

    def test_logits_of_zero_cost_what_a_coin_does(self, steps):
        """19: 2 ln 2 for each discriminator; ln 2 for G, and λ = 0.5 times that for each speed."""
        system = small()
        for D in (system.D_I, *system.D_V.discriminators):
            nn.init.zeros_(D.head[-1].weight)
            D.head[-1].weight.requires_grad_(False)
            D.head[-1].bias.requires_grad_(False)
        coin = dict.fromkeys(("loss_D_I", "loss_D_V0", "loss_D_V1", "loss_D_V2"), 2 * LN2)
        assert steps(system) == pytest.approx(coin | {"loss_G": (1 + 3 * 0.5) * LN2})

    @pytest.mark.parametrize("lambda_V", [0.0, 0.5, 2.0])
    def test_lambda_weighs_judges_of_clips_alone(self, real, lambda_V):
        """19: Eq. 5.5."""
        system = small(lambda_V=lambda_V)
        noise = system.noise(4, Random(0, 0))
        with torch.no_grad():
            of_frames = F.softplus(-system.D_I(frames_at(real, noise["fake_times"]))).mean()
            of_clips = sum(F.softplus(-score).mean() for score in system.D_V(real))
            found = system.loss_G(system.judged(torch.zeros_like(real), real, noise))
            torch.testing.assert_close(found, of_frames + lambda_V * of_clips)

    @pytest.mark.parametrize("every", [1, 3])
    def test_the_penalty_is_lazy(self, steps, real, every):
        """20: every so many iterations, as many times γ / 2 · R1, of each discriminator on its view of real clips."""
        for iteration in range(4):
            paying, free = (small(r1_gamma=gamma, r1_every=every) for gamma in (3.0, 0.0))
            paying.iteration = free.iteration = iteration
            assert paying.kind == ("train", iteration % every == 0)
            slopes = []
            for seen in free.judged(real, real, free.noise(4, Random(0, iteration))):
                x = seen.real.clone().requires_grad_()
                slopes.append(r1(seen.D(x), x).item())
            losses, plain = steps(paying), steps(free)
            found = [losses[name] - plain[name] for name in list(plain)[:-1]]
            expected = [3.0 * every / 2 * slope if iteration % every == 0 else 0.0 for slope in slopes]
            assert found == pytest.approx(expected, rel=1e-3, abs=1e-5)

    def test_adam_is_corrected_for_the_lazy_penalty(self):
        """17 gradients in 16 steps (Karras et al. 2020, appendix B)."""
        (of_G,), (of_D,) = (small().optimizers()[name].param_groups for name in "GD")
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

    def test_in_mixed_precision_codes_and_losses_stay_full(self, clips):
        """38: a step under autocast."""
        system = small()
        before, (z_a, z_m), optimizers = (
            weights_of(system),
            (torch.ones(1, 8), torch.ones(1, 3, 4)),
            system.optimizers(),
        )
        for _ in range(2):
            with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
                assert system.G.codes(system.G.appearance(z_a), system.G.magnitudes(z_a, z_m)).dtype == torch.float32
                losses = system.training_step({"clip": clips[:, :8]}, system.noise(4, Random(0, 0)), optimizers)
            system.after_step()
            assert all(loss.isfinite() and loss.dtype == torch.float32 for loss in losses.values())
        D = system.G.directions()
        assert (D @ D.T - torch.eye(16)).abs().max() < 1e-5
        assert all(not torch.equal(weight, before[name]) for name, weight in system.named_parameters())


def step_by_hand(
    system: MintGAN, clips: Tensor, noise: dict[str, Tensor], iteration: int, G: Any, D: Any
) -> dict[str, float]:
    """A step of the algorithm, written out; `G` and `D` are optimisers."""
    real, fake = clips[:, :8].permute(0, 4, 1, 2, 3).float() / 127.5 - 1, system.G(noise["z_a"], noise["z_m"])
    views = {"D_I": (system.D_I, frames_at(real, noise["real_times"]), frames_at(fake, noise["fake_times"]))}
    for level, D_V in enumerate(system.D_V.discriminators):
        views[f"D_V{level}"] = D_V, time_to_channels(real, 2**level), time_to_channels(fake, 2**level)
    losses = {}
    for name, (judge, on_real, on_fake) in views.items():
        seen = on_real.clone().requires_grad_()
        score = judge(seen)
        loss = -torch.sigmoid(score).log().mean() - (1 - torch.sigmoid(judge(on_fake.detach()))).log().mean()
        if iteration % 2 == 0:
            (slope,) = torch.autograd.grad(score.sum(), seen, create_graph=True)
            loss = loss + 2 * 3.0 / 2 * slope.square().sum((1, 2, 3)).mean()
        losses[f"loss_{name}"] = loss
    D.zero_grad()
    sum(losses.values()).backward()
    D.step()
    of_G = {name: -torch.sigmoid(judge(on_fake)).log().mean() for name, (judge, _, on_fake) in views.items()}
    losses["loss_G"] = of_G["D_I"] + 0.7 * sum(loss for name, loss in of_G.items() if name != "D_I")
    G.zero_grad()
    losses["loss_G"].backward()
    G.step()
    system.G.bank.settle()
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
    assert all(math.isfinite(loss) for loss in losses.values())
    judges = {"loss_D_I"} if variant.get("use_D_I", True) else set()
    judges |= {"loss_D_V0"} if "d_v" in variant else {f"loss_D_V{i}" for i in range(variant.get("levels", 3))}
    assert losses.keys() == judges | {"loss_G"}
    assert {name for name, weight in system.named_parameters() if torch.equal(weight, before[name])} == set()
    (clip,) = system.outputs(Conditions(1, system.config.frames))
    assert clip.shape == (system.config.frames, 8, 8, system.config.channels)


class TestDraws:
    """What a step takes is a function of seed, iteration and purpose."""

    def test_d_i_sees_one_frame_of_each_clip_at_a_random_time(self):
        """21: uniform, for every clip its own, apart for real and fake ones."""
        noise = small(frames=16).noise(2000, Random(0, 0))
        times = noise["real_times"]
        assert times.shape == (2000, 1)
        counts = times.flatten().bincount(minlength=16)
        assert ((counts - 125) ** 2 / 125).sum() < 37.7  # chi-squared, 15 degrees of freedom: one in a thousand
        assert not torch.equal(times, noise["fake_times"])
        numbered = torch.arange(16.0)[:, None, None].expand(2000, 3, 16, 2, 2)
        assert torch.equal(frames_at(numbered, times)[:, 0, 0, 0], times[:, 0].float())

    @pytest.mark.parametrize("count", [1, 3])
    def test_frames_come_clip_by_clip(self, count):
        """21: so many of each clip."""
        clips = (100 * torch.arange(5.0)[:, None] + torch.arange(8.0))[:, None, :, None, None].expand(5, 3, 8, 2, 2)
        frames = frames_at(clips, small(image_frames=count).noise(5, Random(0, 0))["real_times"])
        assert frames.shape == (5 * count, 3, 2, 2)
        assert (frames[:, 0, 0, 0] // 100).tolist() == [i for i in range(5) for _ in range(count)]

    def test_noise_is_that_of_the_seed(self):
        """37: of seed and iteration, and of nothing else."""
        system = small(noise=True, random_phase=True)
        noise, again = (system.noise(3, Random(0, 0)) for _ in range(2))
        shapes = {"z_a": (3, 8), "z_m": (3, 7, 4), "map_0": (3, 1, 4, 4), "map_1": (3, 1, 8, 8), "map_2": (3, 1, 8, 8)}
        shapes |= {"real_times": (3, 1), "fake_times": (3, 1), "starts": (3,)}
        assert {name: tuple(value.shape) for name, value in noise.items()} == shapes
        assert all(torch.equal(noise[name], again[name]) for name in noise)
        for other in (system.noise(3, Random(1, 0)), system.noise(3, Random(0, 1))):
            assert not any(torch.equal(noise[name], other[name]) for name in ("z_a", "z_m", "map_0"))

    def test_steps_are_those_of_the_seed(self, steps):
        """37: bit for bit."""
        systems = [small(noise=True, random_phase=True) for _ in range(2)]
        for system in systems:
            steps(system, 2)
        first, second = (system.state_dict() for system in systems)
        assert all(torch.equal(first[key], second[key]) for key in first)

    @pytest.mark.parametrize(
        "choices", [{}, {"random_phase": True, "d_v": "3d", "levels": 9}, {"use_D_I": False}], ids=str
    )
    def test_what_a_step_does_not_take_is_not_drawn(self, choices):
        """Speeds start with the first frame unless asked; a 3-D network sees all frames."""
        drawn = {"z_a", "z_m"} | ({"real_times", "fake_times"} if choices.get("use_D_I", True) else set())
        assert small(**choices).noise(1, Random(0, 0)).keys() == drawn

    @pytest.mark.parametrize(("frames", "last"), [(16, [0, 1, 3, 7]), (19, [0, 0, 2, 2])])
    def test_a_random_phase_is_any_that_keeps_the_number_of_frames(self, frames, last):
        """Section 4.5: 0 to 2^i - 1, or fewer where the step does not divide the clip; others in other iterations."""
        system = small(frames=frames, levels=4, random_phase=True)
        found = [system.phases(Random(0, iteration)).tolist() for iteration in range(100)]
        assert [sorted(set(starts)) for starts in zip(*found, strict=True)] == [list(range(n + 1)) for n in last]

    def test_real_and_fake_clips_start_alike(self):
        system = small(frames=16, levels=4, random_phase=True)
        clips = torch.arange(16.0)[:, None, None].expand(2, 3, 16, 8, 8)
        drawn = (system.noise(2, Random(0, iteration)) for iteration in range(100))
        noise = next(noise for noise in drawn if noise["starts"][1:].min() > 0)
        _, *of_clips = system.judged(clips, clips, noise)
        assert all(torch.equal(seen.real, seen.fake) for seen in of_clips)
        assert [seen.real[0, 0, 0, 0].item() for seen in of_clips] == noise["starts"].tolist()


@pytest.mark.parametrize(
    "variant", [{}, {"noise": True, "random_phase": True, "image_frames": 2}, {"d_v": "3d"}], ids=str
)
def test_two_processes_step_as_one(clips, variant, monkeypatch):
    """Half of the same global batch each, four clips: their gradients' mean is that of the whole."""
    monkeypatch.setattr(algorithm, "step", lambda optimizer, loss: loss.backward())
    batch, gradients = clips[[0, 1, 2, 3, 3, 1, 0, 2], :8], []
    for rank, world in ((0, 1), (0, 2), (1, 2)):
        system, own = small(**variant), batch.chunk(world)[rank]
        noise = system.noise(len(own), Random(0, 0, rank=rank, world=world))
        system.training_step({"clip": own}, noise, system.optimizers())
        gradients.append({name: p.grad for name, p in system.named_parameters() if p.grad is not None})
    whole, *halves = gradients
    assert len(whole) == sum(p.requires_grad for p in system.parameters())
    for name, expected in whole.items():
        found = (halves[0][name] + halves[1][name]) / 2
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
    assert any(not torch.allclose(halves[0][name], halves[1][name]) for name in whole)
