"""Resampling: weights that repeat or leave out units, and intervals from scores with each unit left out.

A unit is whatever was sampled: an image, or a cluster of images that belong together. This module knows numbers and
nothing of segmentation, files or tables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Interval:
    """A confidence interval and what it rests on: how many units, how many they are worth, and by which method."""

    low: float
    high: float
    level: float
    standard_error: float
    degrees_of_freedom: float
    clusters: int
    effective_clusters: float
    method: str = "jackknife, Student's t at effective degrees of freedom"

    def clipped(self, low: float = 0.0, high: float = 1.0) -> tuple[float, float]:
        """Move the two ends into the range that the score can take."""
        return min(max(self.low, low), high), min(max(self.high, low), high)


@dataclass(frozen=True, eq=False)
class Members:
    """What a mean is made of: the scores (K, C) of its C members with each of K units left out, NaN for those too rare.

    `carriers` (C,) says how many units carry each member, -1 for those that the mean does not run over.
    """

    without: Array
    carriers: Array

    def __sub__(self, other: Members) -> Members:
        """The members of a difference of two means over the same units."""
        return Members(self.without - other.without, self.carriers)


def ones(images: int) -> Array:
    """Return the weights of the plain score, (1, N)."""
    return np.ones((1, images), dtype=np.int64)


def bootstrap_weights(clusters: int | Array, rows: int, generator: np.random.Generator) -> Array:
    """Draw how often each image is repeated in each of B = `rows` resamples, (B, N) int32.

    `clusters` is the number of images, or (N,) of cluster numbers 0 .. K-1: then whole clusters are drawn, and images
    of one share their weight. Every row of cluster weights sums to K.

    >>> bootstrap_weights(np.array([0, 0, 1]), 3, np.random.default_rng(1)).tolist()
    [[1, 1, 1], [2, 2, 0], [0, 0, 2]]
    """
    member = np.arange(clusters) if isinstance(clusters, int) else np.asarray(clusters)
    units = int(member.max(initial=-1)) + 1
    if units == 0:
        return np.zeros((rows, 0), dtype=np.int32)
    drawn = generator.multinomial(units, np.full(units, 1.0 / units), size=rows)
    return drawn.astype(np.int32)[:, member]


def effective_clusters(sizes: Array) -> float:
    """Return Kish's effective number of clusters, (sum of sizes)^2 / sum of squared sizes; NaN without any.

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
    """Return the interval around `estimate` that the scores with each of K units left out, (K,), support.

    The standard error is the jackknife's; the quantile is Student's t at effective degrees of freedom
    2 (sum u^2)^2 / (sum u^4 - (sum u^2)^2 / K), within 1.5 .. K - 1, with u the centred pseudo-values: few where few
    units carry the variance. It may leave [0, 1]: see `Interval.clipped`. `sizes` (K,) are images per unit, else 1;
    `members`, of a mean, add the noise of those that `leave_one_out` holds fixed: see `rare_variance`.
    None where nothing can be said: K < 2, or a score that is NaN.

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


def bootstrap_interval(estimate: float, replicates: Array, *, level: float = 0.95, sizes: Array) -> Interval | None:
    """Return the interval around `estimate` from the spread of B scores of resamples, (B,), with Student's t.

    For scores that are steps, such as AP, which leaving out one unit hardly moves. `sizes` (K,) are images per
    cluster; t has K - 1 degrees of freedom. None where nothing can be said: K < 2, an estimate that is NaN, or more
    than 6 % of the resamples without a score, as happens to what fewer than three clusters carry.

    >>> interval = bootstrap_interval(0.5, np.array([0.4, 0.5, 0.6]), sizes=np.ones(100))
    >>> round(interval.standard_error, 6), round(interval.low, 3)
    (0.1, 0.302)
    """
    known = replicates[np.isfinite(replicates)]
    units = len(sizes)
    if units < 2 or not np.isfinite(estimate) or len(known) < 2 or len(known) < 0.94 * len(replicates):
        return None
    error = float(known.std(ddof=1))
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
    """The variance that members too rare to show any add to the mean, and its degrees of freedom.

    Each varies as the others do on average: by the mean of (variance x carriers) of these, divided by its own carriers.
    Held fixed, they would make the interval of a mean over classes of 50 images too narrow by an eighth, of 13 clusters
    by a fifth (docs/statistics.md).

    >>> without = np.array([[0.4, np.nan], [0.5, np.nan], [0.6, np.nan]])
    >>> [round(value, 6) for value in rare_variance(Members(without, np.array([3, 1])))]
    [0.01, 2.0]
    """
    units, inside = len(members.without), members.carriers >= 0
    silent = np.isnan(members.without).any(axis=0)
    rare, others = (silent & (members.carriers > 0), ~silent & (members.carriers > 0))
    if units < 2 or not rare.any() or not others.any():
        return 0.0, float("inf")
    moved = members.without[:, others]
    variance = ((moved - moved.mean(axis=0)) ** 2).sum(axis=0) * (units - 1) / units
    typical = float((variance * members.carriers[others]).mean())
    each = typical / members.carriers[rare] / int(inside.sum()) ** 2
    total, squares = float(each.sum()), float((each**2).sum())
    return total, 2 * total**2 / squares if squares > 0 else float("inf")


def _with_rare(freedom: float, error: float, variance: float, rare_freedom: float) -> tuple[float, float]:
    """Add a variance to a squared error; degrees of freedom follow Satterthwaite."""
    total = error**2 + variance
    if variance == 0 or total == 0:
        return freedom, error
    combined = total**2 / (error**4 / freedom + variance**2 / rare_freedom)
    return min(max(combined, 1.5), max(freedom, 1.5)), math.sqrt(total)


def _freedom_and_error(leave_one_out: Array) -> tuple[float, float]:
    units = len(leave_one_out)
    centred = -(units - 1) * (leave_one_out - leave_one_out.mean())
    error = float(np.sqrt((centred**2).sum() / (units * (units - 1))))
    scale = float(np.abs(centred).max())
    if scale == 0:
        return float(units - 1), error
    squares = (centred / scale) ** 2
    spread = float((squares**2).sum() - squares.sum() ** 2 / units)
    freedom = 2 * float(squares.sum()) ** 2 / spread if spread > 0 else float("inf")
    return min(max(freedom, 1.5), float(units - 1)), error


def student_quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's t for a probability in (0, 1), exact where the degrees of freedom are no whole number.

    Written out because loading scipy.special takes longer than an evaluation of 60 images; a test compares the two.

    >>> round(student_quantile(0.975, 10), 3)
    2.228
    """
    if probability < 0.5:
        return -student_quantile(1 - probability, freedom)
    wanted, t = 1 - probability, 0.0
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
    # The upper tail is convex for t > 0, so Newton's steps from 0 rise to the root and never pass it.
    for _ in range(200):
        density = scale * math.exp(-(freedom + 1) / 2 * math.log1p(t * t / freedom))
        step = (_upper_tail(t, freedom) - wanted) / density
        t += step
        if abs(step) <= 1e-9 * t:  # the next step would be its square
            break
    return t


def _upper_tail(t: float, freedom: float) -> float:
    """P(T > t) for t >= 0: half the incomplete beta function of freedom / (freedom + t^2)."""
    square = t * t / freedom
    x, a, b = 1 / (1 + square), freedom / 2, 0.5
    if x < (a + 1) / (a + b + 2):
        return 0.5 * _beta(x, square / (1 + square), a, b)
    return 0.5 - 0.5 * _beta(square / (1 + square), x, b, a)


def _beta(x: float, rest: float, a: float, b: float) -> float:
    """The regularized incomplete beta function at x = 1 - rest, by its continued fraction (DLMF 8.17.22)."""
    if x == 0:
        return 0.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        for factor in (m * (b - m) / (a + 2 * m - 1), -(a + m) * (a + b + m) / (a + 2 * m + 1)):
            term = factor * x / (a + 2 * m)
            d, c = 1 / (1 + term * d), 1 + term / c
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * value
