"""What a user can do with a G³AN system. Numbers are those of the acceptance list."""

import inspect
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mutoscope.cli import main
from mutoscope.data.clips import clips_from_arrays
from mutoscope.errors import InputError
from mutoscope.media.frames import read_clip
from mutoscope.media.sheets import tiled, times_shown
from mutoscope.media.tensors import float_to_uint8
from mutoscope.systems.control import controls_of
from mutoscope.systems.g3an import G3AN, G3ANConfig
from mutoscope.systems.g3an.drawing import heat, traversed
from mutoscope.systems.noise import between

SIZE = 32
LABELS = ["left", "right", "7"]
CONTROLS = controls_of(G3AN)


def untrained(**choices) -> G3AN:
    """A small system whose streams, attention and batch statistics all show in its pictures."""
    small = {"d_a": 6, "d_m": 4, "image_size": SIZE, "ch": 8, "ch_D": 8, "fsa_level": 2}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        system = G3AN(G3ANConfig(**(small | choices)))
        for layer in system.G.modules():
            if hasattr(layer, "momentum"):
                layer.momentum = 1.0  # running statistics are those of the last batch
        system.G.train()(torch.randn(4, system.config.d_a), torch.randn(4, system.config.d_m), system.labels_in_turn(4))
        system.G.to_rgb.weight.mul_(20)
        if system.G.F_SA is not None:
            system.G.F_SA.T_SA.gamma.fill_(0.5)
            system.G.F_SA.S_SA.gamma.fill_(0.5)
    return system.eval()


@pytest.fixture(scope="module")
def system() -> G3AN:
    """Without labels; to read from only."""
    return untrained()


@pytest.fixture(scope="module")
def labelled() -> G3AN:
    """With labels; to read from only."""
    return untrained(label_names=LABELS)


@pytest.fixture(scope="module")
def grey() -> G3AN:
    """With labels and one colour channel; to read from only."""
    return untrained(channels=1, label_names=LABELS)


@pytest.fixture
def noises(monkeypatch) -> Callable[..., tuple[Tensor, Tensor, Tensor | None]]:
    """`noises(system, control, **arguments)`: the z_a, z_m and y that a control draws from; all clips are black."""

    def run(system: G3AN, control: str, **arguments):
        calls = []

        def spy(z_a, z_m, y=None, frames=None):
            calls.append((z_a, z_m, y))
            return [np.zeros((frames or system.config.frames, SIZE, SIZE, 3), np.uint8) for _ in z_a]

        with monkeypatch.context() as patch:
            patch.setattr(system, "draw", spy)
            getattr(system, control)(**arguments)
        z_a, z_m, y = zip(*calls, strict=True)
        return torch.cat(z_a), torch.cat(z_m), None if y[0] is None else torch.cat(y)

    return run


