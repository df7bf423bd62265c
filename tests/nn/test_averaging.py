"""Exponential moving averages of weights."""

import pytest
import torch
from torch import nn

from mutoscope.nn import WeightAverage


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_it_follows_by_the_closed_form(decay):
    """After k updates towards w the distance is decay^k of the first."""
    followed = network()
    average = WeightAverage(followed, decay)
    first = followed[0].weight.detach().clone()
    with torch.no_grad():
        followed[0].weight.add_(1.0)
    for _ in range(3):
        average.update(followed)
    expected = first + 1 - decay**3
    assert torch.allclose(average.network[0].weight, expected, atol=1e-6)


def test_statistics_are_copied():
    followed = network()
    average = WeightAverage(followed, 0.9)
    followed(torch.randn(16, 3) + 5)
    average.update(followed)
    for name, buffer in followed.named_buffers():
        assert torch.equal(buffer, average.network.get_buffer(name))


def test_it_is_never_trained():
    """No gradients, and eval mode whatever the system around it is set to."""
    followed = network()
    system = nn.ModuleList([followed, WeightAverage(followed, 0.9)]).train()
    average = system[1]
    assert followed.training
    assert not average.training
    assert not average.network.training
    assert not any(weight.requires_grad for weight in average.parameters())
    assert all(weight.requires_grad for weight in followed.parameters())
