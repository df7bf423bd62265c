"""The algorithm of section 4.3, step by step and as a whole. Numbers are those of the acceptance list."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mutoscope.data import clips_from_arrays
from mutoscope.data.synthetic import make_clips
from mutoscope.data.synthetic.moving_sprites import MOTIONS
from mutoscope.errors import InputError
from mutoscope.nn import frames_at
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.draws import Random
from mutoscope.systems.g3an import G3AN, G3ANConfig
from mutoscope.systems.g3an import system as system_module
from mutoscope.systems.g3an.system import other_labels
from mutoscope.systems.loading import load
from mutoscope.training import train
from mutoscope.training.options import preset

SMALL = {"d_a": 4, "d_m": 3, "image_size": 32, "ch": 8, "ch_D": 8, "fsa_level": 2}
NETWORKS = {"G", "D_V", "D_I"}


def small(**choices: Any) -> G3AN:
    """An untrained system, always from the same first weights."""
    return G3AN.untrained(G3ANConfig(**(SMALL | choices)))


def noise_of(system: G3AN, n: int) -> dict[str, Tensor]:
    """What the system's present iteration draws for n clips."""
    return system.noise(n, Random(0, system.iteration))


def as_seen(clips: Tensor) -> Tensor:
    """uint8 clips `n t h w c` as networks get them."""
    return clips.permute(0, 4, 1, 2, 3).float() / 127.5 - 1


@pytest.fixture(scope="module")
def batch() -> dict[str, Tensor]:
    """Four clips of moving sprites, one of each motion, as training gets them."""
    made = make_clips("moving_sprites", max_clips=4)
    return {"clip": torch.from_numpy(np.stack(made.clips)), "label": torch.tensor(made.labels)}


def networks_that(system: G3AN, holds: Callable[[str, Tensor], bool]) -> set[str]:
    """The networks with a weight for which this holds."""
    return {name.split(".")[0] for name, weight in system.named_parameters() if holds(name, weight)}


