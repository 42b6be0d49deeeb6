"""Match tables sorted by class and score, and the curves of precision and recall that follow from them.

How the tables are made is told in `matching.py`, which scores are made of the curves in `average_precision.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from bench import kernels
from bench.metrics.protocols import Protocol
from bench.samples import Array, Table


@dataclass(frozen=True, eq=False)
class Listed:
    """Detections of one size range and cap, class by class and by falling score; columns as `weighted_precision` asks.

    `rows` (D,) are their rows of the ranking's table, `classes` (K,) those listed; bit n of `hits` and `misses` stands
    for the protocol's threshold at place `thresholds[n]`.
    """

    classes: Array
    thresholds: Sequence[int]
    rows: Array
    image: Array
    starts: Array
    hits: Array
    misses: Array


@dataclass(frozen=True, eq=False)
class Ranking:
    """Match tables ready to be scored: the detections lie by class and falling score, equal ones in image order."""

    detections: Table
    truths: Table
    classes: int
    protocol: Protocol

    @property
    def images(self) -> int:
        """One more than the last image that the tables mention."""
        return 1 + max(int(table["image"].max(initial=-1)) for table in (self.detections, self.truths))

    def listed(
        self,
        size: int,
        cap: int | None,
        classes: Array | None = None,
        *,
        thresholds: Sequence[int] | None = None,
        all_of_them: bool = False,
    ) -> Listed:
        """List the detections that count in a size range, at the `thresholds` of these places and of `classes` (K,).

        Both rise, and are all of them where None. `all_of_them` lists the ignored detections, too.
        """
        T, table = len(self.protocol.thresholds), self.detections
        places = range(T) if thresholds is None else thresholds
        matched, counting = table["matched"] >> np.uint64(size * T), ~(table["ignored"] >> np.uint64(size * T))
        hits, misses = _bits(matched & counting, places), _bits(~matched & counting, places)
        which = np.ones(len(hits), dtype=bool) if all_of_them else (hits | misses) != 0
        chosen = np.arange(self.classes) if classes is None else classes
        if len(chosen) < self.classes:
            which &= np.isin(np.arange(self.classes), chosen)[table["class"]]
        rows = np.flatnonzero(which if cap is None else which & (table["rank"] < cap))
        starts = np.searchsorted(table["class"][rows], np.append(chosen, self.classes).astype(np.int16))
        return Listed(chosen, places, rows, table["image"][rows], starts.astype(np.int64), hits[rows], misses[rows])

    def totals(self, weights: Array) -> Array:
        """Weighted truths to be found, (B, A, C): exact for whole weights, in the order of the images for others."""
        shape = len(self.protocol.sizes), self.classes
        keys = self.truths["size"].astype(np.int64) * self.classes + self.truths["class"]
        image, objects = self.truths["image"], self.truths["objects"]
        sums = [np.bincount(keys, row[image] * objects, minlength=shape[0] * shape[1]) for row in weights]
        return np.stack(sums).reshape(-1, *shape) if sums else np.zeros((0, *shape))


@dataclass(frozen=True, eq=False)
class Curves:
    """Precision and recall of every class for one row of weights, NaN for a class without truth.

    `precision` and `scores` (T, R, C, A, M): the highest precision at or after a recall, and the score at which it is
    reached; 0 where it is not. `recall` (T, C, A, M): what all detections reach. M are the protocol's caps, rising.
    """

    precision: Array
    recall: Array
    scores: Array
    caps: tuple[int | None, ...]


def rank(detections: Table, truths: Table, classes: int, protocol: Protocol) -> Ranking:
    """Sort match tables for scoring; C = `classes`."""
    nowhere = np.zeros(len(detections["class"]), dtype=np.int32)
    order = kernels.order_groups(nowhere, detections["class"].astype(np.int32), detections["score"])
    return Ranking({name: column[order] for name, column in detections.items()}, truths, classes, protocol)


def as_ranks(detections: Table) -> Table:
    """Replace scores by minus the number of higher ones of the same class, so that two runs can be compared.

    Equal scores keep equal ranks, and whatever changes scores without changing their order changes nothing.

    >>> table = {"class": np.int16([0, 0, 1, 0]), "score": np.array([0.2, 0.9, 0.5, 0.2])}
    >>> as_ranks(table)["score"].tolist()
    [-1.0, 0.0, 0.0, -1.0]
    """
    classes, scores = detections["class"], detections["score"]
    order = np.lexsort((-scores, classes))
    sorted_classes, sorted_scores = classes[order], scores[order]
    place = np.arange(len(order))
    new_class = np.concatenate([[True], sorted_classes[1:] != sorted_classes[:-1]])[: len(order)]
    new_score = new_class | np.concatenate([[True], sorted_scores[1:] != sorted_scores[:-1]])[: len(order)]
    higher = np.maximum.accumulate(np.where(new_score, place, 0)) - np.maximum.accumulate(np.where(new_class, place, 0))
    ranks = np.empty(len(order))
    ranks[order] = 0.0 - higher
    return {**detections, "score": ranks}


def curves(ranking: Ranking, weights: Array | None = None) -> Curves:
    """Precision, recall and scores as pycocotools' `accumulate` has them, for weights (N,), ones where None."""
    protocol = ranking.protocol
    caps = tuple(sorted({measure.cap for measure in protocol.measures}, key=lambda cap: inf if cap is None else cap))
    shape = len(protocol.thresholds), len(protocol.recalls), ranking.classes, len(protocol.sizes), len(caps)
    precision, recall, scores = (np.full(each, np.nan) for each in (shape, (shape[0], *shape[2:]), shape))
    row = np.ones(ranking.images) if weights is None else weights
    rows = np.asarray(row, dtype=np.float64)[None]
    totals = ranking.totals(rows)
    for a, m in np.ndindex(shape[3:]):
        listed = ranking.listed(a, caps[m], all_of_them=True)
        found = precision_of(listed, rows, totals[:, a], protocol, with_places=True)
        places = found.places[0].transpose(1, 2, 0)
        precision[..., a, m], recall[..., a, m] = found.precision[0].transpose(1, 2, 0), found.recall[0].T
        reached = ranking.detections["score"][listed.rows[places]] if len(listed.rows) else np.zeros(places.shape)
        scores[..., a, m] = np.where(np.isnan(precision[..., a, m]), np.nan, np.where(places >= 0, reached, 0.0))
    return Curves(precision, recall, scores, caps)


