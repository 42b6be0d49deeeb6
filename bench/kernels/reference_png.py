"""The kernels of PNG rows, in NumPy: undo row filters, and read ids, masks and pairs of values from
the rows.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from bench.kernels.reference_masks import encode_runs
from bench.kernels.reference_segments import Ids, color_ids, pair_counts

Bytes: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.uint8]]
Row: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint8]]


def unfilter(filtered: Any, height: int, stride: int, bytes_per_pixel: int) -> Bytes:
    """Undo the row filters of a PNG (PNG specification, section 9); returns its bytes, shape
    (height, stride) uint8.

    `filtered` holds `height` rows of one filter type byte and `stride` bytes: any bytes-like
    object. `bytes_per_pixel` is 1, 2, 3, 4, 6 or 8 (1 for pixels of less than a byte). Pixels of
    the average and Paeth filters are undone one by one in Python: where this fallback is in use,
    decoding a whole PNG is better left to Pillow.

    >>> unfilter(bytes([1, 5, 0, 1,  2, 0, 0, 1]), 2, 3, 1).tolist()
    [[5, 5, 6], [5, 5, 7]]

    Raises:
        ValueError: another number of bytes, a size that no PNG has, or a filter type above 4 (the
            row is named).
    """
    if bytes_per_pixel not in (1, 2, 3, 4, 6, 8):
        raise ValueError(f"a pixel of a PNG has 1, 2, 3, 4, 6 or 8 bytes, not {bytes_per_pixel}")
    if height < 0 or stride < 0:
        raise ValueError(f"height and stride must not be negative: {height} and {stride}")
    source = np.frombuffer(filtered, dtype=np.uint8)
    if source.size != height * (stride + 1):
        raise ValueError(
            f"{height} rows of 1 + {stride} bytes are {height * (stride + 1)} bytes, not "
            f"{source.size}"
        )
    source = source.reshape(height, stride + 1)
    result = np.zeros((height, stride), dtype=np.uint8)
    above = np.zeros(stride, dtype=np.uint8)
    for y in range(height):
        if source[y, 0] > 4:
            raise ValueError(
                f"row {y} has filter type {source[y, 0]}, which PNG does not know (0 to 4)"
            )
        above = result[y] = _unfilter_row(int(source[y, 0]), source[y, 1:], above, bytes_per_pixel)
    return result


def filtered_ids(
    filtered: Any, height: int, width: int
) -> tuple[Ids, np.ndarray[tuple[int, int], np.dtype[np.int64]]]:
    """Undo the row filters of a PNG of 8-bit RGB and join its colours: `color_ids` of what
    `unfilter` gives.

    >>> ids, counts = filtered_ids(bytes([1, 7, 1, 0, 0, 0, 0]), 1, 2)
    >>> ids.tolist(), counts.tolist()
    ([[263, 263]], [[263, 2]])

    Raises:
        ValueError: as `unfilter`, of rows of 3 x `width` bytes.
    """
    return color_ids(unfilter(filtered, height, 3 * width, 3).reshape(height, width, 3))


def filtered_pair_counts(
    truth: Any, prediction: Any, height: int, width: int, bytes_per_pixel: int
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Count the pixels of every pair of values of two PNGs, from their filtered rows: (P, 3) as
    from `pair_counts`.

    `bytes_per_pixel` is 1 for labels of 8 bits and 3 for the ids of 8-bit RGB, R + 256 G + 65536 B.

    >>> filtered_pair_counts(bytes([1, 7, 0]), bytes([0, 2, 3]), 1, 2, 1).tolist()
    [[7, 2, 1], [7, 3, 1]]

    Raises:
        ValueError: as `unfilter`, or pixels of another size.
    """
    if bytes_per_pixel not in (1, 3):
        raise ValueError(f"pixels of labels have 1 byte and those of ids 3, not {bytes_per_pixel}")
    if bytes_per_pixel == 3:
        return pair_counts(*(filtered_ids(data, height, width)[0] for data in (truth, prediction)))
    return pair_counts(
        *(unfilter(data, height, width, 1).astype(np.int32) for data in (truth, prediction))
    )


def filtered_mask(filtered: Any, height: int, width: int, depth: int) -> tuple[bytes, int]:
    """Return COCO's code of the pixels that are not 0 in the filtered rows of a PNG, and their
    number.

    The PNG has one channel of `depth` bits, 1 or 8.

    >>> filtered_mask(bytes([0, 0, 9, 2, 9, 0]), 2, 2, 8)
    (b'13', 3)

    Raises:
        ValueError: as `unfilter`, or another depth.
    """
    if depth not in (1, 8):
        raise ValueError(f"a mask has 1 or 8 bits a pixel, not {depth}")
    rows = unfilter(filtered, height, width if depth == 8 else (width + 7) // 8, 1)
    inside = rows != 0 if depth == 8 else np.unpackbits(rows, axis=1)[:, :width] != 0
    flat = inside.reshape(-1, order="F")
    # Runs alternate between outside and inside, beginning outside: `prepend=False` makes the first
    # run empty if the first pixel is inside.
    borders = np.flatnonzero(np.diff(flat, prepend=False))
    return encode_runs(np.diff([0, *borders.tolist(), flat.size]).tolist()), int(
        np.count_nonzero(flat)
    )


def _unfilter_row(kind: int, residual: Row, above: Row, bpp: int) -> Row:
    if kind == 0:
        return residual
    if kind == 1:
        row = residual.copy()
        for channel in range(bpp):
            np.add.accumulate(row[channel::bpp], out=row[channel::bpp])
        return row
    if kind == 2:
        return residual + above
    predict = _average if kind == 3 else _paeth
    # Each byte depends on the one `bpp` bytes to its left, so these two filters cannot be undone
    # for a whole row at once. The leading zeros are the pixel to the left of the image.
    values = [0] * bpp + residual.tolist()
    up = [0] * bpp + above.tolist()
    for i in range(bpp, len(values)):
        values[i] = (values[i] + predict(values[i - bpp], up[i], up[i - bpp])) & 255
    return np.array(values[bpp:], dtype=np.uint8)


def _average(left: int, up: int, _: int) -> int:
    return (left + up) >> 1


def _paeth(left: int, up: int, up_left: int) -> int:
    to_left, to_up, to_corner = abs(up - up_left), abs(left - up_left), abs(left + up - 2 * up_left)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else up_left
