"""Where classes meet in a label map: the pixels near another class, for all classes in one pass.

A pixel that is void makes no boundary: distance is measured through it to what lies behind. This module knows arrays,
neither tables nor scores.
"""

from __future__ import annotations

import numpy as np

from bench import kernels
from bench.samples import Array


def near_another_class(labels: Array, void: int, width: int) -> Array:
    """Say which pixels have a pixel of another value within `width` pixels (chessboard distance), (H, W) bool.

    `labels` (H, W) of unsigned integers; `void` is larger than every other value: void pixels are near nothing and
    nothing is near them. The frame of the image is no boundary.

    >>> near_another_class(np.uint8([[0, 0, 0, 1, 9, 1]]), 9, 3).tolist()
    [[True, True, True, True, False, True]]
    """
    return kernels.near_other_labels(labels, void, width)


def near_frame(size: tuple[int, int], width: int) -> Array:
    """Say which pixels lie within `width` pixels of what is outside the image, (H, W) bool."""
    mask = np.ones(size, dtype=bool)
    mask[width : size[0] - width, width : size[1] - width] = False
    return mask


__all__ = ["near_another_class", "near_frame"]
