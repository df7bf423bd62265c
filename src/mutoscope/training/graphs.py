"""Whole steps in CUDA graphs: what launches thousands of kernels is launched once."""

from collections import Counter
from collections.abc import Callable, Hashable

import torch
from torch import Tensor

Tensors = dict[str, Tensor]
Program = Callable[[], Tensors]

WARM_UP = 3
"""Steps of each kind that run as they are before one is captured, in which optimisers make their states."""


class StaticSteps:
    """Training steps as static programs, one for each kind of step.

    A program reads its batch and its noise from memory that stays where it is: new ones are copied in, the program
    runs, and its losses are copied out.

    Args:
        step: from a batch and noise to losses.
        capture: makes a program of a step on such memory, without running it; by default a CUDA graph.
        warmed: runs a step before it is captured.
    """

    def __init__(
        self,
        step: Callable[[Tensors, Tensors], Tensors],
        capture: Callable[[Program], Program] | None = None,
        warmed: Callable[[Program], Tensors] | None = None,
    ) -> None:
        self.step = step
        self.capture, self.warmed = capture or captured, warmed or on_side_stream
        self.seen: Counter[Hashable] = Counter()
        self.programs: dict[Hashable, tuple[Tensors, Tensors, Program]] = {}

    def __call__(self, kind: Hashable, batch: Tensors, noise: Tensors) -> Tensors:
        """The losses of a step. Batches and noise of one kind have the same names and shapes."""
        self.seen[kind] += 1
        if self.seen[kind] <= WARM_UP:
            return self.warmed(lambda: self.step(batch, noise))
        if kind not in self.programs:
            still_batch, still_noise = ({name: value.clone() for name, value in own.items()} for own in (batch, noise))
            program = self.capture(lambda: self.step(still_batch, still_noise))
            self.programs[kind] = still_batch, still_noise, program
        own_batch, own_noise, program = self.programs[kind]
        for own_values, given in ((own_batch, batch), (own_noise, noise)):
            for name, value in given.items():
                own_values[name].copy_(value, non_blocking=True)
        return {name: loss.clone() for name, loss in program().items()}


def captured(program: Program) -> Program:
    """A CUDA graph of what a program launches; its results are in the same place after every run."""
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # loaders pin memory in threads of their own
        results = program()

    def replay() -> Tensors:
        graph.replay()
        return results

    return replay


def on_side_stream(program: Program) -> Tensors:
    """Runs a program on a stream of its own, as what is captured later must have run."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        results = program()
    torch.cuda.current_stream().wait_stream(side)
    return results
