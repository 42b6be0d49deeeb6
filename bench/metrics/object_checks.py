"""What is odd about the objects of images, counted from columns: masks that are empty or boxes, boxes that are none.

Nothing here changes a score. A table keeps what is found, so that words can be made of finished counts; of files in
order it is empty. What is said, and from which share on, is told in `bench/scoring/object_notices.py`.
"""

from __future__ import annotations

import numpy as np

from bench import kernels
from bench.samples import FROM_BOX, PART_LEFT_OUT, Array, Table
from bench.samples.columns import DetectionColumns, Runs, TruthColumns

TABLE = "object_checks"
CHECKS = ("from_box", "part", "no_pixel", "no_extent", "area", "fraction", "box", "beyond", "hidden")
"""Mask drawn from the box; part of a polygon left out; no pixel; no width or height; the area is not that of the mask;
the box lies within 0 and 1; it is not that around the mask; it reaches beyond the image; a crowd or an ignored object,
in an image that holds nothing else."""
TRUTH, FOUND = 0, 1
TIMES = 2
"""How much larger or smaller an area may be than that of the mask: boxes are up to 4 / pi of a disk."""
SMALLEST_SHARE = 0.1
"""The share of a box that a mask may have, where only boxes are known."""
OVERLAP = 0.7
"""The IoU of a box with the box around its mask from which on they belong together."""
OUTSIDE = 0.1
"""The share of an image's side that boxes may reach beyond it."""
Flags = dict[str, tuple[Array, Array | None, Array | None]]
"""By check: which objects it marks (G,) bool, and numbers of each for words, (G,) or (G, 4): those told, those seen."""


def facts(truth: TruthColumns, detections: DetectionColumns) -> Table:
    """The table of all images, a row for each image, side and check that marks any object.

    Columns: image (int32), side (int8: TRUTH or FOUND), check (int8: place in CHECKS), objects (int32: how many),
    number (int64: what the file calls the first one, -1 where that is unknown), told_0 .. told_3 and seen_0 .. seen_3
    (float64: numbers of the first one, 0 where there are none).
    """
    parts = [
        _rows(columns, side, check, flags)
        for columns, side in ((truth, TRUTH), (detections, FOUND))
        for check, flags in _flags(columns, truth.sizes).items()
        if flags[0].any()
    ]
    parts.append(_rows(truth, TRUTH, CHECKS[0], (np.zeros(len(truth), dtype=bool), None, None)))
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(whole["image"], kind="stable")
    return {name: column[order] for name, column in whole.items()}


def _flags(columns: TruthColumns | DetectionColumns, sizes: Array | None) -> Flags:
    marks = np.zeros(len(columns), dtype=np.uint8) if columns.marks is None else columns.marks
    boxes = columns.boxes
    flat = (boxes[:, 2] <= 0) | (boxes[:, 3] <= 0)
    ends = boxes[:, :2] + boxes[:, 2:]
    found: Flags = {"fraction": (~flat & (boxes[:, :2] >= 0).all(axis=1) & (ends <= 1).all(axis=1), boxes, None)}
    if sizes is not None:
        found["beyond"] = (~flat & _beyond(boxes, ends, sizes[columns.image]), boxes, sizes[columns.image])
    drawn = marks & FROM_BOX > 0
    if columns.runs is None:
        found["no_extent"] = (flat, boxes, None)
    else:
        pixels, tight = _measured(columns.runs)
        found["from_box"] = (drawn & (pixels > 0), None, None)
        found["part"] = (marks & PART_LEFT_OUT > 0, None, None)
        found["no_pixel"] = (pixels == 0, boxes, None)
        found["no_extent"] = (flat & (pixels > 0), boxes, None)
        found["box"] = ((pixels > 0) & ~drawn & (_iou(boxes, tight) < OVERLAP), boxes, tight)
    if isinstance(columns, TruthColumns):
        area, least = (boxes[:, 2] * boxes[:, 3], SMALLEST_SHARE) if columns.runs is None else (pixels, 1 / TIMES)
        wrong = (columns.areas > TIMES * area) | (columns.areas < least * area)
        found["area"] = (wrong & (area > 0) & ~columns.crowd, columns.areas, area)
        found["hidden"] = (_hidden(columns), columns.crowd.astype(np.float64), None)
    return found


def _measured(runs: Runs) -> tuple[Array, Array]:
    """Pixels of each mask and the box around it."""
    return (
        kernels.run_areas(runs.offsets, runs.lengths),
        kernels.run_boxes(runs.offsets, runs.lengths, runs.heights),
    )


def _beyond(boxes: Array, ends: Array, sizes: Array) -> Array:
    """Boxes that reach far beyond their image, or lie outside; `sizes` (G, 2) are heights and widths."""
    sides = sizes[:, ::-1]
    return np.asarray(((ends > (1 + OUTSIDE) * sides + 1) | (boxes[:, :2] >= sides) | (ends <= 0)).any(axis=1))


def _iou(first: Array, second: Array) -> Array:
    """Overlap of boxes in pairs, (G,); 0 where one has no extent."""
    low = np.maximum(first[:, :2], second[:, :2])
    high = np.minimum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    union = np.prod(first[:, 2:], axis=1) + np.prod(second[:, 2:], axis=1) - common
    overlaps: Array = np.divide(common, union, out=np.zeros(len(common)), where=common > 0)
    return overlaps


def _hidden(truth: TruthColumns) -> Array:
    """Objects that nobody looks for, in images that hold no other."""
    hidden = truth.crowd if truth.ignore is None else truth.crowd | truth.ignore
    looked_for = np.bincount(truth.image[~hidden], minlength=truth.images)
    return np.asarray(hidden & (looked_for[truth.image] == 0))


def _rows(
    columns: TruthColumns | DetectionColumns, side: int, check: str, flags: tuple[Array, Array | None, Array | None]
) -> dict[str, Array]:
    marked, told, seen = flags
    places = np.flatnonzero(marked)
    image, first, counts = np.unique(columns.image[places], return_index=True, return_counts=True)
    rows = places[first]
    numbers = np.full(len(rows), -1, dtype=np.int64) if columns.numbers is None else columns.numbers[rows]
    table: dict[str, Array] = {
        "image": image.astype(np.int32),
        "side": np.full(len(rows), side, dtype=np.int8),
        "check": np.full(len(rows), CHECKS.index(check), dtype=np.int8),
        "objects": counts.astype(np.int32),
        "number": numbers,
    }
    for name, values in (("told", told), ("seen", seen)):
        four = np.zeros((len(rows), 4))
        if values is not None:
            wide = values[rows].reshape(len(rows), -1)
            four[:, : wide.shape[1]] = wide
        table |= {f"{name}_{k}": four[:, k] for k in range(4)}
    return table
