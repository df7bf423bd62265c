"""Layers with equalised learning rate: weights of deviation 1, scaled as they are used.

T. Karras et al., "Progressive Growing of GANs", 2018, section 4.1, and "A Style-Based Generator Architecture", 2019.
Adam's steps do not depend on the scale of a gradient, so that all layers learn equally fast, or `lr_mul` times so.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2
GAIN = math.sqrt(2)
"""Of activations: leaky ReLU takes away about half of the signal's power."""


class EqualLinear(nn.Module):
    """A linear layer.

    Args:
        n_in, n_out: sizes of input and output.
        bias_init: first value of the biases.
        lr_mul: how fast the layer learns, relative to others.
        activation: followed by leaky ReLU, times √2.
    """

    def __init__(
        self, n_in: int, n_out: int, *, bias_init: float = 0.0, lr_mul: float = 1.0, activation: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in) / lr_mul)
        self.bias = nn.Parameter(torch.full((n_out,), bias_init / lr_mul))
        self.lr_mul, self.activation = lr_mul, activation

    def forward(self, x: Float[Tensor, "*n n_in"]) -> Float[Tensor, "*n n_out"]:
        # leaky ReLU of a multiple is the multiple of leaky ReLU: the gain can be worked into the weights
        gain = self.lr_mul * (GAIN if self.activation else 1.0)
        y = F.linear(x, self.weight * (gain / math.sqrt(self.weight.shape[1])), self.bias * gain)
        return F.leaky_relu(y, SLOPE) if self.activation else y


class EqualConv2d(nn.Module):
    """A convolution.

    Args:
        n_in, n_out: channels.
        kernel, stride, padding: as of `nn.Conv2d`.
        bias: with biases.
        activation: followed by leaky ReLU, times √2.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
        activation: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None
        self.stride, self.padding, self.activation = stride, padding, activation

    def forward(self, x: Float[Tensor, "n n_in h w"]) -> Float[Tensor, "n n_out h_out w_out"]:
        gain = GAIN if self.activation else 1.0
        weight = self.weight * (gain / math.sqrt(self.weight[0].numel()))
        bias = None if self.bias is None else self.bias * gain
        y = F.conv2d(x, weight, bias, self.stride, self.padding)
        return F.leaky_relu(y, SLOPE) if self.activation else y
