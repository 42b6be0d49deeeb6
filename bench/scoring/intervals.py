"""The interval of every score of a family: how its scores move without, or in resamples of, the clusters of images.

Which scores there are, and what they mean, it does not know; `scoring.py` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench import resample
from bench.classes import Classes
from bench.families import Family, Rules, Scores
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
        made = getattr(self.without, "parts", {}).get(name)
        return None if made is None or self.without is None else Members(self.without.per_class[made[0]], made[1])


def moves_of(each: Family, tables: Tables, clusters: Array, classes: Classes, rules: Rules, *, seed: int) -> Moves:
    """Score a family as the interval of the rules asks; scores made of steps are always resampled."""
    sizes = np.bincount(clusters)
    if rules.interval == "none":
        return Moves(rules.interval, sizes)
    without = each.leave_out(tables, clusters, classes, rules)
    if without is not None and rules.interval == "default":
        return Moves(rules.interval, sizes, without)
    rows = RESAMPLES if rules.interval == "default" else bootstrap.RESAMPLES
    weights = resample.bootstrap_weights(clusters, rows, np.random.default_rng(seed))
    step = max(1, BYTES // (8 * max(len(clusters), 1)))
    blocks = [each.score(tables, weights[n : n + step], classes, rules) for n in range(0, rows, step)]
    drawn = weights[:, np.unique(clusters, return_index=True)[1]]
    return Moves(rules.interval, sizes, without, blocks[0] if len(blocks) == 1 else _joined(blocks), drawn)


@dataclass(frozen=True, eq=False)
class _Joined:
    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    per_category: Mapping[str, Array]


def _joined(blocks: list[Scores]) -> Scores:
    def join(kind: str) -> dict[str, Array]:
        names = getattr(blocks[0], kind, {})
        return {name: np.concatenate([getattr(block, kind)[name] for block in blocks]) for name in names}

    return _Joined(join("overall"), join("per_class"), join("per_category"))
