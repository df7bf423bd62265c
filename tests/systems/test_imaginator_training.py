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
from mutoscope.systems.imaginator import ImaGINator
from mutoscope.systems.imaginator.system import FAKE_FRAMES, REAL_FRAMES

MOTIONS = ["smile", "frown", "surprise", "nod"]
SMALL = {"d_z": 6, "d_p": 5, "image_size": 32, "ch": 4, "ch_D": 4, "image_frames": 4}
LABELLED = SMALL | {"label_names": MOTIONS}
LOSSES = ["rec", "D_V_real", "D_V_fake", "D_V_wrong", "D_I_real", "D_I_fake", "G_V", "G_I"]


def small(**arguments: Any) -> ImaGINator:
    """An untrained system that knows four labels, always from the same first weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ImaGINator(**(LABELLED | arguments))


@pytest.fixture(scope="module")
def batch() -> dict[str, Tensor]:
    """Four clips of a face, one of each motion, as training gets them."""
    made = make_clips("faces", max_clips=4)
    assert made.label_names == MOTIONS
    return {"clip": torch.from_numpy(np.stack(made.clips)), "label": torch.tensor(made.labels)}


@pytest.fixture
def steps(fit, batch) -> Callable[..., dict[str, Tensor]]:
    """`steps(system)`: a step under a trainer, or more of them on the same clips; gives the last losses."""

    def run(
        system: ImaGINator, count: int = 1, clips: Tensor = batch["clip"], labels: Tensor = batch["label"]
    ) -> dict[str, Tensor]:
        example = {"clip": clips, "label": labels[: len(clips)]}
        fit(system, clips, count, body=lambda _: ImaGINator.training_step(system, example, 0))
        return system.losses

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
    def test_each_loss_trains_its_own_network(self, steps, variant, expected):
        """13: no gradient is left in another network, and each has its turn."""
        system, events = small(**variant), []
        descend = system.descend

        def watched(optimizer: Any, loss: Tensor) -> None:
            before = {name: weight.clone() for name, weight in system.named_parameters()}
            slopes = {name: weight.grad for name, weight in system.named_parameters()}
            descend(optimizer, loss)
            moved = networks_that(system, lambda name, weight: not torch.equal(weight, before[name]))
            sloped = networks_that(system, lambda name, weight: weight.grad is not slopes[name])
            events.append((moved, sloped))

        system.descend = watched
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
    def test_losses_are_those_of_the_equations(self, steps, batch, order):
        """Section 3.3, by hand and by a plain Adam: also after a step. 33: each term by its name."""
        trained = small(lr_D=1e-3, order=order)
        by_hand = copy.deepcopy(trained)
        optimizers = {
            name: torch.optim.Adam(getattr(by_hand, name).parameters(), lr, (0.5, 0.999))
            for name, lr in (("D_V", 1e-3), ("D_I", 1e-3), ("G", 2e-4))
        }
        expected = [step_by_hand(by_hand, batch, optimizers) for _ in range(2)]
        measured = []
        trained.on_train_batch_end = lambda *_: measured.append({k: float(v) for k, v in trained.losses.items()})
        steps(trained, 2)
        assert set(trained.losses) == {f"loss_{name}" for name in LOSSES}
        assert measured[0] == pytest.approx(expected[0], abs=1e-5)
        assert measured[1] == pytest.approx(expected[1], abs=1e-3)
        assert measured[0] != pytest.approx(measured[1], abs=1e-2)
        assert trained.iteration == 2  # of steps, however many optimisers there are

    def test_labels_reach_one_discriminator_alone(self, steps, batch):
        """11: what D_I says of real frames does not depend on them; what D_V says of real clips does."""
        losses, of_others = (steps(small(), labels=labels) for labels in (batch["label"], batch["label"].flip(0)))
        torch.testing.assert_close(losses["loss_D_I_real"], of_others["loss_D_I_real"])
        assert (losses["loss_D_V_real"] - of_others["loss_D_V_real"]).abs() > 1e-5

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
    fake = system.G(real[:, :, 0], system.draw_noise(n), y)
    wrong = system.other_labels(y)

    def frames(clips: Tensor, purpose: int) -> Tensor:
        times = system.random_times(n, purpose)
        return torch.stack([clip[:, t] for clip, own in zip(clips, times, strict=True) for t in own])

    def of_D_V() -> dict[str, Tensor]:
        said = D_V(torch.cat([real, fake.detach(), real]), torch.cat([y, y, wrong]))
        return {
            "D_V_real": -said[:n].log().mean(),
            "D_V_fake": -(1 - said[n : 2 * n]).log().mean() / 2,
            "D_V_wrong": -(1 - said[2 * n :]).log().mean() / 2,
        }

    def of_D_I() -> dict[str, Tensor]:
        said = D_I(torch.cat([frames(real, REAL_FRAMES), frames(fake.detach(), FAKE_FRAMES)]))
        return {"D_I_real": -said[: 4 * n].log().mean(), "D_I_fake": -(1 - said[4 * n :]).log().mean()}

    def of_G() -> dict[str, Tensor]:
        scores = {"G_V": -D_V(fake, y).log().mean(), "G_I": -D_I(frames(fake, FAKE_FRAMES)).log().mean()}
        return scores | {"L_rec": 1e-3 * (fake - real).abs().sum() / n}

    turns = {"D_V": of_D_V, "D_I": of_D_I, "G": of_G}
    losses: dict[str, float] = {}
    for name in turns if system.order == "D first" else ("G", "D_V", "D_I"):
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
    losses = steps(system, 2, batch["clip"][:2, : system.frames, ..., : system.channels], labels)
    assert all(loss.isfinite() for loss in losses.values())
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
    assert all(loss.isfinite() for loss in losses.values())


class TestReconstruction:
    """15."""

    def test_sum_and_mean_convert_exactly(self):
        """λ = 10⁻³ on the sum over 3 · 32 · 64 · 64 = 393,216 values is 393.216 on their mean."""
        at_64 = {"image_size": 64, "ch": 1, "ch_D": 1}
        assert small(**at_64).rec_weight_mean == pytest.approx(393.216, rel=1e-12)
        assert small(**at_64, lambda_rec=1.0).rec_weight_mean == 393_216
        assert small(**at_64, lambda_rec=100.0, rec_reduction="mean").rec_weight_mean == 100

    def test_both_train_the_same(self, steps):
        numel = 3 * 16 * 32 * 32
        summed, averaged = small(lambda_rec=2.0**-9), small(lambda_rec=2.0**-9 * numel, rec_reduction="mean")
        for system in (summed, averaged):
            steps(system)
        for name, weight in summed.state_dict().items():
            torch.testing.assert_close(averaged.state_dict()[name], weight, rtol=0, atol=0)

    def test_a_weight_of_the_mean_keeps_its_share_when_resolution_doubles(self):
        """As long and fine again: eight times the sum, the same mean."""
        sizes = [{"ch": 1, "ch_D": 1, "image_size": size} for size in (32, 64)]
        assert [small(**s, rec_reduction="mean", lambda_rec=393.0).rec_weight_mean for s in sizes] == [393, 393]
        of_sum = [small(**s).rec_weight_mean for s in sizes]
        assert of_sum[1] == pytest.approx(8 * of_sum[0])

    @pytest.mark.parametrize(("loss", "adversarial", "rec"), [("adv", 1, 0), ("rec", 0, 1), ("both", 1, 1)])
    def test_g_learns_from_what_it_is_told_to(self, steps, loss, adversarial, rec):
        """Tables 3.9 to 3.11."""
        system, minimised = small(loss=loss, order="G first"), []
        descend = system.descend
        system.descend = lambda optimizer, value: (minimised.append(value.detach()), descend(optimizer, value))
        losses = steps(system)
        expected = rec * system.rec_weight_mean * losses["loss_rec"]
        if adversarial:
            expected = expected + losses["loss_G_V"] + losses["loss_G_I"]
        torch.testing.assert_close(minimised[0], expected)


class TestDraws:
    """What a step draws is a function of seed, iteration and purpose."""

    @pytest.fixture(scope="class")
    @classmethod
    def system(cls) -> ImaGINator:
        return small()

    def test_frames_are_of_distinct_random_times_of_each_clip(self):
        """16: in range, for every clip its own, the same for the same seed, as many for real and fake."""
        system = small()
        times = system.random_times(400, REAL_FRAMES)
        assert times.shape == (400, 4)
        assert all(len(set(row)) == 4 for row in times.tolist())
        assert torch.bincount(times.flatten(), minlength=16).min() > 60  # of 100 on average
        assert torch.equal(times, small().random_times(400, REAL_FRAMES))
        of_fake = system.random_times(400, FAKE_FRAMES)
        assert of_fake.shape == times.shape
        assert not torch.equal(times, of_fake)
        system.iteration = 1
        assert not torch.equal(times, system.random_times(400, REAL_FRAMES))

    @pytest.mark.parametrize("count", [1, 3, 16])
    def test_frames_are_those_of_these_times(self, count):
        """16: clip i at its times, one after the other; all of them when as many are wanted."""
        system = small(image_frames=count)
        clips = (100 * torch.arange(5.0)[:, None] + torch.arange(16.0)).view(5, 1, 16, 1, 1).expand(5, 3, 16, 2, 2)
        times = system.random_times(5, REAL_FRAMES)
        frames = system.random_frames(clips, REAL_FRAMES)
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
        z = small().draw_noise(500)
        assert z.shape == (500, 6)
        assert z.mean().abs() < 0.1
        assert z.std() == pytest.approx(1, abs=0.1)
        assert small(noise=False).draw_noise(500) is None

    @settings(max_examples=30)
    @given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=20), iteration=st.integers(0, 10**6))
    def test_wrong_labels_are_wrong(self, system, labels, iteration):
        """12."""
        system.iteration = iteration
        other = system.other_labels(torch.eye(4)[labels])
        assert other.shape == (len(labels), 4)
        assert other.sum(1).eq(1).all()
        assert other.amax(1).eq(1).all()
        assert not any(a == b for a, b in zip(labels, other.argmax(1).tolist(), strict=True))

    def test_wrong_labels_are_any_of_the_others_equally_often(self):
        """12: within four standard deviations."""
        y = torch.eye(4).repeat(3000, 1)
        pairs = torch.zeros(4, 4).index_put_((y.argmax(1), small().other_labels(y).argmax(1)), torch.ones(()), True)
        expected = 1000 * (1 - torch.eye(4))
        assert (pairs - expected).abs().max() < 4 * (3000 * 1 / 3 * 2 / 3) ** 0.5
        assert not pairs.diagonal().any()

    def test_of_two_labels_the_wrong_one_is_the_other(self):
        y = torch.eye(2)[[0, 1, 1]]
        assert torch.equal(small(label_names=["a", "b"]).other_labels(y), 1 - y)

    @pytest.mark.parametrize(
        "variant",
        [{"label_names": []}, {"label_names": ["any"]}, {"label_mode": "ac"}, {"wrong_labels": False}],
        ids=str,
    )
    def test_there_are_no_wrong_labels_where_none_can_be_shown(self, variant):
        assert not small(**variant).wrong_labels
        assert small().wrong_labels

    def test_the_number_of_processes_changes_nothing(self):
        """16: two with half of a batch each draw what one draws for all of it."""

        class OfTwo(ImaGINator):
            world_size = 2
            rank = 0

            def share(self, draws: Tensor) -> Tensor:
                return draws.chunk(2)[self.rank]

        def drawn(system: ImaGINator, part: slice) -> tuple[Tensor, ...]:
            frames = [system.random_frames(clips[part], purpose) for purpose in (REAL_FRAMES, FAKE_FRAMES)]
            return system.draw_noise(len(clips[part])), *frames, system.other_labels(y[part])

        clips, y = torch.arange(4.0 * 16).view(4, 1, 16, 1, 1), torch.eye(4)
        shared = OfTwo(**LABELLED)
        halves = []
        for shared.rank, part in enumerate((slice(0, 2), slice(2, 4))):
            halves.append(drawn(shared, part))
        for whole, *parts in zip(drawn(small(), slice(None)), *halves, strict=True):
            assert torch.equal(torch.cat(parts), whole)


def test_labels_are_named_in_real_clips_by_the_discriminator_and_in_fake_ones_for_the_generator(batch):
    """The auxiliary classifier (Table 3.7): cross-entropy beside the scores."""
    system, y = small(label_mode="ac").eval(), torch.eye(4)[batch["label"]]
    real = as_floats(batch["clip"])
    with torch.no_grad():
        on_real, on_fake = system.D_V(real), system.D_V(-real)
        of_D, of_G = system.losses_D_V(real, -real, y), system.adversarial_losses(-real, y)
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
    real = as_floats(batch["clip"])
    with torch.no_grad():
        fake = system.G(real[:, :, 0], system.draw_noise(4), y)
    optimizer = torch.optim.Adam(system.D_V.parameters(), 2e-3, (0.5, 0.999))
    losses = []
    for _ in range(25):
        terms = system.losses_D_V(real, fake, y)
        optimizer.zero_grad()
        sum(terms.values()).backward()
        optimizer.step()
        losses.append({name: term.item() for name, term in terms.items()})
    assert sum(losses[0].values()) == pytest.approx(2 * np.log(2), abs=0.2)
    assert all(last < 0.5 * first for first, last in zip(losses[0].values(), losses[-1].values(), strict=True))


class TestLearning:
    @pytest.fixture(scope="class")
    @classmethod
    def taught(cls, fit, batch) -> tuple[ImaGINator, list[float]]:
        """A system after 15 steps on the same four clips, and the reconstruction losses on the way."""
        system, losses = small(ch=8, lr_G=5e-3), []
        system.on_train_batch_end = lambda *_: losses.append(float(system.losses["loss_rec"]))
        fit(system, batch["clip"], 15, body=lambda _: ImaGINator.training_step(system, batch, 0))
        return settled(system, batch), losses

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
