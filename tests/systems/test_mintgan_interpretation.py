"""What motion directions do, found out: of a made-up system whose directions are known, and of an untrained one."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.media.results import Page
from mutoscope.metrics.motion import DIRECTIONS
from mutoscope.systems.control import controls_of
from mutoscope.systems.mintgan import MintGAN, MintGANConfig
from mutoscope.systems.mintgan.direction_measures import (
    Axes,
    MagnitudeStatistics,
    direction_effects,
    grouped,
    magnitude_statistics,
    only,
    walk_motion,
    without,
)
from mutoscope.systems.mintgan.drawing import Codes
from mutoscope.systems.mintgan.interpretation import Interpretation
from mutoscope.systems.mintgan.interpretation_page import _effect_table, ways

SIZE = 32
SIDEWAYS, UPRIGHT, SELDOM, NEVER = range(4)


class Known(Interpretation):
    """A soft disc that goes sideways along d0 and up and down along d1; d2 does next to nothing, d3 is never used.

    Codes are positions in pixels. Along d0 clips go to and fro, along d1 steadily down.
    """

    config = MintGANConfig(d_a=4, d_m=4, N=4, frames=9, image_size=SIZE, levels=1)
    device = torch.device("cpu")

    def latents(self, z_a: Tensor, z_m: Tensor, truncation: float = 1.0) -> Codes:
        return Codes(torch.zeros(len(z_a), 4), z_m * torch.tensor([1.5, 0.2, 0.01, 0]) + torch.tensor([0, 0.8, 0, 0]))

    def basis(self, name: str = "dictionary") -> Tensor:
        return torch.eye(4) if name == "dictionary" else torch.eye(4).flip(0)

    def in_basis(self, A: Tensor, name: str = "dictionary") -> Tensor:
        return A @ self.basis(name).T

    def draw(self, W: Tensor):
        y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
        for clip in W.numpy():
            discs = [np.exp(-(((x - 16 - w[0]) / 6) ** 2) - ((y - 12 - w[1]) / 6) ** 2) for w in clip]
            yield np.repeat((np.stack(discs)[..., None] * 255).astype(np.uint8), 3, axis=3)


@pytest.fixture(scope="module")
def known() -> Known:
    return Known()


@pytest.fixture(scope="module")
def axes(known) -> Axes:
    return Axes(known, "dictionary")


@pytest.fixture(scope="module")
def untrained() -> MintGAN:
    """A small one for grey clips, to read from only."""
    sizes = {"d_a": 16, "d_m": 8, "N": 16, "image_size": SIZE, "widths": [8, 8, 8, 8], "mlp_depth": 2, "frames": 4}
    return MintGAN.untrained(MintGANConfig(**sizes, channels=1, levels=1)).eval()


def disc(clips: np.ndarray) -> np.ndarray:
    """Where the disc is bright."""
    return clips[..., 0] > 128


def test_statistics_are_those_of_the_magnitudes(known, axes):
    statistics = magnitude_statistics(known, axes)
    np.testing.assert_allclose(statistics.mean, [0, 0.8, 0, 0], atol=0.02)
    np.testing.assert_allclose(statistics.variance, [2.25, 0.04, 0.0001, 0], rtol=0.03)
    assert statistics.shares.sum() == pytest.approx(1)
    assert statistics.strongest("variance", 3) == [SIDEWAYS, UPRIGHT, SELDOM]
    assert statistics.strongest("mean", 1) == [UPRIGHT]


def test_statistics_draw_no_frame(known, axes, monkeypatch):
    monkeypatch.setattr(Known, "draw", None)
    assert magnitude_statistics(known, axes, codes=1234).mean.shape == (4,)


def test_statistics_of_a_system_are_those_of_all_its_codes(untrained):
    axes = Axes(untrained, "canonical")
    whole = magnitude_statistics(untrained, axes, codes=700, seed=3)
    assert whole.mean.shape == whole.variance.shape == (16,)
    again = magnitude_statistics(untrained, axes, codes=700, seed=3)
    np.testing.assert_array_equal(whole.mean, again.mean)
    # canonical directions are ordered by variance; a turn of the basis keeps the mean square in sum
    shares = whole.shares
    assert shares[0] == shares.max()
    assert shares[-1] < 0.1 * shares[0]
    learned = magnitude_statistics(untrained, Axes(untrained, "dictionary"), codes=700, seed=3)
    energy = [(each.mean**2 + each.variance).sum() for each in (whole, learned)]
    assert energy[0] == pytest.approx(energy[1], rel=1e-4)


def test_shares_of_nothing_are_zero():
    assert (MagnitudeStatistics(np.zeros(3), np.zeros(3)).shares == 0).all()


@pytest.mark.parametrize("basis", ["dictionary", "canonical"])
def test_axes_tell_the_same_clips(untrained, basis):
    w_0, A = untrained.latents(untrained.appearances(2, 0), untrained.motions(2, 0))
    axes = Axes(untrained, basis)
    torch.testing.assert_close(
        axes.path(w_0, axes.coordinates(A)), untrained.generator.codes(w_0, A), atol=1e-4, rtol=1e-4
    )


@given(k=st.integers(0, 3))
def test_a_direction_alone_and_all_others_are_the_whole(k):
    steps = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(only(steps, k) + without(steps, k), steps)
    assert (without(steps, k)[..., k] == 0).all()
    assert only(steps, k).count_nonzero() == steps[..., k].count_nonzero()


def test_effects_name_what_directions_do(known, axes):
    sideways, upright, seldom, never = direction_effects(known, axes, range(4), clips=6)
    assert sideways.words == "mostly left-right"
    assert upright.words == "mostly up-down"
    assert seldom.words == never.words == "hardly moves anything"
    up, _, _, down = upright.change.per_pixel
    assert down < -5 * abs(up)  # the drift goes one way


def test_a_direction_that_is_never_used_changes_exactly_nothing(known, axes, untrained):
    (effect,) = direction_effects(known, axes, [NEVER], clips=4)
    assert (effect.change.phi == 0).all()
    assert effect.change.Phi == 0
    still = untrained.latents  # the same of a network: its magnitudes along one direction are set to 0

    def silenced(*noise) -> Codes:
        w_0, A = still(*noise)
        return Codes(w_0, without(A, 5))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(untrained, "latents", silenced)
        (effect,) = direction_effects(untrained, Axes(untrained, "dictionary"), [5], clips=3)
    assert (effect.change.phi == 0).all()
    assert (effect.change.per_pixel == 0).all()


def test_effects_within_regions(known, axes):
    def head(clips: np.ndarray) -> np.ndarray:
        return np.ones(clips.shape[:4], bool)

    def mouth(clips: np.ndarray) -> np.ndarray:
        return disc(clips)

    effects = direction_effects(known, axes, [SIDEWAYS, NEVER], clips=4, head=head, mouth=mouth)
    assert effects[0].regions.mouth < 0
    assert effects[1].regions == (0, 0)
    assert direction_effects(known, axes, [NEVER], clips=1)[0].regions is None
    with pytest.raises(ValueError, match="one is given without the other"):
        direction_effects(known, axes, [0], head=head)


def test_walks_go_from_minus_5_to_4_375_along_every_direction(untrained):
    axes = Axes(untrained, "dictionary")
    w_0 = torch.randn(1, 16)
    walks = axes.walks(w_0, range(16), 16)
    along = torch.einsum("ktn,jn->ktj", walks - w_0, axes.rows)
    alpha = torch.linspace(-5, 4.375, 16)
    torch.testing.assert_close(along, torch.einsum("kj,t->ktj", torch.eye(16), alpha), atol=1e-4, rtol=1e-4)


def test_walks_are_told_apart_by_where_they_go(known, axes):
    clips = list(known.draw(axes.walks(torch.zeros(1, 4), [SIDEWAYS, UPRIGHT, NEVER], 16)))
    phi = walk_motion(clips)
    assert [ways(each) for each in phi] == ["right", "down", "nothing moves"]
    assert ways(np.ones(8)) == "every way"
    np.testing.assert_array_equal(grouped(phi), [0, 1, 2])


@settings(max_examples=10)
@given(centres=st.lists(st.integers(0, 4), min_size=3, max_size=12), seed=st.integers(0, 3))
def test_groups_are_those_of_equal_motion_and_the_same_every_time(centres, seed):
    phi = np.eye(8)[centres] + np.random.default_rng(0).normal(0, 1e-3, (len(centres), 8))
    groups = grouped(phi, len(set(centres)), seed)
    _, first = np.unique(centres, return_index=True)
    order = {centres[place]: number for number, place in enumerate(sorted(first))}
    np.testing.assert_array_equal(groups, [order[centre] for centre in centres])
    np.testing.assert_array_equal(groups, grouped(phi, len(set(centres)), seed))


def test_there_are_no_more_groups_than_motions():
    assert grouped(np.zeros((5, 8)), 16).tolist() == [0] * 5
    assert grouped(np.random.default_rng(0).random((40, 8)), 16).max() == 15


def test_tables_tell_the_same(known):
    statistics = known.statistics(most=2, codes=2000)
    assert [row["direction"] for row in statistics.records()] == [SIDEWAYS, UPRIGHT]
    assert known.statistics(by="mean", most=1, codes=50).rows[0][0] == UPRIGHT
    effects = known.effects(directions=[UPRIGHT, SIDEWAYS, UPRIGHT], clips=4, codes=50).records()
    assert {row["direction"]: row["in words"] for row in effects} == {1: "mostly up-down", 0: "mostly left-right"}
    groups = known.groups().records()
    assert [row["direction"] for row in groups] == [0, 1, 2, 3]
    assert groups[SELDOM]["group"] != groups[UPRIGHT]["group"]
    assert [f"φ {way}" for way in DIRECTIONS] == list(groups[0])[2:]


def test_the_canonical_basis_counts_differently(known):
    assert known.statistics(basis="canonical", most=1, codes=50).rows[0][0] == 3
    assert known.effects(basis="canonical", directions=3, clips=4, codes=50).rows[0][-1] == "mostly left-right"


def test_the_page_shows_and_tells_each_direction(known, tmp_path):
    page = known.interpret(most=2, clips=4, codes=500, clusters=3)
    text = page.save(tmp_path / "page.html").read_text()
    assert re.findall(r"<h2>(.*)</h2>", text) == [
        "How to read this page",
        "How much each direction is used",
        "d0: mostly left-right",
        "d1: mostly up-down",
        "Directions that move alike",
    ]
    assert re.findall(r"<h3>(.*)</h3>", text) == [
        "Group 0: 1 direction, right",
        "Group 1: 1 direction, down",
        "Group 2: 2 directions, nothing moves",
    ]
    # a wheel; of each direction a walk, a film, curves and six strips; a walk of all four in groups
    assert text.count("<img") == text.count('src="data:image/webp') == text.count("alt=") == 1 + 2 * 9 + 4
    for opened in ("section", "table", "figure", "div", "p"):
        assert len(re.findall(rf"<{opened}[ >]", text)) == text.count(f"</{opened}>")


def test_regions_are_told_on_the_page(known, axes):
    (with_regions,) = direction_effects(known, axes, [0], clips=2, head=lambda c: ~disc(c), mouth=disc)
    assert "of the mouth beyond the head's" in _effect_table(with_regions)


def test_a_system_interprets_itself(untrained):
    assert {"interpret", "statistics", "effects", "groups"} <= set(controls_of(MintGAN))
    page = untrained.interpret(directions=[3], clips=2, codes=50, walked=4, basis="canonical")
    assert isinstance(page, Page)
    assert page.title == "MintGAN: what its motion directions do"
    assert "<h2>c3: " in page.body


def test_bad_requests_are_told_in_one_line(known, untrained):
    with pytest.raises(InputError, match="directions: is empty"):
        known.effects(directions=[])
    with pytest.raises(InputError, match=r"directions: 4 is out of range .expected 0 to 3"):
        known.interpret(directions=[4])
    with pytest.raises(InputError, match="by: 'size' is unknown"):
        known.statistics(by="size")
    sizes = {"d_a": 4, "d_m": 4, "N": 4, "image_size": 16, "widths": [4] * 3, "mlp_depth": 1, "levels": 0}
    bare = MintGAN.untrained(MintGANConfig(**sizes, motion_bank="none"))
    with pytest.raises(InputError, match="no motion directions"):
        Axes(bare, "dictionary")
