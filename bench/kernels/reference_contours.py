"""The kernels over boundaries of classes in NumPy: pixels near another class, and contours with a
partner nearby.

A part of `reference.py`, which is where they are found. Nothing here knows files, classes' names or
metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def near_other_labels(
    labels: Array, void: int, width: int
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Say which pixels have a pixel of another value within `width` (chessboard distance), (H, W)
    bool.

    `labels` (H, W) is uint8 or uint16 and `void` is at least every value in it: void pixels are
    near nothing and nothing is near them. The frame of the image is not a boundary.

    >>> near_other_labels(np.uint8([[0, 0, 0, 1, 9, 1]]), 9, 3).tolist()
    [[True, True, True, True, False, True]]

    Raises:
        ValueError: another dtype or number of dimensions, or a width below 0 or above 10000.
    """
    _require_labels(labels)
    if labels.ndim != 2 or not 0 <= width <= 10000:
        raise ValueError(
            f"a map (H, W) and a width in 0 ... 10000 are needed, not shape {labels.shape} and "
            f"{width}"
        )
    is_void = labels == void
    lowest = _windowed(labels, width, np.minimum, void)
    highest = _windowed(np.where(is_void, labels.dtype.type(0), labels), width, np.maximum, 0)
    return np.asarray(((lowest != labels) | (highest != labels)) & ~is_void)


def contour_matches(
    truth: Array, prediction: Array, classes: int, radii: Sequence[int]
) -> np.ndarray[tuple[int, int, int], np.dtype[np.int64]]:
    """Count the contour pixels of every class in two label maps, and those within each radius of
    one in the other map.

    `truth` and `prediction` (H, W) are uint8 or uint16; values from `classes` on are not classes.
    `radii` (T,) are whole numbers that do not fall. Returns (classes, 2, 1 + T) int64: truth, then
    prediction; all contour pixels, then those whose Euclidean distance to the nearest contour pixel
    of the class in the other map is at most each radius.

    A pixel is on the contour of a class if it or its right, lower or lower right neighbour belongs
    to the class while another of these does not; neighbours outside the image are left out, and the
    last pixel is on no contour.

    >>> contour_matches(np.uint8([[0, 0, 1, 1]]), np.uint8([[0, 1, 1, 1]]), 2, [0, 1]).tolist()
    [[[1, 0, 1], [1, 0, 1]], [[1, 0, 1], [1, 0, 1]]]

    Raises:
        ValueError: shapes that differ or are not (H, W), another dtype, or radii that fall, are
            negative or too large.
    """
    _require(truth, prediction, classes, radii)
    counts = np.zeros((classes, 2, 1 + len(radii)), dtype=np.int64)
    if truth.size == 0:
        return counts
    reach = radii[-1] if len(radii) else 0
    offsets = _offsets(reach)
    for number in np.intersect1d(np.arange(classes), np.union1d(truth, prediction)).tolist():
        contours = _contour(truth == number), _contour(prediction == number)
        for side, (mine, other) in enumerate((contours, contours[::-1])):
            squares = _nearest(np.argwhere(mine), np.pad(other, reach), offsets, reach)
            counts[number, side, 0] = len(squares)
            counts[number, side, 1:] = [np.count_nonzero(squares <= radius**2) for radius in radii]
    return counts


def _contour(mask: Array) -> Array:
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    block = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    return np.asarray(np.logical_or.reduce(block) & ~np.logical_and.reduce(block))


def _offsets(reach: int) -> list[tuple[int, int, int]]:
    """Square distance, rows and columns of all steps within a radius, the shortest first."""
    side = range(-reach, reach + 1)
    return sorted(
        (y * y + x * x, y, x) for y in side for x in side if y * y + x * x <= reach * reach
    )


def _nearest(points: Array, other: Array, offsets: list[tuple[int, int, int]], reach: int) -> Array:
    """Square distance of each point (K, 2) to the nearest pixel of a padded mask; the largest int64
    beyond reach.
    """
    squares = np.full(len(points), np.iinfo(np.int64).max)
    waiting = np.arange(len(points))
    for square, down, across in offsets:
        rows, columns = points[waiting, 0] + down + reach, points[waiting, 1] + across + reach
        hit = other[rows, columns]
        squares[waiting[hit]] = square
        waiting = waiting[~hit]
        if not waiting.size:
            break
    return squares


def _require(truth: Array, prediction: Array, classes: int, radii: Sequence[int]) -> None:
    _require_labels(truth)
    _require_labels(prediction)
    if truth.ndim != 2 or truth.shape != prediction.shape:
        raise ValueError(
            f"truth has shape {truth.shape} and prediction {prediction.shape}: both must be "
            "one (H, W)"
        )
    if not 0 <= classes <= 65536:
        raise ValueError(f"classes lies in 0 ... 65536, not {classes}")
    if any(not low <= radius <= 1000 for low, radius in zip((0, *radii), radii, strict=False)):
        raise ValueError(f"radii lie in 0 ... 1000 and do not fall: {list(radii)}")


def _windowed(values: Array, width: int, combine: np.ufunc, neutral: int) -> Array:
    """Combine the square of 2 width + 1 pixels around every pixel; pixels outside the image are
    `neutral`.
    """
    for axis in (0, 1):
        length, wanted, side = 1, 2 * width + 1, values.shape[axis]
        shape = [
            size + (2 * width if which == axis else 0) for which, size in enumerate(values.shape)
        ]
        padded = np.full(shape, neutral, dtype=values.dtype)
        _cut(padded, axis, width, width + side)[...] = values
        # Runs of doubling length: a window of any size is two overlapping runs of the largest power
        # of two in it.
        while 2 * length <= wanted:
            rest = padded.shape[axis] - length
            padded = combine(_cut(padded, axis, 0, rest), _cut(padded, axis, length, length + rest))
            length *= 2
        second = wanted - length
        values = combine(_cut(padded, axis, 0, side), _cut(padded, axis, second, second + side))
    return values


def _cut(values: Array, axis: int, start: int, stop: int) -> Array:
    return values[start:stop] if axis == 0 else values[:, start:stop]


def _require_labels(labels: Array) -> None:
    if labels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"label maps are uint8 or uint16, not {labels.dtype}")
