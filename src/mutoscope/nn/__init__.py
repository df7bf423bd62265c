"""Layers that two or more systems share."""

from mutoscope.nn.averaging import WeightAverage
from mutoscope.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d, normalising_parts
from mutoscope.nn.checkpoints import read_state
from mutoscope.nn.folding import FoldedCopy, folded
from mutoscope.nn.init import init_normal
from mutoscope.nn.spectral_norm import (
    SNConv2d,
    SNConv3d,
    SNConvTranspose2d,
    SNConvTranspose3d,
    settle_spectral_norms,
)

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "FoldedCopy",
    "SNConv2d",
    "SNConv3d",
    "SNConvTranspose2d",
    "SNConvTranspose3d",
    "WeightAverage",
    "folded",
    "init_normal",
    "normalising_parts",
    "read_state",
    "settle_spectral_norms",
]
