"""StyleGAN2's discriminator: its sizes, what it sees, and its statistic over the batch."""

import math
import re
from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.nn import ResidualDiscriminator, widths_for
from mutoscope.nn.residual_discriminator import MinibatchDeviation, ResidualBlock


def small(channels: int = 3, image_size: int = 16) -> ResidualDiscriminator:
    """Always from the same first weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ResidualDiscriminator(channels, image_size, [8] * (image_size.bit_length() - 2))


def pictures(n: int = 4, channels: int = 3, size: int = 16) -> Tensor:
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(1))


class TestSizes:
    @pytest.mark.parametrize(("image_size", "expected"), [(64, 23_407_361), (128, 23_882_369)])
    def test_weights_of_d_i(self, image_size, expected):
        """MintGAN 2: StyleGAN2's, for three colours."""
        with torch.device("meta"):
            D = ResidualDiscriminator(3, image_size)
        assert sum(p.numel() for p in D.parameters()) == expected

    def test_maps_halve_down_to_four_pixels(self):
        """Widths are counted from the smallest map; the deviation adds one channel before the last convolution."""
        D, shapes = ResidualDiscriminator(2, 32, [5, 6, 7, 8]), []
        for layer in (D.from_colours, *D.blocks, D.deviation, D.last):
            layer.register_forward_hook(lambda _, __, y: shapes.append(tuple(y.shape[1:])))
        D(pictures(2, 2, 32))
        assert shapes == [(8, 32, 32), (7, 16, 16), (6, 8, 8), (5, 4, 4), (6, 4, 4), (5, 4, 4)]

    @pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8])
    @pytest.mark.parametrize(("channels", "image_size"), [(1, 8), (3, 16), (48, 16)])
    def test_one_logit_a_picture(self, n, channels, image_size):
        logits = small(channels, image_size)(pictures(n, channels, image_size))
        assert logits.shape == (n, 1)
        assert logits.isfinite().all()

    @given(image_size=st.integers(-8, 200).filter(lambda size: size not in (8, 16, 32, 64, 128)))
    def test_other_sizes_are_refused(self, image_size):
        with pytest.raises(InputError, match=rf"^image_size: {image_size} \(expected 8, 16, 32, ...\)$"):
            widths_for(image_size, None)

    @pytest.mark.parametrize("widths", [[], [8], [8, 8, 8], [8, 0]])
    def test_there_is_a_width_for_every_size(self, widths):
        expected = rf"^widths: {re.escape(str(widths))} \(expected 2 numbers of channels, 1 or more, for 8 pixels\)$"
        with pytest.raises(InputError, match=expected):
            ResidualDiscriminator(3, 8, widths)

    def test_widths_are_stylegan2s_unless_given(self):
        assert widths_for(128, None) == [512, 512, 512, 512, 256, 128]
        assert widths_for(16, None) == [512, 512, 512]
        assert widths_for(16, [3, 2, 1]) == [3, 2, 1]


class TestWhatItSees:
    def test_every_pixel_of_every_channel(self):
        x = pictures(2, 6).requires_grad_()
        small(6)(x).sum().backward()
        assert (x.grad != 0).all()

    def test_gradients_of_gradients(self):
        """As a penalty on its steepness takes: they reach every weight but the last bias and those that shift a map."""
        D, x = small(), pictures().requires_grad_()
        (slope,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
        slope.square().sum().backward()
        for name, weight in D.named_parameters():
            if name.endswith("weight"):
                assert weight.grad.abs().sum() > 0, name

    def test_a_block_keeps_the_power_of_its_input(self):
        """(a + b) / √2 of two branches of power 1."""
        torch.manual_seed(0)
        block, x = ResidualBlock(32, 32), torch.randn(8, 32, 1, 1).expand(-1, -1, 16, 16)
        assert block(x)[:, :, 2:-2, 2:-2].square().mean().item() == pytest.approx(1, abs=0.3)

    def test_it_learns_a_batch_by_heart(self):
        D, real, fake = small(), pictures(), -pictures()
        optimizer = torch.optim.Adam(D.parameters(), 1e-2, (0.0, 0.99))
        for _ in range(30):
            loss = nn.functional.softplus(-D(real)).mean() + nn.functional.softplus(D(fake)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert loss.item() < 0.2 * 2 * math.log(2)


class TestDeviation:
    def channel(self, x: Tensor) -> Tensor:
        """One number a picture: the channel that is added, which is the same everywhere."""
        y = MinibatchDeviation()(x)
        assert torch.equal(y[:, :-1], x)
        assert torch.equal(y[:, -1:], y[:, -1:, :1, :1].expand_as(y[:, -1:]))
        return y[:, -1, 0, 0]

    @given(values=st.lists(st.floats(-5, 5), min_size=2, max_size=4))
    def test_it_is_the_deviation_among_the_pictures(self, values):
        """Of each feature at each place, averaged over features and places."""
        x = torch.tensor(values)[:, None, None, None].expand(-1, 3, 2, 2)
        expected = math.sqrt(torch.tensor(values).double().var(correction=0).item() + 1e-8)
        assert self.channel(x).tolist() == pytest.approx([expected] * len(values), abs=1e-5)

    @pytest.mark.parametrize(("n", "group"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 1), (6, 3), (8, 4), (10, 2), (12, 4)])
    def test_groups_are_the_largest_that_divide_the_batch(self, n, group):
        """Neighbours share a group: each is judged as it would be alone with them. Nobody differs from himself."""
        x = pictures(n)
        apart = torch.cat([self.channel(part) for part in x.split(group)])
        torch.testing.assert_close(self.channel(x), apart)
        assert len(self.channel(x).unique()) == (1 if group == 1 else n // group)

    def test_order_does_not_matter(self):
        x = pictures(3)
        for order in permutations(range(3)):
            torch.testing.assert_close(self.channel(x[list(order)]), self.channel(x))

    def test_it_is_found_in_full_precision(self):
        """Squares of differences in half precision would be lost beside 1."""
        x = 1 + 0.01 * torch.arange(4.0)[:, None, None, None].expand(4, 2, 2, 2).bfloat16()
        y = MinibatchDeviation()(x)
        assert y.dtype == torch.bfloat16
        assert y[0, -1, 0, 0].item() == pytest.approx(x.float()[:, 0, 0, 0].std(correction=0).item(), rel=0.01)

    def test_half_batches_of_whole_groups_are_judged_as_the_batch(self):
        """So that processes that share a batch in fours agree with one that has it all."""
        D, x = small(), pictures(8)
        torch.testing.assert_close(torch.cat([D(x[:4]), D(x[4:])]), D(x))
