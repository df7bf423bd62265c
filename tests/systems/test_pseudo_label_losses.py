"""The training step: who is updated by what, in which order, and with which first values.

Numbers are those of the acceptance list.
"""

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.media.tensors import uint8_to_float
from mutoscope.systems.base import step
from mutoscope.systems.draws import Random
from mutoscope.systems.pseudo_label import PseudoLabel, PseudoLabelConfig

SCHEDULES = ["joint", "sequential", "merged"]


def weights(network: torch.nn.Module) -> dict[str, Tensor]:
    """A copy of the trained weights (not of running statistics)."""
    return {name: weight.detach().clone() for name, weight in network.named_parameters()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def parts(system: PseudoLabel, batch: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Real frames, fake ones, and the noise of the first iteration."""
    x = uint8_to_float(batch)
    noise = system.noise(len(x), Random(0, 0))
    return x, system.draw(noise), noise


def take(system: PseudoLabel, batch: Tensor, which: str) -> dict[str, Tensor]:
    """One of the step methods, with fresh optimisers."""
    x, fake, noise = parts(system.train(), batch)
    optimizers = system.optimizers()
    if which == "step_labels":
        return system.step_labels(optimizers, x, noise)
    return getattr(system, which)(optimizers, x, fake.detach() if which == "step_D" else fake, noise)


@pytest.fixture
def stepped(batch) -> Callable[..., tuple[bool, bool]]:
    """`stepped(system, which)`: whether one of the step methods changed (G, D)."""

    def run(system: PseudoLabel, which: str) -> tuple[bool, bool]:
        before = weights(system.G), weights(system.D)
        take(system, batch, which)
        return not same(before[0], weights(system.G)), not same(before[1], weights(system.D))

    return run


@pytest.fixture
def stepped_on(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The losses that optimisers stepped on, in order."""
    found: list[float] = []

    def spy(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        found.append(loss.item())
        step(optimizer, loss)

    monkeypatch.setattr("mutoscope.systems.pseudo_label.system.step", spy)
    return found


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

    def test_gradients_of_earlier_steps_do_not_leak_into_the_label_step(self, small, batch):
        """12 and trap 3: the authors' label step applied D's and G's gradients once more."""
        after = []
        for earlier in (False, True):
            system = small()
            for weight in system.parameters() if earlier else ():
                weight.grad = torch.ones_like(weight)
            take(system, batch, "step_labels")
            after.append(weights(system))
        assert same(*after)

    def test_fakes_of_d_s_step_carry_no_gradient_to_g(self, small, batch):
        """11: what G gets in its own step is its own."""
        system = small()
        take(system, batch, "step_D")
        assert all(weight.grad is None or not weight.grad.any() for weight in system.G.parameters())


class TestSchedules:
    @pytest.mark.parametrize(("schedule", "d_batch"), list(product(SCHEDULES, ["joint", "separate"])))
    def test_every_schedule_runs_and_reports_every_term(self, small, fit, batch, schedule, d_batch):
        """14: four finite terms, however many optimisers step; none keeps its graph."""
        system = small(schedule=schedule, d_batch=d_batch)
        losses = fit(system, {"frame": batch}, steps=3)
        assert set(losses) == {"loss_D", "loss_G", "lambda_d", "lambda_c"}
        assert all(math.isfinite(loss) for loss in losses.values())

    def test_sequential_takes_two_label_steps_the_discrete_one_first(self, small, fit, batch, stepped_on):
        """14: D, G, cross-entropy, squared error, as the paper's section III-C tells it."""
        losses = fit(small(schedule="sequential", w_d=2.0, w_c=3.0), {"frame": batch})
        expected = [losses["loss_D"], losses["loss_G"], 2 * losses["lambda_d"], 3 * losses["lambda_c"]]
        assert stepped_on == pytest.approx(expected)

    def test_joint_takes_one_label_step_on_the_sum(self, small, fit, batch, stepped_on):
        """14: what the authors ran."""
        losses = fit(small(w_d=2.0, w_c=3.0), {"frame": batch})
        assert len(stepped_on) == 3
        assert stepped_on[2] == pytest.approx(2 * losses["lambda_d"] + 3 * losses["lambda_c"])

    def test_merged_has_no_label_optimiser(self, small):
        """14: Eq. 9 to the letter has two optimisers, the other schedules three."""
        assert [len(small(schedule=schedule).optimizers()) for schedule in SCHEDULES] == [3, 3, 2]

    @pytest.mark.parametrize("schedule", SCHEDULES)
    @pytest.mark.parametrize(("w_d", "w_c"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
    def test_labels_can_be_switched_off_and_are_still_reported(self, small, fit, batch, schedule, w_d, w_c):
        """15: the ablations; without both it is a plain GAN."""
        losses = fit(small(schedule=schedule, w_d=w_d, w_c=w_c), {"frame": batch}, steps=2)
        assert all(math.isfinite(loss) for loss in losses.values())
        assert {"lambda_d", "lambda_c"} < set(losses)

    def test_without_label_weights_the_label_step_changes_nothing(self, small, stepped):
        """15."""
        assert stepped(small(w_d=0.0, w_c=0.0), "step_labels") == (False, False)

    def test_real_frames_never_enter_the_label_losses(self, small, batch):
        """They have no labels: with separate batches the label losses are the same whatever the data."""
        found = [take(small(), frames, "step_labels") for frames in (batch, 255 - batch)]
        assert found[0] == found[1]


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
        frames = batch.repeat_interleave(2, 1).repeat_interleave(2, 2) if system.config.image_size == 32 else batch
        losses = fit(system, {"frame": frames}, steps=2)
        assert all(math.isfinite(loss) for loss in losses.values())

    def test_grey_frames_train(self, small, fit, batch):
        assert math.isfinite(fit(small(channels=1), {"frame": batch[..., :1].clone()})["loss_D"])

    def test_noise_has_the_level_asked_for(self, small):
        """One level for all, or one drawn from U(0, level) for each frame."""
        constant = small(d_noise=0.3).noise(200, Random(0, 0))["noise_D"].std(dim=(2, 3, 4))
        assert constant.shape == (200, 2)
        assert constant.mean().item() == pytest.approx(0.3, rel=0.01)
        levels = small(d_noise=0.3, d_noise_levels="uniform").noise(200, Random(0, 0))["noise_G"].std(dim=(2, 3, 4))
        assert levels.max().item() < 0.33
        assert levels.mean().item() == pytest.approx(0.15, rel=0.1)
        assert set(small().noise(2, Random(0, 0))) == {"z", "d", "k", "c"}

    def test_average_weights_follow_and_draw(self, small, fit, batch):
        """The averaged generator moves towards G, stays in eval mode, and is what controls draw with."""
        system = small(ema=0.9)
        first = weights(system.G)
        fit(system, {"frame": batch})
        average, now = weights(system.G_average.network), weights(system.G)
        for name in first:
            assert torch.allclose(average[name], first[name].lerp(now[name], 0.1), atol=1e-7)
        assert system.drawing_network is system.G_average.network
        assert not system.drawing_network.training


@pytest.mark.parametrize("c_range", [(0.0, 1.0), (-1.0, 1.0)])
def test_first_losses_of_the_published_network(c_range):
    """13: cross-entropy near ln n_d, squared error near E[c²] + Var(c'), adversarial terms near ln 2.

    As printed (20 clips, 10 codes, 64 pixels, full width).
    """
    system = PseudoLabel.untrained(PseudoLabelConfig(c_range=c_range)).train()
    frames = torch.randint(256, (32, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        x, fake, noise = parts(system, frames)
        real, read = system.read_both(x, fake, None)
        labels = system.label_losses(read, noise)
    softplus = torch.nn.functional.softplus
    assert labels["lambda_d"].item() == pytest.approx(math.log(20) + 0.1, abs=0.2)
    assert 0.40 <= labels["lambda_c"].item() <= 0.70
    # a random last layer gives all frames some mean score: it cancels between the two terms of D
    assert 0.69 <= (softplus(-real.score).mean() + softplus(read.score).mean()).item() / 2 <= 0.80
    assert softplus(-read.score).mean().item() == pytest.approx(0.75, abs=0.15)


@pytest.mark.parametrize(
    ("choice", "value"),
    [
        *(("n_d", 0), ("n_d", None), ("n_z", 20_000_000), ("ema", 1.0), ("c_range", (1.0, 0.0)), ("image_size", 30)),
        *(("betas_G", (0.5, 1.0)), ("channels", 2), ("width", 0.0), ("lr_G", float("nan")), ("schedule", "later")),
    ],
)
def test_choices_that_cannot_be_are_one_line_before_anything_is_built(choice, value):
    with pytest.raises(InputError, match=f"^{choice}: ") as refused:
        PseudoLabelConfig.from_dict({choice: value})
    assert "\n" not in str(refused.value)
