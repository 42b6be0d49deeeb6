"""AP^r of SDS on PASCAL VOC, in the two forms that are in use: of 2014 and of 2015.

They differ in what a detection does whose best object is taken, in whether an overlap may equal its threshold, and in
the thresholds. Tables and scores are made by `matching.py` and `average_precision.py`; this module knows no files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import numpy as np

from bench.classes import Classes
from bench.metrics import average_precision
from bench.metrics.average_precision import InstanceScores
from bench.metrics.matching import mask_overlaps, match_tables
from bench.metrics.protocols import ALL_SIZES, Measure, Protocol
from bench.metrics.ranking import Ranking, rank
from bench.samples import Array, Table
from bench.samples.columns import DetectionColumns, TruthColumns

Form = Literal["2014", "2015"]
_Take: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]
"""From overlaps (G,) and what is taken (T, G): which object is chosen (T,), and whether the detection gets it (T,)."""


def _measure(name: str, threshold: int | None) -> Measure:
    return Measure(name, threshold=threshold, cap=None, area_under_curve=True)


PROTOCOLS: dict[Form, Protocol] = {
    "2014": Protocol(
        thresholds=tuple((np.arange(1, 10) / 10).tolist()),
        sizes=(ALL_SIZES,),
        recalls=(),
        cap=None,
        measures=(_measure("AP50", 4), _measure("APvol", None)),
    ),
    "2015": Protocol(
        thresholds=(0.5, 0.7),
        sizes=(ALL_SIZES,),
        recalls=(),
        cap=None,
        measures=(_measure("AP50", 0), _measure("AP70", 1)),
    ),
}
OVERALL: dict[Form, tuple[str, ...]] = {
    form: tuple(measure.name for measure in protocol.measures) for form, protocol in PROTOCOLS.items()
}
TABLES = ("voc_detections", "voc_truths")


def count(truth: TruthColumns, detections: DetectionColumns, *, form: Form = "2014") -> dict[str, Table]:
    """Match the detections of N images; tables `voc_detections` and `voc_truths`, as `match_tables` tells.

    All true objects are to be found. Neither form has a rule for void: a pixel of a detection over it lies outside.

    Raises:
        InputError: there are no masks.
    """
    nothing = np.zeros(len(truth), dtype=bool)
    plain = TruthColumns(
        truth.images, truth.image, truth.classes, truth.boxes, np.zeros(len(truth)), nothing, truth.runs
    )
    pair = match_tables(
        plain,
        detections,
        mask_overlaps(plain, detections),
        PROTOCOLS[form],
        areas=np.zeros(len(detections)),
        matcher=_match_2014 if form == "2014" else _match_2015,
    )
    return dict(zip(TABLES, pair, strict=True))


def ranking(tables: Mapping[str, Table], classes: Classes, *, form: Form = "2014") -> Ranking:
    """Sort the tables, once for all that is asked of them."""
    return rank(tables["voc_detections"], tables["voc_truths"], len(classes), PROTOCOLS[form])


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, *, form: Form = "2014") -> InstanceScores:
    """Score N images under B rows of weights, (B, N): AP50 and APvol in 2014's form, AP50 and AP70 in 2015's.

    The area under the highest precision at or after each recall; `APvol` is the mean over the overlaps .1 to .9. See
    `average_precision.score`.
    """
    return average_precision.score(ranking(tables, classes, form=form), weights)


def leave_out(tables: Mapping[str, Table], clusters: Array, classes: Classes, *, form: Form = "2014") -> InstanceScores:
    """Score with each cluster left out in turn; `clusters` (N,) numbers them. See `average_precision.leave_out`."""
    return average_precision.leave_out(ranking(tables, classes, form=form), clusters)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """The truth's own rows: true objects per image and class."""
    return tables["voc_truths"]


def _match_2014(overlaps: Array, spans: Array, thresholds: Array, **_: object) -> tuple[Array, Array]:
    """A detection takes the free object that it overlaps most, the first of equal ones, if by more than a threshold."""

    def take(row: Array, taken: Array) -> tuple[Array, Array]:
        free = np.where(taken, -1.0, row)
        chosen = free.argmax(axis=1)
        return chosen, free[np.arange(len(free)), chosen] > thresholds

    return _match(overlaps, spans, float(thresholds.min()), len(thresholds), take)


def _match_2015(overlaps: Array, spans: Array, thresholds: Array, **_: object) -> tuple[Array, Array]:
    """A detection takes the object that it overlaps most, by a threshold at least; if that is taken, it is wrong."""

    def take(row: Array, taken: Array) -> tuple[Array, Array]:
        chosen = np.full(len(taken), row.argmax())
        return chosen, (row[chosen] >= thresholds) & ~taken[np.arange(len(taken)), chosen]

    return _match(overlaps, spans, float(thresholds.min()), len(thresholds), take)


def _match(overlaps: Array, spans: Array, lowest: float, count: int, take: _Take) -> tuple[Array, Array]:
    """Match detections, best first, at T = `count` thresholds; bits as `kernels.match` returns them, none ignored."""
    first, last = (int(spans[0, 0]), int(spans[-1, 1])) if len(spans) else (0, 0)
    matched = np.zeros(last - first, dtype=np.uint64)
    powers = np.uint64(1) << np.arange(count, dtype=np.uint64)
    start = 0
    for d0, d1, g0, g1 in spans.tolist():
        block = overlaps[start : start + (d1 - d0) * (g1 - g0)].reshape(d1 - d0, g1 - g0)
        start += block.size
        taken = np.zeros((count, g1 - g0), dtype=bool)
        for d in np.flatnonzero((block >= lowest).any(axis=1)).tolist():
            chosen, right = take(block[d], taken)
            taken[right, chosen[right]] = True
            matched[d0 - first + d] = powers[right].sum()
    return matched, np.zeros_like(matched)
