"""Clips as batches of pictures: spatial and temporal layers as 2-D ones, on views.

Clips are `b c t h w` and keep their channels last in memory. In that layout all frames are one batch of pictures, and
all pixel positions one row of a picture whose height is time, without a copy.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

Clip = Float[Tensor, "b c t h w"]


def frames_of(x: Clip) -> Float[Tensor, "bt c h w"]:
    """The frames of all clips as pictures: what a spatial layer takes."""
    return x.transpose(1, 2).flatten(0, 1)


def clips_of(frames: Float[Tensor, "bt c h w"], clips: int) -> Clip:
    """Undoes `frames_of`."""
    return frames.unflatten(0, (clips, -1)).transpose(1, 2)


def frames_at(x: Clip, times: Int[Tensor, "b k"]) -> Float[Tensor, "bk c h w"]:
    """k frames of each clip, at times of its own, clip after clip."""
    clip = torch.arange(len(x), device=x.device).repeat_interleave(times.shape[1])
    return x[clip, :, times.flatten()]


def times_of(x: Clip) -> Float[Tensor, "b c t hw"]:
    """Clips as pictures of time against position: what a temporal layer takes."""
    return x.flatten(3)


class Spatial(nn.Module):
    """A 2-D convolution of every frame, with what follows it."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Clip) -> Float[Tensor, "b c_out t h_out w_out"]:
        return clips_of(self.layers(frames_of(x)), len(x))


class Temporal(nn.Module):
    """A 1-D convolution over time at every position, with what follows it."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Clip) -> Float[Tensor, "b c_out t_out h w"]:
        return self.layers(times_of(x)).unflatten(3, x.shape[3:])
