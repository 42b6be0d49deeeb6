"""Class numbers of objects and segments as train ids: they are train ids already, or ids of the
card.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import InputError
from bench.samples import Array

if TYPE_CHECKING:
    from bench.classes import Classes


def train_ids(
    numbers: Array, classes: Classes, *, ids: bool, hint: bool = False
) -> tuple[Array, Array]:
    """The train id of each object, (G,), and which objects belong to a scored class, (G,) bool.

    Raises:
        InputError: a number that is not a class.
    """
    if not ids:
        wrong = numbers[(numbers < 0) | (numbers >= len(classes))]
        if wrong.size:
            advice = _hint(numbers, classes) if hint else ""
            raise InputError(
                f"the class {wrong[0]} is not a train id from 0 to {len(classes) - 1}{advice}"
            )
        return numbers.astype(np.int64), np.ones(len(numbers), dtype=bool)
    by_id = {entry.id: entry.train_id for entry in classes.entries}
    unknown = next((int(number) for number in numbers if int(number) not in by_id), None)
    if unknown is not None:
        raise InputError(
            f"the category {unknown} is not the id of a class; the ids are {_some(sorted(by_id))}"
        )
    converted = [by_id[int(number)] for number in numbers]
    kept = np.array([train_id is not None for train_id in converted], dtype=bool)
    return np.array([train_id or 0 for train_id in converted], dtype=np.int64), kept


def _hint(numbers: Array, classes: Classes) -> str:
    if int(numbers.min()) >= 1 and int(numbers.max()) == len(classes):
        return "; if 0 is the background, subtract 1, or list it as the first class"
    if all(classes.name_of(int(number)) != f"label {number}" for number in numbers):
        return '; if these are ids of the card, pass label_space="ids"'
    return ""


def _some(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:8])) + (f" ... {numbers[-1]}" if len(numbers) > 8 else "")
