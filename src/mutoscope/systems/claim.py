"""How a system states its paper's claims: arms that are trained, and relations their measures must show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Arm:
    """One trained variant.

    Attributes:
        name: as shown in tables.
        options: options of training and system that differ from the experiment's.
        preset: another named configuration than the experiment's.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None


@dataclass(frozen=True)
class Experiment:
    """Arms trained and measured on the same data.

    Attributes:
        name: as used on the command line and in file names.
        title: a heading.
        data: name of a synthetic set, or a folder, relative to that of the user's data.
        preset: named configuration of all arms.
        arms: the variants; the first is the whole method.
        options: options of all arms.
        test: options of `open_clips` that make the clips to measure on, for synthetic sets; where empty, the clips held
            out from training are taken.
    """

    name: str
    title: str
    data: str
    preset: str
    arms: tuple[Arm, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    test: Mapping[str, Any] = field(default_factory=dict)


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

    def difference(self, measures: Mapping[str, Mapping[str, float]]) -> float:
        """By how much the claim holds (positive) or fails (negative), from one seed's measures by arm."""
        left = measures[self.arm][self.measure]
        if self.value is not None:
            right = self.value
        else:
            right = measures[self.other_arm or self.arm][self.other_measure or self.measure]
        return left - right if self.relation == ">" else right - left
