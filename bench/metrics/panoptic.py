"""Panoptic quality: PQ, SQ and RQ from tables of matched segments, for any weights over images.

The table `segments` gives PQ, the table `boundary_segments` Boundary PQ; counting is in
`segments.py`. This module does not know why images are weighted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bench.classes import Classes
from bench.metrics.pixels import weigh
from bench.metrics.rates import (
    MIN_CARRIERS,
    ClassesIn,
    Fixed,
    Terms,
    class_mean,
    counted_classes,
    ratio,
)
from bench.metrics.rates import scored_classes as scored_of
from bench.metrics.segments import boundary_distance, count, count_pairs
from bench.samples import Array, Table

__all__ = [
    "OVERALL",
    "PER_CLASS",
    "TABLES",
    "PanopticScores",
    "boundary_distance",
    "count",
    "count_pairs",
    "leave_out",
    "per_image",
    "score",
    "scored_classes",
    "truth_rows",
]

PER_CLASS = ("PQ", "SQ", "RQ")
OVERALL = tuple(name + group for group in ("", "_th", "_st") for name in PER_CLASS)
TABLES = {"panoptic": "segments", "panoptic_boundary": "boundary_segments"}
"""The table behind each group of scores."""

_IMAGES, _ROWS = 4096, 1024
"""Images and resamples per block; scoring holds 5 C (4096 + 1024) numbers at a time."""
_STEP = 1 << 26
"""IoU is split at multiples of 2^-26, see `_add_up`."""


@dataclass(frozen=True, eq=False)
class PanopticScores:
    """Scores in [0, 1] for weights (B, N), NaN if undefined; `scores["PQ_th"]` is an overall score.

    `overall` maps the names in `OVERALL` to (B,): means over all classes, over things (`_th`) and
    over stuff (`_st`). `per_class` maps those in `PER_CLASS` to (B, C). `scored` (C,) are the
    classes that the means average; `fixed` and `parts` are as in `semantic.SemanticScores`.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    scored: Array
    fixed: Array
    parts: Mapping[str, tuple[str, Array]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Array:
        """Return the overall score of this name, (B,)."""
        return self.overall[name]


@dataclass(frozen=True, eq=False)
class _Sums:
    """Weighted sums of a table, (B, 5 C): C columns each of tp, fp, fn, and the IoU in two parts.

    One wide array is weighed by one matrix product, which is faster than five.
    """

    columns: Array

    def _column(self, index: int) -> Array:
        width = self.columns.shape[1] // 5
        return self.columns[:, index * width : (index + 1) * width]

    @property
    def tp(self) -> Array:
        """Matched pairs, (B, C)."""
        return self._column(0)

    @property
    def truth(self) -> Array:
        """True segments, (B, C)."""
        return self._column(0) + self._column(2)

    @property
    def segments(self) -> Array:
        """The mean of the numbers of true and predicted segments, tp + fp / 2 + fn / 2, (B, C)."""
        return self._column(0) + 0.5 * self._column(1) + 0.5 * self._column(2)

    @property
    def iou(self) -> Array:
        """Summed IoU of the matched pairs, (B, C)."""
        return self._column(3) + self._column(4)

    def terms(self) -> Terms:
        """Return the terms of PQ, which also decide what classes the means average."""
        return Terms(self.iou, self.segments, self.truth)


def scored_classes(counts: Table, classes: Classes, classes_in: ClassesIn = "union") -> Array:
    """Return which classes a mean averages, (C,) bool, by the rule `classes_in`."""
    return scored_of(_plain(counts, classes).terms(), classes_in)


def score(
    counts: Table,
    weights: Array,
    classes: Classes,
    *,
    classes_in: ClassesIn = "union",
) -> PanopticScores:
    """Score N images under weights (B, N), from a table `segments` or `boundary_segments`.

        PQ = sum of IoU / (tp + fp / 2 + fn / 2)
        SQ = sum of IoU / tp                          0 if there are segments and none matches
        RQ = tp / (tp + fp / 2 + fn / 2)

    PQ is SQ x RQ. Means average the `scored_classes` of the plain counts, by default those of
    panopticapi: in the truth or predicted. A class without ground truth in a resample is left
    out of its means. Source: panopticapi (Kirillov et al. 2019).

    >>> from bench.classes import Class
    >>> classes = Classes((Class(0, "sky", 0), Class(1, "car", 1, thing=True)))
    >>> columns = {"image": [0, 0], "class": [0, 1], "iou_sum": [0.75, 0.0]}
    >>> columns |= {"tp": [1, 0], "fp": [1, 0], "fn": [0, 1]}
    >>> table = {name: np.array(column) for name, column in columns.items()}
    >>> scores = score(table, np.ones((1, 1)), classes)
    >>> scores.per_class["PQ"].tolist(), scores["PQ"].tolist(), scores["PQ_st"].tolist()
    ([[0.5, 0.0]], [0.25], [0.5])
    """
    plain = _plain(counts, classes)
    # Blocks of resamples bound the memory; each row is scored alone, so the cut changes nothing.
    blocks = [
        _scores(
            _weighted(counts, weights[start : start + _ROWS], classes), plain, classes, classes_in
        )
        for start in range(0, max(len(weights), 1), _ROWS)
    ]
    return blocks[0] if len(blocks) == 1 else _joined(blocks)


def per_image(
    counts: Table, images: int, classes: Classes, *, classes_in: ClassesIn = "union"
) -> PanopticScores:
    """Score each of N = `images` images alone, B = N, as `score` with the identity as weights."""
    sums = _Sums(_add_up(counts, counts["image"], images, classes))
    return _scores(sums, _plain(counts, classes), classes, classes_in)


def leave_out(
    counts: Table,
    clusters: Array,
    classes: Classes,
    *,
    classes_in: ClassesIn = "union",
) -> PanopticScores:
    """Score with each of K clusters left out in turn, B = K; `clusters` (N,) numbers them 0 .. K-1.

    Each row is the total minus the sums of one cluster. The scores of a class that fewer than
    `MIN_CARRIERS` clusters carry are NaN, and in the means it keeps its plain value, as in
    `semantic.leave_out`. If all scored classes of a mean are fixed, the mean is NaN.
    """
    plain = _plain(counts, classes)
    left_out = _add_up(
        counts, clusters[counts["image"]], int(clusters.max(initial=-1)) + 1, classes
    )
    carriers = (_Sums(left_out).truth > 0).sum(axis=0)
    rest = _Sums(plain.columns - left_out)
    scores = _scores(rest, plain, classes, classes_in, rare=carriers < MIN_CARRIERS)
    parts = {}
    for suffix, group in _groups(classes):
        averaged = np.where(scores.scored & group, carriers, -1)
        parts.update({name + suffix: (name, averaged) for name in PER_CLASS})
    return replace(scores, parts=parts)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """Return what the ground truth alone determines: its segments, int64."""
    return {
        name: np.asarray(column, dtype=np.int64)
        for name, column in tables["truth_segments"].items()
    }


def _add_up(counts: Table, groups: Array, count: int, classes: Classes) -> Array:
    """Sum the rows of the table by their group, 0 .. `count` - 1; returns (count, 5 C)."""
    cells = groups.astype(np.int64) * len(classes) + counts["class"]
    # A float has 53 bits. IoU is split into multiples of 2^-26 and a remainder below 2^-26, so that
    # both parts have bits to spare and sums of them (times whole weights) are exact. Then the sum
    # does not depend on the order of images, and "total minus one cluster" equals the sum without
    # the cluster.
    high = np.floor(counts["iou_sum"] * _STEP) / _STEP
    columns = (counts["tp"], counts["fp"], counts["fn"], high, counts["iou_sum"] - high)
    sums = [
        np.bincount(cells, weights=column, minlength=count * len(classes)) for column in columns
    ]
    return np.concatenate([column.reshape(count, len(classes)) for column in sums], axis=1).astype(
        np.float64
    )


def _weighted(counts: Table, weights: Array, classes: Classes) -> _Sums:
    """Weigh one block of images after the other, which bounds the memory of the dense sums.

    Whole weights give exact sums; others give sums in the order of the images.
    """
    sums = np.zeros((len(weights), 5 * len(classes)))
    images = weights.shape[1]
    for start in range(0, images, _IMAGES):
        stop = min(start + _IMAGES, images)
        rows = slice(*np.searchsorted(counts["image"], [start, stop]))
        block = {name: column[rows] for name, column in counts.items()}
        sums += weigh(
            weights[:, start:stop], _add_up(block, block["image"] - start, stop - start, classes)
        )
    return _Sums(sums)


def _plain(counts: Table, classes: Classes) -> _Sums:
    return _Sums(_add_up(counts, np.zeros(len(counts["class"]), dtype=np.int64), 1, classes))


def _scores(
    sums: _Sums,
    plain: _Sums,
    classes: Classes,
    classes_in: ClassesIn,
    *,
    rare: Array | None = None,
) -> PanopticScores:
    # Not `rates.rates`, because SQ is 0 instead of undefined for a class without matches.
    rates, plain_terms = _rates(sums), plain.terms()
    scored = scored_of(plain_terms, classes_in)
    counted = counted_classes(sums.terms(), plain_terms, scored, classes_in)
    overall = {}
    if rare is None:
        for suffix, group in _groups(classes):
            for name, rate in rates.items():
                overall[name + suffix] = class_mean(rate, counted & group)
        return PanopticScores(overall, rates, scored=scored, fixed=np.zeros_like(scored))
    plain_rates = _rates(plain)
    plain_counted = counted_classes(plain_terms, plain_terms, scored, classes_in)
    for suffix, group in _groups(classes):
        for name, rate in rates.items():
            fixed = Fixed(scored & rare & group, plain_rates[name], plain_counted & group)
            overall[name + suffix] = class_mean(rate, counted & group, fixed, scored=scored & group)
    per_class = {name: np.where(rare, np.nan, rate) for name, rate in rates.items()}
    return PanopticScores(overall, per_class, scored=scored, fixed=scored & rare)


def _groups(classes: Classes) -> tuple[tuple[str, Array], ...]:
    """Return the suffixes of the names of means, each with the classes (C,) that it averages."""
    return (
        ("", np.ones(len(classes), dtype=bool)),
        ("_th", classes.things),
        ("_st", ~classes.things),
    )


def _rates(sums: _Sums) -> dict[str, Array]:
    segments = sums.segments
    quality = np.where((sums.tp == 0) & (segments > 0), 0.0, ratio(sums.iou, sums.tp))
    return {"PQ": ratio(sums.iou, segments), "SQ": quality, "RQ": ratio(sums.tp, segments)}


def _joined(blocks: list[PanopticScores]) -> PanopticScores:
    first = blocks[0]
    return PanopticScores(
        {name: np.concatenate([block.overall[name] for block in blocks]) for name in first.overall},
        {
            name: np.concatenate([block.per_class[name] for block in blocks])
            for name in first.per_class
        },
        scored=first.scored,
        fixed=first.fixed,
    )
