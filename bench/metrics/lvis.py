"""LVIS: AP over more than a thousand classes, each annotated in some of the images only.

In an image, a class is exhaustively annotated, annotated in part, verified as absent, or not
annotated:

    class in this image        unmatched detections
    exhaustively annotated     false positives
    verified as absent         false positives
    annotated in part          ignored
    not annotated              removed

Matching is that of COCO. This module does not know why images are weighted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from bench.classes import Classes
from bench.metrics import average_precision, found_as, instance, object_checks
from bench.metrics.average_precision import InstanceScores
from bench.metrics.matching import box_overlaps, mask_overlaps, match_tables
from bench.metrics.max_detections import LEFT_OUT, left_out
from bench.metrics.protocols import COCO_RECALLS, COCO_SIZES, COCO_THRESHOLDS, Measure, Protocol
from bench.metrics.ranking import Ranking, rank
from bench.samples import Array, Table
from bench.samples.columns import DetectionColumns, Runs, TruthColumns

PREFIXES = {"mask": "lvis", "box": "lvis_box"}
"""The prefix of the names of tables, by kind."""
DETECTIONS = 300
"""The maximum of detections of an image, over all classes."""
FREQUENCIES = ("r", "c", "f")
"""Rare, common and frequent classes: in up to 10, up to 100, and more training images."""

LVIS = Protocol(
    thresholds=COCO_THRESHOLDS,
    sizes=COCO_SIZES,
    recalls=COCO_RECALLS,
    max_detections=None,
    measures=(
        Measure("AP", max_detections=None),
        Measure("AP50", threshold=0, max_detections=None),
        Measure("AP75", threshold=5, max_detections=None),
        *(
            Measure(f"AP{size}", size=number, max_detections=None)
            for number, size in enumerate("sml", start=1)
        ),
        *(
            Measure(f"AP{frequency}", max_detections=None, subset=frequency)
            for frequency in FREQUENCIES
        ),
        Measure("AR300", recall=True, max_detections=None),
        *(
            Measure(f"AR{size}", recall=True, size=number, max_detections=None)
            for number, size in enumerate("sml", start=1)
        ),
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
    """Match the detections of N images: tables `lvis_detections` and `lvis_truths`.

    They are those of `match_tables`. For the kind `box` the tables are `lvis_box_detections` and
    `lvis_box_truths`. There are three more tables: `lvis_left_out`, the detections of an image
    beyond the 300 highest-scoring; `found_as`, the other classes that objects are found as; and
    `object_checks`, whatever is odd about the objects.

    `negative` (K, 2) int64 are pairs of an image and a class that is verified as absent there.
    `not_exhaustive` (K, 2) are pairs of an image and a class that is annotated in part. First the
    300 highest-scoring detections of each image are selected, then those of annotated classes.
    Crowds are objects like others; `truth.ignore` is respected. Source: the package lvis.

    Raises:
        InputError: `kind` is mask, and there are no masks.
    """
    # LVIS knows no crowds: the package does not read `iscrowd`.
    truth = replace(truth, crowd=np.zeros(len(truth), dtype=bool))
    annotated = np.concatenate([_keys(truth.image, truth.classes), _pairs(negative)])
    best = _highest_scoring(detections)
    is_annotated = np.isin(_keys(detections.image, detections.classes)[best], annotated)
    counted = _selected(detections, best[is_annotated])
    overlaps = (box_overlaps if kind == "box" else mask_overlaps)(truth, counted)
    matches, objects = match_tables(
        truth,
        counted,
        overlaps,
        LVIS,
        areas=instance.areas(counted, kind, area_from),
        lenient=np.isin(_keys(counted.image, counted.classes), _pairs(not_exhaustive)),
    )
    return {
        f"{PREFIXES[kind]}_detections": matches,
        f"{PREFIXES[kind]}_truths": objects,
        f"lvis_{LEFT_OUT}": left_out(detections, len(best), DETECTIONS, by_class=False),
        # An object may be predicted as a class that is not annotated here: look at all detections.
        found_as.TABLE: found_as.of_objects(truth, _selected(detections, best), matches, objects),
        object_checks.TABLE: object_checks.facts(truth, counted),
    }


def ranking(
    tables: Mapping[str, Table], classes: Classes, *, kind: instance.Kind = "mask"
) -> Ranking:
    """Sort the tables of a kind, once for all scores."""
    return rank(
        tables[f"{PREFIXES[kind]}_detections"],
        tables[f"{PREFIXES[kind]}_truths"],
        len(classes),
        LVIS,
    )


def score(
    tables: Mapping[str, Table],
    weights: Array,
    classes: Classes,
    frequencies: Sequence[str],
    *,
    kind: instance.Kind = "mask",
    only: str | None = None,
) -> InstanceScores:
    """Score N images under weights (B, N); `frequencies` (C) are r, c or f for each class.

    With `only`, the score of this name alone, for a fraction of the work. See
    `average_precision.score`.
    """
    ranked = ranking(tables, classes, kind=kind)
    if only is not None:
        measures = tuple(measure for measure in LVIS.measures if measure.name == only)
        ranked = replace(ranked, protocol=replace(LVIS, measures=measures))
    return average_precision.score(ranked, weights, _subsets(frequencies))


def truth_rows(tables: Mapping[str, Table], *, kind: instance.Kind = "mask") -> Table:
    """Return what the ground truth alone determines: objects by image, class and size range."""
    return tables[f"{PREFIXES[kind]}_truths"]


def _subsets(frequencies: Sequence[str]) -> dict[str, Array]:
    """Return which classes are rare, common and frequent, (C,) bool each.

    >>> _subsets(["f", "r"])["r"].tolist()
    [False, True]
    """
    return {
        letter: np.array([frequency == letter for frequency in frequencies], dtype=bool)
        for letter in FREQUENCIES
    }


def _highest_scoring(detections: DetectionColumns) -> Array:
    """Return the rows of the 300 highest-scoring detections of each image, in file order."""
    # lexsort is stable: equal scores keep the order of the file, as in the package.
    order = np.lexsort((-detections.scores, detections.image))
    images = detections.image[order]
    starts = np.searchsorted(images, images, side="left")
    return np.sort(order[np.arange(len(order)) - starts < DETECTIONS])


def _selected(detections: DetectionColumns, rows: Array) -> DetectionColumns:
    names = ("image", "classes", "scores", "boxes", "numbers", "marks")
    columns = {
        name: column[rows] for name in names if (column := getattr(detections, name)) is not None
    }
    return DetectionColumns(
        detections.images, **columns, runs=_selected_runs(detections.runs, rows)
    )


def _selected_runs(runs: Runs | None, rows: Array) -> Runs | None:
    if runs is None:
        return None
    sizes = np.diff(runs.offsets)[rows]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    # Element k of a mask moves from its old offset + k to its new offset + k.
    source = np.arange(offsets[-1]) + np.repeat(runs.offsets[rows] - offsets[:-1], sizes)
    return Runs(offsets, runs.lengths[source], runs.heights[rows])


def _keys(image: Array, classes: Array) -> Array:
    return np.asarray(image.astype(np.int64) << 32 | classes.astype(np.int64))


def _pairs(pairs: Array) -> Array:
    pairs = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    return _keys(pairs[:, 0], pairs[:, 1])
