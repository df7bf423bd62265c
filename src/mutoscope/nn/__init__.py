"""Layers that two or more systems share."""

from mutoscope.nn.averaging import WeightAverage
from mutoscope.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d, normalising_parts
from mutoscope.nn.init import init_normal

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "WeightAverage", "init_normal", "normalising_parts"]
