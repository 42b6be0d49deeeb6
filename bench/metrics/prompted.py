"""Objects that a promptable model was pointed at: the mean IoU of their masks after each number of prompts.

Counting takes the truth's objects and the masks in their order; scoring takes tables and weights over images. Which
prompts were given, and why, this module must not know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import masks
from bench.metrics.pixels import weigh
from bench.metrics.rates import ratio
from bench.samples import Array, Instances, PromptedMasks, Rle, Table

_STEP = 1 << 26
_DTYPES: dict[str, Any] = {"object": np.int32, "class": np.int16, "prompts": np.int16, "last": np.bool_} | {
    "intersection": np.int32,
    "union": np.int32,
}


@dataclass(frozen=True, eq=False)
class PromptedScores:
    """Scores in [0, 1] for B rows of weights, NaN where undefined.

    `overall` maps `mIoU@3` (the mean IoU over objects after three prompts) and so on to (B,), and `mIoU` is that after
    the last; `per_class` maps `IoU@3` and so on, and `IoU`, to (B, C).
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]


def count(truth: Instances, found: PromptedMasks, *, image: int = 0) -> Table:
    """Count the pixels of each object and its masks: intersection and union after 1, 2, ... prompts.

    >>> square = masks.encode(np.array([[1, 1], [0, 0]]))
    >>> box, one = np.array([[0.0, 0.0, 2.0, 1.0]]), np.array([0])
    >>> truth = Instances((2, 2), classes=one, rles=[square], areas=np.array([2.0]), boxes=box)
    >>> table = count(truth, PromptedMasks(one, [[masks.encode(np.array([[1, 0], [1, 0]]))], [square]]))
    >>> [table[name].tolist() for name in ("prompts", "intersection", "union")]
    [[1, 2], [1, 2], [3, 2]]
    """
    true = [truth.rles[place] for place in found.objects]
    areas = masks.areas(true)
    inner = np.array([_shared(true, rles) for rles in found.rounds]).reshape(len(found.rounds), len(true))
    outer = np.array([areas + masks.areas(rles) for rles in found.rounds]).reshape(inner.shape) - inner
    # By object, then by number of prompts: the table of an image in one order whatever asks first.
    columns = {
        "object": np.broadcast_to(found.objects, inner.shape),
        "class": np.broadcast_to(truth.classes[found.objects], inner.shape),
        "prompts": np.broadcast_to(np.arange(1, len(inner) + 1)[:, None], inner.shape),
        "last": np.broadcast_to(np.arange(1, len(inner) + 1)[:, None] == len(inner), inner.shape),
        "intersection": inner,
        "union": outer,
    }
    plain = {name: np.ascontiguousarray(column.T).ravel().astype(_DTYPES[name]) for name, column in columns.items()}
    return {"image": np.full(inner.size, image, dtype=np.int32), **plain}


def score(table: Table, weights: Array, classes: int) -> PromptedScores:
    """Score N images under B rows of weights (B, N): the mean over objects of the IoU of each.

    >>> table = {"image": [0, 0, 1], "class": [0, 1, 1], "prompts": [1, 1, 1], "last": [True] * 3}
    >>> table |= {"intersection": [1, 2, 3], "union": [2, 2, 4]}
    >>> table = {name: np.array(column) for name, column in table.items()}
    >>> scores = score(table, np.array([[1, 1], [1, 0]]), 2)
    >>> scores.overall["mIoU"].tolist(), scores.per_class["IoU"].tolist()
    ([0.75, 0.75], [[0.5, 0.875], [0.5, 1.0]])
    """
    images = np.asarray(weights).shape[1]
    return _scores(table, classes, lambda rows: weigh(weights, _sums(rows, rows["image"], images, classes)))


def per_image(table: Table, images: int, classes: int) -> PromptedScores:
    """Score each of N = `images` images alone: B = N, as `score` with the identity for weights."""
    return _scores(table, classes, lambda rows: _sums(rows, rows["image"], images, classes))


def leave_out(table: Table, clusters: Array, classes: int) -> PromptedScores:
    """Score with each cluster left out in turn, B = K, as total minus part; `clusters` (N,) numbers them 0 .. K-1."""
    groups = int(clusters.max(initial=-1)) + 1

    def without_each(rows: Table) -> Array:
        parts = _sums(rows, clusters[rows["image"]], groups, classes)
        return _sums(rows, np.zeros(len(rows["image"]), dtype=np.int64), 1, classes) - parts

    return _scores(table, classes, without_each)


def truth_rows(table: Table) -> Table:
    """The truth's own rows: image, object and class, whatever was answered and however often was asked."""
    once = table["prompts"] == 1
    return {name: np.asarray(table[name][once], dtype=np.int64) for name in ("image", "object", "class")}


def _shared(true: Sequence[Rle], rles: Sequence[Rle]) -> Array:
    both = [np.count_nonzero(masks.decode(a) & masks.decode(b)) for a, b in zip(true, rles, strict=True)]
    return np.array(both, dtype=np.float64)


def _sums(rows: Table, place: Array, places: int, classes: int) -> Array:
    """Objects and their IoU (in two parts that add up without rounding) by place and class, (places, 3 C)."""
    cells = place.astype(np.int64) * classes + rows["class"]
    overlap = ratio(rows["intersection"].astype(np.float64), rows["union"].astype(np.float64))
    high = np.floor(overlap * _STEP) / _STEP
    columns = (np.ones(len(overlap)), high, overlap - high)
    sums = [np.bincount(cells, weights=column, minlength=places * classes) for column in columns]
    return np.concatenate([each.reshape(places, classes) for each in sums], axis=1)


def _scores(table: Table, classes: int, summed: Callable[[Table], Array]) -> PromptedScores:
    numbers = np.unique(table["prompts"]).tolist() or [1]
    kept = {"": np.asarray(table["last"])} | {f"@{n}": np.asarray(table["prompts"]) == n for n in numbers}
    overall: dict[str, Array] = {}
    per_class: dict[str, Array] = {}
    for suffix, rows in kept.items():
        sums = summed({name: np.asarray(column)[rows] for name, column in table.items()})
        objects, overlap = sums[:, :classes], sums[:, classes : 2 * classes] + sums[:, 2 * classes :]
        overall[f"mIoU{suffix}"] = ratio(overlap.sum(axis=1), objects.sum(axis=1))
        per_class[f"IoU{suffix}"] = ratio(overlap, objects)
    # A run that was asked less often than another one has no score where the other has one.
    rows_of_weights, shape = len(overall["mIoU"]), per_class["IoU"].shape
    return PromptedScores(
        defaultdict(lambda: np.full(rows_of_weights, np.nan), overall),
        defaultdict(lambda: np.full(shape, np.nan), per_class),
    )
