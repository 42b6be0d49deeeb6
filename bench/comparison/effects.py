"""Intervals of scores and differences, from scores without each cluster or in resamples.

All runs are scored with the same clusters left out, and in the same resamples, so that differences
are paired. `contrasts.py` computes the scores, `pairing.py` the tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench import resample
from bench.comparison import contrasts
from bench.comparison.comparability import Aligned
from bench.comparison.contrasts import MetricQuery
from bench.errors import UsageError
from bench.resample import Interval, Members, bootstrap
from bench.samples import Array

Method = Literal["default", "percentile", "bca", "studentised"]
ERROR_RESAMPLES = 300
"""Resamples for a standard error; intervals from percentiles need more."""


@dataclass(frozen=True)
class Effect:
    """The scores of two runs, their difference with its interval, and its p-values.

    `detectable` is the minimum detectable difference at 80 % power, or None if unknown.
    """

    first: float
    second: float
    difference: float
    interval: Interval | None
    p_value: float
    corrected: float
    detectable: float | None

    def differs(self, alpha: float) -> bool:
        """Whether the corrected p-value is significant at `alpha`."""
        return bool(self.corrected <= alpha)

    def with_corrected(self, value: float) -> Effect:
        """The same effect with another corrected p-value."""
        return replace(self, corrected=float(value))


@dataclass(frozen=True, eq=False)
class Spread:
    """The scores of M runs from which intervals are made; column 0 is the overall score.

    `without` (M, K, S) are S scores without each of K clusters; None if leaving out a cluster is no
    valid jackknife (AP). `resampled` (M, B, S) are the scores in B resamples, where they are
    needed; `drawn` (B, K) is how often a resample has each cluster. `members` are the classes
    behind an overall score that is a mean over classes; `sizes` (K,) are images per cluster.
    """

    without: Array | None
    resampled: Array | None
    sizes: Array
    method: Method
    members: tuple[Members | None, ...] = ()
    drawn: Array | None = None


def spread_of(
    query: MetricQuery, aligned: Aligned, *, seed: int, by_class: bool, method: Method
) -> Spread:
    """Score all runs without each cluster and, where needed or requested, in resamples.

    Raises:
        UsageError: BCa or studentised intervals for a score without a valid jackknife.
    """
    clusters = aligned.clusters
    left_out = [
        contrasts.leave_one_out(query, tables, clusters, by_class=by_class)
        for tables in aligned.tables
    ]
    valid = [one_run for one_run in left_out if one_run is not None]
    without = (
        np.stack([one_run.scores for one_run in valid]) if len(valid) == len(left_out) else None
    )
    if without is None and method in ("bca", "studentised"):
        raise UsageError(
            f"{method} intervals need the jackknife, which fails for {query.metric}: use percentile"
        )
    resampled, drawn = None, None
    if without is None or method != "default":
        count = ERROR_RESAMPLES if method == "default" else bootstrap.RESAMPLES
        weights = resample.bootstrap_weights(clusters, count, np.random.default_rng(seed))
        resampled = np.stack(
            [
                contrasts.weighted(query, tables, weights, by_class=by_class)
                for tables in aligned.tables
            ]
        )
        # The images of a cluster share one weight: how often the cluster is drawn.
        drawn = weights[:, np.unique(clusters, return_index=True)[1]]
    members = tuple(one_run.members for one_run in valid)
    return Spread(without, resampled, np.bincount(clusters), method, members, drawn)


def interval_of(
    spread: Spread,
    estimate: float,
    first: int,
    second: int | None = None,
    *,
    column: int,
    alpha: float,
) -> Interval | None:
    """The interval of the score of a run or, with `second`, of the difference of two runs.

    None if there are too few clusters, or the score is undefined without too many of them.
    """
    level = 1 - alpha

    def contrast(scores: Array) -> Array:
        """The score, or the difference, for each left-out cluster or resample."""
        values = scores[first, :, column]
        return np.asarray(values if second is None else values - scores[second, :, column])

    interval: Interval | None = None
    if spread.without is not None:
        # Only the overall score is a mean over classes.
        members = _members(spread, first, second) if column == 0 else None
        interval = resample.jackknife_interval(
            estimate, contrast(spread.without), level=level, sizes=spread.sizes, members=members
        )
    elif spread.resampled is not None:
        interval = resample.bootstrap_interval(
            estimate, contrast(spread.resampled), level=level, sizes=spread.sizes
        )
    if interval is None or spread.method == "default":
        return interval
    if spread.resampled is None or spread.drawn is None:
        return interval
    replicates = contrast(spread.resampled)
    left_out = None if spread.without is None else contrast(spread.without)
    low, high = bootstrap.ends(
        spread.method, estimate, replicates, left_out, spread.drawn, level=level
    )
    if math.isnan(low):
        return None
    method = f"{bootstrap.NAMES[spread.method]} of {len(replicates)} resamples"
    return replace(interval, low=low, high=high, method=method)


def _members(spread: Spread, first: int, second: int | None) -> Members | None:
    """The classes behind the score of a run, or behind the difference of two."""
    if not spread.members:
        return None
    # A difference of two means over the same classes is the mean of the class differences.
    members = spread.members[first]
    other = None if second is None else spread.members[second]
    return members - other if members is not None and other is not None else members
