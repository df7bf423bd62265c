"""Which examples training sees: a function of the seed and the iteration alone, so a resumed run needs no replay."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int64
from torch.utils.data import Sampler

from mutoscope.errors import InputError


class TrainingBatches(Sampler[list[int]]):
    """An endless batch sampler whose i-th batch depends only on the seed and i.

    Epoch e is a permutation drawn from (seed, e), cut into whole batches; what is left at its end is dropped. Every
    process draws the same batch and takes its own share of it.

    Args:
        length: number of examples in the dataset.
        batch_size: examples per iteration, over all processes together.
        seed: seed of all permutations.
        start: iteration at which iterating begins.
        rank: number of this process.
        world: number of processes.

    Raises:
        InputError: the dataset is smaller than one batch, or the batch cannot be shared evenly.
    """

    def __init__(
        self, length: int, batch_size: int, *, seed: int = 0, start: int = 0, rank: int = 0, world: int = 1
    ) -> None:
        if batch_size < 1 or batch_size % world:
            raise InputError(f"batch size {batch_size}: cannot be shared evenly by {world} processes")
        if length < batch_size:
            raise InputError(
                f"batch size {batch_size}: is more than the dataset's {length} examples "
                "(add data or ask for a smaller batch)"
            )
        self.length = length
        self.batch_size = batch_size
        self.seed = seed
        self.start = start
        self.rank = rank
        self.world = world
        self._permutation: tuple[int, Int64[np.ndarray, " length"]] = (-1, np.empty(0, np.int64))

    def indices(self, iteration: int) -> Int64[np.ndarray, " b"]:
        """This process's share of the batch of `iteration`."""
        epoch, position = divmod(iteration, self.length // self.batch_size)
        share = self.batch_size // self.world
        first = position * self.batch_size + self.rank * share
        return self._epoch(epoch)[first : first + share]

    def __iter__(self) -> Iterator[list[int]]:
        iteration = self.start
        while True:
            yield self.indices(iteration).tolist()
            iteration += 1

    def _epoch(self, epoch: int) -> Int64[np.ndarray, " length"]:
        if self._permutation[0] != epoch:
            generator = np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, epoch))))
            self._permutation = (epoch, generator.permutation(self.length))
        return self._permutation[1]
