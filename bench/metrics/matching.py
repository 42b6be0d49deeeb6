"""The match tables: which detection found a true object at which overlap, for many images at once.

`match_tables` makes them from columns, a protocol, and a function that says how far objects overlap: another kind of
overlap (boundaries, say) is another such function, and another way to match makes the same tables. What scores are
made of them is told in `average_precision.py`; which images are weighted how, and why, this module must not know.
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
"""Overlaps that are not worth a thread."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Detections and truths of the same image and class.

    `detection_rows` are rows of the columns by image, class and falling score, at most `cap` of each group;
    `truth_rows` by image and class. `spans` (K, 4) int64: group k is `detection_rows[spans[k, 0]:spans[k, 1]]` and
    `truth_rows[spans[k, 2]:spans[k, 3]]`; every group has a detection. `rank` (D,) uint16 is the place of each
    detection in its group.
    """

    detection_rows: Array
    truth_rows: Array
    spans: Array
    rank: Array


Overlaps: TypeAlias = Callable[[Groups], Array]
"""The overlap of each pair of the groups, flat float64: group after group, a row of truths for each detection."""


Matcher: TypeAlias = Callable[..., tuple[Array, Array]]
"""Takes and returns what `kernels.match` does."""


def group(truth: TruthColumns, detections: DetectionColumns, cap: int | None = None) -> Groups:
    """Sort objects into groups of one image and class; detections of equal score keep the order of their file."""
    rows = kernels.order_groups(detections.image, detections.classes, detections.scores)
    truth_rows = kernels.order_groups(truth.image, truth.classes, None)
    keys, truth_keys = _keys(detections.image, detections.classes)[rows], _keys(truth.image, truth.classes)[truth_rows]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, np.int64)
    sizes = np.diff(starts, append=len(keys))
    rank = np.arange(len(keys)) - np.repeat(starts, sizes)
    kept = np.minimum(sizes, len(keys) if cap is None else cap)
    keep = rank < np.repeat(kept, sizes)
    ends = np.cumsum(kept)
    low = np.searchsorted(truth_keys, keys[starts], side="left")
    high = np.searchsorted(truth_keys, keys[starts], side="right")
    spans = np.stack([ends - kept, ends, low, high], axis=1).astype(np.int64)
    return Groups(rows[keep], truth_rows, spans, np.minimum(rank[keep], 65535).astype(np.uint16))


def box_overlaps(truth: TruthColumns, detections: DetectionColumns) -> Overlaps:
    """Intersection over union of boxes; with a crowd, intersection over the detection."""

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


def mask_overlaps(truth: TruthColumns, detections: DetectionColumns, *, floor: float = 0.0) -> Overlaps:
    """Intersection over union of masks; with a crowd, intersection over the detection. Less than `floor` becomes 0.

    Raises:
        InputError: there are no masks.
    """
    if truth.runs is None or detections.runs is None:
        missing = "truth" if truth.runs is None else "detections"
        raise InputError(f"the {missing} have boxes only, and masks are to be compared; ask for boxes instead")
    theirs, ours = truth.runs, detections.runs

    def overlaps(groups: Groups) -> Array:
        return kernels.mask_overlaps(
            (ours.offsets, ours.lengths, ours.heights),
            (theirs.offsets, theirs.lengths, theirs.heights),
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
    """Match the detections of all images; returns the tables (detections, truths), rows sorted by image.

    `areas` (D,) float64 are the detections' areas in pixels. An unmatched detection outside a size range is ignored
    there, and so is one marked in `lenient` (D,) bool everywhere. `truth.ignore` and crowds are ignored in all ranges.
    `matcher` decides who finds whom, as COCO has it by default.

    Detections, by image, class and falling score: image (int32), class (int16), score (float64), rank (uint16, place
    among those of its image and class), matched and ignored (uint64: bit a * T + t stands for size range a and
    threshold t). A detection that is matched and not ignored is right, one that is neither is wrong.

    Truths: image (int32), class (int16), size (int8, which range), objects (int32, to be found), ignored (int32).
    """
    groups = group(truth, detections, protocol.cap)
    hidden = truth.crowd if truth.ignore is None else truth.crowd | truth.ignore
    ignored = (_outside(truth.areas, protocol.sizes) | np.where(hidden, 255, 0).astype(np.uint8))[groups.truth_rows]
    outside = _outside(areas, protocol.sizes)[groups.detection_rows]
    if lenient is not None:
        outside |= np.where(lenient[groups.detection_rows], 255, 0).astype(np.uint8)
    many, thresholds = truth.crowd[groups.truth_rows], np.array(protocol.thresholds)

    def work(part: Groups) -> tuple[Array, Array]:
        return matcher(
            overlaps(part),
            part.spans,
            thresholds,
            areas=len(protocol.sizes),
            ignored=ignored,
            outside=outside,
            many=many,
        )

    done = spread(work, parts(groups))
    rows = groups.detection_rows
    found = {
        "image": detections.image[rows],
        "class": detections.classes[rows].astype(np.int16),
        "score": detections.scores[rows],
        "rank": groups.rank,
        "matched": np.concatenate([np.zeros(0, np.uint64), *(matched for matched, _ in done)]),
        "ignored": np.concatenate([np.zeros(0, np.uint64), *(neither for _, neither in done)]),
    }
    return found, _truth_table(truth, groups.truth_rows, ignored, len(protocol.sizes))


def parts(groups: Groups) -> list[Groups]:
    """Cut groups into parts of few enough pairs, and enough parts for all processors; the cut changes no result."""
    if not len(groups.spans):
        return []
    sizes = np.diff(groups.spans, axis=1)
    pairs = np.cumsum(sizes[:, 0] * sizes[:, 2])
    step = min(_PAIRS, max(_FEW, int(pairs[-1]) // (4 * processors())))
    cuts = [0, *(np.flatnonzero(np.diff(pairs // step)) + 1).tolist(), len(pairs)]
    return [
        Groups(groups.detection_rows, groups.truth_rows, groups.spans[start:stop], groups.rank)
        for start, stop in pairwise(cuts)
    ]


def _truth_table(truth: TruthColumns, rows: Array, ignored: Array, sizes: int) -> Table:
    keys = _keys(truth.image, truth.classes)[rows]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, np.int64)
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
    """Bit a: the area lies outside size range a; uint8."""
    bits = np.zeros(len(areas), dtype=np.uint8)
    for place, size in enumerate(sizes):
        bits |= (((areas < size.low) | (areas > size.high)) << place).astype(np.uint8)
    return bits


def _keys(image: Array, classes: Array) -> Array:
    return image.astype(np.int64) << 32 | classes
