"""Two networks small enough to train on one core in a minute: a 2-D ResNet for frames, an R(2+1)D for clips.

Both end in 64 linear features; with classes, a linear layer on the features tells them apart.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

DIMS = 64
MOTION_GAIN = 4.0
"""Brings differences between frames to about the size of the frames' own values."""


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions that halve the size, beside a projection (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o y x"]:
        return (self.branch(x) + self.shortcut(x)).relu()


def factorised(inputs: int, outputs: int, kernel: int, time_stride: int) -> nn.Sequential:
    """A convolution over space, halving it, then one over time: R(2+1)D (Tran et al. 2018)."""
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, (1, kernel, kernel), (1, 2, 2), (0, kernel // 2, kernel // 2), bias=False),
        nn.BatchNorm3d(outputs),
        nn.ReLU(),
        nn.Conv3d(outputs, outputs, (3, 1, 1), (time_stride, 1, 1), (1, 0, 0), bias=False),
        nn.BatchNorm3d(outputs),
        nn.ReLU(),
    )


class SmallResNet(nn.Module):
    """Images `n c h w` in [-1, 1] to features `n 64`.

    Args:
        channels: of the images.
        classes: how many classes to tell apart; with 0 there is no classifier.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(channels, 32, 5, 2, 2, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            ResidualBlock(32, 32),
            ResidualBlock(32, 64),
            ResidualBlock(64, 128),
            nn.AdaptiveAvgPool2d(2),  # where things are is part of what a frame shows
        )
        self.features = nn.Linear(128 * 4, DIMS)
        self.classifier = nn.Linear(DIMS, classes) if classes else None
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 64"]:
        return self.features(self.trunk(images.contiguous(memory_format=torch.channels_last)).flatten(1))


class SmallR2Plus1D(nn.Module):
    """Clips `n t c h w` in [-1, 1] to features `n 64`.

    Beside each frame it is shown the difference to the frame before: small motion before a large background would
    otherwise be learned late, if at all.

    Args:
        channels: of the frames.
        classes: how many classes to tell apart; with 0 there is no classifier.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            factorised(2 * channels, 16, kernel=5, time_stride=1),
            factorised(16, 32, kernel=3, time_stride=2),
            factorised(32, 64, kernel=3, time_stride=2),
            factorised(64, 128, kernel=3, time_stride=2),
            nn.AdaptiveAvgPool3d((1, 2, 2)),
        )
        self.features = nn.Linear(128 * 4, DIMS)
        self.classifier = nn.Linear(DIMS, classes) if classes else None
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(self, clips: Float[Tensor, "n t c h w"]) -> Float[Tensor, "n 64"]:
        motion = MOTION_GAIN * clips.diff(dim=1, prepend=clips[:, :1])
        volumes = torch.cat([clips, motion], 2).transpose(1, 2).contiguous(memory_format=torch.channels_last_3d)
        return self.features(self.trunk(volumes).flatten(1))
