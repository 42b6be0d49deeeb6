"""Count how panoptic segments of truth and prediction match: the tables behind PQ and Boundary PQ.

Pixels decide: no area that a file claims is trusted. How segments match is in `overlaps.py`; scores and weights are in
`panoptic.py`, which this module must not know, and neither does it know files.
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
    """Match the segments of one image, class by class, and return tables by name.

    `segments`, a row for every class with anything to count, by class: image (int32), class (int16, 0 .. C-1), iou_sum
    (float64, over matched pairs), tp, fp, fn (int32: matched pairs, predicted and true segments without a match).
    `truth_segments`, a row for every segment of the truth, by class: image (int32), class (int16), crowd (int8, 0 or
    1), pixels (int32; int64 where one has 2^31 or more).
    `claimed_areas`, a row for every segment of the truth whose `claimed` area is not its pixels: image (int32), segment
    (int64), claimed (float64), pixels (int64).
    `found_as`, where few segments are found as what they are: as which other class, see `found_as.py`.
    `boundary_segments`, with `boundary_ratio` (of the diagonal): as `segments` by the smaller of mask and boundary IoU.

    Two segments match if both have the same class, the true one is no crowd, and their IoU is above .5, where pixels of
    the predicted one over void do not count. Predictions that lie by more than half over void and crowds of their class
    are no false positives. Source: panopticapi; boundary-iou-api for the boundary. `where` names the image in messages.

    >>> from bench.classes import Class
    >>> classes = Classes((Class(0, "car", 0, thing=True),))
    >>> one = Segments(np.array([[7, 7, 7, 0]]), np.array([7]), np.array([0]), np.array([False]))
    >>> table = count(one, Segments(np.array([[0, 2, 2, 2]]), np.array([2]), np.array([0]), np.array([False])), classes)
    >>> [table["segments"][name].tolist() for name in ("iou_sum", "tp", "fp", "fn")]
    [[0.6666666666666666], [1], [0], [0]]

    Raises:
        PredictionError: the sizes differ, pixels of a segment that is not listed or the reverse, an unknown class.
        DataError: the same of the truth's segments.
    """
    prefix = f"{where}: " if where else ""
    if truth.size != prediction.size:
        sizes = [f"{height}x{width}" for height, width in (prediction.size, truth.size)]
        raise PredictionError(
            f"{prefix}the predicted segments are {sizes[0]} pixels (height x width) but the truth is {sizes[1]}: "
            "predictions have the size of the truth"
        )
    maps = (
        _int32(truth.ids, f"{prefix}the truth", DataError),
        _int32(prediction.ids, f"{prefix}the prediction", PredictionError),
    )
    pairs = kernels.pair_counts(*maps)
    true = _side(truth, pairs[:, 0], classes, f"{prefix}the truth", DataError)
    guessed = _side(prediction, pairs[:, 1], classes, f"{prefix}the prediction", PredictionError)
    found, positions = overlaps(pairs, true, guessed), np.array([image], dtype=np.int32)
    tables, iou = _tables(found, classes, positions)
    if boundary_ratio is not None:
        distance = boundary_distance(truth.size, boundary_ratio)
        edges = overlaps(kernels.pair_counts(*(kernels.edge_map(ids, distance) for ids in maps)), true, guessed)
        smaller = np.minimum(iou, edges.ious(*found.candidates()))
        tables["boundary_segments"] = matches(found, found.candidates(), smaller, len(classes), positions)
    return tables


def count_pairs(pairs: SegmentPairs, classes: Classes, positions: Array) -> dict[str, Table]:
    """Match the segments of several images, whose `positions` in the data set are given; tables as from `count`."""
    return _tables(overlaps(pairs.pixels, pairs.truth, pairs.prediction), classes, positions)[0]


def boundary_distance(size: tuple[int, int], ratio: float) -> int:
    """Return how many pixels a boundary reaches inwards in an image of this size: a share of its diagonal, at least 1.

    Halves round to even, as in boundary-iou-api.

    >>> boundary_distance((375, 500), 0.02), boundary_distance((1024, 2048), 0.005)
    (12, 11)
    """
    return max(1, round(ratio * math.sqrt(size[0] ** 2 + size[1] ** 2)))


def _tables(found: Overlaps, classes: Classes, positions: Array) -> tuple[dict[str, Table], Array]:
    """The tables of mask IoU, and that IoU of the candidates."""
    candidates = found.candidates()
    iou = found.ious(*candidates)
    segments = matches(found, candidates, iou, len(classes), positions)
    tables = {
        "segments": segments,
        "truth_segments": truth_segments(found, positions),
        "claimed_areas": claimed_areas(found, positions),
        found_as.TABLE: found_as.of_segments(found, segments, positions),
    }
    return tables, iou


def _side(
    segments: Segments, found: Array, classes: Classes, what: str, wrong: type[DataError | PredictionError]
) -> SegmentColumns:
    """Order the segments by id, after checking that map and list name the same ones; `found` holds the map's ids."""
    order = np.argsort(segments.segment_ids)
    ids = np.asarray(segments.segment_ids, dtype=np.int64)[order]
    labels = np.asarray(segments.classes, dtype=np.int64)[order]
    place = np.searchsorted(ids, found)
    known = np.append(ids, NEVER)[place] == found
    if not (known | (found == 0)).all():
        stray = found[~known & (found != 0)].min()
        raise wrong(f"{what} has pixels of segment {stray}, which is not among its {len(ids)} listed segments")
    seen = np.bincount(place[known], minlength=len(ids))
    if not seen.all():
        raise wrong(f"{what} lists segment {ids[seen == 0][0]}, which has no pixel; leave such segments out")
    if ids.size and ids[0] < 0:
        raise wrong(f"{what} has a segment {ids[0]}: ids are positive numbers below 2^31, and 0 is void")
    unknown = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if unknown.size:
        first = unknown[0]
        raise wrong(f"{what} gives segment {ids[first]} the class {labels[first]}; classes are 0-{len(classes) - 1}")
    claimed = np.full(len(ids), np.nan) if segments.claimed is None else segments.claimed[order]
    return SegmentColumns(ids, labels, np.asarray(segments.crowd, dtype=bool)[order], claimed)


def _int32(ids: Array, what: str, wrong: type[DataError | PredictionError]) -> Array:
    if ids.dtype == np.int32:
        return ids
    if ids.dtype.kind not in "iu":
        raise wrong(f"{what} has segment ids of type {ids.dtype}; they are whole numbers")
    if ids.dtype.itemsize >= 4 and ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < 1 << 31:
        raise wrong(f"{what} has segment ids from {ids.min()} to {ids.max()}; they lie in 0 ... 2^31 - 1")
    return ids.astype(np.int32)
