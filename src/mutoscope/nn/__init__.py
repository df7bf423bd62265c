"""Layers that two or more systems share."""

from mutoscope.nn.averaging import WeightAverage
from mutoscope.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d, normalising_parts
from mutoscope.nn.checkpoints import read_state
from mutoscope.nn.clips import Spatial, Temporal, clips_of, frames_of, times_of
from mutoscope.nn.convolutions import ConvTranspose2d
from mutoscope.nn.discriminators import ImageDiscriminator, discriminator_widths
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
    "ConvTranspose2d",
    "FoldedCopy",
    "ImageDiscriminator",
    "SNConv2d",
    "SNConv3d",
    "SNConvTranspose2d",
    "SNConvTranspose3d",
    "Spatial",
    "Temporal",
    "WeightAverage",
    "clips_of",
    "discriminator_widths",
    "folded",
    "frames_of",
    "init_normal",
    "normalising_parts",
    "read_state",
    "settle_spectral_norms",
    "times_of",
]
