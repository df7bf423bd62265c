"""What a user can do with an ImaGINator system. Numbers are those of the acceptance list."""

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
from mutoscope.errors import InputError
from mutoscope.media import subjects
from mutoscope.media.frames import read_clip
from mutoscope.media.images import write_image
from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.media.video import write_video
from mutoscope.metrics.pixel import psnr, ssim
from mutoscope.systems.control import controls_of
from mutoscope.systems.imaginator import ImaGINator, ImaGINatorConfig

SIZE, FRAMES = 32, 16
LABELS = ["smile", "nod", "7"]
CONTROLS = controls_of(ImaGINator)
OF_LABELS = ("label_grid", "label_sheet", "interpolate_labels")
OF_NOISE = ("noise_grid", "noise_sheet", "interpolate_noise")


def untrained(**choices) -> ImaGINator:
    """A small system whose pictures, labels, noise and batch statistics all show in its clips."""
    small = {"image_size": SIZE, "ch": 4, "ch_D": 4, "d_p": 4, "d_z": 8, "label_names": []}
    system = ImaGINator.untrained(ImaGINatorConfig(**(small | choices)))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        for layer in system.G.modules():
            if hasattr(layer, "momentum"):
                layer.momentum = 1.0  # running statistics are those of the last batch
        weights = [p for name, p in system.G.decoder.named_parameters() if p.ndim > 1]
        weights[-1].mul_(20)
        z = system.noises(4, 0) if system.config.noise else None
        system.G.train()(2 * torch.rand(4, system.config.channels, SIZE, SIZE) - 1, z, system.labels_in_turn(4))
    return system.eval()


@pytest.fixture(scope="module")
def system() -> ImaGINator:
    """Without labels; to read from only."""
    return untrained()


@pytest.fixture(scope="module")
def labelled() -> ImaGINator:
    """With labels; to read from only."""
    return untrained(label_names=LABELS)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """A picture of the system's size."""
    return np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, picture) -> Path:
    """Three pictures of different sizes and colours, and a folder with a video."""
    folder = tmp_path_factory.mktemp("pictures")
    write_image(folder / "a.png", picture)
    write_image(folder / "b.jpg", np.full((50, 70, 1), 90, np.uint8))
    write_image(folder / "c.webp", np.full((90, 60, 4), 160, np.uint8))
    (folder / "videos").mkdir()
    write_video(folder / "videos" / "video.mp4", np.repeat(picture[None], 40, axis=0), 8)
    return folder


@pytest.fixture(scope="module")
def real() -> np.ndarray:
    """A clip of 12 frames."""
    ramp = np.linspace(0, 4, SIZE)
    waves = [np.sin(ramp[:, None] + ramp + time / 4) for time in range(12)]
    return (127 + 100 * np.stack(waves)[..., None].repeat(3, axis=-1)).astype(np.uint8)


@pytest.fixture(autouse=True)
def no_detector(monkeypatch) -> None:
    """The same on every machine: no face is looked for."""
    monkeypatch.setattr(subjects, "detector_installed", lambda: False)


@pytest.fixture
def inputs(monkeypatch, picture, folder) -> Callable[..., tuple[np.ndarray, Tensor, Tensor | None]]:
    """`inputs(system, control, **arguments)`: the pictures, z and y that a control draws from; all clips are black."""

    def run(system: ImaGINator, control: str, **arguments):
        calls = []

        def spy(pictures, z, y=None):
            calls.append((pictures, z, y))
            yield from np.zeros((len(pictures), FRAMES, SIZE, SIZE, 3), np.uint8)

        with monkeypatch.context() as patch:
            patch.setattr(system, "draw", spy)
            result = getattr(system, control)(**source(control, picture, folder), **arguments)
            if hasattr(result, "frames"):
                assert len(result.frames) > 0
        pictures, z, y = zip(*calls, strict=True)
        return np.concatenate(pictures), torch.cat(z), None if y[0] is None else torch.cat(y)

    return run


