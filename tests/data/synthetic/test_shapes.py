"""Moving shapes look like the published set: one uniform shape, a quartic path from side to side."""

import itertools
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mutoscope.data.synthetic import make_clips
from mutoscope.data.synthetic.shapes import bezier


@pytest.fixture(scope="module")
def shapes():
    return make_clips("shapes", clips=40)


def test_clips_have_the_published_form(shapes):
    assert {clip.shape for clip in shapes.clips} == {(32, 64, 64, 3)}
    assert shapes.labels == [0, 1] * 20
    assert shapes.label_names == ["up", "left"]


def test_frames_show_their_factors(shapes):
    for i, clip in enumerate(shapes.clips):
        shape, half_width, x, y = (shapes.factors[name][i] for name in ("shape", "half_width", "x", "y"))
        colour = np.stack([shapes.factors[name][i] for name in ("red", "green", "blue")], axis=-1)
        centre = clip[np.arange(len(clip)), y.astype(int), x.astype(int)]
        assert centre == pytest.approx(255 * colour, abs=1)
        light = clip.sum(-1) / (255 * colour.sum(-1)[:, None, None])
        assert light.sum((1, 2)) == pytest.approx(np.where(shape == 1, 4, np.pi) * half_width**2, rel=0.05)
        assert (light.sum(1) @ (np.arange(64) + 0.5)) / light.sum((1, 2)) == pytest.approx(x, abs=0.1)
        assert (light.sum(2) @ (np.arange(64) + 0.5)) / light.sum((1, 2)) == pytest.approx(y, abs=0.1)


def test_sizes_and_both_shapes_occur(shapes):
    assert np.unique(np.concatenate(shapes.factors["half_width"])).tolist() == [4, 5, 6, 7]
    assert np.unique(np.concatenate(shapes.factors["shape"])).tolist() == [0, 1]


def test_paths_run_from_side_to_side_and_return_across(shapes):
    for label, x, y, half_width in zip(
        shapes.labels, *(shapes.factors[k] for k in ("x", "y", "half_width")), strict=True
    ):
        along, across = (y, x) if label == 0 else (x, y)
        near = half_width[0] + 1
        assert (along[0], along[-1]) == pytest.approx((64 - near, near))
        assert across[0] == pytest.approx(across[-1])
        assert min(x.min(), y.min()) >= near - 1e-4
        assert max(x.max(), y.max()) <= 64 - near + 1e-4


def test_paths_are_quartic(shapes):
    phase = np.linspace(0, 1, 32)
    for x in shapes.factors["x"]:
        assert np.polyval(np.polyfit(phase, x, 4), phase) == pytest.approx(x, abs=1e-3)


def test_bezier_begins_and_ends_at_its_outer_points_and_is_straight_between_two():
    control = np.array([[0.0, 0.0], [9.0, 1.0], [2.0, 8.0]])
    assert bezier(control, np.array([0.0, 1.0])) == pytest.approx(control[[0, 2]])
    assert bezier(control[:2], np.array([0.25, 0.5])) == pytest.approx(np.array([[2.25, 0.25], [4.5, 0.5]]))


def test_any_size_shows_the_same_scene(shapes):
    half = make_clips("shapes", clips=4, size=32)
    for name in ("x", "y", "half_width"):
        assert np.stack(half.factors[name]) * 2 == pytest.approx(np.stack(shapes.factors[name][:4]))


def test_published_strips_have_the_same_sizes_and_directions(real_data):
    """Against the real set, where it is at hand: half widths, and where the two classes begin and end."""
    if not (real_data / "shapes.tar").is_file():
        pytest.skip("shapes.tar is not among the real samples")
    with tarfile.open(real_data / "shapes.tar") as archive:
        for member in itertools.islice((m for m in archive if m.name.endswith(".png")), 30):
            strip = np.asarray(Image.open(archive.extractfile(member)).convert("RGB"))
            clip = strip.reshape(64, 32, 64, 3).swapaxes(0, 1)
            label = int(Path(member.name).parent.name)
            first, last = (
                np.flatnonzero(clip[t].max((1 - label, 2))) for t in (0, -1)
            )  # rows for up, columns for left
            assert len(first) in (8, 10, 12, 14)
            assert first[-1] == 61
            assert last[0] == 1
