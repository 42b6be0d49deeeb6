"""The orientation tag of EXIF, 1 to 8, and how it turns an image upright.

1 is upright; 2 and 4 are mirrored, 3 is upside down; 5 to 8 swap height and width. Nothing here
knows files.
"""

from __future__ import annotations

import numpy as np

from bench.samples import Array

TAG = 0x0112
UPRIGHT = 1
SWAPPING = (5, 6, 7, 8)
"""Tags of images whose stored height is the width when upright."""
_INVERSE = {6: 8, 8: 6}
_SHORT = 3  # the type of a number of 16 bits


def tag_of(exif: bytes) -> int:
    r"""The orientation in a block of EXIF; 1 where there is none or the block is damaged.

    >>> tag_of(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0")
    6
    """
    data = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "little", b"MM": "big"}.get(data[:2])

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], order)  # type: ignore[arg-type]

    if order is None or len(data) < 10:
        return UPRIGHT
    start = number(4, 4)
    for entry in range(start + 2, min(start + 2 + 12 * number(start, 2), len(data) - 11), 12):
        if number(entry, 2) == TAG and number(entry + 2, 2) == _SHORT:
            return valid(number(entry + 8, 2))
    return UPRIGHT


def valid(tag: object) -> int:
    """The tag, or 1 for a value that EXIF does not define."""
    return tag if isinstance(tag, int) and 1 <= tag <= 8 else UPRIGHT


def refusal(tag: int) -> str:
    """Why a label file with this tag is not read."""
    return (
        f"the label file has the EXIF orientation {tag}, so programs display it "
        "rotated; store it upright, without that tag"
    )


def turned(picture: Array, tag: int) -> Array:
    """Turn stored pixels (H, W, ...) upright, as Pillow's `exif_transpose` does."""
    if tag in SWAPPING:
        picture = picture.swapaxes(0, 1)
    if tag in (3, 4, 7, 8):
        picture = picture[::-1]
    if tag in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)


def turned_back(picture: Array, tag: int) -> Array:
    """Turn an upright image back to how it was stored."""
    return turned(picture, _INVERSE.get(tag, tag))
