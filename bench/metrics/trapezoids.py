"""Areas under curves of precision by the trapezoid rule, for any weights over images: how Cityscapes scores objects.

No envelope; detections of equal score are one point, and the curve begins at recall 0 and precision 1. How objects are
matched, and which images a row of weights repeats, this module must not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from bench.metrics.average_precision import InstanceScores
from bench.metrics.rates import Held, class_mean
from bench.samples import Array, Table

Measure: TypeAlias = tuple[int, int | None]
"""A size range, and the place of an overlap or None for the mean over all."""

_CELLS = 1 << 21
"""Weights of detections held at once, which bounds the memory of scoring."""


def scores(
    found: Table,
    truths: Table,
    weights: Array,
    *,
    classes: int,
    measures: Mapping[str, Measure],
    overlaps: int,
    silent: Array | None = None,
) -> InstanceScores:
    """Score N images under B rows of weights (B, N); C = `classes`, T = `overlaps`.

    Bit r * T + t of `matched` and `ignored` stands for size r and overlap t. `silent` (sizes, C) says which classes are
    held at their plain value in the means, and have no score of their own; None for none.
    """
    curves = {
        size: Curves.of((found, truths), classes, size, overlaps) for size in {size for size, _ in measures.values()}
    }
    plain = np.ones((1, weights.shape[1]))
    overall, per_class = {}, {}
    for size, listed in curves.items():
        values, counted = listed.areas(weights)
        first, present = listed.areas(plain)
        hold = np.zeros(classes, dtype=bool) if silent is None else silent[size] & present[0]
        for name, (of, overlap) in measures.items():
            if of != size:
                continue
            rate, usual = (each.mean(axis=2) if overlap is None else each[:, :, overlap] for each in (values, first))
            held = None if silent is None else Held(hold, usual, present)
            overall[name] = class_mean(rate, counted, held, scored=present[0])
            per_class[name] = np.where(hold, np.nan, rate)
    scored = curves[0].truths_of(plain)[0] > 0
    held_classes = np.zeros(classes, dtype=bool) if silent is None else silent[0] & scored
    order = tuple(measures)
    return InstanceScores(
        {name: overall[name] for name in order}, {name: per_class[name] for name in order}, scored, held_classes
    )


@dataclass(frozen=True, eq=False)
class Curves:
    """Detections and truths of one size range, class by class: who is right or wrong, by falling score."""

    image: tuple[Array, ...]
    last: tuple[Array, ...]
    hits: tuple[Array, ...]
    misses: tuple[Array, ...]
    truths: Table
    classes: int
    overlaps: int

    @staticmethod
    def of(tables: tuple[Table, Table], classes: int, size: int, overlaps: int) -> Curves:
        """Sort the tables; `last` (D,) says whether the next score is lower, (T, D) are `hits` and `misses`."""
        found, truths = tables
        shifts = np.arange(overlaps, dtype=np.uint64)[:, None] + np.uint64(size * overlaps)
        parts: list[tuple[Array, ...]] = []
        for k in range(classes):
            rows = np.flatnonzero(found["class"] == k)
            rows = rows[np.argsort(-found["score"][rows], kind="stable")]
            matched, ignored = (found[name][rows] >> shifts & np.uint64(1) > 0 for name in ("matched", "ignored"))
            scores = found["score"][rows]
            last = np.append(scores[1:] != scores[:-1], True)[: len(rows)]
            parts.append((found["image"][rows], np.flatnonzero(last), matched & ~ignored, ~matched & ~ignored))
        image, last_of, hits, misses = (tuple(part[place] for part in parts) for place in range(4))
        mine = truths["size"] == size
        return Curves(image, last_of, hits, misses, {name: c[mine] for name, c in truths.items()}, classes, overlaps)

    def truths_of(self, weights: Array) -> Array:
        """Weighted objects to be found, (B, C), added in the order of the images."""
        image, objects, owners = (self.truths[name] for name in ("image", "objects", "class"))
        sums = [np.bincount(owners, row[image] * objects, minlength=self.classes) for row in weights]
        return np.stack(sums) if sums else np.zeros((0, self.classes))

    def areas(self, weights: Array) -> tuple[Array, Array]:
        """Areas under the curves (B, C, T), NaN without truth; and which classes have truth in each row (B, C)."""
        totals = self.truths_of(weights)
        areas = np.full((*totals.shape, self.overlaps), np.nan)
        for k in range(self.classes):
            step = max(1, _CELLS // max(len(self.image[k]), 1))
            for start in range(0, len(weights), step):
                rows = slice(start, start + step)
                drawn = weights[rows][:, self.image[k]]
                for t in range(self.overlaps):
                    right, wrong = (
                        np.cumsum(np.where(each[k][t], drawn, 0.0), axis=1)[:, self.last[k]]
                        for each in (self.hits, self.misses)
                    )
                    areas[rows, k, t] = _trapezoids(right, wrong, totals[rows, k])
        return areas, totals > 0


def _trapezoids(right: Array, wrong: Array, total: Array) -> Array:
    """Area under precision over recall, (B,), for cumulated hits and misses (B, S) and truths (B,); NaN without any."""
    nothing = right + wrong == 0
    precision = np.divide(right, right + wrong, out=np.ones_like(right), where=~nothing)
    recall = np.divide(right, total[:, None], out=np.zeros_like(right), where=total[:, None] > 0)
    heights = np.concatenate([np.ones((len(right), 1)), precision], axis=1)
    steps = np.diff(recall, axis=1, prepend=0.0)
    area = (steps * (heights[:, 1:] + heights[:, :-1]) / 2).sum(axis=1)
    return np.where(total > 0, area, np.nan)
