"""What a feature extractor is, and what all of them share: channels, centre windows, batches of bounded size."""

from collections.abc import Callable
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor
from torch.nn import functional as F

from mutoscope.errors import InputError
from mutoscope.media.images import to_channels

Kind = Literal["frame", "clip"]
Tells = Literal["labels", "subjects"]


@runtime_checkable
class Extractor(Protocol):
    """Any callable that turns frames (`n h w c`) or clips (`n t h w c`) into features and is named after them.

    Attributes:
        name: which features these are, such as `inception2048`; metrics carry it in their own names.
        kind: "frame" or "clip", what it is called with.
    """

    name: str
    kind: Kind

    def __call__(self, batch: UInt8[np.ndarray, "n *t h w c"], /) -> Float[np.ndarray, "n k"]: ...


@runtime_checkable
class Classifier(Extractor, Protocol):
    """An extractor that also tells classes, for the Inception score and for label accuracy.

    Attributes:
        classes: the name of each class.
    """

    classes: list[str]

    def probabilities(self, batch: UInt8[np.ndarray, "n *t h w c"], /) -> Float[np.ndarray, "n classes"]:
        """The probability of each class; rows sum to 1."""
        ...


def with_channels(batch: UInt8[np.ndarray, "*n h w _"], channels: int) -> UInt8[np.ndarray, "*n h w c"]:
    """Grey is replicated, colour becomes luma (ITU-R 601), alpha is composited over black.

    Raises:
        InputError: the batch has neither 1, 2, 3 nor 4 channels.
    """
    if batch.shape[-1] not in (1, 2, 3, 4):
        raise InputError(f"features: frames have {batch.shape[-1]} channels (expected 1 for grey or 3 for RGB)")
    rows = batch.reshape(-1, *batch.shape[-2:])
    return to_channels(rows, channels).reshape(*batch.shape[:-1], channels)


def centre_window(clips: UInt8[np.ndarray, "n t h w c"], frames: int, name: str) -> UInt8[np.ndarray, "n _ h w c"]:
    """The `frames` frames in the middle of each clip.

    Raises:
        InputError: the clips are shorter, for the features called `name`.
    """
    length = clips.shape[1]
    if length < frames:
        raise InputError(f"{name}: clips have {length} frames (expected at least {frames})")
    start = (length - frames) // 2
    return clips[:, start : start + frames]


def resized(images: Float[Tensor, "*n c h w"], height: int, width: int) -> Float[Tensor, "*n c {height} {width}"]:
    """Bilinear, antialiased where it shrinks (as Pillow's filter of this name)."""
    if images.shape[-2:] == (height, width):
        return images
    flat = images.reshape(-1, *images.shape[-3:])
    flat = F.interpolate(flat, (height, width), mode="bilinear", antialias=True, align_corners=False)
    return flat.reshape(*images.shape[:-2], height, width)


@torch.inference_mode()
def in_batches(
    compute: Callable[[UInt8[np.ndarray, "b *t h w c"]], Float[Tensor, "b k"]],
    batch: UInt8[np.ndarray, "n *t h w c"],
    batch_size: int,
) -> Float32[np.ndarray, "n k"]:
    """What `compute` makes of at most `batch_size` frames or clips at a time, without recording gradients."""
    parts = [compute(batch[start : start + batch_size]) for start in range(0, len(batch), batch_size)]
    return torch.cat([part.float().cpu() for part in parts]).numpy()
