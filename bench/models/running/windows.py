"""Sliding windows: a network sees a large image piece by piece, and its logits are averaged where pieces overlap.

The places are those of mmsegmentation's `slide_inference`: equal steps from the upper left, the last window of a row or
column shifted back into the image. This module knows tensors and neither classes nor how images are prepared.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def places(length: int, window: int, overlap: float) -> list[int]:
    """Where windows begin along one side so that they cover it; a window longer than the side begins at 0.

    Neighbours share at least the fraction `overlap`.

    >>> places(10, 4, 0.5), places(9, 4, 0.5), places(3, 4, 0.5), places(8, 4, 0.0)
    ([0, 2, 4, 6], [0, 2, 4, 5], [0], [0, 4])
    """
    step = max(1, int(window * (1 - overlap)))
    last = max(0, length - window)
    return [*range(0, last, step), last]


def slide(forward: Callable[[Tensor], Tensor], pixels: Tensor, window: tuple[int, int], overlap: float) -> Tensor:
    """Average the logits of all windows, (N, C, H, W), for pixels (N, 3, H, W).

    `forward` answers pixels with logits of the same height and width. All images of the batch share each step, so that
    it needs the memory of one window an image. An image that one window covers is answered as a whole.
    """
    height, width = pixels.shape[-2:]
    rows, columns = places(height, window[0], overlap), places(width, window[1], overlap)
    if len(rows) == len(columns) == 1:
        return forward(pixels)
    total: Tensor | None = None
    seen = torch.zeros((height, width), device=pixels.device)
    for top in rows:
        for left in columns:
            piece = (..., slice(top, top + window[0]), slice(left, left + window[1]))
            logits = forward(pixels[piece])
            if total is None:
                total = logits.new_zeros((*logits.shape[:2], height, width))
            total[piece] += logits
            seen[piece] += 1
    return total.div_(seen) if total is not None else forward(pixels)
