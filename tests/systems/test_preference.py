"""Two-alternative preference: clips on random sides, and any number of raters counted."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.errors import InputError
from mutoscope.systems.preference import Preference, beside, read_answers, system_is_left

PREFERENCE = Preference()


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def side_of_system(seed: int) -> str:
    return "left" if system_is_left(seed) else "right"


class TestSides:
    def test_about_half_of_all_seeds_show_the_system_on_the_left(self):
        sides = np.array([system_is_left(seed) for seed in range(2000)])
        assert abs(sides.mean() - 0.5) < 0.05
        assert abs((sides[1:] != sides[:-1]).mean() - 0.5) < 0.05  # and the next seed tells nothing of this one

    @pytest.mark.parametrize("seed", range(6))
    def test_each_clip_is_shown_whole_on_its_side(self, seed: int):
        black, white = np.zeros((5, 8, 8, 3), np.uint8), np.full((5, 8, 8, 3), 255, np.uint8)
        video = beside(black, white, seed, scale=2, fps=8.0)
        assert len(video) == 5
        halves = np.split(video.frames[:, 12:20], 2, axis=2)  # rows of both pictures, without the margin
        shown_left, shown_right = (half.astype(float).mean() for half in halves)
        assert (shown_left < shown_right) == system_is_left(seed)

    def test_a_pair_can_be_saved_again(self):
        clip = np.zeros((3, 8, 8, 3), np.uint8)
        video = beside(clip, clip, 0, scale=1, fps=8.0)
        assert np.array_equal(list(video), list(video))


class TestTally:
    def test_raters_are_counted_for_each_question(self, tmp_path: Path):
        rows = [
            {"question": question, "rater": rater, "seed": seed, "answer": side_of_system(seed)}
            for question, raters in [("real", "abc"), ("smooth", "ab")]
            for rater in raters
            for seed in range(4)
        ]
        records = PREFERENCE.tally(answers=write(tmp_path / "a.csv", rows)).records()
        assert [(row["question"], row["answer"], row["count"], row["raters"]) for row in records] == [
            ("real", "other", 0, 3),
            ("real", "system", 12, 3),
            ("smooth", "other", 0, 2),
            ("smooth", "system", 8, 2),
        ]

    def test_raters_that_are_not_named_are_not_counted(self, tmp_path: Path):
        path = write(tmp_path / "a.csv", [{"answer": "mouth"}, {"answer": "head"}])
        assert [row["raters"] for row in PREFERENCE.tally(answers=path).records()] == [None, None]

    @given(st.lists(st.tuples(st.sampled_from("pq"), st.integers(0, 50), st.booleans()), min_size=1, max_size=40))
    def test_percentages_of_a_question_sum_to_100(self, tmp_path_factory, given_answers):
        rows = [
            {"question": question, "seed": seed, "answer": "left" if left else "right"}
            for question, seed, left in given_answers
        ]
        path = write(tmp_path_factory.mktemp("tally") / "a.csv", rows)
        sums, counts = defaultdict(float), defaultdict(int)
        for row in PREFERENCE.tally(answers=path).records():
            assert row["low"] - 1e-9 <= row["percent"] <= row["high"] + 1e-9
            sums[row["question"]] += row["percent"]
            counts[row["question"]] += row["count"]
        assert all(total == pytest.approx(100) for total in sums.values())
        assert counts == {q: sum(row["question"] == q for row in rows) for q in {row["question"] for row in rows}}

    def test_one_who_always_answers_left_prefers_nothing(self, tmp_path: Path):
        path = write(tmp_path / "a.csv", [{"seed": seed, "answer": "left"} for seed in range(400)])
        other, system = PREFERENCE.tally(answers=path).records()
        assert system["low"] < 50 < system["high"]
        assert other["percent"] == pytest.approx(100 - system["percent"])

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("rater,answer\n,left\n", r"row 1: the rater is empty"),
            ("rater,seed,answer\na,1,left\nb,1,left\na,01,right\n", r"row 3: a has answered this before"),
        ],
    )
    def test_raters_that_cannot_be_counted_are_refused(self, tmp_path: Path, text: str, says: str):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(InputError, match=says):
            read_answers(tmp_path / "a.csv")

    def test_a_rater_may_answer_several_questions_about_a_pair(self, tmp_path: Path):
        (tmp_path / "a.csv").write_text("question,rater,seed,answer\nreal,a,1,left\nsmooth,a,1,left\n")
        assert [answer.question for answer in read_answers(tmp_path / "a.csv")] == ["real", "smooth"]
