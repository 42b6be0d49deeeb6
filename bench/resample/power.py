"""Power: the minimum detectable difference of a test set, and the size needed for a smaller one.

This module knows numbers and nothing of segmentation, files or tables.
"""

from __future__ import annotations

import math

from bench.resample import student_quantile

POWER = 0.8


def detectable(error: float, freedom: float, *, alpha: float = 0.05, power: float = POWER) -> float:
    """Return the minimum detectable difference of a two-sided test at significance level `alpha`.

    That is the true difference that the test finds with probability `power`. `error` is the
    standard error of the paired difference and `freedom` its degrees of freedom:

        (t at 1 - alpha / 2  +  t at power) x error

    The first term is how far the observed difference must be from 0 to be significant; the second
    places the true difference so far beyond that the observed one falls short in 1 - power of all
    samples only.

    >>> round(detectable(1.0, 1e9), 3)
    2.802
    """
    return (student_quantile(1 - alpha / 2, freedom) + student_quantile(power, freedom)) * error


def units_needed(
    units: int, error: float, freedom: float, *, effect: float, alpha: float = 0.05
) -> float:
    """Return how many such units make `effect` the minimum detectable difference.

    `units` is the number behind `error`; the standard error falls with its square root. Infinite
    for an effect of 0.

    >>> units_needed(100, 1.0, 1e9, effect=2.802 / 2)
    400.0
    """
    if effect == 0:
        return math.inf
    # Half as large an effect needs four times as many units.
    ratio = detectable(error, freedom, alpha=alpha) / abs(effect)
    return float(math.ceil(units * ratio**2 - 0.5)) if math.isfinite(ratio) else math.inf
