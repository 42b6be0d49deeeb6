"""Instance segmentation and object boxes: COCO's AP and AR from match tables, for any weights.

`count` makes two tables for each kind of overlap: `mask_detections` and `mask_truths`, and the same
for `box` and `boundary`. It takes many images at once; one image is the case N = 1. `matching.py`
matches objects, `average_precision.py` scores the tables. This module does not know why images are
weighted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from bench import kernels, masks
from bench.classes import Classes
from bench.errors import PredictionError
from bench.metrics import average_precision, found_as, matching, object_checks
from bench.metrics.average_precision import InstanceScores
from bench.metrics.boundary_overlaps import boundary_overlaps
from bench.metrics.max_detections import LEFT_OUT, left_out
from bench.metrics.protocols import COCO, Protocol
from bench.metrics.ranking import Curves, Ranking, as_ranks, rank
from bench.metrics.ranking import curves as curves_of
from bench.samples import Array, Instances, Table
from bench.samples.columns import DetectionColumns, Runs, TruthColumns

__all__ = [
    "GROUPS",
    "KINDS",
    "OVERALL",
    "PER_CLASS",
    "InstanceScores",
    "areas",
    "as_ranks",
    "columns",
    "count",
    "curves",
    "ranking",
    "score",
    "truth_rows",
]

Kind = Literal["mask", "box", "boundary"]
AreaFrom = Literal["mask", "box"]
KINDS: tuple[Kind, ...] = ("mask", "box")
GROUPS = {"mask": "instance", "box": "boxes", "boundary": "instance_boundary"}
"""The group of scores of each kind in a record."""
OVERALL = PER_CLASS = tuple(measure.name for measure in COCO.measures)


def columns(
    truths: Sequence[Instances], predictions: Sequence[Instances]
) -> tuple[TruthColumns, DetectionColumns]:
    """Put the objects of N images, with masks, into columns; image n is the n-th of both sequences.

    Raises:
        PredictionError: a prediction without scores.
    """
    for image, prediction in enumerate(predictions):
        if prediction.scores is None:
            raise PredictionError(f"the detections of image {image} have no scores; each needs one")
    scores = [np.asarray(p.scores, dtype=np.float64) for p in predictions]
    truth = TruthColumns(
        images=len(truths),
        image=_positions(truths),
        classes=_joined([t.classes for t in truths], np.int32),
        boxes=_joined([t.boxes for t in truths], np.float64).reshape(-1, 4),
        areas=_joined([t.areas for t in truths], np.float64),
        crowd=_joined([t.crowd for t in truths], np.bool_),
        runs=_runs(truths),
        ignore=_ignored(truths),
        absent=_pairs([t.absent for t in truths]),
        partial=_pairs([t.partial for t in truths]),
        sizes=np.array([t.size for t in truths], dtype=np.int32).reshape(-1, 2),
        **_optional_columns(truths),
    )
    detections = DetectionColumns(
        images=len(predictions),
        image=_positions(predictions),
        classes=_joined([p.classes for p in predictions], np.int32),
        scores=_joined(scores, np.float64),
        boxes=_joined([p.boxes for p in predictions], np.float64).reshape(-1, 4),
        runs=_runs(predictions),
        **_optional_columns(predictions),
    )
    return truth, detections


def count(
    truth: TruthColumns,
    detections: DetectionColumns,
    *,
    kinds: Sequence[Kind] = KINDS,
    area_from: AreaFrom = "mask",
    protocol: Protocol = COCO,
    boundary_ratio: float = 0.02,
) -> dict[str, Table]:
    """Match the detections of N images to their ground truth; two tables per kind.

    These are the tables of `match_tables`. There are three more tables: `left_out`, the detections
    beyond the protocol's maximum, see `max_detections.left_out`; `found_as`, the other classes that
    objects are found as, for the first kind if that is mask or box; and `object_checks`, whatever
    is odd about the objects, see `object_checks.facts`.

    An unmatched detection belongs to a size range by the area of its mask, or of its box for the
    kind `box`; with `area_from="box"` it is that of the box for all kinds, as in pycocotools if
    results have a `bbox`. The kind `boundary` is mask AP by the smaller of mask IoU and boundary
    IoU; a boundary reaches `boundary_ratio` of the diagonal inwards. Source: pycocotools,
    boundary-iou-api.

    >>> zero, box = np.int32([0]), np.array([[0.0, 0.0, 9.0, 9.0]])
    >>> truth = TruthColumns(1, zero, zero, box, areas=np.array([81.0]), crowd=np.array([False]))
    >>> half = np.array([0.5])
    >>> found = DetectionColumns(1, zero, zero, scores=half, boxes=box * [1, 1, 1, 8 / 9])
    >>> tables = count(truth, found, kinds=("box",))
    >>> bin(tables["box_detections"]["matched"][0] & 1023)  # 8/9 meets the thresholds .5 to .85
    '0b11111111'

    Raises:
        InputError: a kind needs masks, and there are none.
    """
    tables: dict[str, Table] = {}
    for kind in kinds:
        # Overlaps below the lowest threshold match nothing: kernels may stop early there.
        floor = min(protocol.thresholds)
        if kind == "box":
            overlaps = matching.box_overlaps(truth, detections)
        elif kind == "mask":
            overlaps = matching.mask_overlaps(truth, detections, floor=floor)
        else:
            overlaps = boundary_overlaps(truth, detections, ratio=boundary_ratio, floor=floor)
        matches, objects = matching.match_tables(
            truth, detections, overlaps, protocol, areas=areas(detections, kind, area_from)
        )
        tables[f"{kind}_detections"], tables[f"{kind}_truths"] = matches, objects
        tables[LEFT_OUT] = left_out(detections, len(matches["image"]), protocol.max_detections)
        # This table compares boxes, so it is the same for every kind: once is enough.
        if kind == kinds[0] != "boundary":
            tables[found_as.TABLE] = found_as.of_objects(truth, detections, matches, objects)
    # Boundary AP is counted next to mask AP, which has this table already.
    if tuple(kinds) != ("boundary",):
        tables[object_checks.TABLE] = object_checks.facts(truth, detections)
    return tables


def areas(detections: DetectionColumns, kind: Kind, area_from: AreaFrom) -> Array:
    """Return the areas of detections in pixels, (D,) float64: of masks or boxes, see `count`."""
    if kind == "box" or area_from == "box" or detections.runs is None:
        return np.asarray(detections.boxes[:, 2] * detections.boxes[:, 3])
    return kernels.run_areas(detections.runs.offsets, detections.runs.lengths)


def ranking(
    tables: Mapping[str, Table], classes: Classes, *, kind: str = "mask", protocol: Protocol = COCO
) -> Ranking:
    """Sort the tables of a kind, once for all scores."""
    return rank(tables[f"{kind}_detections"], tables[f"{kind}_truths"], len(classes), protocol)


def score(
    tables: Mapping[str, Table],
    weights: Array,
    classes: Classes,
    *,
    kind: str = "mask",
    protocol: Protocol = COCO,
    subsets: Mapping[str, Array] | None = None,
    only: str | None = None,
) -> InstanceScores:
    """Score N images under weights (B, N): AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl.

    With `only`, the score of this name alone, for a fraction of the work. See
    `average_precision.score`.
    """
    if only is not None:
        # Fewer measures need fewer size ranges, maxima and thresholds: the rest is not computed.
        protocol = replace(protocol, measures=tuple(m for m in protocol.measures if m.name == only))
    return average_precision.score(
        ranking(tables, classes, kind=kind, protocol=protocol), weights, subsets
    )


def curves(
    tables: Mapping[str, Table],
    classes: Classes,
    *,
    kind: str = "mask",
    protocol: Protocol = COCO,
    weights: Array | None = None,
) -> Curves:
    """Return precision and score at 101 recalls, for every class and setting; see `Curves`."""
    return curves_of(ranking(tables, classes, kind=kind, protocol=protocol), weights)


def truth_rows(tables: Mapping[str, Table], *, kind: str = "mask") -> Table:
    """Return what the ground truth alone determines: objects by image, class and size range."""
    return tables[f"{kind}_truths"]


def _positions(images: Sequence[Instances]) -> Array:
    """Return the number of the image of each object."""
    return np.repeat(np.arange(len(images), dtype=np.int32), [len(objects) for objects in images])


def _ignored(truths: Sequence[Instances]) -> Array | None:
    if all(truth.ignore is None for truth in truths):
        return None
    return _joined(
        [np.zeros(len(t), dtype=bool) if t.ignore is None else t.ignore for t in truths], np.bool_
    )


def _optional_columns(images: Sequence[Instances]) -> dict[str, Any]:
    """Return the ids of objects in files and the marks of readers, if all images have them."""
    dtypes: dict[str, type] = {"numbers": np.int64, "marks": np.uint8}
    columns: dict[str, Any] = {}
    for name, dtype in dtypes.items():
        of_images = [getattr(objects, name) for objects in images]
        columns[name] = (
            None if any(column is None for column in of_images) else _joined(of_images, dtype)
        )
    return columns


def _pairs(classes_of_images: Sequence[Sequence[int]]) -> Array | None:
    """Return pairs of image and class, (K, 2) int64; None if there are none."""
    pairs = [
        (image, number) for image, classes in enumerate(classes_of_images) for number in classes
    ]
    return np.array(pairs, dtype=np.int64) if pairs else None


def _joined(arrays: Sequence[Array], dtype: type) -> Array:
    """Concatenate arrays; the empty one in front gives the type if there are none."""
    return np.concatenate(
        [np.zeros(0, dtype), *(np.asarray(array, dtype=dtype).reshape(-1) for array in arrays)]
    )


def _runs(images: Sequence[Instances]) -> Runs:
    lengths = [masks.runs(rle) for objects in images for rle in objects.rles]
    offsets = np.cumsum([0, *(len(runs) for runs in lengths)], dtype=np.int64)
    # Runs go down the columns of a mask, so its height gives every pixel a place.
    heights = [objects.size[0] for objects in images for _ in objects.rles]
    return Runs(offsets, _joined(lengths, np.uint32), np.array(heights, dtype=np.int32))
