"""LVIS: AP over a long list of classes of which each image tells only some, for any weights over images.

An image has classes that are all marked, classes known to be absent, and classes marked in part; detections of others
do not count. Matching is COCO's. This module knows neither files nor which images are weighted how.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from bench.classes import Classes
from bench.metrics import average_precision, found_as, instance, object_checks
from bench.metrics.average_precision import InstanceScores
from bench.metrics.caps import LEFT_OUT, left_out
from bench.metrics.matching import box_overlaps, mask_overlaps, match_tables
from bench.metrics.protocols import COCO_RECALLS, COCO_SIZES, COCO_THRESHOLDS, Measure, Protocol
from bench.metrics.ranking import Ranking, rank
from bench.samples import Array, Table
from bench.samples.columns import DetectionColumns, Runs, TruthColumns

PREFIXES = {"mask": "lvis", "box": "lvis_box"}
"""What the tables of a kind are called by."""
DETECTIONS = 300
"""Detections of an image that count, over all classes."""
FREQUENCIES = ("r", "c", "f")
"""Rare, common and frequent: classes of up to 10, of up to 100, and of more images of the training set."""

LVIS = Protocol(
    thresholds=COCO_THRESHOLDS,
    sizes=COCO_SIZES,
    recalls=COCO_RECALLS,
    cap=None,
    measures=(
        Measure("AP", cap=None),
        Measure("AP50", threshold=0, cap=None),
        Measure("AP75", threshold=5, cap=None),
        *(Measure(f"AP{size}", size=place, cap=None) for place, size in enumerate("sml", start=1)),
        *(Measure(f"AP{each}", cap=None, subset=each) for each in FREQUENCIES),
        Measure("AR300", recall=True, cap=None),
        *(Measure(f"AR{size}", recall=True, size=place, cap=None) for place, size in enumerate("sml", start=1)),
    ),
)
OVERALL = tuple(measure.name for measure in LVIS.measures)


def count(
    truth: TruthColumns,
    detections: DetectionColumns,
    negative: Array,
    not_exhaustive: Array,
    *,
    kind: instance.Kind = "mask",
    area_from: instance.AreaFrom = "mask",
) -> dict[str, Table]:
    """Match the detections of N images; tables `lvis_detections` and `lvis_truths`, as `match_tables` tells.

    For the kind `box` the tables are `lvis_box_detections` and `lvis_box_truths`. Three further tables:
    `lvis_left_out`, how many detections of an image are beyond the 300 best; `found_as`, as which other class objects
    are found, see `found_as.py`; and `object_checks`, what is odd about the objects, see `object_checks.facts`.

    `negative` (K, 2) int64 are pairs of an image and a class known to be absent there, `not_exhaustive` (K, 2) of an
    image and a class whose unmatched detections are ignored there. The 300 best detections of each image count, then
    those whose class is in the image's truth or absent for sure. Crowds are objects like others, `truth.ignore` counts.

    Raises:
        InputError: masks are asked for where there are none.
    """
    truth = replace(truth, crowd=np.zeros(len(truth), dtype=bool))
    known = np.concatenate([_keys(truth.image, truth.classes), _pairs(negative)])
    best = _best(detections)
    kept = _picked(detections, best[np.isin(_keys(detections.image, detections.classes)[best], known)])
    overlaps = (box_overlaps if kind == "box" else mask_overlaps)(truth, kept)
    pair = match_tables(
        truth,
        kept,
        overlaps,
        LVIS,
        areas=instance.areas(kept, kind, area_from),
        lenient=np.isin(_keys(kept.image, kept.classes), _pairs(not_exhaustive)),
    )
    tables = dict(zip((f"{PREFIXES[kind]}_detections", f"{PREFIXES[kind]}_truths"), pair, strict=True))
    others = found_as.of_objects(truth, _picked(detections, best), *pair)
    return {
        **tables,
        f"lvis_{LEFT_OUT}": left_out(detections, len(best), DETECTIONS, by_class=False),
        found_as.TABLE: others,
        object_checks.TABLE: object_checks.facts(truth, kept),
    }


def ranking(tables: Mapping[str, Table], classes: Classes, *, kind: instance.Kind = "mask") -> Ranking:
    """Sort the tables of a kind, once for all that is asked of them."""
    return rank(tables[f"{PREFIXES[kind]}_detections"], tables[f"{PREFIXES[kind]}_truths"], len(classes), LVIS)


def score(
    tables: Mapping[str, Table],
    weights: Array,
    classes: Classes,
    frequencies: Sequence[str],
    *,
    kind: instance.Kind = "mask",
    only: str | None = None,
) -> InstanceScores:
    """Score N images under B rows of weights, (B, N); `frequencies` (C) are r, c or f of each class.

    With `only` the one of this name, for a fraction of the work. See `average_precision.score`.
    """
    ranked = ranking(tables, classes, kind=kind)
    if only is not None:
        measures = tuple(each for each in LVIS.measures if each.name == only)
        ranked = replace(ranked, protocol=replace(LVIS, measures=measures))
    return average_precision.score(ranked, weights, _subsets(frequencies))


def leave_out(
    tables: Mapping[str, Table], clusters: Array, classes: Classes, frequencies: Sequence[str]
) -> InstanceScores:
    """Score with each cluster left out in turn; `clusters` (N,) numbers them. See `average_precision.leave_out`."""
    return average_precision.leave_out(ranking(tables, classes), clusters, _subsets(frequencies))


def truth_rows(tables: Mapping[str, Table], *, kind: instance.Kind = "mask") -> Table:
    """The truth's own rows: true objects per image, class and size range."""
    return tables[f"{PREFIXES[kind]}_truths"]


def _subsets(frequencies: Sequence[str]) -> dict[str, Array]:
    """Which classes are rare, common and frequent.

    >>> _subsets(["f", "r"])["r"].tolist()
    [False, True]
    """
    return {each: np.array([own == each for own in frequencies], dtype=bool) for each in FREQUENCIES}


def _best(detections: DetectionColumns) -> Array:
    """Rows of the best detections of each image, in the order of the file."""
    order = np.lexsort((-detections.scores, detections.image))
    images = detections.image[order]
    starts = np.searchsorted(images, images, side="left")
    return np.sort(order[np.arange(len(order)) - starts < DETECTIONS])


def _picked(detections: DetectionColumns, rows: Array) -> DetectionColumns:
    names = ("image", "classes", "scores", "boxes", "numbers", "marks")
    columns = {name: column[rows] for name in names if (column := getattr(detections, name)) is not None}
    return DetectionColumns(detections.images, **columns, runs=_picked_runs(detections.runs, rows))


def _picked_runs(runs: Runs | None, rows: Array) -> Runs | None:
    if runs is None:
        return None
    sizes = np.diff(runs.offsets)[rows]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    places = np.arange(offsets[-1]) + np.repeat(runs.offsets[rows] - offsets[:-1], sizes)
    return Runs(offsets, runs.lengths[places], runs.heights[rows])


def _keys(image: Array, classes: Array) -> Array:
    return np.asarray(image.astype(np.int64) << 32 | classes.astype(np.int64))


def _pairs(pairs: Array) -> Array:
    pairs = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    return _keys(pairs[:, 0], pairs[:, 1])
