"""How far scores and their differences may be from the truth: one interval each, from what moves all runs together.

It holds the scores of all runs with each cluster left out, or in the same resamples; what was asked is told in
`contrasts.py`, the tests in `comparison/__init__.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench import resample
from bench.comparison import contrasts
from bench.comparison.comparability import Aligned
from bench.comparison.contrasts import Question
from bench.errors import UsageError
from bench.resample import Interval, Members, bootstrap
from bench.samples import Array

Method = Literal["default", "percentile", "bca", "studentised"]
STEP_RESAMPLES = 300
"""Resamples behind a standard error."""


@dataclass(frozen=True)
class Effect:
    """What two runs score, the difference with its interval, p-values, and the smallest detectable difference."""

    first: float
    second: float
    difference: float
    interval: Interval | None
    p_value: float
    corrected: float
    detectable: float | None

    def differs(self, alpha: float) -> bool:
        """Whether the difference is more than chance, at `alpha`, after correction."""
        return bool(self.corrected <= alpha)

    def with_corrected(self, value: float) -> Effect:
        """The same with another corrected p-value."""
        return replace(self, corrected=float(value))


@dataclass(frozen=True, eq=False)
class Spread:
    """Scores of M runs, whose first column is the overall one: what intervals are made of.

    `without` (M, K, S) leaves out each cluster, `steps` (M, B, S) are resamples; the latter alone where leaving out one
    cluster fails. `members` are the classes of the overall score, if it is a mean over such; `sizes` (K,) are images
    per cluster, and `drawn` (B, K) says how often a resample has each.
    """

    without: Array | None
    steps: Array | None
    sizes: Array
    method: Method
    members: tuple[Members | None, ...] = ()
    drawn: Array | None = None


def spread_of(asked: Question, aligned: Aligned, *, seed: int, by_class: bool, method: Method) -> Spread:
    """Score all runs with each cluster left out, or where that fails, and on request, in resamples.

    Raises:
        UsageError: BCa or studentised for a score made of steps.
    """
    clusters = aligned.clusters
    parts = [contrasts.without_each(asked, tables, clusters, by_class=by_class) for tables in aligned.tables]
    known = [part for part in parts if part is not None]
    without = np.stack([part.scores for part in known]) if len(known) == len(parts) else None
    if without is None and method in ("bca", "studentised"):
        raise UsageError(f"{asked.metric} is made of steps, which leaving out one image hardly moves: take percentile")
    steps, drawn = None, None
    if without is None or method != "default":
        rows = STEP_RESAMPLES if method == "default" else bootstrap.RESAMPLES
        weights = resample.bootstrap_weights(clusters, rows, np.random.default_rng(seed))
        steps = np.stack([contrasts.weighted(asked, t, weights, by_class=by_class) for t in aligned.tables])
        drawn = weights[:, np.unique(clusters, return_index=True)[1]]
    return Spread(without, steps, np.bincount(clusters), method, tuple(part.members for part in known), drawn)


def interval_of(
    spread: Spread, estimate: float, first: int, second: int | None = None, *, column: int, alpha: float
) -> Interval | None:
    """The interval of a run's score, or of the difference of two."""
    level = 1 - alpha

    def moved(rows: Array) -> Array:
        return np.asarray(rows[first, :, column] - (0 if second is None else rows[second, :, column]))

    if spread.without is not None:
        members = _members(spread, first, second) if column == 0 else None
        moves = moved(spread.without)
        found = resample.jackknife_interval(estimate, moves, level=level, sizes=spread.sizes, members=members)
    elif spread.steps is not None:
        found = resample.bootstrap_interval(estimate, moved(spread.steps), level=level, sizes=spread.sizes)
    if found is None or spread.method == "default" or spread.steps is None or spread.drawn is None:
        return found
    replicates = moved(spread.steps)
    left_out = None if spread.without is None else moved(spread.without)
    low, high = bootstrap.ends(spread.method, estimate, replicates, left_out, spread.drawn, level=level)
    if math.isnan(low):
        return None
    name = bootstrap.NAMES[spread.method]
    return replace(found, low=low, high=high, method=f"{name} of {len(replicates)} resamples")


def _members(spread: Spread, first: int, second: int | None) -> Members | None:
    """The classes behind the score of a run, or behind the difference of two."""
    if not spread.members:
        return None
    one, other = spread.members[first], None if second is None else spread.members[second]
    return one - other if one is not None and other is not None else one
