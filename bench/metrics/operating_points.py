"""Precision, recall and F1 of detections at a score from which on they are shown, for any weights over images.

AP looks at all scores at once; a user picks one. Which score, and which is best, is told here from the same match
tables; which images a row of weights repeats or leaves out, and why, this module must not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.metrics.ranking import Ranking
from bench.metrics.rates import ratio
from bench.samples import Array

NAMES = ("precision", "recall", "F1")


@dataclass(frozen=True, eq=False)
class PointScores:
    """Scores in [0, 1] for B rows of weights, NaN where undefined.

    `overall` maps the names in `NAMES` to (B,), means over the classes with truth in a row; `per_class` to (B, C).
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        """Find an overall score by its name, (B,)."""
        return self.overall[name]


def best_scores(ranking: Ranking, *, threshold: int = 0) -> Array:
    """Find the score of each class from which on its F1 is highest, (C,); the higher one of two, NaN without a hit.

    All images count once, and detections match at the protocol's overlap `threshold` (a position).
    """
    listed = ranking.listed(0, None)
    totals = ranking.totals(np.ones((1, ranking.images)))[0, 0]
    scores = ranking.detections["score"][listed.rows]
    best = np.full(ranking.classes, np.nan)
    for k in range(ranking.classes):
        mine = slice(int(listed.starts[k]), int(listed.starts[k + 1]))
        hits, shown = np.cumsum(listed.hits[mine] >> threshold & 1), scores[mine]
        wrong = np.cumsum(listed.misses[mine] >> threshold & 1)
        if not len(hits) or not hits[-1] or not totals[k]:
            continue
        # Equal scores are shown together: only the last of them is a point.
        rates = np.where(np.append(shown[1:] < shown[:-1], True), 2 * hits / (hits + wrong + totals[k]), 0.0)
        best[k] = shown[np.argmax(rates)]
    return best


def at_scores(ranking: Ranking, weights: Array, scores: float | Array, *, threshold: int = 0) -> PointScores:
    """Score the detections whose score is at least `scores`, one number or one of each class (C,), NaN for none.

    See `of_shown`.
    """
    each = np.broadcast_to(np.asarray(scores, dtype=np.float64), ranking.classes)
    shown = ranking.detections["score"] >= each[ranking.detections["class"]]
    return of_shown(ranking, weights, shown, threshold=threshold)


def of_shown(ranking: Ranking, weights: Array, shown: Array, *, threshold: int = 0) -> PointScores:
    """Score the detections that are shown, a bool for each row of the ranking's table.

    `weights` is (B, N). Detections match at the protocol's overlap `threshold` (a position). Precision is
    tp / (tp + fp), recall tp / (tp + fn), F1 is 2 tp / (2 tp + fp + fn); a class without truth in a row has no score.
    """
    C = ranking.classes
    listed = ranking.listed(0, None)
    classes, shown = ranking.detections["class"][listed.rows].astype(np.int64), shown[listed.rows]
    keys, groups = np.unique((listed.image.astype(np.int64) * C + classes)[shown], return_inverse=True)
    hits, wrong = (
        np.bincount(groups, weights=(bits[shown] >> threshold & 1).astype(np.float64), minlength=len(keys))
        for bits in (listed.hits, listed.misses)
    )
    rows = np.asarray(weights, dtype=np.float64)
    image, of = np.divmod(keys, C)
    right, false = (
        np.array([np.bincount(of, weights=row[image] * part, minlength=C) for row in rows]).reshape(-1, C)
        for part in (hits, wrong)
    )
    totals = ranking.totals(rows)[:, 0]
    values = {
        "precision": np.where(totals > 0, ratio(right, right + false), np.nan),
        "recall": ratio(right, totals),
        "F1": np.where(totals > 0, ratio(2 * right, right + false + totals), np.nan),
    }
    return PointScores({name: _mean(value) for name, value in values.items()}, values)


def _mean(values: Array) -> Array:
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1).astype(np.float64))
