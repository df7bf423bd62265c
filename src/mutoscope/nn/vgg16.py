"""What VGG16 sees in a picture: its 13 convolutions, with the weights of ImageNet from a file of the user's.

K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2015, Table 1, D.
"""

from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.nn.checkpoints import read_state

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Channels of each convolution; between blocks the size is halved."""

SIZE = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels in [0, 1], as torchvision's weights expect them."""


class VGG16Features(nn.Module):
    """Pictures to the activations of the last convolution, conv5_3, behind its ReLU.

    Layers have torchvision's names: `features.0` to `features.28`. Weights are frozen; gradients reach the pictures.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for block in BLOCKS:
            for outputs in block:
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = outputs
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers[:-1])
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 512 14 14"]:
        """Of pictures in [-1, 1], grey or RGB, of any size: they are resized to 224 × 224."""
        if images.shape[2:] != (SIZE, SIZE):
            images = F.interpolate(images, (SIZE, SIZE), mode="bilinear", antialias=True)
        return self.features(((images + 1) / 2 - self.mean) / self.std)


def vgg16_features(file: str | Path) -> VGG16Features:
    """The network with weights from a file in torchvision's layout, as `vgg16-397923af.pth` or a `.safetensors`.

    What lies behind the convolutions (`classifier`) is left out.

    Raises:
        InputError: the file cannot be read, or a convolution is missing or of another shape.
    """
    network = VGG16Features()
    state = _read(Path(file))
    for name, own in network.state_dict().items():
        if name not in state:
            raise InputError(f"{file}: has no {name} (expected VGG16's weights in torchvision's layout)")
        if state[name].shape != own.shape:
            found, expected = (" x ".join(map(str, tensor.shape)) for tensor in (state[name], own))
            raise InputError(f"{file}: {name} is {found} (expected {expected}, as in VGG16)")
    network.load_state_dict({name: state[name] for name in network.state_dict()})
    return network.eval()


def _read(file: Path) -> dict[str, Tensor]:
    if not file.is_file():
        raise InputError(f"{file}: no such file (expected VGG16's weights, as vgg16-397923af.pth)")
    if file.suffix != ".safetensors":
        return read_state(file)
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{file}: not a readable safetensors file ({error})") from error
