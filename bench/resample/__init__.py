"""Resampling: weights that repeat or leave out units, and the confidence intervals that follow.

A unit is what was sampled: an image, or a cluster of images that belong together. This package
works on numbers alone. It knows nothing of segmentation, files or tables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.resample.student import student_quantile

__all__ = [
    "Array",
    "Interval",
    "Members",
    "bootstrap_interval",
    "bootstrap_weights",
    "effective_clusters",
    "jackknife_interval",
    "ones",
    "rare_variance",
    "student_quantile",
]

Array = np.ndarray[Any, Any]

_LEAST_FREEDOM = 1.5
"""The fewest degrees of freedom that an interval uses: below, quantiles of t grow without bound."""
_DEFINED_RESAMPLES = 0.94
"""The fraction of resamples that must have a score before their spread is trusted."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval, the number of units behind it, and the method."""

    low: float
    high: float
    level: float
    standard_error: float
    degrees_of_freedom: float
    clusters: int
    effective_clusters: float
    method: str = "jackknife, Student's t at effective degrees of freedom"

    @property
    def ends(self) -> tuple[float, float]:
        """The two ends, which may lie outside of the range of the score: see `Metric.clipped`."""
        return self.low, self.high


@dataclass(frozen=True, eq=False)
class Members:
    """The scores that a mean averages, such as the IoU of each class.

    `without` (K, C) are the scores of the C members with each of K units left out, NaN for members
    that too few units carry. `carriers` (C,) is the number of units that carry each member, -1 for
    those that the mean leaves out.
    """

    without: Array
    carriers: Array

    def __sub__(self, other: Members) -> Members:
        """Return the members of the difference of two means over the same units."""
        return Members(self.without - other.without, self.carriers)


def ones(images: int) -> Array:
    """Return the weights of the plain score, (1, N)."""
    return np.ones((1, images), dtype=np.int64)


def bootstrap_weights(clusters: int | Array, rows: int, generator: np.random.Generator) -> Array:
    """Draw B = `rows` bootstrap resamples; returns how often each holds each image, (B, N) int32.

    `clusters` is the number of images, or an array (N,) of cluster numbers 0 .. K-1. With clusters,
    whole clusters are drawn, and the images of a cluster share its weight: the K weights of the
    clusters add up to K in every resample.

    >>> bootstrap_weights(np.array([0, 0, 1]), 3, np.random.default_rng(1)).tolist()
    [[1, 1, 1], [2, 2, 0], [0, 0, 2]]
    """
    cluster_of_image = np.arange(clusters) if isinstance(clusters, int) else np.asarray(clusters)
    units = int(cluster_of_image.max(initial=-1)) + 1
    if units == 0:
        return np.zeros((rows, 0), dtype=np.int32)
    # Drawing K units with replacement gives multinomial counts, which take K numbers per resample
    # to draw and to store.
    drawn = generator.multinomial(units, np.full(units, 1.0 / units), size=rows)
    return drawn.astype(np.int32)[:, cluster_of_image]


