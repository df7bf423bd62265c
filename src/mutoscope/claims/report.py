"""From the results on file to a page: tables, verdicts, curves, pictures. Nothing is trained here."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from mutoscope.claims.run import OWN_FOLDER, experiments_of
from mutoscope.files import replacing
from mutoscope.media.images import write_image
from mutoscope.media.plots import line_plot
from mutoscope.systems.claim import Claim, Experiment

Result = Mapping[str, Any]

# what is folded away unless a claim is about it: many related figures, which only a close look needs
DETAILS = (
    *("samples", "ms_ssim", "background_error", "temporal_difference", "flicker", "kid", "kvd", "is[", "precision"),
    *("recall", "density", "coverage[", "moving", "consistency", "speed_distance", "acd_c"),
    *("animation_score_best", "psnr_best", "ssim_best"),
)

FEWEST_SEEDS = 3
MARKER = "<!-- results -->"
RULE = (
    f"*holds*: over at least {FEWEST_SEEDS} seeds, Student's 95 % interval of the claimed difference lies above zero; "
    "*reversed*: below zero; *unresolved*: anything else, or fewer seeds. The difference is taken seed by seed, for "
    "then the arms share data and held-out clips. In the tables of measures, ± is the half width of the same interval "
    "of the mean."
)


def render(system: str, reports: Path = Path("reports")) -> Path:
    """Writes `<reports>/<system>.md` from the results in `<reports>/data/<system>/`, and returns its path.

    What stands above the line `<!-- results -->` of an existing page is kept: it is written by hand.
    """
    on_file = [json.loads(file.read_text()) for file in sorted((reports / "data" / system).glob("*.json"))]
    experiments, claims = experiments_of(system)
    page = reports / f"{system}.md"
    head = page.read_text().split(MARKER)[0] if page.exists() else f"# {system}: what was measured\n\n"
    parts = [head + MARKER, f"Verdicts. {RULE}"]
    sections = [(experiment, experiment.name) for experiment in experiments]
    for name, origin in variants(experiments, on_file).items():
        title = f"{origin.title}: {name[len(origin.name) + 1 :]}"
        sections.append((replace(origin, name=name, title=title), origin.name))
    for experiment, origin_name in sections:
        own = [result for result in on_file if result["experiment"] == experiment.name]
        if any("arm" in result for result in own):
            stated = [claim for claim in claims if claim.experiment == origin_name]
            parts += Section(system, experiment, origin_name, own, stated, reports).parts()
    with replacing(page) as temporary:
        temporary.write_text("\n\n".join(parts) + "\n")
    return page


def variants(experiments: Sequence[Experiment], results: Iterable[Result]) -> dict[str, Experiment]:
    """The experiments that were run on a user's folder or with another budget, and what they are variants of."""
    known = {experiment.name: experiment for experiment in experiments}
    found = {}
    for name in sorted({result["experiment"] for result in results} - known.keys()):
        origins = [origin for origin in known if name.startswith(f"{origin}_")]
        if origins:
            found[name] = known[max(origins, key=len)]
    return found


