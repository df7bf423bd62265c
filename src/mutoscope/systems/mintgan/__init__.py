"""MintGAN: clips from noise, with an orthogonal dictionary of motions that one can name, switch and steer.

A latent code moves from frame to frame by a linear combination of learned, orthonormal directions; a StyleGAN2
generator draws each code as a frame. A pyramid of 2-D discriminators judges clips at several speeds.

Y. Wang, "Learning to Generate Human Videos", PhD thesis, Inria and Université Côte d'Azur, 2021, chapter 5; published
as Y. Wang, F. Bremond, A. Dantcheva, "InMoDeGAN: Interpretable Motion Decomposition Generative Adversarial Network
for Video Generation", arXiv:2101.03049.
"""

from mutoscope.systems.mintgan.config import MintGANConfig
from mutoscope.systems.mintgan.system import MintGAN

__all__ = ["MintGAN", "MintGANConfig"]
