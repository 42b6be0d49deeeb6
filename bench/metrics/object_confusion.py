"""A confusion matrix of objects: true class by class of the matching detection, for any weights.

Unlike in AP, detections match objects whatever their classes, so this needs a table of its own.
This module does not know why images are weighted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.kernels.threads import spread
from bench.metrics.matching import Groups, Overlaps, group, parts
from bench.metrics.rates import class_mean, ratio
from bench.samples import Array, Table
from bench.samples.columns import DetectionColumns, TruthColumns

NOTHING, IGNORED = -1, -2
OVERLAP = 0.5
"""A detection matches an object with at least this overlap."""
NAMES = ("found", "class_accuracy", "real")


@dataclass(frozen=True, eq=False)
class ConfusionScores:
    """Scores in [0, 1] for weights (B, N), NaN if undefined: `overall` (B,), `per_class` (B, C).

    For a class, `found` is the fraction of its objects that match a detection of any class,
    `class_accuracy` the fraction of these that match a detection of their own class, and `real` the
    fraction of its detections that match an object. Overall scores are means over the classes with
    ground truth in a row for which the score is defined.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]


def count(
    truth: TruthColumns,
    detections: DetectionColumns,
    overlaps: Overlaps,
    *,
    threshold: float = OVERLAP,
) -> dict[str, Table]:
    """Match detections of all classes to true objects; returns two tables.

    Detections are matched by falling score, each to the free object of highest overlap.

    `confused`, one row for each detection, by image and falling score: image (int32), class
    (int16), truth (int16: the class of its object, -1 for none), score (float64). A detection
    without a match that overlaps a crowd or an ignored object has no row.

    `confused_truths`: image (int32), class (int16), objects (int32).
    """
    # With all classes set to 0, the groups are images.
    groups = group(
        replace(truth, classes=np.zeros_like(truth.classes)),
        replace(detections, classes=np.zeros_like(detections.classes)),
    )
    hidden = truth.crowd if truth.ignore is None else truth.crowd | truth.ignore

    def match(some: Groups) -> Array:
        return _matched(some, overlaps(some), hidden, threshold)

    matched = np.concatenate([np.zeros(0, np.int64), *spread(match, parts(groups))])
    # NOTHING is -1 and IGNORED -2: as indices, they select the two values appended here.
    classes = np.append(truth.classes, [IGNORED, NOTHING]).astype(np.int16)[matched]
    rows, counted = groups.detection_rows, classes != IGNORED
    confused = {
        "image": detections.image[rows][counted],
        "class": detections.classes[rows].astype(np.int16)[counted],
        "truth": classes[counted],
        "score": detections.scores[rows][counted],
    }
    pairs = np.stack([truth.image, truth.classes], axis=1)[~hidden].reshape(-1, 2)
    keys, objects = np.unique(pairs, axis=0, return_counts=True)
    truths = {
        "image": keys[:, 0],
        "class": keys[:, 1].astype(np.int16),
        "objects": objects.astype(np.int32),
    }
    return {"confused": confused, "confused_truths": truths}


def matrix(
    confused: Table, truths: Table, weights: Array, classes: int, *, score: float = 0.5
) -> Array:
    """Return weighted objects by true and detected class, (C + 1, C + 1) float64.

    Detections with at least this `score` count, or those that a column `shown` (bool) of the table
    selects. `weights` is (N,). The last row holds detections without an object, the last column
    objects that were missed.

    >>> confused = {"image": [0, 0], "class": [0, 1], "truth": [0, -1], "score": [0.9, 0.8]}
    >>> truths = {"image": [0, 0], "class": [0, 1], "objects": [1, 2]}
    >>> confused = {name: np.array(column) for name, column in confused.items()}
    >>> truths = {name: np.array(column) for name, column in truths.items()}
    >>> matrix(confused, truths, np.ones(1), 2).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 2.0], [0.0, 1.0, 0.0]]
    """
    shown = confused["shown"] if "shown" in confused else confused["score"] >= score
    rows = np.where(confused["truth"] == NOTHING, classes, confused["truth"])[shown].astype(
        np.int64
    )
    cells = rows * (classes + 1) + confused["class"][shown]
    sums = np.bincount(cells, weights[confused["image"][shown]], (classes + 1) ** 2)
    table: Array = sums.astype(np.float64).reshape(classes + 1, classes + 1)
    totals = np.bincount(truths["class"], weights[truths["image"]] * truths["objects"], classes)
    # Missed objects are those that no row of `confused` names.
    table[:classes, classes] = totals - table[:classes, :classes].sum(axis=1)
    return table


def score(
    confused: Table, truths: Table, weights: Array, classes: int, *, score: float = 0.5
) -> ConfusionScores:
    """Score N images under weights (B, N), by detections with at least this `score`."""
    detected, right, real = ([np.zeros((0, classes))] for _ in NAMES)
    present_rows = [np.zeros((0, classes), dtype=bool)]
    for row in np.asarray(weights, dtype=np.float64):
        table = matrix(confused, truths, row, classes, score=score)
        objects, matched = table[:classes].sum(axis=1), table[:classes, :classes]
        detected.append(ratio(matched.sum(axis=1), objects)[None])
        right.append(ratio(np.diag(matched), matched.sum(axis=1))[None])
        real.append(ratio(matched.sum(axis=0), table[:, :classes].sum(axis=0))[None])
        present_rows.append(objects[None] > 0)
    present = np.concatenate(present_rows)
    values = {
        name: np.concatenate(rows)
        for name, rows in zip(NAMES, (detected, right, real), strict=True)
    }
    means = {name: class_mean(rates, present & ~np.isnan(rates)) for name, rates in values.items()}
    return ConfusionScores(means, values)


def _matched(groups: Groups, overlaps: Array, hidden: Array, threshold: float) -> Array:
    """Return the row of the object that each detection matches, or NOTHING, or IGNORED."""
    if not len(groups.spans):
        return np.zeros(0, np.int64)
    first = int(groups.spans[0, 0])
    matched = np.full(int(groups.spans[-1, 1]) - first, NOTHING)
    used: set[int] = set()
    start = 0
    for d0, d1, g0, g1 in groups.spans.tolist():
        block = overlaps[start : start + (d1 - d0) * (g1 - g0)].reshape(d1 - d0, g1 - g0)
        start += block.size
        truths = groups.truth_rows[g0:g1]
        for d in np.flatnonzero((block >= threshold).any(axis=1)).tolist():
            candidates = np.flatnonzero(block[d] >= threshold)
            # By falling overlap: a free object replaces a hidden one that was met before it.
            for g in truths[candidates[np.argsort(-block[d, candidates], kind="stable")]].tolist():
                if hidden[g]:
                    matched[d0 - first + d] = IGNORED
                elif g not in used:
                    used.add(g)
                    matched[d0 - first + d] = g
                    break
    return matched
