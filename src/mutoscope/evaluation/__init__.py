"""From a trained system or a folder of clips, and real data, to a table of figures under a stated protocol.

`Evaluator` measures; `extractors` finds the features to measure in; `targets` turns what a user names into something to
measure; `report` prints and writes.
"""

from mutoscope.evaluation.evaluator import Evaluator
from mutoscope.evaluation.extractors import default_extractors, open_extractor, train_extractors
from mutoscope.evaluation.metrics import GROUPS, METRICS, Measure
from mutoscope.evaluation.report import Report

__all__ = [
    "GROUPS",
    "METRICS",
    "Evaluator",
    "Measure",
    "Report",
    "default_extractors",
    "open_extractor",
    "train_extractors",
]
