"""From a trained system or a folder of clips, and real data, to a table of figures under a stated protocol.

`Evaluator` measures, as the protocol says that a system names (a file for each: `clips`, `continuations`); `extractors`
finds features to measure in; `targets` turns what a user names into something to measure; `report` prints and writes.
"""

from mutoscope.evaluation.evaluator import PROTOCOLS, Evaluator
from mutoscope.evaluation.extractors import default_extractors, open_extractor, train_extractors
from mutoscope.evaluation.metrics import GROUPS, METRICS, Measure
from mutoscope.evaluation.report import Report

__all__ = [
    "GROUPS",
    "METRICS",
    "PROTOCOLS",
    "Evaluator",
    "Measure",
    "Report",
    "default_extractors",
    "open_extractor",
    "train_extractors",
]
