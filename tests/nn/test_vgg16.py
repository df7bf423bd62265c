"""VGG16's convolutions on random weights in torchvision's layout, and what is said of files that are something else."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.nn.vgg16 import VGG16Features, vgg16_features

CONVOLUTIONS = {
    0: (64, 3), 2: (64, 64), 5: (128, 64), 7: (128, 128), 10: (256, 128), 12: (256, 256), 14: (256, 256),
    17: (512, 256), 19: (512, 512), 21: (512, 512), 24: (512, 512), 26: (512, 512), 28: (512, 512),
}  # fmt: skip
"""Number of the layer: channels out and in."""


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """Tensors as in torchvision's file, with a part of the classifier; He's initialisation, which keeps the scale."""
    generator = torch.Generator().manual_seed(0)
    tensors = {"classifier.6.bias": torch.zeros(1000)}
    for number, (outputs, inputs) in CONVOLUTIONS.items():
        scale = (2 / (9 * inputs)) ** 0.5
        tensors[f"features.{number}.weight"] = scale * torch.randn(outputs, inputs, 3, 3, generator=generator)
        tensors[f"features.{number}.bias"] = torch.zeros(outputs)
    return tensors


@pytest.fixture(scope="module")
def file(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vgg16.pth"
    torch.save(state, path)
    return path


def test_a_picture_becomes_the_activations_of_its_last_convolution(file: Path):
    """224 x 224, halved four times; gradients reach the picture and no weight."""
    network = vgg16_features(file)
    image = (2 * torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(1)) - 1).requires_grad_()
    features = network(image)
    assert features.shape == (1, 512, 14, 14)
    assert features.min() == 0  # behind the ReLU
    features.square().mean().backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in network.parameters())


def test_it_has_the_published_number_of_weights():
    assert sum(weight.numel() for weight in VGG16Features().parameters()) == 14_714_688


def test_the_first_layer_sees_pixels_as_imagenet_has_them(file: Path, state: dict[str, Tensor]):
    """Of the mean colour nothing is left."""
    network = vgg16_features(file)
    mean = 2 * torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1) - 1
    assert network(mean.expand(1, 3, 224, 224)).abs().max() < 1e-4


def test_safetensors_say_the_same(file: Path, state: dict[str, Tensor], tmp_path: Path):
    save_file(state, tmp_path / "vgg16.safetensors")
    one, other = vgg16_features(file), vgg16_features(tmp_path / "vgg16.safetensors")
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"features.28.weight": None}, r"has no features\.28\.weight"),
        ({"features.0.weight": torch.zeros(64, 1, 3, 3)}, r"features\.0\.weight is 64 x 1 x 3 x 3 \(expected 64 x 3 x"),
    ],
)
def test_other_networks_are_refused_in_a_line(change, complaint: str, state: dict[str, Tensor], tmp_path: Path):
    small = {name: tensor for name, tensor in (state | change).items() if tensor is not None}
    torch.save(small, tmp_path / "other.pth")
    with pytest.raises(InputError, match=complaint) as refused:
        vgg16_features(tmp_path / "other.pth")
    assert str(refused.value).startswith(str(tmp_path / "other.pth"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["none.pth", "text.pth", "text.safetensors"])
def test_files_that_hold_no_weights(name: str, tmp_path: Path):
    if name.startswith("text"):
        (tmp_path / name).write_text("weights, really")
    with pytest.raises(InputError, match=name) as refused:
        vgg16_features(tmp_path / name)
    assert "\n" not in str(refused.value)
