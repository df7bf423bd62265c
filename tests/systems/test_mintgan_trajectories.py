"""How far along directions a clip goes. Numbers are those of the acceptance list."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.errors import InputError
from mutoscope.systems.mintgan.trajectories import (
    decayed_sum,
    displacements,
    driven,
    linear_walk,
    read_trajectories,
    rows_for,
    shaped,
)

MODES = st.sampled_from(["increment", "offset"])


def orthonormal(size: int) -> torch.Tensor:
    """Directions, one a row."""
    noise = torch.randn(size, size, generator=torch.Generator().manual_seed(0))
    return torch.linalg.qr(noise)[0]


class TestShapes:
    def test_the_linear_walk_is_that_of_the_thesis(self):
        """25: -5 to 4.375 in 16 equal steps (Eq. 5.8)."""
        walk = linear_walk(16)
        assert (walk[0], walk[-1]) == (-5, 4.375)
        assert torch.allclose(walk.diff(), torch.tensor(0.625))

    @given(st.sampled_from(["constant", "linear", "sine"]), st.integers(1, 99), st.floats(0, 9))
    def test_shapes_have_their_length_and_stay_within_1(self, shape, length, cycles):
        values = shaped(shape, length, cycles)
        assert values.shape == (length,)
        assert values.abs().max() <= 1

    def test_a_sine_starts_at_0_and_comes_back_after_each_cycle(self):
        once, thrice = shaped("sine", 12), shaped("sine", 12, cycles=3)
        assert once[0] == 0
        assert once[3] == 1
        assert once[9].item() == pytest.approx(-1)
        assert torch.allclose(thrice, thrice[:4].repeat(3), atol=1e-5)

    @given(st.integers(2, 99), MODES)
    def test_rows_make_as_many_frames_as_wanted(self, frames, mode):
        assert len(displacements(torch.ones(rows_for(frames, mode), 2), mode)) == frames


class TestDriving:
    @given(c=st.floats(-5, 5), k=st.integers(0, 5))
    def test_a_constant_increment_moves_evenly_along_its_direction_alone(self, c, k):
        """26: ⟨w_t - w_0, d_k⟩ = c t, and 0 for all other directions."""
        D, w_0 = orthonormal(6), torch.arange(12.0).view(2, 6)
        W = driven(w_0, torch.full((15, 1), c), D[[k]])
        expected = torch.zeros(2, 16, 6)
        expected[..., k] = c * torch.arange(16)
        assert torch.allclose((W - w_0[:, None]) @ D.T, expected, atol=1e-4)

    def test_an_offset_is_where_the_frame_is(self):
        """26: ⟨w_t - w_0, d_k⟩ = α(t), from the first frame on."""
        D, w_0 = orthonormal(6), torch.zeros(1, 6)
        alpha = torch.stack([linear_walk(16), shaped("sine", 16)], dim=1)
        W = driven(w_0, alpha, D[[4, 1]], "offset")
        assert torch.allclose((W[0] @ D.T)[:, [4, 1]], alpha, atol=1e-5)
        assert torch.allclose((W[0] @ D.T)[:, [0, 2, 3, 5]], torch.zeros(1), atol=1e-5)

    def test_two_directions_together_move_as_the_sum_of_each(self):
        """Fig. 5.9."""
        D, w_0 = orthonormal(6), torch.ones(1, 6)
        alpha = torch.stack([shaped("linear", 15), shaped("sine", 15)], dim=1)
        first, second = (driven(w_0, alpha[:, [i]], D[[k]]) for i, k in ((0, 2), (1, 5)))
        both = driven(w_0, alpha, D[[2, 5]])
        assert torch.allclose(both - w_0, first - w_0 + second - w_0, atol=1e-5)

    def test_steps_are_the_differences_of_displacements(self):
        alpha = torch.randn(9, 3, generator=torch.Generator().manual_seed(0))
        moved = displacements(alpha, "increment")
        assert not moved[0].any()
        assert torch.allclose(moved.diff(dim=0), alpha, atol=1e-6)
        assert torch.equal(displacements(alpha, "offset"), alpha)


class TestDecay:
    def test_without_decay_it_is_the_plain_sum(self):
        steps = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(0))
        assert torch.allclose(decayed_sum(steps, 0.0), steps.cumsum(1), atol=1e-6)

    def test_with_full_decay_only_the_last_step_counts(self):
        steps = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(0))
        assert torch.equal(decayed_sum(steps, 1.0), steps)

    def test_even_steps_stay_within_a_bound(self):
        """The sum of 1 + (1 - λ) + (1 - λ)² + ... is 1 / λ."""
        far = decayed_sum(torch.ones(1, 400, 1), 0.1)
        assert far.max() <= 10
        assert far[0, -1, 0].item() == pytest.approx(10)


class TestFiles:
    def write(self, folder: Path, text: str | bytes) -> Path:
        path = folder / "course.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    @pytest.mark.parametrize("header", ["d3,0", "3,d0", " d3 , 0", "\ufeffd3,d0"])
    def test_columns_are_named_by_number_with_or_without_a_letter(self, tmp_path, header):
        directions, values = read_trajectories(self.write(tmp_path, f"{header}\n1,-2.5\n\n0.5,1e-3\n"), 4)
        assert directions == [3, 0]
        assert torch.equal(values, torch.tensor([[1, -2.5], [0.5, 1e-3]]))

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "has no values"),
            ("d0,d1\n", "has no values"),
            ("d4\n1\n", r"column 'd4' is not a direction \(expected d0 to d3 in this basis\)"),
            ("x\n1\n", "column 'x' is not a direction"),
            ("c1\n1\n", "column 'c1' is not a direction"),
            ("d1,1\n1,1\n", "two columns for direction 1"),
            ("d0\n1\nup\n", "row 2 has 'up' .expected a number"),
            ("d0,d1\n1\n", "row 1 has 1 cells .expected 2"),
            ("d0\nnan\n", "row 1 has 'nan'"),
            ("d0\n1e39\n", "row 1 has '1e39'"),
            ("d0\n" + 1001 * "1\n", "has more than 1000 rows"),
            (1000 * "d" + "\n1\n", r"column 'd{,20}\.\.\.d{,20}' is not"),
            (b"d0\n\xff\n", "is not a CSV file"),
        ],
    )
    def test_what_cannot_be_read_is_said_in_one_line(self, tmp_path, text, says):
        with pytest.raises(InputError, match=says) as raised:
            read_trajectories(self.write(tmp_path, text), 4)
        assert "\n" not in str(raised.value)

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(InputError, match=r"none\.csv: cannot be read \(No such file"):
            read_trajectories(tmp_path / "none.csv", 4)
