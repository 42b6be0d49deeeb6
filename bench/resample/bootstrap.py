"""Bootstrap intervals on request: percentile, BCa and studentised.

They take scores of resamples and know nothing of segmentation, files or tables. Their measured
coverage, next to that of the default intervals, is in docs/statistics.md.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from bench.resample import Array

Method = Literal["percentile", "bca", "studentised"]
NAMES: dict[Method, str] = {
    "percentile": "percentile bootstrap",
    "bca": "BCa bootstrap",
    "studentised": "studentised bootstrap",
}
RESAMPLES = 2_000
"""Resamples of an interval whose ends are quantiles; these need more than a standard error does."""
Ends = tuple[float, float]
NONE: Ends = (float("nan"), float("nan"))


def percentile(replicates: Array, *, level: float = 0.95) -> Ends:
    """Return the middle `level` of the scores of B resamples, (B,); NaN without a defined score.

    Too narrow below 100 units.

    >>> percentile(np.arange(101.0), level=0.5)
    (25.0, 75.0)
    """
    defined = replicates[np.isfinite(replicates)]
    if not len(defined):
        return NONE
    low, high = np.quantile(defined, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def bca(estimate: float, replicates: Array, leave_one_out: Array, *, level: float = 0.95) -> Ends:
    """Return the bias-corrected and accelerated interval (Efron 1987); NaN if nothing varies.

    `replicates` (B,) are the scores of resamples and `leave_one_out` (K,) those without each unit.
    The percentile interval reads the replicates at the probabilities .025 and .975. BCa reads them
    at

        Phi(b + (b + z) / (1 - a (b + z)))   with z = Phi^-1(.025) and Phi^-1(.975)

    where the bias b says how far the estimate is from the median of the replicates, and the
    acceleration a, from the skewness of the jackknife, how fast the spread changes with the score.
    """
    from scipy.special import ndtr, ndtri

    defined = replicates[np.isfinite(replicates)]
    influence = leave_one_out.mean() - leave_one_out
    scale = float((influence**2).sum()) ** 1.5
    if not len(defined) or scale == 0 or not np.isfinite(scale):
        return NONE
    acceleration = float((influence**3).sum()) / (6 * scale)
    # Replicates equal to the estimate count half on either side, as there may be many for counts.
    below = (np.count_nonzero(defined < estimate) + np.count_nonzero(defined <= estimate)) / (
        2 * len(defined)
    )
    if not 0 < below < 1:
        return NONE
    bias = float(ndtri(below))
    z = bias + ndtri(np.array([0.5 - level / 2, 0.5 + level / 2]))
    low, high = np.quantile(defined, ndtr(bias + z / (1 - acceleration * z)))
    return float(low), float(high)


def studentised(
    estimate: float,
    error: float,
    replicates: Array,
    replicate_errors: Array,
    *,
    level: float = 0.95,
) -> Ends:
    """Return the studentised interval (bootstrap-t) from B resamples; NaN without a defined one.

    `replicates` and `replicate_errors` are the scores of the resamples and their standard errors,
    (B,). The resamples show how t = (replicate - estimate) / its standard error is distributed. As
    (estimate - true score) / error is distributed alike, the high quantile of t gives the low end.

    >>> studentised(0.0, 1.0, np.array([-1.0, 0.0, 1.0]), np.ones(3), level=0.5)
    (-0.5, 0.5)
    """
    defined = np.isfinite(replicates) & np.isfinite(replicate_errors) & (replicate_errors > 0)
    if not defined.any():
        return NONE
    t = (replicates[defined] - estimate) / replicate_errors[defined]
    low, high = np.quantile(t, [0.5 - level / 2, 0.5 + level / 2])
    return float(estimate - high * error), float(estimate - low * error)


def errors_of(leave_one_out: Array, drawn: Array) -> Array:
    """Return the standard errors of the scores of B resamples, (B,), to the first order.

    `leave_one_out` (K,) are the scores without each unit and `drawn` (B, K) says how often each
    unit is in each resample. Each unit is taken to move the score of every resample by the same
    amount, its influence on the plain score; the standard error of a resample is then that of a
    weighted mean of influences. A jackknife of every resample would cost K times as much.
    """
    # How far the score moves when a unit counts once more, times K, to the first order.
    influence = (len(leave_one_out) - 1) * (leave_one_out.mean() - leave_one_out)
    total = drawn.sum(axis=1)
    mean = drawn @ influence / total
    variance = np.maximum(drawn @ influence**2 / total - mean**2, 0.0)
    return np.asarray(np.sqrt(variance / (total - 1)))


def ends(
    method: Method,
    estimate: float,
    replicates: Array,
    leave_one_out: Array | None,
    drawn: Array,
    *,
    level: float,
) -> Ends:
    """Return the interval by one of the methods; NaN if it is undefined.

    BCa and studentised intervals need the scores without each unit. If there are none, the interval
    is the percentile one.
    """
    if method == "percentile" or leave_one_out is None:
        return percentile(replicates, level=level)
    if not np.isfinite(leave_one_out).all():
        return NONE
    if method == "bca":
        return bca(estimate, replicates, leave_one_out, level=level)
    units = len(leave_one_out)
    # The standard error of the jackknife, sqrt((K - 1) / K x sum of squares).
    error = float(leave_one_out.std() * np.sqrt(units - 1.0))
    return studentised(estimate, error, replicates, errors_of(leave_one_out, drawn), level=level)
