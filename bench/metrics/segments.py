"""Count matching panoptic segments of truth and prediction: the tables behind PQ and Boundary PQ.

Areas are counted from pixels, never taken from what a file claims. How segments match is in
`overlaps.py`; scores are in `panoptic.py`. This module knows neither weights nor files.
"""

from __future__ import annotations

import math

import numpy as np

from bench import kernels
from bench.classes import Classes
from bench.errors import DataError, PredictionError
from bench.metrics import found_as
from bench.metrics.overlaps import NEVER, Overlaps, claimed_areas, matches, overlaps, truth_segments
from bench.samples import Array, Segments, Table
from bench.samples.columns import SegmentColumns, SegmentPairs


def count(
    truth: Segments,
    prediction: Segments,
    classes: Classes,
    *,
    image: int = 0,
    where: str = "",
    boundary_ratio: float | None = None,
) -> dict[str, Table]:
    """Match the segments of one image, class by class; returns tables by name.

    `segments`, one row for every class with anything to count: image (int32), class (int16, 0 ..
    C-1), iou_sum (float64, over matched pairs), tp, fp, fn (int32: matched pairs, predicted and
    true segments without a match).

    `truth_segments`, one row for every segment of the truth, by class: image (int32), class
    (int16), crowd (int8, 0 or 1), pixels (int32; int64 if one has 2^31 or more).

    `claimed_areas`, one row for every segment of the truth whose `claimed` area is not its pixels:
    image (int32), segment (int64), claimed (float64), pixels (int64).

    `found_as`: the other classes that segments are found as, see `found_as.py`.

    `boundary_segments`, with `boundary_ratio` (a fraction of the diagonal): like `segments`, by the
    smaller of mask IoU and boundary IoU.

    Two segments match if they have the same class, the true one is not a crowd, and their IoU is
    above .5, where pixels of the predicted segment over void do not count. A prediction with more
    than half of its pixels over void and crowds of its class is not a false positive. Source:
    panopticapi, and boundary-iou-api for the boundary. `where` names the image in messages.

    >>> from dataclasses import replace
    >>> from bench.classes import Class
    >>> classes = Classes((Class(0, "car", 0, thing=True),))
    >>> one = Segments(np.array([[7, 7, 7, 0]]), np.array([7]), np.array([0]), np.array([False]))
    >>> other = replace(one, ids=np.array([[0, 2, 2, 2]]), segment_ids=np.array([2]))
    >>> table = count(one, other, classes)["segments"]
    >>> [table[name].tolist() for name in ("iou_sum", "tp", "fp", "fn")]
    [[0.6666666666666666], [1], [0], [0]]

    Raises:
        PredictionError: the sizes differ, a segment has pixels and is not listed or the reverse,
            or its class does not exist.
        DataError: the same for segments of the truth.
    """
    prefix = f"{where}: " if where else ""
    if truth.size != prediction.size:
        sizes = [f"{height}x{width}" for height, width in (prediction.size, truth.size)]
        raise PredictionError(
            f"{prefix}the predicted segments are {sizes[0]} pixels (height x width) but the truth "
            f"is {sizes[1]}: predictions have the size of the truth"
        )
    maps = (
        _int32(truth.ids, f"{prefix}the truth", DataError),
        _int32(prediction.ids, f"{prefix}the prediction", PredictionError),
    )
    # One pass over both maps counts every pair of ids; areas and overlaps follow from the pairs.
    pairs = kernels.pair_counts(*maps)
    true = _side(truth, pairs[:, 0], classes, f"{prefix}the truth", DataError)
    predicted = _side(prediction, pairs[:, 1], classes, f"{prefix}the prediction", PredictionError)
    shared, positions = overlaps(pairs, true, predicted), np.array([image], dtype=np.int32)
    tables, iou = _tables(shared, classes, positions)
    if boundary_ratio is not None:
        distance = boundary_distance(truth.size, boundary_ratio)
        # The same maps with the inside of every segment blanked: their overlaps are those of
        # boundaries.
        edge_pairs = kernels.pair_counts(*(kernels.edge_map(ids, distance) for ids in maps))
        boundary_iou = overlaps(edge_pairs, true, predicted).ious(*shared.candidates())
        smaller = np.minimum(iou, boundary_iou)
        tables["boundary_segments"] = matches(
            shared, shared.candidates(), smaller, len(classes), positions
        )
    return tables


