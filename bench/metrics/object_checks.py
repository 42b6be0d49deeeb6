"""Checks of objects, on columns: masks without a pixel or drawn from a box, boxes without extent or far off.

Nothing here changes a score. A table keeps what is found, so that notices can be made of finished counts; for good
files it is empty. `bench/scoring/object_notices.py` decides what is reported, and from which share on.
"""

from __future__ import annotations

from typing import NamedTuple

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
"""By check: which objects it marks (G,) bool, and numbers for the notice, (G,) or (G, 4): as the file states
them, and as measured."""


def facts(truth: TruthColumns, detections: DetectionColumns) -> Table:
    """The table of all images, a row for each image, side and check that marks any object.

    Columns: image (int32), side (int8: TRUTH or FOUND), check (int8: place in CHECKS), objects (int32: how many),
    number (int64: what the file calls the first one, -1 where that is unknown), stated_0 .. stated_3 and
    measured_0 .. measured_3 (float64: numbers of the first one, 0 where there are none).
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
    boxes, sides = columns.boxes, _Sides.of(columns.boxes)
    flat = (sides.width <= 0) | (sides.height <= 0)
    within = (sides.left >= 0) & (sides.top >= 0) & (sides.right <= 1) & (sides.bottom <= 1)
    found: Flags = {"fraction": (~flat & within, boxes, None)}
    if sizes is not None:
        own = sizes[columns.image]
        found["beyond"] = (~flat & _beyond(sides, own), boxes, own)
    drawn = marks & FROM_BOX > 0
    if columns.runs is None:
        found["no_extent"] = (flat, boxes, None)
    else:
        tight = boxes if _is_tight(columns) else kernels.run_boxes(*_parts(columns.runs))
        around = sides if tight is boxes else _Sides.of(tight)
        there = around.width > 0
        found["from_box"] = (drawn & there, None, None)
        found["part"] = (marks & PART_LEFT_OUT > 0, None, None)
        found["no_pixel"] = (~there, boxes, None)
        found["no_extent"] = (flat & there, boxes, None)
        if tight is not boxes:
            found["box"] = (there & ~drawn & (_iou(sides, around) < OVERLAP), boxes, tight)
    if isinstance(columns, TruthColumns):
        area, least = _expected(columns)
        wrong = (columns.areas > TIMES * area) | (columns.areas < least * area)
        found["area"] = (wrong & (area > 0) & ~columns.crowd, columns.areas, area)
        found["hidden"] = (_hidden(columns), columns.crowd.astype(np.float64), None)
    return found


def _is_tight(columns: TruthColumns | DetectionColumns) -> bool:
    return isinstance(columns, DetectionColumns) and columns.tight


def _parts(runs: Runs) -> tuple[Array, Array, Array]:
    return runs.offsets, runs.lengths, runs.heights


class _Sides(NamedTuple):
    """Boxes column by column, which is quicker than row by row; each (G,)."""

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
    """The area that each object should have, and the share of it that is enough."""
    if truth.runs is None:
        return truth.boxes[:, 2] * truth.boxes[:, 3], SMALLEST_SHARE
    return kernels.run_areas(truth.runs.offsets, truth.runs.lengths), 1 / TIMES


def _beyond(sides: _Sides, sizes: Array) -> Array:
    """Boxes that reach far beyond their image, or lie outside; `sizes` (G, 2) are heights and widths."""
    height, width = sizes[:, 0], sizes[:, 1]
    far = (sides.right > (1 + OUTSIDE) * width + 1) | (sides.bottom > (1 + OUTSIDE) * height + 1)
    outside = (sides.left >= width) | (sides.top >= height) | (sides.right <= 0) | (sides.bottom <= 0)
    return np.asarray(far | outside)


def _iou(first: _Sides, second: _Sides) -> Array:
    """Overlap of boxes in pairs, (G,); 0 where one has no extent."""
    width = np.minimum(first.right, second.right) - np.maximum(first.left, second.left)
    height = np.minimum(first.bottom, second.bottom) - np.maximum(first.top, second.top)
    common = np.maximum(width, 0) * np.maximum(height, 0)
    union = first.width * first.height + second.width * second.height - common
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
    marked, stated, measured = flags
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
    for name, values in (("stated", stated), ("measured", measured)):
        four = np.zeros((len(rows), 4))
        if values is not None:
            wide = values[rows].reshape(len(rows), -1)
            four[:, : wide.shape[1]] = wide
        table |= {f"{name}_{k}": four[:, k] for k in range(4)}
    return table
