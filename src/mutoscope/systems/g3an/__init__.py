"""G³AN: video from noise, appearance and motion apart.

Y. Wang, P. Bilinski, F. Bremond, A. Dantcheva, "G3AN: Disentangling Appearance and Motion for Video Generation",
CVPR 2020, arXiv:1912.05523; chapter 4 of Y. Wang, "Learning to Generate Human Videos", Université Côte d'Azur, 2021.

A clip is drawn from two noises: one for who is seen, one for what is done. Three streams grow side by side, one with
space but no time, one with time but no space, one with both, and are fused at every level; nothing but this
architecture keeps appearance and motion apart.
"""

from mutoscope.systems.g3an.config import G3ANConfig
from mutoscope.systems.g3an.networks import Generator, VideoDiscriminator
from mutoscope.systems.g3an.system import G3AN

__all__ = ["G3AN", "G3ANConfig", "Generator", "VideoDiscriminator"]
