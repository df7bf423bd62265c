"""Networks that turn frames or clips into features: published ones, read from a file, and small ones trained here.

`open_extractor` finds one by name; `train_frame_extractor` and `train_clip_extractor` make one from the data at hand.
"""

from mutoscope.metrics.extractors.base import Classifier, Extractor, Kind
from mutoscope.metrics.extractors.c3d import C3DExtractor
from mutoscope.metrics.extractors.i3d import I3DExtractor
from mutoscope.metrics.extractors.inception import InceptionExtractor
from mutoscope.metrics.extractors.open import STANDARD_NAMES, open_extractor
from mutoscope.metrics.extractors.pixel_pca import PixelPCA
from mutoscope.metrics.extractors.resnext import ResNeXtExtractor
from mutoscope.metrics.extractors.trained import TrainedExtractor, Training, load_trained_extractor
from mutoscope.metrics.extractors.training import train_clip_extractor, train_frame_extractor

__all__ = [
    "STANDARD_NAMES",
    "C3DExtractor",
    "Classifier",
    "Extractor",
    "I3DExtractor",
    "InceptionExtractor",
    "Kind",
    "PixelPCA",
    "ResNeXtExtractor",
    "TrainedExtractor",
    "Training",
    "load_trained_extractor",
    "open_extractor",
    "train_clip_extractor",
    "train_frame_extractor",
]
