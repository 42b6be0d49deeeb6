"""Where classes meet in a label map: the pixels near another class, for all classes in one pass.

A pixel that is void makes no boundary: distance is measured through it to what lies behind. This module knows arrays,
neither tables nor scores.
"""

from __future__ import annotations

import numpy as np

from bench.samples import Array


def near_another_class(labels: Array, void: int, width: int) -> Array:
    """Say which pixels have a pixel of another value within `width` pixels (chessboard distance), (H, W) bool.

    `labels` (H, W) of unsigned integers; `void` is larger than every other value: void pixels are near nothing and
    nothing is near them. The frame of the image is no boundary.

    >>> near_another_class(np.uint8([[0, 0, 0, 1, 9, 1]]), 9, 3).tolist()
    [[True, True, True, True, False, True]]
    """
    is_void = labels == void
    lowest = _windowed(labels, width, np.minimum, void)
    highest = _windowed(np.where(is_void, labels.dtype.type(0), labels), width, np.maximum, 0)
    return np.asarray(((lowest != labels) | (highest != labels)) & ~is_void)


def near_frame(size: tuple[int, int], width: int) -> Array:
    """Say which pixels lie within `width` pixels of what is outside the image, (H, W) bool."""
    mask = np.ones(size, dtype=bool)
    mask[width : size[0] - width, width : size[1] - width] = False
    return mask


def _windowed(values: Array, width: int, combine: np.ufunc, neutral: int) -> Array:
    """Combine the square of 2 width + 1 pixels around every pixel; what lies outside the image is `neutral`."""
    for axis in (0, 1):
        length, wanted, side = 1, 2 * width + 1, values.shape[axis]
        shape = [size + (2 * width if which == axis else 0) for which, size in enumerate(values.shape)]
        padded = np.full(shape, neutral, dtype=values.dtype)
        _cut(padded, axis, width, width + side)[...] = values
        # Runs of doubling length: a window of any size is two overlapping runs of the largest power of two in it.
        while 2 * length <= wanted:
            rest = padded.shape[axis] - length
            padded = combine(_cut(padded, axis, 0, rest), _cut(padded, axis, length, length + rest))
            length *= 2
        second = wanted - length
        values = combine(_cut(padded, axis, 0, side), _cut(padded, axis, second, second + side))
    return values


def _cut(values: Array, axis: int, start: int, stop: int) -> Array:
    return values[start:stop] if axis == 0 else values[:, start:stop]


__all__ = ["near_another_class", "near_frame"]
