"""How a run looks while it goes: one live line in a terminal, a line now and then elsewhere."""

import time

from rich.console import Console
from rich.live import Live
from rich.text import Text


class Progress:
    """Shows step, losses, speed, share of time spent on data, and when it will be over.

    Args:
        total: iterations of the whole run.
        seconds: time after which the run stops anyway.
        console: where to write.
        seconds_between_lines: outside a terminal, the least time from one line to the next.
    """

    def __init__(
        self,
        total: int,
        seconds: float | None = None,
        console: Console | None = None,
        seconds_between_lines: float = 10.0,
    ) -> None:
        self.total = total
        self.end = time.monotonic() + seconds if seconds is not None else float("inf")
        self.console = console or Console(stderr=True)
        self.seconds_between_lines = seconds_between_lines
        self.live = Live(console=self.console, auto_refresh=False) if self.console.is_terminal else None
        self.last_line = -float("inf")

    def __enter__(self) -> "Progress":
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def show(self, step: int, losses: dict[str, float], steps_per_second: float, data_share: float) -> None:
        """Brings the line up to date."""
        terms = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
        left = (self.total - step) / steps_per_second if steps_per_second > 0 else float("inf")
        left = max(0.0, min(left, self.end - time.monotonic()))
        line = (
            f"{step}/{self.total}  {terms}  {steps_per_second:.1f} steps/s  data {data_share:.0%}  {clock(left)} left"
        )
        if self.live:
            bar = "━" * round(20 * step / max(self.total, 1))
            self.live.update(Text.assemble((f"{bar:╌<20} ", "cyan"), line), refresh=True)
        elif step >= self.total or time.monotonic() - self.last_line >= self.seconds_between_lines:
            self.console.print(line, soft_wrap=True, highlight=False)
            self.last_line = time.monotonic()


def clock(seconds: float) -> str:
    """`h:mm:ss`, or `m:ss` below an hour; `?` where unknown."""
    if seconds == float("inf"):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