def close(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal but for rounding: how many clips are drawn together may change the last bit."""
    return a.shape == b.shape and np.abs(a.astype(int) - b.astype(int)).max() <= 1


def cells(picture: np.ndarray, rows: int, columns: int, width: int, padding: int) -> list[np.ndarray]:
    """The cells of a labelled grid, row by row; they end at its lower right corner, before a margin of 6 pixels."""
    y_of = [picture.shape[0] - 6 - (rows - i) * (SIZE + padding) + padding for i in range(rows)]
    x_of = [picture.shape[1] - 6 - (columns - j) * (width + padding) + padding for j in range(columns)]
    return [picture[y : y + SIZE, x : x + width] for y, x in itertools.product(y_of, x_of)]


class TestNoise:
    @given(fewer=st.integers(1, 9), more=st.integers(0, 9), seed=st.integers(0, 2**31 - 1))
    def test_the_first_of_more_draws_are_those_of_fewer(self, system, fewer, more, seed):
        assert torch.equal(system.appearances(fewer + more, seed)[:fewer], system.appearances(fewer, seed))
        assert torch.equal(system.motions(fewer + more, seed)[:fewer], system.motions(fewer, seed))

    @given(short=st.integers(1, 90), more=st.integers(0, 90))
    def test_a_longer_motion_begins_as_a_shorter_one(self, system, short, more):
        """18."""
        first = system.motions(2, 0, short)
        assert torch.equal(system.motions(2, 0, short + more)[:, :, : first.shape[2]], first)

    def test_it_is_normal_and_the_two_noises_are_independent(self, system):
        z_a, z_m = system.appearances(4000, 3), system.motions(4000, 3)[:, :, 0]
        covariance = torch.cov(torch.cat([z_a, z_m], dim=1).T)
        assert torch.allclose(covariance, torch.eye(10), atol=0.1)

    @given(dimension=st.integers(0, 3), shape=st.sampled_from([(1, 4), (1, 4, 3)]))
    def test_a_traversal_changes_exactly_one_coordinate(self, dimension, shape):
        """25."""
        z, values = torch.randn(shape, generator=torch.Generator().manual_seed(0)), torch.linspace(-3, 3, 5)
        rows = traversed(z, dimension, values)
        others = [d for d in range(4) if d != dimension]
        assert torch.equal(rows[:, others], z[:, others].expand(5, *[-1] * (z.ndim - 1)))
        moving = rows[:, dimension].reshape(5, -1)
        assert torch.equal(moving, values[:, None].expand_as(moving))

    @pytest.mark.parametrize("spherical", [True, False])
    def test_interpolation_goes_from_end_to_end(self, spherical):
        first, last = torch.randn(2, 1, 6, generator=torch.Generator().manual_seed(0))
        rows = between(first, last, torch.tensor([[0.0], [0.5], [1.0]]), spherical)
        assert torch.allclose(rows[[0, 2]], torch.cat([first, last]), atol=1e-6)
        assert spherical or torch.allclose(rows[1:2], (first + last) / 2)

    @given(at=st.floats(0, 1), seed=st.integers(0, 99))
    def test_arcs_keep_lengths(self, at, seed):
        """Between two vectors of length 1, all have length 1."""
        ends = torch.randn(2, 1, 6, generator=torch.Generator().manual_seed(seed))
        first, last = ends / ends.norm(dim=2, keepdim=True)
        assert between(first, last, torch.tensor(at)).norm().item() == pytest.approx(1, abs=1e-3)

    def test_a_way_from_a_vector_to_itself_or_its_opposite_is_a_line(self):
        z = torch.tensor([[1.0, -2.0]])
        assert torch.equal(between(z, z, torch.tensor(0.3)), z)
        assert torch.allclose(between(z, -z, torch.tensor(0.25)), z / 2)

    def test_walks_of_motion(self, system):
        """A smooth walk passes through its draws; one with a draw everywhere is the independent one."""
        independent = system.motion_walks(2, 5, 64, "independent")
        assert torch.equal(independent, system.motions(2, 5, 64))
        assert independent.shape == (2, 4, 13)
        constant = system.motion_walks(2, 5, 64, "constant")
        assert torch.equal(constant, independent[:, :, :1].expand_as(constant))
        smooth = system.motion_walks(2, 5, 64, "smooth", 4)
        assert torch.allclose(smooth[:, :, ::4], independent[:, :, :4], atol=1e-6)
        assert smooth.diff(dim=2).norm(dim=1).max() < independent.diff(dim=2).norm(dim=1).max()
        assert torch.allclose(system.motion_walks(2, 5, 64, "smooth", 1), independent, atol=1e-6)


class TestClips:
    @pytest.mark.parametrize(("frames", "expected"), [(None, 16), (1, 1), (16, 16), (17, 17), (50, 50)])
    def test_clips_of_any_length(self, system, frames, expected):
        """18."""
        assert system.sample(clips=2, frames=frames).frames.shape == (expected, SIZE, 2 * SIZE, 3)

    def test_they_are_what_the_generator_draws(self, labelled):
        video = labelled.sample(clips=2, label="right", seed=4).frames
        with torch.no_grad():
            clips = labelled.G(labelled.appearances(2, 4), labelled.motions(2, 4), labelled.one_hot([1, 1]))
        expected = float_to_uint8(clips.transpose(1, 2))
        assert close(video, np.concatenate(list(expected), axis=2))

    def test_the_same_seed_draws_the_same_and_another_something_else(self, system):
        """28."""
        first = system.sample(clips=2, seed=1).frames
        assert np.array_equal(first, system.sample(clips=2, seed=1).frames)
        assert not close(first, system.sample(clips=2, seed=2).frames)

    def test_a_clip_does_not_depend_on_those_drawn_with_it(self, system):
        """28."""
        few, many = system.sample(clips=2, columns=20).frames, system.sample(clips=20, columns=20).frames
        assert close(few, many[:, :, : few.shape[2]])

    def test_training_mode_changes_nothing_and_stays_as_it_was(self):
        """28."""
        system = untrained()
        before = {name: value.clone() for name, value in system.state_dict().items()}
        in_eval = system.sample(clips=2).frames
        in_training = system.train().sample(clips=2).frames
        assert np.array_equal(in_eval, in_training)
        assert system.G.training
        assert all(torch.equal(before[name], value) for name, value in system.state_dict().items())

    def test_the_global_generators_are_left_alone(self, system):
        torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        for run in (system.sample, system.grid, system.long, system.interpolate):
            run()
        assert torch.equal(torch.get_rng_state(), torch_state)
        assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002

    def test_walls_of_clips_have_no_gaps(self):
        clips = [np.full((3, 2, 4, 1), value, np.uint8) for value in (10, 20, 30)]
        wall = tiled(clips, columns=2, scale=3)
        assert wall.shape == (3, 12, 24, 3)
        assert [wall[0, y, x, 0] for y, x in ((0, 0), (5, 11), (0, 12), (6, 0), (6, 12))] == [10, 10, 20, 30, 0]

    @pytest.mark.parametrize("walk", ["independent", "constant", "smooth"])
    def test_long_clips_are_drawn_from_walks_of_motion(self, system, noises, walk):
        _, z_m, _ = noises(system, "long", frames=40, walk=walk, every=2, clips=3, seed=2)
        assert torch.equal(z_m, system.motion_walks(3, 2, 40, walk, 2))
        assert system.long(frames=39, walk=walk, clips=2).frames.shape == (39, SIZE, 2 * SIZE, 3)

    @pytest.mark.parametrize("suffix", [".mp4", ".gif", ".png"])
    def test_videos_are_saved_in_every_format(self, system, tmp_path, suffix):
        saved = system.sample(clips=1, frames=5).save(tmp_path / f"clip{suffix}")
        assert len(read_clip(saved)) == 5


class TestLabels:
    def test_several_clips_take_all_labels_in_turn(self, labelled, noises):
        _, _, y = noises(labelled, "sheet", clips=4)
        assert y.argmax(1).tolist() == [0, 1, 2, 0]

    @pytest.mark.parametrize(("label", "number"), [("right", 1), (1, 1), ("0", 0), ("7", 2)])
    def test_labels_are_numbers_or_names(self, labelled, noises, label, number):
        """A name that looks like a number is a name."""
        for control in ("sample", "sheet", "grid", "vary_motion", "traverse", "interpolate", "add_appearance", "long"):
            _, _, y = noises(labelled, control, label=label)
            assert set(y.argmax(1).tolist()) == {number}, control

    def test_one_clip_takes_the_first(self, labelled, noises):
        for control in ("vary_appearance", "traverse", "interpolate"):
            _, _, y = noises(labelled, control)
            assert set(y.argmax(1).tolist()) == {0}, control

    def test_swapping_labels_keeps_both_noises(self, labelled, noises):
        """16, Fig. 4.9: a row a label, a column a motion."""
        z_a, z_m, y = noises(labelled, "swap_label", motions=2, seed=3)
        assert y.argmax(1).tolist() == [0, 0, 1, 1, 2, 2]
        assert torch.equal(z_a, labelled.appearances(1, 3).expand(6, -1))
        assert torch.equal(z_m, labelled.motions(2, 3).repeat(3, 1, 1))
        sheet = labelled.swap_label(motions=2, strip=3)
        assert (sheet.rows, sheet.columns) == (3, 2)
        drawn = cells(sheet.pixels, 3, 2, 3 * SIZE, 6)
        assert not close(drawn[0], drawn[2])

    @pytest.mark.parametrize("label", ["up", -1, 3, "²", "1.5"])
    def test_unknown_labels_are_told_with_the_known_ones(self, labelled, label):
        with pytest.raises(InputError, match=f"label: {label} is unknown .*0 left, 1 right, 2 7"):
            labelled.sample(label=label)

    def test_systems_without_labels_take_none(self, system):
        with pytest.raises(InputError, match="label: 1 is given, but this system was trained without labels"):
            system.traverse(label=1)
        with pytest.raises(InputError, match="swap_label: this system was trained without labels"):
            system.swap_label()


class TestSheets:
    def test_rows_of_a_grid_share_the_appearance_and_columns_the_motion(self, labelled, noises):
        """24."""
        for control in ("grid", "wall"):
            z_a, z_m, y = noises(labelled, control, appearances=2, motions=3, seed=5)
            expected_a, expected_m = labelled.appearances(2, 5), labelled.motions(3, 5)
            for i, j in itertools.product(range(2), range(3)):
                assert torch.equal(z_a[3 * i + j], expected_a[i])
                assert torch.equal(z_m[3 * i + j], expected_m[j])
                assert y[3 * i + j].argmax() == j

    def test_the_cells_of_a_grid_are_in_their_places(self, system):
        """24."""
        clips = system.draw_every(system.appearances(2, 5), system.motions(3, 5))
        sheet = system.grid(appearances=2, motions=3, strip=4, seed=5)
        wall = system.wall(appearances=2, motions=3, scale=1, seed=5).frames
        drawn, playing = cells(sheet.pixels, 2, 3, 4 * SIZE, 6), cells(wall[5], 2, 3, SIZE, 2)
        assert (sheet.rows, sheet.columns, len(wall)) == (2, 3, 16)
        for i, j in itertools.product(range(2), range(3)):
            assert close(drawn[3 * i + j], np.concatenate(clips[i, j, [0, 5, 10, 15]], axis=1))
            assert close(playing[3 * i + j], clips[i, j, 5])

    def test_one_appearance_in_several_motions_and_the_reverse(self, system, noises):
        """Figs. 4.7 and 4.8."""
        z_a, z_m, _ = noises(system, "vary_motion", appearance=8, motions=3, seed=2)
        assert torch.equal(z_a, system.appearances(1, 8).expand(3, -1))
        assert torch.equal(z_m, system.motions(3, 2))
        z_a, z_m, _ = noises(system, "vary_appearance", motion=8, appearances=3, seed=2)
        assert torch.equal(z_a, system.appearances(3, 2))
        assert torch.equal(z_m, system.motions(1, 8).expand(3, -1, -1))

    @pytest.mark.parametrize("which", ["appearance", "motion"])
    def test_a_traversal_keeps_everything_else(self, system, noises, which):
        """25."""
        z_a, z_m, _ = noises(system, "traverse", which=which, dimension=3, start=-2.0, stop=2.0, steps=5, seed=1)
        moving, still = (z_a, z_m[:, :, 0]) if which == "appearance" else (z_m[:, :, 0], z_a)
        drawn = system.appearances(1, 1), system.motions(1, 1)[:, :, 0]
        of_moving, of_still = drawn if which == "appearance" else drawn[::-1]
        assert (moving != of_moving).any(0).nonzero().flatten().tolist() == [3]
        assert torch.equal(moving[:, 3], torch.linspace(-2, 2, 5))
        assert torch.equal(still, of_still.expand_as(still))

    @pytest.mark.parametrize("which", ["appearance", "motion"])
    def test_an_interpolation_goes_from_one_seed_to_the_other(self, system, noises, which):
        z_a, z_m, _ = noises(system, "interpolate", which=which, start=3, stop=4, steps=5, seed=9)
        if which == "appearance":
            assert torch.allclose(z_a[[0, -1]], torch.cat([system.appearances(1, 3), system.appearances(1, 4)]))
            assert torch.equal(z_m, system.motions(1, 9).expand_as(z_m))
        else:
            assert torch.allclose(z_m[[0, -1]], torch.cat([system.motions(1, 3), system.motions(1, 4)]))
            assert torch.equal(z_a, system.appearances(1, 9).expand_as(z_a))

    def test_appearances_are_added_exactly(self, system, noises):
        """25."""
        a, b = system.appearances(1, 6), system.appearances(1, 7)
        z_a, z_m, _ = noises(system, "add_appearance", first=6, second=7, motions=2)
        assert torch.equal(z_a, torch.cat([a, b, a + b]).repeat_interleave(2, 0))
        assert torch.equal(z_m, system.motions(2, 0).repeat(3, 1, 1))
        z_a, _, _ = noises(system, "add_appearance", first=6, second=7, motions=1, weight=-3.0, normalise=True)
        assert torch.allclose(z_a[2:], (a - 3 * b) / 10**0.5)

    def test_sheets_have_the_cells_they_say(self, system):
        sheets = {
            "sheet": (system.sheet(clips=3, columns=5), 3, 5),
            "sheet of all frames": (system.sheet(clips=3, columns=40), 3, 16),
            "vary_motion": (system.vary_motion(motions=3, columns=5), 3, 5),
            "vary_appearance": (system.vary_appearance(appearances=3, columns=5), 3, 5),
            "traverse": (system.traverse(steps=2, columns=5), 2, 5),
            "interpolate": (system.interpolate(steps=4, columns=5), 4, 5),
            "add_appearance": (system.add_appearance(motions=4), 3, 4),
            "streams": (system.streams(columns=3), 5, 8),
            "silence": (system.silence(clips=2), 3, 2),
        }
        for name, (sheet, rows, columns) in sheets.items():
            assert (sheet.rows, sheet.columns) == (rows, columns), name
            assert sheet.pixels.shape[0] >= SIZE * rows
            assert sheet.pixels.shape[1] >= SIZE * columns

    @given(length=st.integers(1, 100), shown=st.integers(1, 100))
    def test_frames_shown_are_in_order_from_first_to_last(self, length, shown):
        times = times_shown(length, shown)
        assert times[0] == 0
        assert shown == 1 or times[-1] == length - 1
        assert (np.diff(times) >= 0).all()

    def test_training_gets_its_picture_from_here(self, system):
        clips = clips_from_arrays([np.zeros((1, 32, 32, 3), np.uint8)], name="none")
        assert np.array_equal(system.sample_sheet(clips).pixels, system.grid().pixels)


class TestStreams:
    def test_maps_are_coloured_from_their_lowest_to_their_highest_value(self):
        pictures = heat(torch.tensor([[[0.0, 1.0]], [[1.0, 3.0]]]), 4)
        assert pictures.shape == (2, 4, 4, 3)
        assert pictures[0, 0, 0].tolist() == [68, 1, 84]  # the ends of viridis
        assert pictures[1, 3, 3].tolist() == [253, 231, 37]
        assert np.array_equal(pictures[0, :, 2:], pictures[1, :, :2])
        assert (heat(torch.full((1, 3, 3), 5.0), 3) == [68, 1, 84]).all()

    def test_the_last_row_is_the_clip(self, system):
        sheet = system.streams(columns=3, seed=2)
        drawn = cells(sheet.pixels, 5, 8, SIZE, 2)
        clip = next(system.draw(system.appearances(1, 2), system.motions(1, 2)))
        assert close(np.stack(drawn[-3:]), clip[times_shown(16, 3)])

    def test_appearance_maps_change_with_the_appearance_alone(self, system):
        """5: the first column of the picture is z_a's, the second z_m's."""
        z_a, z_m = system.appearances(2, 0), system.motions(2, 0)
        one, other_motion, other_appearance = (
            system.draw_streams(z_a[a : a + 1], z_m[m : m + 1])[0] for a, m in ((0, 0), (0, 1), (1, 0))
        )
        for level, moved, restyled in zip(one, other_motion, other_appearance, strict=True):
            assert torch.equal(level.F_S, moved.F_S)
            assert torch.equal(level.F_T, restyled.F_T)
            assert not torch.equal(level.F_S, restyled.F_S)
            assert not torch.equal(level.F_T, moved.F_T)

    @pytest.mark.parametrize(("stream", "made"), [("G_S", "F_S"), ("G_T", "F_T")])
    def test_a_silent_stream_hands_on_nothing_until_it_speaks_again(self, system, stream, made):
        z_a, z_m = system.appearances(1, 0), system.motions(1, 0)
        levels, clip = system.draw_streams(z_a, z_m)
        with system.silenced(stream):
            silent, without = system.draw_streams(z_a, z_m)
        assert all(getattr(level, made).any() for level in levels)
        assert not any(getattr(level, made).any() for level in silent)
        assert not close(clip, without)
        assert np.array_equal(system.draw_streams(z_a, z_m)[1], clip)

    @pytest.mark.parametrize(
        ("ablated", "columns", "rows"),
        [({"use_S": False}, 5, 2), ({"use_T": False}, 5, 2), ({"use_S": False, "use_T": False}, 4, 1)],
    )
    def test_streams_that_are_ablated_are_not_shown(self, ablated, columns, rows):
        """19."""
        system = untrained(**ablated)
        assert system.streams(columns=2).columns == columns
        assert system.silence(clips=1).rows == rows


class TestDeclaration:
    def test_every_control_has_defaults_and_a_seed(self):
        for name, control in CONTROLS.items():
            assert control.summary.endswith((".", ")")), name
            assert all(p.default is not inspect.Parameter.empty for p in control.parameters), name
            assert "seed" in [p.name for p in control.parameters], name

    @pytest.mark.parametrize("control", CONTROLS)
    def test_grey_systems_draw_colour_files(self, grey, control):
        result = getattr(grey, control)()
        assert (result.frames if hasattr(result, "frames") else result.pixels).shape[-1] == 3

    @pytest.mark.parametrize(
        ("control", "arguments", "says"),
        [
            ("sample", {"frames": 0}, "frames: 0 is out of range .expected 1 to 1000"),
            ("sample", {"clips": 0}, "clips: 0"),
            ("sample", {"seed": -1}, "seed: -1"),
            ("long", {"frames": 1001}, "frames: 1001"),
            ("wall", {"frames": 0}, "frames: 0"),
            ("grid", {"strip": 17}, "strip: 17"),
            ("sample", {"frames": 20.5}, "frames: 20.5 is not a whole number"),
            ("traverse", {"which": "looks"}, r"which: 'looks' is unknown \(expected one of appearance, motion\)"),
            ("traverse", {"dimension": 6}, r"dimension: 6 is not a number from 0 to 5 \(a dimension of appearance\)"),
            ("traverse", {"which": "motion", "dimension": 4}, "dimension: 4 is not a number from 0 to 3"),
            ("traverse", {"dimension": -1}, "dimension: -1"),
            ("traverse", {"stop": float("nan")}, "stop: nan"),
            ("interpolate", {"speed": 2}, "no such argument"),
        ],
    )
    def test_arguments_are_checked(self, system, control, arguments, says):
        with pytest.raises(InputError, match=says):
            getattr(system, control)(**arguments)


@pytest.fixture(scope="module")
def weights(labelled, tmp_path_factory) -> Path:
    """A folder to generate from."""
    return labelled.save_pretrained(tmp_path_factory.mktemp("weights") / "labelled")


class TestCommandLine:
    @pytest.mark.parametrize("control", CONTROLS)
    def test_every_control_works_with_its_defaults(self, weights, tmp_path, control):
        out = tmp_path / f"out{CONTROLS[control].result.default_suffix}"
        assert main(["generate", str(weights), control, "-o", str(out)]) == 0
        assert out.stat().st_size > 100

    @pytest.mark.parametrize("label", ["right", "1"])
    def test_it_draws_the_same_as_python(self, weights, labelled, tmp_path, label):
        """26."""
        out = tmp_path / "out.npy"
        flags = ["--clips", "2", "--frames", "20", "--label", label, "--seed", "7", "-o", str(out)]
        assert main(["generate", str(weights), "sample", *flags]) == 0
        assert np.array_equal(np.load(out), labelled.sample(clips=2, frames=20, label="right", seed=7).frames)

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["sample", "--frames", "0"], "frames: 0"),
            (["sample", "--label", "up"], "label: up is unknown (expected one of 0 left, 1 right, 2 7)"),
            (["traverse", "--which", "label"], "which"),
            (["traverse", "--dimension", "6"], "dimension: 6"),
            (["long", "--walk", "straight"], "walk"),
            (["grid", "-o", "grid.mp4"], "a sheet cannot be saved as a .mp4 file"),
        ],
    )
    def test_what_cannot_be_is_said_in_one_line(self, weights, capsys, tmp_path, monkeypatch, arguments, says):
        monkeypatch.chdir(tmp_path)
        assert main(["generate", str(weights), *arguments]) == 2
        printed = capsys.readouterr().err
        assert says in printed
        assert printed.count("\n") == 1
        assert not list(tmp_path.iterdir())
