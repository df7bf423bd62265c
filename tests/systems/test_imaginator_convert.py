"""Weights that the authors' code of ImaGINator saves: what is read from them draws and judges as their networks do.

Those are here in our transcription of that code, whose state_dicts have the same names.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import g3an_release
import imaginator_release
import pytest
import torch
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.systems.conversion import convertible
from mutoscope.systems.imaginator import ImaGINator
from mutoscope.systems.imaginator.convert import convert

CH = 4
PARAMETRIZATIONS = {"weight_orig": "original", "weight_u": "0._u", "weight_v": "0._v"}


def trained(network: nn.Module, *inputs: Tensor) -> nn.Module:
    """The network in eval mode, as training might have left it: nothing has the value it starts from."""
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.uniform_(parameter, -0.3, 0.3)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d)]
    for norm in norms:
        norm.momentum = 0.9  # the statistics come close to those of the features in one pass
    with torch.no_grad():
        network(*inputs)
    for norm in norms:
        norm.running_mean += 0.1 * torch.randn_like(norm.running_mean) * norm.running_var.sqrt()
        norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.5, 1.5)
    return network.eval()


def first_labels(n: int, categories: int) -> Tensor:
    """One-hot, `n K`."""
    return torch.eye(max(n, categories))[:n, :categories]


def inputs_of_generator(n: int, d_z: int = 512, categories: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures, noise and labels."""
    return torch.rand(n, 3, 64, 64) * 2 - 1, torch.randn(n, d_z), first_labels(n, categories)


def authors_generator(d_z: int = 512, categories: int = 6, **arguments: Any) -> nn.Module:
    torch.manual_seed(0)
    network = imaginator_release.Generator(d_z=d_z, categories=categories, **({"ch": CH} | arguments))
    return trained(network, *inputs_of_generator(2, d_z, categories))


def authors_discriminators(categories: int = 6) -> dict[str, nn.Module]:
    torch.manual_seed(1)
    D_V, D_I = imaginator_release.VideoDiscriminator(categories, CH), imaginator_release.ImageDiscriminator(CH)
    clips = torch.rand(2, 3, 32, 64, 64) * 2 - 1
    return {"D_V": trained(D_V, clips, first_labels(2, categories)), "D_I": trained(D_I, clips[:, :, 0])}


@pytest.fixture(scope="module")
def generator() -> nn.Module:
    return authors_generator()


@pytest.fixture(scope="module")
def discriminators() -> dict[str, nn.Module]:
    return authors_discriminators()


@pytest.fixture(scope="module")
def image_discriminator(tmp_path_factory, discriminators) -> Path:
    """A narrow one, which tells how wide new video discriminators are to be: they are faster to build."""
    return saved(discriminators["D_I"].state_dict(), tmp_path_factory.mktemp("authors") / "ID_100.pth")


@pytest.fixture(scope="module")
def video_discriminator(tmp_path_factory, discriminators) -> Path:
    return saved(discriminators["D_V"].state_dict(), tmp_path_factory.mktemp("authors") / "VD_100.pth")


def saved(state: Any, file: Path) -> Path:
    torch.save(state, file)
    return file


@pytest.fixture
def read(tmp_path, image_discriminator) -> Callable[..., ImaGINator]:
    """`read(state, **options)`: the system that its file becomes."""

    def run(state: Any, **options: Any) -> ImaGINator:
        system = convert(saved(state, tmp_path / "G_100.pth"), **({"D_I": image_discriminator} | options)).system
        assert isinstance(system, ImaGINator)
        return system

    return run


@torch.no_grad()
def difference(theirs: nn.Module, system: ImaGINator, n: int = 2) -> float:
    """The largest one between pixels of the clips that both generators draw from the same inputs."""
    image, z, y = inputs_of_generator(n, system.config.d_z, len(system.label_names))
    clips = theirs(image, z, y)
    assert clips.shape == (n, 3, 32, 64, 64)
    assert clips.std() > 0.05  # there is something to see
    ours = system.generator(image, z, y if system.label_names else None)
    return (ours - clips).abs().max().item()


