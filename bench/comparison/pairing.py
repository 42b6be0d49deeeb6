"""The differences of every pair of runs, with intervals, corrected p-values, and wins by image.

The runs have been aligned and scored before; see `comparison/__init__.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench.comparison import contrasts
from bench.comparison.comparability import Aligned
from bench.comparison.contrasts import MetricQuery
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
    """The number of images in which the first run scores higher, the second, or neither."""

    first: int
    second: int
    equal: int


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs by position: the difference first minus second, overall and for every class."""

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
        """The contribution of each class to the difference of two means over classes.

        Empty if the difference is not the mean of the class differences: if only one run has a
        score for some class, or the score is not a mean over classes.
        """
        differences = {
            label: effect.difference
            for label, effect in self.classes.items()
            if math.isfinite(effect.difference)
        }
        shares = {label: value / len(differences) for label, value in differences.items()}
        adds_up = math.isclose(sum(shares.values()), self.effect.difference, abs_tol=1e-9)
        return shares if adds_up else {}


@dataclass(frozen=True, eq=False)
class PairInputs:
    """The inputs for the effects of all pairs: M aligned runs, their scores, and the settings."""

    query: MetricQuery
    aligned: Aligned
    plain: Array
    spread: Spread
    permutations: permutation.Permutations
    alpha: float
    correction: Correction
    by_class: bool


def pairs_of(inputs: PairInputs, compared: Sequence[Run]) -> list[Pair]:
    """The effects of every pair, with p-values corrected for all pairs.

    Overall p-values are corrected over the pairs; p-values of classes are corrected over the
    classes of their pair.
    """
    pairs, observed, p_values, null = [], [], [], []
    positions = list(combinations(range(len(compared)), 2))
    all_permuted = spread(lambda pair: _permuted(inputs, *pair), positions)
    for (i, j), permuted in zip(positions, all_permuted, strict=True):
        differences = inputs.plain[i] - inputs.plain[j]
        p = permutation.p_values(differences, permuted, exact=inputs.permutations.exact)
        of_classes = _corrected(inputs, differences[1:], p[1:], permuted[:, 1:])
        corrected = np.concatenate([p[:1], of_classes])
        effects = [
            _effect(inputs, (i, j), (p, corrected), column) for column in range(len(differences))
        ]
        classes: dict[str, Effect] = {}
        if len(effects) > 1:
            classes = dict(zip(inputs.query.classes.names, effects[1:], strict=True))
        wins = _wins(inputs, (compared[i], compared[j]), (i, j))
        pairs.append(Pair(i, j, effects[0], classes, wins))
        observed.append(differences[0])
        p_values.append(p[0])
        null.append(permuted[:, 0])
    corrected = _corrected(inputs, np.array(observed), np.array(p_values), np.stack(null, axis=1))
    return [
        Pair(pair.first, pair.second, pair.effect.with_corrected(p), pair.classes, pair.wins)
        for pair, p in zip(pairs, corrected, strict=True)
    ]


def _permuted(inputs: PairInputs, i: int, j: int) -> Array:
    """The differences under every permutation; NaN if there is a single cluster."""
    if inputs.permutations.exchanged.shape[1] < 2:
        return np.full((1, inputs.plain.shape[1]), np.nan)
    aligned = inputs.aligned
    return contrasts.permuted(
        inputs.query,
        (aligned.tables[i], aligned.tables[j]),
        inputs.permutations,
        aligned.clusters,
        by_class=inputs.by_class,
    )


def _corrected(inputs: PairInputs, observed: Array, p: Array, permuted: Array) -> Array:
    """Correct M p-values, given the observed differences (M,) and those of permutations (R, M)."""
    if inputs.correction == "maxt" and len(observed):
        # Max-T compares differences on one scale, in units of their standard deviation.
        scale = np.ones(len(observed))
        if np.isfinite(permuted).any():
            scale = np.nanstd(permuted, axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        exact = inputs.permutations.exact
        return permutation.max_t(observed / scale, permuted / scale, exact=exact)
    if inputs.correction == "bh":
        return corrections.benjamini_hochberg(p)
    return corrections.holm(p)


def _effect(
    inputs: PairInputs, pair: tuple[int, int], p_values: tuple[Array, Array], column: int
) -> Effect:
    """The effect on one score of a pair; `p_values` are those before and after correction."""
    first, second = (float(inputs.plain[position, column]) for position in pair)
    difference = first - second
    interval = interval_of(inputs.spread, difference, *pair, column=column, alpha=inputs.alpha)
    smallest = None
    if interval is not None:
        error, freedom = interval.standard_error, interval.degrees_of_freedom
        smallest = detectable(error, freedom, alpha=inputs.alpha)
    p, corrected = (float(values[column]) for values in p_values)
    return Effect(first, second, difference, interval, p, corrected, smallest)


def matrix(pairs: Sequence[Pair], models: int, alpha: float) -> Array:
    """Which pairs differ significantly after correction, (M, M) bool."""
    differs = np.zeros((models, models), dtype=bool)
    for pair in pairs:
        significant = pair.effect.differs(alpha)
        differs[pair.first, pair.second] = differs[pair.second, pair.first] = significant
    return differs


def _wins(inputs: PairInputs, pair: tuple[Run, Run], positions: tuple[int, int]) -> Wins | None:
    """Count the images in which each run scores higher; None without scores of single images."""
    first, second = (
        _image_scores(inputs, run, position) for run, position in zip(pair, positions, strict=True)
    )
    if first is None or second is None:
        return None
    defined = np.isfinite(first) & np.isfinite(second)
    gaps = (first - second)[defined]
    higher = int((gaps > permutation.SAME).sum())
    lower = int((-gaps > permutation.SAME).sum())
    return Wins(higher, lower, len(gaps) - higher - lower)


def _image_scores(inputs: PairInputs, run: Run, position: int) -> Array | None:
    """The scores of single images of a run, (N,); None if the family has none."""
    query, tables, classes = inputs.query, inputs.aligned.tables[position], run.record.classes
    images, options = len(tables["images"]["id"]), query.family.options(rules_of(run))
    scores = query.family.per_image(tables, images, classes, options)
    if scores is None:
        return None
    overall, per_class = scores
    if query.label is None:
        return overall.get(query.name)
    if query.name not in per_class:
        return None
    return np.asarray(per_class[query.name][:, query.classes.names.index(query.label)])
