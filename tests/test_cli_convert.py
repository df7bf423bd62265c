"""`mutoscope convert`, as a user meets it."""

import json
from pathlib import Path

import g3an_release
import imaginator_release
import numpy as np
import pytest
import torch

from mutoscope.cli import main
from mutoscope.media.images import write_image
from mutoscope.systems.loading import load


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """What the authors' training of G³AN saves, narrow and after no step."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("authors")
    networks = {
        "G": g3an_release.Generator(ch=4),
        "VD": g3an_release.VideoDiscriminator(4),
        "ID": g3an_release.ImageDiscriminator(4),
    }
    for name, network in networks.items():
        torch.save(torch.nn.DataParallel(network).state_dict(), folder / f"{name}_4000.pth")
    return {name: folder / f"{name}_4000.pth" for name in networks}


@pytest.fixture
def discriminators(files) -> list[str]:
    return ["--D_V", str(files["VD"]), "--D_I", str(files["ID"])]


@pytest.fixture
def refused(capsys):
    """Runs a command that must fail with status 2, and returns the one line it says."""

    def run(*arguments: object) -> str:
        assert main(["convert", *map(str, arguments)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("mutoscope: ")
        assert printed.err.count("\n") == 1
        return printed.err

    return run


def test_a_converted_generator_can_be_used_like_any_weights(tmp_path, capsys, files, discriminators):
    out = tmp_path / "uva"
    assert main(["convert", "g3an", str(files["G"]), *discriminators, "-o", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 1
    assert printed[0].startswith(f"{out}: done. Next: mutoscope generate {out} ")
    assert sorted(file.name for file in out.iterdir()) == ["config.json", "model.safetensors"]
    assert json.loads((out / "config.json").read_text())["legacy_attention"] is True

    theirs = g3an_release.Generator(ch=4).eval()
    state = torch.load(files["G"], weights_only=True)
    theirs.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
    generator = torch.Generator().manual_seed(0)
    z_a, z_m = torch.randn(1, 128, generator=generator), torch.randn(1, 10, generator=generator)
    with torch.no_grad():
        clip = theirs(z_a[:, :, None, None, None], z_m[:, :, None, None, None])
        torch.testing.assert_close(load(out).generator(z_a, z_m), clip, atol=1e-5, rtol=0)

    command = printed[0].split("Next: mutoscope ")[1].split()
    picture = tmp_path / "first.gif"
    assert main([*command, "--clips", "1", "-o", str(picture)]) == 0
    assert picture.stat().st_size > 1000


def test_a_converted_imaginator_animates_a_picture(tmp_path, capsys):
    networks = {
        "G": imaginator_release.Generator(d_z=8, d_p=4, ch=2),
        "VD": imaginator_release.VideoDiscriminator(ch=2),
        "ID": imaginator_release.ImageDiscriminator(ch=2),
    }
    files = {name: tmp_path / f"{name}_5000.pth" for name in networks}
    for name, network in networks.items():
        torch.save(torch.nn.DataParallel(network).state_dict(), files[name])
    out = tmp_path / "mug"
    command = ["convert", "imaginator", files["G"], "--D_V", files["VD"], "--D_I", files["ID"], "-o", out]
    assert main([*map(str, command)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2
    assert printed[0].startswith("labels: taken for those of the authors' MUG")
    assert printed[1].startswith(f"{out}: done. Next: mutoscope generate {out} animate")

    theirs, image, z = networks["G"].eval(), torch.rand(2, 3, 64, 64) * 2 - 1, torch.randn(2, 8)
    system = load(out)
    y = system.one_hot(["happiness", "fear"])
    with torch.no_grad():
        torch.testing.assert_close(system.generator(image, z, y), theirs(image, z, y), atol=1e-5, rtol=0)

    picture = write_image(tmp_path / "face.png", np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    clip = tmp_path / "face.gif"
    command = ["generate", out, "animate", "--picture", picture, "--label", "surprise", "--crop", "none", "-o", clip]
    assert main([*map(str, command)]) == 0
    assert clip.stat().st_size > 1000


def test_without_discriminators_the_user_is_told_and_the_folder_is_named_after_the_file(
    tmp_path, monkeypatch, capsys, files
):
    monkeypatch.chdir(tmp_path)
    assert main(["convert", "g3an", str(files["G"]), "--attention", "equations"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("D_V and D_I: untrained")
    assert printed[1].startswith("g3an-G_4000: done.")
    assert json.loads(Path("g3an-G_4000/config.json").read_text())["legacy_attention"] is False


def test_weights_may_be_replaced_and_nothing_else(tmp_path, capsys, files, discriminators, refused):
    out = tmp_path / "uva"
    for attention in ("release", "equations"):
        command = ["convert", "g3an", str(files["G"]), *discriminators, "--attention", attention, "-o", str(out)]
        assert main(command) == 0
    capsys.readouterr()
    (out / "notes.txt").write_text("mine")
    assert "exists already" in refused("g3an", files["G"], *discriminators, "-o", out)
    assert "exists already" in refused("g3an", files["G"], *discriminators, "-o", files["VD"])
    assert (out / "notes.txt").read_text() == "mine"


def test_bad_input_gives_one_line_and_writes_nothing(tmp_path, files, refused):
    out = tmp_path / "out"
    assert "is the video discriminator" in refused("g3an", files["VD"], "-o", out)
    assert "is the image discriminator" in refused("g3an", files["G"], "--D_V", files["ID"], "-o", out)
    assert "not a readable checkpoint" in refused("g3an", tmp_path / "none.pth", "-o", out)
    told = refused("mocogan", files["G"], "-o", out)
    assert "mocogan: no weights to convert (there are conversions for " in told
    assert "g3an" in told
    assert "imaginator" in told
    assert "no weights to convert" in refused("nothing", files["G"])
    assert "attention" in refused("g3an", files["G"], "--attention", "none", "-o", out)
    assert "file" in refused("g3an")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [[], ["--help"], ["g3an", "--help"], ["imaginator", "--help"]])
def test_it_explains_itself(capsys, arguments):
    assert main(["convert", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "usage: mutoscope convert" in printed
    assert ("--D_V" in printed) == (len(arguments) == 2)
