"""From a data set to the batches of a run, stage after stage."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from mutoscope.data.clips import Clips
from mutoscope.data.examples import Examples, as_they_come
from mutoscope.data.sampling import TrainingBatches
from mutoscope.systems.base import Stage, System
from mutoscope.training.options import RunOptions


class Batches(Iterator[dict[str, Tensor]]):
    """The batch of the iteration that a system has reached, on its device; a function of seed and iteration alone.

    Args:
        system: says what each stage learns from.
        clips: what it may learn from.
        run: batch size, seed and workers.
        device: where batches go.
        rank, world: number of this process, and of all; each takes its share.

    Attributes:
        refreshed: the columns that a stage has last made of the clips.

    Raises:
        InputError: the data is too small or lacks something for a stage; known now, not when the stage begins, but for
            stages that refresh.
    """

    def __init__(
        self,
        system: System,
        clips: Clips,
        run: RunOptions,
        device: torch.device | str = "cpu",
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.system, self.clips, self.run, self.device = system, clips, run, torch.device(device)
        self.rank, self.world = rank, world
        self.refreshed: dict[str, list[Any]] = {}
        self.stage: Stage | None = None
        self.entered: tuple[int, int] | None = None  # where the stage began, and the iteration it was last asked for
        self.batches: Iterator[dict[str, Tensor]] = iter(())
        there = [stage for stage in system.stages if stage.steps != 0 and stage.refresh is None]
        self.ready = {stage.name: self.loader(stage, system.examples(clips, stage), 0) for stage in there}

    @property
    def size(self) -> int:
        """Examples in the present batch of this process."""
        assert self.stage is not None
        return (self.stage.batch_size or self.run.batch_size) // self.world

    def enter(self) -> None:
        """Begins the stage of this iteration, or refreshes its examples, where that is due and has not been done."""
        iteration = self.system.iteration
        stage, first = self.system.stage_at(iteration)
        before, self.entered = self.entered, (first, iteration)
        if before == self.entered:
            return
        into, new = iteration - first, before is None or before[0] != first
        again = stage.refresh is not None and into % stage.refresh == 0
        if into == 0:
            self.system.begin(stage)
        if again:
            self.refreshed |= self.system.refresh(self.clips, stage)
        if new or again:
            self.stage = stage
            self.batches = iter(self.loader(stage, self.examples(stage), into))

    def __next__(self) -> dict[str, Tensor]:
        self.enter()
        batch = next(self.batches)
        return {key: value.to(self.device, non_blocking=True) for key, value in batch.items()}

    def examples(self, stage: Stage) -> Examples:
        """What a stage learns from as things stand."""
        if stage.name in self.ready and not self.refreshed:
            return self.ready[stage.name].dataset  # type: ignore[return-value]  # as they were given to it
        return self.system.examples(self.clips.with_columns(self.refreshed), stage)

    def loader(self, stage: Stage, examples: Examples, start: int) -> DataLoader:
        """Batches of a stage from its iteration `start` on."""
        size, seed = stage.batch_size or self.run.batch_size, self.run.seed
        return DataLoader(
            examples,
            batch_sampler=TrainingBatches(
                len(examples), size, seed=seed, start=start, rank=self.rank, world=self.world
            ),
            collate_fn=as_they_come,
            num_workers=self.run.workers,
            generator=torch.Generator().manual_seed(seed),  # or the loader draws from the global one
            pin_memory=self.device.type == "cuda",
        )
