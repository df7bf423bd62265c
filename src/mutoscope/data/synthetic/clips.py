"""What every renderer of this room hands over, and how it gets from float canvases to uint8 frames."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

FRAMES_AT_ONCE = 256
"""How many frames to render together: enough to hide the overhead of a call, few enough to stay in the cache."""


class SyntheticClips(NamedTuple):
    """Rendered clips and the truth behind them.

    Attributes:
        clips: frames of each clip, uint8 `t h w c`.
        labels: class of each clip, an index into `label_names`.
        label_names: names of the classes.
        factors: what each frame was rendered from: for each factor one array of length t per clip.
        subjects: who is seen in each clip; None where clips show nobody.
        columns: what is known of each frame: for each column per frame (see `data.columns`) one array per clip.
        skeleton: the order of the joints, a name in `geometry.skeletons.SKELETONS`.
    """

    clips: list[UInt8[np.ndarray, "t h w c"]]
    labels: list[int]
    label_names: list[str]
    factors: dict[str, list[np.ndarray]]
    subjects: list[str] | None = None
    columns: dict[str, list[np.ndarray]] | None = None
    skeleton: str | None = None


def to_frames(canvas: Float[Tensor, "n 3 h w"], channels: int) -> UInt8[np.ndarray, "n h w c"]:
    """RGB canvases in [0, 1] as uint8 frames with 3 channels, or with 1 (the luma of ITU-R BT.601)."""
    if channels == 1:
        canvas = torch.einsum("nchw,c->nhw", canvas, canvas.new_tensor([0.299, 0.587, 0.114])).unsqueeze(1)
    pixels = (canvas * 255).round_().clamp_(0, 255).to(torch.uint8)
    return pixels.movedim(1, -1).contiguous().cpu().numpy()


def hsv_to_rgb(hue: Float[Tensor, " n"], saturation: float, value: Float[Tensor, " n"]) -> Float[Tensor, "n 3"]:
    """RGB in [0, 1] of hue [0, 1), saturation [0, 1] and value [0, 1]."""
    sector = (hue[:, None] * 6 + hue.new_tensor([5.0, 3.0, 1.0])) % 6
    return value[:, None] * (1 - saturation * torch.minimum(sector, 4 - sector).clamp(0, 1))


def split_frames(array: np.ndarray, frames: int) -> list[np.ndarray]:
    """An array over all frames cut into views of `frames` each, one per clip."""
    return list(array.reshape(-1, frames, *array.shape[1:]))
