"""Corrections for many tests at once, from their p-values alone.

`permutation.max_t` needs the swaps and is told there. Each returns corrected p-values: compare them with alpha.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from bench.resample import Array

Correction = Literal["holm", "bh", "maxt"]


def holm(p: Array) -> Array:
    """Correct p-values (M,) so that the chance of any false finding is at most alpha (Holm 1979); NaN stays NaN.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    found, order = _sorted(p)
    factors = np.arange(len(order), 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(np.asarray(p)[order] * factors), 1.0)
    return found


def benjamini_hochberg(p: Array) -> Array:
    """Correct p-values (M,) so that of all findings a share of at most alpha is false; NaN stays NaN.

    It holds for independent tests and those that move together (Benjamini and Hochberg 1995).

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.04, 0.04]
    """
    found, order = _sorted(p)
    factors = len(order) / np.arange(1, len(order) + 1)
    found[order] = np.minimum(np.minimum.accumulate((np.asarray(p)[order] * factors)[::-1])[::-1], 1.0)
    return found


def _sorted(p: Array) -> tuple[Array, Array]:
    p = np.asarray(p, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(p))
    return np.full(len(p), np.nan), known[np.argsort(p[known], kind="stable")]
