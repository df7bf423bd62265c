"""What a careless or hostile user of FRGAN gives: one line that names it, and nothing is half-written."""

import errno
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mutoscope.cli import main
from mutoscope.data import open_clips
from mutoscope.errors import InputError
from mutoscope.systems.config import choices_of
from mutoscope.systems.frgan import FRGAN, FRGANConfig
from mutoscope.systems.loading import load
from mutoscope.systems.parameters import Parameter

Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """`refused(*arguments)`: the one line that a command ends with; it exits with 2 and leaves no new files."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> str:
        before = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert lines
        assert lines[-1].startswith("mutoscope: ")
        assert not any(line.startswith("Traceback") for line in lines)
        assert {path for path in tmp_path.rglob("*") if "cache" not in path.parts} == before
        return lines[-1].removeprefix("mutoscope: ")

    return run


@pytest.fixture(scope="module")
def clip(bodies: Path) -> Path:
    return sorted(path for path in bodies.rglob("*.npy"))[0]


@pytest.fixture(scope="module")
def columns(clip: Path) -> dict[str, np.ndarray]:
    file = clip.parents[1] / "structures" / clip.parent.name / clip.name
    with np.load(file.with_suffix(".npz")) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def face_clip(faces: Path) -> Path:
    return sorted(path for path in faces.rglob("*.npy"))[0]


@pytest.fixture(scope="module")
def body_system(frgan_run: Path) -> FRGAN:
    return load(frgan_run)


def alone(clip: Path, folder: Path, frames: int = 6) -> Path:
    """The beginning of a clip as a file without structure."""
    np.save(folder / "alone.npy", np.load(clip)[:frames])
    return folder / "alone.npy"


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            *(({name: 0}, rf"^{name}: 0 is out of range \(expected 1 to") for name in ("frames", "ch", "max_ch")),
            *(({name: 0}, rf"^{name}: 0 is ") for name in ("code", "ch_R", "max_ch_R", "hidden", "observed")),
            *(({name: 0}, rf"^{name}: 0 is ") for name in ("horizon", "pose_batch", "max_jump")),
            *(({name: -1.0}, rf"^{name}: -1.0 is out of range \(expected 0 or more") for name in ("w_rec", "lr")),
            *(({name: -1.0}, rf"^{name}: -1.0 is ") for name in ("w_adv", "gp_weight", "gamma", "rank_cap", "lr_pose")),
            *(({name: -1}, rf"^{name}: -1 is out of range") for name in ("pose_steps", "forecast_steps")),
            *(({name: 20_000_000}, rf"^{name}: 20000000 is out") for name in ("ch", "frames", "hidden", "image_size")),
            ({"w_rec": float("nan")}, r"^w_rec: nan is out"),
            ({"lr": float("inf")}, r"^lr: inf is out"),
            ({"betas": [0.5, 1.0]}, r"^betas: 1.0 is out of range \(expected 0 to below 1\)$"),
            ({"betas": [0.5]}, "betas"),
            ({"sigma": 0.0}, r"^sigma: 0.0 is out of range \(expected above 0 to 1\)$"),
            ({"channels": 4}, r"channels"),
            ({"image_size": 30}, r"^image_size: 30 \(expected 4 to 7, doubled"),
            ({"image_size": 0}, r"^image_size: 0 is out of range \(expected 8 to"),
            ({"image_size": -16}, r"^image_size: -16 is out of range"),
            ({"skeleton": "octopus"}, "skeleton"),
            ({"skeleton": "openpose18", "structure": "limbs"}, r"^skeleton: openpose18 has no limb maps"),
            ({"structure": "dreams"}, "structure"),
            ({"structure": "face", "w_feat": 1.0}, r"^w_feat: 1.0 is for joints"),
            ({"structure": "face", "joint_noise": 1.0}, r"^joint_noise: 1.0 is for joints \(expected 0\)$"),
            ({"lr": "fast"}, "lr"),
            ({"colour": 3}, "colour"),
        ],
        ids=str,
    )  # fmt: skip
    def test_what_cannot_be_is_refused_in_one_line(self, arguments: dict[str, Any], says: str):
        """By the config alone: before anything is allocated."""
        with pytest.raises(InputError, match=says) as error:
            FRGANConfig.from_dict(arguments)
        assert "\n" not in str(error.value)

    def test_null_is_refused_but_where_it_says_something(self):
        def takes_null(choice: Parameter) -> bool:
            with suppress(InputError):
                choice.check(None)
                return True
            return False

        allowed = {choice.name for choice in choices_of(FRGANConfig) if takes_null(choice)}
        assert allowed == {"face_expressions", "w_adv_R", "vgg16", "max_jump", "window_source", "coarse"}

    def test_a_model_of_faces_that_is_not_there(self, small_frgan):
        with pytest.raises(InputError, match=r"none\.mat"):
            small_frgan(structure="face", face_model="none.mat", pose_steps=0)

    def test_what_is_left_to_others_follows(self):
        """Null stands for what goes with the rest."""
        body, face = FRGANConfig(w_adv=0.5), FRGANConfig(structure="face", w_adv_R=0.2, pose_steps=9)
        assert (body.source, body.adversarial_R, body.given, body.columns) == ("before", 0.5, 10, ("joints",))
        assert (face.source, face.adversarial_R, face.given, face.columns) == ("first", 0.2, 1, ("landmarks",))
        assert not face.predicts


class TestWeights:
    @pytest.fixture
    def weights(self, frgan_run: Path, tmp_path: Path) -> Path:
        return shutil.copytree(frgan_run / "weights", tmp_path / "weights")

    def test_a_configuration_of_other_sizes(self, refused, weights):
        config = json.loads((weights / "config.json").read_text())
        (weights / "config.json").write_text(json.dumps(config | {"ch": 5}))
        assert "does not fit frgan as its config says" in refused("generate", weights, "drive")

    def test_values_that_are_not_finite(self, refused, weights):
        state = load_file(weights / "model.safetensors")
        state["G_R.heads.bias"][0] = float("nan")
        save_file(state, weights / "model.safetensors")
        assert "G_R.heads.bias holds values that are not finite" in refused("generate", weights, "drive")

    def test_those_of_another_system(self, refused, weights, trained_run):
        shutil.copy(trained_run / "weights" / "model.safetensors", weights)
        assert "does not fit frgan" in refused("generate", weights, "drive")

    def test_a_control_that_another_system_has(self, refused, weights):
        line = refused("generate", weights, "sweep")
        assert line.startswith("sweep: frgan has no such control (it has")
        assert "drive" in line


class TestPictures:
    @pytest.mark.parametrize(
        ("frames", "says"),
        [
            (np.zeros((0, 16, 16, 3), np.uint8), "alone.npy"),
            (np.zeros((3, 7, 7, 3), np.uint8), "is 7×7 (expected at least 8×8 pixels)"),
            (np.zeros((3, 16, 16, 3)), "alone.npy"),
            (np.zeros((3, 16, 16, 2), np.uint8), "alone.npy"),
        ],
        ids=["no frames", "too small", "float", "two channels"],
    )
    def test_frames_that_cannot_be_used(self, refused, frgan_run, tmp_path, columns, frames, says):
        np.save(tmp_path / "alone.npy", frames)
        np.savez(tmp_path / "joints.npz", **columns)
        assert says in refused(
            "generate", frgan_run, "drive", "--video", "alone.npy", "--structure", "joints.npz", "-o", "out.mp4"
        )

    @pytest.mark.parametrize("control", ["drive", "refine", "arrays"])
    def test_a_video_that_is_not_there(self, refused, frgan_run, control):
        name = "clips" if control == "refine" else "video"
        assert "none.mp4" in refused("generate", frgan_run, control, f"--{name}", "none.mp4", "-o", OUT[control])

    def test_a_file_that_is_no_video(self, refused, frgan_run, tmp_path):
        (tmp_path / "text.mp4").write_text("film, really")
        assert "text.mp4" in refused("generate", frgan_run, "drive", "--video", "text.mp4", "-o", "out.mp4")

    @pytest.mark.parametrize("kind", ["bodies", "faces"])
    def test_a_picture_without_structure_where_nothing_can_find_it(
        self, refused, frgan_run, frgan_face_run, tmp_path, clip, monkeypatch, kind
    ):
        monkeypatch.setattr("mutoscope.media.subjects.detector_installed", lambda: False)
        alone(clip, tmp_path)
        run = {"bodies": frgan_run, "faces": frgan_face_run}[kind]
        line = refused("generate", run, "drive", "--video", "alone.npy", "-o", "out.mp4")
        assert "needs a detector" in line

    def test_one_frame_is_a_video_of_one(self, body_system, clip, columns, tmp_path):
        np.savez(tmp_path / "joints.npz", **{name: values[:1] for name, values in columns.items()})
        given = {"video": np.load(clip)[:1], "structure": tmp_path / "joints.npz"}
        assert len(body_system.drive(**given).frames) == 1
        assert len(body_system.drive(**given, frames=6, speed=3.0, reverse=True).frames) == 6
        assert body_system.layers(**given).columns == 1
        assert len(body_system.fidelity(**given).rows) == 2

    def test_too_few_frames_to_foretell_from(self, refused, frgan_run, tmp_path, columns, clip):
        alone(clip, tmp_path, frames=2)
        np.savez(tmp_path / "joints.npz", **columns)
        for control in ("forecast", "poses"):
            line = refused(
                "generate", frgan_run, control, "--video", "alone.npy", "--structure", "joints.npz", "-o", OUT[control]
            )
            assert line == "poses: there are 2 (expected at least 3, to predict from)"


OUT = {
    "drive": "out.mp4", "forecast": "out.mp4", "poses": "out.png", "refine": "out", "layers": "out.png",
    "arrays": "out.npz", "fidelity": "out.csv",
}  # fmt: skip


def poisoned(columns: dict[str, np.ndarray], value: float) -> dict[str, np.ndarray]:
    joints = columns["joints"].copy()
    joints[3, 2, 1] = value
    return columns | {"joints": joints}


class TestStructure:
    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda t: {k: v[:4] for k, v in t.items()}, "video: has 6 frames, its structure 4 (expected as many)"),
            (lambda t: {k: v[:0] for k, v in t.items()}, "(expected"),
            (lambda t: {"joints": t["joints"][:, :7]}, "video: has 7 joints (expected the 13 of penn13)"),
            (lambda t: {"joints": t["joints"][..., 0]}, "video: its structure has joints of shape 48 x 13 (expected"),
            (lambda t: {"joints": t["joints"], "visible": t["visible"][:, :3]}, "its structure has visible of shape"),
            (lambda t: poisoned(t, float("nan")), "its structure has joints that are no numbers (expected finite"),
            (lambda t: poisoned(t, float("inf")), "its structure has joints that are no numbers (expected finite"),
            (lambda t: {"joints": np.float32(3)}, "joints"),
            (lambda t: {"joints": np.array([["a"]])}, "cannot be read: "),
            (lambda t: {"joints": np.array([None])}, "cannot be read: "),
            (lambda t: {"landmarks": np.zeros((6, 68, 2), np.float32)}, "video: has no joints (expected those of penn"),
            (lambda t: {"dreams": t["joints"]}, "has no columns (expected arrays named joints"),
        ],
        ids=["short", "empty", "count", "shape", "visible", "nan", "inf", "number", "text", "object", "other", "name"],
    )
    def test_columns_that_do_not_fit(self, refused, frgan_run, tmp_path, clip, columns, change, says):
        alone(clip, tmp_path)
        np.savez(tmp_path / "joints.npz", **change(columns))
        drive = ("drive", "--video", "alone.npy", "--structure", "joints.npz")
        assert says in refused("generate", frgan_run, *drive, "-o", "out.mp4")

    @pytest.mark.parametrize(
        ("name", "content"),
        [("joints.npz", b""), ("joints.npz", b"PK\x03\x04 not a zip"), ("joints.json", b"{}"), ("joints.txt", b"1 2")],
    )
    def test_files_that_are_damaged_or_something_else(self, refused, frgan_run, tmp_path, clip, name, content):
        alone(clip, tmp_path)
        (tmp_path / name).write_bytes(content)
        drive = ("drive", "--video", "alone.npy", "--structure", name)
        assert name in refused("generate", frgan_run, *drive, "-o", "out.mp4")

    def test_a_file_that_is_not_there(self, refused, frgan_run, tmp_path, clip):
        alone(clip, tmp_path)
        for name in ("none.npz", "none.csv"):
            drive = ("drive", "--video", "alone.npy", "--structure", name)
            assert name in refused("generate", frgan_run, *drive, "-o", "out.mp4")

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda text: text.replace("head y", "had y", 1), "rows.csv: has no column head y (expected 39: head x,"),
            (lambda text: text.split("\n")[0] + "\n", "rows.csv: has no rows (expected one for each frame)"),
            (lambda text: "", "rows.csv: has no rows"),
            (lambda text: "\n".join(text.split("\n")[:4]), "video: has 6 frames, its structure 3 (expected as many)"),
            (lambda text: text.split("\n")[0] + "\n1,2\n", "rows.csv: row 0, left shoulder x: None is no number"),
            (lambda text: text.replace("\n", "\nnan,", 1), "rows.csv: row 0, head x: 'nan' is no number"),
            (lambda text: text.replace("\n", "\nleft,", 1), "rows.csv: row 0, head x: 'left' is no number"),
            (lambda text: text.replace("\n", "\n1e999,", 1), "rows.csv: row 0, head x: '1e999' is no number"),
            (lambda text: text.replace("\n", "\n1e39,", 1), "rows.csv: row 0, head x: '1e39' is no number"),
            (lambda text: "\0" + text, "rows.csv"),
        ],
        ids=["column", "header", "empty", "short", "cells", "nan", "word", "inf", "too large", "zero byte"],
    )  # fmt: skip
    def test_tables_that_cannot_be_used(self, refused, frgan_run, body_system, tmp_path, clip, change, says):
        table = body_system.structure_table(video=clip).save(tmp_path / "rows.csv")
        table.write_text(change(table.read_text()))
        alone(clip, tmp_path)
        drive = ("drive", "--video", "alone.npy", "--structure", "rows.csv")
        assert says in refused("generate", frgan_run, *drive, "-o", "out.mp4")

    def test_a_joint_that_is_unknown_is_told_the_known_ones(self, refused, frgan_run, frgan_face_run, clip, face_clip):
        for run, video, known in ((frgan_run, clip, "left wrist"), (frgan_face_run, face_clip, "expression 0")):
            line = refused("generate", run, "move", "--picture", video, "--part", "tail", "-o", "out.mp4")
            assert line.startswith("part: 'tail' is unknown (expected one of ")
            assert known in line

    def test_maps_of_other_sizes(self, small_frgan, clip, tmp_path):
        system = small_frgan(structure="maps", map_channels=2, pose_steps=0).eval()
        system.trained += 1
        for shape in ((48, 3, 16, 16), (48, 2, 32, 32), (48, 2, 16)):
            np.savez(tmp_path / "maps.npz", maps=np.zeros(shape, np.float32))
            with pytest.raises(InputError, match=r"video: .*has maps of shape .* \(expected"):
                system.drive(video=clip, structure=tmp_path / "maps.npz")
        with pytest.raises(InputError, match=r"^video: has no maps beside it \(expected --structure FILE.npz"):
            system.drive(video=clip)
        np.savez(tmp_path / "maps.npz", maps=np.zeros((48, 2, 16, 16), np.float32))
        assert len(system.drive(video=clip, structure=tmp_path / "maps.npz", frames=2).frames) == 2
        with pytest.raises(InputError, match=r"^structure: finished maps are no table"):
            system.structure_table(video=clip, structure=tmp_path / "maps.npz")
        with pytest.raises(InputError, match=r"^strength: 2.0 is for joints and faces"):
            system.drive(video=clip, structure=tmp_path / "maps.npz", strength=2.0)


class TestFlags:
    @pytest.mark.parametrize(
        ("flags", "says"),
        [
            (("--strength", "99"), "strength: 99.0 is out of range"),
            (("--speed", "0"), "speed: 0"),
            (("--speed", "nan"), "speed: nan"),
            (("--hold", "-1"), "hold: -1"),
            (("--frames", "0"), "frames: 0"),
            (("--fps", "0"), "fps: 0"),
            (("--scale", "0"), "scale: 0"),
            (("--transfer", "x"), "transfer: x (expected"),
            (("--region", "moon"), "region: moon (expected"),
            (("-o", "out.txt"), "out.txt: a video cannot be saved as a .txt file"),
            (("-o", "out.gif", "-o", "out.wav"), "out.wav: a video cannot be saved as a .wav file"),
        ],
        ids=str,
    )
    def test_what_cannot_be_is_refused_before_anything_is_drawn(
        self, refused, frgan_run, clip, monkeypatch, flags, says
    ):
        monkeypatch.setattr(FRGAN, "clip", None)
        assert refused("generate", frgan_run, "drive", "--video", clip, *flags).startswith(says.split(" is out")[0])

    def test_faces_cannot_be_foretold(self, refused, frgan_face_run, face_clip):
        line = refused("generate", frgan_face_run, "forecast", "--video", face_clip, "-o", "out.mp4")
        assert line.startswith("forecast: this system has not learned to predict poses (expected one of joints")

    def test_a_disk_that_is_full_leaves_nothing_behind(self, refused, frgan_run, clip, monkeypatch):
        def full(self: Path, target: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
        for control, flag in (("drive", "--video"), ("arrays", "--video"), ("refine", "--clips")):
            line = refused("generate", frgan_run, control, flag, clip, "-o", OUT[control])
            assert "cannot be written (No space left on device)" in line

    def test_refining_that_was_not_learned(self, refused, small_frgan, clip, tmp_path):
        small_frgan().save_pretrained(tmp_path / "untrained")
        line = refused("generate", "untrained", "refine", "--clips", clip, "-o", "out")
        assert line.startswith("refine: this system has not learned to refine")

    @pytest.mark.parametrize("clips", ["empty", "none"])
    def test_no_clips_to_refine(self, refused, frgan_run, tmp_path, clips):
        (tmp_path / "empty").mkdir()
        assert clips in refused("generate", frgan_run, "refine", "--clips", clips, "-o", "out")

    def test_a_clip_to_refine_without_structure_is_named(self, refused, frgan_run, tmp_path, clip, columns):
        for folder in ("clips", "rows"):
            (tmp_path / folder).mkdir()
        for name in ("a", "b"):
            np.save(tmp_path / "clips" / f"{name}.npy", np.load(clip)[:3])
        np.savez(tmp_path / "rows" / "a.npz", **columns)
        line = refused("generate", frgan_run, "refine", "--clips", "clips", "--structure", "rows", "-o", "out")
        assert line.startswith("structure: rows has none for b.npy (expected b.npz)")


class TestTraining:
    @pytest.fixture
    def training(self, refused: Refused, tmp_path: Path) -> Refused:
        """`training(data, **options)`: the line with which training is refused."""
        small = {"image_size": 16, "frames": 4, "ch": 4, "max_ch": 8, "ch_R": 4, "max_ch_R": 8, "batch_size": 2}

        def run(data: str | Path, **options: Any) -> str:
            flags = [f"--{name}={value}" for name, value in (small | {"held_out": 0} | options).items()]
            return refused("train", "frgan", "--quiet", "--out", "run", "--data", data, *flags)

        return run

    def test_data_without_joints(self, training):
        assert training("sprites", max_clips=4) == "sprites: has no joints (its columns: label)"

    def test_data_without_joints_where_nothing_can_find_them(self, training, tmp_path, clip, monkeypatch):
        monkeypatch.setattr("mutoscope.media.subjects.detector_installed", lambda: False)
        monkeypatch.setattr("mutoscope.data.estimation.detector_installed", lambda: False, raising=False)
        (tmp_path / "clips").mkdir()
        alone(clip, tmp_path / "clips")
        assert "joints" in training("clips")

    def test_clips_too_short_for_the_poses(self, training):
        line = training("stick_people", max_clips=12, observed=40, horizon=40)
        assert "has 48 frames (expected at least 80; 6 of 6 clips are too short)" in line

    def test_one_person_cannot_be_shared_out(self, training):
        assert "to learn from (expected two" in training("stick_people", max_clips=6)

    def test_faces_cannot_be_mirrored(self, training):
        options = {"structure": "face", "pose_steps": 0, "joint_noise": 0, "flip": "true"}
        line = training("morphable_faces", max_clips=12, **options)
        assert "its face cannot be mirrored (expected flip to be off)" in line

    def test_clips_of_another_method_that_lacks_one(self, training, bodies, tmp_path, clip):
        (tmp_path / "coarse").mkdir()
        alone(clip, tmp_path / "coarse")
        line = training(bodies, coarse="coarse", pose_steps=0, max_steps=1)
        assert line.startswith("coarse: has no clip ")
        assert line.endswith("(expected one for every clip)")

    def test_weights_of_vgg16_that_are_not_there(self, training):
        line = training("stick_people", max_clips=12, vgg16="none.pth", w_feat=1.0, pose_steps=2)
        assert line.startswith("vgg16: none.pth does not exist (expected VGG16's weights")

    def test_coarse_clips_that_are_not_there(self, training):
        assert "nowhere" in training("stick_people", max_clips=12, coarse="nowhere", pose_steps=0)

    @pytest.mark.parametrize("value", ["1", "half"])
    def test_options_of_the_wrong_kind(self, training, value):
        assert "gram_time" in training("stick_people", gram_time=value)


def test_clips_shorter_than_a_window_rest_on_their_last_frame(small_frgan):
    """They are refined, and learned from."""
    system = small_frgan(frames=8, pose_steps=0).eval()
    coarse, rows = torch.zeros(3, 3, 16, 16), np.ones((3, 39), np.float32)
    assert len(list(system.refined(iter(coarse), rows))) == 3
    people = open_clips("stick_people", size=16, max_clips=12, frames=4)
    assert system.examples(people, system.stages[-1])[0]["clip"].shape == (8, 16, 16, 3)
