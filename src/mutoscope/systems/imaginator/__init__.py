"""ImaGINator: one picture and a label make a video.

An encoder sees the picture, a decoder of transposed (1+2)D convolutions draws the clip; after each of its blocks the
encoder's maps and the label are laid beside the motion at every time. One discriminator judges clips with their labels,
one judges frames.

Y. Wang, P. Bilinski, F. Bremond and A. Dantcheva, "ImaGINator: Conditional Spatio-Temporal GAN for Video Generation",
WACV 2020; chapter 3 of Y. Wang, "Learning to Generate Human Videos", Université Côte d'Azur, 2021.
"""

from mutoscope.systems.imaginator.config import ImaGINatorConfig
from mutoscope.systems.imaginator.networks import Decoder, Encoder, Generator, VideoDiscriminator
from mutoscope.systems.imaginator.system import ImaGINator

__all__ = ["Decoder", "Encoder", "Generator", "ImaGINator", "ImaGINatorConfig", "VideoDiscriminator"]
