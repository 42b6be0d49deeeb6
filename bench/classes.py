"""The class table of a data set as a value: ids, names, what is scored, what is void, and maps
between label spaces.

Two label spaces exist. *ids* are the numbers in the data set's files; *train ids* run from 0 to C -
1 over the scored classes and are what every array in memory holds. This module knows arrays and
names, never files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench import kernels
from bench.errors import CardError, DataError, PredictionError, UsageError

if TYPE_CHECKING:
    from bench.kernels.reference import Labels

LabelSpace = Literal["ids", "train-ids"]
LABEL_SPACES: tuple[LabelSpace, ...] = ("ids", "train-ids")

_SHOWN = 8
"""Names that a table of classes shows of itself."""
INVALID = -1
"""Entry of a look-up table for a value that is not a label."""
VALUES = 1 << 16
"""How many values a label file can hold."""


@dataclass(frozen=True)
class Class:
    """One label of a data set; without a train id it exists in the files and is not scored.

    `frequency` says how common it is in training (r, c or f), where a data set asks for scores by
    that.
    """

    id: int
    name: str
    train_id: int | None = None
    category: str | None = None
    thing: bool = False
    color: tuple[int, int, int] | None = None
    frequency: str | None = None


@dataclass(frozen=True)
class Classes:
    """All labels of a data set; none at all where a card leaves them to the truth, until that is
    opened.

    `ignore` marks pixels in memory that do not count in the truth, or that are predicted as a label
    which is not scored. `void` are values in truth files that mean "does not count" without being a
    label, such as 255 in VOC.
    """

    entries: tuple[Class, ...]
    ignore: int = 255
    void: tuple[int, ...] = (255,)

    def __post_init__(self) -> None:
        """Refuse tables in which two labels share an id, a name or a train id, or the train ids
        have gaps.
        """
        for problem in problems_of_classes(self.entries, self.ignore, self.void):
            raise CardError(problem)

    def __repr__(self) -> str:
        """The scored classes, the first of them by name."""
        more = len(self) - _SHOWN
        names = ", ".join(self.names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        return f"<Classes {names or 'none'}; ignore {self.ignore}>"

    @cached_property
    def scored(self) -> tuple[Class, ...]:
        """The classes that are scored, by train id."""
        return tuple(
            sorted(
                (e for e in self.entries if e.train_id is not None), key=lambda e: e.train_id or 0
            )
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the scored classes, by train id."""
        return tuple(entry.name for entry in self.scored)

    @property
    def things(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether each scored class is countable; shape (C,)."""
        return np.array([entry.thing for entry in self.scored], dtype=bool)

    def __len__(self) -> int:
        """Number of scored classes, C."""
        return len(self.scored)

    @property
    def dtype(self) -> type[np.uint8 | np.uint16]:
        """Type of label maps in memory: the smallest that holds `ignore`."""
        return np.uint8 if self.ignore <= 255 else np.uint16

    def name_of(self, value: int) -> str:
        """Name of an id of the files, for messages."""
        return next((entry.name for entry in self.entries if entry.id == value), f"label {value}")

    def by_name(self, name: str) -> Class | None:
        """The label with this name, if there is one."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def train_id_of(self, value: int) -> int | None:
        """Train id of an id of the files; None for a label that is not scored or that does not
        exist.
        """
        return next((entry.train_id for entry in self.entries if entry.id == value), None)

    def to_train(self, labels: Labels, *, where: str) -> Labels:
        """Map the values of a truth file, shape (H, W), to train ids and `ignore`.

        Raises:
            DataError: a value that is neither a label of the card nor void; `where` names the file.
        """
        try:
            return kernels.map_labels(labels, self._truth_table, self.dtype)
        except kernels.InvalidLabel as error:
            raise DataError(
                f"{where}: value {error.value} is neither a label of the card nor void "
                f"(labels: {_ranges([e.id for e in self.entries])}; void: "
                f"{_ranges(list(self.void))})"
            ) from None

    def prediction_to_train(
        self, labels: Labels, space: LabelSpace = "ids", *, where: str
    ) -> Labels:
        """Map predicted values, shape (H, W), to train ids; labels that are not scored become
        `ignore`.

        Where the card has such labels, the train ids `ignore` and C, just above the last one, stand
        for them: networks with one output more than there are classes mean "everything else" by it.
        Whether the other space was meant shows only beside the truth: `metrics/label_space.py`
        compares them.

        Raises:
            PredictionError: a value that is not a label of the card.
        """
        if space not in LABEL_SPACES:
            raise UsageError(
                f"unknown label space {space!r}: it must be one of {', '.join(LABEL_SPACES)}"
            )
        table = self._prediction_table if space == "ids" else self._train_table
        try:
            return kernels.map_labels(labels, table, self.dtype)
        except kernels.InvalidLabel as error:
            raise PredictionError(
                self._invalid_prediction(labels, space, error.value, where)
            ) from None

    def to_ids(self, labels: Labels) -> Labels:
        """Map train ids, shape (H, W), back to the ids of the files; `ignore` becomes the first
        void value.
        """
        table = np.full(max(self.ignore + 1, 256), INVALID, dtype=np.int32)
        for train_id, entry in enumerate(self.scored):
            table[train_id] = entry.id
        table[self.ignore] = self.void_id
        largest = int(table.max())
        return kernels.map_labels(labels, table, np.uint8 if largest <= 255 else np.uint16)

    @property
    def void_id(self) -> int:
        """The value that means void in files: the first void value, else the first label that is
        not scored.
        """
        if self.void:
            return self.void[0]
        unscored = [entry.id for entry in self.entries if entry.train_id is None and entry.id >= 0]
        return unscored[0] if unscored else self.ignore

    @cached_property
    def _prediction_table(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        table = np.full(VALUES, INVALID, dtype=np.int32)
        for entry in self.entries:
            if 0 <= entry.id < VALUES:
                table[entry.id] = self.ignore if entry.train_id is None else entry.train_id
        return table

    @cached_property
    def _truth_table(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        table = self._prediction_table.copy()
        table[list(self.void)] = self.ignore
        return table

    @cached_property
    def _train_table(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        table = np.full(VALUES, INVALID, dtype=np.int32)
        table[: len(self)] = np.arange(len(self))
        # Only where the card has labels that are not scored can a train id mean "one of them".
        if any(entry.train_id is None for entry in self.entries):
            table[[len(self), self.ignore]] = self.ignore
        return table

    def _invalid_prediction(self, labels: Labels, space: LabelSpace, value: int, where: str) -> str:
        known = [e.id for e in self.entries] if space == "ids" else list(range(len(self)))
        text = (
            f"{where}: predicted value {value} is not a label of the card (read as {space}, "
            f"which are {_ranges(known)})"
        )
        other: LabelSpace = "train-ids" if space == "ids" else "ids"
        if value in self.void:
            two = set(np.unique(labels).tolist()) == {0, value}
            hint = (
                (
                    f"; masks of 0 and {value} need [values] with {value} = 1, and void = [], in "
                    "the card"
                )
                if two
                else ""
            )
            return (
                f"{text}; {value} means void only in the ground truth; every pixel of a "
                f"prediction needs a class{hint}"
            )
        if all(entry.id == entry.train_id for entry in self.scored):
            return f"{text}; is this a colour image or a probability map instead of a label map?"
        table = self._train_table if space == "ids" else self._prediction_table
        if bool((table[np.unique(labels)] != INVALID).all()):
            return f"{text}; all its values are {other}: use --label-space {other}"
        return text


def problems_of_classes(
    entries: Sequence[Class], ignore: int, void: Sequence[int]
) -> Iterator[str]:
    """Every contradiction in a table of classes, as a sentence."""
    yield from _repeats("id", [entry.id for entry in entries])
    yield from _repeats("name", [entry.name for entry in entries])
    yield from _repeats(
        "train_id", [entry.train_id for entry in entries if entry.train_id is not None]
    )
    train_ids = sorted({entry.train_id for entry in entries if entry.train_id is not None})
    if train_ids != list(range(len(train_ids))) or (entries and not train_ids):
        yield (
            f"the train ids of the classes must be 0 to C-1 without gaps, but they are {train_ids}"
        )
    if not len(train_ids) <= ignore <= VALUES - 1:
        last = train_ids[-1] if train_ids else 0
        yield (
            f"ignore = {ignore} must be above the train ids 0 to {last} and below {VALUES}: it is "
            "a value in memory; values in files that do not count belong in void"
        )
    clash = sorted(set(void) & {entry.id for entry in entries if entry.train_id is not None})
    if clash:
        yield (
            f"void lists {clash}, which are ids of scored classes; a value cannot be both "
            "void and a class"
        )


def _repeats(what: str, values: Sequence[int | str]) -> Iterator[str]:
    repeated = (
        sorted({str(value) for value in values if values.count(value) > 1})
        if len(set(values)) < len(values)
        else []
    )
    for value in repeated:
        shown = repr(value) if what == "name" else value
        yield f"two classes share the {what} {shown}; each needs its own"


def _ranges(values: list[int]) -> str:
    """Write sorted numbers with runs shortened.

    >>> _ranges([0, 1, 2, 7, 9, 10])
    '0-2, 7, 9-10'
    """
    numbers = sorted(set(values))
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs) or "none"


__all__ = ["INVALID", "LABEL_SPACES", "VALUES", "Class", "Classes", "LabelSpace"]
