"""The command line as a user meets it: every verb, every control, and one line for everything that is wrong."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mutoscope.cli import COMMANDS, main
from mutoscope.media.frames import read_clip
from mutoscope.media.images import write_image
from mutoscope.systems.control import controls_of
from mutoscope.systems.pseudo_label import PseudoLabel
from mutoscope.training import train

CONTROLS = controls_of(PseudoLabel)
# what has no default
NEEDED = {
    "path": ["--points", "[[-1], [1, 0.5]]"],
    "clip_switch": ["--segments", '[{"clip": 0, "frames": 3}, {"clip": 2, "frames": 2}]'],
    "label": ["--frames", "FRAMES"],
    "sort_frames": ["--frames", "FRAMES"],
    "reanimate": ["--frame", "FRAMES"],
}


@pytest.fixture(scope="module")
def frames(tmp_path_factory) -> Path:
    """A folder of six pictures, none of the system's size."""
    folder = tmp_path_factory.mktemp("input") / "frames"
    rng = np.random.default_rng(0)
    for i in range(6):
        write_image(folder / f"{i}.png", rng.integers(0, 256, (20, 30, 3), dtype=np.uint8))
    return folder


@pytest.fixture
def refused(capsys) -> Callable[..., str]:
    """`refused(*arguments)`: the command fails with status 2, prints one line and nothing else; that line."""

    def run(*arguments: str) -> str:
        assert main([str(argument) for argument in arguments]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "Traceback" not in printed.err
        assert printed.err.startswith("mutoscope: ")
        assert printed.err.count("\n") == 1
        return printed.err

    return run


class TestHelp:
    @pytest.mark.parametrize("flag", [[], ["--help"], ["-h"], ["help"]])
    def test_the_overview_names_every_command(self, capsys, flag):
        assert main(flag) == 0
        printed = capsys.readouterr().out
        assert all(f"  {command}" in printed for command in COMMANDS)

    def test_the_version_is_printed(self, capsys):
        from mutoscope import __version__

        assert main(["--version"]) == 0
        assert capsys.readouterr().out.strip() == __version__

    @pytest.mark.parametrize("command", ["evaluate", "demo"])
    def test_commands_explain_their_options(self, capsys, command):
        assert main([command, "--help"]) == 0
        assert "usage: mutoscope" in capsys.readouterr().out

    def test_training_explains_every_option_of_the_run_and_of_the_system(self, capsys):
        assert main(["train", "pseudo_label", "--help"]) == 0
        printed = capsys.readouterr().out
        for option in ("--preset", "--resume", "--batch_size", "--max_time", "--n_d", "--schedule", "--d_batch"):
            assert option in printed
        assert "Weight of the discrete label loss" in printed

    def test_a_control_explains_its_options_and_their_limits(self, capsys, trained_run):
        assert main(["generate", str(trained_run), "sweep", "--help"]) == 0
        printed = " ".join(capsys.readouterr().out.split())
        assert "Which clip, the value of the discrete pseudo-label. [0 to 3]" in printed

    def test_controls_are_listed(self, capsys, trained_run):
        assert main(["generate", str(trained_run)]) == 0
        printed = capsys.readouterr().out
        assert all(name in printed for name in CONTROLS)

    def test_everything_there_is_is_listed(self, capsys):
        assert main(["list"]) == 0
        printed = capsys.readouterr().out
        assert "pseudo_label" in printed
        assert "tiny" in printed

    @pytest.mark.parametrize("command", ["train", "generate"])
    def test_without_arguments_the_usage_is_shown(self, capsys, command):
        assert main([command]) == 0
        assert f"usage: mutoscope {command}" in capsys.readouterr().out


class TestGenerate:
    @pytest.mark.parametrize("control", CONTROLS)
    def test_every_control_works_with_its_defaults(self, tmp_path, trained_run, frames, control):
        """36: and writes a file of its kind."""
        given = [str(frames) if argument == "FRAMES" else argument for argument in NEEDED.get(control, [])]
        out = tmp_path / f"out{CONTROLS[control].result.default_suffix}"
        assert main(["generate", str(trained_run), control, *given, "-o", str(out)]) == 0
        assert out.stat().st_size > 100 or out.suffix == ".csv"

    def test_several_formats_are_written_at_once(self, tmp_path, trained_run, capsys):
        """36: GIF, MP4, a strip and a folder of frames."""
        outputs = [tmp_path / name for name in ("a.gif", "b.mp4", "c.png", "d")]
        flags = [text for out in outputs for text in ("-o", str(out))]
        assert main(["generate", str(trained_run), "sweep", "--frames", "5", *flags]) == 0
        assert capsys.readouterr().out.split() == [str(out) for out in outputs]
        assert [len(read_clip(out)) for out in outputs] == [5, 5, 5, 5]

    def test_without_an_output_a_default_name_is_used_or_a_table_shown(
        self, tmp_path, trained_run, monkeypatch, capsys
    ):
        monkeypatch.chdir(tmp_path)
        assert main(["generate", str(trained_run), "sweep", "--frames", "2"]) == 0
        assert [file.name for file in tmp_path.iterdir()] == ["sweep.mp4"]
        assert main(["generate", str(trained_run), "order_indices"]) == 0
        assert "index" in capsys.readouterr().out

    def test_python_and_the_command_line_draw_the_same(self, tmp_path, trained_run):
        from mutoscope import load

        out = tmp_path / "sweep.npy"
        main(["generate", str(trained_run), "sweep", "--clip", "2", "--stop", "0.5", "--seed", "7", "-o", str(out)])
        assert np.array_equal(np.load(out), load(trained_run).sweep(clip=2, stop=0.5, seed=7).frames)

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["sweep", "--clip", "4"], "clip: 4 is out of range (expected 0 to 3)"),
            (["sweep", "--clip", "one"], "clip"),
            (["sweep", "--speed", "2"], "speed"),
            (["sweep", "--frames", "0"], "frames: 0"),
            (["jump"], "jump: pseudo_label has no such control (it has sample, sweep"),
            (["path"], "points"),
            (["path", "--points", "1,2"], "points"),
            (["clip_switch", "--segments", '[{"clip": 9}]'], "segments: clip 9"),
            (["sweep", "-o", "clip.docx"], "a video cannot be saved as a .docx file"),
            (["grid", "-o", "grid.mp4"], "a sheet cannot be saved as a .mp4 file"),
            (["sweep", "--device", "cuda:99"], "device: 'cuda:99' cannot be used"),
            (["sweep", "--device", "toaster"], "device: 'toaster' cannot be used"),
        ],
    )
    def test_what_cannot_be_is_said_in_one_line(self, refused, trained_run, arguments, says, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert says in refused("generate", trained_run, *arguments)
        assert not list(tmp_path.iterdir())


def text_as_video(folder: Path) -> Path:
    path = folder / "clip.mp4"
    path.write_text("this is no video")
    return path


def empty_folder(folder: Path) -> Path:
    path = folder / "none"
    path.mkdir()
    return path


def truncated_picture(folder: Path) -> Path:
    whole = write_image(folder / "whole.png", np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    path = folder / "half.png"
    path.write_bytes(whole.read_bytes()[:3000])
    whole.unlink()
    return path


def picture(mode: str, size: tuple[int, int]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "picture.png"
        Image.new(mode, size, 200 if mode in ("L", "1", "I;16") else (200,) * len(mode)).save(path)
        return path

    return make


class TestHostileInputs:
    @pytest.mark.parametrize(
        "make",
        [text_as_video, empty_folder, truncated_picture, lambda folder: folder / "missing.png", lambda _: "/dev/null"],
        ids=["text as video", "empty folder", "truncated picture", "missing", "device"],
    )
    @pytest.mark.parametrize(
        ("control", "flag", "out"), [("label", "--frames", "a.csv"), ("reanimate", "--frame", "a.mp4")]
    )
    def test_frames_that_cannot_be_read(self, refused, trained_run, tmp_path, make, control, flag, out):
        path = make(tmp_path)
        assert str(path) in refused("generate", trained_run, control, flag, path, "-o", tmp_path / out)
        assert not (tmp_path / out).exists()

    @pytest.mark.parametrize(
        ("mode", "size"),
        [("RGB", (1, 1)), ("L", (40, 40)), ("RGBA", (40, 30)), ("LA", (9, 9)), ("1", (20, 20)), ("RGB", (1, 500))],
    )
    @pytest.mark.parametrize("control", ["label", "sort_frames", "reanimate"])
    def test_odd_pictures_are_used(self, trained_run, tmp_path, mode, size, control):
        """One pixel, grey, transparent, black and white, thin: all are frames."""
        path = picture(mode, size)(tmp_path)
        flag = "--frame" if control == "reanimate" else "--frames"
        out = tmp_path / ("out.csv" if control == "label" else "out.png")
        assert main(["generate", str(trained_run), control, flag, str(path), "-o", str(out)]) == 0
        assert out.exists()

    @pytest.mark.parametrize(
        ("damage", "says"),
        [
            (
                lambda folder: (folder / "config.json").write_text('{"system": "pseudo_'),
                "config.json: not readable JSON",
            ),
            (lambda folder: (folder / "config.json").write_text("[1, 2]"), "config.json: not a JSON object"),
            (lambda folder: edit(folder, system="nothing"), "system is 'nothing' (expected one of pseudo_label"),
            (lambda folder: edit(folder, system=["g3an"]), "system is ['g3an'] (expected one of pseudo_label"),
            (lambda folder: (folder / "config.json").write_text("[" * 100_000), "config.json: not readable JSON"),
            (lambda folder: edit(folder, n_z=10**400), "config.json: n_z: 1000"),
            (lambda folder: edit(folder, channels=True), "config.json: channels: "),
            (lambda folder: edit(folder, c_range=[0.0, math.inf]), "config.json: c_range: inf is out of range"),
            (lambda folder: edit(folder, n_d="four"), "config.json: n_d: four (expected int)"),
            (lambda folder: edit(folder, n_d=None), "config.json: n_d: is null"),
            (lambda folder: edit(folder, n_z=20_000_000), "config.json: n_z: 20000000 is out of range"),
            (lambda folder: edit(folder, width=64, image_size=4096), "config.json: "),
            (lambda folder: edit(folder, betas_G=[0.5, 1.0]), "config.json: betas_G: 1.0 is out of range"),
            (
                lambda folder: edit(folder, d_conv_bn="some"),
                "config.json: d_conv_bn: some (expected 'last', 'all', 'none')",
            ),
            (lambda folder: edit(folder, colour=True), "config.json: "),
            (lambda folder: edit(folder, image_size=30), "config.json: image_size: 30 is not a multiple of 8"),
            (lambda folder: edit(folder, n_d=7), "model.safetensors: does not fit pseudo_label"),
            (lambda folder: cut(folder / "model.safetensors"), "model.safetensors: not a readable safetensors file"),
            (lambda folder: (folder / "model.safetensors").write_bytes(b""), "model.safetensors: not a readable"),
            (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors: not a readable"),
            (lambda folder: (folder / "config.json").unlink(), "holds no weights"),
        ],
        ids=[
            *("truncated config", "config of another kind", "another system", "several systems", "endless nesting"),
            *("beyond floats", "truth for a number", "endless range", "wrong type", "null"),
            *("size of terabytes", "sizes of terabytes together", "decay out of range", "wrong choice"),
            *("unknown argument", "impossible size", "other sizes", "truncated weights", "empty weights"),
            *("no weights", "no config"),
        ],
    )
    def test_weights_that_cannot_be_used(self, refused, trained_run, tmp_path, damage, says):
        folder = tmp_path / "weights"
        shutil.copytree(trained_run / "weights", folder)
        damage(folder)
        assert says in refused("generate", folder, "grid", "-o", tmp_path / "grid.png")
        assert not (tmp_path / "grid.png").exists()

    def test_weights_of_no_name(self, refused):
        assert "nothing/here: no such weights" in refused("generate", "nothing/here", "grid")


def edit(folder: Path, **values: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


class TestTrain:
    def test_from_data_to_a_clip(self, tmp_path, run_options, as_flags, frames, capsys):
        """36: train on a folder, draw, label, evaluate."""
        run, data = tmp_path / "run", tmp_path / "data"
        for i in range(16):
            shutil.copytree(frames, data / f"clip{i}")
        flags = as_flags(run_options | {"data": data, "max_steps": 3})
        assert main(["train", "pseudo_label", "--out", str(run), *flags]) == 0
        assert f"{run}/weights: done. Next: mutoscope generate {run}" in capsys.readouterr().out
        assert main(["generate", str(run), "sweep", "-o", str(tmp_path / "clip.gif")]) == 0
        assert main(["generate", str(run), "label", "--frames", str(frames), "-o", str(tmp_path / "l.json")]) == 0
        assert len(json.loads((tmp_path / "l.json").read_text())) == 6
        quick = ["--extractor", "pca64-pixels", "--clips", "40", "--resamples", "5"]
        assert main(["evaluate", str(run), "--data", str(data), *quick, "-o", str(tmp_path / "m.json")]) == 0
        measures = json.loads((tmp_path / "m.json").read_text())["measures"]
        assert {"nmi_clip", "order_recovery", "E_d", "E_c"} <= measures.keys()

    def test_files_give_options_and_flags_have_the_last_word(self, tmp_path, run_options):
        (tmp_path / "options.yaml").write_text("\n".join(f"{k}: {v}" for k, v in run_options.items()) + "\nn_d: 6\n")
        options = ["--config", str(tmp_path / "options.yaml"), "--max_steps", "1", "--n_c", "5", "--quiet"]
        assert main(["train", "pseudo_label", "--out", str(tmp_path / "run"), *options]) == 0
        config = json.loads((tmp_path / "run" / "weights" / "config.json").read_text())
        assert (config["n_d"], config["n_c"], config["width"]) == (6, 5, 0.25)

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["pseudolabel"], "pseudolabel: no such system (there are pseudo_label"),
            (["pseudo_label", "--preset", "huge"], "has no 'huge'"),
            (["pseudo_label", "--learning_rate", "1"], "learning_rate"),
            (["pseudo_label", "--n_d", "many"], "n_d"),
            (["pseudo_label", "--batch_size", "0"], "batch_size: 0 is out of range (expected 1 to 1e+09)"),
            (["pseudo_label", "--max_time", "soon"], "max_time: 'soon' is not a time"),
            (["pseudo_label", "--data", "/nowhere"], "/nowhere: does not exist"),
            (["pseudo_label", "--config", "/nowhere.yaml"], "/nowhere.yaml: not a readable YAML file"),
            (["pseudo_label", "--resume", "/nowhere"], "/nowhere: nothing to resume"),
        ],
    )
    def test_what_cannot_be_is_said_in_one_line(self, refused, tmp_path, monkeypatch, arguments, says):
        monkeypatch.chdir(tmp_path)
        assert says in refused("train", *arguments)

    def test_a_folder_that_exists_is_not_overwritten(self, refused, trained_run):
        assert "exists already" in refused("train", "pseudo_label", "--out", trained_run)

    def test_a_run_that_diverges_fails_with_status_1_in_one_line(self, tmp_path, run_options, as_flags, capsys):
        flags = as_flags(run_options | {"max_steps": 50, "lr_D": 1e30, "lr_G": 1e30, "log_every": 1})
        assert main(["train", "pseudo_label", "--quiet", "--out", str(tmp_path / "run"), *flags]) == 1
        error = capsys.readouterr().err
        assert "training stopped" in error
        assert "Traceback" not in error

    def test_ctrl_c_is_one_line_and_status_130(self, tmp_path, run_options, as_flags, shell):
        out = tmp_path / "run"
        flags = as_flags(run_options | {"max_steps": 1_000_000, "checkpoint_every": 10, "keep_checkpoints": 1})
        process = shell("train", "pseudo_label", "--quiet", "--out", str(out), *flags)
        try:
            while not list(out.glob("checkpoints/*.ckpt")):
                assert process.poll() is None, process.stderr.read()
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=60)
        finally:
            process.kill()
        assert "Traceback" not in error
        assert process.returncode == 130
        assert error.strip().splitlines()[-1] == "mutoscope: interrupted"


class TestEvaluateAndData:
    def test_measures_are_printed_and_written(self, trained_run, tmp_path, capsys):
        out = tmp_path / "measures.csv"
        arguments = ["evaluate", str(trained_run), "--data", "sprites", "--max_clips", "4", "-o", str(out)]
        assert main([*arguments, "--extractor", "pca64-pixels", "--clips", "40", "--resamples", "5"]) == 0
        printed = capsys.readouterr().out
        assert "4 clips, 160 frames" in printed
        assert "controllability" in printed
        assert out.read_text().startswith("row,metric,value,low,high\n")

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [(["RUN"], "data"), (["RUN", "--data", "/nowhere"], "/nowhere"), (["/none", "--data", "sprites"], "/none")],
    )
    def test_what_cannot_be_evaluated(self, refused, trained_run, arguments, says):
        assert says in refused("evaluate", *(trained_run if a == "RUN" else a for a in arguments))

    def test_data_is_looked_at(self, frames, tmp_path, capsys):
        sheet = tmp_path / "sheet.png"
        assert main(["data", "inspect", str(frames.parent), "--size", "16", "-o", str(sheet)]) == 0
        assert "30x20" in capsys.readouterr().out
        assert sheet.exists()

    @pytest.mark.parametrize(
        "arguments", [[], ["show"], ["inspect"], ["inspect", "/nowhere"], ["inspect", "sprites", "--size", "2"]]
    )
    def test_data_that_cannot_be_looked_at(self, refused, arguments):
        assert refused("data", *arguments)

    def test_unknown_commands_are_told_the_known_ones(self, refused):
        assert "animate: no such command (there are list, generate, train" in refused("animate")

    def test_list_takes_no_arguments(self, refused):
        assert "list takes no arguments" in refused("list", "weights")


