"""Checks of objects: empty masks, masks drawn from boxes, boxes without extent, and more.

No check changes a score. Their results are a table, so that notices can be made from finished
counts; for good files it is empty. `bench/scoring/object_notices.py` decides what is reported, and
from which fraction of the objects on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench import kernels
from bench.samples import FROM_BOX, PART_LEFT_OUT, Array, Table
from bench.samples.columns import DetectionColumns, Runs, TruthColumns

TABLE = "object_checks"
CHECKS = (
    "from_box",
    "part",
    "no_pixel",
    "no_extent",
    "area",
    "fraction",
    "box",
    "beyond",
    "hidden",
)
"""The mask is drawn from the box; a part of a polygon is left out; the mask has no pixel; the box
has no width or height; the area is not that of the mask; all corners of the box are between 0 and
1; the box is not around the mask; it reaches beyond the image; a crowd or an ignored object in an
image without others.
"""
TRUTH, FOUND = 0, 1
"""Values of the column `side`: objects of the ground truth, and detections."""
AREA_FACTOR = 2
"""An area may differ by this factor from that of the mask: a box is up to 4 / pi of a disk."""
MIN_MASK_OF_BOX = 0.1
"""The smallest area of a mask as a fraction of its box, if only boxes are known."""
OVERLAP = 0.7
"""A box fits a mask if it has at least this IoU with the box around the mask."""
OUTSIDE = 0.1
"""Boxes may reach beyond the image by this fraction of its side."""
Flags = dict[str, tuple[Array, Array | None, Array | None]]
"""For each check: the objects that it marks, (G,) bool, and the numbers for its notice, (G,) or
(G, 4), as the file states them and as measured."""


def facts(truth: TruthColumns, detections: DetectionColumns) -> Table:
    """Return the table of all images: a row for each image, side and check that marks any object.

    Columns: image (int32), side (int8: TRUTH or FOUND), check (int8: position in CHECKS), objects
    (int32), number (int64: the id of the first one in the file, -1 if unknown), stated_0 ..
    stated_3 and measured_0 .. measured_3 (float64: numbers of the first one, 0 if there are none).
    """
    tables = [
        _rows(columns, side, check, flags)
        for columns, side in ((truth, TRUTH), (detections, FOUND))
        for check, flags in _flags(columns, truth.sizes).items()
        if flags[0].any()
    ]
    # An empty table gives the columns and their types where no check marks anything.
    tables.append(_rows(truth, TRUTH, CHECKS[0], (np.zeros(len(truth), dtype=bool), None, None)))
    joined = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    order = np.argsort(joined["image"], kind="stable")
    return {name: column[order] for name, column in joined.items()}


def _flags(columns: TruthColumns | DetectionColumns, sizes: Array | None) -> Flags:
    marks = np.zeros(len(columns), dtype=np.uint8) if columns.marks is None else columns.marks
    boxes, sides = columns.boxes, _Sides.of(columns.boxes)
    flat = (sides.width <= 0) | (sides.height <= 0)
    # Boxes in fractions of the image have all their corners in the unit square.
    in_unit_square = (sides.left >= 0) & (sides.top >= 0) & (sides.right <= 1) & (sides.bottom <= 1)
    flags: Flags = {"fraction": (~flat & in_unit_square, boxes, None)}
    if sizes is not None:
        image_sizes = sizes[columns.image]
        flags["beyond"] = (~flat & _beyond(sides, image_sizes), boxes, image_sizes)
    if columns.runs is None:
        flags["no_extent"] = (flat, boxes, None)
    else:
        flags |= _mask_flags(columns, columns.runs, marks, sides, flat)
    if isinstance(columns, TruthColumns):
        area, least = _expected(columns)
        # Areas decide only in which size range an object counts, so only gross errors matter.
        wrong = (columns.areas > AREA_FACTOR * area) | (columns.areas < least * area)
        flags["area"] = (wrong & (area > 0) & ~columns.crowd, columns.areas, area)
        flags["hidden"] = (_hidden(columns), columns.crowd.astype(np.float64), None)
    return flags


def _mask_flags(
    columns: TruthColumns | DetectionColumns, runs: Runs, marks: Array, sides: _Sides, flat: Array
) -> Flags:
    """Check masks, and boxes against masks."""
    boxes, drawn = columns.boxes, marks & FROM_BOX > 0
    # Readers mark boxes that they computed from the masks: these need no comparison.
    tight = (
        boxes if _is_tight(columns) else kernels.run_boxes(runs.offsets, runs.lengths, runs.heights)
    )
    around = sides if tight is boxes else _Sides.of(tight)
    has_pixels = around.width > 0
    flags: Flags = {
        "from_box": (drawn & has_pixels, None, None),
        "part": (marks & PART_LEFT_OUT > 0, None, None),
        "no_pixel": (~has_pixels, boxes, None),
        "no_extent": (flat & has_pixels, boxes, None),
    }
    if tight is not boxes:
        flags["box"] = (has_pixels & ~drawn & (_iou(sides, around) < OVERLAP), boxes, tight)
    return flags


def _is_tight(columns: TruthColumns | DetectionColumns) -> bool:
    return isinstance(columns, DetectionColumns) and columns.tight


class _Sides(NamedTuple):
    """Boxes by column, each (G,), which is faster than by row."""

    left: Array
    top: Array
    width: Array
    height: Array
    right: Array
    bottom: Array

    @classmethod
    def of(cls, boxes: Array) -> _Sides:
        left, top, width, height = np.ascontiguousarray(boxes.T)
        return cls(left, top, width, height, left + width, top + height)


def _expected(truth: TruthColumns) -> tuple[Array, float]:
    """Return the expected area of each object, and the smallest plausible fraction of it."""
    if truth.runs is None:
        return truth.boxes[:, 2] * truth.boxes[:, 3], MIN_MASK_OF_BOX
    return kernels.run_areas(truth.runs.offsets, truth.runs.lengths), 1 / AREA_FACTOR


def _beyond(sides: _Sides, sizes: Array) -> Array:
    """Return which boxes reach far beyond their image of size `sizes` (G, 2), or are outside."""
    height, width = sizes[:, 0], sizes[:, 1]
    # One pixel more than the margin allows for boxes whose last pixel is included.
    far = (sides.right > (1 + OUTSIDE) * width + 1) | (sides.bottom > (1 + OUTSIDE) * height + 1)
    outside = (
        (sides.left >= width) | (sides.top >= height) | (sides.right <= 0) | (sides.bottom <= 0)
    )
    return np.asarray(far | outside)


def _iou(first: _Sides, second: _Sides) -> Array:
    """Return the IoU of boxes, pair by pair, (G,); 0 if one has no extent."""
    width = np.minimum(first.right, second.right) - np.maximum(first.left, second.left)
    height = np.minimum(first.bottom, second.bottom) - np.maximum(first.top, second.top)
    common = np.maximum(width, 0) * np.maximum(height, 0)
    union = first.width * first.height + second.width * second.height - common
    overlaps: Array = np.divide(common, union, out=np.zeros(len(common)), where=common > 0)
    return overlaps


def _hidden(truth: TruthColumns) -> Array:
    """Return the crowds and ignored objects in images without other objects."""
    hidden = truth.crowd if truth.ignore is None else truth.crowd | truth.ignore
    counting = np.bincount(truth.image[~hidden], minlength=truth.images)
    return np.asarray(hidden & (counting[truth.image] == 0))


def _rows(
    columns: TruthColumns | DetectionColumns,
    side: int,
    check: str,
    flags: tuple[Array, Array | None, Array | None],
) -> dict[str, Array]:
    """Return the rows of one check: one for each image with marked objects."""
    marked, stated, measured = flags
    objects = np.flatnonzero(marked)
    image, first, counts = np.unique(columns.image[objects], return_index=True, return_counts=True)
    rows = objects[first]
    numbers = (
        np.full(len(rows), -1, dtype=np.int64) if columns.numbers is None else columns.numbers[rows]
    )
    table: dict[str, Array] = {
        "image": image.astype(np.int32),
        "side": np.full(len(rows), side, dtype=np.int8),
        "check": np.full(len(rows), CHECKS.index(check), dtype=np.int8),
        "objects": counts.astype(np.int32),
        "number": numbers,
    }
    for name, values in (("stated", stated), ("measured", measured)):
        four = np.zeros((len(rows), 4))
        if values is not None:
            wide = values[rows].reshape(len(rows), -1)
            four[:, : wide.shape[1]] = wide
        table |= {f"{name}_{k}": four[:, k] for k in range(4)}
    return table
