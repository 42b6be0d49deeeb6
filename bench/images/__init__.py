"""Images and label maps on disk: decoding, writing, sizes and the nearest-neighbour rule.

This is the door: `reading.py` and `writing.py` do the work.

Label files are read by palette index or grey value, never by colour unless requested. Whether an
image is rotated as its EXIF tag says is decided by `upright.py`; label files with such a tag are
refused. Nothing here knows classes or metrics.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from bench.images.reading import (
    Turn,
    image_size,
    is_color,
    read_color_labels,
    read_labels,
    read_levels,
    read_orientation,
    read_pairs,
    read_palette,
    read_panoptic_ids,
    read_rgb,
)
from bench.images.writing import write_labels, write_panoptic_ids, write_rgb
from bench.samples import Array

ARRAY_SUFFIXES = (".npy", ".npz")
LABEL_SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif", ".webp", *ARRAY_SUFFIXES)
LOSSY_SUFFIXES = (".jpg", ".jpeg")
"""What names of label files may end in as well where the card has a threshold."""
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".gif", ".webp")

_PALETTE_SIZE = 256


def voc_palette() -> Array:
    """The colours of PASCAL VOC, (256, 3) uint8: the bits of the index, dealt out to red, green and
    blue in turn.

    >>> voc_palette()[[1, 15, 255]].tolist()
    [[128, 0, 0], [192, 128, 128], [224, 224, 192]]
    """
    index = np.arange(_PALETTE_SIZE)
    palette = np.zeros((_PALETTE_SIZE, 3), dtype=np.uint8)
    for bit in range(8):
        palette[:, bit % 3] |= ((index >> bit & 1) << (7 - bit // 3)).astype(np.uint8)
    return palette


def resize_nearest(labels: Array, size: tuple[int, int]) -> Array:
    """Resize a label map (H, W) to `size` without inventing labels; equal to Pillow's NEAREST to
    the pixel.

    Row i of the result is row floor((i + 0.5) H / height), pixel centre to pixel centre; likewise
    for columns. Where that is a whole number (ties, common when 320 becomes 500) the result hangs
    on rounding: positions are summed in double precision step by step, as Pillow does, because most
    published predictions were resized that way.

    >>> resize_nearest(np.uint8([[1, 2]]), (1, 4)).tolist()
    [[1, 1, 2, 2]]
    """
    if labels.shape[:2] == tuple(size):
        return labels
    rows, columns = (_nearest(old, new) for old, new in zip(labels.shape, size, strict=False))
    return cast("Array", labels[rows][:, columns])


def _nearest(old: int, new: int) -> Array:
    steps = np.full(new, old / new)
    steps[:1] *= 0.5
    return np.minimum(np.add.accumulate(steps).astype(np.intp), old - 1)


__all__ = [
    "ARRAY_SUFFIXES",
    "IMAGE_SUFFIXES",
    "LABEL_SUFFIXES",
    "LOSSY_SUFFIXES",
    "Turn",
    "image_size",
    "is_color",
    "read_color_labels",
    "read_labels",
    "read_levels",
    "read_orientation",
    "read_pairs",
    "read_palette",
    "read_panoptic_ids",
    "read_rgb",
    "resize_nearest",
    "voc_palette",
    "write_labels",
    "write_panoptic_ids",
    "write_rgb",
]
