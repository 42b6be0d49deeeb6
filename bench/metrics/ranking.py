"""Match tables sorted by class and score, and the precision-recall curves that follow from them.

`matching.py` makes the tables, `average_precision.py` turns the curves into scores.

Detections are sorted once, for all resamples. The order of scores does not depend on the weights of
images, so weights change only how much each detection adds to the sums along the way down:

    rank          1      2      3      4
    image         7      2      7      5
    result        tp     fp     tp     fp
    weight        w7     w2     w7     w5
    true pos.     w7     w7     2 w7   2 w7
    precision     w7 / w7,  w7 / (w7 + w2),  2 w7 / (2 w7 + w2),  ...
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
    """Detections of one size range and maximum, by class and falling score.

    These are the columns that `kernels.weighted_precision` takes.

    `classes` (K,) are the classes in the list. `rows` (D,) are rows of the ranking's table and
    `image` (D,) their images; the detections of the k-th class are `starts[k]` to `starts[k + 1]`.
    Bit n of `hits` and `misses` (D,) uint16 stands for the protocol's threshold number
    `thresholds[n]`.
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
    """Match tables ready for scoring: detections by class, falling score, and image."""

    detections: Table
    truths: Table
    classes: int
    protocol: Protocol

    @property
    def images(self) -> int:
        """One more than the last image in the tables."""
        return 1 + max(
            int(table["image"].max(initial=-1)) for table in (self.detections, self.truths)
        )

    def listed(
        self,
        size: int,
        max_detections: int | None,
        classes: Array | None = None,
        *,
        thresholds: Sequence[int] | None = None,
        with_ignored: bool = False,
    ) -> Listed:
        """List the detections that count in a size range, at some thresholds and of some classes.

        `thresholds` are numbers of the protocol's thresholds and `classes` (K,) numbers of classes;
        both rise, and None is all of them. `max_detections` is the maximum of detections of an
        image and class. `with_ignored` lists ignored detections, too.
        """
        T, table = len(self.protocol.thresholds), self.detections
        numbers = range(T) if thresholds is None else thresholds
        # Shift the T bits of this size range to the bottom; see the picture in `matching.py`.
        matched = table["matched"] >> np.uint64(size * T)
        counting = ~(table["ignored"] >> np.uint64(size * T))
        hits, misses = _bits(matched & counting, numbers), _bits(~matched & counting, numbers)
        listed = np.ones(len(hits), dtype=bool) if with_ignored else (hits | misses) != 0
        chosen = np.arange(self.classes) if classes is None else classes
        if len(chosen) < self.classes:
            listed &= np.isin(np.arange(self.classes), chosen)[table["class"]]
        if max_detections is not None:
            listed &= table["rank"] < max_detections
        rows = np.flatnonzero(listed)
        starts = np.searchsorted(
            table["class"][rows], np.append(chosen, self.classes).astype(np.int16)
        )
        return Listed(
            chosen,
            numbers,
            rows,
            table["image"][rows],
            starts.astype(np.int64),
            hits[rows],
            misses[rows],
        )

    def totals(self, weights: Array) -> Array:
        """Sum true objects to be found under weights (B, N), by size range and class, (B, A, C).

        Sums are exact for whole weights, and in the order of the images for others.
        """
        shape = len(self.protocol.sizes), self.classes
        cells = self.truths["size"].astype(np.int64) * self.classes + self.truths["class"]
        image, objects = self.truths["image"], self.truths["objects"]
        sums = [
            np.bincount(cells, row[image] * objects, minlength=shape[0] * shape[1])
            for row in weights
        ]
        return np.stack(sums).reshape(-1, *shape) if sums else np.zeros((0, *shape))


@dataclass(frozen=True, eq=False)
class Curves:
    """Precision and recall of every class for one array of weights, NaN without ground truth.

    `precision` and `scores` (T, R, C, A, M) are the highest precision at or after a recall, and the
    score at which the recall is reached; 0 if it is not. `recall` (T, C, A, M) is that of all
    detections. M are the protocol's maximum detections, rising. T, R and A are its thresholds,
    recalls and size ranges.
    """

    precision: Array
    recall: Array
    scores: Array
    maxima: tuple[int | None, ...]


def rank(detections: Table, truths: Table, classes: int, protocol: Protocol) -> Ranking:
    """Sort match tables for scoring; C = `classes`."""
    # The kernel sorts by image, class and falling score; here all images are ranked together.
    one_image = np.zeros(len(detections["class"]), dtype=np.int32)
    order = kernels.order_groups(
        one_image, detections["class"].astype(np.int32), detections["score"]
    )
    return Ranking(
        {name: column[order] for name, column in detections.items()}, truths, classes, protocol
    )


