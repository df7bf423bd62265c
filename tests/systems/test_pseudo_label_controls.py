"""What a user can do with a system, trained or not. Numbers are those of the acceptance list."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.errors import InputError
from mutoscope.media.frames import read_clip
from mutoscope.media.images import read_image
from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.systems.control import controls_of
from mutoscope.systems.pseudo_label import PseudoLabel
from mutoscope.systems.pseudo_label.codec import recalibrated
from mutoscope.systems.pseudo_label.codes import Segment, line, polyline, shortest_walk, walk_length

POINTS = st.lists(st.lists(st.floats(-3, 3), min_size=1, max_size=3), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def system(twin: tuple[PseudoLabel, Path]) -> PseudoLabel:
    return twin[0]


def weights_and_statistics(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def close(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal but for rounding: how many frames are drawn together may change the last bit."""
    return a.shape == b.shape and np.abs(a.astype(int) - b.astype(int)).max() <= 1


class TestSweep:
    @pytest.mark.parametrize("frames", [1, 10, 200])
    def test_a_sweep_has_as_many_frames_as_asked_for(self, system, frames):
        """21."""
        clip = system.sweep(frames=frames)
        assert clip.frames.shape == (frames, 16, 16, 3)
        assert len(clip) == frames

    @pytest.mark.parametrize("frames", [1, 10, 200])
    def test_a_frame_costs_the_same_in_any_animation(self, system, frames):
        """21: the generator draws every frame once, and never more than a fixed number together."""
        drawn: list[int] = []
        network = system.drawing_network
        hook = network.register_forward_hook(lambda _, __, out: drawn.append(len(out)))
        _ = system.sweep(frames=frames).frames
        hook.remove()
        assert sum(drawn) == frames
        assert max(drawn) <= 32

    def test_it_goes_from_start_to_stop_of_the_range_trained_on(self, small):
        """22: relative -1 and 1 are the ends of the range, whatever the range."""
        for c_range in ((0.0, 1.0), (-1.0, 1.0), (2.0, 5.0)):
            system = small(c_range=c_range).eval()
            z, d, centre = system.noise_of(1, 3), system.one_hot(2), sum(c_range) / 2
            clip = system.sweep(clip=2, code=1, frames=5, seed=3)
            for frame, value in ((0, c_range[0]), (2, centre), (4, c_range[1])):
                c = torch.tensor([[centre, value, centre]])
                with torch.inference_mode():
                    expected = float_to_uint8(system.G(z=z, d=d, c=c))
                assert close(clip.frames[frame], expected[0])

    def test_frames_change_continuously(self, system):
        """22: the largest step between neighbours vanishes as they get closer."""
        z, d = system.noise_of(1, 0), system.one_hot(1)
        steps = []
        for frames in (10, 100, 1000):
            drawn = system.synthesise(z=z, d=d, c=line(2, 0, -1, 1, frames))
            steps.append(drawn.diff(dim=0).square().mean((1, 2, 3)).max().item())
        assert steps[0] > 30 * steps[1] > 900 * steps[2] > 0

    def test_codes_far_beyond_the_range_saturate(self, system):
        """25: doubling a code changes less and less, median over codes and noise (Fig. 5).

        A network this small, trained for seconds, takes larger multiples of the range than the paper's 20.
        """
        z = system.noise_of(64, 0)
        d = system.one_hot([i % 4 for i in range(64)])

        def change(amplitude: float) -> float:
            changes = []
            for code in range(system.config.n_c):
                c = amplitude * torch.eye(system.config.n_c)[code].expand(64, -1)
                changes.append((system.synthesise(z=z, d=d, c=c) - system.synthesise(z=z, d=d, c=2 * c)).abs())
            return torch.cat(changes).mean((1, 2, 3)).median().item()

        near, outside, far_outside = change(5), change(40), change(300)
        assert near > outside > far_outside

    def test_clip_and_noise_matter(self, system):
        first = system.sweep(clip=0).frames
        assert not close(first, system.sweep(clip=1).frames)
        assert not close(first, system.sweep(clip=0, seed=1).frames)
        assert np.array_equal(first, system.sweep(clip=0).frames)


