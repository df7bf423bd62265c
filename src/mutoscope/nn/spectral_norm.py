"""Spectral normalisation: layers whose weight, seen as a matrix, has largest singular value 1.

T. Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018. The numbers are those of
`torch.nn.utils.spectral_norm` (one power iteration each time a layer runs in training mode), in fewer passes over the
weights.
"""

from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-12
FIRST_ITERATIONS = 15


class _DivideBySigma(torch.autograd.Function):
    """W / σ with σ = uᵀWv; u and v are constants, so that ∂σ/∂W = u vᵀ (section 2.1, Eq. 12)."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, u: Tensor, v: Tensor, sigma: Tensor, output_axis: int) -> Tensor:
        normalised = weight / sigma
        ctx.save_for_backward(normalised, u, v, sigma)
        ctx.output_axis = output_axis
        return normalised

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        normalised, u, v, sigma = ctx.saved_tensors
        with torch.autocast(gradient.device.type, enabled=False):
            along_sigma = (gradient * normalised).sum()
            if ctx.output_axis == 0:
                of_sigma = torch.outer(u, v).view_as(gradient)
            else:
                of_sigma = (v.view(len(gradient), 1, -1) * u[:, None]).view_as(gradient)
            return torch.sub(gradient, of_sigma.mul_(along_sigma)).div_(sigma), None, None, None, None


class _SpectralNorm(nn.modules.conv._ConvNd):
    """What the layers below share. `u` and `v` are the present estimates of the first singular vectors."""

    output_axis = 0
    is_folded = False  # whether the weight is stored normalised already (see `folded`)
    u: Tensor
    v: Tensor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        n_out = self.weight.shape[self.output_axis]
        self.register_buffer("u", F.normalize(torch.randn(n_out), dim=0, eps=EPSILON))
        self.register_buffer("v", F.normalize(torch.randn(self.weight.numel() // n_out), dim=0, eps=EPSILON))

    def spectral_weight(self) -> Tensor:
        """The weight divided by its largest singular value; in training mode after one step of power iteration."""
        if self.is_folded:
            return self.weight
        with torch.autocast(self.weight.device.type, enabled=False):
            if self.training:
                self.iterate()
            # copies, for the next iteration changes the buffers while this weight still waits for its gradient
            u, v = self.u.clone(), self.v.clone()
            sigma = torch.dot(u, self._times_v(self.weight.detach(), v))
            return _DivideBySigma.apply(self.weight, u, v, sigma, self.output_axis)

    @torch.no_grad()
    def iterate(self, steps: int = 1) -> None:
        """Steps of power iteration: v ← Wᵀu, u ← Wv, each brought to length 1."""
        for _ in range(steps):
            F.normalize(self._times_u(self.weight, self.u), dim=0, eps=EPSILON, out=self.v)
            F.normalize(self._times_v(self.weight, self.v), dim=0, eps=EPSILON, out=self.u)

    def _times_u(self, weight: Tensor, u: Tensor) -> Tensor:
        """Wᵀu, over inputs and kernel positions."""
        if self.output_axis == 0:
            return torch.mv(weight.flatten(1).t(), u)
        return torch.matmul(u, weight.flatten(2)).flatten()

    def _times_v(self, weight: Tensor, v: Tensor) -> Tensor:
        """Wv, over outputs."""
        if self.output_axis == 0:
            return torch.mv(weight.flatten(1), v)
        inputs, outputs = weight.shape[:2]
        return torch.bmm(weight.view(inputs, outputs, -1), v.view(inputs, -1, 1)).sum((0, 2))


class SNConv2d(_SpectralNorm, nn.Conv2d):
    """`torch.nn.Conv2d` under spectral normalisation."""

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c_out h_out w_out"]:
        return self._conv_forward(x, self.spectral_weight(), self.bias)


class SNConv3d(_SpectralNorm, nn.Conv3d):
    """`torch.nn.Conv3d` under spectral normalisation."""

    def forward(self, x: Float[Tensor, "n c t h w"]) -> Float[Tensor, "n c_out t_out h_out w_out"]:
        return self._conv_forward(x, self.spectral_weight(), self.bias)


class SNConvTranspose2d(_SpectralNorm, nn.ConvTranspose2d):
    """`torch.nn.ConvTranspose2d` under spectral normalisation; rows of the matrix are output channels."""

    output_axis = 1

    def forward(  # type: ignore[override]  # takes no `output_size`
        self, x: Float[Tensor, "n c h w"]
    ) -> Float[Tensor, "n c_out h_out w_out"]:
        weight = self.spectral_weight()
        if weight.shape[2:] == (1, 1) and self.stride == (1, 1) and self.padding == (0, 0):
            return F.conv2d(x, weight.transpose(0, 1), self.bias)  # the same, and several times as fast
        return F.conv_transpose2d(x, weight, self.bias, self.stride, cast(tuple[int, ...], self.padding))


class SNConvTranspose3d(_SpectralNorm, nn.ConvTranspose3d):
    """`torch.nn.ConvTranspose3d` under spectral normalisation; rows of the matrix are output channels."""

    output_axis = 1

    def forward(  # type: ignore[override]  # takes no `output_size`
        self, x: Float[Tensor, "n c t h w"]
    ) -> Float[Tensor, "n c_out t_out h_out w_out"]:
        padding = cast(tuple[int, ...], self.padding)
        return F.conv_transpose3d(x, self.spectral_weight(), self.bias, self.stride, padding)


def settle_spectral_norms(network: nn.Module) -> None:
    """Lets the singular vectors find their weights, once the weights have been drawn."""
    for layer in network.modules():
        if isinstance(layer, _SpectralNorm):
            layer.iterate(FIRST_ITERATIONS)
