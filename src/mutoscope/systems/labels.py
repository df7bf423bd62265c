"""Labels that a user gives by number or by name."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from mutoscope.data.clips import Clips
from mutoscope.errors import InputError


class Labels:
    """What systems with labels share.

    Attributes:
        label_names: the labels' names, in the order of their numbers; empty where the system takes none.
        labels_of_data: whether they were left to the data to tell.
    """

    label_names: list[str]
    labels_of_data: bool = False

    def arguments_for(self, clips: Clips) -> dict[str, Any]:
        """The names of the labels, where they were left to these clips to tell (see `System.arguments_for`)."""
        return {"label_names": clips.label_names} if self.labels_of_data and clips.label_names else {}

    def check_labels(self, clips: Clips) -> None:
        """Raises InputError where clips do not have these labels, in this order, each of them one."""
        if self.label_names and self.label_names != clips.label_names:
            there = f"has {clips.label_names}" if clips.label_names else "has no labels"
            raise InputError(f"label_names: {self.label_names} are not those of {clips.name}, which {there}")
        missing = sum(record.label is None for record in clips.records)
        if self.label_names and missing:
            raise InputError(
                f"{clips.name}: {missing} of {len(clips)} clips have no label (expected folders of clips, one a label, "
                "or --label_names '[]' to train without)"
            )

    def one_hot(self, labels: int | str | Sequence[int | str]) -> Float[Tensor, "n K"]:
        """Labels by name or number; a name comes first, where names are numbers.

        Raises:
            InputError: the system takes no labels, or not this one; the known ones are listed.
        """
        wanted = [labels] if isinstance(labels, int | str) else list(labels)
        return self._one_hot(wanted, [self._number_of(str(label)) for label in wanted])

    def numbered(self, labels: Sequence[int]) -> Float[Tensor, "n K"]:
        """Labels by number, whatever they are called.

        Raises:
            InputError: as `one_hot`.
        """
        return self._one_hot(labels, labels)

    def labels_in_turn(self, n: int) -> Float[Tensor, "n K"] | None:
        """All labels, one after the other; None where the system takes none."""
        if not self.label_names:
            return None
        return self.numbered([i % len(self.label_names) for i in range(n)])

    def labels_for(self, n: int, label: int | str | None) -> Float[Tensor, "n K"] | None:
        """The same label for all, or all labels in turn where none is given.

        Raises:
            InputError: as `one_hot`.
        """
        return self.labels_in_turn(n) if label is None else self.one_hot([label] * n)

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
        return F.one_hot(torch.tensor(numbers), len(self.label_names)).float()
