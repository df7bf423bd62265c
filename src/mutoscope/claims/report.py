"""From the results on file to a page: tables, verdicts, pictures. Nothing is trained here."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from mutoscope.claims.run import experiments_of
from mutoscope.files import replacing
from mutoscope.systems.claim import Claim, Experiment

FEWEST_SEEDS = 3
RULE = (
    f"*holds*: over at least {FEWEST_SEEDS} seeds, the claimed difference is positive in each; *reversed*: "
    "negative in each; *unresolved*: anything else, or fewer seeds. Means are followed by the half width of "
    "Student's 95 % interval over seeds."
)


def render(system: str, reports: Path = Path("reports")) -> Path:
    """Writes `<reports>/<system>.md` from the results in `<reports>/data/<system>/`, and returns its path.

    What stands above the line `<!-- results -->` of an existing page is kept: it is written by hand.
    """
    results = [json.loads(file.read_text()) for file in sorted((reports / "data" / system).glob("*.json"))]
    experiments, claims = experiments_of(system)
    page = reports / f"{system}.md"
    marker = "<!-- results -->"
    head = page.read_text().split(marker)[0] if page.exists() else f"# {system}: what was measured\n\n"
    parts = [head + marker, f"Verdicts. {RULE}"]
    for experiment in experiments:
        own = [result for result in results if result["experiment"] == experiment.name]
        if own:
            stated = [claim for claim in claims if claim.experiment == experiment.name]
            parts += section(system, experiment, own, stated)
    with replacing(page) as temporary:
        temporary.write_text("\n\n".join(parts) + "\n")
    return page


def section(
    system: str, experiment: Experiment, results: Sequence[Mapping[str, Any]], claims: Sequence[Claim]
) -> list[str]:
    """One experiment: how it was run, the measures of every arm, the verdicts, a sheet an arm."""
    arms: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for arm in experiment.arms:
        arms[arm.name] = [result for result in results if result["arm"] == arm.name]
    arms = {name: own for name, own in arms.items() if own}
    seeds = sorted({result["seed"] for result in results})
    first = results[0]
    about = (
        f"Command: `mutoscope reproduce {system} --on {experiment.name} --seeds {len(seeds)}`. Measured on "
        f"{first['held_out']['clips']} clips ({first['held_out']['frames']} frames) not trained on. "
        f"{first['machine']}, torch {first['torch']}, {', '.join(sorted({r['date'] for r in results}))}, "
        f"commit {', '.join(sorted({r['commit'] for r in results}))}."
    )
    parts = [f"## {experiment.title}", about, measures_table(arms)]
    if claims:
        parts.append(verdict_table(claims, results))
    for name, own in arms.items():
        stem = own[0]["sheet"]
        parts.append(f"{name}, seed {own[0]['seed']}: one clip a row, one code from left to right.")
        parts.append(f"![{experiment.name}, {name}]({system}/{stem})")
    return parts


def measures_table(arms: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Arms across, measures down; mean and interval over seeds."""
    names = list(dict.fromkeys(name for own in arms.values() for result in own for name in result["measures"]))
    lines = [["measure", *arms], ["---"] * (len(arms) + 1)]
    lines.append(["seeds", *(str(len(own)) for own in arms.values())])
    lines.append(["iterations", *(str(own[0]["iterations"]) for own in arms.values())])
    minutes = [np.mean([result["training_seconds"] for result in own]) / 60 for own in arms.values()]
    lines.append(["training, minutes", *(f"{mean:.1f}" for mean in minutes)])
    for name in names:
        lines.append([f"`{name}`", *(interval([r["measures"].get(name) for r in own]) for own in arms.values())])
    return markdown(lines)


def verdict_table(claims: Sequence[Claim], results: Sequence[Mapping[str, Any]]) -> str:
    """One claim a row: the difference over seeds and what it says."""
    by_seed: dict[int, dict[str, Any]] = defaultdict(dict)
    for result in results:
        by_seed[result["seed"]][result["arm"]] = result["measures"]
    lines = [["claim", "statement", "margin over seeds", "verdict"], ["---"] * 4]
    for claim in claims:
        margins = []
        for measures in by_seed.values():
            if claim.arm in measures and (claim.other_arm or claim.arm) in measures:
                margins.append(claim.difference(measures))
        shown = ", ".join(f"{margin:+.3g}" for margin in margins) or "not run"
        lines.append([claim.name, claim.text, shown, verdict(margins)])
    return markdown(lines)


def verdict(margins: Sequence[float]) -> str:
    """The rule printed on the page."""
    if len(margins) >= FEWEST_SEEDS and all(margin > 0 for margin in margins):
        return "holds"
    if len(margins) >= FEWEST_SEEDS and all(margin < 0 for margin in margins):
        return "reversed"
    return "unresolved"


def interval(values: Sequence[float | None]) -> str:
    """Mean ± half width of Student's 95 % interval; a dash where nothing was measured."""
    seen = np.array([value for value in values if value is not None and np.isfinite(value)])
    if not len(seen):
        return "–"
    if len(seen) == 1:
        return f"{seen[0]:.3g}"
    half = student.ppf(0.975, len(seen) - 1) * seen.std(ddof=1) / np.sqrt(len(seen))
    return f"{seen.mean():.3g} ± {half:.2g}"


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Rows of a Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
