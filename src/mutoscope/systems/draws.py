"""The random numbers of one training iteration, drawn before its step."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


class Random:
    """Random numbers as a function of (seed, iteration, purpose), whatever the number of processes.

    All are drawn for the *global* batch, of which a process keeps its own rows: as many processes as one likes draw
    what one alone would, and a resumed run needs no replay.

    Args:
        seed: of the run.
        iteration: whose numbers these are.
        device: where they are drawn and stay.
        rank, world: number of this process, and of all.
    """

    def __init__(
        self, seed: int, iteration: int, device: torch.device | str = "cpu", rank: int = 0, world: int = 1
    ) -> None:
        self.seed, self.iteration, self.device = seed, iteration, torch.device(device)
        self.rank, self.world = rank, world

    def __call__(self, purpose: int) -> "Draws":
        """The numbers of one purpose, from the first on."""
        state = np.random.SeedSequence([self.seed, self.iteration, purpose]).generate_state(1, np.uint64)[0]
        generator = torch.Generator(self.device).manual_seed(int(state) & (2**63 - 1))
        return Draws(generator, self.rank, self.world)


class Draws:
    """Draws one after another. Each gives `n` rows, those of this process."""

    def __init__(self, generator: torch.Generator, rank: int = 0, world: int = 1) -> None:
        self.generator, self.rank, self.world = generator, rank, world

    def normal(self, n: int, *shape: int) -> Float[Tensor, "n ..."]:
        """N(0, 1)."""
        return self._own(torch.randn(n * self.world, *shape, generator=self.generator, device=self.generator.device))

    def uniform(self, n: int, *shape: int) -> Float[Tensor, "n ..."]:
        """U(0, 1)."""
        return self._own(torch.rand(n * self.world, *shape, generator=self.generator, device=self.generator.device))

    def integers(self, low: int, high: int, n: int, *shape: int) -> Int[Tensor, "n ..."]:
        """Whole numbers from `low` to below `high`, each as often."""
        size = (n * self.world, *shape)
        return self._own(torch.randint(low, high, size, generator=self.generator, device=self.generator.device))

    def _own(self, draws: Tensor) -> Tensor:
        return draws.chunk(self.world)[self.rank] if self.world > 1 else draws
