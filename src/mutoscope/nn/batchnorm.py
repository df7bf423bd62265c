"""Batch normalisation over the *global* batch, whatever the number of processes and the device.

`torch.nn.SyncBatchNorm` does this on GPUs only. With one process these layers are torch's own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


class _SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes; its gradient is the sum of all processes' gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


class _GlobalStatistics(nn.modules.batchnorm._BatchNorm):
    parts = 1

    def forward(self, input: Tensor) -> Tensor:
        if self.training and self.parts > 1:
            return torch.cat([self.normalise(part) for part in input.chunk(self.parts)])
        return self.normalise(input)

    def normalise(self, input: Tensor) -> Tensor:
        if not (self.training and dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
            return super().forward(input)
        self._check_input_dim(input)
        x = input.float()
        axes = [axis for axis in range(x.ndim) if axis != 1]
        per_process = x.numel() // x.shape[1]
        # the sum and the sum of squares travel together; their gradients come back through the same all_reduce
        sums = _SumOverProcesses.apply(torch.cat([x.sum(axes), x.square().sum(axes)]))
        count = per_process * dist.get_world_size()
        mean, mean_square = (sums / count).chunk(2)
        variance = (mean_square - mean.square()).clamp_min(0)
        with torch.no_grad():
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.momentum is not None
            self.num_batches_tracked += 1  # type: ignore[operator,assignment]
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shape = [1, -1] + [1] * (x.ndim - 2)
        return torch.addcmul((self.bias - mean * scale).view(shape), x, scale.view(shape)).to(input.dtype)


class BatchNorm1d(_GlobalStatistics, nn.BatchNorm1d):
    """`torch.nn.BatchNorm1d` whose training statistics span all processes (each with the same batch size)."""


class BatchNorm2d(_GlobalStatistics, nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` whose training statistics span all processes (each with the same batch size)."""


class BatchNorm3d(_GlobalStatistics, nn.BatchNorm3d):
    """`torch.nn.BatchNorm3d` whose training statistics span all processes (each with the same batch size)."""


@contextmanager
def normalising_parts(network: nn.Module, parts: int) -> Iterator[None]:
    """Inside, batches in training mode are `parts` equal parts, each normalised by its own statistics, first to last.

    The same as one pass through `network` for each part, but all other layers take the whole batch at once.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, _GlobalStatistics)]
    for layer in layers:
        layer.parts = parts
    try:
        yield
    finally:
        for layer in layers:
            layer.parts = 1
