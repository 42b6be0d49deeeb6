"""Average precision and recall from match tables, for any weights over images.

Each class is sorted by score once; then every row of weights walks through the same matches, so a resample costs a
pass over a table and no matching. Which images a row of weights repeats or leaves out, and why, this module must not
know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TypeAlias

import numpy as np

from bench.kernels.threads import processors, spread
from bench.metrics.protocols import Measure
from bench.metrics.ranking import Found, Listed, Ranking, precision_of
from bench.metrics.rates import MIN_CARRIERS
from bench.samples import Array

Key: TypeAlias = tuple[int, int | None]
"""A size range and a cap."""

_BYTES = 1 << 24
"""Memory of the precisions of one block of rows of one thread, if eight rows need no more."""
_LANES = 8
"""Rows of weights that the kernel takes through a table at once."""


@dataclass(frozen=True, eq=False)
class InstanceScores:
    """Scores in [0, 1] for B rows of weights, NaN where undefined; `scores["AP50"]` finds an overall score.

    `overall` maps the names of the protocol's measures to (B,), `per_class` to (B, C). `scored` (C,) says which classes
    have truth at all; `held` (C,) which of them `leave_out` holds at their plain value.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    scored: Array
    held: Array

    def __getitem__(self, name: str) -> Array:
        """Find an overall score by its name, (B,)."""
        return self.overall[name]


@dataclass(frozen=True, eq=False)
class _Held:
    """Classes that keep their plain values in all rows: `which` (A, C), `totals` (A, C), `found` by size and cap."""

    which: Array
    totals: Array
    found: Mapping[Key, Found]

    def put(self, found: Found, key: Key, classes: Array) -> None:
        """Overwrite what was found for a size and cap in `classes` (K,)."""
        which, plain = self.which[key[0], classes], self.found[key]
        points = found.precision.shape[3]  # none where only recall is wanted
        found.precision[:, which] = plain.precision[:, which, :, :points]
        found.recall[:, which], found.area[:, which] = plain.recall[:, which], plain.area[:, which]


def score(ranking: Ranking, weights: Array, subsets: Mapping[str, Array] | None = None) -> InstanceScores:
    """Score N images under B rows of weights, shape (B, N).

    A class whose truth has no weight in a row is left out of that row's means. `subsets` says which classes (C,) bool
    the subsets that the measures name are. For whole weights, scores are to the bit those of pycocotools on repeated
    images, where no scores tie inside an image.
    """
    weights = np.asarray(weights, dtype=np.float64)
    return _score(ranking, len(weights), lambda rows: weights[rows], subsets or {}, None)


def leave_out(ranking: Ranking, clusters: Array, subsets: Mapping[str, Array] | None = None) -> InstanceScores:
    """Score with each cluster left out in turn, B = K; `clusters` (N,) numbers them 0 .. K-1.

    A class whose truth fewer than 3 clusters carry has NaN for its own scores here, and is held in the means: every row
    takes its plain value. This goes by size range. Where all classes with truth are held, the means are NaN.
    """
    count = int(clusters.max(initial=-1)) + 1
    plain = np.ones((1, len(clusters)))
    truths = ranking.truths
    some = truths["objects"] > 0
    carriers = np.zeros((len(ranking.protocol.sizes), ranking.classes, count), dtype=bool)
    carriers[truths["size"][some], truths["class"][some], clusters[truths["image"][some]]] = True
    totals = ranking.totals(plain)
    found = {
        key: precision_of(listed, plain, totals[:, key[0], listed.classes], ranking.protocol)
        for key, listed in _listed(ranking, totals[0] > 0).items()
    }
    held = _Held((carriers.sum(axis=2) < MIN_CARRIERS) & (totals[0] > 0), totals[0], found)

    def rows(which: slice) -> Array:
        kept: Array = clusters[None] != np.arange(count)[which, None]
        return kept.astype(np.float64)

    return _score(ranking, count, rows, subsets or {}, held)


def _listed(ranking: Ranking, present: Array) -> dict[Key, Listed]:
    """What each size range and cap needs, of the classes `present` (A, C) in its size range: no others are scored."""
    asked: dict[Key, set[int | None]] = {}
    for measure in ranking.protocol.measures:
        asked.setdefault((measure.size, measure.cap), set()).add(measure.threshold)

    def listed(key: Key) -> Listed:
        return ranking.listed(*key, np.flatnonzero(present[key[0]]), thresholds=_places(asked[key]))

    return dict(zip(asked, spread(listed, list(asked)), strict=True))


