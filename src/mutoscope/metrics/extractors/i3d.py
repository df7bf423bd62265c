"""I3D features for the Fréchet video distance: the TorchScript file in use since StyleGAN-V (Skorokhodov et al. 2022).

It holds the Kinetics-400 network of the first FVD code (Unterthiner et al. 2018), whose answers it repeats.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from mutoscope.errors import InputError
from mutoscope.metrics.extractors.base import Kind, in_batches, with_channels
from mutoscope.metrics.extractors.published import find_file

NAME = "i3d400"
USUAL_FILES = ("i3d_torchscript.pt",)
FEWEST_FRAMES = 10  # its last average takes two steps in time, and it halves time three times
CLIPS_AT_ONCE = 4


class I3DExtractor:
    """The 400 outputs of I3D before the softmax, for clips of at least 10 frames.

    Protocol: all frames of the clip, grey replicated; the file's own code brings values to [-1, 1] (`rescale`) and
    frames to 224 × 224 (`resize`), as in StyleGAN-V's evaluation.

    Attributes:
        name: `i3d400`.
        kind: "clip".

    Args:
        file: the TorchScript file, which runs its own code; None looks for `i3d_torchscript.pt` among torch.hub's
            checkpoints.
        device: where to compute.

    Raises:
        InputError: the file is missing or no TorchScript.
    """

    name = NAME
    kind: Kind = "clip"

    def __init__(self, file: str | Path | None = None, device: str = "cpu") -> None:
        path = find_file(NAME, file, USUAL_FILES)
        try:
            self.network = torch.jit.load(path, map_location=device).eval()
        except RuntimeError as error:
            raise InputError(f"{path}: not a TorchScript file (expected {USUAL_FILES[0]})") from error
        self._file, self._device = path, device

    def __call__(self, clips: UInt8[np.ndarray, "n t h w c"], /) -> Float32[np.ndarray, "n k"]:
        """Features of each clip.

        Raises:
            InputError: the clips are shorter than 10 frames, or the file holds another network.
        """
        if clips.shape[1] < FEWEST_FRAMES:
            raise InputError(f"{NAME}: clips have {clips.shape[1]} frames (expected at least {FEWEST_FRAMES})")
        return in_batches(self._features, clips, CLIPS_AT_ONCE)

    def _features(self, clips: UInt8[np.ndarray, "n t h w c"]) -> Float[Tensor, "n k"]:
        pixels = torch.from_numpy(with_channels(clips, 3)).to(self._device).permute(0, 4, 1, 2, 3).float()
        try:
            features = self.network(pixels, rescale=True, resize=True, return_features=True)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise InputError(f"{self._file}: cannot be used as I3D ({reason})") from error
        if features.shape != (len(clips), 400):
            raise InputError(f"{self._file}: gave features of shape {tuple(features.shape)} (expected 400 a clip)")
        return features
