"""The motion bank of section 5.2.2: a trainable matrix M, and the orthonormal directions D that it stands for."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.systems.mintgan.config import Method, Order


class RightSingularVectors(torch.autograd.Function):
    """V^T of M = U Σ V^T, already computed, with a gradient by M that stays finite where singular values meet.

    With G = ∂L/∂V and F_ij = 1 / (σ_j² - σ_i²): ∂L/∂M = M V (K + K^T) V^T, K = F ∘ (V^T G). Here 1 / x is
    x / (x² + ε), which is the same but for singular values that almost agree.
    """

    @staticmethod
    def forward(ctx, M: Tensor, D: Tensor) -> Tensor:
        ctx.save_for_backward(M, D)
        return D.clone()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        M, D, G = (each.double() for each in (*ctx.saved_tensors, gradient.T))
        MV = M @ D.T  # U Σ
        squares = MV.square().sum(0)
        gaps = squares - squares[:, None]
        margin = (1e-6 * squares.max()).square().clamp(min=torch.finfo(gaps.dtype).tiny)
        K = D @ G * gaps / (gaps.square() + margin)
        return (MV @ (K + K.T) @ D).to(gradient.dtype), None


class MotionBank(nn.Module):
    """M, and D made of it: rows d_i, orthonormal (Eq. 5.1) but for the method "free".

    A singular vector has no sign of its own, and its place in the order changes where two singular values cross. Either
    would turn the meaning of an output of G_M into another, so both follow those of the directions before: `settle`
    must be called after every step of M.

    Args:
        size: N, number and size of the directions.
        method: the right singular vectors of M by SVD (the thesis) or as eigenvectors of M^T M; the rows of Q^T of its
            QR decomposition; the exponential of its skew part; or M itself, scaled.
        order: whether singular values grow (the last direction has the largest, as the thesis says of its own) or
            fall, when M is new.
    """

    D: Tensor

    def __init__(self, size: int, method: Method = "svd", order: Order = "asc") -> None:
        super().__init__()
        self.method = method
        self.M = nn.Parameter(torch.randn(size, size))
        if method in ("svd", "eigh"):
            D = self._singular_vectors()
            self.register_buffer("D", D if order == "desc" else D.flip(0))

    def forward(self) -> Float[Tensor, "N N"]:
        """D, differentiable by M."""
        with torch.autocast(self.M.device.type, enabled=False):
            match self.method:
                case "qr":
                    Q, R = torch.linalg.qr(self.M)
                    return (Q * R.diagonal().sign()).T
                case "orthogonal":
                    return torch.linalg.matrix_exp((self.M - self.M.T) / len(self.M) ** 0.5)
                case "free":
                    return self.M / len(self.M) ** 0.5
                case _:
                    return RightSingularVectors.apply(self.M, self.D)

    @torch.no_grad()
    def settle(self) -> None:
        """Makes D that of M as it is now, each direction in the place and with the sign of the one it continues."""
        if self.method not in ("svd", "eigh") or not self.M.isfinite().all():
            return  # of what is not a number there are no directions; the run stops over its losses
        with torch.autocast(self.M.device.type, enabled=False):
            D = self._singular_vectors()
            overlaps = self.D @ D.T
            place = overlaps.abs().argmax(1)
            if len(place.unique()) < len(place):
                place = self._matched(overlaps.abs())
            signs = overlaps.gather(1, place[:, None]).sign()
            self.D.copy_(D[place] * torch.where(signs == 0, 1.0, signs))

    def _singular_vectors(self) -> Float[Tensor, "N N"]:
        """Rows by singular value, the largest first; found in double precision, in which they are orthonormal."""
        M = self.M.detach().double()
        rows = torch.linalg.eigh(M.T @ M)[1].T.flip(0) if self.method == "eigh" else torch.linalg.svd(M)[2]
        return rows.to(self.M.dtype).contiguous()

    @staticmethod
    def _matched(overlaps: Float[Tensor, "N N"]) -> Tensor:
        """For each row its own column, so that the overlaps are as large as can be in sum."""
        from scipy.optimize import linear_sum_assignment

        return torch.from_numpy(linear_sum_assignment(-overlaps.cpu().numpy())[1]).to(overlaps.device)
