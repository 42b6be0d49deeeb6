"""The intervals of all scores of a family, from scores without each cluster or in resamples.

It does not know which scores there are or what they mean; `scoring/__init__.py` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench import resample
from bench.classes import Classes
from bench.families import Family
from bench.families.contract.family import Scores
from bench.families.contract.rules import Rules
from bench.resample import Interval, Members, bootstrap
from bench.runs import Tables
from bench.samples import Array

LEVEL = 0.95
RESAMPLES = 300
"""Resamples for a standard error: the half width of the interval then varies by about 4 %."""
BYTES = 1 << 25
"""Memory for the weights of one block of resamples."""


@dataclass(frozen=True, eq=False)
class Replicates:
    """The scores of a family from which its intervals are made.

    `without` are the scores without each of K clusters, None where leaving out a cluster is no
    valid jackknife (AP). `resampled` are the scores of B resamples, if they are needed, and `drawn`
    (B, K) is how often each resample has each cluster. `sizes` (K,) are images per cluster.
    `method` is the rule `interval`.
    """

    method: str
    sizes: Array
    without: Scores | None = None
    resampled: Scores | None = None
    drawn: Array | None = None

    def interval(
        self, value: float, pick: Callable[[Scores], Array], members: Members | None = None
    ) -> Interval | None:
        """The interval of one score; `pick` returns its K or B values from all scores.

        `members` are the classes behind a mean over classes.
        """
        interval: Interval | None = None
        if self.without is not None:
            interval = resample.jackknife_interval(
                value, pick(self.without), level=LEVEL, sizes=self.sizes, members=members
            )
        elif self.resampled is not None:
            interval = resample.bootstrap_interval(
                value, pick(self.resampled), level=LEVEL, sizes=self.sizes
            )
        if interval is None or self.method not in bootstrap.NAMES:
            return interval
        if self.resampled is None or self.drawn is None:
            return interval
        method: bootstrap.Method = self.method
        left_out = None if self.without is None else pick(self.without)
        low, high = bootstrap.ends(
            method, value, pick(self.resampled), left_out, self.drawn, level=LEVEL
        )
        if math.isnan(low):
            return None
        # Without a jackknife, BCa and studentised intervals are replaced by percentiles.
        name = bootstrap.NAMES[method if self.without is not None else "percentile"]
        return replace(
            interval, low=low, high=high, method=f"{name} of {len(self.drawn)} resamples"
        )

    def members(self, name: str) -> Members | None:
        """The classes behind the mean of this name, if the family says which clusters have them."""
        if self.without is None or name not in self.without.parts:
            return None
        score, carriers = self.without.parts[name]
        return Members(self.without.per_class[score], carriers)


def replicates_of(
    family: Family[Any],
    tables: Tables,
    clusters: Array,
    classes: Classes,
    rules: Rules,
    *,
    seed: int,
) -> Replicates:
    """Score a family without each cluster or in resamples, as the rule `interval` requires."""
    sizes = np.bincount(clusters)
    if rules.interval == "none":
        return Replicates(rules.interval, sizes)
    options = family.options(rules)
    without = family.leave_out(tables, clusters, classes, options)
    if without is not None and rules.interval == "default":
        return Replicates(rules.interval, sizes, without)
    count = RESAMPLES if rules.interval == "default" else bootstrap.RESAMPLES
    weights = resample.bootstrap_weights(clusters, count, np.random.default_rng(seed))
    step = max(1, BYTES // (8 * max(len(clusters), 1)))
    blocks = [
        family.score(tables, weights[start : start + step], classes, options)
        for start in range(0, count, step)
    ]
    resampled = blocks[0] if len(blocks) == 1 else _joined(blocks)
    # The images of a cluster share one weight: how often the cluster is drawn.
    drawn = weights[:, np.unique(clusters, return_index=True)[1]]
    return Replicates(rules.interval, sizes, without, resampled, drawn)


def _joined(blocks: list[Scores]) -> Scores:
    """Join the scores of blocks of resamples."""

    def join(per_block: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        return {
            name: np.concatenate([block_scores[name] for block_scores in per_block])
            for name in per_block[0]
        }

    return Scores(
        join([block.overall for block in blocks]),
        join([block.per_class for block in blocks]),
        join([block.per_category for block in blocks]),
        blocks[0].categories,
    )
