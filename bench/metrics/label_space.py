"""Detect predictions that would agree far better with the truth if read in another way.

It works on finished counts: how often each value was predicted for each true class, in pixels,
objects or segments. The readings it tries are the usual mistakes: ids instead of train ids, numbers
shifted by one, classes in another order. This module knows neither files nor options nor messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from bench.classes import Classes, LabelSpace
from bench.samples import Array

Name = Literal[
    "other-space", "one-less", "one-less-train-ids", "one-more", "last-first", "first-last", "order"
]

MIN_AGREEMENT, MIN_GAIN = 0.3, 0.2
"""Another reading is suspected if it has this agreement, and this much more than the one in use.

Agreement is Cohen's kappa. It is 0 for predictions that are independent of the truth, so that a
model that always predicts one class, or classes by chance, agrees in no reading. Any other fixed
reading of a sound model stays below 0.1 (`tests/metrics/test_label_space.py` tries some thousands
of models).
"""
MIN_AGREEMENT_OF_ORDER = 0.5
"""The same for another order of classes: higher, as the order is chosen after seeing the counts."""
MIN_MOVED, PRESENT = 3, 0.01
"""So many classes must move, or all with this fraction of the truth, unless they swap places."""
MIN_GAIN_OF_ORDER = 0.25
"""An order must agree better by this than a simpler reading, or the simpler one is reported."""
UNKNOWN = -1
"""A predicted value that is only known not to be scored."""


@dataclass(frozen=True, eq=False)
class Votes:
    """What was predicted for each true class.

    `counts` (C, V) float64 are by true class and predicted value. `values` (V,) int64 are the
    values as the files hold them, or `UNKNOWN`. `read` (V,) int64 are the train ids that they were
    read as, C for a label that is not scored. `carriers` (C,) is the number of images with each
    true class.
    """

    counts: Array
    values: Array
    read: Array
    carriers: Array

    def matrix(self, read: Array | None = None) -> Array:
        """Return a matrix of true by predicted class, (C, C + 1), for values read as `read`."""
        classes = len(self.counts)
        table = np.zeros((classes + 1, classes))
        np.add.at(table, self.read if read is None else read, self.counts.T)
        return table.T


class Reading(NamedTuple):
    """Another way to read predicted values: its name, the train ids (V,), and the agreement."""

    name: Name
    read: Array
    agreement: float


def suspected(votes: Votes, classes: Classes, space: LabelSpace) -> Reading | None:
    """Return the reading under which predictions agree far better than in `space`, or None."""
    now = agreement(votes.matrix())
    # Agreement is at most 1, so no reading can be better by MIN_GAIN. Most runs end here.
    if now > 1 - MIN_GAIN or not votes.counts.any():
        return None
    fixed = [
        Reading(name, read, agreement(votes.matrix(read)))
        for name, read in readings(votes, classes, space)
    ]
    best = max(fixed, key=lambda reading: reading.agreement, default=None)
    if best is not None and best.agreement < max(MIN_AGREEMENT, now + MIN_GAIN):
        best = None
    order = _order(votes)
    if order is None or order.agreement < max(MIN_AGREEMENT_OF_ORDER, now + MIN_GAIN):
        return best
    # There are many more orders than fixed readings, so the best of them fits better by chance.
    if best is not None and order.agreement <= best.agreement + MIN_GAIN_OF_ORDER:
        return best
    return order


def agreement(matrix: Array) -> float:
    """Return Cohen's kappa of a matrix of true by predicted class, (C, C + 1).

    kappa = (p - e) / (1 - e), where p is the fraction that agrees and e the fraction expected by
    chance, for the same frequencies of classes. It is 0 if there are no counts, or only one class.

    >>> agreement(np.array([[3.0, 1.0, 0.0], [1.0, 3.0, 0.0]]))
    0.5
    >>> agreement(np.array([[4.0, 0.0, 0.0], [4.0, 0.0, 0.0]]))
    0.0
    """
    total = matrix.sum()
    if not total:
        return 0.0
    classes = len(matrix)
    right = np.trace(matrix[:, :classes]) / total
    chance = (matrix.sum(axis=1) * matrix[:, :classes].sum(axis=0)).sum() / total**2
    return float((right - chance) / (1 - chance)) if chance < 1 else 0.0


def readings(votes: Votes, classes: Classes, space: LabelSpace) -> Iterator[tuple[Name, Array]]:
    """Yield other ways to read the values, simplest first, each once: name and train ids (V,)."""
    ids = {entry.id: entry.train_id for entry in classes.entries}
    train: dict[int, int | None] = {train_id: train_id for train_id in range(len(classes))}
    here, other = (ids, train) if space == "ids" else (train, ids)
    last = len(classes) - 1
    ways: Sequence[tuple[Name, Callable[[int], int | None]]] = (
        # Ids and train ids are mixed up; a background class was added in front; the numbers begin
        # at 1 or 0 instead; or the background is the first class in one list and the last in
        # another.
        ("other-space", other.get),
        ("one-less", lambda value: here.get(value - 1)),
        ("one-less-train-ids", lambda value: train.get(value - 1)),
        ("one-more", lambda value: here.get(value + 1)),
        ("last-first", lambda value: _rotated(here.get(value), last, 0)),
        ("first-last", lambda value: _rotated(here.get(value), 0, last)),
    )
    # With two classes, moving one to the other end swaps them, which `_order` reports.
    ways = ways if last > 1 else ways[:4]
    seen = {votes.read.tobytes()}
    for name, way in ways:
        train_ids = [None if value == UNKNOWN else way(value) for value in votes.values.tolist()]
        read = np.array(
            [len(classes) if train_id is None else train_id for train_id in train_ids],
            dtype=np.int64,
        )
        if read.tobytes() not in seen:
            seen.add(read.tobytes())
            yield name, read


def _rotated(train_id: int | None, end: int, start: int) -> int | None:
    """Return the train id after the class at `end` of the order moves to `start`, the other end."""
    if train_id is None:
        return None
    if train_id == end:
        return start
    return train_id + (1 if end > start else -1)


def _order(votes: Votes) -> Reading | None:
    """Return the order of classes that the counts suggest, or None.

    It consists of pairs of a class and a value that mostly occur together: more than half of the
    class has the value, and more than half of the value is on the class. A sound model may have one
    or two such pairs that differ from how the value was read (trucks predicted as buses). So more
    are needed, unless the classes swap places. A class must be in two images, if any class is: a
    single image suggests no order.
    """
    counts, classes = votes.counts, len(votes.counts)
    # More than half both ways: a class has at most one such value, and a value one such class.
    cells = (2 * counts > counts.sum(axis=1, keepdims=True)) & (
        2 * counts > counts.sum(axis=0, keepdims=True)
    )
    enough = votes.carriers >= min(2, int(votes.carriers.max(initial=0)))
    truth, value = np.nonzero(cells & enough[:, None])
    moved = votes.read[value] != truth
    present = int(np.count_nonzero(counts.sum(axis=1) >= PRESENT * counts.sum()))
    if np.count_nonzero(moved) < min(MIN_MOVED, present):
        moved &= _in_cycles(truth, votes.read[value], classes)
    if not moved.any():
        return None
    read = votes.read.copy()
    read[value[moved]] = truth[moved]
    return Reading("order", read, agreement(votes.matrix(read)))


def _in_cycles(truth: Array, read: Array, classes: int) -> Array:
    """Return which of the classes `truth`, each read as the class `read`, are part of a cycle.

    Such classes swap places: if car is read as bus and bus as car, following these steps from car
    returns to car. A truck that is read as bus does not return.
    """
    step = np.full(classes + 1, classes)
    step[truth] = read
    reached, returned = step.copy(), np.zeros(classes + 1, dtype=bool)
    for _ in range(classes):
        returned |= (reached == np.arange(classes + 1)) & (reached < classes)
        reached = step[reached]
    return returned[truth]
