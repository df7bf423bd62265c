"""Networks for drawing: what only training needs is worked into the weights."""

import copy
from itertools import pairwise

import torch
from torch import nn

from mutoscope.nn.spectral_norm import _SpectralNorm

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@torch.no_grad()
def folded(network: nn.Module) -> nn.Module:
    """A copy that draws the same, up to rounding, in fewer operations.

    Spectral normalisation becomes part of each weight, and so does batch normalisation (with its running statistics)
    where it follows a convolution in an `nn.Sequential`. The copy is in eval mode and cannot be trained.
    """
    network = copy.deepcopy(network).eval().requires_grad_(False)
    for layer in network.modules():
        if isinstance(layer, _SpectralNorm):
            layer.weight.copy_(layer.spectral_weight())
            layer.is_folded = True
    for sequence in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        layers = list(sequence)
        for i, (conv, norm) in enumerate(pairwise(layers)):
            if isinstance(conv, nn.modules.conv._ConvNd) and isinstance(norm, BATCH_NORMS):
                _fold(conv, norm)
                sequence[i + 1] = nn.Identity()
    return network


class FoldedCopy:
    """`folded(network)`, made again only when a weight or a statistic of the network has been written to."""

    def __init__(self) -> None:
        self.state: tuple[object, ...] = ()
        self.copy: nn.Module | None = None

    def of(self, network: nn.Module, dtype: torch.dtype = torch.float32) -> nn.Module:
        """The folded copy of `network` as it is now, its weights stored as `dtype`."""
        tensors = [*network.parameters(), *network.buffers()]
        state = (network, dtype, *((tensor.data_ptr(), tensor._version) for tensor in tensors))
        if self.copy is None or state != self.state:
            self.state, self.copy = state, folded(network).to(dtype)
        return self.copy


def _fold(conv: nn.modules.conv._ConvNd, norm: nn.modules.batchnorm._BatchNorm) -> None:
    """Makes the convolution do what the normalisation does after it: y ↦ scale · (y - mean) + bias."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    outputs = 1 if conv.transposed else 0
    conv.weight.mul_(scale.view([-1 if axis == outputs else 1 for axis in range(conv.weight.ndim)]))
    bias = torch.zeros_like(scale) if conv.bias is None else conv.bias
    conv.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias, requires_grad=False)
