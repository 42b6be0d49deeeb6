"""Average precision and recall from match tables, for any weights over images.

Each class is sorted by score once, see `ranking.py`. Then every row of weights passes through the
same sorted matches, so a resample costs one pass over a table and no matching. For one class, size
range and threshold, with weight w of the image of each detection and the weighted number of objects
n:

    tp_k = sum of w over the true positives among the first k detections
    fp_k = sum of w over the false positives among them
    recall_k = tp_k / n,   precision_k = tp_k / (tp_k + fp_k)

AP is the mean, over the recalls 0, .01, ..., 1, of the highest precision at or after each recall.
All of this happens in a kernel (`kernels.weighted_precision`), for eight rows of weights at once.
This module decides what the kernel is asked for, and averages.

This module does not know why images are weighted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TypeAlias

import numpy as np

from bench.kernels.threads import processors, spread
from bench.metrics.protocols import Measure
from bench.metrics.ranking import Found, Listed, Ranking, precision_of
from bench.metrics.rates import MIN_CARRIERS
from bench.samples import Array

Key: TypeAlias = tuple[int, int | None]
"""The number of a size range, and a maximum of detections."""

_BYTES = 1 << 24
"""Memory of the precisions of one block of rows in one thread, unless eight rows need more."""
_LANES = 8
"""Rows of weights that the kernel handles at once."""


@dataclass(frozen=True, eq=False)
class InstanceScores:
    """Scores in [0, 1] for weights (B, N), NaN if undefined; `scores["AP50"]` is an overall score.

    `overall` maps the names of the protocol's measures to (B,), `per_class` to (B, C). `scored`
    (C,) says which classes have truth at all; `held` (C,) which of them `leave_out` holds at their
    plain value.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    scored: Array
    held: Array

    def __getitem__(self, name: str) -> Array:
        """Return the overall score of this name, (B,)."""
        return self.overall[name]


@dataclass(frozen=True, eq=False)
class _Held:
    """Classes that keep their plain values in all rows: `which` (A, C), `totals` (A, C), `found` by size and cap."""

    which: Array
    totals: Array
    found: Mapping[Key, Found]

    def put(self, found: Found, key: Key, classes: Array) -> None:
        """Overwrite what was found for a size and cap in `classes` (K,)."""
        which, plain = self.which[key[0], classes], self.found[key]
        points = found.precision.shape[3]  # none where only recall is wanted
        found.precision[:, which] = plain.precision[:, which, :, :points]
        found.recall[:, which], found.area[:, which] = plain.recall[:, which], plain.area[:, which]


def score(ranking: Ranking, weights: Array, subsets: Mapping[str, Array] | None = None) -> InstanceScores:
    """Score N images under weights (B, N).

    A class without ground truth in a resample is left out of the means of that resample. `subsets`
    maps the names of subsets in the protocol's measures to their classes, (C,) bool. For whole
    weights, scores equal those of pycocotools on repeated images to the bit, if no scores tie
    within an image. Source: pycocotools.
    """
    weights = np.asarray(weights, dtype=np.float64)
    return _score(ranking, len(weights), lambda rows: weights[rows], subsets or {}, None)


def leave_out(ranking: Ranking, clusters: Array, subsets: Mapping[str, Array] | None = None) -> InstanceScores:
    """Score with each cluster left out in turn, B = K; `clusters` (N,) numbers them 0 .. K-1.

    A class whose truth fewer than 3 clusters carry has NaN for its own scores here, and is held in
    the means: every row takes its plain value. This goes by size range. Where all classes with
    truth are held, the means are NaN.
    """
    count = int(clusters.max(initial=-1)) + 1
    plain = np.ones((1, len(clusters)))
    truths = ranking.truths
    some = truths["objects"] > 0
    carriers = np.zeros((len(ranking.protocol.sizes), ranking.classes, count), dtype=bool)
    carriers[truths["size"][some], truths["class"][some], clusters[truths["image"][some]]] = True
    totals = ranking.totals(plain)
    found = {
        key: precision_of(listed, plain, totals[:, key[0], listed.classes], ranking.protocol)
        for key, listed in _listed(ranking, totals[0] > 0).items()
    }
    held = _Held((carriers.sum(axis=2) < MIN_CARRIERS) & (totals[0] > 0), totals[0], found)

    def rows(which: slice) -> Array:
        kept: Array = clusters[None] != np.arange(count)[which, None]
        return kept.astype(np.float64)

    return _score(ranking, count, rows, subsets or {}, held)


def _listed(ranking: Ranking, present: Array) -> dict[Key, Listed]:
    """List the detections for each size range and maximum, at the thresholds that are needed.

    Only classes that are `present` (A, C) in the size range are listed, as no others are scored.
    """
    needed: dict[Key, set[int | None]] = {}
    for measure in ranking.protocol.measures:
        needed.setdefault((measure.size, measure.cap), set()).add(measure.threshold)

    def listed(key: Key) -> Listed:
        return ranking.listed(*key, np.flatnonzero(present[key[0]]), thresholds=_numbers(needed[key]))

    return dict(zip(needed, spread(listed, list(needed)), strict=True))


