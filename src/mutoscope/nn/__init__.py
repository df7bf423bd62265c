"""Layers that two or more systems share."""

from mutoscope.nn.averaging import WeightAverage
from mutoscope.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d, normalising_parts
from mutoscope.nn.checkpoints import read_state
from mutoscope.nn.clips import Spatial, Temporal, clips_of, frames_at, frames_of, times_of
from mutoscope.nn.convolutions import ConvTranspose2d
from mutoscope.nn.discriminators import ImageDiscriminator, discriminator_widths
from mutoscope.nn.equalised import EqualConv2d, EqualLinear
from mutoscope.nn.filters import blur, downsample, upsample
from mutoscope.nn.folding import FoldedCopy, folded
from mutoscope.nn.init import init_he, init_normal
from mutoscope.nn.pyramid import TemporalPyramid, channels_to_time, time_to_channels
from mutoscope.nn.residual_discriminator import ResidualDiscriminator, widths_for
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
    "EqualConv2d",
    "EqualLinear",
    "FoldedCopy",
    "ImageDiscriminator",
    "ResidualDiscriminator",
    "SNConv2d",
    "SNConv3d",
    "SNConvTranspose2d",
    "SNConvTranspose3d",
    "Spatial",
    "Temporal",
    "TemporalPyramid",
    "WeightAverage",
    "blur",
    "channels_to_time",
    "clips_of",
    "discriminator_widths",
    "downsample",
    "folded",
    "frames_at",
    "frames_of",
    "init_he",
    "init_normal",
    "normalising_parts",
    "read_state",
    "settle_spectral_norms",
    "time_to_channels",
    "times_of",
    "upsample",
    "widths_for",
]
