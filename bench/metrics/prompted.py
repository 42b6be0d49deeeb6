"""Promptable models: the mean IoU of the predicted masks of objects after each number of prompts.

Counting takes the true objects and the masks in their order; scoring takes tables and weights over
images. This module does not know which prompts were given.
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
"""IoU is split at multiples of 2^-26, so that sums are exact; see `panoptic._add_up`."""
_DTYPES: dict[str, Any] = {
    "object": np.int32,
    "class": np.int16,
    "prompts": np.int16,
    "last": np.bool_,
} | {
    "intersection": np.int32,
    "union": np.int32,
}


@dataclass(frozen=True, eq=False)
class PromptedScores:
    """Scores in [0, 1] for weights (B, N), NaN if undefined.

    `overall` maps names such as `mIoU@3`, the mean IoU over objects after three prompts, to (B,);
    `mIoU` is that after the last prompt. `per_class` maps `IoU@3` and so on, and `IoU`, to (B, C).
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]


def count(truth: Instances, found: PromptedMasks, *, image: int = 0) -> Table:
    """Count the intersection and union of each object and its mask after 1, 2, ... prompts.

    Table columns: image (int32), object (int32: position in the ground truth), class (int16),
    prompts (int16), last (bool: after the last prompt), intersection and union (int32, pixels).

    >>> square = masks.encode(np.array([[1, 1], [0, 0]]))
    >>> box, one = np.array([[0.0, 0.0, 2.0, 1.0]]), np.array([0])
    >>> truth = Instances((2, 2), classes=one, rles=[square], areas=np.array([2.0]), boxes=box)
    >>> column = masks.encode(np.array([[1, 0], [1, 0]]))
    >>> table = count(truth, PromptedMasks(one, [[column], [square]]))
    >>> [table[name].tolist() for name in ("prompts", "intersection", "union")]
    [[1, 2], [1, 2], [3, 2]]
    """
    true = [truth.rles[index] for index in found.objects]
    areas = masks.areas(true)
    intersection = np.array([_shared(true, rles) for rles in found.rounds]).reshape(
        len(found.rounds), len(true)
    )
    sums = np.array([areas + masks.areas(rles) for rles in found.rounds]).reshape(
        intersection.shape
    )
    prompts = np.arange(1, len(intersection) + 1)[:, None]
    columns = {
        "object": np.broadcast_to(found.objects, intersection.shape),
        "class": np.broadcast_to(truth.classes[found.objects], intersection.shape),
        "prompts": np.broadcast_to(prompts, intersection.shape),
        "last": np.broadcast_to(prompts == len(intersection), intersection.shape),
        "intersection": intersection,
        "union": sums - intersection,
    }
    # Transposed: rows by object, then by number of prompts.
    flat = {
        name: np.ascontiguousarray(column.T).ravel().astype(_DTYPES[name])
        for name, column in columns.items()
    }
    return {"image": np.full(intersection.size, image, dtype=np.int32), **flat}


def score(table: Table, weights: Array, classes: int) -> PromptedScores:
    """Score N images under weights (B, N): the mean over objects of their IoU.

    Source: Kirillov et al. 2023, and RITM (Sofiiuk et al. 2022).

    >>> table = {"image": [0, 0, 1], "class": [0, 1, 1], "prompts": [1, 1, 1], "last": [True] * 3}
    >>> table |= {"intersection": [1, 2, 3], "union": [2, 2, 4]}
    >>> table = {name: np.array(column) for name, column in table.items()}
    >>> scores = score(table, np.array([[1, 1], [1, 0]]), 2)
    >>> scores.overall["mIoU"].tolist(), scores.per_class["IoU"].tolist()
    ([0.75, 0.75], [[0.5, 0.875], [0.5, 1.0]])
    """
    images = np.asarray(weights).shape[1]
    return _scores(
        table, classes, lambda rows: weigh(weights, _sums(rows, rows["image"], images, classes))
    )


def per_image(table: Table, images: int, classes: int) -> PromptedScores:
    """Score each of N = `images` images alone, B = N, as `score` with the identity as weights."""
    return _scores(table, classes, lambda rows: _sums(rows, rows["image"], images, classes))


def leave_out(table: Table, clusters: Array, classes: int) -> PromptedScores:
    """Score with each of K clusters left out in turn, B = K; `clusters` (N,) numbers them 0 .. K-1.

    Each row is the total minus the sums of one cluster.
    """
    count_of_clusters = int(clusters.max(initial=-1)) + 1

    def rest(rows: Table) -> Array:
        left_out = _sums(rows, clusters[rows["image"]], count_of_clusters, classes)
        return _sums(rows, np.zeros(len(rows["image"]), dtype=np.int64), 1, classes) - left_out

    return _scores(table, classes, rest)


def truth_rows(table: Table) -> Table:
    """Return what the ground truth alone determines: image, object and class."""
    first = table["prompts"] == 1
    return {
        name: np.asarray(table[name][first], dtype=np.int64)
        for name in ("image", "object", "class")
    }


def _shared(true: Sequence[Rle], rles: Sequence[Rle]) -> Array:
    """Return the pixels that masks have in common, pair by pair."""
    both = [
        np.count_nonzero(masks.decode(a) & masks.decode(b)) for a, b in zip(true, rles, strict=True)
    ]
    return np.array(both, dtype=np.float64)


def _sums(rows: Table, groups: Array, count: int, classes: int) -> Array:
    """Sum objects, and their IoU in two parts, by group and class, (count, 3 C)."""
    cells = groups.astype(np.int64) * classes + rows["class"]
    iou = ratio(rows["intersection"].astype(np.float64), rows["union"].astype(np.float64))
    # Both parts have bits to spare, so that their sums are exact.
    high = np.floor(iou * _STEP) / _STEP
    columns = (np.ones(len(iou)), high, iou - high)
    sums = [np.bincount(cells, weights=column, minlength=count * classes) for column in columns]
    return np.concatenate([column.reshape(count, classes) for column in sums], axis=1)


def _scores(table: Table, classes: int, summed: Callable[[Table], Array]) -> PromptedScores:
    numbers = np.unique(table["prompts"]).tolist() or [1]
    rows_of = {"": np.asarray(table["last"])} | {
        f"@{n}": np.asarray(table["prompts"]) == n for n in numbers
    }
    overall: dict[str, Array] = {}
    per_class: dict[str, Array] = {}
    for suffix, rows in rows_of.items():
        sums = summed({name: np.asarray(column)[rows] for name, column in table.items()})
        objects, iou = sums[:, :classes], sums[:, classes : 2 * classes] + sums[:, 2 * classes :]
        overall[f"mIoU{suffix}"] = ratio(iou.sum(axis=1), objects.sum(axis=1))
        per_class[f"IoU{suffix}"] = ratio(iou, objects)
    # Two runs may have different numbers of prompts. The one with fewer has NaN for the scores that
    # only the other one has.
    count, shape = len(overall["mIoU"]), per_class["IoU"].shape
    return PromptedScores(
        defaultdict(lambda: np.full(count, np.nan), overall),
        defaultdict(lambda: np.full(shape, np.nan), per_class),
    )
