"""Networks that turn frames or clips into features: published ones, read from a file, and small ones trained here.

`open_extractor` finds one by name; `train_frame_extractor` and `train_clip_extractor` make one from the data at hand.
"""

from mutoscope.metrics.extractors.base import Classifier as Classifier
from mutoscope.metrics.extractors.base import Extractor as Extractor
from mutoscope.metrics.extractors.base import Kind as Kind
from mutoscope.metrics.extractors.c3d import C3DExtractor as C3DExtractor
from mutoscope.metrics.extractors.i3d import I3DExtractor as I3DExtractor
from mutoscope.metrics.extractors.inception import InceptionExtractor as InceptionExtractor
from mutoscope.metrics.extractors.open import STANDARD_NAMES as STANDARD_NAMES
from mutoscope.metrics.extractors.open import open_extractor as open_extractor
from mutoscope.metrics.extractors.pixel_pca import PixelPCA as PixelPCA
from mutoscope.metrics.extractors.resnext import ResNeXtExtractor as ResNeXtExtractor
from mutoscope.metrics.extractors.trained import TrainedExtractor as TrainedExtractor
from mutoscope.metrics.extractors.trained import Training as Training
from mutoscope.metrics.extractors.trained import load_trained_extractor as load_trained_extractor
from mutoscope.metrics.extractors.training import train_clip_extractor as train_clip_extractor
from mutoscope.metrics.extractors.training import train_frame_extractor as train_frame_extractor
