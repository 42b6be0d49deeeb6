"""Borders between classes in a label map, for all classes in one pass.

Void makes no border. Distances are measured through void to the class behind it. This module knows
arrays, but neither tables nor scores.
"""

from __future__ import annotations

import numpy as np

from bench import kernels
from bench.samples import Array


def near_another_class(labels: Array, void: int, width: int) -> Array:
    """Return which pixels have a pixel of another value within `width` pixels, (H, W) bool.

    `labels` is (H, W) of unsigned integers. `void` is larger than every other value; void pixels
    are near nothing, and nothing is near them. Distance is the chessboard distance, as dilation by
    a square gives it. The frame of the image is not a border.

    >>> near_another_class(np.uint8([[0, 0, 0, 1, 9, 1]]), 9, 3).tolist()
    [[True, True, True, True, False, True]]
    """
    return kernels.near_other_labels(labels, void, width)


def near_frame(size: tuple[int, int], width: int) -> Array:
    """Return which pixels are within `width` pixels of the outside of the image, (H, W) bool.

    >>> near_frame((3, 3), 1).tolist()
    [[True, True, True], [True, False, True], [True, True, True]]
    """
    # Start with everything and cut out the inside; an image narrower than 2 x width is all frame.
    mask = np.ones(size, dtype=bool)
    mask[width : size[0] - width, width : size[1] - width] = False
    return mask


__all__ = ["near_another_class", "near_frame"]
