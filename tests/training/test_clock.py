"""What counts as training, and what of it as waiting for data."""

import pytest

from mutoscope.training.clock import Clock


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """`at(seconds, processor)`: sets both clocks."""

    def set_clocks(seconds: float, processor: float = 0.0) -> None:
        monkeypatch.setattr("time.perf_counter", lambda: seconds)
        monkeypatch.setattr("time.process_time", lambda: processor)

    return set_clocks


def test_waiting_for_the_device_is_no_waiting_for_data(at):
    """As on a GPU: a step is over as soon as it is launched, and the log waits until it is done."""
    clock = Clock()
    at(0)
    clock.start()
    at(0.25)
    clock.got_data()
    at(0.5)  # launched
    clock.lap()
    at(10)  # done
    clock.lap()
    assert (clock.waited, clock.run) == (0.25, 10)
    assert clock.data_share == 0.025


def test_checkpoints_and_sheets_do_not_count(at):
    clock = Clock()
    at(0, 0)
    clock.start()
    at(2, 3)
    clock.lap()
    at(100, 200)
    clock.start()
    at(101, 204)
    clock.lap()
    assert clock.spent == (3, 7)
    assert clock.summary(6) == {
        "iterations": 6,
        "seconds": 3,
        "cpu_seconds": 7,
        "steps_per_second": 2.0,
        "data_share": 0.0,
    }


@pytest.mark.parametrize(("of_processor", "late"), [(False, False), (True, True)])
def test_a_limit_is_one_of_the_clock_or_of_the_processors(at, of_processor, late):
    clock = Clock(limit=5, of_processor=of_processor)
    at(0, 0)
    clock.start()
    at(3, 6)
    clock.lap()
    assert clock.late is late
    assert not Clock().late
