"""Instance segmentation and object boxes: COCO's AP and AR from match tables, for any weights over images.

`count` makes a pair of tables per kind of overlap (`mask_detections` and `mask_truths`, and so for `box` and
`boundary`) for many images at once; one image is the case N = 1. How objects are matched is told in `matching.py`,
how scores follow in `average_precision.py`; which images a row of weights repeats, and why, this module must not know.
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
from bench.metrics.caps import LEFT_OUT, left_out
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
    "leave_out",
    "ranking",
    "score",
    "truth_rows",
]

Kind = Literal["mask", "box", "boundary"]
AreaFrom = Literal["mask", "box"]
KINDS: tuple[Kind, ...] = ("mask", "box")
GROUPS = {"mask": "instance", "box": "boxes", "boundary": "instance_boundary"}
"""Under which name the scores of a kind stand in a record."""
OVERALL = PER_CLASS = tuple(measure.name for measure in COCO.measures)


def columns(truths: Sequence[Instances], predictions: Sequence[Instances]) -> tuple[TruthColumns, DetectionColumns]:
    """Put the objects of N images, which have masks, into columns; image n is the n-th of both sequences.

    Raises:
        PredictionError: a prediction without scores.
    """
    for place, prediction in enumerate(predictions):
        if prediction.scores is None:
            raise PredictionError(f"the detections of image {place} have no scores; each needs one")
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
        **_told(truths),
    )
    found = DetectionColumns(
        images=len(predictions),
        image=_positions(predictions),
        classes=_joined([p.classes for p in predictions], np.int32),
        scores=_joined(scores, np.float64),
        boxes=_joined([p.boxes for p in predictions], np.float64).reshape(-1, 4),
        runs=_runs(predictions),
        **_told(predictions),
    )
    return truth, found


def count(
    truth: TruthColumns,
    detections: DetectionColumns,
    *,
    kinds: Sequence[Kind] = KINDS,
    area_from: AreaFrom = "mask",
    protocol: Protocol = COCO,
    boundary_ratio: float = 0.02,
) -> dict[str, Table]:
    """Match the detections of N images to their truths; two tables a kind, whose columns `match_tables` tells.

    Three further tables: `left_out`, how many detections are beyond the protocol's cap, see `caps.left_out`; for the
    first kind, if that is mask or box, `found_as`, as which other class objects are found, see `found_as.py`; and
    `object_checks`, what is odd about the objects, see `object_checks.facts`.

    The area that puts an unmatched detection into a size range is that of its box for boxes, and for masks that of the
    mask; with `area_from="box"` that of the box for both, as pycocotools has it where results carry a `bbox`. The kind
    `boundary` is mask AP by the smaller of mask and boundary IoU; `boundary_ratio` is the share of the diagonal that a
    boundary reaches inwards.

    >>> zero, box = np.int32([0]), np.array([[0.0, 0.0, 9.0, 9.0]])
    >>> truth = TruthColumns(1, zero, zero, box, areas=np.array([81.0]), crowd=np.array([False]))
    >>> found = DetectionColumns(1, zero, zero, scores=np.array([0.5]), boxes=box * [1, 1, 1, 8 / 9])
    >>> tables = count(truth, found, kinds=("box",))
    >>> bin(tables["box_detections"]["matched"][0] & 1023)  # of the thresholds .5 to .95, the overlap 8/9 meets eight
    '0b11111111'

    Raises:
        InputError: masks are asked for where there are none.
    """
    tables: dict[str, Table] = {}
    for kind in kinds:
        floor = min(protocol.thresholds)
        if kind == "box":
            overlaps = matching.box_overlaps(truth, detections)
        elif kind == "mask":
            overlaps = matching.mask_overlaps(truth, detections, floor=floor)
        else:
            overlaps = boundary_overlaps(truth, detections, ratio=boundary_ratio, floor=floor)
        found, objects = matching.match_tables(
            truth, detections, overlaps, protocol, areas=areas(detections, kind, area_from)
        )
        tables[f"{kind}_detections"], tables[f"{kind}_truths"] = found, objects
        tables[LEFT_OUT] = left_out(detections, len(found["image"]), protocol.cap)
        if kind == kinds[0] != "boundary":
            tables[found_as.TABLE] = found_as.of_objects(truth, detections, found, objects)
    if tuple(kinds) != ("boundary",):
        tables[object_checks.TABLE] = object_checks.facts(truth, detections)
    return tables


def areas(detections: DetectionColumns, kind: Kind, area_from: AreaFrom) -> Array:
    """Areas of detections in pixels, (D,) float64: of their masks or boxes, as `count` tells."""
    if kind == "box" or area_from == "box" or detections.runs is None:
        return np.asarray(detections.boxes[:, 2] * detections.boxes[:, 3])
    return kernels.run_areas(detections.runs.offsets, detections.runs.lengths)


def ranking(tables: Mapping[str, Table], classes: Classes, *, kind: str = "mask", protocol: Protocol = COCO) -> Ranking:
    """Sort the tables of a kind, once for all that is asked of them."""
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
    """Score N images under B rows of weights, shape (B, N): AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl.

    With `only` the one of this name, for a fraction of the work. See `average_precision.score`.
    """
    if only is not None:
        protocol = replace(protocol, measures=tuple(each for each in protocol.measures if each.name == only))
    return average_precision.score(ranking(tables, classes, kind=kind, protocol=protocol), weights, subsets)


def leave_out(
    tables: Mapping[str, Table],
    clusters: Array,
    classes: Classes,
    *,
    kind: str = "mask",
    protocol: Protocol = COCO,
    subsets: Mapping[str, Array] | None = None,
) -> InstanceScores:
    """Score with each cluster left out in turn; `clusters` (N,) numbers them. See `average_precision.leave_out`."""
    return average_precision.leave_out(ranking(tables, classes, kind=kind, protocol=protocol), clusters, subsets)


def curves(
    tables: Mapping[str, Table],
    classes: Classes,
    *,
    kind: str = "mask",
    protocol: Protocol = COCO,
    weights: Array | None = None,
) -> Curves:
    """Precision at 101 recalls, with their scores, of every class, threshold, size range and cap."""
    return curves_of(ranking(tables, classes, kind=kind, protocol=protocol), weights)


def truth_rows(tables: Mapping[str, Table], *, kind: str = "mask") -> Table:
    """The truth's own rows: true objects per image, class and size range."""
    return tables[f"{kind}_truths"]


