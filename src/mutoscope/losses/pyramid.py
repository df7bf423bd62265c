"""What a temporal pyramid plays for in the place of a method's own video discriminator.

Y. Wang, "Learning to Generate Human Videos", 2021, chapter 5, Table 5.2: VGAN, TGAN, MoCoGAN and G³AN with the pyramid,
all else being equal. The thesis says no more. Here the pyramid is trained as in the thesis's own system, by whatever
its host's other networks are trained.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mutoscope.losses.adversarial import LogisticLoss, bce


@dataclass(frozen=True)
class PyramidLoss(LogisticLoss):
    """Logistic loss of every speed on its own views, summed.

    Attributes:
        gamma, every: as of `LogisticLoss`.
        weight: λ, of the pyramid in the generator's loss (Eq. 5.5).
    """

    every: int = 16
    weight: float = 0.5

    def of_D(
        self, D: Any, real: Float[Tensor, "n c t h w"], fake: Float[Tensor, "m c t h w"], penalised: bool
    ) -> Float[Tensor, ""]:
        """What a `nn.TemporalPyramid` plays for: telling real clips from fake ones."""
        views = zip(D.discriminators, D.views(real.float()), D.views(fake.float()), strict=True)
        return torch.stack([LogisticLoss.of_D(self, *seen, penalised) for seen in views]).sum()

    def of_G(self, D: nn.Module, fake: Float[Tensor, "m c t h w"]) -> Float[Tensor, ""]:
        """What a generator plays for against it: its clips taken for real at every speed."""
        return self.weight * torch.stack([bce(score, 1.0) for score in D(fake.float())]).sum()
