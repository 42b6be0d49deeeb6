"""Label maps of a loop that hold the numbers of label files: the ids of a card, or what its
[values] map to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

from bench.cards import Card
from bench.errors import UsageError
from bench.formats.labels.files import LabelFiles
from bench.samples import Array


@dataclass(frozen=True, eq=False)
class RawFiles:
    """The meaning of label files, for arrays."""

    files: LabelFiles

    @classmethod
    def of(cls, card: Card) -> RawFiles:
        """The meaning of a card's label files."""
        return cls(LabelFiles(card.classes, card.values))

    def ids(self, values: Array, where: str, *, truth: bool) -> Array:
        """The ids of the card that the values of a truth or a prediction, (H, W), stand for.

        Raises:
            DataError, PredictionError: a value that the card's [values] do not list.
        """
        if truth:
            return values  # they become train ids in one go
        return self.files.predicted_values(values, "ids", Path(where))

    def train_ids(self, ids: Array, where: str, *, truth: bool) -> Array:
        """The train ids of a truth or a prediction, (H, W).

        Raises:
            DataError, PredictionError: an unknown id, or values that look like train ids.
        """
        if truth:
            return self.files.true_labels(ids, Path(where))
        return self.files.classes.prediction_to_train(ids, "ids", where=where)


def values_of(ignore: Any, task: str) -> tuple[int, ...]:
    """The ignored values, from a number or several.

    Raises:
        UsageError: not a whole number, or a task without label maps.
    """
    if ignore is None:
        return ()
    numbers = (
        list(ignore) if isinstance(ignore, Sequence) and not isinstance(ignore, str) else [ignore]
    )
    if not numbers or not all(
        isinstance(value, Integral) and not isinstance(value, bool) for value in numbers
    ):
        raise UsageError(
            f"ignore must be a whole number such as -100, or a list of them, got {ignore!r}"
        )
    if task != "semantic":
        other = (
            "iscrowd marks objects that do not count"
            if task == "instance"
            else "pixels of id 0 do not count"
        )
        raise UsageError(
            f"ignore={ignore!r} is only for label maps; in a {task} evaluation {other}"
        )
    return tuple(int(value) for value in numbers)
