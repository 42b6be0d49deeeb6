"""Areas under precision-recall curves by the trapezoid rule, as Cityscapes scores objects.

Unlike in COCO and VOC, the curve has no envelope. Detections of equal score are one point, and the
curve begins at recall 0 and precision 1:

    area = sum over points k of (recall_k - recall_(k-1)) x (precision_k + precision_(k-1)) / 2

This module does not know how objects are matched, nor why images are weighted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from bench import kernels
from bench.kernels.threads import processors, spread
from bench.metrics.average_precision import InstanceScores
from bench.metrics.rates import class_mean
from bench.samples import Array, Table

Measure: TypeAlias = tuple[int, int | None]
"""The number of a size range, and that of an overlap or None for the mean over all overlaps."""

_LANES = 8
"""Rows of weights that the kernel handles at once."""


def scores(
    found: Table,
    truths: Table,
    weights: Array,
    *,
    classes: int,
    measures: Mapping[str, Measure],
    overlaps: int,
) -> InstanceScores:
    """Score N images under weights (B, N); C = `classes`, T = `overlaps`.

    Bit r * T + t of the columns `matched` and `ignored` stands for size range r and overlap t.
    Source: cityscapesScripts.
    """
    curves = {
        size: Curves.of((found, truths), classes, size, overlaps)
        for size in {size for size, _ in measures.values()}
    }
    overall, per_class = {}, {}
    for size, curve in curves.items():
        areas, counted = curve.areas(weights)
        for name, (size_of_measure, overlap) in measures.items():
            if size_of_measure == size:
                per_class[name] = _at(areas, overlap)
                overall[name] = class_mean(per_class[name], counted)
    scored = curves[0].truths_of(np.ones((1, weights.shape[1])))[0] > 0
    # In the order of the measures, not of the size ranges.
    order = tuple(measures)
    return InstanceScores(
        {name: overall[name] for name in order}, {name: per_class[name] for name in order}, scored
    )


def _at(areas: Array, overlap: int | None) -> Array:
    """Return areas (B, C, T) at one overlap, or their mean over all, (B, C)."""
    return areas.mean(axis=2) if overlap is None else areas[:, :, overlap]


@dataclass(frozen=True, eq=False)
class Curves:
    """Detections and true objects of one size range.

    `columns` are the arguments of `kernels.trapezoid_areas`.
    """

    columns: Mapping[str, Array]
    truths: Table
    classes: int
    overlaps: int

    @staticmethod
    def of(tables: tuple[Table, Table], classes: int, size: int, overlaps: int) -> Curves:
        """Sort the detections that count by class and falling score."""
        detections, truths = tables
        # Shift the bits of this size range to the bottom; see the picture in `matching.py`.
        shift, mask = np.uint64(size * overlaps), np.uint64((1 << overlaps) - 1)
        matched, counting = detections["matched"] >> shift, ~(detections["ignored"] >> shift)
        hits, misses = ((bits & counting & mask).astype(np.uint16) for bits in (matched, ~matched))
        counted = np.flatnonzero(hits | misses)
        labels, scores = detections["class"][counted].astype(np.int32), detections["score"][counted]
        order = kernels.order_groups(np.zeros_like(labels), labels, scores)
        rows, labels, scores = counted[order], labels[order], scores[order]
        # Only the last of equal scores of a class is a point of the curve.
        last_of_equal = np.append((scores[1:] != scores[:-1]) | (labels[1:] != labels[:-1]), True)[
            : len(rows)
        ]
        columns = {
            "image": detections["image"][rows],
            "starts": np.searchsorted(labels, np.arange(classes + 1, dtype=np.int32)).astype(
                np.int64
            ),
            "hits": hits[rows],
            "misses": misses[rows],
            "last": last_of_equal,
        }
        of_size = truths["size"] == size
        return Curves(
            columns, {name: column[of_size] for name, column in truths.items()}, classes, overlaps
        )

    def truths_of(self, weights: Array) -> Array:
        """Return the weighted objects to be found, (B, C), added in the order of the images."""
        image, objects, labels = (self.truths[name] for name in ("image", "objects", "class"))
        sums = [
            np.bincount(labels, row[image] * objects, minlength=self.classes) for row in weights
        ]
        return np.stack(sums) if sums else np.zeros((0, self.classes))

    def areas(self, weights: Array) -> tuple[Array, Array]:
        """Return areas (B, C, T), NaN without ground truth, and which classes have some, (B, C)."""
        totals = self.truths_of(weights)

        def block_areas(rows: slice) -> Array:
            return kernels.trapezoid_areas(
                weights[rows], totals[rows], **self.columns, thresholds=self.overlaps
            )

        # One block for each processor, of a multiple of the rows that the kernel handles at once.
        step = _LANES * max(1, -(-len(weights) // (_LANES * processors())))
        blocks = [slice(start, start + step) for start in range(0, max(len(weights), 1), step)]
        return np.concatenate(spread(block_areas, blocks)), totals > 0
