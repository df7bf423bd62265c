"""What every renderer of this room hands over, and how it gets from float canvases to uint8 frames."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64, UInt8
from torch import Tensor

FRAMES_AT_ONCE = 256
"""How many frames to render together: enough to hide the overhead of a call, few enough to stay in the cache."""


class SyntheticClips(NamedTuple):
    """Rendered clips and the truth behind them.

    Attributes:
        clips: frames of each clip.
        labels: class of each clip, an index into `label_names`.
        label_names: names of the classes.
        factors: what each frame was rendered from: for each factor an array, clips and frames first.
        subjects: who is seen in each clip; None where clips show nobody.
        columns: what is known of each frame: for each column per frame (see `data.columns`) such an array.
        skeleton: the order of the joints, a name in `geometry.skeletons.SKELETONS`.
    """

    clips: UInt8[np.ndarray, "n t h w c"]
    labels: list[int]
    label_names: list[str]
    factors: dict[str, np.ndarray]
    subjects: list[str] | None = None
    columns: dict[str, np.ndarray] | None = None
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


def in_every_frame(per_clip: Mapping[str, np.ndarray], frames: int) -> dict[str, np.ndarray]:
    """Factors of clips, the same in all of their frames."""
    return {name: np.repeat(values[:, None], frames, axis=1) for name, values in per_clip.items()}


def within(
    ranges: Mapping[str, tuple[float, float]], uniform: Float[np.ndarray, "... k"]
) -> dict[str, Float32[np.ndarray, "..."]]:
    """The first columns of numbers in [0, 1), each brought to a range."""
    return {
        name: (low + (high - low) * uniform[..., column]).astype(np.float32)
        for column, (name, (low, high)) in enumerate(ranges.items())
    }


def draw_in_turn(
    seed: Sequence[int],
    subjects: int,
    takes: int,
    motions: int,
    max_clips: int | None,
    shape: tuple[int, int],
    kind: type,
) -> tuple[Int64[np.ndarray, "n"], Int64[np.ndarray, "n"], Float[np.ndarray, "n k"]]:
    """The person and the motion of each clip, motions changing fastest, then people, and the numbers it is made of.

    A person's take of a motion does not depend on how many people, takes and motions there are.

    Args:
        shape: how many motions there could be, and how many numbers a clip needs, in [0, 1).
        kind: of these numbers, float32 or float64.
    """
    count = subjects * takes * motions
    take, place = np.divmod(np.arange(min(count, max_clips or count)), subjects * motions)
    subject, motion = np.divmod(place, motions)
    uniform = [np.random.default_rng([*seed, number]).random((subjects, *shape), kind) for number in range(takes)]
    return subject, motion, np.stack(uniform)[take, subject, motion]