class TestWalks:
    @pytest.mark.parametrize("over", ["d", "c", "both"])
    @pytest.mark.parametrize("amplitude", [1.0, -2.5, 20.0])
    def test_frame_k_activates_index_k(self, small, over, amplitude):
        """23: of d, of c, or of both, with any amplitude."""
        system = small(n_d=3, n_c=3).eval()
        walk = system.index_walk(over=over, amplitude=amplitude).frames
        active = amplitude * torch.eye(3)
        d = system.one_hot(0, 3) if over == "c" else active
        c = torch.zeros(3, 3) if over == "d" else active
        with torch.inference_mode():
            expected = system.G(z=system.noise_of(1, 0).expand(3, -1), d=d, c=system.absolute(c), allow_soft_d=True)
        assert close(walk, float_to_uint8(expected))

    def test_walking_over_both_needs_as_many_of_one_as_of_the_other(self, small):
        """23."""
        with pytest.raises(InputError, match="both needs as many clips as codes"):
            small().index_walk(over="both")

    def test_a_held_walk_repeats_each_index(self, system):
        once, held = system.index_walk().frames, system.index_walk(hold=3).frames
        assert close(held, once.repeat(3, axis=0))

    @pytest.mark.parametrize("over", ["d", "c"])
    def test_ordered_indices_are_a_permutation(self, system, over):
        """24."""
        order = [record["index"] for record in system.order_indices(over=over).records()]
        assert sorted(order) == list(range(4 if over == "d" else 2))
        walk, natural = (system.index_walk(over=over, ordered=ordered).frames for ordered in (True, False))
        assert close(walk, natural[order])

    @given(
        points=st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=1, max_size=8),
    )
    def test_an_ordered_walk_is_never_longer_than_the_natural_one(self, points):
        """24: and visits everything once."""
        places = np.array(points)
        distances = np.linalg.norm(places[:, None] - places[None], axis=2)
        walk = shortest_walk(distances)
        assert sorted(walk) == list(range(len(points)))
        assert walk_length(walk, distances) <= walk_length(range(len(points)), distances) + 1e-9

    def test_shuffled_points_of_a_line_are_walked_along_the_line(self):
        """24."""
        places = np.random.default_rng(0).permutation(12).astype(float)
        walk = shortest_walk(np.abs(places[:, None] - places[None]))
        assert [places[i] for i in walk] in (list(range(12)), list(range(11, -1, -1)))


class TestPaths:
    def test_segments_follow_each_other(self, system):
        """24: each with its own length, clip and sweep."""
        segments = [Segment(clip=1, frames=5), Segment(clip=3, frames=1), Segment(clip=0, frames=4, code=1, stop=0.0)]
        clip = system.clip_switch(segments=segments).frames
        assert len(clip) == 10
        assert close(clip[:5], system.sweep(clip=1, frames=5).frames)
        assert close(clip[6:], system.sweep(clip=0, frames=4, code=1, stop=0.0).frames)

    @pytest.mark.parametrize(
        "segment",
        [Segment(clip=4), Segment(clip=-1), Segment(code=2), Segment(frames=0)],
        ids=["clip", "negative clip", "code", "frames"],
    )
    def test_segments_outside_the_system_are_refused(self, system, segment):
        with pytest.raises(InputError, match="segments"):
            system.clip_switch(segments=[Segment(), segment])

    @given(points=POINTS, frames=st.integers(1, 60), smooth=st.booleans())
    def test_a_path_begins_and_ends_at_its_corners(self, points, frames, smooth):
        walk = polyline(points, 3, frames, smooth=smooth).numpy()
        first, last = (np.pad(points[i], (0, 3 - len(points[i]))) for i in (0, -1))
        assert walk.shape == (frames, 3)
        assert np.allclose(walk[0], first, atol=1e-5)
        if frames > 1:
            assert np.allclose(walk[-1], last, atol=1e-5)

    @given(points=POINTS, half=st.integers(1, 20))
    def test_ping_pong_comes_back_the_same_way(self, points, half):
        """24: and ends one step before its beginning, so that a repetition does not stutter."""
        walk = polyline(points, 3, 2 * half, "ping-pong").numpy()
        assert np.allclose(walk[1:], walk[1:][::-1], atol=1e-4)

    def test_a_loop_closes_in_equal_steps(self):
        """24: around a square, the step from the last frame to the first is one like all others."""
        square = [[-1, -1], [1, -1], [1, 1], [-1, 1]]
        walk = polyline(square, 2, 16, "loop")
        steps = torch.cat([walk, walk[:1]]).diff(dim=0).norm(dim=1)
        assert torch.allclose(steps, torch.full((16,), 0.5))

    def test_even_and_smooth_walks(self):
        """Equal steps of arc length, or a slow start and end at each corner."""
        even = polyline([[-1], [1]], 1, 9)
        assert torch.allclose(even[:, 0], torch.linspace(-1, 1, 9))
        smooth = polyline([[-1], [1]], 1, 9, smooth=True)[:, 0].diff()
        assert smooth[0] < smooth[3]
        assert torch.allclose(smooth, smooth.flip(0), atol=1e-6)

    @pytest.mark.parametrize(("points", "says"), [([], "empty"), ([[0, 0, 0]], "has 3 values")])
    def test_paths_that_cannot_be_walked_are_refused(self, system, points, says):
        with pytest.raises(InputError, match=says):
            system.path(points=points)


