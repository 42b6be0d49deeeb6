"""The meaning of pixel values in label files whose card has a table `values`: ids of the card.

It knows arrays and values, and files only as the start of a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from bench import kernels
from bench.classes import INVALID, VALUES, Classes
from bench.errors import DataError, PredictionError
from bench.samples import Array

_Table = np.ndarray[tuple[int], np.dtype[np.int32]]


class ValueCodes:
    """The pixel values of a card, each with the id that it means; void maps to itself."""

    def __init__(self, classes: Classes, values: Mapping[int, int]) -> None:
        """Keep what the tables are made of: many data sets never need them."""
        self._classes = classes
        self._values = values

    def true_ids(self, labels: Array, path: Path) -> Array:
        """The ids of the values of a truth file, of any shape.

        Raises:
            DataError: a value that the card does not list.
        """
        try:
            return kernels.map_labels(labels, self._table, np.uint16)
        except kernels.InvalidLabel as invalid:
            raise DataError(f"{path}: {self._problem(invalid.value)}") from None

    def predicted_ids(self, labels: Array, path: Path) -> Array:
        """The ids of the values of a predicted file, of any shape.

        Raises:
            PredictionError: a value that the card does not list.
        """
        try:
            return kernels.map_labels(labels, self._predicted_table, np.uint16)
        except kernels.InvalidLabel as invalid:
            may_be_train_ids = int(labels.max()) < len(self._classes)
            hint = (
                "; if the values are train ids, use --label-space train-ids"
                if may_be_train_ids
                else ""
            )
            raise PredictionError(f"{path}: {self._problem(invalid.value)}{hint}") from None

    def values_of(self, ids: Array, path: Path) -> Array:
        """The pixel values to write for ids, uint8 or uint16 of the same shape.

        Raises:
            DataError: an id without a pixel value.
        """
        table = np.full(VALUES, INVALID, dtype=np.int32)
        for value in np.flatnonzero(self._table != INVALID)[::-1]:
            table[self._table[value]] = value
        try:
            return kernels.map_labels(
                ids, table, np.uint8 if int(table.max()) <= 255 else np.uint16
            )
        except kernels.InvalidLabel as invalid:
            raise DataError(
                f"{path}: no pixel value stands for id {invalid.value} in the card's [values]"
            ) from None

    @cached_property
    def _table(self) -> _Table:
        table = np.full(VALUES, INVALID, dtype=np.int32)
        table[list(self._classes.void)] = self._classes.void
        table[list(self._values.keys())] = list(self._values.values())
        return table

    @cached_property
    def _predicted_table(self) -> _Table:
        """As `_table`, and ids map to themselves if no pixel value contradicts any of them.

        Networks answer 0 and 1 also where masks are drawn as 0 and 255.
        """
        table = self._table.copy()
        ids = [entry.id for entry in self._classes.entries if 0 <= entry.id < VALUES]
        if all(self._values.get(identity, identity) == identity for identity in ids):
            table[ids] = ids
        return table

    def _problem(self, value: int) -> str:
        listed = ", ".join(map(str, sorted(self._values)))
        return f"pixel value {value} is not among the card's [values] ({listed})"