def as_ranks(detections: Table) -> Table:
    """Replace scores by minus the number of higher ones of the same class.

    A permutation test mixes the detections of two runs in one ranking. Their scores may have
    different scales, so each run is replaced by its ranks first. Equal scores keep equal ranks, and
    a monotone change of scores changes nothing.

    >>> table = {"class": np.int16([0, 0, 1, 0]), "score": np.array([0.2, 0.9, 0.5, 0.2])}
    >>> as_ranks(table)["score"].tolist()
    [-1.0, 0.0, 0.0, -1.0]
    """
    classes, scores = detections["class"], detections["score"]
    order = np.lexsort((-scores, classes))
    sorted_classes, sorted_scores = classes[order], scores[order]
    position = np.arange(len(order))
    new_class = np.concatenate([[True], sorted_classes[1:] != sorted_classes[:-1]])[: len(order)]
    new_score = (
        new_class | np.concatenate([[True], sorted_scores[1:] != sorted_scores[:-1]])[: len(order)]
    )
    # The running maximum of the positions where a value begins is where the current value began:
    # the number of higher scores is the distance between the begins of this score and of this
    # class.
    score_begin = np.maximum.accumulate(np.where(new_score, position, 0))
    class_begin = np.maximum.accumulate(np.where(new_class, position, 0))
    higher = score_begin - class_begin
    ranks = np.empty(len(order))
    ranks[order] = 0.0 - higher
    return {**detections, "score": ranks}


def curves(ranking: Ranking, weights: Array | None = None) -> Curves:
    """Return curves as pycocotools' `accumulate` does, for weights (N,), ones if omitted."""
    protocol = ranking.protocol
    # No maximum comes last.
    limits = {measure.max_detections for measure in protocol.measures}
    maxima = tuple(sorted(limits, key=lambda limit: inf if limit is None else limit))
    shape = (
        len(protocol.thresholds),
        len(protocol.recalls),
        ranking.classes,
        len(protocol.sizes),
        len(maxima),
    )
    precision, recall, scores = (
        np.full(size, np.nan) for size in (shape, (shape[0], *shape[2:]), shape)
    )
    row = np.ones(ranking.images) if weights is None else weights
    rows = np.asarray(row, dtype=np.float64)[None]
    totals = ranking.totals(rows)
    for a, m in np.ndindex(shape[3:]):
        # Ignored detections are listed, too: pycocotools gives recall 0 the score of the first
        # detection, ignored or not.
        listed = ranking.listed(a, maxima[m], with_ignored=True)
        measured = precision_of(listed, rows, totals[:, a], protocol, with_places=True)
        # The kernel returns (C, T, R) for one array of weights; curves are (T, R, C), as in
        # pycocotools.
        positions = measured.places[0].transpose(1, 2, 0)
        precision[..., a, m], recall[..., a, m] = (
            measured.precision[0].transpose(1, 2, 0),
            measured.recall[0].T,
        )
        reached = np.zeros(positions.shape)
        if len(listed.rows):
            reached = np.where(
                positions >= 0, ranking.detections["score"][listed.rows[positions]], 0.0
            )
        scores[..., a, m] = np.where(np.isnan(precision[..., a, m]), np.nan, reached)
    return Curves(precision, recall, scores, maxima)


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """The result of `kernels.weighted_precision` for weights (B, N), K classes and T thresholds.

    `precision` (B, K, T, R) is the highest precision at or after each recall, `recall` (B, K, T)
    that of all detections, `area` (B, K, T) the area under the curve, and `places` (B, K, T, R) the
    position in the list at which a recall is reached, -1 if it is not.
    """

    precision: Array
    recall: Array
    area: Array
    places: Array


def precision_of(
    listed: Listed,
    weights: Array,
    totals: Array,
    protocol: Protocol,
    *,
    with_places: bool = False,
    points: bool = True,
) -> PrecisionRecall:
    """Compute precision and recall of listed detections under weights (B, N).

    `totals` (B, K) are the weighted true objects. Without `points`, precision is not computed: only
    recall and area are needed.
    """
    return PrecisionRecall(
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


def _bits(flags: Array, numbers: Sequence[int]) -> Array:
    """Gather bits: bit n of the result, (D,) uint16, is bit `numbers[n]` of `flags` (D,) uint64.

    >>> [bin(bits) for bits in _bits(np.uint64([0b1010, 0b0100]), [1, 3])]
    ['0b11', '0b0']
    """
    if isinstance(numbers, range):
        return np.asarray((flags & np.uint64((1 << len(numbers)) - 1)).astype(np.uint16))
    moved = [
        (flags >> np.uint64(number) & np.uint64(1)) << np.uint64(n)
        for n, number in enumerate(numbers)
    ]
    return np.asarray(np.bitwise_or.reduce(np.array(moved), axis=0).astype(np.uint16))
