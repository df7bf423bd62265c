"""What a user can do with a MintGAN system. Numbers are those of the acceptance list."""

import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mutoscope.cli import main
from mutoscope.errors import InputError
from mutoscope.media.frames import read_clip
from mutoscope.media.results import Image, Sheet, Table, Video
from mutoscope.systems.control import controls_of
from mutoscope.systems.mintgan import MintGAN, MintGANConfig
from mutoscope.systems.mintgan.sampling import Sampling
from mutoscope.systems.mintgan.showing import flow_pictures
from mutoscope.systems.mintgan.steering import Steering
from mutoscope.systems.mintgan.study import Study
from mutoscope.systems.mintgan.trajectories import linear_walk

SIZE, N, T = 16, 8, 6
CONTROLS = controls_of(Sampling) | controls_of(Steering) | controls_of(Study)
FILES = {"follow": "trajectory", "pair": "other", "tally": "answers"}
"""The argument that a control needs."""
SUFFIXES = {"trajectory": ".csv", "other": ".npy", "answers": ".csv"}
NEED_DIRECTIONS = {
    "sample": {"only": 1},
    "sheet": {"without": [1, 2]},
    "interpolate": {"share": "alpha"},
    "transfer": {},
    "decompose": {},
    "decomposed": {"directions": 1},
    "drive": {"direction": 1},
    "walk": {"direction": 1},
    "walks": {},
    "magnitudes": {},
    "alphas": {},
}


def untrained(**arguments) -> MintGAN:
    """A small system whose clips move."""
    small = {"d_a": 6, "d_m": 4, "N": N, "image_size": SIZE, "frames": T, "mlp_depth": 2, "levels": 1}
    widths = {"widths": [8, 8, 8], "widths_D": [8, 8, 8]}
    return MintGAN.untrained(MintGANConfig(**(small | widths | arguments))).eval()


@pytest.fixture(scope="module")
def system() -> MintGAN:
    """To read from only."""
    return untrained()


@pytest.fixture
def drawn(monkeypatch) -> Callable[..., Tensor]:
    """`drawn(system, control, **arguments)`: latent codes that a control draws, `clip time N`; all frames are black."""

    def run(system: MintGAN, control: str, **arguments) -> Tensor:
        calls = []

        def spy(W):
            calls.append(W)
            return (np.zeros((W.shape[1], SIZE, SIZE, 3), np.uint8) for _ in W)

        with monkeypatch.context() as patch:
            patch.setattr(system, "draw", spy)
            result = getattr(system, control)(**arguments)
            if isinstance(result, Video):
                assert len(result)
                return calls[0].transpose(0, 1)  # all clips at one time after the other
        return torch.cat(calls)

    return run


