"""The kernel that finds the boundaries of masks in NumPy: the pixels that an erosion takes away.
See `reference.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def boundary_runs(
    offsets: Array, lengths: Array, heights: Array, *, rows: Array, widths: Array
) -> tuple[Array, Array]:
    """Return the boundary of each mask in `rows` as runs: offsets (len(rows) + 1,) int64 and
    lengths uint32.

    Masks are as in `columns.Runs`. A pixel inside is boundary if one outside, or the frame, is
    within `widths` pixels of it (chessboard distance; int64, at least 1, one for each row). A row
    of -1 is a mask without pixels.

    >>> lengths, one = np.uint32([0, 16]), np.int64([1])
    >>> rows = np.int64([0])
    >>> boundary_runs(np.int64([0, 2]), lengths, np.int32([4]), rows=rows, widths=one)[1].tolist()
    [0, 5, 2, 2, 2, 5]
    """
    if len(rows) != len(widths):
        raise ValueError("there is one width for each row")
    boundaries: list[Array] = []
    for row, width in zip(rows.tolist(), widths.tolist(), strict=True):
        if row >= len(heights):
            raise ValueError("a row lies outside its columns")
        if row >= 0 and (width < 1 or heights[row] < 1):
            raise ValueError("widths and heights are at least 1")
        runs = lengths[offsets[row] : offsets[row + 1]] if row >= 0 else lengths[:0]
        boundaries.append(
            _boundary(runs.astype(np.int64), int(heights[row]) if row >= 0 else 1, width)
        )
    starts = np.cumsum([0, *(len(boundary) for boundary in boundaries)], dtype=np.int64)
    return starts, np.concatenate([np.zeros(0, np.uint32), *boundaries])


def _boundary(runs: Array, height: int, width: int) -> Array:
    if runs.sum() % height:
        raise ValueError("the runs of a mask sum to whole columns")
    mask = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(-1, height)
    flat = (mask & ~_eroded(mask, width)).reshape(-1)
    if not flat.size:
        return np.zeros(0, np.uint32)
    borders = np.flatnonzero(np.diff(flat, prepend=False))
    return np.diff(np.concatenate([[0], borders, [flat.size]])).astype(np.uint32)


def _eroded(mask: Array, width: int) -> Array:
    """Which pixels have no pixel outside within `width`: along one axis, then along the other.

    A square window is two passes over lines. In a line, cumulated counts of pixels outside give the
    number in a window of 2 width + 1 pixels as the difference of two of them.
    """
    for axis in (0, 1):
        outside = np.cumsum(
            np.pad(~mask, [(width + 1, width) if a == axis else (0, 0) for a in (0, 1)]), axis=axis
        )
        size = mask.shape[axis]
        index = np.arange(size)
        near = np.take(outside, index + 2 * width + 1, axis=axis) - np.take(
            outside, index, axis=axis
        )
        within = (index >= width) & (index < size - width)
        mask = (near == 0) & (within[:, None] if axis == 0 else within)
    return mask
