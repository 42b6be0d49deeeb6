"""Semantic segmentation: the scores that follow from the pixels table, for any weights over images.

Counting is in `pixels.py`. Which images a row of weights repeats or leaves out, and why, this module must not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from bench.classes import Classes
from bench.metrics.pixels import Sums, by_cluster, confusion, count, rare_classes, sums_per_image, weigh
from bench.samples import Array, Table

__all__ = [
    "CLASSES_IN",
    "OVERALL",
    "PER_CLASS",
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

ClassesIn = Literal["truth", "union", "all"]
CLASSES_IN: tuple[ClassesIn, ...] = ("truth", "union", "all")
OVERALL = ("pixel_accuracy", "mean_accuracy", "mIoU", "fwIoU", "mDice")
PER_CLASS = ("IoU", "Dice", "accuracy")
MEANS = {"mIoU": "IoU", "mDice": "Dice", "mean_accuracy": "accuracy"}

SILENT = 3
"""A class that fewer images (or clusters) carry has no interval: its noise cannot be seen."""


@dataclass(frozen=True, eq=False)
class SemanticScores:
    """Scores in [0, 1] for B rows of weights, NaN where undefined; `scores["mIoU"]` finds a score by its name.

    `overall` maps the names in `OVERALL` to (B,), `per_class` those in `PER_CLASS` to (B, C). `scored` (C,) says which
    classes the means run over; `held` (C,) which of them `leave_out` holds at their plain value. From there, `parts`
    names for each mean the scores of classes it is made of, with how many clusters carry each class (C,), -1 for those
    it does not run over.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    scored: Array
    held: Array
    parts: Mapping[str, tuple[str, Array]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Array:
        """Find a score by its name, (B,) or (B, C)."""
        return self.overall[name] if name in self.overall else self.per_class[name]


def scored_classes(counts: Table, classes: Classes, classes_in: ClassesIn, *, region: int = 0) -> Array:
    """Say which classes a mean runs over, (C,) bool: those in the truth, in truth or prediction, or all."""
    return _scored(_plain(counts, classes, region), classes_in)


def score(
    counts: Table,
    weights: Array,
    classes: Classes,
    *,
    classes_in: ClassesIn = "truth",
    scored: Array | None = None,
    region: int = 0,
) -> SemanticScores:
    """Score N images under B rows of weights, shape (B, N).

    IoU = tp / (tp + fp + fn), Dice = 2 tp / (2 tp + fp + fn), accuracy = tp / (tp + fn); predicting a label that is not
    scored is an fn of the true class. Means run over `scored_classes` of the plain counts (or `scored`, which two runs
    of a comparison share), fwIoU over the classes of the truth; a class whose truth has no weight in a row is left out
    of that row's means. Accuracy without truth is undefined: `mean_accuracy` runs over scored classes with truth.

    >>> from bench.classes import Class
    >>> from bench.samples import LabelMap
    >>> classes = Classes((Class(0, "road", 0), Class(1, "car", 1)))
    >>> counts = count(LabelMap(np.uint8([[0, 0, 1]])), LabelMap(np.uint8([[0, 1, 1]])), classes)
    >>> scores = score(counts, np.ones((1, 1)), classes)
    >>> scores["IoU"].tolist(), scores["mIoU"].tolist()
    ([[0.5, 0.5]], [0.5])
    """
    images = sums_per_image(counts, weights.shape[1], classes, region)
    plain = images.total()
    scored = _scored(plain, classes_in) if scored is None else scored
    return _scores(images.joined(lambda part: weigh(weights, part)), plain, scored, classes_in)


def per_image(
    counts: Table, images: int, classes: Classes, *, classes_in: ClassesIn = "truth", region: int = 0
) -> SemanticScores:
    """Score each of N = `images` images alone: B = N, as `score` with the identity for weights; NaN for void images."""
    sums = sums_per_image(counts, images, classes, region)
    plain = sums.total()
    return _scores(sums, plain, _scored(plain, classes_in), classes_in)


def leave_out(
    counts: Table,
    clusters: Array,
    classes: Classes,
    *,
    classes_in: ClassesIn = "truth",
    scored: Array | None = None,
    region: int = 0,
) -> SemanticScores:
    """Score with each cluster left out in turn, B = K, as total minus part; `clusters` (N,) numbers them 0 .. K-1.

    A class whose truth fewer than 3 clusters carry would rule a jackknife or vanish from it: its own scores are NaN
    here, so that it gets no interval. In the means, if scored, it is `held`: every row takes its plain value. Where
    all scored classes are held, the class means are NaN.
    """
    images = sums_per_image(counts, len(clusters), classes, region)
    plain = images.total()
    groups = int(clusters.max(initial=-1)) + 1
    parts = images.each(lambda part: by_cluster(part, clusters, groups))
    rest = Sums(plain.truth - parts.truth, plain.predicted - parts.predicted, plain.hits - parts.hits)
    scored = _scored(plain, classes_in) if scored is None else scored
    carriers = (parts.truth > 0).sum(axis=0)
    found = _scores(rest, plain, scored, classes_in, silent=carriers < SILENT)
    return replace(found, parts={mean: (rate, np.where(scored, carriers, -1)) for mean, rate in MEANS.items()})


def _plain(counts: Table, classes: Classes, region: int) -> Sums:
    images = int(counts["image"].max(initial=-1)) + 1
    return sums_per_image(counts, images, classes, region).total()


def _scored(plain: Sums, classes_in: ClassesIn) -> Array:
    if classes_in == "all":
        return np.ones(plain.truth.shape[1], dtype=bool)
    return np.asarray(plain.truth[0] + (plain.predicted[0] if classes_in == "union" else 0) > 0)


def _scores(
    sums: Sums, plain: Sums, scored: Array, classes_in: ClassesIn, *, silent: Array | None = None
) -> SemanticScores:
    silent = np.zeros_like(scored) if silent is None else silent
    held = scored & silent
    rates, plain_rates = _rates(sums), _rates(plain)
    counted, plain_counted = (_counted(each, plain, scored, classes_in) for each in (sums, plain))
    counted = np.where(held, plain_counted, counted)
    lacking = plain.truth[0] == 0
    means = {}
    for name, rate in rates.items():
        # Recall without truth is 0/0: it counts only where the mean is to be NaN for it, as in VOC's devkit.
        which = counted if name != "accuracy" else (counted | lacking if classes_in == "all" else counted & ~lacking)
        means[name] = _mean(np.where(held, plain_rates[name], rate), which)
        if held.any() and not (scored & ~held).any():
            means[name] = np.full_like(means[name], np.nan)
    overall = {
        "pixel_accuracy": _ratio(sums.hits.sum(axis=1), sums.truth.sum(axis=1)),
        "mean_accuracy": means["accuracy"],
        "mIoU": means["IoU"],
        "fwIoU": _ratio((sums.truth * np.nan_to_num(rates["IoU"])).sum(axis=1), sums.truth.sum(axis=1)),
        "mDice": means["Dice"],
    }
    return SemanticScores(
        overall, {name: np.where(silent, np.nan, rates[name]) for name in PER_CLASS}, scored=scored, held=held
    )


def _rates(sums: Sums) -> dict[str, Array]:
    both = sums.truth + sums.predicted
    return {
        "IoU": _ratio(sums.hits, both - sums.hits),
        "Dice": _ratio(2 * sums.hits, both),
        "accuracy": _ratio(sums.hits, sums.truth),
    }


def _counted(sums: Sums, plain: Sums, scored: Array, classes_in: ClassesIn) -> Array:
    """Which classes enter the means of each row, (B, C)."""
    present = np.where(plain.truth > 0, sums.truth > 0, sums.predicted > 0)
    if classes_in == "all":
        present = present | (plain.truth + plain.predicted == 0)
    return np.asarray(scored & present)


def _mean(rate: Array, which: Array) -> Array:
    return _ratio(np.where(which, rate, 0.0).sum(axis=1), which.sum(axis=1).astype(np.float64))


def _ratio(part: Array, whole: Array) -> Array:
    """Quotients, NaN where the whole is 0."""
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0))
