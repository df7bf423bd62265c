"""FRGAN: forecast the motion of a picture from its structure, then refine the clip.

Structure says where things are: joints of a body as heat maps, or a 3-D face as a map of its normals. A 2-D network
forecasts each frame from the first picture and the change of structure, drawing only what moves (a mask, Eq. 7); a 3-D
network refines the clip in the same way. Both are Wasserstein GANs; the second also learns to rank (Eq. 18).

L. Zhao, X. Peng, Y. Tian, M. Kapadia and D. Metaxas, "Towards Image-to-Video Translation: A Structure-Aware Approach
via Multi-stage Generative Adversarial Networks", International Journal of Computer Vision, 2020.
"""

from mutoscope.systems.frgan.config import FRGANConfig
from mutoscope.systems.frgan.networks import ClipCritic, ForecastingNetwork, FrameCritic, PosePredictor, RefiningNetwork
from mutoscope.systems.frgan.system import FRGAN

__all__ = [
    "FRGAN",
    "ClipCritic",
    "FRGANConfig",
    "ForecastingNetwork",
    "FrameCritic",
    "PosePredictor",
    "RefiningNetwork",
]