class TestGenerator:
    @pytest.mark.parametrize("categories", [6, 3, 0])
    def test_it_draws_what_the_authors_generator_draws(self, read, categories):
        theirs = authors_generator(categories=categories)
        assert difference(theirs, read(theirs.state_dict()), n=max(2, categories)) <= 1e-5

    def test_sizes_are_read_from_the_tensors(self, read):
        theirs = authors_generator(d_z=20, d_p=7, categories=2, ch=3)
        system = read(theirs.state_dict())
        config = system.config.to_dict()
        assert {name: config[name] for name in ("d_z", "d_p", "ch", "image_size")} == {
            "d_z": 20,
            "d_p": 7,
            "ch": 3,
            "image_size": 64,
        }
        assert system.config.length == 32
        assert difference(theirs, system) <= 1e-5

    def test_labels_have_the_order_of_the_authors_training(self, read, generator):
        """Nothing in the file names them; the authors' one-hot labels of MUG do."""
        assert read(generator.state_dict()).label_names == [
            "sadness",
            "anger",
            "surprise",
            "disgust",
            "happiness",
            "fear",
        ]

    @pytest.mark.parametrize("categories", [2, 0])
    def test_other_labels_are_numbers(self, read, categories):
        system = read(authors_generator(categories=categories).state_dict())
        assert system.label_names == [str(k) for k in range(categories)]

    def test_the_transcription_has_the_parameters_of_the_tables(self):
        """Acceptance item 2; with these widths the authors' checkpoints load into it."""
        with torch.device("meta"):
            networks = (
                imaginator_release.Generator(),
                imaginator_release.VideoDiscriminator(),
                imaginator_release.ImageDiscriminator(),
            )
        counts = [sum(p.numel() for p in network.parameters()) for network in networks]
        assert counts == [75_406_451, 11_088_833, 2_764_737]


class TestDiscriminators:
    @pytest.mark.parametrize("categories", [6, 0])
    @torch.no_grad()
    def test_they_judge_as_the_authors_do(self, read, tmp_path, categories):
        theirs = authors_discriminators(categories)
        files = {name: saved(theirs[name].state_dict(), tmp_path / f"{name}.pth") for name in theirs}
        system = read(authors_generator(categories=categories).state_dict(), **files)
        clips, y = torch.rand(3, 3, 32, 64, 64) * 2 - 1, first_labels(3, categories)
        said = system.D_V(clips, y if categories else None)
        torch.testing.assert_close(said.score, theirs["D_V"](clips, y), atol=1e-5, rtol=0)
        torch.testing.assert_close(system.D_I(clips[:, :, 5]), theirs["D_I"](clips[:, :, 5]), atol=1e-5, rtol=0)

    def test_those_without_a_file_are_new_and_the_user_is_told(
        self, tmp_path, generator, image_discriminator, video_discriminator
    ):
        file = saved(generator.state_dict(), tmp_path / "G.pth")
        labels = "labels: taken for those of the authors' MUG, sadness, anger, surprise, disgust, happiness, fear"
        assert convert(file, D_V=video_discriminator, D_I=image_discriminator).notes == [labels]
        for given, missing in (({"D_I": image_discriminator}, "D_V"), ({"D_V": video_discriminator}, "D_I")):
            assert convert(file, **given).notes == [labels, f"{missing}: untrained, for no file of theirs was given"]

    def test_they_must_fit_each_other_and_the_generator(self, read, tmp_path, generator, video_discriminator):
        state = generator.state_dict()
        narrow = saved(imaginator_release.ImageDiscriminator(2).state_dict(), tmp_path / "ID.pth")
        with pytest.raises(InputError, match=r"ID\.pth: is 2 channels wide \(expected 4, as .*VD_100\.pth"):
            read(state, D_V=video_discriminator, D_I=narrow)
        for_two = saved(imaginator_release.VideoDiscriminator(2, CH).state_dict(), tmp_path / "VD.pth")
        with pytest.raises(InputError, match=r"VD\.pth: is for 2 labels \(expected 6, as .*G_100\.pth"):
            read(state, D_V=for_two)


class TestFiles:
    """However a state_dict was stored, the same weights are read."""

    @pytest.mark.parametrize(
        "stored",
        [
            lambda state: {f"module.{key}": value for key, value in state.items()},
            lambda state: {"epoch": 3, "state_dict": state},
            lambda state: {"G": {"state_dict": {f"module.{key}": value for key, value in state.items()}}, "VD": {}},
        ],
        ids=["DataParallel", "state_dict", "G"],
    )
    def test_wrappings_change_nothing(self, read, generator, stored):
        plain, wrapped = (
            read(state).state_dict() for state in (generator.state_dict(), stored(generator.state_dict()))
        )
        assert all(torch.equal(plain[key], wrapped[key]) for key in plain)

    def test_one_file_may_hold_all_three_under_the_names_of_the_authors_networks(
        self, tmp_path, generator, discriminators
    ):
        networks = {"G": generator, "VD": discriminators["D_V"], "ID": discriminators["D_I"]}
        file = saved({name: network.state_dict() for name, network in networks.items()}, tmp_path / "all.pth")
        assert difference(generator, convert(file, D_V=file, D_I=file).system) <= 1e-5

    def test_present_names_of_spectral_normalisation_are_read(
        self, read, tmp_path, generator, discriminators, video_discriminator
    ):
        renamed = {}
        for key, value in discriminators["D_V"].state_dict().items():
            layer, name = key.rsplit(".", 1)
            modern = f"parametrizations.weight.{PARAMETRIZATIONS[name]}" if name in PARAMETRIZATIONS else name
            renamed[f"{layer}.{modern}"] = value
        files = video_discriminator, saved(renamed, tmp_path / "modern.pth")
        old, new = (read(generator.state_dict(), D_V=file).D_V.state_dict() for file in files)
        assert all(torch.equal(old[key], new[key]) for key in old)

    def test_the_same_file_gives_the_same_weights_and_no_random_number_is_lost(self, read, generator):
        before = torch.get_rng_state()
        first, second = (read(generator.state_dict()).state_dict() for _ in range(2))
        assert torch.equal(torch.get_rng_state(), before)
        assert all(torch.equal(first[key], second[key]) for key in first)


