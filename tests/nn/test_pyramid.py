"""The temporal pyramid: clips as pictures of many channels. Numbers are those of MintGAN's acceptance list."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.nn import TemporalPyramid, channels_to_time, time_to_channels


def clips(n: int = 2, channels: int = 3, frames: int = 16, size: int = 8) -> Tensor:
    return torch.randn(n, channels, frames, size, size, generator=torch.Generator().manual_seed(0))


def small(frames: int = 16, levels: int = 4, channels: int = 3) -> TemporalPyramid:
    return TemporalPyramid(channels, 8, frames, levels, [8, 8])


def numbered(channels: int, frames: int) -> Tensor:
    """A clip of one pixel whose value tells frame and colour: 10 · frame + colour."""
    return (
        10 * torch.arange(frames)[None, None, :, None, None] + torch.arange(channels)[None, :, None, None, None]
    ) * 1.0


class TestTimeToChannels:
    def test_frames_come_one_after_another(self):
        """15: the colours of the first frame, then those of the next."""
        stack = time_to_channels(numbered(3, 4))
        assert stack.flatten().tolist() == [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32]

    @pytest.mark.parametrize(("level", "frames"), [(0, 16), (1, 8), (2, 4), (3, 2)])
    def test_a_level_takes_every_frame_of_its_speed(self, level, frames):
        """15: 0, 2^i, 2 · 2^i, ..."""
        stack = time_to_channels(numbered(1, 16), 2**level)
        assert stack.flatten().tolist() == [10 * frame for frame in range(0, 16, 2**level)]
        assert stack.shape[1] == frames

    @given(n=st.integers(1, 2), channels=st.integers(1, 4), frames=st.integers(1, 9), size=st.integers(1, 3))
    def test_all_frames_can_be_had_back(self, n, channels, frames, size):
        """15."""
        x = clips(n, channels, frames, size)
        assert torch.equal(channels_to_time(time_to_channels(x), channels), x)
        stack = time_to_channels(x)
        assert torch.equal(time_to_channels(channels_to_time(stack, channels)), stack)

    @given(frames=st.integers(1, 20), step=st.integers(1, 5))
    def test_any_step(self, frames, step):
        stack = time_to_channels(numbered(2, frames), step)
        assert stack.flatten().tolist() == [10 * frame + colour for frame in range(frames)[::step] for colour in (0, 1)]


class TestPyramid:
    @pytest.mark.parametrize("image_size", [64, 128])
    def test_weights_are_as_many_as_the_specification_says(self, image_size):
        """2: of D_V0 to D_V3, for 48, 24, 12 and 6 channels."""
        with torch.device("meta"):
            pyramid = TemporalPyramid(image_size=image_size)
        counts = [sum(p.numel() for p in D.parameters()) for D in pyramid.discriminators]
        assert (
            counts
            == {
                64: [23_418_881, 23_412_737, 23_409_665, 23_408_129],
                128: [23_888_129, 23_885_057, 23_883_521, 23_882_753],
            }[image_size]
        )

    @pytest.mark.parametrize("frames", [8, 16, 32])
    @pytest.mark.parametrize("levels", range(5))
    def test_one_logit_a_clip_and_level(self, frames, levels):
        """16 and 18: alone, on clips; too few frames for so many speeds are refused."""
        if levels and frames < 2 * 2 ** (levels - 1):
            expected = f"^frames: {frames} is too few for {levels} speeds \\(expected at least {2**levels}\\)$"
            with pytest.raises(InputError, match=expected):
                small(frames, levels)
            return
        scores = small(frames, levels)(clips(frames=frames))
        assert len(scores) == levels
        assert all(score.shape == (2, 1) and score.isfinite().all() for score in scores)

    def test_less_than_no_level_is_refused(self):
        with pytest.raises(InputError, match=r"^levels: -1 is less than 0$"):
            small(levels=-1)

    @pytest.mark.parametrize(
        ("frames", "speeds"), [(16, [(1, 16), (2, 8), (4, 4), (8, 2)]), (10, [(1, 10), (2, 5), (4, 3)])]
    )
    def test_speeds(self, frames, speeds):
        """Also where a step does not divide the clip."""
        pyramid = small(frames, len(speeds))
        assert pyramid.speeds == speeds
        assert [D.from_colours.weight.shape[1] for D in pyramid.discriminators] == [3 * count for _, count in speeds]
        assert [score.shape for score in pyramid(clips(frames=frames))] == [(2, 1)] * len(speeds)

    def test_there_is_no_3d_convolution(self):
        """17."""
        layers = list(small().modules())
        assert any(hasattr(layer, "weight") and layer.weight.ndim == 4 for layer in layers)
        assert not any(
            isinstance(layer, nn.Conv3d) or getattr(layer, "weight", torch.zeros(1)).ndim == 5 for layer in layers
        )

    @pytest.mark.parametrize("channels", [1, 3])
    def test_a_level_judges_its_view_and_nothing_else(self, channels):
        pyramid, x = small(channels=channels), clips(4, channels)
        for level, (D, score) in enumerate(zip(pyramid.discriminators, pyramid(x), strict=True)):
            other = torch.zeros_like(x)
            other[:, :, :: 2**level] = x[:, :, :: 2**level]
            assert torch.equal(D(time_to_channels(x, 2**level)), score)
            assert torch.equal(pyramid(other)[level], score)

    def test_every_frame_that_a_level_sees_counts(self):
        pyramid = small()
        for level in range(4):
            x = clips().requires_grad_()
            pyramid(x)[level].sum().backward()
            moved = (x.grad.abs().amax((0, 1, 3, 4)) > 0).tolist()
            assert moved == [frame % 2**level == 0 for frame in range(16)]

    def test_levels_share_no_weights(self):
        weights = [id(p) for D in small().discriminators for p in D.parameters()]
        assert len(set(weights)) == len(weights) == 4 * len(list(small(levels=1).parameters()))

    @given(starts=st.tuples(st.just(0), st.integers(0, 1), st.integers(0, 3), st.integers(0, 7)))
    def test_views_can_start_later(self, starts):
        """Each has as many frames, whatever it starts with; slopes go back to these frames."""
        x = numbered(1, 16).requires_grad_()
        views = small().views(x, torch.tensor(starts))
        for level, (start, view) in enumerate(zip(starts, views, strict=True)):
            assert view.flatten().tolist() == [10.0 * frame for frame in range(start, 16, 2**level)]
            (slope,) = torch.autograd.grad(view.sum(), x)
            assert slope.flatten().nonzero().flatten().tolist() == list(range(start, 16, 2**level))

    def test_views_from_the_first_frame_are_the_same_however_they_are_asked_for(self):
        pyramid, x = small(10, 3), clips(frames=10)
        for plain, asked in zip(pyramid.views(x), pyramid.views(x, torch.zeros(3, dtype=torch.int64)), strict=True):
            assert torch.equal(plain, asked)
