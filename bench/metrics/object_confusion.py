"""Which class detections take objects for: a confusion matrix of objects, for any weights over images.

Here classes play no part in matching, unlike in AP, so it has a table of its own. Which images a row of weights
repeats or leaves out, and why, this module must not know.
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
"""From which overlap on a detection takes an object."""
NAMES = ("found", "class_accuracy", "real")


@dataclass(frozen=True, eq=False)
class ConfusionScores:
    """Scores in [0, 1] for B rows of weights, NaN where undefined: `overall` by name (B,), `per_class` (B, C).

    Of a class, `found` is the share of its objects that any detection takes, whatever its class, `class_accuracy` the
    share of these that are taken for what they are, and `real` the share of its detections that take an object.
    Overall scores are means over the classes with truth in a row that have the score.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]


def count(
    truth: TruthColumns, detections: DetectionColumns, overlaps: Overlaps, *, threshold: float = OVERLAP
) -> dict[str, Table]:
    """Match detections of all classes, best first, to the free true object of highest overlap; two tables.

    `confused`, a row for each detection by image and falling score: image (int32), class (int16), truth (int16: the
    class of its object, -1 for none), score (float64). One that overlaps no free object by `threshold`, but a crowd or
    an ignored object, has no row. `confused_truths`: image (int32), class (int16), objects (int32).
    """
    groups = group(
        replace(truth, classes=np.zeros_like(truth.classes)),
        replace(detections, classes=np.zeros_like(detections.classes)),
    )
    hidden = truth.crowd if truth.ignore is None else truth.crowd | truth.ignore

    def work(part: Groups) -> Array:
        return _matched(part, overlaps(part), hidden, threshold)

    taken = np.concatenate([np.zeros(0, np.int64), *spread(work, parts(groups))])
    classes = np.append(truth.classes, [IGNORED, NOTHING]).astype(np.int16)[taken]
    rows, seen = groups.detection_rows, classes != IGNORED
    confused = {
        "image": detections.image[rows][seen],
        "class": detections.classes[rows].astype(np.int16)[seen],
        "truth": classes[seen],
        "score": detections.scores[rows][seen],
    }
    pairs = np.stack([truth.image, truth.classes], axis=1)[~hidden].reshape(-1, 2)
    keys, objects = np.unique(pairs, axis=0, return_counts=True)
    found = {"image": keys[:, 0], "class": keys[:, 1].astype(np.int16), "objects": objects.astype(np.int32)}
    return {"confused": confused, "confused_truths": found}


def matrix(confused: Table, truths: Table, weights: Array, classes: int, *, score: float = 0.5) -> Array:
    """Weighted objects by true and detected class, (C + 1, C + 1) float64, of detections with at least `score`.

    `weights` is (N,). The last row holds detections of nothing, the last column objects that were missed. Where the
    table has a column `shown` (bool), that says which detections count.
    """
    shown = confused["shown"] if "shown" in confused else confused["score"] >= score
    rows = np.where(confused["truth"] == NOTHING, classes, confused["truth"])[shown].astype(np.int64)
    keys = rows * (classes + 1) + confused["class"][shown]
    sums = np.bincount(keys, weights[confused["image"][shown]], (classes + 1) ** 2)
    table: Array = sums.astype(np.float64).reshape(classes + 1, classes + 1)
    totals = np.bincount(truths["class"], weights[truths["image"]] * truths["objects"], classes)
    table[:classes, classes] = totals - table[:classes, :classes].sum(axis=1)
    return table


def score(confused: Table, truths: Table, weights: Array, classes: int, *, score: float = 0.5) -> ConfusionScores:
    """Score N images under B rows of weights, (B, N), by detections with at least `score`."""
    found, right, real = ([np.zeros((0, classes))] for _ in NAMES)
    carried = [np.zeros((0, classes), dtype=bool)]
    for row in np.asarray(weights, dtype=np.float64):
        table = matrix(confused, truths, row, classes, score=score)
        objects, taken, own = table[:classes].sum(axis=1), table[:classes, :classes], np.diag(table)[:classes]
        found.append(ratio(taken.sum(axis=1), objects)[None])
        right.append(ratio(own, taken.sum(axis=1))[None])
        real.append(ratio(taken.sum(axis=0), table[:, :classes].sum(axis=0))[None])
        carried.append(objects[None] > 0)
    present = np.concatenate(carried)
    values = {name: np.concatenate(each) for name, each in zip(NAMES, (found, right, real), strict=True)}
    return ConfusionScores({n: class_mean(each, present & ~np.isnan(each)) for n, each in values.items()}, values)


def _matched(groups: Groups, overlaps: Array, hidden: Array, threshold: float) -> Array:
    """The truth (its row) that each detection takes; -1 for none, -2 where it overlaps an ignored one."""
    if not len(groups.spans):
        return np.zeros(0, np.int64)
    first = int(groups.spans[0, 0])
    taken = np.full(int(groups.spans[-1, 1]) - first, NOTHING)
    used: set[int] = set()
    start = 0
    for d0, d1, g0, g1 in groups.spans.tolist():
        block = overlaps[start : start + (d1 - d0) * (g1 - g0)].reshape(d1 - d0, g1 - g0)
        start += block.size
        truths = groups.truth_rows[g0:g1]
        for d in np.flatnonzero((block >= threshold).any(axis=1)).tolist():
            near = np.flatnonzero(block[d] >= threshold)
            for g in truths[near[np.argsort(-block[d, near], kind="stable")]].tolist():
                if hidden[g]:
                    taken[d0 - first + d] = IGNORED
                elif g not in used:
                    used.add(g)
                    taken[d0 - first + d] = g
                    break
    return taken
