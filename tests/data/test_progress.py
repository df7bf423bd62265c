import sys
import time
from io import StringIO

import pytest

from mutoscope.data import progress
from mutoscope.data.progress import showing, working


def test_short_work_is_done_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(showing(range(3), "Reading clips", 3)) == [0, 1, 2]
    with working("Rendering"):
        pass
    assert capsys.readouterr() == ("", "")


def test_long_work_without_a_terminal_is_one_line_on_the_error_stream(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    for _ in showing(range(3), "Reading 3 clips", 3):
        time.sleep(0.05)
    assert capsys.readouterr() == ("", "Reading 3 clips ...\n")


def test_a_terminal_shows_what_is_done(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert list(showing(range(3), "Reading clips", 3)) == [0, 1, 2]
    with working("Rendering talk"):
        time.sleep(0.2)
    out, error = capsys.readouterr()
    assert not out
    assert "Reading clips" in error
    assert "Rendering talk" in error


def test_what_goes_wrong_inside_comes_out() -> None:
    with pytest.raises(ValueError, match="inside"), working("Rendering"):
        raise ValueError("inside")


@pytest.mark.parametrize("closed", [True, False])
def test_without_an_error_stream_nothing_is_said(
    closed: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream if closed else None)
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    for _ in showing(range(3), "Reading 3 clips", 3):
        time.sleep(0.05)
    assert not capsys.readouterr().out
