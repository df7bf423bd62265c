"""Animation from shuffled frames by pseudo-labels.

C. Yu, W. Wang, J. Yan, "Self-Supervised Animation Synthesis Through Adversarial Training", IEEE Access 8, 2020,
doi:10.1109/ACCESS.2020.3008523.

A two-dimensional image GAN is trained on a bag of unordered, unlabelled frames. Its discriminator reads two
pseudo-labels back from what the generator draws: a one-hot `d` that comes to select the clip, and a continuous `c` that
comes to select the frame within it. Walking `c` under a fixed `d` plays an animation; reading real frames sorts them.
"""

from mutoscope.systems.pseudo_label.config import PseudoLabelConfig
from mutoscope.systems.pseudo_label.networks import Discriminator, Generator
from mutoscope.systems.pseudo_label.system import PseudoLabel

__all__ = ["Discriminator", "Generator", "PseudoLabel", "PseudoLabelConfig"]
