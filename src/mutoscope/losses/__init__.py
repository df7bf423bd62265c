"""Adversarial objectives and penalties."""

from mutoscope.losses.adversarial import bce, logistic_D
from mutoscope.losses.penalties import r1

__all__ = ["bce", "logistic_D", "r1"]
