"""What is printed and written."""

import csv
import json

import pytest

from mutoscope.errors import InputError
from mutoscope.evaluation import Measure, Report


@pytest.fixture
def report():
    rows = {
        "run": {"fid[x]": Measure(3.0, 2.0, 4.0), "psnr": Measure(20.0)},
        "static copy": {"fid[x]": Measure(1.0), "consistency": Measure(float("nan"))},
    }
    return Report("run", {"clips": 4, "seed": 0}, rows, {"nmi": 0.5}, {"is": "no classes"})


def test_json_holds_protocol_rows_and_measures_of_the_system(report, tmp_path):
    written = json.loads(report.save(tmp_path / "r.json").read_text())
    assert written["protocol"] == {"clips": 4, "seed": 0}
    assert written["rows"]["run"]["fid[x]"] == {"value": 3.0, "low": 2.0, "high": 4.0}
    assert written["rows"]["static copy"]["consistency"] == {"value": None, "low": None, "high": None}
    assert written["measures"] == {"nmi": 0.5}


def test_csv_has_a_line_for_each_row_and_metric(report, tmp_path):
    with report.save(tmp_path / "r.csv").open() as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["row", "metric", "value", "low", "high"]
    assert lines[1] == ["run", "fid[x]", "3.0", "2.0", "4.0"]
    assert lines[2] == ["run", "psnr", "20.0", "", ""]
    assert len(lines) == 6


def test_the_table_says_which_way_is_better(report, capsys):
    report.show()
    printed = capsys.readouterr().out
    assert "fid[x] ↓" in printed
    assert "psnr ↑" in printed
    assert "consistency ≈" in printed
    assert "2 to 4" in printed
    assert "left out: is (no classes)" in printed


def test_other_files_are_refused_and_nothing_is_written(report, tmp_path):
    with pytest.raises(InputError, match=r"expected \.json or \.csv"):
        report.save(tmp_path / "r.docx")
    assert not list(tmp_path.iterdir())
