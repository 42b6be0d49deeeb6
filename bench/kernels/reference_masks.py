"""The kernels of masks in COCO's code, in NumPy: run lengths as text, and masks laid over a map.
See `reference.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def labels_under(labels: Array, codes: Sequence[bytes], columns: Array, count: int) -> Array:
    """Count the pixels of a map (H, W) under each of D masks by the column of their label; (D,
    count) int64.

    `labels` are uint8 or uint16, `codes` COCO's of masks of their size, `columns` int32: label v
    counts in column `columns[v]`, and not at all where that is negative or there is none.

    >>> columns = np.int32([-1] * 7 + [0])
    >>> labels_under(np.uint8([[7, 7], [7, 5]]), [b"13", b"4"], columns, 1).tolist()
    [[2], [0]]

    Raises:
        ValueError: labels of another kind, a column that is not below `count`, or a code that is
            damaged or of another size.
    """
    if labels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"label maps are uint8 or uint16, not {labels.dtype}")
    if labels.ndim != 2 or count < 0:
        raise ValueError("a map (H, W) and a number of columns are needed")
    if columns.size and int(columns.max()) >= count:
        raise ValueError("a column lies beyond the last one")
    column_of = np.full(1 + max(int(labels.max(initial=0)), len(columns)), -1)
    column_of[: len(columns)] = columns
    flat = column_of[labels.reshape(-1, order="F")]
    result = np.zeros((len(codes), count), dtype=np.int64)
    for row, code in enumerate(codes):
        runs = _runs(code)
        if runs is None or min(runs, default=0) < 0 or sum(runs) != flat.size:
            raise ValueError("a code is damaged, or is not of the size of the map")
        under = flat[np.repeat(np.arange(len(runs)) % 2 == 1, runs)]
        result[row] = np.bincount(under[under >= 0], minlength=count)
    return result


def encode_runs(runs: list[int]) -> bytes:
    """Five bits a character, the lowest first; from the fourth run on, differences to the run two
    places before.

    A character is 48 + 32 * more + digit, where the digit holds five bits:

        run 37  =  00001 00101 in binary  ->  digits 5, 1  ->  48 + 32 + 5, 48 + 1  ->  "U1"
    """
    characters = []
    for index, run in enumerate(runs):
        # Runs of one kind are similar in neighbouring columns, so differences are small numbers.
        value, more = run - (runs[index - 2] if index > 2 else 0), True
        while more:
            # Bit 5 says that more digits follow; the highest bit of the last digit is the sign.
            digit = value & 31
            value >>= 5
            more = value != (-1 if digit & 16 else 0)
            characters.append(48 + digit + 32 * more)
    return bytes(characters)


def _runs(code: bytes) -> list[int] | None:
    """The runs of a code; None for one that is damaged."""
    runs: list[int] = []
    value = bits = 0
    for character in code:
        digit = character - 48
        if not 0 <= digit <= 63 or bits >= 35:
            return None
        value |= (digit & 31) << bits
        bits += 5
        if digit & 32:
            continue
        value -= (1 << bits) if digit & 16 else 0
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = bits = 0
    return None if bits else runs
