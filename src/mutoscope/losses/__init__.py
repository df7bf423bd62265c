"""Adversarial objectives, penalties, and how alike features are."""

from mutoscope.losses.adversarial import LogisticLoss, bce
from mutoscope.losses.gram import gram, gram_distance, ranking_loss, ranking_probability
from mutoscope.losses.penalties import r1
from mutoscope.losses.pyramid import PyramidLoss
from mutoscope.losses.wasserstein import critic_loss, gradient_penalty

__all__ = [
    "LogisticLoss",
    "PyramidLoss",
    "bce",
    "critic_loss",
    "gradient_penalty",
    "gram",
    "gram_distance",
    "r1",
    "ranking_loss",
    "ranking_probability",
]
