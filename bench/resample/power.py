"""Power: which difference a test set of this size can show, and how large it would have to be for a smaller one.

This module knows numbers and nothing of segmentation, files or tables.
"""

from __future__ import annotations

import math

from bench.resample import student_quantile

POWER = 0.8


def detectable(error: float, freedom: float, *, alpha: float = 0.05, power: float = POWER) -> float:
    """The smallest true difference that a two-sided test at `alpha` finds with probability `power`.

    `error` is the standard error of the paired difference and `freedom` its degrees of freedom.

    >>> round(detectable(1.0, 1e9), 3)
    2.802
    """
    return (student_quantile(1 - alpha / 2, freedom) + student_quantile(power, freedom)) * error


def units_needed(units: int, error: float, freedom: float, *, effect: float, alpha: float = 0.05) -> float:
    """How many units like these make `effect` the smallest detectable difference; infinite for no effect.

    >>> units_needed(100, 1.0, 1e9, effect=2.802 / 2)
    400.0
    """
    if effect == 0:
        return math.inf
    ratio = detectable(error, freedom, alpha=alpha) / abs(effect)
    return float(math.ceil(units * ratio**2 - 0.5)) if math.isfinite(ratio) else math.inf
