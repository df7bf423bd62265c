"""Pairs of clips for raters, and what they answer."""

from pathlib import Path

import numpy as np
import pytest

from mutoscope.errors import InputError
from mutoscope.systems.mintgan import MintGAN, MintGANConfig
from mutoscope.systems.preference import share_interval, system_is_left

SIZE = 16


@pytest.fixture(scope="module")
def system() -> MintGAN:
    """To read from only."""
    small = {"d_a": 6, "d_m": 4, "N": 8, "image_size": SIZE, "frames": 6, "mlp_depth": 2, "levels": 1}
    return MintGAN.untrained(MintGANConfig(**small, widths=[8, 8, 8], widths_D=[8, 8, 8])).eval()


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> Path:
    """A white clip of 6 frames."""
    path = tmp_path_factory.mktemp("other") / "other.npy"
    np.save(path, np.full((6, 20, 30, 3), 255, np.uint8))
    return path


class TestStudy:
    def test_sides_are_drawn_by_the_seed(self, system, other):
        """Tab. 5.6: of many pairs, about half have the system's clip on the left."""
        assert 400 < sum(map(system_is_left, range(1000))) < 600
        for seed in range(6):
            frame = system.pair(other=other, seed=seed, scale=1).frames[0]
            white = [(frame[-SIZE - 6 : -6, x : x + SIZE] == 255).all() for x in (6, 6 + SIZE + 2)]
            assert white == [not system_is_left(seed), system_is_left(seed)]

    def test_left_and_right_are_told_apart_by_the_seed(self, system, tmp_path):
        sides = ["left" if system_is_left(seed) else "right" for seed in range(8)]
        sides[0] = "right" if sides[0] == "left" else "left"
        lines = [f"{seed},{side}" for seed, side in enumerate(sides)]
        (tmp_path / "answers.csv").write_text("\n".join(["seed,answer", *lines]))
        rows = system.tally(answers=tmp_path / "answers.csv").records()
        assert [(row["answer"], row["count"], row["percent"]) for row in rows] == [
            ("other", 1, 12.5),
            ("system", 7, 87.5),
        ]
        assert all(row["low"] < row["percent"] < row["high"] for row in rows)

    def test_answers_in_words_are_counted_for_each_question(self, system, tmp_path):
        """Tabs. 5.7 and 5.8."""
        (tmp_path / "answers.csv").write_text("question,answer\nd0,mouth\nd0,mouth\nd511,head\nd0,head\n")
        rows = system.tally(answers=tmp_path / "answers.csv").records()
        counts = [(row["question"], row["answer"], row["count"]) for row in rows]
        assert counts == [("d0", "head", 1), ("d0", "mouth", 2), ("d511", "head", 1)]

    def test_the_interval_is_that_of_wilson(self):
        assert share_interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
        assert share_interval(0, 10)[0] == pytest.approx(0)
        assert share_interval(10, 10)[1] == pytest.approx(1)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "has no answers"),
            ("seed,answer\n", "has no answers"),
            ("seed,said\n1,left\n", "has no column named answer"),
            ("seed,answer\n1,up\n", r"row 1: 'up' is no side \(expected left or right\)"),
            ("seed,answer\nx,left\n", "row 1: 'x' is no seed"),
            ("seed,answer\n1\n", "row 1 has 1 cells"),
        ],
    )
    def test_what_cannot_be_counted_is_said_in_one_line(self, system, tmp_path, text, says):
        (tmp_path / "answers.csv").write_text(text)
        with pytest.raises(InputError, match=says):
            system.tally(answers=tmp_path / "answers.csv")

    def test_the_other_clip_must_be_long_enough(self, system, other):
        with pytest.raises(InputError, match=r"other: has 6 frames \(expected at least 9\)"):
            system.pair(other=other, frames=9)
