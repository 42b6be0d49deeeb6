"""Semantic segmentation: accuracies, IoU and Dice from the `pixels` table, for any weights.

Counting is in `pixels.py`. This module does not know why images are weighted: resamples,
permutations and subsets of the images all look alike here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bench.classes import Classes
from bench.metrics.pixels import (
    Sums,
    by_cluster,
    confusion,
    count,
    rare_classes,
    sums_per_image,
    weigh,
)
from bench.metrics.rates import CLASSES_IN, MIN_CARRIERS, ClassesIn, Rates, Terms, rates, ratio
from bench.metrics.rates import scored_classes as scored_of
from bench.samples import Array, Table

__all__ = [
    "CLASSES_IN",
    "OVERALL",
    "ClassesIn",
    "SemanticScores",
    "confusion",
    "count",
    "leave_out",
    "per_image",
    "rare_classes",
    "score",
    "scored_classes",
]

OVERALL = ("pixel_accuracy", "mean_accuracy", "mIoU", "fwIoU", "mDice")
MEANS = {"mIoU": "IoU", "mDice": "Dice", "mean_accuracy": "accuracy"}
"""The scores that are means over classes, and the score of a class that each averages."""


@dataclass(frozen=True, eq=False)
class SemanticScores:
    """Scores in [0, 1] for weights (B, N), NaN if undefined; `scores["mIoU"]` returns one of them.

    `overall` maps the names in `OVERALL` to (B,), `per_class` the rates of `_terms` to (B, C).
    `scored` (C,) are the classes that the means average. From `leave_out`, `fixed` (C,) are the
    scored classes that keep their plain value, and `parts` maps each mean to the score that it
    averages and the number of clusters that carry each class, (C,), -1 for classes outside the
    mean.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    scored: Array
    fixed: Array
    parts: Mapping[str, tuple[str, Array]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Array:
        """Return the score of this name, (B,) or (B, C)."""
        return self.overall[name] if name in self.overall else self.per_class[name]


def scored_classes(
    counts: Table, classes: Classes, classes_in: ClassesIn, *, region: int = 0
) -> Array:
    """Return which classes a mean averages, (C,) bool, by the rule `classes_in`."""
    images = int(counts["image"].max(initial=-1)) + 1
    plain = sums_per_image(counts, images, classes, region).total()
    return scored_of(_terms(plain)["IoU"], classes_in)


def score(
    counts: Table,
    weights: Array,
    classes: Classes,
    *,
    classes_in: ClassesIn = "truth",
    region: int = 0,
) -> SemanticScores:
    """Score N images under weights (B, N).

    With tp, fp and fn the weighted sums of pixels of a class over images:

        IoU = tp / (tp + fp + fn),   Dice = 2 tp / (2 tp + fp + fn),   accuracy = tp / (tp + fn)

    A pixel predicted as a label that is not scored is an fn of its true class and an fp of none.
    Means average the `scored_classes` of the plain counts, and fwIoU the classes of the ground
    truth by their frequency. A class without ground truth in a resample is left out of the
    means of that resample. Accuracy is undefined without ground truth, so `mean_accuracy` averages
    scored classes with ground truth. Source: cityscapesScripts, VOC's devkit, Long et al. 2015.

    >>> from bench.classes import Class
    >>> from bench.samples import LabelMap
    >>> classes = Classes((Class(0, "road", 0), Class(1, "car", 1)))
    >>> counts = count(LabelMap(np.uint8([[0, 0, 1]])), LabelMap(np.uint8([[0, 1, 1]])), classes)
    >>> scores = score(counts, np.ones((1, 1)), classes)
    >>> scores["IoU"].tolist(), scores["mIoU"].tolist()
    ([[0.5, 0.5]], [0.5])
    """
    images = sums_per_image(counts, weights.shape[1], classes, region)
    # One wide matrix product for all three sums is faster than three.
    weighted = images.joined(lambda values: weigh(weights, values))
    return _scores(weighted, images.total(), classes_in)


def per_image(
    counts: Table,
    images: int,
    classes: Classes,
    *,
    classes_in: ClassesIn = "truth",
    region: int = 0,
) -> SemanticScores:
    """Score each of N = `images` images alone, B = N; NaN for an image that is void everywhere.

    The result is that of `score` with the identity matrix as weights.
    """
    sums = sums_per_image(counts, images, classes, region)
    return _scores(sums, sums.total(), classes_in)


def leave_out(
    counts: Table,
    clusters: Array,
    classes: Classes,
    *,
    classes_in: ClassesIn = "truth",
    region: int = 0,
) -> SemanticScores:
    """Score with each of K clusters left out in turn, B = K; `clusters` (N,) numbers them 0 .. K-1.

    Counts add up, so each row is the total minus the sums of one cluster. The scores of a class
    that fewer than `MIN_CARRIERS` clusters carry are NaN here: it gets no interval. In the means
    such a class keeps its plain value (`fixed`). If all scored classes are fixed, the means are
    NaN.
    """
    images = sums_per_image(counts, len(clusters), classes, region)
    plain = images.total()
    count_of_clusters = int(clusters.max(initial=-1)) + 1
    left_out = images.each(lambda values: by_cluster(values, clusters, count_of_clusters))
    rest = Sums(
        plain.truth - left_out.truth,
        plain.predicted - left_out.predicted,
        plain.hits - left_out.hits,
    )
    carriers = (left_out.truth > 0).sum(axis=0)
    scores = _scores(rest, plain, classes_in, rare=carriers < MIN_CARRIERS)
    # The interval of a mean needs its members: rare ones add the variance that is missing here.
    averaged = np.where(scores.scored, carriers, -1)
    return replace(scores, parts={mean: (name, averaged) for mean, name in MEANS.items()})


def _scores(
    sums: Sums, plain: Sums, classes_in: ClassesIn, *, rare: Array | None = None
) -> SemanticScores:
    rows, plain_terms = _terms(sums), _terms(plain)
    results: dict[str, Rates] = {
        name: rates(terms, plain_terms[name], classes_in, rare=rare) for name, terms in rows.items()
    }
    # The rates of rare classes are NaN in `results`, but their pixels count in the
    # frequency-weighted mean.
    iou = np.nan_to_num(ratio(rows["IoU"].numerator, rows["IoU"].denominator))
    pixels = sums.truth.sum(axis=1)
    overall = {
        "pixel_accuracy": ratio(sums.hits.sum(axis=1), pixels),
        "mean_accuracy": results["accuracy"].mean,
        "mIoU": results["IoU"].mean,
        "fwIoU": ratio((sums.truth * iou).sum(axis=1), pixels),
        "mDice": results["Dice"].mean,
    }
    return SemanticScores(
        overall,
        {name: rates_of_class.rate for name, rates_of_class in results.items()},
        scored=results["IoU"].scored,
        fixed=results["IoU"].fixed,
    )


def _terms(sums: Sums) -> dict[str, Terms]:
    """Return the terms of each rate: truth = tp + fn, predicted = tp + fp, hits = tp."""
    both = sums.truth + sums.predicted
    return {
        "IoU": Terms(sums.hits, both - sums.hits, sums.truth),
        "Dice": Terms(2 * sums.hits, both, sums.truth),
        "accuracy": Terms(sums.hits, sums.truth, sums.truth),
    }
