"""The kernels over maps of segment ids in NumPy: ids from colours, pairs that share pixels, and
pixels near an edge.

A part of `reference.py`, which is where they are found. Nothing here knows files, classes or
metrics.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Ids: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]


def color_ids(
    colors: np.ndarray[Any, np.dtype[np.uint8]],
) -> tuple[Ids, np.ndarray[tuple[int, int], np.dtype[np.int64]]]:
    """Join colours (H, W, 3) uint8 into ids R + 256 G + 65536 B, and count the pixels of every id.

    Returns the map (H, W) int32, and (F, 2) int64 of id and pixels: the ids that occur, rising.

    >>> ids, counts = color_ids(np.uint8([[[7, 1, 0], [7, 1, 0], [0, 0, 1]]]))
    >>> ids.tolist(), counts.tolist()
    ([[263, 263, 65536]], [[263, 2], [65536, 1]])

    Raises:
        ValueError: another dtype or shape.
    """
    if colors.dtype != np.uint8 or colors.ndim != 3 or colors.shape[2] != 3:
        raise ValueError(
            f"colours are uint8 of shape (H, W, 3), not {colors.dtype} of shape {colors.shape}"
        )
    # Each channel goes into its byte of a word: half the time of shifting and adding wide numbers.
    packed = np.zeros((*colors.shape[:2], 4), dtype=np.uint8)
    for channel in range(3):
        packed[:, :, channel] = colors[:, :, channel]
    ids = packed.view("<i4")[:, :, 0].astype(np.int32, copy=False)
    return ids, np.stack(np.unique(ids, return_counts=True), axis=1).astype(np.int64)


def pair_counts(truth: Ids, prediction: Ids) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Count the pixels of every pair of ids of two maps of one shape; returns (P, 3) int64: truth,
    prediction, pixels.

    Both are int32, in any memory layout. Only pairs that occur are listed, sorted by truth and
    prediction.

    >>> pair_counts(np.int32([[7, 7, 0]]), np.int32([[1, 1, 1]])).tolist()
    [[0, 1, 1], [7, 1, 2]]

    Raises:
        ValueError: shapes that differ, or another dtype.
    """
    _require_ids(truth)
    _require_ids(prediction)
    return _pairs(truth, prediction)


def value_pairs(
    truth: np.ndarray[Any, Any], prediction: np.ndarray[Any, Any]
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Count the pixels of every pair of values of two label maps, uint8 or uint16, as `pair_counts`
    does of ids.

    >>> value_pairs(np.uint16([[26001, 26001, 0]]), np.uint8([[1, 1, 1]])).tolist()
    [[0, 1, 1], [26001, 1, 2]]

    Raises:
        ValueError: shapes that differ, or another dtype.
    """
    for labels in (truth, prediction):
        if labels.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"label maps are uint8 or uint16, not {labels.dtype}")
    return _pairs(truth, prediction)


def _pairs(
    truth: np.ndarray[Any, Any], prediction: np.ndarray[Any, Any]
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    if truth.shape != prediction.shape:
        raise ValueError(
            f"truth has shape {truth.shape} and prediction {prediction.shape}: they must be equal"
        )
    # Sorting every pixel would dominate the time. Neighbours mostly share a pair, so only the first
    # pixel of each run of equal pairs is sorted, and the lengths of the runs are added up.
    keys = (truth.reshape(-1).astype(np.int64) << 32) + prediction.reshape(-1)
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: keys.size])
    runs = np.diff(np.append(starts, keys.size))
    unique_keys, inverse = np.unique(keys[starts], return_inverse=True)
    pixels = np.zeros(len(unique_keys), dtype=np.int64)
    np.add.at(pixels, inverse, runs)
    # The key is truth * 2^32 + prediction. Its low half, read as int32, is the prediction, also a
    # negative one; without it, the high half is the truth.
    second = unique_keys.astype(np.int32)
    return np.stack([(unique_keys - second) >> 32, second.astype(np.int64), pixels], axis=1)


def edge_map(ids: Ids, distance: int) -> Ids:
    """Empty the inside of every segment: returns a copy, (H, W) int32, with -1 where no edge is
    within `distance`.

    A pixel is inside where the square of 2 x `distance` + 1 pixels around it lies in the image and
    holds its id alone: where its chessboard distance to other ids and to the outside of the image
    is larger than `distance`. Pixels of id 0 stay as they are.

    >>> edge_map(np.full((3, 4), 5, np.int32), 1).tolist()
    [[5, 5, 5, 5], [5, -1, -1, 5], [5, 5, 5, 5]]

    Raises:
        ValueError: another dtype, another number of dimensions, or a distance below 1.
    """
    _require_ids(ids)
    if ids.ndim != 2 or distance < 1:
        raise ValueError(
            "edges are found in a map (H, W) up to a distance of 1 or more, not in shape "
            f"{ids.shape} up to {distance}"
        )
    edges = np.array(ids, order="C")
    side = 2 * distance + 1
    if min(ids.shape) < side:
        return edges
    low = high = ids
    for axis in (0, 1):
        low = sliding_window_view(low, side, axis=axis).min(axis=-1)
        high = sliding_window_view(high, side, axis=axis).max(axis=-1)
    # A window has one id alone exactly where its lowest and its highest id are equal.
    middle = edges[distance:-distance, distance:-distance]
    middle[(low == high) & (low != 0)] = -1
    return edges


def _require_ids(ids: Ids) -> None:
    if ids.dtype != np.int32:
        raise ValueError(f"segment ids are int32, not {ids.dtype}")
