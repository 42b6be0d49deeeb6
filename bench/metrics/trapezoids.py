"""Areas under curves of precision by the trapezoid rule, for any weights over images: how Cityscapes scores objects.

No envelope; detections of equal score are one point, and the curve begins at recall 0 and precision
1. How objects are matched, and which images a row of weights repeats, this module must not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from bench import kernels
from bench.kernels.threads import processors, spread
from bench.metrics.average_precision import InstanceScores
from bench.metrics.rates import Fixed, class_mean
from bench.samples import Array, Table

Measure: TypeAlias = tuple[int, int | None]
"""A size range, and the place of an overlap or None for the mean over all."""

_LANES = 8
"""Rows of weights that the kernel takes through a table at once."""


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

    Bit r * T + t of `matched` and `ignored` stands for size r and overlap t. `silent` (sizes, C)
    says which classes are held at their plain value in the means, and have no score of their own;
    None for none.
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
            held = None if silent is None else Fixed(hold, usual, present)
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
    """Detections and truths of one size range: `columns` are those that `kernels.trapezoid_areas` asks for."""

    columns: Mapping[str, Array]
    truths: Table
    classes: int
    overlaps: int

    @staticmethod
    def of(tables: tuple[Table, Table], classes: int, size: int, overlaps: int) -> Curves:
        """Sort the detections that count by class and falling score."""
        found, truths = tables
        shift, mask = np.uint64(size * overlaps), np.uint64((1 << overlaps) - 1)
        matched, counting = found["matched"] >> shift, ~(found["ignored"] >> shift)
        hits, misses = ((bits & counting & mask).astype(np.uint16) for bits in (matched, ~matched))
        some = np.flatnonzero(hits | misses)
        owners, scores = found["class"][some].astype(np.int32), found["score"][some]
        order = kernels.order_groups(np.zeros_like(owners), owners, scores)
        rows, owners, scores = some[order], owners[order], scores[order]
        columns = {
            "image": found["image"][rows],
            "starts": np.searchsorted(owners, np.arange(classes + 1, dtype=np.int32)).astype(np.int64),
            "hits": hits[rows],
            "misses": misses[rows],
            "last": np.append((scores[1:] != scores[:-1]) | (owners[1:] != owners[:-1]), True)[: len(rows)],
        }
        mine = truths["size"] == size
        return Curves(columns, {name: c[mine] for name, c in truths.items()}, classes, overlaps)

    def truths_of(self, weights: Array) -> Array:
        """Weighted objects to be found, (B, C), added in the order of the images."""
        image, objects, owners = (self.truths[name] for name in ("image", "objects", "class"))
        sums = [np.bincount(owners, row[image] * objects, minlength=self.classes) for row in weights]
        return np.stack(sums) if sums else np.zeros((0, self.classes))

    def areas(self, weights: Array) -> tuple[Array, Array]:
        """Areas under the curves (B, C, T), NaN without truth; and which classes have truth in each row (B, C)."""
        totals = self.truths_of(weights)

        def work(rows: slice) -> Array:
            return kernels.trapezoid_areas(weights[rows], totals[rows], **self.columns, thresholds=self.overlaps)

        step = _LANES * max(1, -(-len(weights) // (_LANES * processors())))
        parts = spread(work, [slice(start, start + step) for start in range(0, max(len(weights), 1), step)])
        return np.concatenate(parts), totals > 0
