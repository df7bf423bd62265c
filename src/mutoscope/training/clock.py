"""What training takes."""

import time
from typing import Any


class Clock:
    """Time spent on training, without that on checkpoints and sample sheets, and how much of it was waiting for data.

    Args:
        limit: seconds of training after which it is late; None for never.
        of_processor: these are seconds of this process' processors, over all its threads.

    Attributes:
        spent: seconds, and processor seconds, of the whole run.
        waited, run: seconds spent waiting for the loader, and in all, since the process began to train.
    """

    def __init__(self, limit: float | None = None, of_processor: bool = False) -> None:
        self.limit, self.of_processor = limit, of_processor
        self.spent = (0.0, 0.0)
        self.waited = self.run = 0.0
        self.mark = self.cpu_mark = 0.0

    def start(self) -> None:
        """Starts a lap; what came before it is not training."""
        self.mark, self.cpu_mark = time.perf_counter(), time.process_time()

    def got_data(self) -> None:
        """Says that what passed of this lap was waiting for the loader."""
        self.waited += time.perf_counter() - self.mark

    def lap(self) -> None:
        """Counts what passed since the last lap as training."""
        start, cpu_start = self.mark, self.cpu_mark
        self.start()
        self.run += self.mark - start
        self.spent = self.spent[0] + self.mark - start, self.spent[1] + self.cpu_mark - cpu_start

    @property
    def late(self) -> bool:
        """Whether the time is up."""
        return self.limit is not None and self.spent[self.of_processor] >= self.limit

    @property
    def data_share(self) -> float:
        """Share of the time that was waiting for data."""
        return self.waited / self.run if self.run else 0.0

    def summary(self, iterations: int) -> dict[str, Any]:
        """What `summary.json` says of time."""
        seconds, cpu_seconds = self.spent
        return {
            "iterations": iterations,
            "seconds": round(seconds, 3),
            "cpu_seconds": round(cpu_seconds, 3),
            "steps_per_second": round(iterations / seconds, 2) if seconds else 0.0,
            "data_share": round(self.data_share, 4),
        }
