"""The interval of every score of a family: how its scores move without, or in resamples of, the clusters of images.

Which scores there are, and what they mean, it does not know; `scoring.py` does.
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
"""Resamples behind a bootstrap's standard error: the half width is then known to about 4 %."""
BYTES = 1 << 25
"""Memory of the weights of one block of resamples."""


@dataclass(frozen=True, eq=False)
class Moves:
    """What the intervals of a family are made of.

    `without` leaves out each of K clusters, `resampled` are B resamples that have each cluster as often as `drawn`
    (B, K) says; either may be lacking. `sizes` (K,) are images per cluster; `method` is that of the rules.
    """

    method: str
    sizes: Array
    without: Scores | None = None
    resampled: Scores | None = None
    drawn: Array | None = None

    def interval(
        self, value: float, pick: Callable[[Scores], Array], members: Members | None = None
    ) -> Interval | None:
        """The interval of one score, `pick`ed from all of them: (K,) or (B,)."""
        if self.without is not None:
            others = pick(self.without)
            found = resample.jackknife_interval(value, others, level=LEVEL, sizes=self.sizes, members=members)
        elif self.resampled is not None:
            found = resample.bootstrap_interval(value, pick(self.resampled), level=LEVEL, sizes=self.sizes)
        else:
            return None
        if found is None or self.resampled is None or self.drawn is None or self.method not in bootstrap.NAMES:
            return found
        method: bootstrap.Method = self.method
        left_out = None if self.without is None else pick(self.without)
        ends = bootstrap.ends(method, value, pick(self.resampled), left_out, self.drawn, level=LEVEL)
        name = bootstrap.NAMES[method if self.without is not None else "percentile"]
        made = f"{name} of {len(self.drawn)} resamples"
        return None if math.isnan(ends[0]) else replace(found, low=ends[0], high=ends[1], method=made)

    def members(self, name: str) -> Members | None:
        """The classes behind the mean of this name, where the family tells how many clusters carry each."""
        if self.without is None or name not in self.without.parts:
            return None
        score, carriers = self.without.parts[name]
        return Members(self.without.per_class[score], carriers)


def moves_of(each: Family[Any], tables: Tables, clusters: Array, classes: Classes, rules: Rules, *, seed: int) -> Moves:
    """Score a family as the interval of the rules asks; scores made of steps are always resampled."""
    sizes = np.bincount(clusters)
    if rules.interval == "none":
        return Moves(rules.interval, sizes)
    options = each.options(rules)
    without = each.leave_out(tables, clusters, classes, options)
    if without is not None and rules.interval == "default":
        return Moves(rules.interval, sizes, without)
    rows = RESAMPLES if rules.interval == "default" else bootstrap.RESAMPLES
    weights = resample.bootstrap_weights(clusters, rows, np.random.default_rng(seed))
    step = max(1, BYTES // (8 * max(len(clusters), 1)))
    blocks = [each.score(tables, weights[n : n + step], classes, options) for n in range(0, rows, step)]
    drawn = weights[:, np.unique(clusters, return_index=True)[1]]
    return Moves(rules.interval, sizes, without, blocks[0] if len(blocks) == 1 else _joined(blocks), drawn)


def _joined(blocks: list[Scores]) -> Scores:
    """The scores of all resamples, of which each block holds some."""

    def join(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    return Scores(
        join([block.overall for block in blocks]),
        join([block.per_class for block in blocks]),
        join([block.per_category for block in blocks]),
        blocks[0].categories,
    )
