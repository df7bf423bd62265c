"""Codes to frames with a trained G, frames to codes with a trained D.

Continuous codes are relative here: -1 and 1 are the ends of the range trained on.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.media.results import Replay, Video
from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.labels import one_hot
from mutoscope.systems.pseudo_label.codes import line
from mutoscope.systems.pseudo_label.config import PseudoLabelConfig

Pixels = UInt8[np.ndarray, "h w c"]


class Labels(NamedTuple):
    """What D reads from n frames: the clip, probabilities of all clips, relative codes, probability of being real."""

    clip: Int[np.ndarray, " n"]
    probabilities: Float[np.ndarray, "n n_d"]
    codes: Float[np.ndarray, "n n_c"]
    score: Float[np.ndarray, " n"]


class Codec:
    """Both directions, over the networks `drawing_network` and `D` of the system that inherits this."""

    config: PseudoLabelConfig
    D: nn.Module
    if TYPE_CHECKING:
        device: torch.device

        @property
        def drawing_network(self) -> nn.Module: ...

    # Codes to frames.

    def noise_of(self, n: int, seed: int) -> Float[Tensor, "n n_z"]:
        """`n` draws of z; the same on every device."""
        generator = torch.Generator().manual_seed(seed)
        draw = torch.randn if self.config.z_distribution == "normal" else torch.rand
        return draw(n, self.config.n_z, generator=generator)

    def random_codes(self, n: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """Noise, one-hot clips and relative codes of `n` frames, drawn as in training."""
        generator = torch.Generator().manual_seed(seed)
        k = torch.randint(self.config.n_d, (n,), generator=generator)
        c = torch.rand(n, self.config.n_c, generator=generator) * 2 - 1
        return self.noise_of(n, seed), one_hot(k, self.config.n_d), c

    def one_hot(self, clips: int | Sequence[int], n: int = 1) -> Float[Tensor, "m n_d"]:
        """The discrete pseudo-label of one clip, `n` times, or of several clips."""
        indices = torch.tensor([clips] * n if isinstance(clips, int) else list(clips))
        return one_hot(indices, self.config.n_d)

    def absolute(self, c: Float[Tensor, "n n_c"]) -> Float[Tensor, "n n_c"]:
        """Relative continuous codes in the units of training."""
        low, high = self.config.c_range
        return (low + high) / 2 + c * (high - low) / 2

    def synthesise(
        self, *, z: Float[Tensor, "#n n_z"], d: Float[Tensor, "#n n_d"], c: Float[Tensor, "#n n_c"]
    ) -> Float[Tensor, "n channels h w"]:
        """Frames in [-1, 1] of noise, one-hot (or weighted) clips and relative codes; single rows are repeated.

        Always in eval mode: training-mode batch normalisation would cancel a `d` that the whole batch shares.
        """
        n = max(len(z), len(d), len(c))
        z, d, c = (code.expand(n, -1).to(self.device) for code in (z, d, self.absolute(c)))
        with torch.inference_mode(), evaluating(self.drawing_network) as network:
            return network(z=z, d=d, c=c, allow_soft_d=True)

    def draw_frames(self, z: Tensor, d: Tensor, c: Tensor, batch: int = 32) -> Iterator[Pixels]:
        """The same as uint8 `h w 3` frames, one by one, drawn `batch` at a time: memory does not grow with length."""
        n = max(len(z), len(d), len(c))
        z, d, c = (code.expand(n, -1) for code in (z, d, c))
        for rows in torch.arange(n).split(batch):
            drawn = float_to_uint8(self.synthesise(z=z[rows], d=d[rows], c=c[rows]))
            yield from np.repeat(drawn, 3, axis=-1) if self.config.channels == 1 else drawn

    def video(self, z: Tensor, d: Tensor, c: Tensor, fps: float) -> Video:
        """The same as a video, drawn while it is saved."""
        return Video(Replay(lambda: self.draw_frames(z, d, c)), fps=fps)

    def pixels(self, z: Tensor, d: Tensor, c: Tensor) -> UInt8[np.ndarray, "n h w c"]:
        """The same as one array, with the system's own channels."""
        return np.stack(list(self.draw_frames(z, d, c)))[..., : self.config.channels]

    def sweep_frames(self, z: Tensor, clip: int, code: int, frames: int) -> UInt8[np.ndarray, "t h w c"]:
        """One clip, one code moving over its range."""
        return self.pixels(z, self.one_hot(clip), line(self.config.n_c, code, -1, 1, frames))

    def outputs(self, conditions: Conditions, seed: int = 0) -> Iterator[UInt8[np.ndarray, "t h w c"]]:
        """Sweeps with a noise of their own each: all clips in turn with the first code, then with the next.

        Single frames, of noise and codes drawn as in training, where one frame is asked for.
        """
        n = conditions.count
        if conditions.longest == 1:
            yield from self.pixels(*self.random_codes(n, seed))[:, None]
            return
        for i, z in enumerate(self.noise_of(n, seed).split(1)):
            clip, code = i % self.config.n_d, i // self.config.n_d % self.config.n_c
            yield self.sweep_frames(z, clip, code, conditions.longest)

    # Frames to codes.

    def read_labels(self, frames: UInt8[np.ndarray, "n h w c"], recalibrate: bool = False, batch: int = 256) -> Labels:
        """What D reads from frames of the system's size and channels; the stored networks are not changed."""
        with torch.inference_mode(), evaluating(self.D) as network:
            if recalibrate:
                network = recalibrated(network, frames, batch)
            parts = [frames[i : i + batch] for i in range(0, len(frames), batch)]
            readings = [network(uint8_to_float(torch.from_numpy(part).to(self.device))) for part in parts]
            score, d, c = (torch.cat(o).float().cpu() for o in zip(*readings, strict=True))
        low, high = self.config.c_range
        relative = (c - (low + high) / 2) / ((high - low) / 2)
        probabilities = d.softmax(1).numpy()
        return Labels(probabilities.argmax(1), probabilities, relative.numpy(), score.sigmoid().mean(1).numpy())

    def order_frames(
        self,
        frames: UInt8[np.ndarray, "n h w c"],
        code: int | None = None,
        recalibrate: bool = False,
        group_by_clip: bool = True,
    ) -> Int[np.ndarray, " n"]:
        """The permutation of `sort_frames`; `group_by_clip=False` says that all frames belong to one clip."""
        read = self.read_labels(frames, recalibrate)
        groups = read.clip if group_by_clip else np.zeros_like(read.clip)
        order = []
        for clip in np.unique(groups):
            members = np.flatnonzero(groups == clip)
            codes = range(self.config.n_c) if code is None else [code]
            candidates = [members[np.argsort(read.codes[members, j], kind="stable")] for j in codes]
            order.append(min(candidates, key=lambda o: np.square(np.diff(frames[o].astype(np.float32), axis=0)).sum()))
        return np.concatenate(order)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[nn.Module]:
    """A network in eval mode inside, as it was afterwards."""
    was_training = network.training
    try:
        yield network.eval()
    finally:
        network.train(was_training)


def recalibrated(network: nn.Module, frames: UInt8[np.ndarray, "n h w c"], batch: int) -> nn.Module:
    """A copy of D whose batch statistics are those of these frames (at least 2), in eval mode."""
    if len(frames) < 2:
        raise InputError(f"recalibrate: needs at least 2 frames, there is {len(frames)}")
    network = copy.deepcopy(network).train()
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.reset_running_stats()
            layer.momentum = None  # the plain mean over all batches
    for part in np.array_split(frames, max(1, len(frames) // batch)):
        network(uint8_to_float(torch.from_numpy(part).to(next(network.parameters()).device)))
    return network.eval()
