"""The page: verdicts by the printed rule, means with intervals, hand-written text kept, nothing trained."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mutoscope.claims import render
from mutoscope.claims.report import interval, mean_and_half_width, total, verdict

finite = st.floats(-1e3, 1e3)


class TestVerdict:
    @pytest.mark.parametrize(
        ("margins", "expected"),
        [
            ([1.0, 1.1, 0.9], "holds"),
            ([-1.0, -1.1, -0.9], "reversed"),
            ([1.0, 1.1, -0.9], "unresolved"),
            ([0.5, 0.25, 0.001], "unresolved"),  # all positive, too scattered
            ([5.0, 5.0], "unresolved"),  # two seeds are too few
            ([], "unresolved"),
            ([0.0, 0.0, 0.0], "unresolved"),
        ],
    )
    def test_follows_students_interval(self, margins: list[float], expected: str):
        assert verdict(margins) == expected

    @given(st.lists(finite, min_size=3, max_size=8))
    def test_of_the_opposite_claim_is_the_opposite(self, margins: list[float]):
        opposite = {"holds": "reversed", "reversed": "holds", "unresolved": "unresolved"}
        assert verdict([-margin for margin in margins]) == opposite[verdict(margins)]

    @given(st.lists(finite, min_size=3, max_size=8).filter(lambda values: np.std(values) > 1e-3))
    def test_agrees_with_scipys_t_test(self, margins: list[float]):
        mean, half = mean_and_half_width(margins)
        low, high = stats.ttest_1samp(margins, 0.0).confidence_interval(0.95)
        assert mean - half == pytest.approx(low, rel=1e-6, abs=1e-6)
        assert mean + half == pytest.approx(high, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("values", "shown"),
    [([], "–"), ([None], "–"), ([0.12345], "0.1235"), ([1.0, None, 1.0], "1"), ([float("nan"), 2.0], "2")],
)
def test_intervals_say_what_is_known(values: list[float | None], shown: str):
    assert interval(values) == shown


def result(arm: str, seed: int, value: float) -> dict[str, Any]:
    return {
        "system": "pseudo_label",
        "experiment": "sprites",
        "arm": arm,
        "seed": seed,
        "measures": {"nmi_label": value, "coverage": value},
        "protocol": {"clips": 256},
        "held_out": {"clips": 40, "frames": 400},
        "iterations": 1500,
        "training_seconds": 60.0,
        "cpu_seconds": 50.0,
        "curves": {"step": [1, 2, 3], "loss_G": [3.0, 2.0, 1.0], "loss_D": [1.0, 1.0, 1.0]},
        "sheet": None,
        "machine": "Linux",
        "torch": "2",
        "commit": "abc",
        "date": "2026-01-01",
        "configuration": {"max_time": "20m"},
    }


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Three seeds of two arms, and reference rows."""
    folder = tmp_path / "data" / "pseudo_label"
    folder.mkdir(parents=True)
    for seed in range(3):
        for arm, value in (("full", 0.9 + 0.01 * seed), ("w_d=0", 0.125)):
            (folder / f"{arm}-{seed}.json").write_text(json.dumps(result(arm, seed, value)))
    rows = {"experiment": "sprites", "seed": 0, "protocol": {}, "rows": {"real vs real": {"nmi_label": 0.99}}}
    (folder / "sprites-references-seed0.json").write_text(json.dumps(rows))
    return tmp_path


def lines_of(page: Path, start: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.read_text().splitlines() if start in line]


def test_a_page_has_verdicts_measures_references_and_curves(reports: Path):
    page = render("pseudo_label", reports)
    (claim,) = [cells for cells in lines_of(page, "| w_d |") if cells[0] == "w_d"]
    assert claim[-1] == "holds"
    assert claim[3].startswith("0.785 ± ")
    measure = lines_of(page, "| `nmi_label` |")[0]
    assert measure == ["`nmi_label`", "0.91 ± 0.025", "0.125", "0.99"]
    not_run = lines_of(page, "| w_c range |")
    assert not_run[0][-2:] == ["not run", "unresolved"]
    assert (reports / "pseudo_label" / "sprites-losses.png").is_file()


def test_text_above_the_results_is_kept_and_rendering_twice_changes_nothing(reports: Path):
    (reports / "pseudo_label.md").write_text("# Mine\n\nWords.\n\n<!-- results -->\n\nold results")
    first = render("pseudo_label", reports).read_text()
    assert first.startswith("# Mine\n\nWords.\n\n<!-- results -->\n\nVerdicts.")
    assert "old results" not in first
    assert render("pseudo_label", reports).read_text() == first


def test_another_budget_or_a_folder_is_a_section_of_its_own(reports: Path):
    folder = reports / "data" / "pseudo_label"
    for name in ("sprites_20m", "folder_my_clips"):
        for seed in range(3):
            other = result("full", seed, 0.7) | {"experiment": name}
            (folder / f"{name}-{seed}.json").write_text(json.dumps(other))
    page = render("pseudo_label", reports)
    text = page.read_text()
    assert "## Sprite clips, 32 x 32 (the twin): 20m" in text
    assert "## A folder of your own: my_clips" in text
    assert '`mutoscope reproduce pseudo_label --on sprites --budget "20m" --seeds 3`' in text
    assert "`mutoscope reproduce pseudo_label --on FOLDER --seeds 3`" in text
    assert [cells[1] for cells in lines_of(page, "| `nmi_label` |")] == ["0.91 ± 0.025", "0.7", "0.7"]


def test_losses_are_added_where_a_stage_has_them():
    added = total([[1.0, 2.0, None, None], [0.5, None, 4.0, None]])
    np.testing.assert_array_equal(added, [1.5, 2.0, 4.0, np.nan])


def test_curves_of_a_training_in_stages_are_drawn(reports: Path):
    """A loss that begins late has gaps, and one whose stage was not trained has nothing else."""
    file = reports / "data" / "pseudo_label" / "full-0.json"
    curves = {"step": [1, 2, 3], "loss_G": [3.0, None, None], "loss_G_R": [None, 2.0, 1.0], "loss_D": [None] * 3}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"curves": curves}))
    render("pseudo_label", reports)
    assert (reports / "pseudo_label" / "sprites-losses.png").is_file()