def _positions(instances: Sequence[Instances]) -> Array:
    return np.repeat(np.arange(len(instances), dtype=np.int32), [len(each) for each in instances])


def _ignored(truths: Sequence[Instances]) -> Array | None:
    if all(each.ignore is None for each in truths):
        return None
    return _joined([np.zeros(len(t), dtype=bool) if t.ignore is None else t.ignore for t in truths], np.bool_)


def _told(instances: Sequence[Instances]) -> dict[str, Any]:
    """What their files call the objects, and the marks of their readers, where all of them are known."""
    dtypes: dict[str, type] = {"numbers": np.int64, "marks": np.uint8}
    told = {name: [getattr(each, name) for each in instances] for name in dtypes}
    return {
        name: None if any(each is None for each in columns) else _joined(columns, dtypes[name])
        for name, columns in told.items()
    }


def _pairs(listed: Sequence[Sequence[int]]) -> Array | None:
    """Pairs of image and class, (K, 2) int64; None without any."""
    pairs = [(image, each) for image, classes in enumerate(listed) for each in classes]
    return np.array(pairs, dtype=np.int64) if pairs else None


def _joined(parts: Sequence[Array], dtype: type) -> Array:
    return np.concatenate([np.zeros(0, dtype), *(np.asarray(part, dtype=dtype).reshape(-1) for part in parts)])


def _runs(instances: Sequence[Instances]) -> Runs:
    lengths = [masks.runs(rle) for each in instances for rle in each.rles]
    offsets = np.cumsum([0, *(len(runs) for runs in lengths)], dtype=np.int64)
    heights = [each.size[0] for each in instances for _ in each.rles]
    return Runs(offsets, _joined(lengths, np.uint32), np.array(heights, dtype=np.int32))