def source(control: str, picture: np.ndarray | Path, folder: Path) -> dict[str, object]:
    """What the control starts from."""
    names = [p.name for p in CONTROLS[control].parameters]
    if "video" in names:
        return {"video": folder / "videos" / "video.mp4"}
    return {"picture": picture} if "picture" in names else {"pictures": folder}


def close(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal but for rounding: how many clips are drawn together may change the last bit."""
    return a.shape == b.shape and np.abs(a.astype(int) - b.astype(int)).max() <= 1


def cells(canvas: np.ndarray, rows: int, columns: int, scale: int = 1, padding: int = 2) -> list[np.ndarray]:
    """The square cells of a labelled grid, row by row; they end at its lower right corner, 6 pixels from the edge.

    Where pixels are drawn `scale` times as large, each is given once.
    """
    side = SIZE * scale
    y_of = [canvas.shape[0] - 6 - (rows - i) * (side + padding) + padding for i in range(rows)]
    x_of = [canvas.shape[1] - 6 - (columns - j) * (side + padding) + padding for j in range(columns)]
    return [canvas[y : y + side : scale, x : x + side : scale] for y, x in itertools.product(y_of, x_of)]


class TestDrawing:
    @given(fewer=st.integers(1, 9), more=st.integers(0, 9), seed=st.integers(0, 2**31 - 1))
    def test_the_first_of_more_noises_are_those_of_fewer(self, system, fewer, more, seed):
        assert torch.equal(system.noises(fewer + more, seed)[:fewer], system.noises(fewer, seed))

    def test_clips_are_what_the_generator_draws(self, labelled, picture):
        """20: levels go to [-1, 1] and back by a fixed rule, not by the range of a batch."""
        with torch.no_grad():
            clip = labelled.G(uint8_to_float(picture[None]), labelled.noises(1, 4), labelled.one_hot("nod"))
        drawn = labelled.animate(picture=picture, label="nod", seed=4).frames
        assert close(drawn, float_to_uint8(clip[0].transpose(0, 1)))
        assert len(np.unique(drawn)) > 20

    def test_levels_survive_the_way_there_and_back(self):
        """20."""
        levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
        assert np.array_equal(float_to_uint8(uint8_to_float(levels)), levels)

    def test_a_clip_does_not_depend_on_those_drawn_with_it(self, labelled, picture):
        """31."""
        rng = np.random.default_rng(1)
        pictures = np.concatenate([picture[None], rng.integers(0, 256, (10, SIZE, SIZE, 3), np.uint8)])
        many = list(labelled.draw(pictures, labelled.noises(11, 0), labelled.labels_in_turn(11)))
        assert len(many) == 11
        alone = next(labelled.draw(pictures[9:10], labelled.noises(11, 0)[9:10], labelled.one_hot(0)))
        assert close(many[9], alone)

    def test_pictures_labels_and_noise_all_count(self, labelled, picture):
        """17."""
        one = labelled.animate(picture=picture, label=0, seed=0).frames
        assert np.array_equal(one, labelled.animate(picture=picture, label=0, seed=0).frames)
        assert not close(one, labelled.animate(picture=picture, label=1, seed=0).frames)
        assert not close(one, labelled.animate(picture=picture, label=0, seed=1).frames)
        assert not close(one, labelled.animate(picture=picture[::-1].copy(), label=0, seed=0).frames)

    def test_training_mode_changes_nothing_and_stays_as_it_was(self, picture):
        system = untrained()
        before = {name: value.clone() for name, value in system.state_dict().items()}
        in_eval = system.animate(picture=picture).frames
        assert np.array_equal(in_eval, system.train().animate(picture=picture).frames)
        assert system.G.training
        assert all(torch.equal(before[name], value) for name, value in system.state_dict().items())

    def test_the_global_generators_are_left_alone(self, labelled, picture):
        torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        for control in ("animate", "noise_sheet", "label_sheet", "chain"):
            getattr(labelled, control)(picture=picture)
        assert torch.equal(torch.get_rng_state(), torch_state)
        assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


class TestAnimate:
    @pytest.mark.parametrize("name", ["a.png", "b.jpg", "c.webp", "videos/video.mp4"])
    def test_pictures_of_any_size_and_format_move(self, system, folder, name):
        assert system.animate(picture=folder / name).frames.shape == (FRAMES, SIZE, SIZE, 3)

    @pytest.mark.parametrize(("frames", "scale"), [(1, 1), (5, 3), (FRAMES, 2)])
    def test_clips_are_cut_and_enlarged(self, system, picture, frames, scale):
        whole = system.animate(picture=picture).frames
        shown = system.animate(picture=picture, frames=frames, scale=scale).frames
        assert np.array_equal(shown, whole[:frames].repeat(scale, axis=1).repeat(scale, axis=2))

    def test_longer_clips_than_trained_are_refused(self, system, picture):
        with pytest.raises(InputError, match=r"frames: 17, but a clip of this system has 16 \(chain makes longer"):
            system.animate(picture=picture, frames=17)

    @pytest.mark.parametrize("channels", [1, 3])
    def test_pasted_back_only_the_crop_moves(self, channels, tmp_path):
        """The result has the size of the picture, also an odd one, and can be streamed again."""
        photo = np.random.default_rng(2).integers(0, 256, (51, 91, 3), np.uint8)
        video = untrained(channels=channels).animate(picture=photo, crop="centre", paste=True)
        assert video.frames.shape == (FRAMES, 51, 91, 3)
        assert (np.ptp(video.frames[:, :, 25:65], axis=0) > 0).mean() > 0.5
        assert np.array_equal(video.frames[0, :, :20], video.frames[-1, :, :20])
        assert channels == 1 or np.array_equal(video.frames[5, :, 71:], photo[:, 71:])
        assert len(read_clip(video.save(tmp_path / "pasted.mp4"))) == FRAMES

    def test_a_face_moves_where_one_is_found(self, monkeypatch, system, capsys):
        """The square around it is white, all else black: the clip is that of a white picture."""
        monkeypatch.setattr(subjects, "detector_installed", lambda: True)
        monkeypatch.setattr(subjects, "find_subject", lambda picture, kind: subjects.Box(50, 10, 80, 40))
        photo = np.zeros((80, 120, 3), np.uint8)
        photo[:52, 39:91] = 255
        of_white = system.animate(picture=np.full((SIZE, SIZE, 3), 255, np.uint8)).frames
        assert close(system.animate(picture=photo).frames, of_white)
        assert "a face that was found" in capsys.readouterr().err

    def test_a_picture_without_a_face_is_told(self, monkeypatch, system, picture):
        monkeypatch.setattr(subjects, "detector_installed", lambda: True)
        monkeypatch.setattr(subjects, "find_subject", lambda picture, kind: None)
        with pytest.raises(
            InputError, match=r"picture: no face found \(expected one; --crop centre takes the middle\)"
        ):
            system.animate(picture=picture, crop="face")


class TestLabels:
    def test_one_clip_takes_the_first_and_several_take_all_in_turn(self, labelled, inputs):
        for control in ("animate", "strip", "noise_grid", "noise_sheet", "interpolate_noise", "compare", "fidelity"):
            assert set(inputs(labelled, control)[2].argmax(1).tolist()) == {0}, control
        assert inputs(labelled, "animate_folder")[2].argmax(1).tolist() == [0, 1, 2]
        assert inputs(labelled, "chain", frames=2 * FRAMES)[2].argmax(1).tolist() == [0, 1, 2]

    @pytest.mark.parametrize(("label", "number"), [("nod", 1), (1, 1), ("0", 0), ("7", 2)])
    def test_labels_are_numbers_or_names(self, labelled, inputs, label, number):
        for control, declared in CONTROLS.items():
            if "label" in [p.name for p in declared.parameters]:
                assert set(inputs(labelled, control, label=label)[2].argmax(1).tolist()) == {number}, control

    @pytest.mark.parametrize(
        ("labels", "numbers"),
        [("nod,smile", [1, 0]), ("7", [2]), (1, [1]), ([0, "nod", 0], [0, 1, 0]), ("2, 1", [2, 1]), (None, [0, 1, 2])],
    )
    def test_lists_of_labels(self, labelled, inputs, labels, numbers):
        for control in ("grid", "wall"):
            assert inputs(labelled, control, labels=labels)[2].argmax(1).tolist() == 3 * numbers, control
        frames = 1 + len(numbers) * (FRAMES - 1)
        assert inputs(labelled, "chain", labels=labels, frames=frames)[2].argmax(1).tolist() == numbers

    @pytest.mark.parametrize("control", ["label_grid", "label_sheet"])
    def test_every_label_moves_the_same_picture_by_the_same_noise(self, labelled, inputs, picture, control):
        """23."""
        pictures, z, y = inputs(labelled, control, seed=3)
        assert y.argmax(1).tolist() == [0, 1, 2]
        assert torch.equal(z, labelled.noises(1, 3).expand(3, -1))
        assert np.array_equal(pictures, np.stack([picture] * 3))

    @pytest.mark.parametrize("suffix", [".mp4", ".gif"])
    def test_label_grids_can_be_played(self, labelled, picture, tmp_path, suffix):
        """23."""
        saved = labelled.label_grid(picture=picture).save(tmp_path / f"labels{suffix}")
        assert len(read_clip(saved)) == FRAMES

    def test_interpolation_mixes_two_labels(self, labelled, inputs):
        _, z, y = inputs(labelled, "interpolate_labels", first="nod", second=0, steps=3, seed=5)
        assert torch.equal(y, torch.tensor([[0, 1, 0], [0.5, 0.5, 0], [1, 0, 0]]))
        assert torch.equal(z, labelled.noises(1, 5).expand(3, -1))

    @pytest.mark.parametrize("label", ["up", -1, 3])
    def test_unknown_labels_are_told_with_the_known_ones(self, labelled, picture, folder, label):
        for control, names in (
            ("animate", "label"),
            ("animate_folder", "label"),
            ("grid", "labels"),
            ("chain", "labels"),
        ):
            with pytest.raises(InputError, match=f"label: {label} is unknown .*0 smile, 1 nod, 2 7"):
                getattr(labelled, control)(**source(control, picture, folder), **{names: label})
        with pytest.raises(InputError, match="labels: is empty"):
            labelled.chain(picture=picture, labels=[])

    def test_systems_without_labels_take_none(self, system, picture, folder):
        """4."""
        with pytest.raises(InputError, match="label: 0 is given, but this system was trained without labels"):
            system.animate(picture=picture, label=0)
        for control in OF_LABELS:
            with pytest.raises(InputError, match=f"{control}: this system was trained without labels"):
                getattr(system, control)(picture=picture)
        for control in set(CONTROLS) - set(OF_LABELS):
            getattr(system, control)(**source(control, picture, folder))


class TestNoise:
    @pytest.mark.parametrize("control", ["noise_grid", "noise_sheet"])
    def test_every_noise_moves_the_same_picture_under_the_same_label(self, labelled, inputs, picture, control):
        pictures, z, y = inputs(labelled, control, label=1, clips=3, seed=3)
        assert torch.equal(z, labelled.noises(3, 3))
        assert y.argmax(1).tolist() == [1, 1, 1]
        assert np.array_equal(pictures, np.stack([picture] * 3))

    def test_interpolation_goes_from_one_seed_to_the_other(self, labelled, inputs):
        _, z, y = inputs(labelled, "interpolate_noise", label=2, start=3, stop=4, steps=5)
        assert torch.allclose(z[[0, -1]], torch.cat([labelled.noises(1, 3), labelled.noises(1, 4)]), atol=1e-6)
        assert set(y.argmax(1).tolist()) == {2}

    def test_systems_without_noise_have_none_to_vary(self, picture, folder):
        system = untrained(noise=False, label_names=LABELS)
        one, other = (system.animate(picture=picture, seed=seed).frames for seed in (0, 1))
        assert np.array_equal(one, other)
        for control in OF_NOISE:
            with pytest.raises(InputError, match=f"{control}: this system was trained without noise"):
                getattr(system, control)(picture=picture)
        for control in set(CONTROLS) - set(OF_NOISE):
            getattr(system, control)(**source(control, picture, folder))


class TestSheets:
    def test_a_strip_shows_the_picture_and_every_third_frame(self, labelled, picture):
        """Fig. 3.8."""
        sheet = labelled.strip(picture=picture, label="nod", stride=3)
        clip = labelled.animate(picture=picture, label="nod").frames
        assert (sheet.rows, sheet.columns) == (1, 7)
        assert close(np.stack(cells(sheet.pixels, 1, 7, labelled.enlargement)), np.stack([picture, *clip[::3]]))

    def test_rows_begin_with_the_picture(self, labelled, picture):
        """Fig. 3.9."""
        sheet = labelled.label_sheet(picture=picture, columns=4)
        drawn = cells(sheet.pixels, 3, 5, labelled.enlargement)
        assert (sheet.rows, sheet.columns) == (3, 5)
        for row, label in enumerate(LABELS):
            clip = labelled.animate(picture=picture, label=label).frames
            assert close(np.stack(drawn[5 * row : 5 * row + 5]), np.stack([picture, *clip[[0, 5, 10, 15]]]))

    def test_cells_of_a_wall_are_in_their_places(self, labelled, folder, picture):
        wall = labelled.wall(pictures=folder, labels="nod,smile", seed=2).frames
        drawn = cells(wall[6], 3, 3)
        assert np.array_equal(drawn[0], picture)
        assert close(drawn[1], labelled.animate(picture=picture, label="nod", seed=2).frames[6])
        assert close(drawn[8], labelled.animate(picture=folder / "c.webp", label="smile", seed=2).frames[6])

    def test_a_folder_plays_in_tiles(self, labelled, folder):
        tiles = labelled.animate_folder(pictures=folder, label=1, columns=2, frames=7, scale=2).frames
        assert tiles.shape == (7, 4 * SIZE, 4 * SIZE, 3)
        assert close(
            tiles[:, : 2 * SIZE, : 2 * SIZE],
            labelled.animate(picture=folder / "a.png", label=1, frames=7, scale=2).frames,
        )
        assert (tiles[:, 2 * SIZE :, 2 * SIZE :] == 0).all()
        assert labelled.animate_folder(pictures=folder, most=1).frames.shape[1:3] == (SIZE, SIZE)

    def test_sheets_have_the_cells_they_say(self, labelled, picture, folder):
        sheets = {
            "noise_sheet": ({"clips": 3, "columns": 40}, 3, 17),
            "interpolate_labels": ({"steps": 2, "columns": 5}, 2, 6),
            "interpolate_noise": ({"steps": 4, "columns": 5}, 4, 6),
            "grid": ({"labels": "7,nod"}, 3, 3),
        }
        for control, (arguments, rows, columns) in sheets.items():
            sheet = getattr(labelled, control)(**source(control, picture, folder), **arguments)
            assert (sheet.rows, sheet.columns) == (rows, columns), control
            assert sheet.pixels.shape[0] >= SIZE * rows
            assert sheet.pixels.shape[1] >= SIZE * columns


class TestChains:
    def test_every_clip_begins_with_the_last_frame_of_the_one_before(self, labelled, picture):
        video = labelled.chain(picture=picture, labels="nod,smile", frames=40, seed=6)
        expected, now = [], picture
        for noise, label in zip(labelled.noises(3, 6), ["nod", "smile", "nod"], strict=True):
            clip = next(labelled.draw(now[None], noise[None], labelled.one_hot(label)))
            expected.append(clip[1:] if expected else clip)
            now = clip[-1]
        assert np.array_equal(video.frames, np.concatenate(expected)[:40])

    def test_a_longer_one_begins_as_a_shorter_one(self, system, picture):
        long, short = (system.chain(picture=picture, frames=frames).frames for frames in (40, 20))
        assert np.array_equal(long[:20], short)

    @pytest.mark.parametrize("frames", [1, 15, 16, 17, 31, 32])
    def test_it_has_as_many_frames_as_asked(self, system, picture, frames):
        assert len(system.chain(picture=picture, frames=frames)) == frames

    def test_frames_are_made_when_they_are_wanted_and_again(self, system, picture):
        video = system.chain(picture=picture, frames=100_000)
        first = next(iter(video))
        assert np.array_equal(first, next(iter(video)))


class TestComparison:
    def test_real_generated_and_their_difference_are_below_each_other(self, labelled, real):
        video = labelled.compare(video=real, label=1, scale=1, seed=2).frames
        generated = labelled.animate(picture=real, label=1, frames=12, seed=2).frames
        shown = cells(video[9], 3, 1)
        assert len(video) == 12
        assert np.array_equal(shown[0], real[9])
        assert close(shown[1], generated[9])
        assert close(shown[2], np.abs(generated[9].astype(int) - real[9]).astype(np.uint8))

    def test_fidelity_is_that_of_each_frame_and_of_a_still(self, labelled, real):
        """25."""
        table = labelled.fidelity(video=real, label=1).records()
        generated = labelled.animate(picture=real, label=1, frames=12).frames
        for of in (psnr, ssim):
            name = of.__name__
            assert [row[name] for row in table[:-1]] == pytest.approx(of(generated, real, data_range=255.0), rel=1e-3)
            still = of(real[:1], real[5:6], data_range=255.0)[0]
            assert table[5][f"{name} of a still"] == pytest.approx(still)
            assert table[-1][name] == pytest.approx(np.mean([row[name] for row in table[1:-1]]))
        assert (table[0]["psnr of a still"], table[0]["ssim of a still"]) == (100.0, pytest.approx(1.0))
        assert table[-1]["frame"] == "mean"

    @pytest.mark.parametrize(("step", "frames"), [(1, 12), (2, 6), (5, 3), (11, 2)])
    def test_steps_through_the_video(self, system, real, step, frames):
        assert len(system.fidelity(video=real, step=step).rows) == frames + 1
        assert len(system.compare(video=real, step=step)) == frames

    def test_the_same_part_of_every_frame_is_compared(self, system, tmp_path):
        """A long and wide video: the first frames, and their middle."""
        clip = np.zeros((30, 40, 80, 3), np.uint8)
        clip[:, :, 20:60] = np.arange(30, dtype=np.uint8)[:, None, None, None]
        video = system.compare(video=write_video(tmp_path / "frames", clip, 8), scale=1).frames
        assert len(video) == FRAMES
        assert [int(cells(frame, 3, 1)[0].mean()) for frame in video] == list(range(FRAMES))

    def test_too_short_videos_are_told(self, system, real, tmp_path):
        with pytest.raises(InputError, match=r"video: has too few frames \(expected at least 13, with a step of 12\)"):
            system.compare(video=real, step=12)
        with pytest.raises(InputError, match=r"too few frames"):
            system.fidelity(video=write_image(tmp_path / "one.png", real[0]))


class TestDeclaration:
    def test_every_control_starts_from_a_picture_and_has_defaults_beside(self):
        for name, control in CONTROLS.items():
            needed = [p.name for p in control.parameters if p.default is inspect.Parameter.empty]
            assert needed in (["picture"], ["pictures"], ["video"]), name
            assert {"seed", "start"} & {p.name for p in control.parameters}, name
            assert control.summary.endswith("."), name
        assert next(iter(CONTROLS)) == "animate"

    @pytest.mark.parametrize("control", CONTROLS)
    def test_grey_systems_draw_colour_files(self, control, picture, folder):
        grey = untrained(channels=1, label_names=LABELS)
        result = getattr(grey, control)(**source(control, picture, folder))
        if hasattr(result, "frames") or hasattr(result, "pixels"):
            assert (result.frames if hasattr(result, "frames") else result.pixels).shape[-1] == 3

    @pytest.mark.parametrize(
        ("control", "arguments", "says"),
        [
            ("animate", {}, "picture: animate needs this argument"),
            ("animate", {"picture": "none.png"}, "none.png: no such file"),
            ("animate", {"picture": np.zeros((32, 32, 3))}, "picture: an array of float64"),
            ("animate", {"picture": np.zeros((7, 9, 3), np.uint8)}, "picture: is 9×7 .expected at least 8×8 pixels"),
            ("animate", {"picture": np.zeros((0, 32, 32, 3), np.uint8)}, "at least one frame"),
            ("animate", {"picture": np.zeros((32, 32), np.uint8), "frames": 0}, "frames: 0 is out of range"),
            ("animate", {"picture": np.zeros((32, 32), np.uint8), "crop": "cat"}, "crop: 'cat' is unknown"),
            ("animate", {"picture": np.zeros((32, 32), np.uint8), "crop": "face"}, "finding a face needs a detector"),
            ("noise_grid", {"picture": "a.png", "clips": 0}, "clips: 0"),
            ("strip", {"picture": "a.png", "stride": 0}, "stride: 0"),
            ("chain", {"picture": "a.png", "frames": 0}, "frames: 0"),
            ("grid", {"pictures": "none"}, "none: no such file"),
            ("compare", {"video": "none.mp4"}, "none.mp4: no such file"),
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
    def test_every_control_works_with_its_defaults(self, weights, folder, tmp_path, control):
        ((flag, file),) = source(control, folder / "b.jpg", folder).items()
        out = tmp_path / f"out{CONTROLS[control].result.default_suffix}"
        assert main(["generate", str(weights), control, f"--{flag}", str(file), "-o", str(out)]) == 0
        assert out.stat().st_size > 100

    @pytest.mark.parametrize("labels", ["nod,7", "1,2", "[nod, 7]"])
    def test_it_draws_the_same_as_python(self, weights, labelled, folder, tmp_path, labels):
        flags = ["--pictures", str(folder), "--labels", labels, "--frames", "3", "--seed", "7"]
        out = tmp_path / "out.npy"
        assert main(["generate", str(weights), "wall", *flags, "-o", str(out)]) == 0
        expected = labelled.wall(pictures=folder, labels=["nod", "7"], frames=3, seed=7).frames
        assert np.array_equal(np.load(out), expected)

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["animate"], "picture"),
            (["animate", "--picture", "none.png"], "none.png: no such file"),
            (
                ["animate", "--picture", "PICTURE", "--label", "up"],
                "label: up is unknown (expected one of 0 smile, 1 nod",
            ),
            (["animate", "--picture", "PICTURE", "--crop", "face"], "pip install mediapipe==0.10.21"),
            (["animate", "--picture", "PICTURE", "--frames", "17"], "frames: 17"),
            (["strip", "--picture", "PICTURE", "-o", "strip.mp4"], "a sheet cannot be saved as a .mp4 file"),
        ],
    )
    def test_what_cannot_be_is_said_in_one_line(self, weights, folder, capsys, tmp_path, monkeypatch, arguments, says):
        monkeypatch.chdir(tmp_path)
        given = [str(folder / "a.png") if argument == "PICTURE" else argument for argument in arguments]
        assert main(["generate", str(weights), *given]) == 2
        printed = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("picture: ")]
        assert len(printed) == 1
        assert says in printed[0]
        assert not list(tmp_path.iterdir())
