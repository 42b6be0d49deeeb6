"""Sliding windows: a network predicts a large image window by window; overlaps are averaged.

The windows are those of mmsegmentation's `slide_inference`: equal strides from the upper left, the
last window of a row or column shifted back into the image.

    length 10, window 4, overlap 0.5:   |----|      starts 0, 2, 4, 6
                                          |----|
                                            |----|
                                              |----|

This module knows tensors, and neither classes nor how images are prepared.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def starts(length: int, window: int, overlap: float) -> list[int]:
    """Where windows start along one side so that they cover it.

    Neighbours share at least the fraction `overlap`; a window longer than the side starts at 0.

    >>> starts(10, 4, 0.5), starts(9, 4, 0.5), starts(3, 4, 0.5), starts(8, 4, 0.0)
    ([0, 2, 4, 6], [0, 2, 4, 5], [0], [0, 4])
    """
    step = max(1, int(window * (1 - overlap)))
    last = max(0, length - window)
    return [*range(0, last, step), last]


def slide(
    forward: Callable[[Tensor], Tensor], pixels: Tensor, window: tuple[int, int], overlap: float
) -> Tensor:
    """Average the logits of all windows, (N, C, H, W), for pixels (N, 3, H, W).

    `forward` returns logits of the same height and width as its input. All images of the batch go
    through each window together, so that the memory of one window per image is enough. An image
    that fits into one window is predicted as a whole.
    """
    height, width = pixels.shape[-2:]
    rows, columns = starts(height, window[0], overlap), starts(width, window[1], overlap)
    if len(rows) == len(columns) == 1:
        return forward(pixels)
    total: Tensor | None = None
    counts = torch.zeros((height, width), device=pixels.device)
    for top in rows:
        for left in columns:
            window_pixels = (..., slice(top, top + window[0]), slice(left, left + window[1]))
            logits = forward(pixels[window_pixels])
            if total is None:
                total = logits.new_zeros((*logits.shape[:2], height, width))
            total[window_pixels] += logits
            counts[window_pixels] += 1
    return total.div_(counts) if total is not None else forward(pixels)
