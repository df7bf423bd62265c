"""The training step: who is updated by what, in which order, and with which first values.

Numbers are those of the acceptance list.
"""

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor

from mutoscope.media.tensors import uint8_to_float
from mutoscope.systems.pseudo_label import PseudoLabel

SCHEDULES = ["joint", "sequential", "merged"]


def weights(network: torch.nn.Module) -> dict[str, Tensor]:
    """A copy of the trained weights (not of running statistics)."""
    return {name: weight.detach().clone() for name, weight in network.named_parameters()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def stepped(fit, batch) -> Callable[..., tuple[bool, bool]]:
    """`stepped(system, step)`: whether one of the step methods changed (G, D)."""

    def run(system: PseudoLabel, step: str) -> tuple[bool, bool]:
        before = weights(system.G), weights(system.D)

        def body(batch: dict[str, Tensor]) -> None:
            opt_G, opt_D, *opt_I = system.optimizers()
            x = uint8_to_float(batch["frame"])
            codes = system.draw_codes(len(x), system.generator_for(0))
            fake = system.draw(codes)
            if step == "step_D":
                system.step_D(opt_D, x, fake.detach(), codes)
            elif step == "step_G":
                system.step_G(opt_G, x, fake, codes)
            else:
                system.step_labels(opt_I[0], x, codes)

        fit(system, batch, body=body)
        return not same(before[0], weights(system.G)), not same(before[1], weights(system.D))

    return run


class TestWhoLearns:
    @pytest.mark.parametrize(("schedule", "d_batch"), list(product(SCHEDULES, ["joint", "separate"])))
    def test_d_s_step_changes_d_alone_and_g_s_step_g_alone(self, small, stepped, schedule, d_batch):
        """11: bit for bit."""
        assert stepped(small(schedule=schedule, d_batch=d_batch), "step_D") == (False, True)
        assert stepped(small(schedule=schedule, d_batch=d_batch), "step_G") == (True, False)

    @pytest.mark.parametrize("schedule", ["joint", "sequential"])
    def test_the_label_step_changes_both(self, small, stepped, schedule):
        """11: reading and drawing of labels are learned together."""
        assert stepped(small(schedule=schedule), "step_labels") == (True, True)

    def test_gradients_of_earlier_steps_do_not_leak_into_the_label_step(self, small, fit, batch):
        """12 and trap 3: the authors' label step applied D's and G's gradients once more."""
        after = []
        for earlier in (False, True):
            system = small()

            def body(batch: dict[str, Tensor], system: PseudoLabel = system, earlier: bool = earlier) -> None:
                x = uint8_to_float(batch["frame"])
                codes = system.draw_codes(len(x), system.generator_for(0))
                if earlier:
                    for weight in system.parameters():
                        weight.grad = torch.ones_like(weight)
                system.step_labels(system.optimizers()[2], x, codes)

            fit(system, batch, body=body)
            after.append(weights(system))
        assert same(*after)

    def test_fakes_of_d_s_step_carry_no_gradient_to_g(self, small, fit, batch):
        """11: what G gets in its own step is its own."""
        system = small()

        def body(batch: dict[str, Tensor]) -> None:
            x = uint8_to_float(batch["frame"])
            codes = system.draw_codes(len(x), system.generator_for(0))
            system.step_D(system.optimizers()[1], x, system.draw(codes).detach(), codes)

        fit(system, batch, body=body)
        assert all(weight.grad is None or not weight.grad.any() for weight in system.G.parameters())


class TestSchedules:
    @pytest.mark.parametrize(("schedule", "d_batch"), list(product(SCHEDULES, ["joint", "separate"])))
    def test_every_schedule_runs_and_reports_every_term(self, small, fit, batch, schedule, d_batch):
        """14: four finite terms, the iteration counted once however many optimisers step."""
        system = small(schedule=schedule, d_batch=d_batch)
        fit(system, batch, steps=3)
        assert set(system.losses) == {"loss_D", "loss_G", "lambda_d", "lambda_c"}
        assert all(loss.isfinite() and not loss.requires_grad for loss in system.losses.values())
        assert system.iteration == 3

    def test_sequential_takes_two_label_steps_the_discrete_one_first(self, small, fit, batch, monkeypatch):
        """14: D, G, cross-entropy, squared error, as the paper's section III-C tells it."""
        system = small(schedule="sequential", w_d=2.0, w_c=3.0)
        descended: list[float] = []
        descend = PseudoLabel.descend

        def spy(self: PseudoLabel, optimizer: object, loss: Tensor) -> None:
            descended.append(loss.item())
            descend(self, optimizer, loss)

        monkeypatch.setattr(PseudoLabel, "descend", spy)
        fit(system, batch)
        losses = {name: loss.item() for name, loss in system.losses.items()}
        expected = [losses["loss_D"], losses["loss_G"], 2 * losses["lambda_d"], 3 * losses["lambda_c"]]
        assert descended == pytest.approx(expected)

    def test_joint_takes_one_label_step_on_the_sum(self, small, fit, batch, monkeypatch):
        """14: what the authors ran."""
        system = small(w_d=2.0, w_c=3.0)
        descended: list[float] = []
        monkeypatch.setattr(PseudoLabel, "descend", lambda self, optimizer, loss: descended.append(loss.item()))
        fit(system, batch)
        assert len(descended) == 3
        terms = system.losses
        assert descended[2] == pytest.approx(2 * terms["lambda_d"].item() + 3 * terms["lambda_c"].item())

    def test_merged_has_no_label_optimiser(self, small):
        """14: Eq. 9 to the letter has two optimisers, the other schedules three."""
        assert [len(small(schedule=schedule).configure_optimizers()) for schedule in SCHEDULES] == [3, 3, 2]

    @pytest.mark.parametrize("schedule", SCHEDULES)
    @pytest.mark.parametrize(("w_d", "w_c"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
    def test_labels_can_be_switched_off_and_are_still_reported(self, small, fit, batch, schedule, w_d, w_c):
        """15: the ablations; without both it is a plain GAN."""
        system = small(schedule=schedule, w_d=w_d, w_c=w_c)
        fit(system, batch, steps=2)
        assert all(loss.isfinite() for loss in system.losses.values())
        assert {"lambda_d", "lambda_c"} < set(system.losses)

    def test_without_label_weights_the_label_step_changes_nothing(self, small, stepped):
        """15."""
        assert stepped(small(w_d=0.0, w_c=0.0), "step_labels") == (False, False)

    def test_real_frames_never_enter_the_label_losses(self, small, fit, batch):
        """They have no labels: with separate batches the label losses are the same whatever the data."""
        found = []
        for frames in (batch, 255 - batch):
            system = small()

            def body(batch: dict[str, Tensor], system: PseudoLabel = system) -> None:
                x = uint8_to_float(batch["frame"])
                codes = system.draw_codes(len(x), system.generator_for(0))
                found.append(system.step_labels(system.optimizers()[2], x, codes))

            fit(system, frames, body=body)
        assert {name: loss.item() for name, loss in found[0].items()} == {
            name: loss.item() for name, loss in found[1].items()
        }


class TestVariants:
    @pytest.mark.parametrize(
        "arguments",
        [
            {"compat_bug": True},
            {"score_dim": 6},
            {"d_conv_bn": "all"},
            {"d_conv_bn": "none"},
            {"d_noise": 0.3},
            {"d_noise": 0.3, "d_noise_levels": "uniform", "d_batch": "joint"},
            {"ema": 0.9},
            {"n_d": 1, "n_c": 1, "n_z": 1},
            {"image_size": 32, "width": 0.5},
        ],
        ids=str,
    )
    def test_variants_train(self, small, fit, batch, arguments):
        """37, 38: the authors' bug, the literal Table 2, other normalisation, noise, averages, sizes."""
        system = small(**arguments)
        frames = batch.repeat_interleave(2, 1).repeat_interleave(2, 2) if system.image_size == 32 else batch
        fit(system, frames, steps=2)
        assert all(loss.isfinite() for loss in system.losses.values())

    def test_grey_frames_train(self, small, fit, batch):
        system = small(channels=1)
        fit(system, batch[..., :1].clone())
        assert system.losses["loss_D"].isfinite()

    def test_noise_has_the_level_asked_for(self, small):
        """One level for all, or one drawn from U(0, level) for each frame."""
        silent = torch.zeros(400, 3, 16, 16)
        constant = small(d_noise=0.3).add_noise(silent, 0).std(dim=(1, 2, 3))
        assert constant.mean().item() == pytest.approx(0.3, rel=0.01)
        levels = small(d_noise=0.3, d_noise_levels="uniform").add_noise(silent, 0).std(dim=(1, 2, 3))
        assert levels.max().item() < 0.33
        assert levels.mean().item() == pytest.approx(0.15, rel=0.1)
        assert torch.equal(small().add_noise(silent, 0), silent)

    def test_average_weights_follow_and_draw(self, small, fit, batch):
        """The averaged generator moves towards G, stays in eval mode, and is what controls draw with."""
        system = small(ema=0.9)
        first = weights(system.G)
        fit(system, batch)
        average, now = weights(system.G_average.network), weights(system.G)
        for name in first:
            assert torch.allclose(average[name], first[name].lerp(now[name], 0.1), atol=1e-7)
        assert system.drawing_network is system.G_average.network
        assert not system.drawing_network.training


@pytest.mark.parametrize("c_range", [(0.0, 1.0), (-1.0, 1.0)])
def test_first_losses_of_the_published_network(fit, c_range):
    """13: cross-entropy near ln n_d, squared error near E[c²] + Var(c'), adversarial terms near ln 2.

    As printed (20 clips, 10 codes, 64 pixels, full width).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        system = PseudoLabel(c_range=c_range)
    frames = torch.randint(256, (32, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    def body(batch: dict[str, Tensor]) -> None:
        with torch.no_grad():
            x = uint8_to_float(batch["frame"])
            codes = system.draw_codes(len(x), system.generator_for(0))
            real, fake = system.read_both(x, system.draw(codes), 0)
            system.losses = system.label_losses(fake, codes) | {
                "real": torch.nn.functional.softplus(-real.score).mean(),
                "fake": torch.nn.functional.softplus(fake.score).mean(),
                "fooled": torch.nn.functional.softplus(-fake.score).mean(),
            }

    fit(system, frames, body=body)
    losses = {name: loss.item() for name, loss in system.losses.items()}
    assert losses["lambda_d"] == pytest.approx(math.log(20) + 0.1, abs=0.2)
    assert 0.40 <= losses["lambda_c"] <= 0.70
    # a random last layer gives all frames some mean score: it cancels between the two terms of D
    assert 0.69 <= (losses["real"] + losses["fake"]) / 2 <= 0.80
    assert losses["fooled"] == pytest.approx(0.75, abs=0.15)
