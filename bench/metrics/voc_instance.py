"""AP^r of SDS on PASCAL VOC, in the two forms that are in use.

    form    a detection takes                       overlap           thresholds
    2014    the best object that is still free      above threshold   .5, and the mean of .1 to .9
    2015    the best object of all, or none if      threshold or      .5 and .7
            that one is taken                       above

`matching.py` and `average_precision.py` make the tables and scores. This module knows no files.
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
"""Takes overlaps (G,) and which objects are taken (T, G) at T thresholds; returns the object that a
detection chooses, (T,), and whether it gets it, (T,) bool."""


def _measure(name: str, threshold: int | None) -> Measure:
    return Measure(name, threshold=threshold, max_detections=None, area_under_curve=True)


PROTOCOLS: dict[Form, Protocol] = {
    "2014": Protocol(
        thresholds=tuple((np.arange(1, 10) / 10).tolist()),
        sizes=(ALL_SIZES,),
        recalls=(),
        max_detections=None,
        measures=(_measure("AP50", 4), _measure("APvol", None)),
    ),
    "2015": Protocol(
        thresholds=(0.5, 0.7),
        sizes=(ALL_SIZES,),
        recalls=(),
        max_detections=None,
        measures=(_measure("AP50", 0), _measure("AP70", 1)),
    ),
}
OVERALL: dict[Form, tuple[str, ...]] = {
    form: tuple(measure.name for measure in protocol.measures)
    for form, protocol in PROTOCOLS.items()
}
TABLES = ("voc_detections", "voc_truths")


def count(
    truth: TruthColumns, detections: DetectionColumns, *, form: Form = "2014"
) -> dict[str, Table]:
    """Match the detections of N images: tables `voc_detections` and `voc_truths`.

    They are those of `match_tables`. All true objects are to be found, and none is ignored. Neither
    form has a rule for void: pixels of a detection over void are outside of every object. Source:
    Hariharan et al. 2014 and 2015.

    Raises:
        InputError: there are no masks.
    """
    nothing = np.zeros(len(truth), dtype=bool)
    plain = TruthColumns(
        truth.images,
        truth.image,
        truth.classes,
        truth.boxes,
        np.zeros(len(truth)),
        nothing,
        truth.runs,
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
    """Sort the tables, once for all scores."""
    return rank(tables["voc_detections"], tables["voc_truths"], len(classes), PROTOCOLS[form])


def score(
    tables: Mapping[str, Table], weights: Array, classes: Classes, *, form: Form = "2014"
) -> InstanceScores:
    """Score N images under weights (B, N): AP50 and APvol (2014), or AP50 and AP70 (2015).

    AP is the area under the highest precision at or after each recall; `APvol` is the mean over the
    overlaps .1 to .9. See `average_precision.score`.
    """
    return average_precision.score(ranking(tables, classes, form=form), weights)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """Return what the ground truth alone determines: objects by image and class."""
    return tables["voc_truths"]


def _match_2014(
    overlaps: Array, spans: Array, thresholds: Array, **_: object
) -> tuple[Array, Array]:
    """Match detections to the free object of highest overlap, the first of equal ones."""

    def take(row: Array, taken: Array) -> tuple[Array, Array]:
        # -1 is below every threshold, so an object that is taken matches nothing more.
        free = np.where(taken, -1.0, row)
        chosen = free.argmax(axis=1)
        return chosen, free[np.arange(len(free)), chosen] > thresholds

    return _match(overlaps, spans, float(thresholds.min()), len(thresholds), take)


def _match_2015(
    overlaps: Array, spans: Array, thresholds: Array, **_: object
) -> tuple[Array, Array]:
    """Match detections to the object of highest overlap; they are wrong if it is taken."""

    def take(row: Array, taken: Array) -> tuple[Array, Array]:
        chosen = np.full(len(taken), row.argmax())
        return chosen, (row[chosen] >= thresholds) & ~taken[np.arange(len(taken)), chosen]

    return _match(overlaps, spans, float(thresholds.min()), len(thresholds), take)


def _match(
    overlaps: Array, spans: Array, lowest: float, count: int, take: _Take
) -> tuple[Array, Array]:
    """Match detections by falling score at T = `count` thresholds.

    Returns bits as `kernels.match` does: matched (D,) uint64, bit t for threshold t, and ignored,
    all 0.
    """
    first, last = (int(spans[0, 0]), int(spans[-1, 1])) if len(spans) else (0, 0)
    matched = np.zeros(last - first, dtype=np.uint64)
    powers = np.uint64(1) << np.arange(count, dtype=np.uint64)
    start = 0
    for d0, d1, g0, g1 in spans.tolist():
        block = overlaps[start : start + (d1 - d0) * (g1 - g0)].reshape(d1 - d0, g1 - g0)
        start += block.size
        taken = np.zeros((count, g1 - g0), dtype=bool)
        # Detections below the lowest threshold match nothing: most are skipped here.
        for d in np.flatnonzero((block >= lowest).any(axis=1)).tolist():
            chosen, right = take(block[d], taken)
            # Each threshold has its own assignment: an object may be taken at .1 and free at .7.
            taken[right, chosen[right]] = True
            matched[d0 - first + d] = powers[right].sum()
    return matched, np.zeros_like(matched)
