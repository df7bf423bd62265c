"""A picture, noise and a label to a clip with a trained generator."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from mutoscope.errors import InputError
from mutoscope.media.tensors import float_to_uint8, uint8_to_float
from mutoscope.nn import FoldedCopy
from mutoscope.systems.imaginator.config import ImaGINatorConfig
from mutoscope.systems.imaginator.networks import Generator
from mutoscope.systems.labels import Labels
from mutoscope.systems.noise import normal_draws

Clip = UInt8[np.ndarray, "t h w c"]
CLIPS_AT_ONCE = 8


class Drawing(Labels):
    """Draws with the network `generator` of the system that inherits this.

    Attributes:
        drawing_precision: how weights are stored for drawing; bfloat16 is faster in wide networks, and coarser.
    """

    config: ImaGINatorConfig
    folded_copy: FoldedCopy
    drawing_precision: torch.dtype = torch.float32
    if TYPE_CHECKING:
        device: torch.device

        @property
        def generator(self) -> nn.Module: ...

    @property
    def drawing_network(self) -> Generator:
        """The generator as it is now, all normalisation worked into its weights."""
        network = self.folded_copy.of(self.generator, self.drawing_precision)
        assert isinstance(network, Generator)
        return network

    def noises(self, n: int, seed: int) -> Float[Tensor, "n d_z"]:
        """`n` draws of z; the same on every device, and the first of more draws are those of fewer."""
        return normal_draws((n, self.config.d_z), seed)

    @torch.no_grad()
    def draw(
        self,
        pictures: UInt8[np.ndarray, "n h w c"],
        z: Float[Tensor, "n d_z"],
        y: Float[Tensor, "n K"] | None = None,
    ) -> Iterator[Clip]:
        """Clips that begin with these pictures, drawn a few at a time; a system without noise leaves z aside."""
        network = self.drawing_network
        for start in range(0, len(pictures), CLIPS_AT_ONCE):
            rows = slice(start, start + CLIPS_AT_ONCE)
            images = uint8_to_float(pictures[rows], self.device).to(self.drawing_precision)
            noise = z[rows].to(images) if self.config.noise else None
            clips = network(images, noise, None if y is None else y[rows].to(images))
            yield from float_to_uint8(clips.transpose(1, 2))

    def length(self, frames: int | None) -> int:
        """How many frames of a clip are shown: so many, or all.

        Raises:
            InputError: a clip has fewer.
        """
        most = self.config.length
        if frames is not None and frames > most:
            raise InputError(f"frames: {frames}, but a clip of this system has {most} (chain makes longer ones)")
        return frames or most