class TestRefusals:
    """What cannot be read is told in one line that names the file."""

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda state: state.pop("enc.b3.0.bias"), "enc.b3.0.bias is missing"),
            (lambda state: state.pop("enc.b5.0.weight"), "enc.b5.0.weight is missing"),
            (lambda state: state.pop("dec.to_rgb.conv.0.weight"), "dec.to_rgb.conv.0.weight is missing"),
            (lambda state: state.pop("dec.block2.conv.4.running_var"), "dec.block2.conv.4.running_var is missing"),
            (lambda state: state.update(extra=torch.zeros(1)), "extra is unexpected"),
            (lambda state: state.update({"enc.b2.1.bias": torch.zeros(9)}), "enc.b2.1.bias is 9 .expected 8"),
            (lambda state: state.update({"enc.b1.0.weight": torch.zeros(0, 3, 4, 4)}), "none of them 0"),
            (lambda state: state.update({"dec.block1.conv.0.weight": torch.zeros(3)}), r"of shape \(3,\) .expected 5"),
            (
                lambda state: state.update({"dec.to_rgb.conv.0.weight": torch.zeros(7, 36, 4, 1, 1)}),
                "widths leave -1 labels",
            ),
            (
                lambda state: state.update({"dec.block1.conv.0.weight": torch.zeros(106, 64 * CH, 2, 1, 1)}),
                "widths leave 6 labels and 0 noises",
            ),
            (
                lambda state: state["dec.block1.conv.1.running_mean"].fill_(float("nan")),
                "running_mean has values that are not finite",
            ),
        ],
    )
    def test_tensors_that_do_not_fit_are_named(self, read, generator, change, told):
        state = {key: value.clone() for key, value in generator.state_dict().items()}
        change(state)
        self.refused(read, state, told)

    @pytest.mark.parametrize(
        ("state", "told"),
        [
            (nn.Linear(2, 2).state_dict(), "enc.b1.0.weight is missing, bias is unexpected"),
            ({"enc.b1.0.weight": torch.zeros(4)}, "enc.b1.0.weight has 1 axes"),
            ({}, "holds no state_dict"),
            ([torch.zeros(2)], "holds no state_dict"),
            (nn.Linear(2, 2), "not one of tensors alone"),
        ],
    )
    def test_other_things_are_refused(self, read, state, told):
        self.refused(read, state, told)

    def test_networks_are_not_taken_for_each_other(
        self, read, generator, discriminators, image_discriminator, video_discriminator
    ):
        state = generator.state_dict()
        self.refused(read, discriminators["D_V"].state_dict(), "is the video discriminator .* .expected its generator")
        self.refused(read, discriminators["D_I"].state_dict(), "is the image discriminator .* .expected its generator")
        self.refused(read, state, "is the image discriminator", D_V=image_discriminator)
        self.refused(read, state, "is the video discriminator", D_I=video_discriminator)

    def test_other_systems_of_these_authors_are_refused(self, read, tmp_path, generator):
        their_g3an = g3an_release.Generator(ch=2).state_dict()
        self.refused(read, their_g3an, r"not the generator of an ImaGINator \(enc.b1.0.weight is missing")
        judge = saved(g3an_release.VideoDiscriminator(CH).state_dict(), tmp_path / "VD_g3an.pth")
        self.refused(read, generator.state_dict(), "not the video discriminator of an ImaGINator", D_V=judge)

    @pytest.mark.parametrize("length", [0, 100, 20_000])
    def test_files_that_are_cut_off_are_refused(self, tmp_path, generator, length):
        file = saved(generator.state_dict(), tmp_path / "G.pth")
        file.write_bytes(file.read_bytes()[:length])
        with pytest.raises(InputError, match=r"G\.pth: not a") as told:
            convert(file)
        assert "\n" not in str(told.value)

    def test_it_is_among_the_systems_that_can_be_converted(self):
        assert "imaginator" in convertible()

    @staticmethod
    def refused(read: Callable[..., ImaGINator], state: Any, told: str, **options: Path) -> None:
        with pytest.raises(InputError, match=told) as error:
            read(state, **options)
        assert str(error.value).split(": ")[0].endswith(".pth")
        assert "\n" not in str(error.value)
