"""Labels that a user gives by number or by name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError
from mutoscope.systems.conditions import Conditions
from mutoscope.systems.config import Config, LabelNames

C = TypeVar("C", bound="LabelledConfig")
Label = Annotated[int | str | None, "Number or name of the label; the first if not given."]
LabelOfAll = Annotated[int | str | None, "Number or name of the label of all; all labels in turn if not given."]


@dataclass(frozen=True)
class LabelledConfig(Config):
    """Choices of a system that takes labels, if it is to."""

    label_names: LabelNames = None

    @property
    def columns(self) -> tuple[str, ...]:
        return ("label",) if self.label_names else ()

    @property
    def categories(self) -> int:
        """Number of labels K; 0 for none."""
        return len(self.label_names or ())

    def for_data(self: C, clips: Clips) -> C:
        """With the labels of these clips, where they were left to the data.

        Raises:
            InputError: the clips do not have the labels that are named, in this order.
        """
        names = self.label_names
        if names is None:
            return replace(self, label_names=list(clips.label_names))
        if names and names != clips.label_names:
            there = f"has {clips.label_names}" if clips.label_names else "has no labels"
            raise InputError(f"label_names: {names} are not those of {clips.name}, which {there}")
        return self


def one_hot(numbers: Int[Tensor, " n"], count: int) -> Float[Tensor, "n count"]:
    """Numbers from 0 as rows with a one each. `F.one_hot` asks the host whether they are in range; this does not."""
    return (numbers[:, None] == torch.arange(count, device=numbers.device)).float()


class Labels:
    """What systems with labels share.

    Attributes:
        config: has `label_names`: the labels' names, in the order of their numbers; empty where there are none.
    """

    config: Any

    @property
    def label_names(self) -> list[str]:
        """The labels' names, in the order of their numbers; none where the system takes none."""
        return list(self.config.label_names or ())

    def one_hot(self, labels: int | str | Sequence[int | str]) -> Float[Tensor, "n K"]:
        """Labels by name or number; a name comes first, where names are numbers.

        Raises:
            InputError: the system takes no labels, or not this one; the known ones are listed.
        """
        wanted = [labels] if isinstance(labels, int | str) else list(labels)
        return self._one_hot(wanted, [self._number_of(str(label)) for label in wanted])

    def labels_in_turn(self, n: int) -> Float[Tensor, "n K"] | None:
        """All labels, one after the other; None where the system takes none."""
        if not self.label_names:
            return None
        numbers = [i % len(self.label_names) for i in range(n)]
        return self._one_hot(numbers, numbers)

    def check_labelled(self, control: str) -> None:
        """Raises InputError where the system was trained without labels."""
        if not self.label_names:
            raise InputError(
                f"{control}: this system was trained without labels (expected one trained with label_names)"
            )

    def labels_for(self, n: int, label: int | str | None) -> Float[Tensor, "n K"] | None:
        """The same label for all, or all labels in turn where none is given.

        Raises:
            InputError: as `one_hot`.
        """
        return self.labels_in_turn(n) if label is None else self.one_hot([label] * n)

    def labels_asked(self, conditions: Conditions) -> Float[Tensor, "n K"] | None:
        """The labels of conditions; all in turn where these have none; None where the system takes none.

        Raises:
            InputError: the system does not know a label, or takes none and the conditions name one by number.
        """
        given = conditions.columns.get("label")
        unknown = conditions.label_names is not None and not self.label_names
        if given is None or None in given or unknown:
            return self.labels_in_turn(conditions.count)
        if conditions.label_names is None:
            return self._one_hot(given, given)
        for name in conditions.label_names:
            if name not in self.label_names:
                known = ", ".join(self.label_names)
                raise InputError(f"label: this system was trained without the label {name} (it knows {known})")
        return self._one_hot(given, [self.label_names.index(conditions.label_names[label]) for label in given])

    def _number_of(self, name: str) -> int:
        """The number of a label, by its name or else as written in digits; -1 where there is none such."""
        if name in self.label_names:
            return self.label_names.index(name)
        return int(name) if name.isdecimal() else -1

    def _one_hot(self, given: Sequence[int | str], numbers: Sequence[int]) -> Float[Tensor, "n K"]:
        for label, number in zip(given, numbers, strict=True):
            if not self.label_names:
                raise InputError(f"label: {label} is given, but this system was trained without labels")
            if not 0 <= number < len(self.label_names):
                known = ", ".join(f"{i} {name}" for i, name in enumerate(self.label_names))
                raise InputError(f"label: {label} is unknown (expected one of {known})")
        return one_hot(torch.tensor(numbers, dtype=torch.int64), len(self.label_names))
