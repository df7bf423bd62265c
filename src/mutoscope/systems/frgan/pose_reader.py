"""A small network that finds joints in frames, for what it sees in them: C_2 of the feature loss (Eq. 21)."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mutoscope.systems.frgan.config import FRGANConfig

WIDTH = 32
"""Channels of every layer inside."""
LEVELS = 3
"""How often the size is halved, and doubled again."""


class PoseReading(NamedTuple):
    """Of frames: a heat map of every joint, and the activations of the layer before these."""

    heatmaps: Float[Tensor, "n k s s"]
    features: Float[Tensor, "n f s s"]


class PoseReader(nn.Module):
    """One hourglass, from frames to heat maps of their joints.

    The paper takes the last layer of a stacked hourglass (Newell et al. 2016) that was trained on large sets of people.
    This one stands in for it, is far smaller, and is trained on the data at hand: on frames with the heat maps of their
    known joints, by mean squared error. What it makes of people in other data says little.
    """

    def __init__(self, config: FRGANConfig) -> None:
        super().__init__()
        self.stem = nn.Conv2d(config.channels, WIDTH, 5, padding=2)
        self.down = nn.ModuleList(Residual(WIDTH) for _ in range(LEVELS))
        self.deepest = Residual(WIDTH)
        self.up = nn.ModuleList(Residual(WIDTH) for _ in range(LEVELS))
        self.last = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.GroupNorm(1, WIDTH), nn.ReLU())
        self.heatmaps = nn.Conv2d(WIDTH, config.joints, 1)

    def forward(self, image: Float[Tensor, "n c s s"]) -> PoseReading:
        """Of frames in [-1, 1]."""
        features = self.features(image)
        return PoseReading(self.heatmaps(features), features)

    def features(self, image: Float[Tensor, "n c s s"]) -> Float[Tensor, "n f s s"]:
        """The activations of the last hidden layer alone."""
        x = self.stem(image)
        kept = []
        for block in self.down:
            x = block(x)
            kept.append(x)
            x = F.max_pool2d(x, 2, ceil_mode=True)
        x = self.deepest(x)
        for block in self.up:
            beside = kept.pop()
            x = block(beside + F.interpolate(x, beside.shape[2:]))
        return self.last(x)


class Residual(nn.Module):
    """Two convolutions beside the identity, each after a normalisation that knows one example only."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.GroupNorm(1, width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(1, width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Float[Tensor, "n f h w"]) -> Float[Tensor, "n f h w"]:
        return x + self.branch(x)
