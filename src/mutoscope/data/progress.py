"""What is said, on the error stream, of work that takes a while."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 3.0  # seconds before a line is written where there is no terminal


def showing(items: Iterable[T], title: str, total: int | None = None) -> Iterator[T]:
    """The items, with a bar on a terminal that grows as they are taken; elsewhere as `working`.

    Args:
        title: what is done, such as "Reading clips".
        total: how many items there are.
    """
    if _on_terminal():
        from rich.console import Console
        from rich.progress import track

        yield from track(items, title, total, console=Console(stderr=True), transient=True)
    else:
        with working(title):
            yield from items


@contextmanager
def working(title: str) -> Iterator[None]:
    """Shows a spinner on a terminal; elsewhere writes one line if it takes longer than a few seconds."""
    if _on_terminal():
        from rich.console import Console

        with Console(stderr=True).status(f"{title} ..."):
            yield
        return
    timer = Timer(PATIENCE, _say, [f"{title} ..."])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _on_terminal() -> bool:
    with suppress(AttributeError, ValueError):  # it was closed, before Python began or since
        return sys.stderr.isatty()
    return False


def _say(line: str) -> None:
    if sys.stderr is not None:  # else it would go to the output
        with suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)
