"""The meaning of colours in label files: classes of a card, each with a colour of its own.

It knows arrays and colours, no files.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from bench.classes import Class, Classes
from bench.samples import Array, LabelMap


class ColorCodes:
    """The colours of a class table; a colour that several labels share means the scored one among
    them.
    """

    def __init__(self, classes: Classes) -> None:
        """Look the colours up: labels that are not scored come first, so that scored ones replace
        them.
        """
        self._classes = classes
        labels = {
            _code(entry.color): entry
            for entry in sorted(
                classes.entries, key=lambda entry: (entry.train_id is not None, -entry.id)
            )
            if entry.color is not None
        }
        self._labels: list[Class] = [labels[code] for code in sorted(labels)]
        self._codes = np.array(sorted(labels), dtype=np.int32)

    @cached_property
    def problem(self) -> str:
        """Why colours cannot distinguish the scored classes; "" if they can."""
        colors = [entry.color for entry in self._classes.scored]
        lacking = [entry.name for entry in self._classes.scored if entry.color is None]
        if len(lacking) == len(colors):
            return "the card gives its classes no colours"
        if lacking:
            return f"the card gives {lacking[0]!r} no colour"
        for index, entry in enumerate(self._classes.scored):
            if entry.color in colors[:index]:
                other = self._classes.scored[colors.index(entry.color)]
                return (
                    f"{other.name!r} and {entry.name!r} share the colour {list(entry.color or ())}"
                )
        return ""

    def places(self, picture: Array) -> tuple[Array, tuple[int, int] | None]:
        """The place of the colour of each pixel, (H, W, 3) uint8, and row and column of the first
        unknown one.
        """
        seen = (
            picture[..., 0].astype(np.int32) << 16
            | picture[..., 1].astype(np.int32) << 8
            | picture[..., 2]
        )
        if not len(self._codes):
            return np.zeros_like(seen), (0, 0)
        indices = np.minimum(np.searchsorted(self._codes, seen), len(self._codes) - 1)
        unknown = self._codes[indices] != seen
        if not unknown.any():
            return indices, None
        row, column = np.unravel_index(int(np.argmax(unknown)), unknown.shape)
        return indices, (int(row), int(column))

    def labels(self, places: Array) -> Array:
        """The train id or `ignore` of each place."""
        table = [
            self._classes.ignore if entry.train_id is None else entry.train_id
            for entry in self._labels
        ]
        return np.array(table, dtype=self._classes.dtype)[places]

    def colors(self, labels: Array) -> Array:
        """The colour of each train id and of `ignore`, (H, W, 3) uint8; black where the card gives
        none.
        """
        table = np.zeros((self._classes.ignore + 1, 3), dtype=np.uint8)
        for entry in reversed(self._classes.entries):
            if entry.color is not None:
                table[self._classes.ignore if entry.train_id is None else entry.train_id] = (
                    entry.color
                )
        painted: Array = table[labels]
        return painted

    def label_map(self, places: Array) -> LabelMap:
        """A prediction: its train ids and, where some pixels are not scored, the ids that say what
        was predicted.
        """
        train = self.labels(places)
        numbers = [entry.id for entry in self._labels]
        if min(numbers) < 0 or not (train == self._classes.ignore).any():
            return LabelMap(train)
        return LabelMap(train, ids=np.array(numbers, dtype=np.uint16)[places])


def _code(color: tuple[int, int, int]) -> int:
    return color[0] << 16 | color[1] << 8 | color[2]
