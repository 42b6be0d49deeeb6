"""Permutation tests of pairs: units that exchange their two measurements, and p-values.

A unit is an image or a cluster, measured once for each of two runs. Under the null hypothesis the
two runs are alike, so each unit could as well have been measured the other way round:

    unit             0     1     2
    observed         A B   A B   A B
    a permutation    A B   B A   A B      unit 1 exchanges its measurements

The p-value is the fraction of permutations whose difference is at least as large as the observed
one. This module knows numbers and nothing of segmentation, files or tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.resample import Array

EXACT = 13
"""Up to this many units, all permutations are listed: 2^12, see `permutations`."""
SAME = 1e-12
"""Differences closer than this are equal: the order of float sums must not decide a test."""


@dataclass(frozen=True, eq=False)
class Permutations:
    """The units that exchange their measurements in each of R permutations.

    `exchanged` is (R, K) bool; `exact` says that these are all permutations there are.
    """

    exchanged: Array
    exact: bool


def permutations(units: int, count: int, generator: np.random.Generator) -> Permutations:
    """Draw R = `count` permutations of K = `units`, or list all of them if K is at most `EXACT`.

    Listed permutations never exchange unit 0. The others are their mirror images, with the sign of
    the difference turned, which a two-sided test counts alike.

    >>> permutations(2, 1000, np.random.default_rng(1)).exchanged.tolist()
    [[False, False], [False, True]]
    """
    if 0 < units <= EXACT:
        # The binary digits of 0 .. 2^(K-1) - 1 are all ways to exchange the units 1 .. K-1.
        numbers = np.arange(2 ** (units - 1))
        return Permutations((numbers[:, None] >> np.arange(units - 1, -1, -1)) & 1 > 0, exact=True)
    # One random bit for each unit and permutation; whole bytes are drawn for each row.
    row_bytes = -(-units // 8)
    random = np.frombuffer(generator.bytes(count * row_bytes), dtype=np.uint8).reshape(count, -1)
    return Permutations(np.unpackbits(random, axis=1, count=units).astype(bool), exact=False)


def p_values(observed: Array, permuted: Array, *, exact: bool) -> Array:
    """Return two-sided p-values of observed differences (M,), given those of permutations (R, M).

    k permutations have a difference at least as large as the observed one. If all permutations are
    listed (`exact`), p = k / R; the observed arrangement is one of them. If they are drawn, p = (1
    + k) / (1 + R), which is never 0 and keeps the level of the test for every R. A permutation
    whose difference is undefined counts as larger. NaN if a difference is NaN in all permutations,
    or observed as NaN: then nothing was tested.

    >>> p_values(np.array([2.0]), np.array([[2.0], [0.0], [1.0], [-2.0]]), exact=True).tolist()
    [0.5]
    """
    observed = np.asarray(observed, dtype=np.float64)
    # NaN compares as False, so that an undefined difference is "not smaller".
    smaller = np.abs(permuted) < np.abs(observed) - SAME
    p = _fraction((~smaller).sum(axis=0), len(permuted), exact=exact)
    return np.where(_untested(observed, permuted), np.nan, p)


def max_t(observed: Array, permuted: Array, *, exact: bool) -> Array:
    """Return p-values of M differences that hold for all of them at once, (M,).

    This is the step-down maximum procedure of Westfall and Young 1993. The largest difference is
    compared with the maximum over all M of each permutation, the second largest with the maximum
    over the M - 1 others, and so on; a p-value is never smaller than that of a larger difference.
    Dependent differences have a smaller maximum than independent ones, so this finds more than
    Holm.

    Differences should be in one unit, such as their standard errors.

    >>> permuted = np.array([[3.0, 1.0], [0.0, 0.0], [-1.0, 2.0], [1.0, 0.0]])
    >>> max_t(np.array([3.0, 1.0]), permuted, exact=True).tolist()
    [0.25, 0.5]
    """
    observed = np.asarray(observed, dtype=np.float64)
    corrected = np.full(len(observed), np.nan)
    tested = np.flatnonzero(~_untested(observed, permuted))
    order = tested[np.argsort(-np.abs(observed[tested]), kind="stable")]
    sizes = np.where(np.isnan(permuted), np.inf, np.abs(permuted))
    # Running maxima from the smallest difference upwards: column m holds the maximum over the
    # differences that are not larger than the m-th.
    largest = np.maximum.accumulate(sizes[:, order[::-1]], axis=1)[:, ::-1]
    reached = (largest >= np.abs(observed[order]) - SAME).sum(axis=0)
    corrected[order] = np.maximum.accumulate(_fraction(reached, len(permuted), exact=exact))
    return corrected


def _untested(observed: Array, permuted: Array) -> Array:
    return np.asarray(np.isnan(observed) | np.isnan(permuted).all(axis=0))


def _fraction(reached: Array, count: int, *, exact: bool) -> Array:
    if exact:
        return np.asarray(reached / max(count, 1))
    return np.asarray((1 + reached) / (1 + count))
