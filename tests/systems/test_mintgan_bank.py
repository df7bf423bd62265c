"""The motion bank: orthonormal, differentiable, continuous. Numbers are those of the acceptance list."""

import copy

import pytest
import torch
from torch import Tensor

from mutoscope.systems.mintgan.motion_bank import MotionBank

ORTHONORMAL = ["svd", "eigh", "qr", "orthogonal"]
SINGULAR = ["svd", "eigh"]


def bank(size: int = 16, method: str = "svd", order: str = "asc", seed: int = 0) -> MotionBank:
    """Always from the same first M."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MotionBank(size, method, order)


def noise(*size: int, seed: int = 1) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rotation(size: int, seed: int = 1) -> Tensor:
    return torch.linalg.qr(noise(size, size, seed=seed))[0]


def holding(M: Tensor, method: str = "svd") -> MotionBank:
    """A bank of this matrix, in its precision."""
    made = bank(len(M), method).to(M.dtype)
    with torch.no_grad():
        made.M.copy_(M)
    made.settle()
    return made


def distance_from_identity(D: Tensor) -> float:
    return (D @ D.T - torch.eye(len(D), dtype=D.dtype)).abs().max().item()


class TestDirections:
    @pytest.mark.parametrize("method", ORTHONORMAL)
    @pytest.mark.parametrize("size", [1, 2, 16])
    def test_they_are_orthonormal(self, method, size):
        """3: Eq. 5.1."""
        D = bank(size, method)()
        assert D.shape == (size, size)
        assert distance_from_identity(D) < 1e-5

    @pytest.mark.parametrize("method", ["svd", "qr"])
    def test_they_are_orthonormal_in_the_size_of_the_thesis(self, method):
        """3."""
        assert distance_from_identity(bank(512, method)()) < 1e-4

    @pytest.mark.parametrize("method", ORTHONORMAL)
    def test_they_are_orthonormal_after_many_steps(self, method):
        """3: of Adam, that turn them far."""
        bank_ = bank(16, method)
        first, towards = bank_().detach(), noise(16, 16).float()
        optimizer = torch.optim.Adam(bank_.parameters(), 1e-2, (0.0, 0.99))
        for _ in range(100):
            optimizer.zero_grad()
            (bank_() * towards).sum().backward()
            optimizer.step()
            bank_.settle()
        assert distance_from_identity(bank_()) < 1e-4
        assert (bank_() - first).abs().max() > 0.1

    @pytest.mark.parametrize("method", SINGULAR)
    @pytest.mark.parametrize("order", ["asc", "desc"])
    def test_they_are_the_right_singular_vectors_in_order(self, method, order):
        """Each is an eigenvector of M^T M; "asc": the last one of the largest singular value."""
        made = bank(8, method, order)
        M, D = made.M.detach().double(), made().detach().double()
        squares = (M @ D.T).square().sum(0)
        torch.testing.assert_close(M.T @ M @ D.T, D.T * squares, rtol=1e-4, atol=1e-4)
        sigma = torch.linalg.svdvals(M)
        torch.testing.assert_close(squares.sqrt(), sigma if order == "desc" else sigma.flip(0), rtol=1e-4, atol=1e-4)

    def test_svd_and_eigenvectors_agree_but_for_signs(self):
        by_svd, by_eigh = bank(12, "svd")(), bank(12, "eigh")()
        torch.testing.assert_close(by_svd.abs(), by_eigh.abs(), rtol=1e-3, atol=1e-4)

    def test_qr_has_the_sign_that_makes_it_unique(self):
        """D M is upper triangular with a positive diagonal: D follows M without jumps."""
        made = bank(8, "qr")
        R = made() @ made.M
        assert (R.diagonal() > 0).all()
        assert R.tril(-1).abs().max() < 1e-5

    def test_the_exponential_is_a_rotation(self):
        """Of the skew part alone: a symmetric M is no rotation at all."""
        made = bank(6, "orthogonal")
        assert torch.linalg.det(made()).item() == pytest.approx(1, abs=1e-5)
        with torch.no_grad():
            made.M.copy_(made.M + made.M.T)
        torch.testing.assert_close(made(), torch.eye(6))

    def test_free_directions_are_rows_of_m(self):
        """Of length 1 on average, not orthogonal."""
        made = bank(64, "free")
        assert torch.equal(made() * 8, made.M)
        assert made().square().sum(1).mean().item() == pytest.approx(1, abs=0.05)
        assert distance_from_identity(made()) > 0.1

    @pytest.mark.parametrize("method", [*ORTHONORMAL, "free"])
    def test_autocast_leaves_them_alone(self, method):
        """38: to the bit, and float32 as their gradient."""
        made = bank(16, method)
        expected = made()
        with torch.autocast("cpu", torch.bfloat16):
            made.settle()
            D = made()
        assert D.dtype == torch.float32
        assert torch.equal(D, expected)
        D[0, 0].backward()
        assert made.M.grad.dtype == torch.float32


LOSSES = {
    "sign-invariant": lambda D, weights: (weights * D.square()).sum(),
    "sign-fixed": lambda D, weights: (weights * D).sum(),
}


class TestGradient:
    @pytest.mark.parametrize("loss", LOSSES)
    @pytest.mark.parametrize("method", ORTHONORMAL)
    @pytest.mark.parametrize("seed", range(3))
    def test_it_is_that_of_finite_differences(self, method, loss, seed):
        """13: in double precision, every entry of a 6 × 6 M moved to both sides."""
        made, weights = holding(noise(6, 6, seed=seed), method), noise(6, 6, seed=100)
        LOSSES[loss](made(), weights).backward()
        found, step = torch.zeros(36, dtype=torch.float64), 1e-6
        for entry in range(36):
            values = []
            for way in (-step, step):
                moved = copy.deepcopy(made)
                moved.M.data.view(-1)[entry] += way
                moved.settle()
                values.append(LOSSES[loss](moved(), weights).item())
            found[entry] = (values[1] - values[0]) / (2 * step)
        torch.testing.assert_close(made.M.grad.flatten(), found, rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize("method", SINGULAR)
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize(
        "values",
        [[1, 1, 1, 1], [3, 2, 2, 1], [5, 5, 1, 1], [2, 1, 0, 0], [0, 0, 0, 0], [1e-20] * 4, [1e4, 1e4, 1, 1e-4]],
        ids=str,
    )
    def test_it_is_finite_where_singular_values_meet(self, method, dtype, values):
        """13: also for M = I and for M = 0."""
        U, V = rotation(4, seed=2), rotation(4, seed=3)
        for M in (torch.diag(torch.tensor(values, dtype=dtype)), (U * torch.tensor(values) @ V.T).to(dtype)):
            made = holding(M, method)
            (made() * noise(4, 4).to(dtype)).sum().backward()
            assert distance_from_identity(made()) < 1e-5
            assert made.M.grad.isfinite().all()

    def test_almost_equal_singular_values_pull_no_harder_than_the_gap_allows(self):
        """The gradient grows as the gap closes, and falls again within a millionth: it has a bound."""
        V, sizes = rotation(3), []
        for gap in (1e-2, 1e-4, 1e-6, 1e-8, 0.0):
            made = holding(torch.diag(torch.tensor([2.0, 1.0 + gap, 1.0], dtype=torch.float64)) @ V.T)
            (made() * noise(3, 3)).sum().backward()
            sizes.append(made.M.grad.abs().max().item())
        assert sizes[0] < sizes[1] < sizes[2]
        assert max(sizes) < 1e6

    def test_a_direction_does_not_pull_on_what_turns_nothing(self):
        """Making M larger, or turning its rows, leaves D: no gradient that way."""
        made = holding(noise(6, 6))
        (made() * noise(6, 6, seed=5)).sum().backward()
        G, M = made.M.grad, made.M.detach()
        assert (G * M).sum().abs() < 1e-8
        turned = G @ M.T
        torch.testing.assert_close(turned, turned.T, rtol=0, atol=1e-8)


class TestContinuity:
    @pytest.mark.parametrize("method", SINGULAR)
    def test_signs_and_places_are_kept_through_many_steps(self, method):
        """14: each direction goes on as the one before, however its singular value moves."""
        made = bank(16, method)
        optimizer, towards = torch.optim.Adam(made.parameters(), 2e-3, (0.0, 0.99)), noise(16, 16).float()
        for _ in range(100):
            before = made.D.clone()
            optimizer.zero_grad()
            (made() * towards).sum().backward()
            optimizer.step()
            made.settle()
            overlaps = before @ made.D.T
            assert (overlaps.diagonal() >= 0).all()
            assert (overlaps.diagonal() > 0.5).float().mean() > 0.8
        assert torch.equal(made(), made.D)

    @pytest.mark.parametrize("method", SINGULAR)
    @pytest.mark.parametrize("steps", [7, 51])
    def test_directions_pass_each_other(self, method, steps):
        """14: singular values 1 to 6 become 6 to 1, and all cross; the directions stay what they were.

        Between two steps: where they are equal, any two directions between are as good.
        """
        U, V = rotation(6, seed=2), rotation(6, seed=3)
        rising = torch.arange(1.0, 7.0).double()
        made = holding(U * rising @ V.T, method)
        first = made.D.clone()
        assert (made.M @ first[-1]).norm().item() == pytest.approx(6)
        for share in torch.linspace(0, 1, steps + 1).double()[1:]:
            made.M.data.copy_(U * torch.lerp(rising, rising.flip(0), share) @ V.T)
            made.settle()
            torch.testing.assert_close(made.D, first, rtol=0, atol=1e-6)
        assert (made.M @ first[-1]).norm().item() == pytest.approx(1)

    @pytest.mark.parametrize("method", SINGULAR)
    def test_signs_are_those_of_before_whatever_they_were(self, method):
        made = bank(8, method)
        signs = torch.tensor([1.0, -1.0]).repeat(4)[:, None]
        expected = made.D * signs
        made.D.mul_(signs)
        made.settle()
        torch.testing.assert_close(made.D, expected)

    @pytest.mark.parametrize("method", SINGULAR)
    def test_no_direction_is_taken_twice(self, method):
        """Where M leapt, so that those before tell little: still all of them, and the best match in sum."""
        made = bank(16, method)
        own = made.D.clone()
        before = rotation(16, seed=4).float()
        made.D.copy_(before)
        made.settle()
        assert len((before @ own.T).abs().argmax(1).unique()) < 16
        assert sorted((made.D @ own.T).abs().argmax(1).tolist()) == list(range(16))
        assert distance_from_identity(made.D) < 1e-5
        overlaps = (before @ made.D.T).diagonal()
        assert (overlaps >= 0).all()
        assert overlaps.sum() > (before @ own.T).diagonal().abs().sum()

    @pytest.mark.parametrize("method", [*ORTHONORMAL, "free"])
    def test_settling_again_changes_nothing(self, method):
        """To the bit: what is stored is what is drawn with."""
        made = bank(16, method)
        made.settle()
        D = made().detach().clone()
        made.settle()
        assert torch.equal(made(), D)

    @pytest.mark.parametrize("method", SINGULAR)
    def test_the_directions_are_stored_with_m(self, method):
        """23: signs and places come back."""
        made, other = bank(8, method), bank(8, method, seed=9)
        made.D.copy_(made.D.flip(0) * -1)
        other.load_state_dict(made.state_dict())
        assert torch.equal(other(), made())

    @pytest.mark.parametrize("method", ["qr", "orthogonal", "free"])
    def test_other_methods_need_no_memory(self, method):
        assert list(bank(8, method).state_dict()) == ["M"]


def test_autocast_does_not_touch_the_choice_of_place_and_sign():
    """A rotation after which several directions overlap with one: they are matched one to one, in full precision."""
    torch.manual_seed(0)
    plain, under = MotionBank(32), MotionBank(32)
    under.load_state_dict(plain.state_dict())
    for bank in (plain, under):
        with torch.no_grad():
            bank.M.copy_(torch.randn(32, 32, generator=torch.Generator().manual_seed(1)))
    plain.settle()
    with torch.autocast("cpu", torch.bfloat16):
        under.settle()
    assert torch.equal(plain.D, under.D)
