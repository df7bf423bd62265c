"""How a system states its paper's claims: arms that are trained, and relations their measures must show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Arm:
    """One trained variant.

    Attributes:
        name: as shown in tables.
        options: options of training and system that differ from the experiment's; `arm:NAME` as a value stands for the
            folder with another arm's run, of the same seed.
        preset: another named configuration than the experiment's.
        system: another system or baseline than the one that states the claims.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None
    system: str | None = None


@dataclass(frozen=True)
class Experiment:
    """Arms trained and measured on the same data.

    Attributes:
        name: as used on the command line and in file names.
        title: a heading.
        data: name of a synthetic set, or a folder, relative to that of the user's data.
        preset: named configuration of all arms.
        arms: the variants; the first is the whole method.
        options: options of training of all arms, and of the system that states the claims where it is an arm's.
        test: options of `open_clips` that make the clips to measure on, for synthetic sets; where empty, the clips held
            out from training are taken.
        budget: training time of every arm, as 20m, or 20m cpu for processor time (with the one thread of each arm: the
            time it would take on a free core); where empty, the steps of the preset.
        sequence: frames of the clips that are measured.
        published: the paper's own figures, by arm and measure (under the paper's names: other data, other features).
    """

    name: str
    title: str
    data: str
    preset: str
    arms: tuple[Arm, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    test: Mapping[str, Any] = field(default_factory=dict)
    budget: str = ""
    sequence: int = 16
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """A statement: a measure of an arm against a number, or against the same or another measure of an arm.

    Attributes:
        name: short name, as H2.
        text: the statement in words.
        experiment: the experiment's name.
        arm: the arm's name.
        measure: what is compared.
        relation: the direction claimed.
        value: a number to compare with; used where `other_arm` and `other_measure` are not given.
        other_arm: the arm to compare with, by default the same.
        other_measure: the measure to compare with, by default the same.
        published: what the paper has to show for it, in its own figures.
    """

    name: str
    text: str
    experiment: str
    arm: str
    measure: str
    relation: Literal[">", "<"]
    value: float | None = None
    other_arm: str | None = None
    other_measure: str | None = None
    published: str = ""

    @property
    def arms(self) -> set[str]:
        """The arms that must be trained to judge it."""
        return {self.arm, self.other_arm or self.arm}

    def margin(self, measures: Mapping[str, Mapping[str, float]]) -> float | None:
        """By how much the claim holds (positive) or fails (negative), from one seed's measures by arm.

        None where an arm or a measure of it is missing.
        """
        left = measures.get(self.arm, {}).get(self.measure)
        right = self.value
        if right is None:
            right = measures.get(self.other_arm or self.arm, {}).get(self.other_measure or self.measure)
        if left is None or right is None:
            return None
        return left - right if self.relation == ">" else right - left
