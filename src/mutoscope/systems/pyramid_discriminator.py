"""The temporal pyramid in the place of a method's own video discriminator, with what it plays for and its optimiser.

Y. Wang, "Learning to Generate Human Videos", 2021, chapter 5, Table 5.2: VGAN, TGAN, MoCoGAN and G³AN with the pyramid,
all else being equal. The thesis says no more. Here the pyramid is trained as in the thesis's own system, by whatever
its host's other networks are trained.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.losses import bce, logistic_D
from mutoscope.nn import TemporalPyramid, widths_for

LAZY = 16  # iterations from one gradient penalty to the next
LAMBDA = 0.5  # weight of the pyramid in the generator's loss (Eq. 5.5)
LR, BETAS = 2e-3, (0.0, 0.99)
HOST_ARGUMENTS = {"pyramid_levels": 4, "pyramid_widths": None, "r1_gamma": 10.0}
"""What hosts take for the pyramid, and the defaults."""


class PyramidDiscriminator(TemporalPyramid):
    """D_V as a temporal pyramid: a 2-D discriminator for each speed, without batch or spectral normalisation.

    Args:
        channels, image_size, frames: of the clips.
        levels: speeds n; level i sees every 2^i-th frame.
        widths: channels at 4, 8, 16, ... pixels; None for the thesis's.
        r1_gamma: weight γ of the gradient penalty R1.

    Raises:
        InputError: levels is less than 1, r1_gamma less than 0, the widths do not fit, or the clips are too short for
            so many levels.
    """

    def __init__(
        self,
        channels: int,
        image_size: int,
        frames: int,
        levels: int = 4,
        widths: list[int] | None = None,
        r1_gamma: float = 10.0,
    ) -> None:
        if levels < 1:
            raise InputError(f"pyramid_levels: {levels} is less than 1")
        if not r1_gamma >= 0:
            raise InputError(f"r1_gamma: {r1_gamma} is less than 0")
        super().__init__(channels, image_size, frames, levels, widths_for(image_size, widths, "pyramid_widths"))
        self.r1_gamma = r1_gamma

    def loss_D(
        self, real: Float[Tensor, "b c t h w"], fake: Float[Tensor, "b c t h w"], iteration: int
    ) -> Float[Tensor, ""]:
        """Logistic loss of every level on its own views, summed; every 16 iterations with 16 times R1."""
        gamma = 0.0 if iteration % LAZY else self.r1_gamma * LAZY
        views = zip(self.discriminators, self.views(real.float()), self.views(fake.float()), strict=True)
        return torch.stack([logistic_D(D, on_real, on_fake, gamma) for D, on_real, on_fake in views]).sum()

    def loss_G(self, fake: Float[Tensor, "b c t h w"]) -> Float[Tensor, ""]:
        """λ times the sum over the levels of the non-saturating loss (Eq. 5.5)."""
        return LAMBDA * torch.stack([bce(score, 1.0) for score in self(fake.float())]).sum()

    def optimizer(self) -> torch.optim.Adam:
        """Adam with learning rate and decay rates corrected for the step that the penalty adds to 16 others."""
        c = LAZY / (LAZY + 1)
        return torch.optim.Adam(self.parameters(), LR * c, (BETAS[0] ** c, BETAS[1] ** c), fused=True)