def close(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal but for rounding: how many frames are drawn together may change the last bit."""
    return a.shape == b.shape and np.abs(a.astype(int) - b.astype(int)).max() <= 1


def codes(system: MintGAN, n: int = 2, seed: int = 0, **arguments) -> Tensor:
    """Latent codes of n clips."""
    return system.codes(system.appearances(n, seed), system.motions(n, seed), **arguments)


def moved(W: Tensor) -> Tensor:
    """How far each frame is from the first."""
    return W - W[:, :1]


SETS = st.lists(st.integers(0, N - 1), unique=True)
BASES = st.sampled_from(["dictionary", "canonical"])


class TestDirections:
    @given(k=st.integers(0, N - 1), basis=BASES)
    @settings(max_examples=10)
    def test_adding_back_what_was_taken_away_restores_the_clip(self, system, k, basis):
        """8."""
        A = system.latents(system.appearances(2, 0), system.motions(2, 0)).A
        alpha, direction = system.in_basis(A, basis)[..., k], system.basis(basis)[k]
        back = torch.nn.functional.pad(alpha.cumsum(1), (1, 0))[..., None] * direction
        assert torch.allclose(codes(system, without=k, basis=basis) + back, codes(system), atol=1e-5)

    @given(chosen=SETS, basis=BASES)
    @settings(max_examples=20)
    def test_only_some_and_without_them_sum_to_all(self, system, chosen, basis):
        """9."""
        only, without = (codes(system, basis=basis, **{of: chosen}) for of in ("only", "without"))
        assert torch.equal(only[:, 0], without[:, 0])
        assert torch.allclose(moved(only) + moved(without), moved(codes(system)), atol=1e-5)

    def test_only_some_move_along_these_alone(self, system):
        along = moved(codes(system, only=[1, 5])) @ system.basis().T
        assert not torch.allclose(along[..., [1, 5]], torch.zeros(1), atol=1e-3)
        assert torch.allclose(along[..., [0, 2, 3, 4, 6, 7]], torch.zeros(1), atol=1e-5)

    def test_without_any_direction_a_clip_stands_still(self, system):
        clips = system.sample(clips=2, only=[]).frames
        assert (clips == clips[0]).all()
        assert not (system.sample(clips=2).frames == clips).all()

    @pytest.mark.parametrize("basis", ["dictionary", "canonical"])
    def test_all_directions_of_either_basis_make_the_same_clip(self, system, basis):
        """10."""
        every = system.sample(clips=2, only=list(range(N)), basis=basis).frames
        assert close(every, system.sample(clips=2).frames)

    def test_strongest_directions_vary_most(self, system):
        A = system.sampled_magnitudes(4000).flatten(0, 1)
        assert torch.allclose(system.deviations(), A.std(0), rtol=0.15, atol=1e-3)
        assert (system.deviations("canonical").diff() < 1e-2).all()  # by definition from the largest on

    def test_parts_of_a_clip_are_all_each_some_and_the_rest(self, system, drawn):
        W = drawn(system, "decompose", directions=[1, 5], seed=3)
        expected = [codes(system, 1, 3, **of) for of in ({}, {"only": 1}, {"only": 5}, {"only": [1, 5]})]
        assert torch.allclose(W, torch.cat([*expected, codes(system, 1, 3, without=[1, 5])]), atol=1e-5)
        assert torch.equal(drawn(system, "decomposed", directions=[1, 5], seed=3), W)

    def test_flow_lies_below_each_clip_on_one_scale(self, system):
        plain, flows = system.decompose(), system.decompose(flow=True)
        assert flows.frames.shape[1] > plain.frames.shape[1] + SIZE
        assert system.decomposed(flow=True).rows == 2 * system.decomposed().rows

    def test_flow_is_white_but_for_frames_that_motion_led_to(self):
        x, y = np.meshgrid(np.arange(33), np.arange(32))
        waves = (127 + 60 * np.sin(x / 2) + 60 * np.cos(y / 2)).astype(np.uint8)[..., None]
        moving, still = flow_pictures([np.stack([waves[:, 1:], waves[:, :-1]]), np.stack([waves[:, 1:]] * 2)])
        assert (still[:, 8:-8, 8:-8] > 250).all()
        assert (moving[0] == 255).all()
        red, green, blue = moving[1, 16, 16].astype(int)  # to the right
        assert red > max(green, blue) + 50


class TestTrajectories:
    @pytest.mark.parametrize("basis", ["dictionary", "canonical"])
    def test_a_constant_increment_moves_evenly(self, system, drawn, basis):
        """26."""
        W = drawn(system, "drive", direction=3, shape="constant", amplitude=2.0, basis=basis, frames=9)
        along = moved(W)[0] @ system.basis(basis).T
        expected = torch.zeros(9, N)
        expected[:, 3] = 2 * system.deviations(basis)[3] * torch.arange(9)
        assert torch.allclose(along, expected, atol=1e-4)

    def test_an_offset_starts_where_the_shape_does(self, system, drawn):
        """26."""
        W = drawn(system, "drive", direction=3, shape="linear", mode="offset", appearances=2, seed=4)
        w_0 = system.first_codes(system.appearances(2, 4))
        along = (W - w_0[:, None]) @ system.basis()[3]
        assert torch.allclose(along, (linear_walk(T, -1, 1) * system.deviations()[3]).expand(2, -1), atol=1e-4)

    def test_two_directions_are_shown_apart_and_together(self, system, drawn):
        """Fig. 5.9: the first, the second, both."""
        first, second, both = moved(drawn(system, "drive", direction=3, second=0, second_shape="constant"))
        assert torch.allclose(both, first + second, atol=1e-5)
        assert torch.equal(first, moved(drawn(system, "drive", direction=3))[0])

    def test_the_strongest_direction_is_taken_where_none_is_given(self, system, drawn):
        k = int(system.deviations().argmax())
        for control, name in (("drive", "direction"), ("walk", "direction"), ("decompose", "directions")):
            assert torch.equal(drawn(system, control), drawn(system, control, **{name: k}))

    @pytest.mark.parametrize("basis", ["dictionary", "canonical"])
    def test_a_clip_follows_its_own_magnitudes(self, system, drawn, tmp_path, basis):
        """What `alphas` writes, `follow` reads."""
        path = system.alphas(basis=basis, seed=5).save(tmp_path / "alphas.csv")
        W = drawn(system, "follow", trajectory=path, unit="alpha", basis=basis, appearances=1, seed=5)
        assert torch.allclose(W, codes(system, 1, 5), atol=1e-4)

    def test_a_file_is_in_deviations_unless_it_says_otherwise(self, system, drawn, tmp_path):
        (tmp_path / "steps.csv").write_text("d3\n1\n1\n")
        W = drawn(system, "follow", trajectory=tmp_path / "steps.csv")
        assert torch.equal(W, drawn(system, "follow", trajectory=str(tmp_path / "steps.csv")))
        assert torch.allclose(moved(W)[:, -1] @ system.basis()[3], 2 * system.deviations()[3], atol=1e-4)

    def test_every_direction_can_be_walked_along(self, system, drawn):
        """25."""
        sheet = system.walks(most=4096)
        assert (sheet.rows, sheet.columns) == (N, T)
        W, w_0 = drawn(system, "walks", directions=list(range(N))), system.first_codes(system.appearances(1, 0))
        along = (W - w_0) @ system.basis().T
        assert torch.allclose(along, torch.einsum("kl,t->ktl", torch.eye(N), linear_walk(T)), atol=1e-4)

    def test_a_walk_is_that_of_its_row(self, system, drawn):
        row = drawn(system, "walks", directions=6, frames=16, columns=16, low=-2.0, seed=2)
        assert torch.allclose(drawn(system, "walk", direction=6, frames=16, low=-2.0, appearances=1, seed=2), row)


class TestNoise:
    @pytest.mark.parametrize("frames", [12, 18])
    def test_longer_clips_begin_as_shorter_ones(self, system, frames):
        """24."""
        longer = system.long(frames=frames).frames
        assert len(longer) == frames
        assert close(longer[:T], system.sample(clips=4, columns=4).frames)

    def test_decay_keeps_long_clips_near_their_first_frame(self, system, drawn):
        free, held = (moved(drawn(system, "long", frames=200, decay=decay)) for decay in (0.0, 0.2))
        assert torch.equal(free, moved(drawn(system, "sample", clips=4, frames=200)))
        assert held[:, 100:].norm(dim=2).mean() < free[:, 100:].norm(dim=2).mean()
        assert torch.allclose(held[:, 1], free[:, 1], atol=1e-6)

    @pytest.mark.parametrize("share", ["noise", "alpha"])
    def test_interpolation_starts_and_ends_at_pure_samples(self, system, drawn, share):
        """27."""
        W = drawn(system, "interpolate", start=3, stop=4, seed=5, share=share)
        z_m = system.motions(1, 5)
        first, last = (system.codes(system.appearances(1, seed), z_m)[0] for seed in (3, 4))
        assert torch.allclose(W[0], first, atol=1e-6)
        assert torch.allclose(W[-1, 0], last[0], atol=1e-6)
        if share == "noise":
            assert torch.allclose(W[-1], last, atol=1e-6)
        else:
            assert torch.allclose(moved(W), moved(W[:1]).expand_as(W), atol=1e-5)

    def test_the_pictures_of_both_ends_are_those_of_samples(self, system, monkeypatch):
        """27."""
        clips = []
        draw = system.draw
        monkeypatch.setattr(system, "draw", lambda W: clips.extend(draw(W)) or clips)
        system.interpolate(start=3, stop=4, seed=5)
        for seed, clip in ((3, clips[0]), (4, clips[6])):
            assert close(clip, next(draw(system.codes(system.appearances(1, seed), system.motions(1, 5)))))

    def test_a_transferred_motion_is_that_of_its_source(self, system, drawn):
        W = drawn(system, "transfer", source=7, appearances=3)
        assert torch.allclose(W[:1], codes(system, 1, 7), atol=1e-6)
        assert torch.allclose(moved(W), moved(W[:1]).expand_as(W), atol=1e-5)
        assert torch.allclose(W[1:, 0], system.first_codes(system.appearances(3, 1)), atol=1e-6)

    def test_one_appearance_begins_with_one_frame(self, system, drawn):
        W = drawn(system, "wall", appearances=2, motions=3).unflatten(0, (2, 3))
        assert torch.allclose(W[:, :, 0], W[:, :1, 0].expand(-1, 3, -1), atol=1e-6)
        assert not torch.allclose(W[:, 0, -1], W[:, 1, -1])
        W = drawn(system, "vary_motion", appearance=5, motions=3)
        assert torch.allclose(W[:, 0], system.first_codes(system.appearances(1, 5)).expand(3, -1), atol=1e-6)

    def test_truncation_leads_to_the_mean_appearance(self, system, drawn):
        half, none = (drawn(system, "sample", clips=3, truncation=psi)[:, 0] for psi in (0.5, 0.0))
        assert torch.allclose(none, none[:1].expand_as(none), atol=1e-6)
        assert torch.allclose(half, (none + drawn(system, "sample", clips=3)[:, 0]) / 2, atol=1e-5)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder of files for controls that need one."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "trajectory.csv").write_text("d3,1\n" + "1,0.5\n" * 4)
    (folder / "answers.csv").write_text("seed,answer\n3,left\n4,right\n")
    np.save(folder / "other.npy", np.full((T, 20, 30, 3), 255, np.uint8))
    return folder


def needed(control: str, files: Path) -> dict[str, str]:
    """Arguments without which a control does not run."""
    return {name: str(files / f"{name}{SUFFIXES[name]}") for name in (FILES[control],)} if control in FILES else {}


class TestResults:
    @pytest.mark.parametrize(
        ("control", "arguments", "length"),
        [
            ("sample", {"clips": 3, "columns": 2}, T),
            ("sample", {"clips": 1, "frames": 9}, 9),
            ("wall", {"appearances": 1, "motions": 2, "frames": 3}, 3),
            ("transfer", {"frames": 4}, 4),
            ("long", {"clips": 1}, 48),
            ("decompose", {"flow": True, "frames": 4}, 4),
            ("drive", {"frames": 9}, 9),
            ("drive", {"frames": 9, "mode": "offset"}, 9),
            ("follow", {}, 5),
            ("follow", {"mode": "offset"}, 4),
            ("walk", {"frames": 3}, 3),
        ],
    )
    def test_videos_are_as_long_as_asked(self, system, files, control, arguments, length):
        video = getattr(system, control)(**needed(control, files), **arguments)
        assert isinstance(video, Video)
        assert video.frames.shape[0] == length
        assert video.frames.shape[-1] == 3

    def test_clips_are_tiled_without_a_gap(self, system):
        frames = system.sample(clips=3, columns=2, scale=2).frames
        assert frames.shape == (T, 4 * SIZE, 4 * SIZE, 3)
        assert not frames[:, 2 * SIZE :, 2 * SIZE :].any()
        clips = list(system.draw(codes(system, 3)))
        assert close(frames[:, : 2 * SIZE : 2, 2 * SIZE :: 2], clips[1])

    @pytest.mark.parametrize(
        ("control", "arguments", "rows", "columns"),
        [
            ("sheet", {"clips": 3, "columns": 5}, 3, 5),
            ("sheet", {"clips": 3, "columns": 40}, 3, T),
            ("sheet", {"clips": 1, "columns": 40, "frames": 9}, 1, 9),
            ("grid", {"appearances": 2, "motions": 3}, 2, 3),
            ("vary_motion", {"motions": 3, "columns": 2}, 3, 2),
            ("vary_appearance", {"appearances": 3, "columns": 2}, 3, 2),
            ("interpolate", {"steps": 4, "columns": 5}, 4, 5),
            ("decomposed", {"directions": [1, 2], "columns": 5}, 5, 5),
            ("decomposed", {"directions": 1, "flow": True}, 6, T),
            ("walks", {"most": 3, "columns": 5}, 3, 5),
        ],
    )
    def test_sheets_have_the_cells_they_say(self, system, control, arguments, rows, columns):
        sheet = getattr(system, control)(**arguments)
        assert isinstance(sheet, Sheet)
        assert (sheet.rows, sheet.columns) == (rows, columns)
        assert sheet.pixels.shape[0] >= SIZE * rows * system.enlargement
        assert sheet.pixels.shape[1] >= SIZE * columns * system.enlargement

    def test_magnitudes_are_drawn_and_told(self, system):
        assert isinstance(system.magnitudes(), Image)
        table = system.alphas(frames=9, seed=2)
        assert isinstance(table, Table)
        assert list(table.columns) == [f"d{k}" for k in range(N)]
        A = system.latents(system.appearances(1, 2), system.motions(1, 2, 9)).A
        assert torch.allclose(torch.tensor(table.rows), A[0])

    @pytest.mark.parametrize("control", CONTROLS)
    def test_the_same_seed_gives_the_same_bytes(self, system, files, tmp_path, control):
        suffix = CONTROLS[control].result.default_suffix
        one, two = (getattr(system, control)(**needed(control, files)).save(tmp_path / f"{i}{suffix}") for i in "12")
        assert one.read_bytes() == two.read_bytes()

    def test_grey_systems_draw_colour_files(self):
        grey = untrained(channels=1)
        assert grey.sample(clips=2).frames.shape[-1] == 3
        assert grey.decompose(flow=True).frames.shape[-1] == 3
        assert grey.sheet().pixels.shape[-1] == 3


class TestOtherBanks:
    @pytest.mark.parametrize("control", NEED_DIRECTIONS)
    def test_without_a_motion_bank_there_are_no_directions(self, control):
        with pytest.raises(InputError, match=r"motion_bank: .*none"):
            getattr(untrained(motion_bank="none"), control)(**NEED_DIRECTIONS[control])

    @pytest.mark.parametrize("control", ["sample", "sheet", "grid", "wall", "vary_motion", "vary_appearance", "long"])
    def test_without_a_motion_bank_noise_still_makes_clips(self, control):
        getattr(untrained(motion_bank="none"), control)()

    def test_free_directions_can_be_switched_and_driven(self, drawn):
        free = untrained(motion_bank="free")
        W = drawn(free, "drive", direction=2, shape="constant")
        assert torch.allclose(moved(W)[0, -1], (T - 1) * free.deviations()[2] * free.basis()[2], atol=1e-5)
        assert torch.allclose(moved(codes(free, only=2)) + moved(codes(free, without=2)), moved(codes(free)), atol=1e-5)

    def test_free_directions_have_no_canonical_basis(self):
        with pytest.raises(InputError, match="basis: canonical needs orthonormal directions"):
            untrained(motion_bank="free").sample(only=1, basis="canonical")


class TestDeclaration:
    def test_every_control_has_a_seed_and_defaults_but_for_files(self):
        for name, control in CONTROLS.items():
            without = [p.name for p in control.parameters if p.default is inspect.Parameter.empty]
            assert without == ([FILES[name]] if name in FILES else []), name
            assert name == "tally" or "seed" in [p.name for p in control.parameters], name

    def test_the_first_control_is_the_plainest(self):
        assert next(iter(controls_of(MintGAN))) == "sample"

    @pytest.mark.parametrize(
        ("control", "arguments", "says"),
        [
            ("sample", {"frames": 1}, "frames: 1 is out of range .expected 2 to 1000"),
            ("sample", {"truncation": -1.0}, "truncation: -1.0 is out of range .expected 0 to 2"),
            ("sample", {"only": N}, "only: 8 is out of range .expected 0 to 7"),
            ("sample", {"only": [1, N]}, "only: 8 is out of range .expected 0 to 7"),
            ("sample", {"only": [1.0]}, "only: 1.0 is not a whole number"),
            ("sample", {"only": [None]}, "only: None is out of range"),
            ("sample", {"only": [True]}, "only: True is out of range"),
            ("sample", {"only": "1"}, "only: '1' is out of range"),
            ("sample", {"clips": [1]}, r"clips: \[1\] is out of range .expected 1 to 64"),
            ("sheet", {"only": 1, "without": 2}, "without: is given together with only"),
            ("sheet", {"without": [-1]}, "without: -1"),
            ("sheet", {"basis": "mine"}, r"basis: 'mine' is unknown \(expected one of dictionary, canonical\)"),
            ("decompose", {"directions": []}, "directions: is empty"),
            ("walks", {"directions": [0, 9]}, "directions: 9 is out of range .expected 0 to 7"),
            ("walk", {"direction": 8}, "direction: 8"),
            ("walk", {"high": float("inf")}, "high: inf"),
            ("drive", {"direction": 2, "second": 2}, "second: 2 is the first direction as well"),
            ("drive", {"shape": "square"}, r"shape: 'square' is unknown \(expected one of constant, linear, sine\)"),
            ("drive", {"amplitude": float("nan")}, "amplitude: nan"),
            ("drive", {"mode": "jump"}, "mode: 'jump' is unknown"),
            ("follow", {}, "trajectory: follow needs this argument"),
            ("follow", {"trajectory": "none.csv"}, r"none\.csv: cannot be read"),
            ("interpolate", {"share": "motion"}, "share: 'motion' is unknown"),
            ("long", {"decay": 1.5}, "decay: 1.5 is out of range .expected 0 to 1"),
            ("magnitudes", {"most": 9}, "most: 9"),
        ],
    )
    def test_arguments_are_checked(self, system, control, arguments, says):
        with pytest.raises(InputError, match=says) as raised:
            getattr(system, control)(**arguments)
        assert "\n" not in str(raised.value)


@pytest.fixture(scope="module")
def weights(system, tmp_path_factory) -> Path:
    """A folder to generate from."""
    return system.save_pretrained(tmp_path_factory.mktemp("weights") / "small")


class TestCommandLine:
    @pytest.mark.parametrize("control", CONTROLS)
    def test_every_control_works_with_its_defaults(self, weights, files, tmp_path, control):
        """35."""
        out = tmp_path / f"out{CONTROLS[control].result.default_suffix}"
        flags = [text for name, value in needed(control, files).items() for text in (f"--{name}", value)]
        assert main(["generate", str(weights), control, *flags, "-o", str(out)]) == 0
        assert out.stat().st_size > 50

    @pytest.mark.parametrize("only", ["3", "[3]"])
    def test_it_draws_the_same_as_python(self, weights, system, tmp_path, only):
        out = tmp_path / "out.npy"
        flags = ["--clips", "2", "--only", only, "--seed", "7", "-o", str(out)]
        assert main(["generate", str(weights), "sample", *flags]) == 0
        assert np.array_equal(np.load(out), system.sample(clips=2, only=3, seed=7).frames)

    @pytest.mark.parametrize("suffix", [".mp4", ".gif", ".png"])
    def test_a_video_is_written_in_the_format_asked_for(self, weights, tmp_path, suffix):
        """35."""
        out = tmp_path / f"out{suffix}"
        assert main(["generate", str(weights), "walk", "-o", str(out)]) == 0
        assert suffix == ".png" or len(read_clip(out)) == T

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["sample", "--only", "[0,8]"], "only: 8 is out of range (expected 0 to 7)"),
            (["sample", "--only", "up"], "only"),
            (["drive", "--shape", "square"], "shape"),
            (["follow"], "trajectory"),
            (["walks", "-o", "walks.mp4"], "a sheet cannot be saved as a .mp4 file"),
        ],
    )
    def test_what_cannot_be_is_said_in_one_line(self, weights, capsys, tmp_path, monkeypatch, arguments, says):
        monkeypatch.chdir(tmp_path)
        assert main(["generate", str(weights), *arguments]) == 2
        printed = capsys.readouterr().err
        assert says in printed
        assert printed.count("\n") == 1
        assert not list(tmp_path.iterdir())
