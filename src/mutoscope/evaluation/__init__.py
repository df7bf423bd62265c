"""From a trained system or a folder of clips, and real data, to a table of figures under a stated protocol.

`Evaluator` measures, as the protocol says that a system names (a file for each: `clips`, `continuations`); `extractors`
finds features to measure in; `targets` turns what a user names into something to measure; `report` prints and writes.
"""

from mutoscope.evaluation.evaluator import PROTOCOLS as PROTOCOLS
from mutoscope.evaluation.evaluator import Evaluator as Evaluator
from mutoscope.evaluation.extractors import default_extractors as default_extractors
from mutoscope.evaluation.extractors import open_extractor as open_extractor
from mutoscope.evaluation.extractors import train_extractors as train_extractors
from mutoscope.evaluation.metrics import GROUPS as GROUPS
from mutoscope.evaluation.metrics import METRICS as METRICS
from mutoscope.evaluation.metrics import Measure as Measure
from mutoscope.evaluation.report import Report as Report