def _numbers(thresholds: set[int | None]) -> list[int] | None:
    """Return the numbers of thresholds, rising; None for all of them, if one measure needs all."""
    if None in thresholds:
        return None
    return sorted(number for number in thresholds if number is not None)


def _score(
    ranking: Ranking,
    count: int,
    rows_of: Callable[[slice], Array],
    subsets: Mapping[str, Array],
    held: _Held | None,
) -> InstanceScores:
    """Score `count` rows of weights; `rows_of` makes the weights of a block of rows.

    The work is cut into tasks: a block of rows, and one or more keys (size range, maximum). A plain
    score is one row, so it is cut by keys; many resamples are cut by rows:

                  (all, 100)  (small, 100)  (all, 1)  ...
        rows 0-7     task          task        task           one block
        rows 0-7     <-------------- task ------------->      several blocks
        rows 8-15    <-------------- task ------------->

    Blocks bound the memory of the precisions, which are (rows, K, T, R) floats. Each task writes to
    its own rows of its own measures, so tasks run in threads without a lock, and the result does
    not depend on the number of threads.
    """
    C, measures = ranking.classes, ranking.protocol.measures
    plain = ranking.totals(np.ones((1, ranking.images)))[0]
    lists = _listed(ranking, plain > 0)
    # Only the size ranges that some measure needs are added up for every row.
    sizes = np.isin(ranking.truths["size"], [size for size, _ in lists])
    needed = replace(ranking, truths={name: column[sizes] for name, column in ranking.truths.items()})
    overall = {measure.name: np.full(count, np.nan) for measure in measures}
    per_class = {measure.name: np.full((count, C), np.nan) for measure in measures}

    def score_task(task: tuple[slice, Sequence[Key]]) -> None:
        rows, keys = task
        weights = rows_of(rows)
        totals = needed.totals(weights)
        if held is not None:
            totals = np.where(held.which, held.totals, totals)
        for key in keys:
            listed = lists[key]
            measures_of_key = [measure for measure in measures if (measure.size, measure.cap) == key]
            # Recall and area need no precision at the 101 recalls, which is most of the work.
            points = any(not (measure.recall or measure.area_under_curve) for measure in measures_of_key)
            objects = totals[:, key[0], listed.classes]
            found = precision_of(listed, weights, objects, ranking.protocol, points=points)
            if held is not None:
                held.put(found, key, listed.classes)
            for measure in measures_of_key:
                values = _values(measure, found, listed.thresholds)
                # Each row averages the classes that have objects under its weights.
                in_subset = subsets.get(measure.subset, np.ones(C, dtype=bool))[listed.classes]
                averaged = (objects > 0) & in_subset
                overall[measure.name][rows] = [_mean(v, k) for v, k in zip(values, averaged, strict=True)]
                flat = values.reshape(*objects.shape, prod(values.shape[2:]))
                per_class[measure.name][rows, listed.classes] = flat.mean(axis=2)

    most_classes = max((len(listed.classes) for listed in lists.values()), default=0)
    blocks = _blocks(ranking, count, most_classes)
    key_groups: list[Sequence[Key]] = [[key] for key in lists] if len(blocks) == 1 else [list(lists)]
    spread(score_task, [(rows, keys) for rows in blocks for keys in key_groups])
    if held is not None:
        for measure in measures:
            silent, present = held.which[measure.size], plain[measure.size] > 0
            per_class[measure.name][:, silent] = np.nan
            if not (present & ~silent).any():
                overall[measure.name][:] = np.nan
    return InstanceScores(
        overall, per_class, scored=plain[0] > 0, held=np.zeros(C, dtype=bool) if held is None else held.which[0]
    )


def _values(measure: Measure, found: Found, thresholds: Sequence[int]) -> Array:
    """Return the values that a measure averages, (B, K, ...)."""
    if measure.recall or measure.area_under_curve:
        values = found.recall if measure.recall else found.area
    else:
        values = found.precision
    return values if measure.threshold is None else values[:, :, thresholds.index(measure.threshold)]


def _mean(values: Array, among: Array) -> float:
    """Average over the classes `among` (K,) bool; NaN without any.

    The sum of floats depends on their order. pycocotools averages an array (T, R, K), in which
    classes run fastest, so the same order gives the same last bit.
    """
    if not among.any():
        return np.nan
    return float(np.ascontiguousarray(np.moveaxis(values[among], 0, -1)).reshape(-1).mean())


def _blocks(ranking: Ranking, count: int, classes: int) -> list[slice]:
    """Cut rows of weights into blocks, which bounds memory; rows do not depend on each other.

    A block is a multiple of the rows that the kernel handles at once, small enough for `_BYTES` of
    precisions, and small enough to keep all processors busy.
    """
    row_bytes = classes * len(ranking.protocol.thresholds) * len(ranking.protocol.recalls) * 8
    rows_per_processor = -(-count // processors())
    step = max(1, min(_BYTES // max(row_bytes, 1), rows_per_processor) // _LANES) * _LANES
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]
