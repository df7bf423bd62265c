"""The network that finds joints, in place of a stacked hourglass."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mutoscope.geometry.heatmaps import heatmaps, joints_of
from mutoscope.losses.perceptual import FeatureLoss
from mutoscope.systems.frgan import FRGANConfig
from mutoscope.systems.frgan.pose_reader import WIDTH, PoseReader

SIZE = 16


class TwoJoints(FRGANConfig):
    __doc__ = FRGANConfig.__doc__  # where choices have their sentences
    joints = 2


DOTS = TwoJoints()


def reader(config: FRGANConfig = DOTS) -> PoseReader:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return PoseReader(config)


def dots(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Pictures of a red and a blue dot on noise, and where their centres are."""
    generator = torch.Generator().manual_seed(seed)
    joints = 2 + (SIZE - 4) * torch.rand(n, 2, 2, generator=generator)
    images = 0.2 * torch.randn(n, 3, SIZE, SIZE, generator=generator)
    images[:, ::2] += 2 * heatmaps(joints, torch.ones(n, 2), SIZE, sigma=1.0)
    return images - 0.5, joints


@pytest.mark.parametrize(
    ("channels", "skeleton", "joints", "size"),
    [(1, "penn13", 13, 16), (3, "openpose18", 18, 24), (3, "body25", 25, 10)],
)
def test_maps_and_features_have_the_size_of_the_frame(channels: int, skeleton: str, joints: int, size: int):
    network = reader(FRGANConfig.from_dict({"channels": channels, "skeleton": skeleton}))
    read = network(torch.zeros(2, channels, size, size))
    assert read.heatmaps.shape == (2, joints, size, size)
    assert read.features.shape == (2, WIDTH, size, size)
    torch.testing.assert_close(network.features(torch.zeros(2, channels, size, size)), read.features)


def test_a_frame_is_read_the_same_alone_and_among_others():
    network, (images, _) = reader(), dots(4, seed=0)
    torch.testing.assert_close(network(images).features[:1], network(images[:1]).features, rtol=1e-4, atol=1e-5)


def test_learns_to_find_dots():
    network = reader()
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for step in range(120):
        images, joints = dots(16, seed=step)
        loss = F.mse_loss(network(images).heatmaps, heatmaps(joints, torch.ones(16, 2), SIZE, sigma=1.5))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    images, joints = dots(64, seed=1000)
    with torch.no_grad():
        found, _ = joints_of(network(images).heatmaps)
    assert (found - joints).norm(dim=-1).median() < 1


def test_its_features_make_a_loss_into_the_made_frame_only():
    network = reader().requires_grad_(False)
    loss, boxes = FeatureLoss(None, network.features), torch.tensor([[0.0, 0, SIZE, SIZE]]).repeat(2, 1)
    (real, _), (fake, _) = dots(2, seed=0), dots(2, seed=1)
    assert loss(real, real, boxes) == 0
    loss(real.requires_grad_(), fake.requires_grad_(), boxes).backward()
    assert real.grad is None
    assert fake.grad is not None
    assert fake.grad.abs().sum() > 0