class Section:
    """One experiment on the page: how it was run, the measures of every arm, the verdicts, curves, a sheet an arm."""

    def __init__(
        self,
        system: str,
        experiment: Experiment,
        origin: str,
        on_file: Sequence[Result],
        claims: Sequence[Claim],
        reports: Path,
    ) -> None:
        self.origin = origin
        self.system, self.experiment, self.claims, self.reports = system, experiment, claims, reports
        self.results = [result for result in on_file if "arm" in result]
        self.arms = {arm.name: [r for r in self.results if r["arm"] == arm.name] for arm in experiment.arms}
        self.arms = {name: own for name, own in self.arms.items() if own}
        self.references: dict[str, list[Mapping[str, float]]] = defaultdict(list)
        for result in on_file:
            for row, measures in result.get("rows", {}).items():
                self.references[row].append(measures)

    def parts(self) -> list[str]:
        """The paragraphs of the section."""
        parts = [f"## {self.experiment.title}", self.about(), self.head_table()]
        if self.experiment.published:
            parts += ["The paper's figures (its own data, its own features):", self.published_table()]
        if self.claims:
            parts.append(self.verdict_table())
        if self.draw_curves():
            parts.append(f"![losses]({self.system}/{self.experiment.name}-losses.png)")
        for name, own in self.arms.items():
            if sheet := own[0].get("sheet"):
                parts.append(f"{name}, seed {own[0]['seed']}:")
                parts.append(f"![{self.experiment.name}, {name}]({self.system}/{sheet})")
        if protocol := self.results[0].get("protocol"):
            details = self.names(details=True)
            parts.append(f"<details><summary>Protocol, and {len(details)} more figures</summary>")
            parts += [markdown([["protocol", ""], ["---", "---"], *([k, str(v)] for k, v in protocol.items())])]
            parts += [markdown(self.measure_lines(details)), "</details>"]
        return parts

    def about(self) -> str:
        """The command, the data and the circumstances."""
        seeds = 1 + max(result["seed"] for result in self.results)
        first = self.results[0]
        together = {key: sorted({str(r[key]) for r in self.results}) for key in ("machine", "torch", "date", "commit")}
        minutes = sum(result["training_seconds"] for result in self.results) / 60
        on = "FOLDER" if self.origin == OWN_FOLDER else self.origin
        if (budget := first["configuration"].get("max_time")) and self.experiment.name != on != "FOLDER":
            on = f'{on} --budget "{budget}"'
        return (
            f"Command: `mutoscope reproduce {self.system} --on {on} --seeds {seeds}`. Measured on "
            f"{first['held_out']['clips']} clips ({first['held_out']['frames']} frames) not trained on. "
            f"{'; '.join(together['machine'])}, torch {', '.join(together['torch'])}, {', '.join(together['date'])}, "
            f"commit {', '.join(together['commit'])}; {minutes:.0f} minutes of training in all, one CPU thread each."
        )

    def names(self, details: bool) -> list[str]:
        """The measures of the main table, or those that are folded away."""
        every = dict.fromkeys(name for own in self.arms.values() for result in own for name in result["measures"])
        claimed = {claim.measure for claim in self.claims}
        return [name for name in every if (name.startswith(DETAILS) and name not in claimed) == details]

    def head_table(self) -> str:
        """Arms and reference rows across; seeds, time and the main measures down."""
        title, rule, *measures = self.measure_lines(self.names(details=False))
        counts = [*(str(len(own)) for own in self.arms.values()), *(str(len(r)) for r in self.references.values())]
        lines = [title, rule, ["seeds", *counts]]
        for name, key, scale in (
            ("iterations", "iterations", 1),
            ("training, minutes", "training_seconds", 60),
            ("processor, minutes", "cpu_seconds", 60),
        ):
            values = [[r[key] / scale if r.get(key) else None for r in own] for own in self.arms.values()]
            if any(value is not None for row in values for value in row):
                lines.append([name, *map(interval, values), *["–"] * len(self.references)])
        return markdown([*lines, *measures])

    def measure_lines(self, names: Sequence[str]) -> list[list[str]]:
        """Measures down, arms and reference rows across: mean and interval over seeds."""
        lines = [["measure", *self.arms, *self.references]]
        lines.append(["---"] * len(lines[0]))
        for name in names:
            ours = [interval([r["measures"].get(name) for r in own]) for own in self.arms.values()]
            theirs = [interval([measures.get(name) for measures in row]) for row in self.references.values()]
            lines.append([f"`{name}`", *ours, *theirs])
        return lines

    def published_table(self) -> str:
        """What the paper prints for the same arms."""
        published = self.experiment.published
        names = list(dict.fromkeys(name for figures in published.values() for name in figures))
        lines = [["paper", *published], ["---"] * (len(published) + 1)]
        lines += [
            [name, *(f"{figures[name]:g}" if name in figures else "–" for figures in published.values())]
            for name in names
        ]
        return markdown(lines)

    def verdict_table(self) -> str:
        """One claim a row: the paper's figure, the difference over seeds and what it says."""
        by_seed: dict[int, dict[str, Mapping[str, float]]] = defaultdict(dict)
        for result in self.results:
            by_seed[result["seed"]][result["arm"]] = result["measures"]
        lines = [["claim", "statement", "in the paper", "margin", "by seed", "verdict"], ["---"] * 6]
        for claim in self.claims:
            found = [claim.margin(measures) for _, measures in sorted(by_seed.items())]
            margins = [margin for margin in found if margin is not None and np.isfinite(margin)]
            each = ", ".join(f"{margin:+.3g}" for margin in margins) or "not run"
            lines.append([claim.name, claim.text, claim.published or "–", interval(margins), each, verdict(margins)])
        return markdown(lines)

    def draw_curves(self) -> bool:
        """Draws the losses of the first seed of every arm, all terms summed: generators left, discriminators right."""
        logs = {name: own[0]["curves"] for name, own in self.arms.items() if own[0].get("curves")}
        if not logs:
            return False
        panels = []
        for start, title in (("loss_G", "generator"), ("loss_D", "discriminator")):
            series = {
                # iterations as shares of the last one: arms of equal time take different numbers of them
                arm: ([step / log["step"][-1] for step in log["step"]], total(terms).tolist())
                for arm, log in logs.items()
                if (terms := [values for loss, values in log.items() if loss.startswith(start)])
            }
            panels.append(line_plot(None, series, title=title, xlabel="share of the training", ylabel="loss"))
        write_image(self.reports / self.system / f"{self.experiment.name}-losses.png", np.concatenate(panels, axis=1))
        return True


def total(terms: Sequence[Sequence[float | None]]) -> np.ndarray:
    """The sum of losses at every point; NaN where a stage of the training has none of them."""
    values = np.array(terms, dtype=float)
    return np.where(np.isnan(values).all(axis=0), np.nan, np.nansum(values, axis=0))


def verdict(margins: Sequence[float]) -> str:
    """The rule printed on the page."""
    if len(margins) < FEWEST_SEEDS:
        return "unresolved"
    mean, half = mean_and_half_width(margins)
    if mean - half > 0:
        return "holds"
    return "reversed" if mean + half < 0 else "unresolved"


def mean_and_half_width(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half the width of Student's 95 % interval of the mean; values, at least two, are independent."""
    n = len(values)
    return float(np.mean(values)), float(student.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n))


def interval(values: Sequence[float | None]) -> str:
    """Mean ± half width of Student's 95 % interval, which is left out where values do not differ; a dash for none."""
    seen = [value for value in values if value is not None and np.isfinite(value)]
    if not seen:
        return "–"
    if len(seen) == 1:
        return f"{seen[0]:.4g}"
    mean, half = mean_and_half_width(seen)
    return f"{mean:.4g} ± {half:.2g}" if half > 1e-9 * abs(mean) else f"{mean:.4g}"


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Rows of a Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
