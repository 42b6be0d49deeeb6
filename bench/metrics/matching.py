"""The match tables: which detections match which objects at which overlap, for many images.

`match_tables` makes them from columns of objects, a protocol, and a function that computes
overlaps. Boundary AP is another such function, VOC's AP^r another matcher; both make the same
tables. `average_precision.py` turns the tables into scores. This module does not know why images
are weighted.

Bits. A protocol has A size ranges and T thresholds of overlap, and a detection may match in one and
not in another. So the columns `matched` and `ignored` are 64-bit numbers with one bit for each
pair: bit a * T + t for size range a and threshold t. COCO has T = 10 thresholds and A = 4 ranges:

    bit    39 .. 30    29 .. 20    19 .. 10     9 .. 0
           large       medium      small        all sizes
           .95 .. .50  .95 .. .50  .95 .. .50   .95 .. .50

    ignored 0, matched 1    true positive
    ignored 0, matched 0    false positive
    ignored 1               neither: it matches a crowd or an object outside the size range, or it
                            is unmatched and its own area is outside the size range

One row for each detection then holds what pycocotools keeps in 40 arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from bench import kernels
from bench.errors import InputError
from bench.kernels.threads import processors, spread
from bench.metrics.protocols import Protocol, SizeRange
from bench.samples import Array, Table
from bench.samples.columns import DetectionColumns, TruthColumns

_PAIRS = 1 << 20
"""Overlaps computed at once, which bounds the memory of matching."""
_FEW = 1 << 12
"""Overlaps that take less time than starting a thread."""


@dataclass(frozen=True, eq=False)
class Groups:
    """K groups of detections and true objects of the same image and class.

    `detection_rows` are rows of the columns, sorted by image, class and falling score; `truth_rows`
    by image and class. `spans` (K, 4) int64 are the ends of the groups in both: group k is
    `detection_rows[spans[k, 0]:spans[k, 1]]` and `truth_rows[spans[k, 2]:spans[k, 3]]`. Every group
    has a detection, but may have no object. `rank` (D,) uint16 is the position of a detection in
    its group.
    """

    detection_rows: Array
    truth_rows: Array
    spans: Array
    rank: Array


Overlaps: TypeAlias = Callable[[Groups], Array]
"""A function that returns the overlap of each pair, flat float64: by group, then by detection."""


Matcher: TypeAlias = Callable[..., tuple[Array, Array]]
"""A function with the arguments and results of `kernels.match`."""


def group(truth: TruthColumns, detections: DetectionColumns, limit: int | None = None) -> Groups:
    """Sort objects into groups of one image and class, each with at most `limit` detections.

    Detections of equal score keep the order of their file, as in pycocotools.
    """
    rows = kernels.order_groups(detections.image, detections.classes, detections.scores)
    truth_rows = kernels.order_groups(truth.image, truth.classes, None)
    keys, truth_keys = (
        _keys(detections.image, detections.classes)[rows],
        _keys(truth.image, truth.classes)[truth_rows],
    )
    starts = (
        np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        if len(keys)
        else np.zeros(0, np.int64)
    )
    sizes = np.diff(starts, append=len(keys))
    rank = np.arange(len(keys)) - np.repeat(starts, sizes)
    counted = np.minimum(sizes, len(keys) if limit is None else limit)
    within_limit = rank < np.repeat(counted, sizes)
    ends = np.cumsum(counted)
    low = np.searchsorted(truth_keys, keys[starts], side="left")
    high = np.searchsorted(truth_keys, keys[starts], side="right")
    spans = np.stack([ends - counted, ends, low, high], axis=1).astype(np.int64)
    # No protocol distinguishes ranks above 65535.
    return Groups(
        rows[within_limit],
        truth_rows,
        spans,
        np.minimum(rank[within_limit], 65535).astype(np.uint16),
    )


def box_overlaps(truth: TruthColumns, detections: DetectionColumns) -> Overlaps:
    """Return a function for the IoU of boxes; with a crowd, intersection / area of detection."""

    def overlaps(groups: Groups) -> Array:
        return kernels.box_overlaps(
            detections.boxes,
            truth.boxes,
            truth.crowd,
            detection_rows=groups.detection_rows,
            truth_rows=groups.truth_rows,
            spans=groups.spans,
        )

    return overlaps


def mask_overlaps(
    truth: TruthColumns, detections: DetectionColumns, *, floor: float = 0.0
) -> Overlaps:
    """Return a function for the IoU of masks; with a crowd, intersection / area of the detection.

    Overlaps below `floor` become 0: the kernel need not finish comparing masks that cannot match.

    Raises:
        InputError: there are no masks.
    """
    if truth.runs is None or detections.runs is None:
        missing = "truth" if truth.runs is None else "detections"
        raise InputError(
            f"the {missing} have boxes only, and masks are to be compared; ask for boxes instead"
        )
    true_runs, detection_runs = truth.runs, detections.runs

    def overlaps(groups: Groups) -> Array:
        return kernels.mask_overlaps(
            (detection_runs.offsets, detection_runs.lengths, detection_runs.heights),
            (true_runs.offsets, true_runs.lengths, true_runs.heights),
            truth.crowd,
            detection_rows=groups.detection_rows,
            truth_rows=groups.truth_rows,
            spans=groups.spans,
            floor=floor,
        )

    return overlaps


def match_tables(
    truth: TruthColumns,
    detections: DetectionColumns,
    overlaps: Overlaps,
    protocol: Protocol,
    *,
    areas: Array,
    lenient: Array | None = None,
    matcher: Matcher = kernels.match,
) -> tuple[Table, Table]:
    """Match the detections of all images; returns two tables, detections and truths, by image.

    `areas` (D,) float64 are the areas of the detections in pixels. An unmatched detection whose
    area is outside a size range is ignored there; one that is marked in `lenient` (D,) bool is
    ignored in all ranges. So are crowds and the objects of `truth.ignore`. `matcher` assigns
    detections to objects, by default as COCO does.

    Detections, by image, class and falling score: image (int32), class (int16), score (float64),
    rank (uint16, position among those of its image and class), matched and ignored (uint64, see the
    bits above).

    Truths: image (int32), class (int16), size (int8, number of the size range), objects (int32, to
    be found), ignored (int32).
    """
    groups = group(truth, detections, protocol.max_detections)
    hidden = truth.crowd if truth.ignore is None else truth.crowd | truth.ignore
    # One byte for each object: bit a says that it does not count in size range a. 255 is all
    # ranges.
    ignored = (_outside(truth.areas, protocol.sizes) | np.where(hidden, 255, 0).astype(np.uint8))[
        groups.truth_rows
    ]
    outside = _outside(areas, protocol.sizes)[groups.detection_rows]
    if lenient is not None:
        outside |= np.where(lenient[groups.detection_rows], 255, 0).astype(np.uint8)
    crowds, thresholds = truth.crowd[groups.truth_rows], np.array(protocol.thresholds)

    def match(some: Groups) -> tuple[Array, Array]:
        return matcher(
            overlaps(some),
            some.spans,
            thresholds,
            areas=len(protocol.sizes),
            ignored=ignored,
            outside=outside,
            many=crowds,
        )

    results = spread(match, parts(groups))
    rows = groups.detection_rows
    table = {
        "image": detections.image[rows],
        "class": detections.classes[rows].astype(np.int16),
        "score": detections.scores[rows],
        "rank": groups.rank,
        "matched": np.concatenate([np.zeros(0, np.uint64), *(matched for matched, _ in results)]),
        "ignored": np.concatenate([np.zeros(0, np.uint64), *(neither for _, neither in results)]),
    }
    return table, _truth_table(truth, groups.truth_rows, ignored, len(protocol.sizes))


def parts(groups: Groups) -> list[Groups]:
    """Cut groups into parts of bounded size, and into enough parts for all processors.

    No group is cut, so the result does not depend on the number of processors.
    """
    if not len(groups.spans):
        return []
    sizes = np.diff(groups.spans, axis=1)
    pairs = np.cumsum(sizes[:, 0] * sizes[:, 2])
    # Four parts for each processor, so that all are busy to the end although parts take unequal
    # time.
    step = min(_PAIRS, max(_FEW, int(pairs[-1]) // (4 * processors())))
    cuts = [0, *(np.flatnonzero(np.diff(pairs // step)) + 1).tolist(), len(pairs)]
    return [
        Groups(groups.detection_rows, groups.truth_rows, groups.spans[start:stop], groups.rank)
        for start, stop in pairwise(cuts)
    ]


def _truth_table(truth: TruthColumns, rows: Array, ignored: Array, sizes: int) -> Table:
    keys = _keys(truth.image, truth.classes)[rows]
    starts = (
        np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        if len(keys)
        else np.zeros(0, np.int64)
    )
    # Unpack the byte of each object into one column per size range, then sum by image and class.
    hidden = np.unpackbits(ignored[:, None], axis=1, bitorder="little")[:, :sizes].astype(np.int32)
    shape = (len(starts), sizes)
    without = np.add.reduceat(hidden, starts, axis=0) if len(starts) else np.zeros(shape, np.int32)
    total = np.diff(starts, append=len(keys))[:, None]
    first = rows[starts]
    return {
        "image": np.repeat(truth.image[first], sizes),
        "class": np.repeat(truth.classes[first], sizes).astype(np.int16),
        "size": np.tile(np.arange(sizes, dtype=np.int8), len(starts)),
        "objects": (total - without).astype(np.int32).reshape(-1),
        "ignored": without.astype(np.int32).reshape(-1),
    }


def _outside(areas: Array, sizes: tuple[SizeRange, ...]) -> Array:
    """Return one byte for each area, in which bit a says that the area is outside size range a."""
    bits = np.zeros(len(areas), dtype=np.uint8)
    for number, size in enumerate(sizes):
        bits |= (((areas < size.low) | (areas > size.high)) << number).astype(np.uint8)
    return bits


def _keys(image: Array, classes: Array) -> Array:
    """Return image and class as one number, to sort and search by both at once."""
    return image.astype(np.int64) << 32 | classes
