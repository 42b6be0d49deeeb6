"""Rates of classes, such as IoU, and their means over classes: the rules that all families share.

A rate is a quotient of two weighted sums over images. Which sums these are is up to the callers;
this module decides which classes a mean averages, and what happens to classes that too few images
carry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.samples import Array

ClassesIn = Literal["truth", "union", "all"]
CLASSES_IN: tuple[ClassesIn, ...] = ("truth", "union", "all")
"""Classes of a mean: those in the ground truth, in ground truth or predictions, or all."""

MIN_CARRIERS = 3
"""A class that fewer images (or clusters) carry has no interval.

With one or two carriers, leaving one of them out removes half of the class or all of it. The
jackknife would then take this single image for the noise of the whole data set.
"""


def ratio(numerator: Array, denominator: Array) -> Array:
    """Divide element by element; NaN where the denominator is 0.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    quotients = np.full(np.shape(denominator), np.nan)
    return np.asarray(
        np.divide(numerator, denominator, out=quotients, where=np.asarray(denominator) > 0)
    )


def weigh_in_order(weights: Array, values: Array) -> Array:
    """Sum floats (N, M) under weights (B, N) to (B, M), in the order of the images.

    A matrix product is faster, but adds in an order that depends on the number of rows B. Then a
    score would differ in its last bit between a plain run and a resample with all weights equal to
    one.
    """
    sums = np.zeros((len(weights), values.shape[1]))
    for weights_of_image, row in zip(np.asarray(weights, dtype=np.float64).T, values, strict=True):
        if row.any():
            sums += weights_of_image[:, None] * row
    return sums


@dataclass(frozen=True, eq=False)
class Fixed:
    """Plain values that a mean uses for rare classes while clusters are left out.

    `classes` (C,) are these classes; `rate` and `counted`, (1, C), the rates under weights of one
    and whether they enter the mean.
    """

    classes: Array
    rate: Array
    counted: Array


def class_mean(
    rate: Array, counted: Array, fixed: Fixed | None = None, *, scored: Array | None = None
) -> Array:
    """Average rates (B, C) over the classes that count in each row, (B, C) bool; returns (B,).

    NaN if no class counts. With `fixed`, NaN also if every class in `scored` (C,) is fixed: the
    mean would be a constant, and its interval would have no width.

    >>> class_mean(np.array([[0.5, 1.0, np.nan]]), np.array([[True, True, False]])).tolist()
    [0.75]
    """
    if fixed is not None:
        rate = np.where(fixed.classes, fixed.rate, rate)
        counted = np.where(fixed.classes, fixed.counted, counted)
    mean = ratio(np.where(counted, rate, 0.0).sum(axis=1), counted.sum(axis=1).astype(np.float64))
    if fixed is None or scored is None:
        return mean
    if fixed.classes.any() and not (scored & ~fixed.classes).any():
        return np.full_like(mean, np.nan)
    return mean


@dataclass(frozen=True, eq=False)
class Terms:
    """Numerator and denominator of a rate, and the amount of each class in the truth: (rows, C).

    `truth` only needs to be above 0 where the ground truth has the class: pixels, or objects.
    """

    numerator: Array
    denominator: Array
    truth: Array

    def each(self, change: Callable[[Array], Array]) -> Terms:
        """Apply a function to all three."""
        return Terms(change(self.numerator), change(self.denominator), change(self.truth))


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates (B, C) and their mean (B,), NaN if undefined.

    `scored` (C,) are the classes that the mean averages, `fixed` (C,) those of them that keep their
    plain value in every row.
    """

    rate: Array
    mean: Array
    scored: Array
    fixed: Array


def rates(
    rows: Terms,
    plain: Terms,
    classes_in: ClassesIn,
    *,
    subset: Array | None = None,
    rare: Array | None = None,
) -> Rates:
    """Divide the weighted sums of B rows, and average over classes.

    `plain` are the sums under weights of one, (1, C). They decide which classes the mean averages,
    so that all rows average the same classes; `subset` (C,) restricts these further. A class
    without ground truth in one row is left out of the mean of that row.

    `rare` (C,) are the classes that fewer than `MIN_CARRIERS` clusters carry. Their own rates are
    NaN, and in the means they keep their plain value. If all scored classes are rare, the mean is
    NaN.

    >>> terms = Terms(np.array([[1.0, 1, 0]]), np.array([[2.0, 1, 0]]), np.array([[1, 1, 0]]))
    >>> rates(terms, terms, "truth").mean.tolist()
    [0.75]
    """
    scored = scored_classes(plain, classes_in)
    if subset is not None:
        scored = scored & subset
    rate = ratio(rows.numerator, rows.denominator)
    counted = counted_classes(rows, plain, scored, classes_in)
    if rare is None:
        return Rates(rate, class_mean(rate, counted), scored, fixed=np.zeros_like(scored))
    fixed = Fixed(
        classes=scored & rare,
        rate=ratio(plain.numerator, plain.denominator),
        counted=counted_classes(plain, plain, scored, classes_in),
    )
    mean = class_mean(rate, counted, fixed, scored=scored)
    return Rates(np.where(rare, np.nan, rate), mean, scored, fixed.classes)


def scored_classes(plain: Terms, classes_in: ClassesIn) -> Array:
    """Return which classes a mean averages, (C,) bool, given sums under weights of one, (1, C)."""
    in_truth = np.asarray(plain.truth[0] > 0)
    if classes_in == "truth":
        return in_truth
    if classes_in == "union":
        return np.asarray(plain.denominator[0] > 0)
    return np.ones_like(in_truth)


def counted_classes(rows: Terms, plain: Terms, scored: Array, classes_in: ClassesIn) -> Array:
    """Return which of the `scored` classes (C,) enter the mean of each row, (rows, C) bool."""
    # A class of the truth counts in a row that has some of it. A class that is predicted only
    # (union) counts in a row where it is predicted: it has a rate of 0 there.
    present = np.where(plain.truth > 0, rows.truth > 0, rows.denominator > 0)
    if classes_in == "all":
        # A class that occurs nowhere has the rate 0 / 0. Counting it makes the mean NaN, as in
        # VOC's devkit.
        present = present | (plain.denominator == 0)
    return np.asarray(scored & present)
