"""Bootstrap intervals other than the default ones: percentile, BCa and studentised, on request.

They take scores of resamples, whatever was resampled, and know nothing of segmentation, files or tables. What their
coverage is, against the defaults, stands in docs/statistics.md.
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
"""The ends of an interval need more resamples than its standard error."""
Ends = tuple[float, float]
NONE: Ends = (float("nan"), float("nan"))


def percentile(replicates: Array, *, level: float = 0.95) -> Ends:
    """The middle `level` of the scores of B resamples (B,); too narrow below 100 units.

    >>> percentile(np.arange(101.0), level=0.5)
    (25.0, 75.0)
    """
    known = replicates[np.isfinite(replicates)]
    if not len(known):
        return NONE
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def bca(estimate: float, replicates: Array, leave_one_out: Array, *, level: float = 0.95) -> Ends:
    """The bias-corrected and accelerated interval (Efron 1987).

    `replicates` (B,) are scores of resamples, `leave_one_out` (K,) those with each unit left out: they say how the
    spread changes with the score. NaN where nothing varies.
    """
    from scipy.special import ndtr, ndtri

    known = replicates[np.isfinite(replicates)]
    pull = leave_one_out.mean() - leave_one_out
    scale = float((pull**2).sum()) ** 1.5
    if not len(known) or scale == 0 or not np.isfinite(scale):
        return NONE
    acceleration = float((pull**3).sum()) / (6 * scale)
    below = (np.count_nonzero(known < estimate) + np.count_nonzero(known <= estimate)) / (2 * len(known))
    if not 0 < below < 1:
        return NONE
    bias = float(ndtri(below))
    z = bias + ndtri(np.array([0.5 - level / 2, 0.5 + level / 2]))
    low, high = np.quantile(known, ndtr(bias + z / (1 - acceleration * z)))
    return float(low), float(high)


def studentised(
    estimate: float, error: float, replicates: Array, replicate_errors: Array, *, level: float = 0.95
) -> Ends:
    """The interval from B scores of resamples, each divided by its own standard error: both (B,).

    >>> studentised(0.0, 1.0, np.array([-1.0, 0.0, 1.0]), np.ones(3), level=0.5)
    (-0.5, 0.5)
    """
    keep = np.isfinite(replicates) & np.isfinite(replicate_errors) & (replicate_errors > 0)
    if not keep.any():
        return NONE
    t = (replicates[keep] - estimate) / replicate_errors[keep]
    low, high = np.quantile(t, [0.5 - level / 2, 0.5 + level / 2])
    return float(estimate - high * error), float(estimate - low * error)


def errors_of(leave_one_out: Array, drawn: Array) -> Array:
    """Standard errors of the scores of B resamples, (B,), from how far each of K units moves the plain score.

    `drawn` (B, K) says how often each unit is in each resample. To the first order; a jackknife of every resample would
    cost K times as much.
    """
    pull = (len(leave_one_out) - 1) * (leave_one_out.mean() - leave_one_out)
    total = drawn.sum(axis=1)
    mean = drawn @ pull / total
    return np.asarray(np.sqrt(np.maximum(drawn @ pull**2 / total - mean**2, 0.0) / (total - 1)))


def ends(
    method: Method, estimate: float, replicates: Array, leave_one_out: Array | None, drawn: Array, *, level: float
) -> Ends:
    """The interval by one of the methods; only the percentile one does without scores with each unit left out."""
    if method == "percentile" or leave_one_out is None:
        return percentile(replicates, level=level)
    if not np.isfinite(leave_one_out).all():
        return NONE
    if method == "bca":
        return bca(estimate, replicates, leave_one_out, level=level)
    units = len(leave_one_out)
    error = float(leave_one_out.std() * np.sqrt(units - 1.0))
    return studentised(estimate, error, replicates, errors_of(leave_one_out, drawn), level=level)
