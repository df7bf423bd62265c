"""Adversarial objectives and penalties."""

from mutoscope.losses.adversarial import bce

__all__ = ["bce"]
