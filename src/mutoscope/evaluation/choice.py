"""Which metrics to compute in which features, from the names and groups that are asked for."""

from collections.abc import Sequence

from mutoscope.errors import InputError
from mutoscope.evaluation.metrics import GROUPS, METRICS, Metric
from mutoscope.metrics.extractors.base import Extractor


def choose(asked: Sequence[str], extractors: Sequence[Extractor]) -> list[tuple[Metric, Extractor | None, bool]]:
    """The metrics that names and groups mean, each with every extractor that fits, and whether by its own name.

    Raises:
        InputError: a metric is asked for by name, but no extractor fits.
    """
    own = {name for name in asked if name not in GROUPS}
    grouped = {name for group in asked if group in GROUPS for name in GROUPS[group]}
    chosen: list[tuple[Metric, Extractor | None, bool]] = []
    found: set[str] = set()
    for metric in METRICS:
        for extractor in [None] if metric.needs is None else fitting_extractors(metric, extractors):
            names = {metric.name, full_name(metric, extractor)}
            if names & (own | grouped):
                chosen.append((metric, extractor, bool(names & own)))
                found |= names
    for name in own - found:
        there = ", ".join(extractor.name for extractor in extractors) or "none"
        raise InputError(f"metrics: {name} cannot be computed with the extractors given (there are {there})")
    return chosen


def in_features(asked: Sequence[str]) -> bool:
    """Whether any of these names and groups is computed in features of an extractor."""
    names = {name.split("[")[0] for wanted in asked for name in GROUPS.get(wanted, (wanted,))}
    return any(metric.needs is not None for metric in METRICS if metric.name in names)


def fitting_extractors(metric: Metric, extractors: Sequence[Extractor]) -> list[Extractor]:
    """Those that a metric can be computed with; features that tell subjects are for identity, and there alone."""
    telling_subjects = [e for e in extractors if getattr(e, "tells", None) == "subjects"]
    others = [e for e in extractors if e not in telling_subjects]
    match metric.needs:
        case "identity":
            return telling_subjects or [e for e in others if e.kind == "frame"]
        case "classifier":
            return [e for e in others if getattr(e, "classes", None)]
    return [e for e in others if metric.needs in ("any", e.kind)]


def full_name(metric: Metric, extractor: Extractor | None) -> str:
    """The name of a figure, with the extractor's."""
    return f"{metric.name}[{extractor.name}]" if extractor else metric.name


def check_names(asked: Sequence[str]) -> None:
    known = {metric.name for metric in METRICS} | GROUPS.keys()
    for name in asked:
        if name.split("[")[0] not in known:
            raise InputError(
                f"metrics: {name} is unknown (expected some of {', '.join(sorted(known - GROUPS.keys()))}; "
                f"or of the groups {', '.join(GROUPS)})"
            )
