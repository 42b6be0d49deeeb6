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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TypeAlias

import numpy as np

from bench.kernels.threads import processors, spread
from bench.metrics.protocols import Measure
from bench.metrics.ranking import Listed, PrecisionRecall, Ranking, precision_of
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
    (C,) are the classes with ground truth.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    scored: Array

    def __getitem__(self, name: str) -> Array:
        """Return the overall score of this name, (B,)."""
        return self.overall[name]


def score(
    ranking: Ranking, weights: Array, subsets: Mapping[str, Array] | None = None
) -> InstanceScores:
    """Score N images under weights (B, N).

    A class without ground truth in a resample is left out of the means of that resample. `subsets`
    maps the names of subsets in the protocol's measures to their classes, (C,) bool. For whole
    weights, scores equal those of pycocotools on repeated images to the bit, if no scores tie
    within an image. Source: pycocotools.

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
    weights, subsets = np.asarray(weights, dtype=np.float64), subsets or {}
    count = len(weights)
    C, measures = ranking.classes, ranking.protocol.measures
    plain = ranking.totals(np.ones((1, ranking.images)))[0]
    lists = _listed(ranking, plain > 0)
    # Only the size ranges that some measure needs are added up for every row.
    sizes = np.isin(ranking.truths["size"], [size for size, _ in lists])
    needed = replace(
        ranking, truths={name: column[sizes] for name, column in ranking.truths.items()}
    )
    overall = {measure.name: np.full(count, np.nan) for measure in measures}
    per_class = {measure.name: np.full((count, C), np.nan) for measure in measures}

    def score_task(task: tuple[slice, Sequence[Key]]) -> None:
        rows, keys = task
        totals = needed.totals(weights[rows])
        for key in keys:
            listed = lists[key]
            measures_of_key = [
                measure for measure in measures if (measure.size, measure.max_detections) == key
            ]
            # Recall and area need no precision at the 101 recalls, which is most of the work.
            points = any(
                not (measure.recall or measure.area_under_curve) for measure in measures_of_key
            )
            objects = totals[:, key[0], listed.classes]
            measured = precision_of(listed, weights[rows], objects, ranking.protocol, points=points)
            for measure in measures_of_key:
                values = _values(measure, measured, listed.thresholds)
                # Each row averages the classes that have objects under its weights.
                in_subset = subsets.get(measure.subset, np.ones(C, dtype=bool))[listed.classes]
                averaged = (objects > 0) & in_subset
                overall[measure.name][rows] = [
                    _mean(v, k) for v, k in zip(values, averaged, strict=True)
                ]
                flat = values.reshape(*objects.shape, prod(values.shape[2:]))
                per_class[measure.name][rows, listed.classes] = flat.mean(axis=2)

    most_classes = max((len(listed.classes) for listed in lists.values()), default=0)
    blocks = _blocks(ranking, count, most_classes)
    key_groups: list[Sequence[Key]] = (
        [[key] for key in lists] if len(blocks) == 1 else [list(lists)]
    )
    spread(score_task, [(rows, keys) for rows in blocks for keys in key_groups])
    return InstanceScores(overall, per_class, scored=plain[0] > 0)


def _listed(ranking: Ranking, present: Array) -> dict[Key, Listed]:
    """List the detections for each size range and maximum, at the thresholds that are needed.

    Only classes that are `present` (A, C) in the size range are listed, as no others are scored.
    """
    needed: dict[Key, set[int | None]] = {}
    for measure in ranking.protocol.measures:
        needed.setdefault((measure.size, measure.max_detections), set()).add(measure.threshold)

    def listed(key: Key) -> Listed:
        return ranking.listed(
            *key, np.flatnonzero(present[key[0]]), thresholds=_numbers(needed[key])
        )

    return dict(zip(needed, spread(listed, list(needed)), strict=True))


def _numbers(thresholds: set[int | None]) -> list[int] | None:
    """Return the numbers of thresholds, rising; None for all of them, if one measure needs all."""
    if None in thresholds:
        return None
    return sorted(number for number in thresholds if number is not None)


def _values(measure: Measure, measured: PrecisionRecall, thresholds: Sequence[int]) -> Array:
    """Return the values that a measure averages, (B, K, ...)."""
    if measure.recall or measure.area_under_curve:
        values = measured.recall if measure.recall else measured.area
    else:
        values = measured.precision
    return (
        values if measure.threshold is None else values[:, :, thresholds.index(measure.threshold)]
    )


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
