"""From the values of a decoded file to a label map: one value per pixel, or the first pixel at
which there is none.

Grey values that programs store as equal channels are grey values. Nothing here knows files, classes
or the card.
"""

from __future__ import annotations

import numpy as np

from bench.samples import Array

LARGEST = 65535
"""The largest value of a label map."""


class NoLabelsError(ValueError):
    """An image that can be read but that cannot hold what was asked for; the message does not name
    the file.
    """


def single(values: Array) -> Array:
    """The one value per pixel of channels that say the same: (H, W, C) to (H, W); opaque alpha is
    left out.

    >>> single(np.uint8([[[7, 7, 7, 255], [9, 9, 9, 255]]])).tolist()
    [[7, 9]]

    Raises:
        NoLabelsError: a pixel with a colour, or one that is not opaque.
    """
    channels = values.shape[2]
    if channels in (2, 4):
        opaque = np.iinfo(values.dtype).max
        at = _first(values[..., -1] != opaque)
        if at is not None:
            alpha = int(values[at][-1])
            raise NoLabelsError(
                f"the pixel at {_place(at)} is transparent (alpha {alpha} of {opaque}); a "
                "label map has no transparency"
            )
    if channels >= 3:
        at = _first((values[..., 0] != values[..., 1]) | (values[..., 1] != values[..., 2]))
        if at is not None:
            color = tuple(int(channel) for channel in values[at][:3])
            raise NoLabelsError(
                f"this is a colour image (the pixel at {_place(at)} is {color}) where a label map "
                "is expected (palette index or grey value = label)"
            )
    return np.ascontiguousarray(values[..., 0])


def whole(values: Array) -> Array:
    """Labels (H, W), uint8 or uint16, from whole numbers of any type.

    Raises:
        NoLabelsError: a value that is not a whole number from 0 to 65535; the message names its row
            and column.
    """
    if values.dtype.kind == "f":
        at = _first(~np.isfinite(values) | (values != np.rint(values)))
        if at is not None:
            raise NoLabelsError(
                f"the value {values[at]:g} at {_place(at)} is not a whole number, so it is not a "
                "label; if these are scores or probabilities, take the argmax over the classes "
                "first"
            )
    at = (
        _first((values < 0) | (values > LARGEST))
        if values.dtype not in (np.bool_, np.uint8, np.uint16)
        else None
    )
    if at is not None:
        raise NoLabelsError(
            f"the value {values[at]:g} at {_place(at)} is not a label: labels are 0 to {LARGEST}"
        )
    if values.dtype == np.uint16:
        return values.astype(np.uint16)
    return values.astype(np.uint8 if int(values.max(initial=0)) <= 255 else np.uint16)


def _first(wrong: Array) -> tuple[int, int] | None:
    """Row and column of the first pixel that is marked."""
    if not wrong.any():
        return None
    row, column = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    return int(row), int(column)


def _place(at: tuple[int, int]) -> str:
    return f"row {at[0]}, column {at[1]}"