def effective_clusters(sizes: Array) -> float:
    """Return Kish's effective number of clusters, (sum of sizes)^2 / sum of squared sizes.

    `sizes` (K,) are the images of each cluster. NaN without clusters.

    >>> effective_clusters(np.array([10, 10, 10, 10]))
    4.0
    >>> effective_clusters(np.array([98, 1, 1])) < 1.05
    True
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    squares = float((sizes**2).sum())
    return float(sizes.sum()) ** 2 / squares if squares > 0 else float("nan")


def jackknife_interval(
    estimate: float,
    leave_one_out: Array,
    *,
    level: float = 0.95,
    sizes: Array | None = None,
    members: Members | None = None,
) -> Interval | None:
    """Return the jackknife interval around `estimate`, from scores without each of K units, (K,).

    The standard error is that of the jackknife. The quantile is that of Student's t at effective
    degrees of freedom, 2 (sum u^2)^2 / (sum u^4 - (sum u^2)^2 / K) within 1.5 .. K - 1, where u are
    the centred pseudo-values: few if few units carry the variance. The ends may leave the range of
    the score, see `Metric.clipped`.

    `sizes` (K,) are the images of each unit, 1 if omitted. `members`, of a mean over classes, add
    the variance of the classes that `leave_one_out` keeps fixed, see `rare_variance`.

    Returns None if there is no interval: K < 2, or a score that is NaN.

    >>> interval = jackknife_interval(2.0, np.array([2.5, 2.0, 1.5]))  # the mean of 1, 2 and 3
    >>> round(interval.standard_error, 6), round(interval.degrees_of_freedom, 6)
    (0.57735, 2.0)
    """
    units = len(leave_one_out)
    if units < 2 or not np.isfinite(estimate) or not np.isfinite(leave_one_out).all():
        return None
    freedom, error = _freedom_and_error(np.asarray(leave_one_out, dtype=np.float64))
    if members is not None:
        freedom, error = _with_rare(freedom, error, *rare_variance(members))
    reach = student_quantile(0.5 + level / 2, freedom) * error
    return Interval(
        low=float(estimate) - reach,
        high=float(estimate) + reach,
        level=level,
        standard_error=error,
        degrees_of_freedom=freedom,
        clusters=units,
        effective_clusters=effective_clusters(np.ones(units) if sizes is None else sizes),
    )


def bootstrap_interval(
    estimate: float, replicates: Array, *, level: float = 0.95, sizes: Array
) -> Interval | None:
    """Return the interval around `estimate` from the standard error of B resamples, (B,).

    It is for scores such as AP, which are not smooth in the weights: AP changes only when the order
    of right and wrong detections changes, so leaving out one unit hardly moves it and the jackknife
    would be too narrow. The quantile is that of Student's t with K - 1 degrees of freedom; `sizes`
    (K,) are the images of each cluster.

    Returns None if there is no interval: K < 2, an estimate that is NaN, or more than 6 % of the
    resamples without a score. That is the case for a class that fewer than three clusters carry: a
    resample misses two clusters of many with probability e^-2 = .14.

    >>> interval = bootstrap_interval(0.5, np.array([0.4, 0.5, 0.6]), sizes=np.ones(100))
    >>> round(interval.standard_error, 6), round(interval.low, 3)
    (0.1, 0.302)
    """
    defined = replicates[np.isfinite(replicates)]
    units = len(sizes)
    if units < 2 or not np.isfinite(estimate):
        return None
    if len(defined) < 2 or len(defined) < _DEFINED_RESAMPLES * len(replicates):
        return None
    error = float(defined.std(ddof=1))
    reach = student_quantile(0.5 + level / 2, units - 1.0) * error
    return Interval(
        low=float(estimate) - reach,
        high=float(estimate) + reach,
        level=level,
        standard_error=error,
        degrees_of_freedom=units - 1.0,
        clusters=units,
        effective_clusters=effective_clusters(sizes),
        method=f"bootstrap standard error of {len(replicates)} resamples, Student's t",
    )


def rare_variance(members: Members) -> tuple[float, float]:
    """Return the variance that rare members add to their mean, and its degrees of freedom.

    A member that fewer than three units carry has no variance of its own to measure. It is assumed
    to vary as the others do on average:

        variance of a rare member = mean over the others of (variance x carriers) / its own carriers

    because the variance of a class is roughly inversely proportional to the number of units that
    carry it. Without this term the interval of a mean over classes would be too narrow by an eighth
    with 50 images and by a fifth with 13 clusters (docs/statistics.md).

    >>> without = np.array([[0.4, np.nan], [0.5, np.nan], [0.6, np.nan]])
    >>> [round(value, 6) for value in rare_variance(Members(without, np.array([3, 1])))]
    [0.01, 2.0]
    """
    units, averaged = len(members.without), members.carriers >= 0
    unmeasured = np.isnan(members.without).any(axis=0)
    rare = unmeasured & (members.carriers > 0)
    others = ~unmeasured & (members.carriers > 0)
    if units < 2 or not rare.any() or not others.any():
        return 0.0, float("inf")
    scores = members.without[:, others]
    variance = ((scores - scores.mean(axis=0)) ** 2).sum(axis=0) * (units - 1) / units
    typical = float((variance * members.carriers[others]).mean())
    # A mean over M members divides the variance of each by M^2.
    added = typical / members.carriers[rare] / int(averaged.sum()) ** 2
    total, squares = float(added.sum()), float((added**2).sum())
    return total, 2 * total**2 / squares if squares > 0 else float("inf")


def _with_rare(
    freedom: float, error: float, variance: float, rare_freedom: float
) -> tuple[float, float]:
    """Add a variance to a squared standard error; degrees of freedom follow Satterthwaite.

    Satterthwaite: (v1 + v2)^2 / (v1^2 / f1 + v2^2 / f2), for variances v with f degrees of freedom.
    """
    total = error**2 + variance
    if variance == 0 or total == 0:
        return freedom, error
    combined = total**2 / (error**4 / freedom + variance**2 / rare_freedom)
    return min(max(combined, _LEAST_FREEDOM), max(freedom, _LEAST_FREEDOM)), math.sqrt(total)


def _freedom_and_error(leave_one_out: Array) -> tuple[float, float]:
    """Return effective degrees of freedom and standard error of the jackknife."""
    units = len(leave_one_out)
    # The pseudo-value of unit k is  K * estimate - (K - 1) * (score without k). Its distance from
    # the mean of all pseudo-values does not depend on the estimate.
    centred = -(units - 1) * (leave_one_out - leave_one_out.mean())
    error = float(np.sqrt((centred**2).sum() / (units * (units - 1))))
    scale = float(np.abs(centred).max())
    if scale == 0:
        return float(units - 1), error
    # A variance estimate has f = 2 v^2 / Var(v) degrees of freedom; Var(v) is estimated by the
    # spread of the squares. Dividing by the largest value first avoids underflow of the fourth
    # powers.
    squares = (centred / scale) ** 2
    spread = float((squares**2).sum() - squares.sum() ** 2 / units)
    freedom = 2 * float(squares.sum()) ** 2 / spread if spread > 0 else float("inf")
    return min(max(freedom, _LEAST_FREEDOM), float(units - 1)), error
