"""`mutoscope evaluate` and `mutoscope data extractor`, as a user meets them."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mutoscope.cli import main
from mutoscope.data import open_clips

QUICK = ["--extractor", "pca64-pixels", "--clips", "40", "--matched", "4", "--resamples", "5", "--frames", "8"]


@pytest.fixture
def refused(capsys):
    """Runs a command that must fail, and returns the one line it says."""

    def run(*arguments: object) -> str:
        assert main([str(argument) for argument in arguments]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        return error

    return run


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    """Sixteen real clips, and as many generated ones of the same names: the real ones with noise, and shorter."""
    root = tmp_path_factory.mktemp("clips")
    clips, rng = open_clips("sprites", size=16, max_clips=16, seed=5), np.random.default_rng(0)
    for kind in ("real", "fake"):
        (root / kind).mkdir()
    for i in range(len(clips)):
        frames = clips[i].frames
        noisy = (frames[:12] + rng.normal(0, 20, frames[:12].shape)).clip(0, 255).astype(np.uint8)
        np.save(root / "real" / f"clip{i}.npy", frames)
        np.save(root / "fake" / f"clip{i}.npy", noisy)
    return root / "fake", root / "real"


def test_a_system_with_its_references_on_screen_and_in_files(trained_run, tmp_path, capsys):
    outputs = [tmp_path / "m.json", tmp_path / "m.csv"]
    flags = [text for out in outputs for text in ("-o", str(out))]
    arguments = ["evaluate", str(trained_run), "--data", "sprites", "--max_clips", "8", *QUICK, *flags]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    for text in ("sprites: 8 clips, 320 frames", "real vs real", "static copy", "shuffled frames", "controllability"):
        assert text in printed
    assert "fid[pca64-pixels] ↓" in printed
    written = json.loads(outputs[0].read_text())
    assert set(written["rows"]) == {str(trained_run), "real vs real", "static copy", "shuffled frames"}
    assert written["protocol"]["seed"] == 1000
    assert "controllability" in written["measures"]
    with outputs[1].open() as file:
        rows = {(line["row"], line["metric"]): line for line in csv.DictReader(file)}
    fid = written["rows"]["static copy"]["fid[pca64-pixels]"]
    assert float(rows["static copy", "fid[pca64-pixels]"]["value"]) == fid["value"]


@pytest.mark.parametrize("pairing", ["match", "name"])
def test_a_folder_of_generated_clips(folders, capsys, pairing, tmp_path):
    fake, real = folders
    out = tmp_path / "m.json"
    options = ["--size", "16", "--metrics", "pixel,fid", "--pairing", pairing, "-o", str(out)]
    assert main(["evaluate", str(fake), "--data", str(real), *QUICK, *options]) == 0
    rows = json.loads(out.read_text())["rows"]
    assert 20 < rows[str(fake)]["psnr"]["value"] < 26
    assert rows[str(fake)]["flicker"]["value"] > rows["real vs real"]["flicker"]["value"]
    assert ("psnr" in rows["real vs real"]) == (pairing == "match")


def test_another_size_is_said(folders, capsys):
    fake, real = folders
    arguments = ["evaluate", str(fake), "--data", str(real), "--size", "24", "--metrics", "psnr", *QUICK]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "\nresized from                        16x16\n" in printed
    assert "\ngenerated resized from              16x16\n" in printed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["FAKE"], "is a folder of clips (expected --data"),
        (["FAKE", "--data", "REAL", "--metrics", "fod"], "metrics: fod is unknown (expected some of"),
        (["FAKE", "--data", "REAL", "--frames", "13"], "fake: the longest clip has 12 frames (expected at least 13"),
        (["FAKE", "--data", "REAL", "--extractor", "nope"], "nope: no such extractor"),
        (["FAKE", "--data", "REAL", "--extractor", "i3d400=/none.pt"], "/none.pt: no such file"),
        (["FAKE", "--data", "REAL", "-o", "m.txt"], "m.txt: a report cannot be saved"),
        (["FAKE", "--data", "REAL", "--pairing", "order"], "pairing"),
        (["FAKE", "--data", "REAL", "--clips", "1"], "clips: 1 is too few"),
        (["EMPTY", "--data", "REAL"], "holds no clips"),
        (["RUN", "--data", "sprites", "--size", "32"], "size: 32, but"),
        (["RUN", "--data", "sprites", "--pairing", "name", "--max_clips", "4"], "draws clips without names"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(refused, folders, trained_run, tmp_path, monkeypatch, arguments, says):
    (tmp_path / "none").mkdir()
    monkeypatch.chdir(tmp_path)
    places = {"FAKE": folders[0], "REAL": folders[1], "RUN": trained_run, "EMPTY": tmp_path / "none"}
    given = [places.get(argument, argument) for argument in arguments]
    extra = [] if "--extractor" in given else ["--extractor", "pca64-pixels"]
    assert says in refused("evaluate", *given, *extra)
    assert [path.name for path in tmp_path.iterdir()] == ["none"]


def test_a_folder_named_as_a_synthetic_set_is_that_folder(folders, tmp_path, monkeypatch, capsys):
    fake, real = folders
    shutil.copytree(fake, tmp_path / "talk")
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "talk", "--data", str(real), "--size", "16", "--metrics", "fid", *QUICK]) == 0
    assert "talk: 16 clips, 192 frames" in capsys.readouterr().out


def test_extractors_are_trained_and_used(folders, tmp_path, capsys):
    fake, real = folders
    out = tmp_path / "extractor"
    training = ["data", "extractor", str(real), "--kind", "frame", "--steps", "2", "--size", "16", "-o", str(out)]
    assert main(training) == 0
    assert f"--extractor {out}" in capsys.readouterr().out
    assert (out / "README.md").is_file()
    measuring = ["evaluate", str(fake), "--data", str(real), "--extractor", str(out), "--size", "16"]
    assert main([*measuring, "--metrics", "fid", "--frames", "8", "--resamples", "0"]) == 0
    assert "fid[resnet64-real] ↓" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["extractor", "/nowhere"], "/nowhere"),
        (["extractor", "sprites", "--kind", "sound"], "kind"),
        (["extractor", "REAL", "--kind", "clip", "--frames", "99"], "r2plus1d64-real"),
    ],
)
def test_extractors_that_cannot_be_trained(refused, folders, arguments, says):
    assert says in refused("data", *(folders[1] if argument == "REAL" else argument for argument in arguments))
