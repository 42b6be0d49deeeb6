"""The kernels in NumPy: the specification of `native/`, its oracle in the tests, and the fallback
without a compiler.

Clear and exact comes before fast here. Nothing here knows files, the names of classes or metrics.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from bench.kernels.reference_boundaries import boundary_runs
from bench.kernels.reference_objects import (
    box_overlaps,
    mask_overlaps,
    match,
    order_groups,
    run_areas,
    run_boxes,
)
from bench.kernels.reference_precision import trapezoid_areas, weighted_precision

__all__ = [
    "InvalidLabel",
    "boundary_runs",
    "box_overlaps",
    "color_ids",
    "contour_matches",
    "edge_map",
    "filtered_ids",
    "filtered_mask",
    "filtered_pair_counts",
    "joint_histogram",
    "labels_under",
    "map_labels",
    "mask_overlaps",
    "match",
    "near_other_labels",
    "order_groups",
    "pair_counts",
    "run_areas",
    "run_boxes",
    "trapezoid_areas",
    "unfilter",
    "value_counts",
    "value_pairs",
    "weighted_precision",
]

from bench.kernels.reference_contours import contour_matches, near_other_labels
from bench.kernels.reference_masks import labels_under
from bench.kernels.reference_png import filtered_ids, filtered_mask, filtered_pair_counts, unfilter
from bench.kernels.reference_segments import color_ids, edge_map, pair_counts, value_pairs

Labels: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]] | np.ndarray[Any, np.dtype[np.uint16]]

_BLOCK = 1 << 22  # pixels counted at once, which bounds the memory of the keys


class InvalidLabel(ValueError):
    """A pixel whose value the table does not map; `value` is the first one in reading order."""

    def __init__(self, value: int) -> None:
        """Keep the value: the caller knows the file that it came from."""
        super().__init__(f"value {value} is not in the table")
        self.value = value


def joint_histogram(
    truth: Labels, prediction: Labels, rows: int, columns: int
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Count the pixels of every pair of values of two label maps of one shape; returns (rows,
    columns) int64.

    `truth` and `prediction` are uint8 or uint16, in any memory layout. No value is dropped: callers
    say how many rows and columns they want counted, and map what is void to a row or column of its
    own.

    >>> joint_histogram(np.uint8([[0, 0, 1]]), np.uint8([[0, 1, 1]]), 2, 2).tolist()
    [[1, 1], [0, 1]]

    Raises:
        ValueError: shapes that differ, another dtype, or a value outside the rows or columns (the
            first is named).
    """
    _require_labels(truth)
    _require_labels(prediction)
    if truth.shape != prediction.shape:
        raise ValueError(
            f"truth has shape {truth.shape} and prediction {prediction.shape}: they must be equal"
        )
    if not (0 <= rows <= 65536 and 0 <= columns <= 65536):
        raise ValueError(f"rows and columns lie in 0 ... 65536, not {rows} and {columns}")
    counts = np.zeros(rows * columns, dtype=np.int64)
    flat_truth, flat_prediction = truth.reshape(-1), prediction.reshape(-1)
    for start in range(0, flat_truth.size, _BLOCK):
        first = flat_truth[start : start + _BLOCK].astype(np.int64)
        second = flat_prediction[start : start + _BLOCK].astype(np.int64)
        _require_inside(first, second, rows, columns)
        counts += np.bincount(first * columns + second, minlength=rows * columns)
    return counts.reshape(rows, columns)


def value_counts(labels: Labels) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Count the pixels of every value of a label map, uint8 or uint16: (256,) or (65536,) int64.

    >>> value_counts(np.uint8([[7, 7, 0]]))[:8].tolist()
    [1, 0, 0, 0, 0, 0, 0, 2]

    Raises:
        ValueError: another dtype.
    """
    _require_labels(labels)
    return np.bincount(labels.reshape(-1), minlength=1 << 8 * labels.dtype.itemsize).astype(
        np.int64, copy=False
    )


def map_labels(
    labels: Labels, table: np.ndarray[tuple[int], np.dtype[np.int32]], dtype: DTypeLike
) -> Labels:
    """Replace every value `v` by `table[v]`; returns a C-contiguous array of the shape of `labels`
    and of type `dtype`.

    `labels` is uint8 or uint16, `table` int32 of any length, `dtype` uint8 or uint16. A negative
    entry of the table, and a value past its end, are invalid.

    >>> map_labels(np.uint8([[7, 8]]), np.int32([-1] * 7 + [0, 255]), np.uint8).tolist()
    [[0, 255]]

    Raises:
        InvalidLabel: a pixel holds an invalid value; the error carries it.
        ValueError: another dtype, or an entry of the table that `dtype` does not hold.
    """
    _require_labels(labels)
    wanted = np.dtype(dtype)
    if wanted not in (np.uint8, np.uint16):
        raise ValueError(f"labels are mapped to uint8 or uint16, not {wanted}")
    if table.dtype != np.int32 or table.ndim != 1:
        raise ValueError(f"the table is a row of int32, not {table.dtype} of shape {table.shape}")
    largest = int(table.max(initial=-1))
    if largest > np.iinfo(wanted).max:
        raise ValueError(f"the table holds {largest}, which {wanted} does not")
    full = np.full(max(table.size, 1 << 8 * labels.dtype.itemsize), -1, dtype=np.int32)
    full[: table.size] = table
    mapped = full[labels]
    if mapped.min(initial=0) < 0:
        raise InvalidLabel(int(labels.reshape(-1)[np.argmax(mapped.reshape(-1) < 0)]))
    return mapped.astype(wanted, order="C")


def _require_labels(labels: Labels) -> None:
    if labels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"label maps are uint8 or uint16, not {labels.dtype}")


def _require_inside(truth: Any, prediction: Any, rows: int, columns: int) -> None:
    outside = (truth >= rows) | (prediction >= columns)
    if outside.any():
        first = int(np.argmax(outside))
        kind, value, limit = (
            ("truth", truth[first], rows)
            if truth[first] >= rows
            else ("prediction", prediction[first], columns)
        )
        raise ValueError(f"{kind} holds the value {value}, which is not below {limit}")