class TestDrawing:
    """26: drawing is in eval mode whatever the trainer does, and frames do not depend on each other."""

    def test_training_mode_changes_nothing_and_stays_as_it_was(self, small):
        """26."""
        system = small()
        before = weights_and_statistics(system)
        in_eval = system.eval().sweep().frames
        in_training = system.train().sweep().frames
        assert np.array_equal(in_eval, in_training)
        assert system.G.training
        assert all(torch.equal(before[name], value) for name, value in system.state_dict().items())

    def test_a_frame_does_not_depend_on_its_batch_mates(self, system):
        """26."""
        z, d, c = system.noise_of(20, 0), system.one_hot([i % 4 for i in range(20)]), torch.zeros(20, 2)
        together = system.synthesise(z=z, d=d, c=c)
        for i in (0, 7, 19):
            alone = system.synthesise(z=z[i : i + 1], d=d[i : i + 1], c=c[i : i + 1])
            assert torch.allclose(alone[0], together[i], atol=1e-5)

    def test_the_global_generators_are_left_alone(self, system, sprite_frames):
        torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        for run in (system.sample, system.grid, system.styles, lambda: system.label(frames=sprite_frames[:4])):
            run()
        assert torch.equal(torch.get_rng_state(), torch_state)
        assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002

    def test_sheets_have_the_cells_they_say(self, system):
        """36: rows are clips, codes or noises."""
        sheets = {
            "grid": (system.grid(columns=5), 4, 5),
            "codes_grid": (system.codes_grid(columns=5), 2, 5),
            "styles": (system.styles(rows=3, columns=5), 3, 5),
            "saturation": (system.saturation(columns=7), 4, 7),
            "sample": (system.sample(count=10, columns=4), 3, 4),
        }
        for name, (sheet, rows, columns) in sheets.items():
            assert (sheet.rows, sheet.columns) == (rows, columns), name
            assert sheet.pixels.shape[0] >= 16 * rows
            assert sheet.pixels.shape[1] >= 16 * columns

    def test_the_authors_two_layouts(self, small):
        """36: discrete, a noise a row under one clip; continuous, one noise and code i moving in row i."""
        system = small(n_d=3, n_c=2).eval()
        frames = {}
        for layout in ("discrete", "continuous"):
            sheet = system.authors_sheet(layout=layout, rows=4)
            assert (sheet.rows, sheet.columns) == (4, 3)
            frames[layout] = cells(sheet.pixels, 4, 3)
        row = frames["discrete"][:3]
        assert all(np.array_equal(row[0], cell) for cell in row)
        for i in range(4):
            moving = system.sweep(clip=i % 3, code=i % 2, frames=3).frames
            assert close(np.stack(frames["continuous"][3 * i : 3 * i + 3]), moving)

    def test_a_wall_shows_all_clips_at_once(self, system):
        wall = system.wall(columns=2, frames=4, play="once").frames
        sweeps = [system.sweep(clip=i, frames=4).frames for i in range(4)]
        for time in range(4):
            assert close(np.stack(cells(wall[time], 2, 2)), np.stack([sweep[time] for sweep in sweeps]))

    @pytest.mark.parametrize("suffix", [".gif", ".mp4", ".webm", ".png", ".npy", ""])
    def test_videos_are_saved_in_every_format(self, system, tmp_path, suffix):
        """36: with as many frames as were drawn."""
        saved = system.sweep(frames=6).save(tmp_path / f"clip{suffix}")
        assert len(read_clip(saved)) == 6

    def test_sheets_are_saved_as_they_are(self, system, tmp_path):
        """36."""
        sheet = system.grid(columns=3)
        assert np.array_equal(read_image(sheet.save(tmp_path / "grid.png")), sheet.pixels)

    def test_grey_systems_draw_colour_files(self, small):
        """Whatever a system was trained on, results are RGB."""
        system = small(channels=1).eval()
        clip = system.sweep(frames=3).frames
        assert clip.shape == (3, 16, 16, 3)
        assert np.array_equal(clip[..., 0], clip[..., 1])
        assert system.grid(columns=2).pixels.shape[-1] == 3


