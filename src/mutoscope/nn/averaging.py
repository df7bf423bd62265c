"""Exponential moving averages of weights: the network to draw with, beside the network that trains."""

import copy

import torch
from torch import nn


class WeightAverage(nn.Module):
    """A copy of a network whose weights follow the original's by an exponential moving average; always in eval mode.

    Args:
        network: the network to follow; its present weights are the average's first value.
        decay: share of the old average kept at each update, in [0, 1).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Moves the average towards `network`; buffers (running statistics) are copied."""
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), 1 - self.decay)
        for own, new in zip(self.network.buffers(), network.buffers(), strict=True):
            own.copy_(new)

    def train(self, mode: bool = True) -> "WeightAverage":
        """Stays in eval mode."""
        return super().train(False)