class TestShell:
    """In a process of its own, as installed."""

    def test_help_is_quick_and_loads_no_network(self):
        code = "import sys; from mutoscope.cli import main; main(['--help']); print('torch' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert done.stdout.splitlines()[-1] == "False"

    def test_drawing_from_weights_loads_no_trainer(self, tmp_path):
        """Importing it takes twice as long as importing torch."""
        arguments = ["generate", "pseudo_label/sprites", "sweep", "-o", str(tmp_path / "clip.gif")]
        code = f"import sys; from mutoscope.cli import main; main({arguments}); print('lightning' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
        assert done.stdout.splitlines()[-1] == "False"
        assert (tmp_path / "clip.gif").exists()

    def test_a_reader_that_leaves_is_no_error(self):
        """As in `mutoscope --help | head -0`."""
        reading, writing = os.pipe()
        os.close(reading)
        command = [sys.executable, "-m", "mutoscope", "--help"]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
        os.close(writing)
        assert done.stderr == ""

    def test_bad_input_is_status_2_without_a_traceback(self):
        command = [sys.executable, "-m", "mutoscope", "data", "inspect", "/nowhere"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


def test_the_package_offers_what_its_documentation_names(trained_run):
    import mutoscope

    assert mutoscope.load(trained_run).name == "pseudo_label"
    assert mutoscope.train is train
    assert "pseudo_label" in mutoscope.list_systems()
    assert set(mutoscope.__all__) <= set(dir(mutoscope))
    with pytest.raises(AttributeError, match="no attribute 'animate'"):
        _ = mutoscope.animate
