"""Precision, recall and F1 of the detections above a score threshold, for any weights over images.

AP averages over all score thresholds; in use, a detector has one. Everything follows from the match
tables of AP. This module does not know why images are weighted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.metrics.ranking import Ranking
from bench.metrics.rates import class_mean, ratio
from bench.samples import Array

NAMES = ("precision", "recall", "F1")


@dataclass(frozen=True, eq=False)
class PointScores:
    """Scores in [0, 1] for weights (B, N), NaN if undefined.

    `overall` maps the names in `NAMES` to (B,), means over the classes with ground truth in a row;
    `per_class` maps them to (B, C).
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        """Return the overall score of this name, (B,)."""
        return self.overall[name]


def best_scores(ranking: Ranking, *, threshold: int = 0) -> Array:
    """Return the score threshold of each class with the highest F1, (C,).

    Of two such thresholds it is the higher one; NaN for a class without a true positive. All images
    count once. `threshold` is the number of the protocol's overlap threshold at which detections
    match.
    """
    listed = ranking.listed(0, None)
    totals = ranking.totals(np.ones((1, ranking.images)))[0, 0]
    scores = ranking.detections["score"][listed.rows]
    best = np.full(ranking.classes, np.nan)
    for k in range(ranking.classes):
        rows = slice(int(listed.starts[k]), int(listed.starts[k + 1]))
        tp = np.cumsum(listed.hits[rows] >> threshold & 1)
        fp = np.cumsum(listed.misses[rows] >> threshold & 1)
        scores_of_class = scores[rows]
        if not len(tp) or not tp[-1] or not totals[k]:
            continue
        # A threshold includes all detections of equal score, so only the last of them is a
        # candidate.
        last_of_equal = np.append(scores_of_class[1:] < scores_of_class[:-1], True)
        f1 = np.where(last_of_equal, 2 * tp / (tp + fp + totals[k]), 0.0)
        best[k] = scores_of_class[np.argmax(f1)]
    return best


def of_shown(ranking: Ranking, weights: Array, shown: Array, *, threshold: int = 0) -> PointScores:
    """Score the detections that are shown, a bool for each row of the ranking's table.

    `weights` is (B, N), and `threshold` the number of the protocol's overlap threshold at which
    detections match. Precision is tp / (tp + fp), recall tp / (tp + fn), F1 is 2 tp / (2 tp + fp +
    fn). A class without ground truth in a row has no score there.
    """
    C = ranking.classes
    listed = ranking.listed(0, None)
    classes, shown = ranking.detections["class"][listed.rows].astype(np.int64), shown[listed.rows]
    # First add up each image and class, then weigh: there are far fewer of these than detections.
    keys, groups = np.unique(
        (listed.image.astype(np.int64) * C + classes)[shown], return_inverse=True
    )
    hits, misses = (
        np.bincount(
            groups, weights=(bits[shown] >> threshold & 1).astype(np.float64), minlength=len(keys)
        )
        for bits in (listed.hits, listed.misses)
    )
    rows = np.asarray(weights, dtype=np.float64)
    image, class_of_key = np.divmod(keys, C)
    tp, fp = (
        np.array(
            [np.bincount(class_of_key, weights=row[image] * values, minlength=C) for row in rows]
        ).reshape(-1, C)
        for values in (hits, misses)
    )
    totals = ranking.totals(rows)[:, 0]
    values = {
        "precision": np.where(totals > 0, ratio(tp, tp + fp), np.nan),
        "recall": ratio(tp, totals),
        "F1": np.where(totals > 0, ratio(2 * tp, tp + fp + totals), np.nan),
    }
    means = {name: class_mean(rates, ~np.isnan(rates)) for name, rates in values.items()}
    return PointScores(means, values)
