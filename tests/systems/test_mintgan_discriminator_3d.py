"""The 3-D discriminator, with which the pyramid is compared (MintGAN's acceptance list, 36)."""

import pytest
import torch
from torch import Tensor

from mutoscope.systems.mintgan.discriminator_3d import ResidualBlock3d, VideoDiscriminator3d


def draws(*size: int) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("frames", [1, 2, 5, 8, 16, 32])
def test_one_logit_a_clip_of_any_length(frames):
    logits = VideoDiscriminator3d(3, 16, [4, 4, 4])(draws(2, 3, frames, 16, 16))
    assert logits.shape == (2, 1)
    assert logits.isfinite().all()


@pytest.mark.parametrize(("frames", "left"), [(8, 4), (5, 2), (2, 1), (1, 1)])
def test_a_block_halves_space_always_and_time_while_it_can(frames, left):
    assert ResidualBlock3d(3, 4)(draws(2, 3, frames, 8, 8)).shape == (2, 4, left, 4, 4)


def test_every_frame_counts_and_their_order():
    D, clips = VideoDiscriminator3d(3, 16, [4, 4, 4]), draws(2, 3, 16, 16, 16).requires_grad_()
    score = D(clips)
    score.sum().backward()
    assert (clips.grad.abs().amax((0, 1, 3, 4)) > 0).all()
    assert not torch.allclose(D(clips.flip(2)), score, atol=1e-5)


def test_a_clip_is_judged_on_its_own():
    """No statistic over the batch."""
    D, clips = VideoDiscriminator3d(3, 8, [4, 4]), draws(4, 3, 8, 8, 8)
    torch.testing.assert_close(torch.cat([D(clip[None]) for clip in clips]), D(clips))
