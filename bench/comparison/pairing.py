"""Every pair of several runs: its difference with interval, p-values corrected for all pairs, and wins by image.

What the runs are, and whether they may be compared, is settled before; see `comparison/__init__.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench.comparison import contrasts
from bench.comparison.comparability import Aligned
from bench.comparison.contrasts import Question
from bench.comparison.effects import Effect, Spread, interval_of
from bench.kernels.threads import spread
from bench.resample import corrections, permutation
from bench.resample.corrections import Correction
from bench.resample.power import detectable
from bench.runs import Run
from bench.samples import Array
from bench.scoring import rules_of


@dataclass(frozen=True)
class Wins:
    """In how many images the first run scores higher, the second, or neither."""

    first: int
    second: int
    equal: int


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs, by their positions: the difference first minus second, overall and for every class."""

    first: int
    second: int
    effect: Effect
    classes: dict[str, Effect]
    wins: Wins | None

    def __repr__(self) -> str:
        """The positions of the runs, and their difference as it is stored."""
        difference, p = self.effect.difference, self.effect.corrected
        return f"<Pair {self.first} - {self.second}: {difference:+.4f}, p {p:.3g}>"

    @property
    def shares(self) -> dict[str, float]:
        """What each class adds to the difference; none where that is not the mean of differences of these classes.

        So it is not where a class has a score in one run only, or where a score is no mean over classes.
        """
        each = {label: found.difference for label, found in self.classes.items() if math.isfinite(found.difference)}
        shares = {label: difference / len(each) for label, difference in each.items()}
        return shares if math.isclose(sum(shares.values()), self.effect.difference, abs_tol=1e-9) else {}


@dataclass(frozen=True, eq=False)
class Asks:
    """All that the effects of a pair follow from."""

    question: Question
    aligned: Aligned
    plain: Array
    spread: Spread
    swaps: permutation.Permutations
    alpha: float
    correction: Correction
    by_class: bool


def pairs_of(asks: Asks, compared: Sequence[Run]) -> list[Pair]:
    """The effects of every pair, first each by itself, then the overall ones corrected for all pairs."""
    found, leading, swapped_leading = [], [], []
    places = list(combinations(range(len(compared)), 2))
    all_swapped = spread(lambda pair: _swapped(asks, *pair), places)
    for (i, j), swapped in zip(places, all_swapped, strict=True):
        observed = asks.plain[i] - asks.plain[j]
        p = permutation.p_values(observed, swapped, exact=asks.swaps.exact)
        classes = np.arange(1, len(observed))
        corrected = np.concatenate([p[:1], _correct(asks, observed[classes], p[classes], swapped[:, classes])])
        effects = [_effect(asks, (i, j), (p, corrected), column) for column in range(len(observed))]
        named = dict(zip(asks.question.classes.names, effects[1:], strict=True)) if len(effects) > 1 else {}
        found.append(Pair(i, j, effects[0], named, _wins(asks, compared[i], compared[j], i, j)))
        leading.append((observed[0], p[0]))
        swapped_leading.append(swapped[:, 0])
    observed, p = np.array(leading).T
    corrected = _correct(asks, observed, p, np.stack(swapped_leading, axis=1))
    return [
        Pair(pair.first, pair.second, pair.effect.with_corrected(value), pair.classes, pair.wins)
        for pair, value in zip(found, corrected, strict=True)
    ]


def _swapped(asks: Asks, i: int, j: int) -> Array:
    """The differences under every swap; undefined where a single cluster leaves nothing to swap."""
    if asks.swaps.exchanged.shape[1] < 2:
        return np.full((1, asks.plain.shape[1]), np.nan)
    pair = asks.aligned.tables[i], asks.aligned.tables[j]
    return contrasts.swapped(asks.question, pair, asks.swaps, asks.aligned.clusters, by_class=asks.by_class)


def _correct(asks: Asks, observed: Array, p: Array, swapped: Array) -> Array:
    if asks.correction == "maxt" and len(observed):
        scale = np.nanstd(swapped, axis=0) if np.isfinite(swapped).any() else np.ones(len(observed))
        scale = np.where(scale > 0, scale, 1.0)
        return permutation.max_t(observed / scale, swapped / scale, exact=asks.swaps.exact)
    return corrections.benjamini_hochberg(p) if asks.correction == "bh" else corrections.holm(p)


def _effect(asks: Asks, pair: tuple[int, int], tested: tuple[Array, Array], column: int) -> Effect:
    """The effect of one score of a pair; `tested` are its p-values before and after correction."""
    first, second = (float(asks.plain[place, column]) for place in pair)
    interval = interval_of(asks.spread, first - second, *pair, column=column, alpha=asks.alpha)
    found = None
    if interval is not None:
        found = detectable(interval.standard_error, interval.degrees_of_freedom, alpha=asks.alpha)
    p, corrected = (float(values[column]) for values in tested)
    return Effect(first, second, first - second, interval, p, corrected, found)


def matrix(pairs: Sequence[Pair], models: int, alpha: float) -> Array:
    """Which pairs differ after correction, (M, M) bool."""
    differs = np.zeros((models, models), dtype=bool)
    for pair in pairs:
        differs[pair.first, pair.second] = differs[pair.second, pair.first] = pair.effect.differs(alpha)
    return differs


def _wins(asks: Asks, first: Run, second: Run, i: int, j: int) -> Wins | None:
    """Count images by who scores higher, where single images have such scores."""
    asked = asks.question
    values = []
    for run, place in ((first, i), (second, j)):
        tables = asks.aligned.tables[place]
        images, classes = len(tables["images"]["id"]), run.record.classes
        options = asked.family.options(rules_of(run))
        found = asked.family.per_image(tables, images, classes, options)
        if found is None:
            return None
        overall, per_class = found
        if asked.label is None and asked.name in overall:
            values.append(overall[asked.name])
        elif asked.label is not None and asked.name in per_class:
            values.append(per_class[asked.name][:, asked.classes.names.index(asked.label)])
        else:
            return None
    gap = (values[0] - values[1])[np.isfinite(values[0]) & np.isfinite(values[1])]
    counts = [int((sign * gap > permutation.SAME).sum()) for sign in (1, -1)]
    return Wins(counts[0], counts[1], len(gap) - sum(counts))
