"""How weights start."""

import pytest
import torch
from torch import nn

from mutoscope.nn import init_normal


@pytest.mark.parametrize("std", [0.02, 0.1])
@pytest.mark.parametrize(
    "layer", [nn.Linear(100, 100), nn.Conv2d(30, 30, 4), nn.ConvTranspose2d(30, 30, 4), nn.Conv3d(20, 20, 3)], ids=repr
)
def test_weights_are_normal_and_biases_zero(layer, std):
    torch.manual_seed(0)
    init_normal(nn.Sequential(layer), std)
    assert layer.weight.std().item() == pytest.approx(std, rel=0.05)
    assert abs(layer.weight.mean().item()) < 0.05 * std
    assert not layer.bias.any()


def test_other_layers_are_left_alone():
    layer = nn.BatchNorm2d(4)
    init_normal(nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), layer))
    assert layer.weight.eq(1).all()