@dataclass(frozen=True, eq=False)
class Found:
    """What `kernels.weighted_precision` returns."""

    precision: Array
    recall: Array
    area: Array
    places: Array


def precision_of(
    listed: Listed, weights: Array, totals: Array, protocol: Protocol, *, with_places: bool = False, points: bool = True
) -> Found:
    """Score listed detections under weights (B, N), with weighted truths `totals` (B, C), at the protocol's recalls.

    Without `points`, only recall and area are wanted.
    """
    return Found(
        *kernels.weighted_precision(
            weights,
            totals,
            np.array(protocol.recalls if points else ()),
            image=listed.image,
            starts=listed.starts,
            hits=listed.hits,
            misses=listed.misses,
            thresholds=len(listed.thresholds),
            with_places=with_places,
        )
    )


def _bits(flags: Array, places: Sequence[int]) -> Array:
    """Bit n of each is the bit of `flags` (D,) uint64 at `places[n]`, (D,) uint16."""
    if isinstance(places, range):
        return np.asarray((flags & np.uint64((1 << len(places)) - 1)).astype(np.uint16))
    moved = [(flags >> np.uint64(place) & np.uint64(1)) << np.uint64(n) for n, place in enumerate(places)]
    return np.asarray(np.bitwise_or.reduce(np.array(moved), axis=0).astype(np.uint16))
