"""The algorithm of section 3.3, step by step and as a whole. Numbers are those of the acceptance list."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.data.synthetic import make_clips
from mutoscope.nn import frames_at
from mutoscope.systems.draws import Random
from mutoscope.systems.imaginator import ImaGINator, ImaGINatorConfig
from mutoscope.systems.imaginator import system as algorithm

MOTIONS = ["smile", "frown", "surprise", "nod"]
SMALL = {"d_z": 6, "d_p": 5, "image_size": 32, "ch": 4, "ch_D": 4, "image_frames": 4}
LABELLED = SMALL | {"label_names": MOTIONS}
LOSSES = ["rec", "D_V_real", "D_V_fake", "D_V_wrong", "D_I_real", "D_I_fake", "G_V", "G_I"]


def small(**choices: Any) -> ImaGINator:
    """An untrained system that knows four labels, always from the same first weights."""
    return ImaGINator.untrained(ImaGINatorConfig(**(LABELLED | choices)))


def noise_of(system: ImaGINator, n: int, seed: int = 0) -> dict[str, Tensor]:
    """What the iteration that the system has reached draws."""
    return system.noise(n, Random(seed, system.iteration))


def losses_of(system: ImaGINator, batch: dict[str, Tensor], steps: int) -> list[dict[str, float]]:
    """The losses of each of some steps on the same clips."""
    optimizers, found = system.train().optimizers(), []
    for system.iteration in range(steps):
        losses = system.training_step(batch, noise_of(system, len(batch["clip"])), optimizers)
        found.append({name: loss.item() for name, loss in losses.items()})
    return found


def wrong_labels(system: ImaGINator, labels: Tensor, **noise: Any) -> Tensor:
    """The numbers of the labels that real clips of these labels are shown under."""
    seen: list[Tensor] = []
    hook = system.D_V.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    n, config = len(labels), system.config
    clips = torch.zeros(n, 3, config.length, config.image_size, config.image_size)
    with torch.no_grad():
        system.losses_D_V(clips, clips, torch.eye(config.categories)[labels], noise_of(system, n, **noise))
    hook.remove()
    (given,) = seen
    assert given.sum(1).eq(1).all()
    assert given.amax(1).eq(1).all()
    return given[2 * n :].argmax(1)


@pytest.fixture(scope="module")
def batch() -> dict[str, Tensor]:
    """Four clips of a face, one of each motion, as training gets them."""
    made = make_clips("faces", max_clips=4)
    assert made.label_names == MOTIONS
    return {"clip": torch.from_numpy(np.stack(made.clips)), "label": torch.tensor(made.labels)}


@pytest.fixture
def steps(fit, batch) -> Callable[..., dict[str, float]]:
    """`steps(system)`: a step, or more of them on the same clips; gives the last losses."""

    def run(
        system: ImaGINator, count: int = 1, clips: Tensor = batch["clip"], labels: Tensor = batch["label"]
    ) -> dict[str, float]:
        return fit(system, {"clip": clips, "label": labels[: len(clips)]}, count)

    return run


def as_floats(clips: Tensor) -> Tensor:
    """Clips as networks see them, `b c t h w` in [-1, 1]."""
    return clips.permute(0, 4, 1, 2, 3).float() / 127.5 - 1


@torch.no_grad()
def settled(system: ImaGINator, batch: dict[str, Tensor]) -> ImaGINator:
    """The system in eval mode, with running statistics as a long training would leave them to these weights."""
    norms = [layer for layer in system.generator.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = 0.9
    system.generator.train()
    for _ in range(3):
        system.generator(as_floats(batch["clip"])[:, :, 0], system.noises(4, 0), torch.eye(4)[batch["label"]])
    return system.eval()


def networks_that(system: ImaGINator, holds: Callable[[str, Tensor], bool]) -> set[str]:
    """The networks with a weight for which this holds."""
    return {name.split(".")[0] for name, weight in system.named_parameters() if holds(name, weight)}


class TestSteps:
    @pytest.mark.parametrize(
        ("variant", "expected"),
        [
            ({}, ["D_V", "D_I", "G"]),
            ({"order": "G first"}, ["G", "D_V", "D_I"]),
            ({"use_D_I": False}, ["D_V", "G"]),
            ({"loss": "adv"}, ["D_V", "D_I", "G"]),
            ({"loss": "rec"}, ["G"]),
            ({"label_mode": "ac"}, ["D_V", "D_I", "G"]),
        ],
        ids=str,
    )
    def test_each_loss_trains_its_own_network(self, steps, monkeypatch, variant, expected):
        """13: no gradient is left in another network, and each has its turn."""
        system, events, step = small(**variant), [], algorithm.step

        def watched(optimizer: Any, loss: Tensor) -> None:
            before = {name: weight.clone() for name, weight in system.named_parameters()}
            slopes = {name: weight.grad for name, weight in system.named_parameters()}
            step(optimizer, loss)
            moved = networks_that(system, lambda name, weight: not torch.equal(weight, before[name]))
            sloped = networks_that(system, lambda name, weight: weight.grad is not slopes[name])
            events.append((moved, sloped))

        monkeypatch.setattr(algorithm, "step", watched)
        steps(system)
        assert events == [({name}, {name}) for name in expected]

    @pytest.mark.parametrize("order", ["D first", "G first"])
    def test_all_take_the_same_fake_clips(self, steps, batch, order):
        """G draws once a step, from the first frames of the clips."""
        system, clips, drawn = small(order=order), batch["clip"].flip(1), []  # whose first frames differ
        system.G.register_forward_hook(lambda _, inputs, out: drawn.append((*inputs, out)))
        seen: list[Tensor] = []
        system.D_V.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
        steps(system, clips=clips)
        ((image, z, y, fake),) = drawn
        assert torch.equal(image, as_floats(clips)[:, :, 0])
        assert torch.equal(y, torch.eye(4)[batch["label"]])
        assert z.shape == (4, 6)
        of_D, of_G = seen if order == "D first" else reversed(seen)
        real, shown, under_wrong_labels = of_D.chunk(3)
        assert torch.equal(of_G, fake)
        assert torch.equal(shown, fake)
        assert torch.equal(real, as_floats(clips))
        assert torch.equal(real, under_wrong_labels)

    @pytest.mark.parametrize("order", ["D first", "G first"])
    def test_losses_are_those_of_the_equations(self, batch, order):
        """Section 3.3, by hand and by a plain Adam: also after a step. 33: each term by its name."""
        trained = small(lr_D=1e-3, order=order)
        by_hand = copy.deepcopy(trained)
        optimizers = {
            name: torch.optim.Adam(getattr(by_hand, name).parameters(), lr, (0.5, 0.999))
            for name, lr in (("D_V", 1e-3), ("D_I", 1e-3), ("G", 2e-4))
        }
        expected = [step_by_hand(by_hand, batch, optimizers) for _ in range(2)]
        measured = losses_of(trained, batch, 2)
        assert set(measured[0]) == {f"loss_{name}" for name in LOSSES}
        assert measured[0] == pytest.approx(expected[0], abs=1e-5)
        assert measured[1] == pytest.approx(expected[1], abs=1e-3)
        assert measured[0] != pytest.approx(measured[1], abs=1e-2)

    def test_labels_reach_one_discriminator_alone(self, steps, batch):
        """11: what D_I says of real frames does not depend on them; what D_V says of real clips does."""
        losses, of_others = (steps(small(), labels=labels) for labels in (batch["label"], batch["label"].flip(0)))
        assert losses["loss_D_I_real"] == pytest.approx(of_others["loss_D_I_real"])
        assert abs(losses["loss_D_V_real"] - of_others["loss_D_V_real"]) > 1e-5

    def test_an_average_follows(self, steps):
        system = small(ema=0.75)
        before = {name: weight.clone() for name, weight in system.G.named_parameters()}
        steps(system)
        assert system.generator is system.G_average.network
        for name, weight in system.G.named_parameters():
            expected = before[name].lerp(weight.detach(), 0.25)
            torch.testing.assert_close(system.G_average.network.get_parameter(name), expected)
        for name, buffer in system.G.named_buffers():
            assert torch.equal(system.G_average.network.get_buffer(name), buffer)

    def test_without_an_average_the_generator_itself_draws(self):
        system = small()
        assert system.generator is system.G
        assert system.averaged_networks() == {}


def step_by_hand(
    system: ImaGINator, batch: dict[str, Tensor], optimizers: dict[str, torch.optim.Optimizer]
) -> dict[str, float]:
    """A step of the algorithm, written out."""
    D_V, D_I = (lambda x, y: torch.sigmoid(system.D_V(x, y).score)), (lambda x: torch.sigmoid(system.D_I(x)))
    real, y, n = as_floats(batch["clip"]), torch.eye(4)[batch["label"]], len(batch["clip"])
    noise = noise_of(system, n)
    fake = system.G(real[:, :, 0], noise["z"], y)
    wrong = torch.eye(4)[(batch["label"] + noise["shift"]) % 4]

    def frames(clips: Tensor, times: str) -> Tensor:
        return torch.stack([clip[:, t] for clip, own in zip(clips, noise[times], strict=True) for t in own])

    def of_D_V() -> dict[str, Tensor]:
        said = D_V(torch.cat([real, fake.detach(), real]), torch.cat([y, y, wrong]))
        return {
            "D_V_real": -said[:n].log().mean(),
            "D_V_fake": -(1 - said[n : 2 * n]).log().mean() / 2,
            "D_V_wrong": -(1 - said[2 * n :]).log().mean() / 2,
        }

    def of_D_I() -> dict[str, Tensor]:
        said = D_I(torch.cat([frames(real, "real_times"), frames(fake.detach(), "fake_times")]))
        return {"D_I_real": -said[: 4 * n].log().mean(), "D_I_fake": -(1 - said[4 * n :]).log().mean()}

    def of_G() -> dict[str, Tensor]:
        scores = {"G_V": -D_V(fake, y).log().mean(), "G_I": -D_I(frames(fake, "fake_times")).log().mean()}
        return scores | {"L_rec": 1e-3 * (fake - real).abs().sum() / n}

    turns = {"D_V": of_D_V, "D_I": of_D_I, "G": of_G}
    losses: dict[str, float] = {}
    for name in turns if system.config.order == "D first" else ("G", "D_V", "D_I"):
        terms = turns[name]()
        for optimizer in optimizers.values():
            optimizer.zero_grad()
        sum(terms.values()).backward()
        optimizers[name].step()
        losses |= {f"loss_{term}": value.item() for term, value in terms.items()}
    system.iteration += 1
    losses["loss_rec"] = losses.pop("loss_L_rec") / (1e-3 * real[0].numel())  # told as a mean over values
    return losses


VARIANTS: list[dict[str, Any]] = [
    {"label_names": []},
    {"label_names": [], "label_mode": "ac"},
    {"label_names": ["any"]},
    {"st_fusion": False},
    {"label_fusion": False},
    {"noise": False},
    {"noise": False, "label_names": []},
    {"use_D_I": False},
    {"label_mode": "ac"},
    {"wrong_labels": False},
    {"loss": "adv"},
    {"loss": "rec"},
    {"loss": "both", "rec_reduction": "mean", "lambda_rec": 100.0},
    {"loss": "adv", "use_D_I": False, "label_mode": "ac"},
    {"order": "G first"},
    {"order": "G first", "loss": "adv", "use_D_I": False},
    {"conv": "3d"},
    {"conv": "3d", "match_params": True, "label_mode": "ac"},
    {"conv": "3d", "use_D_I": False, "st_fusion": False},
    {"match_params": True},
    {"bottleneck_norm": True},
    {"deconv_init": "default"},
    {"image_frames": 1},
    {"image_frames": 16},
    {"frames": 8},
    {"channels": 1},
    {"ema": 0.9},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: " ".join(f"{k}={v}" for k, v in variant.items()))
def test_every_variant_takes_a_step(steps, batch, variant):
    """4 and 9: losses are finite, and every matrix of every network that is trained moves."""
    system = small(**variant)
    before = {name: weight.clone() for name, weight in system.named_parameters()}
    labels = batch["label"][:2] % max(len(system.label_names), 1)
    clips = batch["clip"][:2, : system.config.length, ..., : system.config.channels]
    assert all(np.isfinite(loss) for loss in steps(system, 2, clips, labels).values())
    moved = {name for name, weight in system.named_parameters() if not torch.equal(weight, before[name])}
    trained = ("G.",) if variant.get("loss") == "rec" else ("G.", "D_V.", "D_I.", "G_average.")
    matrices = {name for name, weight in before.items() if weight.ndim > 1 and name.startswith(trained)}
    assert matrices == {name for name in moved if before[name].ndim > 1}


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ({}, LOSSES),
        ({"label_names": []}, [name for name in LOSSES if name != "D_V_wrong"]),
        ({"wrong_labels": False}, [name for name in LOSSES if name != "D_V_wrong"]),
        ({"use_D_I": False}, [name for name in LOSSES if "_I" not in name]),
        ({"label_mode": "ac"}, [*(name for name in LOSSES if name != "D_V_wrong"), "D_V_label", "G_label"]),
        ({"loss": "adv"}, LOSSES),
        ({"loss": "rec"}, ["rec"]),
    ],
    ids=str,
)
def test_each_term_is_told_apart(steps, variant, expected):
    """33."""
    assert set(steps(small(**variant))) == {f"loss_{name}" for name in expected}


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("variant", [{}, {"conv": "3d"}, {"label_names": [], "noise": False}], ids=str)
def test_batches_may_be_as_small_as_they_get(steps, batch, n, variant):
    """32: normalisation at one pixel has two times to go by."""
    losses = steps(small(**variant), 2, batch["clip"][:n])
    assert all(np.isfinite(loss) for loss in losses.values())


class TestReconstruction:
    """15."""

    def test_sum_and_mean_convert_exactly(self):
        """λ = 10⁻³ on the sum over 3 · 32 · 64 · 64 = 393,216 values is 393.216 on their mean."""
        assert ImaGINatorConfig().rec_weight_mean == pytest.approx(393.216, rel=1e-12)
        assert ImaGINatorConfig(lambda_rec=1.0).rec_weight_mean == 393_216
        assert ImaGINatorConfig(lambda_rec=100.0, rec_reduction="mean").rec_weight_mean == 100

    def test_both_train_the_same(self, steps):
        numel = 3 * 16 * 32 * 32
        summed, averaged = small(lambda_rec=2.0**-9), small(lambda_rec=2.0**-9 * numel, rec_reduction="mean")
        for system in (summed, averaged):
            steps(system)
        for name, weight in summed.state_dict().items():
            torch.testing.assert_close(averaged.state_dict()[name], weight, rtol=0, atol=0)

    def test_a_weight_of_the_mean_keeps_its_share_when_resolution_doubles(self):
        """As long and fine again: eight times the sum, the same mean."""
        sizes = [{"image_size": size, "lambda_rec": 393.0} for size in (32, 64)]
        of_mean = [ImaGINatorConfig(**s, rec_reduction="mean").rec_weight_mean for s in sizes]
        of_sum = [ImaGINatorConfig(**s).rec_weight_mean for s in sizes]
        assert of_mean == [393, 393]
        assert of_sum[1] == pytest.approx(8 * of_sum[0])

    @pytest.mark.parametrize(("loss", "adversarial", "rec"), [("adv", 1, 0), ("rec", 0, 1), ("both", 1, 1)])
    def test_g_learns_from_what_it_is_told_to(self, steps, monkeypatch, loss, adversarial, rec):
        """Tables 3.9 to 3.11."""
        minimised, step = [], algorithm.step
        monkeypatch.setattr(algorithm, "step", lambda opt, value: (minimised.append(value.item()), step(opt, value)))
        system = small(loss=loss, order="G first")
        losses = steps(system)
        expected = rec * system.config.rec_weight_mean * losses["loss_rec"]
        if adversarial:
            expected += losses["loss_G_V"] + losses["loss_G_I"]
        assert minimised[0] == pytest.approx(expected)


class TestDraws:
    """What a step draws is a function of seed, iteration and purpose."""

    def test_frames_are_of_distinct_random_times_of_each_clip(self):
        """16: in range, for every clip its own, the same for the same seed, as many for real and fake."""
        system = small()
        noise = noise_of(system, 400)
        times, of_fake = noise["real_times"], noise["fake_times"]
        assert times.shape == of_fake.shape == (400, 4)
        assert all(len(set(row)) == 4 for row in times.tolist())
        assert torch.bincount(times.flatten(), minlength=16).min() > 60  # of 100 on average
        assert torch.equal(times, noise_of(small(), 400)["real_times"])
        assert not torch.equal(times, of_fake)
        system.iteration = 1
        assert not torch.equal(times, noise_of(system, 400)["real_times"])

    @pytest.mark.parametrize("count", [1, 3, 16])
    def test_frames_are_those_of_these_times(self, count):
        """16: clip i at its times, one after the other; all of them when as many are wanted."""
        clips = (100 * torch.arange(5.0)[:, None] + torch.arange(16.0)).view(5, 1, 16, 1, 1).expand(5, 3, 16, 2, 2)
        times = noise_of(small(image_frames=count), 5)["real_times"]
        frames = frames_at(clips, times)
        expected = (100 * torch.arange(5)[:, None] + times).flatten()
        assert frames.shape == (5 * count, 3, 2, 2)
        assert torch.equal(frames, expected.float().view(-1, 1, 1, 1).expand_as(frames))

    def test_discriminators_see_as_many_real_frames_as_fake_ones(self, steps):
        """16."""
        system, seen = small(), []
        system.D_I.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
        steps(system)
        assert seen == [(2 * 4 * 4, 3, 32, 32), (4 * 4, 3, 32, 32)]

    def test_noise_is_normal(self):
        z = noise_of(small(), 500)["z"]
        assert z.shape == (500, 6)
        assert z.mean().abs() < 0.1
        assert z.std() == pytest.approx(1, abs=0.1)

    @pytest.mark.parametrize(
        ("variant", "drawn"),
        [
            ({}, "z shift real_times fake_times"),
            ({"noise": False}, "shift real_times fake_times"),
            ({"label_mode": "ac"}, "z real_times fake_times"),
            ({"use_D_I": False}, "z shift"),
            ({"loss": "rec"}, "z"),
            ({"loss": "rec", "noise": False}, ""),
        ],
        ids=str,
    )
    def test_only_what_a_step_needs_is_drawn(self, variant, drawn):
        assert noise_of(small(**variant), 2).keys() == set(drawn.split())

    @settings(max_examples=30)
    @given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=8), seed=st.integers(0, 10**6))
    def test_wrong_labels_are_wrong(self, labels, seed):
        """12."""
        other = wrong_labels(SYSTEM, torch.tensor(labels), seed=seed)
        assert not any(a == b for a, b in zip(labels, other.tolist(), strict=True))

    def test_wrong_labels_are_any_of_the_others_equally_often(self):
        """12: within four standard deviations."""
        shifts = torch.bincount(noise_of(small(), 12_000)["shift"], minlength=5)
        assert shifts[[0, 4]].tolist() == [0, 0]
        assert (shifts[1:4] - 4000).abs().max() < 4 * (12_000 * 1 / 3 * 2 / 3) ** 0.5

    def test_of_two_labels_the_wrong_one_is_the_other(self):
        assert wrong_labels(small(label_names=["a", "b"]), torch.tensor([0, 1, 1])).tolist() == [1, 0, 0]

    @pytest.mark.parametrize(
        "variant",
        [{"label_names": []}, {"label_names": ["any"]}, {"label_mode": "ac"}, {"wrong_labels": False}],
        ids=str,
    )
    def test_there_are_no_wrong_labels_where_none_can_be_shown(self, variant):
        assert not ImaGINatorConfig(**(LABELLED | variant)).shows_wrong_labels
        assert ImaGINatorConfig(**LABELLED).shows_wrong_labels

    def test_the_number_of_processes_changes_nothing(self):
        """16: two with half of a batch each draw what one draws for all of it."""
        system = small()
        halves = [system.noise(2, Random(0, 0, rank=rank, world=2)) for rank in range(2)]
        for name, whole in noise_of(system, 4).items():
            assert torch.equal(torch.cat([half[name] for half in halves]), whole)


SYSTEM = small()
"""To read from only."""


def test_labels_are_named_in_real_clips_by_the_discriminator_and_in_fake_ones_for_the_generator(batch):
    """The auxiliary classifier (Table 3.7): cross-entropy beside the scores."""
    system, y = small(label_mode="ac").eval(), torch.eye(4)[batch["label"]]
    real, noise = as_floats(batch["clip"]), noise_of(system, 4)
    with torch.no_grad():
        on_real, on_fake = system.D_V(real), system.D_V(-real)
        of_D, of_G = system.losses_D_V(real, -real, y, noise), system.adversarial_losses(-real, y, noise)
    expected = {
        "D_V_real": F.softplus(-on_real.score).mean(),
        "D_V_fake": F.softplus(on_fake.score).mean(),
        "D_V_label": F.cross_entropy(on_real.label, batch["label"]),
    }
    torch.testing.assert_close(of_D, expected)
    torch.testing.assert_close(of_G["G_label"], F.cross_entropy(on_fake.label, batch["label"]))
    torch.testing.assert_close(of_G["G_V"], F.softplus(-on_fake.score).mean())


def test_a_video_discriminator_learns_a_batch_by_heart(batch):
    """Real clips from fixed fake ones and from themselves under wrong labels."""
    system, y = small(ch_D=8), torch.eye(4)[batch["label"]]
    real, noise = as_floats(batch["clip"]), noise_of(system, 4)
    with torch.no_grad():
        fake = system.G(real[:, :, 0], noise["z"], y)
    optimizer = torch.optim.Adam(system.D_V.parameters(), 2e-3, (0.5, 0.999))
    losses = []
    for _ in range(25):
        terms = system.losses_D_V(real, fake, y, noise)
        optimizer.zero_grad()
        sum(terms.values()).backward()
        optimizer.step()
        losses.append({name: term.item() for name, term in terms.items()})
    assert sum(losses[0].values()) == pytest.approx(2 * np.log(2), abs=0.2)
    assert all(last < 0.5 * first for first, last in zip(losses[0].values(), losses[-1].values(), strict=True))


class TestLearning:
    @pytest.fixture(scope="class")
    @classmethod
    def taught(cls, batch) -> tuple[ImaGINator, list[float]]:
        """A system after 15 steps on the same four clips, and the reconstruction losses on the way."""
        system = small(ch=8, lr_G=5e-3)
        losses = losses_of(system, batch, 15)
        return settled(system, batch), [each["loss_rec"] for each in losses]

    def test_clips_become_more_like_the_true_ones(self, taught):
        _, losses = taught
        assert len(losses) == 15
        assert losses[-1] < 0.6 * losses[0]

    @torch.no_grad()
    def test_clips_differ_by_picture_noise_and_label(self, taught, batch):
        """17."""
        system, _ = taught
        image, z, y = as_floats(batch["clip"])[:1, :, 0], system.noises(1, 0), torch.eye(4)[:1]
        clip = system.generator(image, z, y)
        for others in ((-image, z, y), (image, system.noises(1, 1), y), (image, z, torch.eye(4)[1:2])):
            assert (system.generator(*others) - clip).abs().max() > 0.01

    @torch.no_grad()
    def test_a_clip_does_not_depend_on_those_drawn_with_it(self, taught, batch):
        """31: with running statistics as training leaves them."""
        system, _ = taught
        inputs = as_floats(batch["clip"])[:, :, 0], system.noises(4, 0), torch.eye(4)
        alone = system.generator(*(x[2:3] for x in inputs))
        torch.testing.assert_close(alone, system.generator(*inputs)[2:3], rtol=1e-4, atol=1e-5)