def cells(sheet: np.ndarray, rows: int, columns: int, size: int = 16, padding: int = 2) -> list[np.ndarray]:
    """The frames in an unlabelled sheet, row by row."""
    margins = [
        (sheet.shape[axis] - count * size - (count - 1) * padding) // 2 for axis, count in ((0, rows), (1, columns))
    ]
    starts = [
        [margin + i * (size + padding) for i in range(n)] for margin, n in zip(margins, (rows, columns), strict=True)
    ]
    return [sheet[y : y + size, x : x + size] for y, x in itertools.product(*starts)]


class TestReading:
    def test_labels_of_real_frames(self, system, sprite_frames):
        """27: the same every time; probabilities sum to 1 and the clip is the likeliest."""
        read, again = system.read_labels(sprite_frames), system.read_labels(sprite_frames)
        for first, second in zip(read, again, strict=True):
            assert np.array_equal(first, second)
        assert np.allclose(read.probabilities.sum(1), 1, atol=1e-5)
        assert np.array_equal(read.probabilities.argmax(1), read.clip)
        assert read.codes.shape == (64, 2)
        assert ((read.score >= 0) & (read.score <= 1)).all()

    def test_one_frame_is_read_as_among_others(self, system, sprite_frames):
        """27: D is in eval mode."""
        alone, among = system.read_labels(sprite_frames[:1]), system.read_labels(sprite_frames)
        assert np.allclose(alone.probabilities[0], among.probabilities[0], atol=1e-4)
        assert len(system.label(frames=sprite_frames[:1]).rows) == 1

    def test_recalibration_works_on_a_copy(self, system, sprite_frames):
        """27 and trap 5: running statistics mix real and fake; those of the frames at hand can replace them."""
        before = weights_and_statistics(system.D)
        plain = system.read_labels(sprite_frames)
        recalibrated = system.read_labels(sprite_frames, recalibrate=True)
        assert not np.allclose(plain.probabilities, recalibrated.probabilities)
        assert all(torch.equal(before[name], value) for name, value in system.D.state_dict().items())
        assert np.array_equal(system.read_labels(sprite_frames).codes, plain.codes)

    def test_recalibration_takes_the_statistics_of_these_frames(self, small, sprite_frames):
        """Trap 5: after it, the last batch-normalised features have mean 0 and variance 1 over the frames."""

        D = recalibrated(small().D, sprite_frames, 256)
        features = D.linear[:2](D.conv(uint8_to_float(torch.from_numpy(sprite_frames))).flatten(1))
        assert features.mean().abs() < 0.01
        assert features.var(0).median().item() == pytest.approx(1, abs=0.1)

    def test_one_frame_has_no_statistics(self, system, sprite_frames):
        with pytest.raises(InputError, match="at least 2 frames"):
            system.label(frames=sprite_frames[:1], recalibrate=True)

    def test_sorting_keeps_every_frame(self, system, sprite_frames):
        """Sorted frames are the given ones in another order, clip by clip."""
        order = system.order_frames(sprite_frames)
        assert sorted(order) == list(range(64))
        clips = system.read_labels(sprite_frames).clip[order]
        assert (np.diff(clips) >= 0).all()
        assert np.array_equal(system.sort_frames(frames=sprite_frames).frames, sprite_frames[order])

    def test_sorting_along_a_code_follows_that_code(self, system, sprite_frames):
        order = system.order_frames(sprite_frames, code=1, group_by_clip=False)
        assert (np.diff(system.read_labels(sprite_frames).codes[order, 1]) >= 0).all()

    def test_sorting_a_clip_read_well_recovers_its_order(self, system):
        """Frames drawn along a code, shuffled, come back in order."""
        drawn = system.sweep(frames=12, clip=1).frames
        read = system.read_labels(drawn).codes[:, 0]
        shuffle = np.random.default_rng(0).permutation(12)
        order = system.order_frames(drawn[shuffle], code=0, group_by_clip=False)
        assert np.corrcoef(np.arange(12), np.argsort(np.argsort(read)))[0, 1] > 0.8
        assert np.corrcoef(np.arange(12), shuffle[order])[0, 1] > 0.8

    def test_a_frame_is_moved_on_from_where_it_is(self, system, sprite_frames):
        """The first frame has the codes that are read, the last the one asked for."""
        read = system.read_labels(sprite_frames[:1])
        clip = system.reanimate(frame=sprite_frames[:1], frames=5, stop=0.5).frames
        z, d = system.noise_of(1, 0), system.one_hot(int(read.clip[0]))
        c = torch.from_numpy(read.codes.repeat(2, 0))
        c[1, 0] = 0.5
        assert close(clip[[0, -1]], float_to_uint8(system.synthesise(z=z, d=d, c=c)))

    def test_frames_of_other_sizes_and_channels_are_fitted(self, system):
        frames = np.random.default_rng(0).integers(0, 256, (3, 50, 20, 1), dtype=np.uint8)
        assert len(system.label(frames=frames).rows) == 3

    @pytest.mark.parametrize(
        "frames",
        [np.zeros((2, 16, 16, 3), np.float32), np.zeros((16, 16, 3), np.uint8), np.zeros((0, 16, 16, 3), np.uint8)],
        ids=["float", "one frame without time", "none"],
    )
    def test_arrays_that_are_no_frames_are_refused(self, system, frames):
        with pytest.raises(InputError, match="expected uint8 t h w c"):
            system.label(frames=frames)


class TestDeclaration:
    """A control is declared once: its arguments are checked wherever it is called from."""

    def test_every_control_is_documented_and_has_defaults_but_for_its_input(self):
        for name, control in controls_of(PseudoLabel).items():
            needed = [
                p.name for p in control.parameters if p.default is p.default.__class__ or p.default.__class__ is type
            ]
            assert control.summary.endswith((".", "?", ")")), name
            assert set(needed) <= {"frames", "frame", "points", "segments"}, name

    @pytest.mark.parametrize(
        ("control", "arguments", "says"),
        [
            ("sweep", {"clip": 4}, "clip: 4 is out of range .expected 0 to 3"),
            ("sweep", {"code": -1}, "code: -1 is out of range .expected 0 to 1"),
            ("sweep", {"frames": 0}, "frames: 0 is out of range"),
            ("sweep", {"clip": True}, "clip: True"),
            ("sweep", {"speed": 2}, "no such argument .*it has clip, code"),
            ("sample", {"seed": -1}, "seed: -1"),
            ("path", {}, "points: path needs this argument"),
        ],
    )
    def test_arguments_are_checked_from_python_too(self, system, control, arguments, says):
        with pytest.raises(InputError, match=says):
            getattr(system, control)(**arguments)