class TestSteps:
    def test_each_loss_trains_its_own_network(self, fit, batch, monkeypatch):
        """21 and the order of section 6: D_V, D_I, then G on the same clips; no gradient is left in another network."""
        system, events, step = small(), [], system_module.step

        def watched(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
            before = {name: weight.clone() for name, weight in system.named_parameters()}
            slopes = {name: weight.grad for name, weight in system.named_parameters()}
            step(optimizer, loss)
            moved = networks_that(system, lambda name, weight: not torch.equal(weight, before[name]))
            sloped = networks_that(system, lambda name, weight: weight.grad is not slopes[name])
            events.append((moved, sloped))

        monkeypatch.setattr(system_module, "step", watched)
        fit(system, batch)
        assert events == [({name}, {name}) for name in ("D_V", "D_I", "G")]

    def test_all_take_the_same_fake_clips(self, fit, batch):
        """G draws once a step."""
        system, drawn = small(), []
        system.G.register_forward_hook(lambda _, __, clips: drawn.append(clips))
        seen: dict[str, list[Tensor]] = {"D_V": [], "D_I": []}
        system.D_V.register_forward_pre_hook(lambda _, inputs: seen["D_V"].append(inputs[0].detach()))
        system.D_I.register_forward_pre_hook(lambda _, inputs: seen["D_I"].append(inputs[0].detach()))
        fit(system, batch)
        (fake,) = drawn
        assert torch.equal(seen["D_V"][0][4:], fake)
        assert torch.equal(seen["D_V"][1], fake)
        assert torch.equal(seen["D_I"][0][4:], seen["D_I"][1])

    def test_losses_are_those_of_the_equations(self, fit, batch):
        """Eqs. 4.5 and 4.6 with log D, by hand and by a plain Adam: also after a step."""
        trained = small(lr_D=1e-3)
        by_hand = copy.deepcopy(trained).train()
        optimizers = [
            torch.optim.Adam(network.parameters(), lr, (0.5, 0.999))
            for network, lr in ((by_hand.D_V, 1e-3), (by_hand.D_I, 1e-3), (by_hand.G, 2e-4))
        ]
        expected = [step_by_hand(by_hand, batch["clip"], optimizers) for _ in range(2)]
        first, second = (fit(copy.deepcopy(trained), batch, steps) for steps in (1, 2))
        assert list(first) == ["loss_D_V", "loss_D_I", "loss_G"]
        assert list(first.values()) == pytest.approx(expected[0], abs=1e-5)
        assert list(second.values()) == pytest.approx(expected[1], abs=1e-3)
        assert list(first.values()) != pytest.approx(list(second.values()), abs=1e-2)

    def test_an_average_follows(self, fit, batch):
        system = small(ema=0.75)
        before = {name: weight.clone() for name, weight in system.G.named_parameters()}
        fit(system, batch)
        assert system.generator is system.G_average.network
        for name, weight in system.G.named_parameters():
            expected = before[name].lerp(weight.detach(), 0.25)
            torch.testing.assert_close(system.G_average.network.get_parameter(name), expected)
        for name, buffer in system.G.named_buffers():
            assert torch.equal(system.G_average.network.get_buffer(name), buffer)


def step_by_hand(system: G3AN, clips: Tensor, optimizers: list[torch.optim.Adam]) -> list[float]:
    """A step of the algorithm, written out."""
    D_V, D_I = (lambda x: torch.sigmoid(system.D_V(x).score)), (lambda x: torch.sigmoid(system.D_I(x)))
    n = len(clips)
    real, noise = as_seen(clips), noise_of(system, n)
    t_real, t_fake = noise["real_times"][:, 0], noise["fake_times"][:, 0]
    fake = system.G(noise["z_a"], noise["z_m"])
    real_frames = torch.stack([clip[:, t] for clip, t in zip(real, t_real, strict=True)])
    fake_frames = torch.stack([clip[:, t] for clip, t in zip(fake, t_fake, strict=True)])

    def play(D: Callable[[Tensor], Tensor], on_real: Tensor, on_fake: Tensor) -> Tensor:
        said = D(torch.cat([on_real, on_fake.detach()]))
        return -said[:n].log().mean() - (1 - said[n:]).log().mean()

    losses = []
    for optimizer, loss in zip(
        optimizers,
        (
            lambda: play(D_V, real, fake),
            lambda: play(D_I, real_frames, fake_frames),
            lambda: -D_V(fake).log().mean() - D_I(fake_frames).log().mean(),
        ),
        strict=True,
    ):
        value = loss()
        for each in optimizers:
            each.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    system.iteration += 1
    return losses


VARIANTS = [
    {"use_S": False},
    {"use_T": False},
    {"use_S": False, "use_T": False, "fsa_level": None},
    {"conv": "2p1d", "fsa_level": 0},
    {"conv": "3d", "fsa_level": 3},
    {"match_params": True, "fsa_level": 1},
    {"match_params": True, "conv": "2p1d"},
    {"d_v": "2p1d", "d_noise": 0.1, "ema": 0.9},
    {"frames": 20, "image_frames": 3},
    {"channels": 1},
    {"legacy_attention": True},
    {"label_names": list(MOTIONS)},
    {"label_names": list(MOTIONS), "wrong_labels": True, "d_v": "2p1d"},
    {"label_names": list(MOTIONS), "label_mode": "ac"},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: " ".join(f"{k}={v}" for k, v in variant.items()))
def test_every_variant_takes_a_step(fit, batch, variant):
    """15 and 19: losses are finite, and every matrix of every network moves."""
    system = small(**variant)
    before = {name: weight.clone() for name, weight in system.named_parameters()}
    times = torch.arange(system.config.frames).clamp(max=15)
    clips = batch["clip"][:2, times, ..., : system.config.channels]
    losses = fit(system, {"clip": clips, "label": batch["label"][:2]}, steps=2)
    assert np.isfinite(list(losses.values())).all()
    attention = ("f.weight", "g.weight", "h.weight")  # may wait for γ
    moved = {name for name, weight in system.named_parameters() if not torch.equal(weight, before[name])}
    assert {name for name, weight in before.items() if weight.ndim > 1 and not name.endswith(attention)} <= moved
    assert {name for name in before if name.endswith("gamma") and not name.startswith("G_average")} <= moved


class TestDraws:
    """What a step draws is a function of seed, iteration and purpose."""

    def test_frames_are_of_a_random_time_of_each_clip(self):
        """22: in range, for every clip its own, all of them, the same for the same seed."""
        system = small()
        first = noise_of(system, 400)
        assert first["real_times"].shape == (400, 1)
        assert first["real_times"].unique().tolist() == list(range(16))
        assert torch.equal(first["real_times"], noise_of(small(), 400)["real_times"])
        assert not torch.equal(first["real_times"], first["fake_times"])
        system.iteration = 1
        assert not torch.equal(first["real_times"], noise_of(system, 400)["real_times"])

    @pytest.mark.parametrize("count", [1, 3])
    def test_frames_are_those_of_these_times(self, count):
        """22: clip i at its times, one after the other."""
        clips = (100 * torch.arange(5.0)[:, None] + torch.arange(16.0)).view(5, 1, 16, 1, 1).expand(5, 3, 16, 2, 2)
        times = noise_of(small(image_frames=count), 5)["real_times"]
        frames = frames_at(clips, times)
        expected = (100 * torch.arange(5)[:, None] + times).flatten()
        assert frames.shape == (5 * count, 3, 2, 2)
        assert torch.equal(frames, expected.float().view(-1, 1, 1, 1).expand_as(frames))

    def test_noise_is_normal_and_as_long_as_the_clips(self):
        noise = noise_of(small(frames=24), 500)
        assert noise["z_m"].shape == (500, 3, 3)
        for z in (noise["z_a"], noise["z_m"]):
            assert z.mean().abs() < 0.1
            assert z.std() == pytest.approx(1, abs=0.1)

    def test_wrong_labels_are_wrong(self):
        """Any of the others."""
        y = torch.eye(4).repeat(50, 1)
        other = other_labels(y, noise_of(small(label_names=list(MOTIONS), wrong_labels=True), 200)["other"])
        assert other.sum(1).eq(1).all()
        pairs = set(zip(y.argmax(1).tolist(), other.argmax(1).tolist(), strict=True))
        assert pairs == {(a, b) for a in range(4) for b in range(4) if a != b}

    def test_only_what_is_used_is_drawn(self):
        labels, usual = {"label_names": list(MOTIONS), "wrong_labels": True}, {"z_a", "z_m", "real_times", "fake_times"}
        assert noise_of(small(), 2).keys() == usual
        assert noise_of(small(**labels), 2).keys() == usual | {"other"}
        assert noise_of(small(**labels, label_mode="ac"), 2).keys() == usual
        noisy = noise_of(small(d_noise=0.1, image_frames=3), 4)
        assert len(noisy) == 4 + 6
        assert noisy["fake_clips_G"].shape == (4, 3, 16, 32, 32)
        assert noisy["fake_frames_G"].shape == (12, 3, 32, 32)
        assert noisy["real_clips_D"].std() == pytest.approx(0.1, rel=0.02)

    def test_wrong_labels_are_half_of_what_is_fake(self, batch):
        """Ordinary fake clips are the other half."""
        system, y = small(label_names=list(MOTIONS), wrong_labels=True).eval(), torch.eye(4)
        real, noise = as_seen(batch["clip"]), noise_of(system, 4)
        with torch.no_grad():
            own, wrong = system.D_V(real, y).score, system.D_V(real, other_labels(y, noise["other"])).score
            fake = system.D_V(-real, y).score
            expected = F.softplus(-own).mean() + (F.softplus(fake).mean() + F.softplus(wrong).mean()) / 2
            torch.testing.assert_close(system.loss_D_V(real, -real, y, noise), expected)

    def test_labels_are_named_in_real_clips_by_the_discriminator_and_in_fake_ones_for_the_generator(self, batch):
        """The auxiliary classifier: cross-entropy beside the scores."""
        labels = {"label_names": list(MOTIONS), "label_mode": "ac"}
        system, y = small(**labels).eval(), torch.eye(4)[batch["label"]]
        real = as_seen(batch["clip"])
        with torch.no_grad():
            on_real, on_fake, on_frames = system.D_V(real), system.D_V(-real), system.D_I(-real[:, :, 0])
            expected_D = F.softplus(-on_real.score).mean() + F.softplus(on_fake.score).mean()
            expected_D += F.cross_entropy(on_real.label, batch["label"])
            expected_G = F.softplus(-on_fake.score).mean() + F.softplus(-on_frames).mean()
            expected_G += F.cross_entropy(on_fake.label, batch["label"])
            torch.testing.assert_close(system.loss_D_V(real, -real, y, {}), expected_D)
            torch.testing.assert_close(system.loss_G(-real, -real[:, :, 0], y, {}), expected_G)

    def test_discriminators_see_the_noise_that_was_drawn(self, fit, batch):
        """Each network another one, on real and on fake clips and frames."""
        system = small(d_noise=0.1)
        system.G.register_forward_hook(lambda _, __, clips: torch.zeros_like(clips) + 0 * clips)
        seen: dict[str, list[Tensor]] = {"D_V": [], "D_I": []}
        for name, inputs in seen.items():
            getattr(system, name).register_forward_pre_hook(lambda _, x, inputs=inputs: inputs.append(x[0].detach()))
        noise = noise_of(system, 4)
        fit(system, batch)
        of_D_V, of_D_I = (torch.cat(inputs) for inputs in seen.values())
        assert torch.equal(of_D_V[4:], torch.cat([noise["fake_clips_D"], noise["fake_clips_G"]]))
        assert torch.equal(of_D_I[4:], torch.cat([noise["fake_frames_D"], noise["fake_frames_G"]]))
        assert torch.equal(of_D_V[:4], as_seen(batch["clip"]) + noise["real_clips_D"])


def test_a_video_discriminator_learns_a_batch_by_heart(batch):
    """Real clips from fixed fake ones, in 20 steps."""
    system = small()
    real, noise = as_seen(batch["clip"]), noise_of(system, 4)
    with torch.no_grad():
        fake = system.G(noise["z_a"], noise["z_m"])
    optimizer = torch.optim.Adam(system.D_V.parameters(), 2e-3, (0.5, 0.999))
    losses = []
    for _ in range(20):
        loss = system.loss_D_V(real, fake, None, {})
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(2 * np.log(2), abs=0.2)
    assert losses[-1] < 0.25 * losses[0]
    assert (system.D_V(real).score > system.D_V(fake).score.max()).all()


@pytest.fixture(scope="module")
def run_small() -> Callable[..., Path]:
    """`run_small(out, **options)`: three steps on eight sprites with labels, from the preset `tiny`."""
    options = {"data": "moving_sprites", "max_clips": 8, "held_out": 0, "batch_size": 2, "max_steps": 3}
    arguments = SMALL | {"label_names": list(MOTIONS), "ema": 0.9, "d_noise": 0.1, "accelerator": "cpu"}

    def run(out: Path, **others: Any) -> Path:
        return train("g3an", preset="tiny", out=out, quiet=True, **(options | arguments | others))

    return run


@pytest.fixture(scope="module")
def trained(run_small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of such a run, to read from only."""
    return run_small(tmp_path_factory.mktemp("g3an") / "run")


def clips_of(system: G3AN, n: int, frames: int = 16, seed: int = 0) -> np.ndarray:
    return np.stack(list(system.outputs(Conditions(n, frames), seed)))


class TestRuns:
    def test_resuming_gives_what_an_uninterrupted_run_gives(self, run_small, trained, tmp_path):
        """26: bit for bit, averages included."""
        run_small(tmp_path / "run", max_steps=2)
        run_small(tmp_path / "run", resume=True)
        stored = [
            torch.load(run / "checkpoints" / "00000003.ckpt", weights_only=True)["state_dict"]
            for run in (trained, tmp_path / "run")
        ]
        assert {key.split(".")[0] for key in stored[0]} == NETWORKS | {"G_average"}
        assert all(torch.equal(stored[0][key], stored[1][key]) for key in stored[0])

    def test_what_is_stored_draws_the_same(self, trained, tmp_path):
        """26: names of labels and all choices go with the weights."""
        system = load(trained)
        assert (system.label_names, system.config.columns, system.config.d_m) == (list(MOTIONS), ("label",), 3)
        again = load(system.save_pretrained(tmp_path / "weights"))
        assert again.config == system.config
        noise = noise_of(system, 2)
        codes = noise["z_a"], noise["z_m"], torch.eye(4)[:2]
        for network in ("G", "generator"):
            assert torch.equal(getattr(system, network)(*codes), getattr(again, network)(*codes))
        assert torch.equal(system.D_V(system.G(*codes), codes[2]).score, again.D_V(again.G(*codes), codes[2]).score)

    def test_the_tiny_preset_trains(self, tmp_path):
        options = {"data": "moving_sprites", "max_clips": 4, "held_out": 0, "batch_size": 2, "accelerator": "cpu"}
        run = train("g3an", preset="tiny", out=tmp_path / "run", quiet=True, max_steps=2, precision="bf16", **options)
        system = load(run)
        assert (system.config.d_a, system.config.d_m, system.label_names) == (32, 8, [])
        assert {weight.dtype for weight in system.parameters()} == {torch.float32}
        assert clips_of(system, 1).std() > 0

    @pytest.mark.parametrize("names", [["left", "right"], list(MOTIONS)[::-1]])
    def test_names_of_labels_must_be_those_of_the_data(self, run_small, tmp_path, names):
        """In its order, for numbers are what training gets."""
        with pytest.raises(InputError, match=r"label_names: .* are not those of moving_sprites, which has"):
            run_small(tmp_path / "run", label_names=names)

    def test_labels_must_be_there_at_all(self, run_small, tmp_path):
        np.save(tmp_path / "clip.npy", np.zeros((20, 32, 32, 3), np.uint8))
        with pytest.raises(InputError, match="has no label"):
            run_small(tmp_path / "run", data=str(tmp_path / "clip.npy"), max_clips=None, batch_size=1)

    def test_clips_too_short_rest_on_their_last_frame(self):
        """23: 16 frames of 5."""
        short = clips_from_arrays([np.arange(5, dtype=np.uint8)[:, None, None, None].repeat(32, 1)], name="short")
        window = small().examples(short, small().stage)[0]["clip"]
        assert window[:, 0, 0, 0].tolist() == [0, 1, 2, 3] + [4] * 12

    def test_single_frames_are_refused(self):
        pictures = clips_from_arrays([np.zeros((1, 32, 32, 3), np.uint8)] * 3, name="pictures")
        with pytest.raises(InputError, match=r"pictures: holds single frames only \(expected clips\)"):
            G3ANConfig().for_data(pictures)

    def test_presets_differ_where_the_thesis_and_its_code_do(self):
        """31."""
        paper, release = preset("g3an", "paper"), preset("g3an", "release")
        differing = {name: (paper.get(name), release.get(name)) for name in paper | release}
        assert {name: pair for name, pair in differing.items() if pair[0] != pair[1]} == {
            "frame_step": ([1, 4], [2, 3]),
            "d_v": ("3d", "2p1d"),
        }
        assert (paper["batch_size"], paper["d_a"], paper["d_m"], paper["frames"]) == (96, 128, 10, 16)


class TestSampling:
    """28."""

    @pytest.fixture(scope="class")
    @classmethod
    def system(cls, trained: Path) -> G3AN:
        return load(trained)

    def test_clips_are_those_of_the_seed(self, system):
        first = clips_of(system, 3, seed=1)
        assert first.shape == (3, 16, 32, 32, 3)
        assert np.array_equal(first, clips_of(system, 3, seed=1))
        assert not np.array_equal(first, clips_of(system, 3, seed=2))

    def test_a_clip_does_not_depend_on_those_drawn_with_it(self, system):
        """Up to rounding, a level: alone, among a few, or the last of more than are drawn at once."""
        many = clips_of(system, 18).astype(int)
        for n in (1, 5, 17):
            assert np.abs(clips_of(system, n)[-1] - many[n - 1]).max() <= 1

    @pytest.mark.parametrize("frames", [1, 8, 16, 17, 21])
    def test_clips_are_as_long_as_asked(self, system, frames):
        assert clips_of(system, 2, frames=frames).shape[1] == frames

    def test_labels_come_in_turn_where_none_are_given(self, system):
        given = list(system.outputs(Conditions(6, 16, {"label": [0, 1, 2, 3, 0, 1]})))
        assert np.array_equal(np.stack(given), clips_of(system, 6))

    def test_labels_that_are_given_are_shown(self, system):
        """By number or, in the order of other data, by name."""
        by_number = np.stack(list(system.outputs(Conditions(3, 16, {"label": [2, 2, 0]}))))
        names = [MOTIONS[0], MOTIONS[2]]
        by_name = np.stack(list(system.outputs(Conditions(3, 16, {"label": [1, 1, 0]}, label_names=names))))
        assert np.array_equal(by_number, by_name)
        drawn = system.draw(system.appearances(3, 0), system.motions(3, 0), torch.eye(4)[[2, 2, 0]])
        assert np.array_equal(by_number, np.stack(list(drawn)))
        assert not np.array_equal(by_number, clips_of(system, 3))

    @pytest.mark.parametrize(("label", "names"), [([4], None), ([0], ["waving"])])
    def test_labels_that_it_does_not_know_are_refused(self, system, label, names):
        with pytest.raises(InputError, match="label: "):
            list(system.outputs(Conditions(1, 16, {"label": label}, label_names=names)))

    def test_each_output_is_as_long_as_asked(self, system):
        clips = list(system.outputs(Conditions(3, [5, 21, 16])))
        assert [len(clip) for clip in clips] == [5, 21, 16]

    def test_sampling_leaves_the_global_generator_alone(self, system):
        before = torch.get_rng_state()
        clips_of(system, 1)
        assert torch.equal(torch.get_rng_state(), before)