def count_pairs(pairs: SegmentPairs, classes: Classes, positions: Array) -> dict[str, Table]:
    """Match the segments of several images at `positions` of the data set, as `count` does."""
    return _tables(overlaps(pairs.pixels, pairs.truth, pairs.prediction), classes, positions)[0]


def boundary_distance(size: tuple[int, int], ratio: float) -> int:
    """Return how many pixels a boundary reaches inwards in an image of this size (H, W).

    That is `ratio` of the diagonal, at least 1. Halves are rounded to even, as in boundary-iou-api.

    >>> boundary_distance((375, 500), 0.02), boundary_distance((1024, 2048), 0.005)
    (12, 11)
    """
    return max(1, round(ratio * math.sqrt(size[0] ** 2 + size[1] ** 2)))


def _tables(shared: Overlaps, classes: Classes, positions: Array) -> tuple[dict[str, Table], Array]:
    """Return the tables of mask IoU, and the mask IoU of the candidates."""
    candidates = shared.candidates()
    iou = shared.ious(*candidates)
    segments = matches(shared, candidates, iou, len(classes), positions)
    tables = {
        "segments": segments,
        "truth_segments": truth_segments(shared, positions),
        "claimed_areas": claimed_areas(shared, positions),
        found_as.TABLE: found_as.of_segments(shared, segments, positions),
    }
    return tables, iou


def _side(
    segments: Segments,
    map_ids: Array,
    classes: Classes,
    subject: str,
    error_type: type[DataError | PredictionError],
) -> SegmentColumns:
    """Order the segments by id, after checking that the map and the list name the same ones.

    `map_ids` are the ids that have pixels, 0 for void; `subject` begins the messages.
    """
    order = np.argsort(segments.segment_ids)
    ids = np.asarray(segments.segment_ids, dtype=np.int64)[order]
    labels = np.asarray(segments.classes, dtype=np.int64)[order]
    # NEVER after the last id: the search for a larger id then finds something unequal.
    rows = np.searchsorted(ids, map_ids)
    listed = np.append(ids, NEVER)[rows] == map_ids
    if not (listed | (map_ids == 0)).all():
        stray = map_ids[~listed & (map_ids != 0)].min()
        raise error_type(
            f"{subject} has pixels of segment {stray}, which is not among its {len(ids)} "
            "listed segments"
        )
    has_pixels = np.bincount(rows[listed], minlength=len(ids))
    if not has_pixels.all():
        empty = ids[has_pixels == 0][0]
        raise error_type(
            f"{subject} lists segment {empty}, which has no pixel; leave such segments out"
        )
    if ids.size and ids[0] < 0:
        raise error_type(
            f"{subject} has a segment {ids[0]}: ids are positive numbers below 2^31, and 0 is void"
        )
    no_class = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if no_class.size:
        first = no_class[0]
        raise error_type(
            f"{subject} gives segment {ids[first]} the class {labels[first]}; classes are "
            f"0-{len(classes) - 1}"
        )
    claimed = np.full(len(ids), np.nan) if segments.claimed is None else segments.claimed[order]
    return SegmentColumns(ids, labels, np.asarray(segments.crowd, dtype=bool)[order], claimed)


def _int32(ids: Array, subject: str, error_type: type[DataError | PredictionError]) -> Array:
    if ids.dtype == np.int32:
        return ids
    if ids.dtype.kind not in "iu":
        raise error_type(f"{subject} has segment ids of type {ids.dtype}; they must be integers")
    if ids.dtype.itemsize >= 4 and ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < 1 << 31:
        raise error_type(
            f"{subject} has segment ids from {ids.min()} to {ids.max()}; they must be in 0 .. "
            "2^31 - 1"
        )
    return ids.astype(np.int32)
