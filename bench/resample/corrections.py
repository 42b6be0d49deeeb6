"""Corrections of p-values for several tests at once.

These need the p-values alone; `permutation.max_t` also needs the permutations. Each function
returns corrected p-values, to be compared with the significance level.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from bench.resample import Array

Correction = Literal["holm", "bh", "maxt"]


def holm(p: Array) -> Array:
    """Correct p-values (M,) for the family-wise error rate (Holm 1979); NaN stays NaN.

    The probability of any false positive is at most the significance level.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    corrected, order = _sorted(p)
    # The smallest p-value is multiplied by M, the next by M - 1, and so on.
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(np.asarray(p)[order] * factors), 1.0)
    return corrected


def benjamini_hochberg(p: Array) -> Array:
    """Correct p-values (M,) for the false discovery rate; NaN stays NaN.

    The expected fraction of false positives among all positives is at most the significance level,
    for tests that are independent or positively dependent (Benjamini and Hochberg 1995).

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.04, 0.04]
    """
    corrected, order = _sorted(p)
    # The k-th smallest p-value is multiplied by M / k. The running minimum from the largest p-value
    # downwards keeps the order of the p-values.
    factors = len(order) / np.arange(1, len(order) + 1)
    scaled = np.asarray(p)[order] * factors
    corrected[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return corrected


def _sorted(p: Array) -> tuple[Array, Array]:
    """Return NaNs to fill, and the positions of the p-values that are not NaN, rising."""
    p = np.asarray(p, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(p))
    return np.full(len(p), np.nan), tested[np.argsort(p[tested], kind="stable")]
