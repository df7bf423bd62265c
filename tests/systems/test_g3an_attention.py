"""Factorised self-attention against Eqs. 4.1 to 4.4, written out. Numbers are those of the acceptance list."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.nn import settle_spectral_norms
from mutoscope.systems.g3an import attention
from mutoscope.systems.g3an.attention import FactorisedSelfAttention, SelfAttention, attend


@pytest.fixture
def clip() -> Tensor:
    """Features of two clips: 8 channels, 3 times, 2 x 2 positions."""
    return torch.randn(2, 8, 3, 2, 2, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def two_frames_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes sequences in as small parts as there are."""
    monkeypatch.setattr(attention, "ELEMENTS_AT_ONCE", 1)


def layer(channels: int = 8, gamma: float = 0.7, legacy: bool = False) -> FactorisedSelfAttention:
    """Attention that looks sharply and adds something, in eval mode."""
    torch.manual_seed(0)
    made = FactorisedSelfAttention(channels, legacy).eval()
    for part, its_gamma in ((made.T_SA, gamma), (made.S_SA, -gamma)):
        nn.init.constant_(part.gamma, its_gamma)
        for conv in (part.f, part.g, part.h):
            nn.init.normal_(conv.bias)
    settle_spectral_norms(made)
    return made


def read(part: SelfAttention, feature: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """f, g and h of the features (c) at one place and time."""
    convs = (part.f, part.g, part.h)
    f, g, h = (conv.spectral_weight().flatten(1) @ feature + conv.bias for conv in convs)
    return f, g, h


def written_out(part: SelfAttention, features: Tensor) -> Tensor:
    """y_j = γ Σ_i a_ji h(x_i) + x_j for features (p, c) of one sequence, one pair i, j at a time."""
    y = features.clone()
    for j, target in enumerate(features):
        scores = torch.stack([read(part, source)[0] @ read(part, target)[1] for source in features])
        weights = scores.exp() / scores.exp().sum()
        for i, source in enumerate(features):
            y[j] = y[j] + part.gamma * weights[i] * read(part, source)[2]
    return y


def over_time(part: SelfAttention, x: Tensor) -> Tensor:
    y = x.clone()
    b, _, _, h, w = x.shape
    for index, row, column in torch.cartesian_prod(*map(torch.arange, (b, h, w))).tolist():
        y[index, :, :, row, column] = written_out(part, x[index, :, :, row, column].T).T
    return y


def over_space(part: SelfAttention, x: Tensor) -> Tensor:
    y = x.clone()
    b, c, t, h, w = x.shape
    for index, time in torch.cartesian_prod(torch.arange(b), torch.arange(t)).tolist():
        y[index, :, time] = written_out(part, x[index, :, time].flatten(1).T).T.reshape(c, h, w)
    return y


class TestEquations:
    def test_over_time(self, clip):
        """10: T-SA, Eqs. 4.1 and 4.2."""
        attend_to = layer()
        torch.testing.assert_close(attend_to.over_time(clip), over_time(attend_to.T_SA, clip), atol=1e-5, rtol=0)

    def test_over_space(self, clip):
        """10: S-SA, Eqs. 4.3 and 4.4."""
        attend_to = layer()
        torch.testing.assert_close(attend_to.over_space(clip), over_space(attend_to.S_SA, clip), atol=1e-5, rtol=0)

    def test_space_looks_at_what_time_has_made(self, clip):
        """S-SA works on y^t, not on x as Eq. 4.4 is printed."""
        attend_to = layer()
        expected = over_space(attend_to.S_SA, over_time(attend_to.T_SA, clip))
        torch.testing.assert_close(attend_to(clip), expected, atol=1e-5, rtol=0)

    def test_weights_sum_to_one_over_the_sources(self):
        """10: for every target."""
        weights = attention._weights(torch.randn(4, 5, 3), torch.randn(4, 5, 3))
        torch.testing.assert_close(weights.sum(2), torch.ones(4, 5))
        assert not torch.allclose(weights.sum(1), torch.ones(4, 5), atol=0.1)

    def test_time_mixes_only_time(self, clip):
        """11: a change at one position, at one time, is seen at that position, at all times."""
        changed = clip.clone()
        changed[0, :, 1, 0, 1] += 1
        seen = (layer().over_time(changed) - layer().over_time(clip)).abs().sum(1)
        assert seen[0, :, 0, 1].min() > 1e-4
        seen[0, :, 0, 1] = 0
        assert not seen.any()

    def test_space_mixes_only_space(self, clip):
        """11: a change in one frame, at one position, is seen in that frame, at all positions."""
        changed = clip.clone()
        changed[0, :, 1, 0, 1] += 1
        seen = (layer().over_space(changed) - layer().over_space(clip)).abs().sum(1)
        assert seen[0, 1].min() > 1e-4
        seen[0, 1] = 0
        assert not seen.any()


class TestGamma:
    def test_nothing_is_added_at_first(self, clip):
        """9: an exact identity."""
        assert torch.equal(FactorisedSelfAttention(8)(clip), clip)

    def test_it_is_learned(self, clip):
        """9: a parameter, 0 at first, that gets a gradient at once; the projections get theirs once it has moved."""
        attend_to = FactorisedSelfAttention(8)
        gammas = [attend_to.T_SA.gamma, attend_to.S_SA.gamma]
        assert {id(gamma) for gamma in gammas} <= {id(weight) for weight in attend_to.parameters()}
        assert not any(gamma.any() for gamma in gammas)
        attend_to(clip).square().sum().backward()
        assert all(gamma.grad.abs() > 0 for gamma in gammas)
        with torch.no_grad():
            for gamma in gammas:
                gamma.fill_(0.5)
        attend_to.zero_grad()
        attend_to(clip).square().sum().backward()
        for name, weight in attend_to.named_parameters():
            if not name.endswith("f.bias"):  # adds the same to the scores of all sources: the softmax cannot see it
                assert weight.grad.abs().max() > 1e-6, name


class TestChannels:
    @pytest.mark.parametrize("channels", [8, 128, 256])
    def test_f_and_g_have_an_eighth_of_them(self, channels):
        """12."""
        part = SelfAttention(channels)
        assert (part.f.out_channels, part.g.out_channels, part.h.out_channels) == (
            channels // 8,
            channels // 8,
            channels,
        )
        x = torch.randn(1, channels, 2, 2, 2)
        assert FactorisedSelfAttention(channels)(x).shape == x.shape

    def test_256_channels_have_the_parameters_of_the_table(self):
        """2: 164,482, γ included."""
        assert sum(weight.numel() for weight in FactorisedSelfAttention(256).parameters()) == 164_482


def naive(x: Tensor, read: Tensor) -> Tensor:
    """All scores at once."""
    c = x.shape[-1]
    f, g, h = read.split([c // 8, c // 8, c], dim=-1)
    return x + torch.softmax(g @ f.transpose(-1, -2), -1) @ h


def fused(x: Tensor, read: Tensor) -> Tensor:
    c = x.shape[-1]
    f, g, h = read.split([c // 8, c // 8, c], dim=-1)
    return x + F.scaled_dot_product_attention(g, f, h, scale=1.0)


def with_gradients(function: Callable[[Tensor, Tensor], Tensor], x: Tensor, read: Tensor) -> list[Tensor]:
    """Output, and gradients of a loss that weighs all of it differently."""
    x, read = x.clone().requires_grad_(), read.clone().requires_grad_()
    out = function(x, read)
    loss = (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum()
    return [out, *torch.autograd.grad(loss, (x, read))]


class TestInParts:
    """14: how it is computed makes no difference."""

    @pytest.fixture
    def sequences(self) -> tuple[Tensor, Tensor]:
        torch.manual_seed(0)
        return torch.randn(2, 5, 6, 16), torch.randn(2, 5, 6, 20)

    @pytest.mark.parametrize("elements", [1, 400, 1 << 21])
    @pytest.mark.parametrize("reference", [naive, fused])
    def test_parts_of_any_size_give_the_same(self, sequences, monkeypatch, elements, reference):
        monkeypatch.setattr(attention, "ELEMENTS_AT_ONCE", elements)
        for own, other in zip(with_gradients(attend, *sequences), with_gradients(reference, *sequences), strict=True):
            torch.testing.assert_close(own, other, atol=2e-5, rtol=1e-5)

    def test_what_is_compiled_or_on_a_gpu_gives_the_same(self, sequences, monkeypatch):
        """There, torch's own kernel is used."""
        expected = with_gradients(attend, *sequences)
        monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
        for own, other in zip(with_gradients(attend, *sequences), expected, strict=True):
            torch.testing.assert_close(own, other, atol=2e-5, rtol=1e-5)

    @pytest.mark.usefixtures("two_frames_at_once")
    def test_gradients_are_true(self):
        """By finite differences."""
        torch.manual_seed(0)
        x, read = (torch.randn(1, 3, 4, k, dtype=torch.float64, requires_grad=True) for k in (8, 10))
        assert torch.autograd.gradcheck(attend, (x, read))

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_half_the_bits(self, dtype):
        """Under autocast, whatever precision the features come in; outputs and gradients keep it."""
        x = torch.randn(2, 16, 4, 3, 3, generator=torch.Generator().manual_seed(0))
        outcomes = []
        for autocast in (False, True):
            attend_to, given = layer(16), x.to(dtype if autocast else torch.float32, copy=True).requires_grad_()
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                out = attend_to(given)
                out.float().square().mean().backward()
            outcomes.append((out, given.grad, attend_to.T_SA.h.weight.grad, attend_to.S_SA.f.weight.grad))
        whole, half = outcomes
        assert half[0].dtype == half[1].dtype == dtype
        for own, other in zip(half, whole, strict=True):
            assert (own.float() - other).norm() < 0.05 * other.norm()


class TestMemory:
    """13: 16 frames of 32 x 32 positions, where full attention would have 2.68e8 scores."""

    @pytest.fixture
    def scores(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """How many scores are made, one number for each time that some are."""
        made: list[int] = []
        weights = attention._weights

        def counted(queries: Tensor, keys: Tensor) -> Tensor:
            out = weights(queries, keys)
            made.append(out.numel())
            return out

        monkeypatch.setattr(attention, "_weights", counted)
        return made

    def test_a_sixteenth_of_the_scores_and_few_at_a_time(self, scores):
        x = torch.randn(1, 8, 16, 32, 32)
        with torch.no_grad():
            layer()(x)
        full = (16 * 32 * 32) ** 2
        assert sum(scores) == 32 * 32 * 16**2 + 16 * (32 * 32) ** 2  # 1.70e7
        assert 15.5 < full / sum(scores) < 16
        assert max(scores) == 2 * (32 * 32) ** 2  # two frames

    def test_no_scores_are_kept_for_the_gradient(self, scores):
        """They are made once more, as few at a time."""
        x = torch.randn(1, 8, 4, 16, 16, requires_grad=True)
        held: list[tuple[int, ...]] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda kept: held.append(kept.shape) or kept, lambda kept: kept):
            loss = layer()(x).sum()
        forward = sum(scores)
        loss.backward()
        assert sum(scores) == 2 * forward
        assert max(shape.numel() for shape in held) < 4 * x.numel() < forward


class TestLegacy:
    """As the authors' code reads its buffers, under another shape than it wrote them."""

    def test_what_is_added_is_scrambled(self, clip):
        b, c, t, h, w = clip.shape
        plain, legacy = layer(), layer(legacy=True)
        added = plain.over_time(clip) - clip
        buffer = added.permute(0, 3, 4, 2, 1).reshape(b * h * w, t, c)  # as attention leaves it
        expected = clip + buffer.reshape(b, h, w, c, t).permute(0, 3, 4, 1, 2)
        torch.testing.assert_close(legacy.over_time(clip), expected, atol=1e-6, rtol=0)

        added = plain.over_space(clip) - clip
        buffer = added.permute(0, 2, 3, 4, 1).reshape(b * t, h * w, c)
        expected = clip + buffer.reshape(b, h, w, c, t).permute(0, 3, 4, 1, 2)
        torch.testing.assert_close(legacy.over_space(clip), expected, atol=1e-6, rtol=0)

    def test_it_is_another_network(self, clip):
        assert not torch.allclose(layer(legacy=True)(clip), layer()(clip), atol=1e-3)

    def test_nothing_is_added_at_first(self, clip):
        assert torch.equal(FactorisedSelfAttention(8, legacy=True)(clip), clip)
