"""Whether predictions would agree far better with the truth if their values were read in another way.

It works on finished counts: how often each value was predicted for each true class, be it pixels, objects or segments.
It knows no files, no flags and no words; the readings that it tries are those that people mix up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from bench.classes import Classes, LabelSpace
from bench.samples import Array

Name = Literal["other-space", "one-less", "one-less-train-ids", "one-more", "last-first", "first-last", "order"]

LEAST, RISE = 0.3, 0.2
"""Another reading is suspected if its agreement reaches LEAST and exceeds that of the reading in use by RISE.

Agreement is Cohen's kappa: 0 for predictions that know nothing of the truth, so a model that always gives one class, or
classes by chance, agrees in no reading. A fixed other reading of an honest model stays below 0.1
(`tests/metrics/test_label_space.py` tries some thousands of models).
"""
LEAST_ORDER = 0.5
"""The same for another order of classes. It is higher, for an order is chosen among many with the counts in view."""
MOVED, PRESENT = 3, 0.01
"""So many classes must be another one, or all that make up this share of the truth, unless they have changed places."""
MOST_SIMPLER = 0.25
"""An order must agree better by this than a simpler reading, or the simpler one is named."""
UNKNOWN = -1
"""Stands for a predicted value that is not known, only that it is not scored."""


@dataclass(frozen=True, eq=False)
class Votes:
    """What was predicted for each true class: `counts` (C, V) float64 by predicted value.

    `values` (V,) int64 are as they were handed in, `UNKNOWN` where nobody knows; `read` (V,) int64 are the train ids
    that they were taken for, C for a label that is not scored. `carriers` (C,) is how many images hold each true class.
    """

    counts: Array
    values: Array
    read: Array
    carriers: Array

    def matrix(self, read: Array | None = None) -> Array:
        """True by predicted class, (C, C + 1), with the values taken for what `read` says, or as they were."""
        classes = len(self.counts)
        table = np.zeros((classes + 1, classes))
        np.add.at(table, self.read if read is None else read, self.counts.T)
        return table.T


class Reading(NamedTuple):
    """Another way to read predicted values: its name, the train ids (V,), and how well they agree with the truth."""

    name: Name
    read: Array
    agreement: float


def suspected(votes: Votes, classes: Classes, space: LabelSpace) -> Reading | None:
    """The reading under which predictions agree far better than as they were read in `space`; None if there is none."""
    now = agreement(votes.matrix())
    if now > 1 - RISE or not votes.counts.any():
        return None
    fixed = [Reading(name, read, agreement(votes.matrix(read))) for name, read in readings(votes, classes, space)]
    best = max(fixed, key=lambda reading: reading.agreement, default=None)
    if best is not None and (best.agreement < LEAST or best.agreement < now + RISE):
        best = None
    order = _order(votes)
    if order is None or order.agreement < max(LEAST_ORDER, now + RISE):
        return best
    return order if best is None or order.agreement > best.agreement + MOST_SIMPLER else best


def agreement(matrix: Array) -> float:
    """Cohen's kappa of true and predicted class, (C, C + 1); 0 where there is nothing to tell apart.

    >>> agreement(np.array([[3.0, 1.0, 0.0], [1.0, 3.0, 0.0]])), agreement(np.array([[4.0, 0.0, 0.0], [4.0, 0.0, 0.0]]))
    (0.5, 0.0)
    """
    total = matrix.sum()
    if not total:
        return 0.0
    classes = len(matrix)
    right = np.trace(matrix[:, :classes]) / total
    chance = (matrix.sum(axis=1) * matrix[:, :classes].sum(axis=0)).sum() / total**2
    return float((right - chance) / (1 - chance)) if chance < 1 else 0.0


def readings(votes: Votes, classes: Classes, space: LabelSpace) -> Iterator[tuple[Name, Array]]:
    """The other ways to read the values, the simplest first, each once: name and train ids (V,)."""
    ids = {entry.id: entry.train_id for entry in classes.entries}
    train: dict[int, int | None] = {place: place for place in range(len(classes))}
    here, other = (ids, train) if space == "ids" else (train, ids)
    last = len(classes) - 1
    ways: Sequence[tuple[Name, Callable[[int], int | None]]] = (
        ("other-space", other.get),
        ("one-less", lambda value: here.get(value - 1)),
        ("one-less-train-ids", lambda value: train.get(value - 1)),
        ("one-more", lambda value: here.get(value + 1)),
        ("last-first", lambda value: _turned(here.get(value), last, 0)),
        ("first-last", lambda value: _turned(here.get(value), 0, last)),
    )
    # Of two classes all that remains is that they change places, which is an order.
    ways = ways if last > 1 else ways[:4]
    seen = {votes.read.tobytes()}
    for name, way in ways:
        found = [None if value == UNKNOWN else way(value) for value in votes.values.tolist()]
        read = np.array([len(classes) if each is None else each for each in found], dtype=np.int64)
        if read.tobytes() not in seen:
            seen.add(read.tobytes())
            yield name, read


def _turned(train_id: int | None, end: int, start: int) -> int | None:
    """The train id if the class at `end` of the order belongs to its `start`, before or behind all others."""
    if train_id is None:
        return None
    return start if train_id == end else train_id + (1 if end > start else -1)


def _order(votes: Votes) -> Reading | None:
    """The order of classes that the counts show; None where they show none.

    It is made of pairs of a class and a value that are mostly predicted for each other: more than half of the class has
    the value, and more than half of the value lies on the class. Honest models have one or two such pairs that differ
    from how the value was read (trucks are taken for buses), so more are needed, unless classes have changed places.
    Each class must be in two images, if any class is: a single image shows no order.
    """
    counts, classes = votes.counts, len(votes.counts)
    cells = (2 * counts > counts.sum(axis=1, keepdims=True)) & (2 * counts > counts.sum(axis=0, keepdims=True))
    enough = votes.carriers >= min(2, int(votes.carriers.max(initial=0)))
    truth, value = np.nonzero(cells & enough[:, None])
    moved = votes.read[value] != truth
    present = int(np.count_nonzero(counts.sum(axis=1) >= PRESENT * counts.sum()))
    if np.count_nonzero(moved) < min(MOVED, present):
        moved &= _in_circles(truth, votes.read[value], classes)
    if not moved.any():
        return None
    read = votes.read.copy()
    read[value[moved]] = truth[moved]
    return Reading("order", read, agreement(votes.matrix(read)))


def _in_circles(truth: Array, read: Array, classes: int) -> Array:
    """Which classes, each taken for one other, come back to themselves: they have changed places."""
    following = np.full(classes + 1, classes)
    following[truth] = read
    place, home = following.copy(), np.zeros(classes + 1, dtype=bool)
    for _ in range(classes):
        home |= (place == np.arange(classes + 1)) & (place < classes)
        place = following[place]
    return home[truth]