def _places(thresholds: set[int | None]) -> list[int] | None:
    """The places of thresholds, rising; None for all of them, as soon as one measure asks for all."""
    return None if None in thresholds else sorted(place for place in thresholds if place is not None)


def _score(
    ranking: Ranking,
    count: int,
    rows_of: Callable[[slice], Array],
    subsets: Mapping[str, Array],
    held: _Held | None,
) -> InstanceScores:
    """Score `count` rows of weights, made block by block."""
    C, measures = ranking.classes, ranking.protocol.measures
    plain = ranking.totals(np.ones((1, ranking.images)))[0]
    lists = _listed(ranking, plain > 0)
    sizes = np.isin(ranking.truths["size"], [size for size, _ in lists])
    needed = replace(ranking, truths={name: column[sizes] for name, column in ranking.truths.items()})
    overall = {measure.name: np.full(count, np.nan) for measure in measures}
    per_class = {measure.name: np.full((count, C), np.nan) for measure in measures}

    def work(part: tuple[slice, Sequence[Key]]) -> None:
        rows, keys = part
        weights = rows_of(rows)
        totals = needed.totals(weights)
        if held is not None:
            totals = np.where(held.which, held.totals, totals)
        for key in keys:
            listed = lists[key]
            wanted = [measure for measure in measures if (measure.size, measure.cap) == key]
            points = any(not (measure.recall or measure.area_under_curve) for measure in wanted)
            mine = totals[:, key[0], listed.classes]
            found = precision_of(listed, weights, mine, ranking.protocol, points=points)
            if held is not None:
                held.put(found, key, listed.classes)
            for measure in wanted:
                values = _values(measure, found, listed.thresholds)
                among = (mine > 0) & subsets.get(measure.subset, np.ones(C, dtype=bool))[listed.classes]
                overall[measure.name][rows] = [_mean(v, k) for v, k in zip(values, among, strict=True)]
                per_class[measure.name][rows, listed.classes] = values.reshape(
                    *mine.shape, prod(values.shape[2:])
                ).mean(axis=2)

    widest = max((len(listed.classes) for listed in lists.values()), default=0)
    blocks = _blocks(ranking, count, widest)
    # A row alone is shared out by size and cap, of which each fills measures of its own.
    shares: list[Sequence[Key]] = [[key] for key in lists] if len(blocks) == 1 else [list(lists)]
    spread(work, [(rows, keys) for rows in blocks for keys in shares])
    if held is not None:
        for measure in measures:
            silent, present = held.which[measure.size], plain[measure.size] > 0
            per_class[measure.name][:, silent] = np.nan
            if not (present & ~silent).any():
                overall[measure.name][:] = np.nan
    return InstanceScores(
        overall, per_class, scored=plain[0] > 0, held=np.zeros(C, dtype=bool) if held is None else held.which[0]
    )


def _values(measure: Measure, found: Found, thresholds: Sequence[int]) -> Array:
    """What a measure is the mean of, (B, K, ...), of what was found at `thresholds`."""
    if measure.recall or measure.area_under_curve:
        values = found.recall if measure.recall else found.area
    else:
        values = found.precision
    return values if measure.threshold is None else values[:, :, thresholds.index(measure.threshold)]


def _mean(values: Array, among: Array) -> float:
    """Mean over the classes `among` (C,), added up in pycocotools' order: classes run fastest; NaN without any."""
    if not among.any():
        return np.nan
    return float(np.ascontiguousarray(np.moveaxis(values[among], 0, -1)).reshape(-1).mean())


def _blocks(ranking: Ranking, count: int, classes: int) -> list[slice]:
    """Cut rows into blocks of whole lanes, which bounds memory; every row's scores are its own, whatever the cut."""
    each = classes * len(ranking.protocol.thresholds) * len(ranking.protocol.recalls) * 8
    share = -(-count // processors())
    lanes = max(1, min(_BYTES // max(each, 1), share) // _LANES)
    step = lanes * _LANES
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]
