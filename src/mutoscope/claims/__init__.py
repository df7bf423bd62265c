"""The engine behind `mutoscope reproduce`: arms and seeds in, a report with verdicts out."""

from mutoscope.claims.report import render
from mutoscope.claims.run import reproduce

__all__ = ["render", "reproduce"]
