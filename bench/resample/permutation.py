"""Permutation tests of pairs: which units exchange their two measurements, and the p-values that follow.

A unit is an image or a cluster; under the null hypothesis it could as well have been measured the other way round. This
module knows numbers and nothing of segmentation, files or tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.resample import Array

EXACT = 13
"""Up to this many units all swaps are enumerated: 2^12 of them, as swapping every unit only turns the sign."""
SAME = 1e-12
"""Differences closer than this are the same: sums of the same floats in another order must not decide a test."""


@dataclass(frozen=True, eq=False)
class Swaps:
    """Which units are swapped in each of R rearrangements, (R, K) bool; `exact` if these are all there are."""

    rows: Array
    exact: bool


def swaps(units: int, rows: int, generator: np.random.Generator) -> Swaps:
    """Draw R = `rows` ways to swap K = `units`, or list all where these are few.

    Listed swaps leave unit 0 in place: the others only mirror them, which a two-sided test cannot tell apart.

    >>> swaps(2, 1000, np.random.default_rng(1)).rows.tolist()
    [[False, False], [False, True]]
    """
    if 0 < units <= EXACT:
        numbers = np.arange(2 ** (units - 1))
        return Swaps((numbers[:, None] >> np.arange(units - 1, -1, -1)) & 1 > 0, exact=True)
    bits = np.frombuffer(generator.bytes(rows * -(-units // 8)), dtype=np.uint8).reshape(rows, -1)
    return Swaps(np.unpackbits(bits, axis=1, count=units).astype(bool), exact=False)


def p_values(observed: Array, swapped: Array, *, exact: bool) -> Array:
    """Two-sided p-values of M observed differences (M,) among those of R swaps (R, M): (M,), NaN for NaN.

    Drawn swaps give (1 + k) / (1 + R), of which no test is too liberal however few there are; all swaps give k / R, for
    the observed arrangement is one of them. A swap whose difference is not defined counts against the observed one;
    where none is defined, nothing was tested: NaN.

    >>> p_values(np.array([2.0]), np.array([[2.0], [0.0], [1.0], [-2.0]]), exact=True).tolist()
    [0.5]
    """
    observed = np.asarray(observed, dtype=np.float64)
    smaller = np.abs(swapped) < np.abs(observed) - SAME
    p = _share((~smaller).sum(axis=0), len(swapped), exact=exact)
    return np.where(_untested(observed, swapped), np.nan, p)


def max_t(observed: Array, swapped: Array, *, exact: bool) -> Array:
    """P-values of M differences that are right for all of them at once, (M,), by stepping down through the maxima.

    Differences should be scaled to one unit, such as their standard errors. As dependent differences have a smaller
    maximum than independent ones, this finds more than Holm (Westfall and Young 1993).

    >>> swapped = np.array([[3.0, 1.0], [0.0, 0.0], [-1.0, 2.0], [1.0, 0.0]])
    >>> max_t(np.array([3.0, 1.0]), swapped, exact=True).tolist()
    [0.25, 0.5]
    """
    observed, found = np.asarray(observed, dtype=np.float64), np.full(len(observed), np.nan)
    known = np.flatnonzero(~_untested(observed, swapped))
    order = known[np.argsort(-np.abs(observed[known]), kind="stable")]
    sizes = np.where(np.isnan(swapped), np.inf, np.abs(swapped))
    largest = np.maximum.accumulate(sizes[:, order[::-1]], axis=1)[:, ::-1]
    reached = (largest >= np.abs(observed[order]) - SAME).sum(axis=0)
    found[order] = np.maximum.accumulate(_share(reached, len(swapped), exact=exact))
    return found


def _untested(observed: Array, swapped: Array) -> Array:
    return np.asarray(np.isnan(observed) | np.isnan(swapped).all(axis=0))


def _share(reached: Array, rows: int, *, exact: bool) -> Array:
    return np.asarray(reached / max(rows, 1) if exact else (1 + reached) / (1 + rows))
